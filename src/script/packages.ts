/** npm packages: what a bare name means, looked up in the `node_modules` folders from the importer upward. */

import { exports as resolveExports, imports as resolveImports, type Package } from "resolve.exports";
import { dirname, fromFileUrl, toFileUrl } from "./file_url.ts";
import type { RequestKind } from "./resolve.ts";
import { Unresolved } from "./unresolved.ts";

/** What follows the name of a file that a specifier leaves out, as Node.js and bundlers have it. */
const ENDINGS = ["", ".js", ".cjs", ".mjs", ".ts", ".json"];
const INDEX_FILES = ["index.js", "index.cjs", "index.mjs", "index.json"];

/** A package's name in a specifier, and the rest of it. */
export interface PackageRequest {
  readonly name: string;
  /** As the specifier has it; may be empty. */
  readonly version: string;
  /** `.` or `./path`. */
  readonly subpath: string;
}

interface InstalledPackage {
  /** URL of its folder, with a slash at the end. */
  readonly folder: string;
  readonly manifest: Package & { readonly main?: unknown; readonly browser?: unknown };
}

/** The packages that are installed around a script. */
export class Packages {
  /** Text of the file at a URL, undefined when there is none. */
  readonly #read: (url: string) => Promise<string | undefined>;
  readonly #realPath: (path: string) => Promise<string>;
  /** Folders of packages that a symbolic link leads to. */
  readonly #linked: string[] = [];
  readonly #known = new Map<string, Promise<InstalledPackage | undefined>>();

  constructor(read: (url: string) => Promise<string | undefined>, realPath: (path: string) => Promise<string>) {
    this.#read = read;
    this.#realPath = realPath;
  }

  /** True for URLs inside an installed package, where specifiers may leave out endings. */
  holds(url: string): boolean {
    return url.includes("/node_modules/") || this.#linked.some((folder) => url.startsWith(folder));
  }

  /** The URL of what a bare or `npm:` specifier names. */
  async resolve(specifier: string, request: PackageRequest, base: string, kind: RequestKind): Promise<string> {
    const found = await this.#find(request.name, dirname(base));
    if (!found) throw new Unresolved(notInstalled(specifier, request));
    const { folder, manifest } = found;
    const targets = manifest.exports === undefined
      ? [request.subpath === "." ? mainOf(manifest, kind) : request.subpath]
      : ask(specifier, () => resolveExports(manifest, request.subpath, conditions(kind)));
    return await this.#firstOf(targets, folder) ?? fail(specifier, `has no such file in ${fromFileUrl(folder)}`);
  }

  /** The URL of a `#name` of the package that the importer is in. */
  async resolveOwn(specifier: string, base: string, kind: RequestKind): Promise<string> {
    for (let folder = dirname(base);; folder = parentOf(folder)) {
      const manifest = await this.#manifest(folder);
      if (manifest?.imports) {
        const targets = ask(specifier, () => resolveImports(manifest, specifier, conditions(kind)));
        const [first] = targets;
        if (first !== undefined && !first.startsWith("./")) {
          const [, name = "", path = ""] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(first) ?? [];
          return await this.resolve(specifier, { name, version: "", subpath: `.${path}` }, base, kind);
        }
        return await this.#firstOf(targets, folder) ?? fail(specifier, `has no such file in ${fromFileUrl(folder)}`);
      }
      if (manifest || parentOf(folder) === folder) fail(specifier, "is not among the imports of its package.json");
    }
  }

  /** The URL of the file that a URL without its ending, or of a folder, means. */
  async file(url: string): Promise<string | undefined> {
    if (!url.endsWith("/")) {
      for (const ending of ENDINGS) if (await this.#read(url + ending) !== undefined) return url + ending;
    }
    const folder = url.replace(/\/?$/, "/");
    const manifest = await this.#manifest(folder);
    const main = manifest && mainOf(manifest, "require");
    for (const name of main === undefined ? INDEX_FILES : [main, ...ENDINGS.map((end) => main + end), ...INDEX_FILES]) {
      const candidate = new URL(name, folder).href;
      if (await this.#read(candidate) !== undefined) return candidate;
    }
    return undefined;
  }

  #find(name: string, from: string): Promise<InstalledPackage | undefined> {
    const key = `${name} ${from}`;
    let found = this.#known.get(key);
    if (!found) {
      found = this.#lookUp(name, from);
      this.#known.set(key, found);
    }
    return found;
  }

  async #lookUp(name: string, from: string): Promise<InstalledPackage | undefined> {
    const folder = new URL(`node_modules/${name}/`, from).href;
    const manifest = await this.#manifest(folder);
    if (manifest) {
      const real = toFileUrl(`${await this.#realPath(fromFileUrl(folder.slice(0, -1)))}/`);
      if (!this.holds(real)) this.#linked.push(real);
      return { manifest, folder: real };
    }
    const parent = parentOf(from);
    return parent === from ? undefined : await this.#find(name, parent);
  }

  async #manifest(folder: string): Promise<InstalledPackage["manifest"] | undefined> {
    const text = await this.#read(`${folder}package.json`);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Unresolved(`${fromFileUrl(folder)}package.json is not JSON: ${(error as Error).message}`);
    }
  }

  async #firstOf(targets: readonly string[], folder: string): Promise<string | undefined> {
    for (const target of targets) {
      const url = await this.file(new URL(target, folder).href);
      if (url !== undefined) return url;
    }
    return undefined;
  }
}

/** A script is no page and no server: builds for browsers ask for less that isn't there. */
function conditions(kind: RequestKind) {
  return { browser: true, require: kind === "require", conditions: kind === "import" ? ["module"] : [] };
}

function mainOf({ browser, module, main }: InstalledPackage["manifest"], kind: RequestKind): string {
  const candidates = kind === "import" ? [browser, module, main] : [browser, main];
  const named = candidates.find((candidate) => typeof candidate === "string" && candidate !== "");
  return named === undefined ? "./index.js" : `./${String(named).replace(/^\.?\//, "")}`;
}

function ask(specifier: string, work: () => readonly string[] | void): readonly string[] {
  try {
    return work() ?? fail(specifier, "is not among what its package.json exports");
  } catch (error) {
    if (error instanceof Unresolved) throw error;
    return fail(specifier, `can't be resolved: ${(error as Error).message}`);
  }
}

function fail(specifier: string, problem: string): never {
  throw new Unresolved(`The module "${specifier}" ${problem}`);
}

function notInstalled(specifier: string, { name, version }: PackageRequest): string {
  const wanted = version === "" ? name : `${name}@${version}`;
  const absent =
    `no node_modules folder from here upward has a package "${name}"; to install it: npm install ${wanted}`;
  if (specifier.startsWith("npm:")) return `The package "${name}" is not installed: ${absent}`;
  return `The moduleSpecifier "${specifier}" couldn't be recognised as something k6 supports, and ${absent}`;
}

function parentOf(folder: string): string {
  return new URL("..", folder).href;
}
