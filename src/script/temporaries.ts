/** The variables that compiled functions need for themselves. */

import type { Node } from "./ast.ts";

/** Counts the temporaries of each function, or module, of a text. */
export class Temporaries {
  readonly #prefix: string;
  readonly #counts = new Map<Node, number>();
  readonly #hoisted = new Set<Node>();

  /** @param prefix Begins their names. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The temporary that serves wherever nothing else can run between its two uses. */
  shared(fn: Node): string {
    return this.#temporary(fn, 0);
  }

  /** A temporary that nothing else uses. */
  fresh(fn: Node): string {
    return this.#temporary(fn, this.#counts.get(fn) ?? 1);
  }

  /** `let …;` for a function's temporaries, at its body's head. */
  declaration(fn: Node): string {
    return this.#hoisted.has(fn) ? "" : this.#declaration(fn);
  }

  /** The same text for a place before the body, where the caller puts it; ask when all in the function is known. */
  hoist(fn: Node): () => string {
    this.#hoisted.add(fn);
    return () => this.#declaration(fn);
  }

  #declaration(fn: Node): string {
    const count = this.#counts.get(fn) ?? 0;
    if (count === 0) return "";
    return `let ${Array.from({ length: count }, (_, index) => `${this.#prefix}${index}`)};`;
  }

  #temporary(fn: Node, index: number): string {
    this.#counts.set(fn, Math.max(this.#counts.get(fn) ?? 1, index + 1));
    return `${this.#prefix}${index}`;
  }
}
