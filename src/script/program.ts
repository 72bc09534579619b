/** A script after loading, linking and compiling: what is sent once to each worker. Structured-cloneable. */

/** How a module runs: as an ES module, as a CommonJS one, or as an ES module made of a data file (JSON, text). */
export type ModuleFormat = "module" | "commonjs" | "data";

/** Where a `require()` or `import()` leads. */
export type DependencyTarget =
  | { readonly kind: "module"; readonly index: number }
  | { readonly kind: "builtin"; readonly specifier: string }
  /** Nowhere, which is an error where it is reached. */
  | { readonly kind: "missing"; readonly message: string };

/** One module, compiled to the text of a function expression. Its lines are the author's lines. */
export interface ProgramModule {
  /** `file:///…` (or `file:///-` for standard input); names the module in stack traces. */
  readonly url: string;
  readonly format: ModuleFormat;
  /** Text of one function expression; evaluated once a worker, called once a virtual user. */
  readonly code: string;
  /**
   * Where columns moved: triples (line, column in `code`, columns to subtract from there on to the line's end or the next entry), flat, sorted; lines and columns count from 1.
   */
  readonly columnEdits: Int32Array;
  /** Leads from there to the author's own source: of bundled scripts, and of TypeScript that is more than types. */
  readonly sourceMap: ScriptSourceMap | undefined;
  /** Indexes of the modules that it imports by declarations, in the order of evaluation. */
  readonly imports: readonly number[];
  /** Where its calls lead: `require ./x.js` and `import ./x.js` by kind and specifier. */
  readonly dynamic: Readonly<Record<string, DependencyTarget>>;
}

/** A source map, as far as positions go (revision 3). */
export interface ScriptSourceMap {
  /** URLs. */
  readonly sources: readonly string[];
  /** Base64 VLQ. */
  readonly mappings: string;
}

/** The whole closed world of a script. */
export interface Program {
  /** Imported modules before their importers, but for cycles. The last one is the script itself. */
  readonly modules: readonly ProgramModule[];
  /** Every `k6…` module that the script imports. */
  readonly builtins: readonly string[];
  /** Whether the script may read pages: the name of a method of `Response` that does so stands in its text. */
  readonly readsPages: boolean;
  /** Whether the script might change bytes of an ArrayBuffer that it is given; false only where it certainly can't. */
  readonly mayWriteBytes: boolean;
  /** Names that the script exports, `default` included. */
  readonly exports: readonly string[];
}

/** What one virtual user's instance of the program needs from its host. */
export interface ProgramHost {
  /** The object of a built-in module (`k6/http`); its `default` property, if any, is what a default import means, else the object itself. */
  builtin(specifier: string): Readonly<Record<string, unknown>>;
  /** Values of the script's free globals; read anew at each use, so `__ITER` may change. */
  readonly globals: ProgramGlobals;
}

/** The k6 globals that belong to a virtual user. `__ITER` is undefined in the init stage. */
export interface ProgramGlobals {
  readonly __VU: number;
  readonly __ITER: number | undefined;
  readonly __ENV: Record<string, string>;
}

/**
 * A mistake in the script found before it runs. `message` is complete: what, `file:line:column`, and (where there is
 * source to show) a code frame on further lines.
 */
export class ScriptError extends Error {
  override name = "ScriptError";
  /** Whether the script itself, not one of its imports, can't be read. */
  readonly isMissingScript: boolean;

  constructor(message: string, { isMissingScript = false } = {}) {
    super(message);
    this.isMissingScript = isMissingScript;
  }
}
