/** File to program: reads a script and all that it imports, and has it linked and compiled. */

import { fromFileUrl, toFileUrl } from "./file_url.ts";
import type { Node, NodeOf } from "./ast.ts";
import { link } from "./link.ts";
import { Packages } from "./packages.ts";
import { parseData, type ParsedSource, parseModule } from "./parse.ts";
import { type Dependency, ParsedModule, requestKind, requestOf, requestPatternOf } from "./parsed_module.ts";
import { type Program, ScriptError, type ScriptSourceMap } from "./program.ts";
import { absentModule } from "./removed_modules.ts";
import { type RequestKind, resolveSpecifier, toUrl } from "./resolve.ts";
import type { Source } from "./source.ts";
import { parseSourceMap, sourceMapUrl, textOfDataUrl } from "./source_map.ts";
import { isTypeScript } from "./typescript.ts";
import { Unresolved } from "./unresolved.ts";

/** Where the script comes from: a path or an `https:` URL, or its text. */
export type Entry = { readonly path: string } | { readonly stdin: string };

/** The world around the loader. */
export interface LoadHost {
  /** Text of a file; rejects as `Deno.readTextFile` does. */
  readTextFile(path: string): Promise<string>;
  /** Names of the files in a folder; empty when there is none. */
  listFolder(path: string): Promise<readonly string[]>;
  /** The path without symbolic links. */
  realPath(path: string): Promise<string>;
  /** Text of a module at an `https:` URL; rejects with `Unresolved`. */
  readRemote(url: string): Promise<string>;
  /** Absolute path that relative paths start from. */
  readonly cwd: string;
  /** Whether a debugger watches: then compiled texts hold what shows it the author's. */
  readonly inspected: boolean;
  /** Is told what the user should know although the script can run. */
  warn(message: string): void;
  /** Names of the modules that the API provides. */
  readonly builtins: readonly string[];
}

/** Built-in modules that exist so far. */
export const BUILTIN_MODULES: readonly string[] = [
  "k6",
  "k6/http",
  "k6/html",
  "k6/metrics",
  "k6/data",
  "k6/encoding",
  "k6/execution",
  "k6/crypto",
  "k6/crypto/x509",
  "k6/experimental/csv",
  "k6/experimental/fs",
  "k6/secrets",
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
    listFolder: host.listFolder ?? (() => Promise.resolve([])),
    realPath: host.realPath ?? ((path) => Deno.realPath(path)),
    readRemote: host.readRemote ??
      ((url) => Promise.reject(new Unresolved(`"${url}" can't be read: there is no network here`))),
    inspected: host.inspected ?? false,
    warn: host.warn ?? (() => {}),
    cwd: host.cwd ?? Deno.cwd(),
    builtins: host.builtins ?? BUILTIN_MODULES,
  });
  try {
    return link(await loader.load(entry), host);
  } catch (error) {
    if (!(error instanceof RangeError) || !error.message.includes("call stack")) throw error;
    throw new ScriptError(
      "The script nests its code too deeply to be compiled (thousands of levels, as in a very long chain of else-ifs or +)",
    );
  }
}

/** What a file is read as. */
type ContentType = "script" | "script-of-any-language" | "json" | "text";

class Loader {
  readonly #host: LoadHost;
  readonly #packages: Packages;
  /** By URL, and by URL and type for what is read as text. */
  readonly #modules = new Map<string, ParsedModule>();
  /** In the order of evaluation. */
  readonly #ordered: ParsedModule[] = [];

  constructor(host: LoadHost) {
    this.#host = host;
    this.#packages = new Packages((url) => this.#readIfPresent(url), host.realPath);
  }

  async load(entry: Entry): Promise<readonly ParsedModule[]> {
    const cwd = toFileUrl(`${this.#host.cwd}/`);
    if ("stdin" in entry) {
      // Imports of a script from standard input start at the working directory.
      await this.#add(toFileUrl("/-"), entry.stdin, "script-of-any-language", cwd);
      return this.#ordered;
    }
    const url = entry.path.startsWith("https://") ? new URL(entry.path).href : toUrl(entry.path, cwd);
    let text: string;
    try {
      text = await this.#read(url, `The script "${entry.path}"`);
    } catch (error) {
      throw error instanceof Unresolved ? new ScriptError(error.message, { isMissingScript: true }) : error;
    }
    await this.#add(url, text, "script", url);
    return this.#ordered;
  }

  /** @param base What its relative specifiers start from. */
  async #add(url: string, text: string, type: ContentType, base: string): Promise<ParsedModule> {
    const parsed = parse(url, text, type);
    const map = parsed.format === "data" ? undefined : await this.#sourceMap(parsed.source);
    const module = new ParsedModule(parsed, base, map);
    this.#modules.set(type === "text" ? `${url} as text` : url, module);
    for (const node of module.program.body) {
      const source = sourceOf(node);
      if (!source || node.type === "ImportDeclaration" && !module.keepsImport(node)) continue;
      module.dependencies.set(node, await this.#imported(module, node as ImportStatement, source, base));
    }
    for (const node of [...module.requireCalls(), ...module.scope.importCalls]) {
      const specifier = requestOf(node);
      const kind = requestKind(node);
      if (specifier !== undefined) {
        module.dependencies.set(node, await this.#optional(specifier, base, kind));
        continue;
      }
      for (const candidate of await this.#candidates(node, base)) {
        const request = `${kind} ${candidate}`;
        if (!module.candidates.has(request)) {
          module.candidates.set(request, await this.#optional(candidate, base, kind));
        }
      }
    }
    this.#ordered.push(module);
    return module;
  }

  async #imported(
    importer: ParsedModule,
    node: ImportStatement,
    source: NodeOf<"Literal">,
    base: string,
  ): Promise<Dependency> {
    try {
      return await this.#dependency(String(source.value), base, "import", attributeType(node));
    } catch (error) {
      throw error instanceof Unresolved ? importer.source.error(error.message, source.start) : error;
    }
  }

  /** Of `require()` and `import()`, which may never be reached: what is wrong is said when they are. */
  async #optional(specifier: string, base: string, kind: RequestKind): Promise<Dependency> {
    const before = this.#ordered.length;
    const known = new Set(this.#modules.keys());
    try {
      return await this.#dependency(specifier, base, kind, undefined);
    } catch (error) {
      if (!(error instanceof Unresolved || error instanceof ScriptError)) throw error;
      // What was loaded on the way may refer to what could not be.
      this.#ordered.length = before;
      for (const key of this.#modules.keys()) if (!known.has(key)) this.#modules.delete(key);
      return { kind: "missing", message: error.message };
    }
  }

  /** What a specifier that is put together at run time may turn out to be. */
  async #candidates(node: NodeOf<"CallExpression" | "ImportExpression">, base: string): Promise<string[]> {
    const pattern = requestPatternOf(node);
    if (!pattern || base.startsWith("https:")) return [];
    const { folder, specifiers } = pattern;
    const all = folder.startsWith("k6/")
      ? this.#host.builtins
      : (await this.#host.listFolder(fromFileUrl(toUrl(folder, base)))).map((name) => folder + name).sort();
    return all.filter((specifier) => specifiers.test(specifier));
  }

  async #dependency(
    specifier: string,
    base: string,
    kind: RequestKind,
    attribute: string | undefined,
  ): Promise<Dependency> {
    const resolution = resolveSpecifier(specifier, base);
    let url: string;
    switch (resolution.kind) {
      case "builtin":
        if (this.#host.builtins.includes(specifier)) return resolution;
        throw new Unresolved(absentModule(specifier, this.#host.builtins));
      case "error":
        throw new Unresolved(resolution.message);
      case "package":
        url = await this.#packages.resolve(specifier, resolution, base, kind);
        break;
      case "package-import":
        url = await this.#packages.resolveOwn(specifier, base, kind);
        break;
      case "url":
        url = this.#packages.holds(base) ? await this.#packages.file(resolution.url) ?? resolution.url : resolution.url;
    }
    const type = contentType(url, attribute);
    const known = this.#modules.get(type === "text" ? `${url} as text` : url);
    if (known) return { kind: "module", module: known };
    const text = await this.#read(url, `The module "${specifier}"`);
    return { kind: "module", module: await this.#add(url, text, type, url) };
  }

  /** The source map that a bundled file names; what can't be read is said and then left out, as in k6. */
  async #sourceMap({ url, original }: Source): Promise<ScriptSourceMap | undefined> {
    const named = sourceMapUrl(original);
    if (named === undefined) return undefined;
    try {
      if (named.startsWith("data:")) return parseSourceMap(textOfDataUrl(named), url);
      const mapUrl = new URL(named, url).href;
      // One more request in each run would be too much, and packages name maps that they don't contain.
      if (mapUrl.startsWith("https:") || this.#packages.holds(url)) return undefined;
      return parseSourceMap(await this.#read(mapUrl, "The source map"), mapUrl);
    } catch (error) {
      this.#host.warn(`Couldn't use the source map of ${url}: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #readIfPresent(url: string): Promise<string | undefined> {
    try {
      return await this.#read(url, "");
    } catch (error) {
      if (error instanceof Unresolved) return undefined;
      throw error;
    }
  }

  async #read(url: string, what: string): Promise<string> {
    if (url.startsWith("https:")) return await this.#host.readRemote(url);
    const path = fromFileUrl(url);
    try {
      const text = await this.#host.readTextFile(path);
      return text.startsWith("\ufeff") ? text.slice(1) : text;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        throw new Unresolved(`${what} couldn't be found on local disk (${path})`);
      }
      if (error instanceof Deno.errors.IsADirectory) {
        throw new Unresolved(`${what} is a directory, not a file (${path})`);
      }
      if (error instanceof Error) throw new Unresolved(`${what} couldn't be read (${path}): ${error.message}`);
      throw error;
    }
  }
}

type ImportStatement = NodeOf<"ImportDeclaration" | "ExportNamedDeclaration" | "ExportAllDeclaration">;

function sourceOf(node: Node): NodeOf<"Literal"> | undefined {
  if (node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration") return node.source;
  return node.type === "ExportNamedDeclaration" ? node.source ?? undefined : undefined;
}

/** `with { type: "…" }`. */
function attributeType({ attributes }: ImportStatement): string | undefined {
  for (const { key, value } of attributes ?? []) {
    if ((key.type === "Identifier" ? key.name : key.value) === "type") return String(value.value);
  }
  return undefined;
}

function contentType(url: string, attribute: string | undefined): ContentType {
  if (attribute === undefined) return new URL(url).pathname.endsWith(".json") ? "json" : "script";
  if (attribute === "json" || attribute === "text") return attribute;
  throw new Unresolved(`An import can't have the type "${attribute}"; k6d knows "json" and "text"`);
}

function parse(url: string, text: string, type: ContentType): ParsedSource {
  if (type === "json" || type === "text") return parseData(url, text, type);
  return parseModule(url, text, type === "script" ? isTypeScript(url) : "if-needed");
}
