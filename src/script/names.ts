/** The names that compiled texts use beside the author's. */

/** The names that compiled text uses; none of them occurs in the author's text. */
export interface Names {
  /** The runtime (runtime.ts). */
  readonly runtime: string;
  /** This virtual user's instance (instantiate.ts). */
  readonly instance: string;
  /** The default export, when it has no name. */
  readonly default: string;
  /** Ends the name of a suspending form. */
  readonly suffix: string;
  readonly temporary: string;
  readonly arguments: string;
  readonly super: string;
  /** `new.target` of the function around. */
  readonly target: string;
}

/** Names that begin with the first of `$k`, `$k_`, `$k__` … that `text` does not contain. */
export function reserveNames(text: string): Names {
  let prefix = "$k";
  while (text.includes(prefix)) prefix += "_";
  return {
    runtime: prefix,
    instance: `${prefix}I`,
    default: `${prefix}D`,
    suffix: `${prefix}s`,
    temporary: `${prefix}T`,
    arguments: `${prefix}A`,
    super: `${prefix}P`,
    target: `${prefix}N`,
  };
}
