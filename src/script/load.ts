/** File to program: reads a script and all that it imports, and has it linked and compiled. */

import { dirname, fromFileUrl, toFileUrl } from "./file_url.ts";
import type { Node, NodeOf } from "./ast.ts";
import { type Dependency, link, ParsedModule } from "./link.ts";
import { parseModule } from "./parse.ts";
import { type Program, ScriptError, type ScriptSourceMap } from "./program.ts";
import type { Source } from "./source.ts";
import { parseSourceMap, sourceMapUrl, textOfDataUrl } from "./source_map.ts";
import { isTypeScript } from "./typescript.ts";

/** Where the script comes from. */
export type Entry = { readonly path: string } | { readonly stdin: string };

/** The world around the loader. */
export interface LoadHost {
  /** Text of a file; rejects as `Deno.readTextFile` does. */
  readTextFile(path: string): Promise<string>;
  /** Absolute path that relative paths start from. */
  readonly cwd: string;
  /** Is told what the user should know although the script can run. */
  warn(message: string): void;
  /** Names of the modules that the API provides. */
  readonly builtins: readonly string[];
}

/** Built-in modules that exist so far. */
export const BUILTIN_MODULES: readonly string[] = [
  "k6",
  "k6/http",
  "k6/metrics",
  "k6/data",
  "k6/execution",
  "k6/timers",
];

/**
 * Loads a script with everything that it imports.
 *
 * @throws {ScriptError} For every mistake in the script or its imports; the message is complete.
 */
export async function loadProgram(entry: Entry, host: Partial<LoadHost> = {}): Promise<Program> {
  const loader = new Loader({
    readTextFile: host.readTextFile ?? ((path) => Deno.readTextFile(path)),
    warn: host.warn ?? (() => {}),
    cwd: host.cwd ?? Deno.cwd(),
    builtins: host.builtins ?? BUILTIN_MODULES,
  });
  return link(await loader.load(entry));
}

class Loader {
  readonly #host: LoadHost;
  readonly #modules = new Map<string, ParsedModule>();
  /** Modules in the order of evaluation. */
  readonly #ordered: ParsedModule[] = [];

  constructor(host: LoadHost) {
    this.#host = host;
  }

  async load(entry: Entry): Promise<readonly ParsedModule[]> {
    const cwd = toFileUrl(`${this.#host.cwd}/`);
    if ("stdin" in entry) {
      // Imports of a script from standard input start at the working directory.
      await this.#add(toFileUrl("/-"), entry.stdin, "if-needed", cwd);
    } else {
      const url = new URL(toRelativeUrl(entry.path), cwd).href;
      const text = await this.#read(url, `The script "${entry.path}"`);
      await this.#add(url, text, isTypeScript(url), dirname(url));
    }
    return this.#ordered;
  }

  async #add(url: string, text: string, typescript: boolean | "if-needed", base: string): Promise<ParsedModule> {
    const { source, program, typescript: erased } = parseModule(url, text, typescript);
    const module = new ParsedModule(source, program, erased, await this.#sourceMap(source));
    this.#modules.set(url, module);
    for (const { node } of module.scope.free) {
      if (node.name === "require" || node.name === "module" || node.name === "exports") {
        throw source.error("k6d cannot run CommonJS yet; use import and export", node.start);
      }
    }
    for (const node of program.body) {
      const specifier = specifierOf(node);
      if (!specifier || node.type === "ImportDeclaration" && !module.keepsImport(node)) continue;
      const name = String(specifier.value);
      if (!module.dependencies.has(name)) module.dependencies.set(name, await this.#resolve(module, specifier, base));
    }
    this.#ordered.push(module);
    return module;
  }

  /** The source map that a bundled file names; what can't be read is said and then left out, as in k6. */
  async #sourceMap({ url, original }: Source): Promise<ScriptSourceMap | undefined> {
    const named = sourceMapUrl(original);
    if (named === undefined) return undefined;
    if (named.startsWith("data:")) return this.#parseMap(url, () => textOfDataUrl(named), url);
    const mapUrl = URL.parse(named, url)?.href;
    if (!mapUrl?.startsWith("file:")) return undefined;
    try {
      const text = await this.#host.readTextFile(fromFileUrl(mapUrl));
      return this.#parseMap(url, () => text, mapUrl);
    } catch (error) {
      this.#host.warn(`Couldn't read the source map of ${url}: ${(error as Error).message}`);
      return undefined;
    }
  }

  #parseMap(url: string, json: () => string, mapUrl: string): ScriptSourceMap | undefined {
    try {
      return parseSourceMap(json(), mapUrl);
    } catch (error) {
      this.#host.warn(`Couldn't use the source map of ${url}: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #resolve(importer: ParsedModule, node: NodeOf<"Literal">, base: string): Promise<Dependency> {
    const specifier = String(node.value);
    const fail = (message: string) => importer.source.error(message, node.start);
    if (specifier === "k6" || specifier.startsWith("k6/")) {
      if (this.#host.builtins.includes(specifier)) return { kind: "builtin", specifier };
      throw fail(`k6d has no module "${specifier}" (yet); it has ${this.#host.builtins.join(", ")}`);
    }
    if (/^https?:\/\//.test(specifier)) {
      throw fail(
        `k6d cannot import from the network yet: "${specifier}"; save the file beside the script and import "./…"`,
      );
    }
    if (!/^(\.{1,2}\/|\/|file:\/\/)/.test(specifier)) {
      throw fail(`The moduleSpecifier "${specifier}" couldn't be recognised as something k6 supports.`);
    }
    const url = new URL(toRelativeUrl(specifier), base).href;
    const known = this.#modules.get(url);
    if (known) return { kind: "module", module: known };
    if (url.endsWith(".json")) {
      throw fail(`k6d cannot import JSON: "${specifier}"; read it with JSON.parse(open("${specifier}"))`);
    }
    let text: string;
    try {
      text = await this.#read(url, `The module "${specifier}"`);
    } catch (error) {
      throw error instanceof ScriptError ? fail(error.message) : error;
    }
    return { kind: "module", module: await this.#add(url, text, isTypeScript(url), dirname(url)) };
  }

  async #read(url: string, what: string): Promise<string> {
    const path = fromFileUrl(url);
    try {
      const text = await this.#host.readTextFile(path);
      return text.startsWith("\ufeff") ? text.slice(1) : text;
    } catch (error) {
      // For an import the caller makes another error, which has its position.
      const fail = (message: string) => new ScriptError(`${what} ${message}`, { isMissingScript: true });
      if (error instanceof Deno.errors.NotFound) throw fail(`couldn't be found on local disk (${path})`);
      if (error instanceof Deno.errors.IsADirectory) throw fail(`is a directory, not a file (${path})`);
      if (error instanceof Error) throw fail(`couldn't be read (${path}): ${error.message}`);
      throw error;
    }
  }
}

function specifierOf(node: Node): NodeOf<"Literal"> | undefined {
  if (node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration") return node.source;
  return node.type === "ExportNamedDeclaration" ? node.source ?? undefined : undefined;
}

/** A path or specifier as a URL reference: what has a meaning in URLs but not in paths is escaped. */
function toRelativeUrl(path: string): string {
  if (path.startsWith("file://")) return path;
  const escaped = path.replace(/[%?#]/g, encodeURIComponent);
  return /^[a-z][a-z0-9+.-]*:/i.test(escaped) ? `./${escaped}` : escaped;
}
