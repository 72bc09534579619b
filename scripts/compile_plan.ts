/**
 * What goes into the binary: the arguments of `deno compile`, and the proof that they name everything k6d loads at run time.
 * `deno compile` follows imports by itself, but neither `new Worker(new URL(…))` nor files that are read as data.
 */

import { parse } from "acorn";
import { stripTypeScriptTypes } from "node:module";
import { denoCommand, ROOT, V8_FLAGS } from "./repository.ts";

/** The entry of the binary. */
export const ENTRY = "main.ts";

/** What `deno compile` can't find by itself: worker entries and assets, relative to the root. */
export const INCLUDED: readonly string[] = [
  "src/worker/main.ts",
  "src/worker/blocking_helper.ts",
  "src/worker/pacer_thread.ts",
];

/** Where the binary goes, relative to the root. */
export const OUTPUT = "dist/k6d";

/** The arguments of `deno` that build the binary: all permissions, and the unstable features that deno.json switches on. */
export function compileArguments(): string[] {
  const { unstable = [] } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as { unstable?: string[] };
  return [
    "compile",
    "-A",
    "--no-check",
    V8_FLAGS,
    ...unstable.map((feature) => `--unstable-${feature}`),
    ...INCLUDED.flatMap((path) => ["--include", path]),
    "--output",
    OUTPUT,
    ENTRY,
  ];
}

/** What the binary embeds, and what it would miss. Paths are relative to the root and sorted. */
export interface EmbeddedModules {
  readonly modules: readonly string[];
  /** npm packages, as `name@version`. */
  readonly packages: readonly string[];
  /** Workers and assets that embedded modules load, but no argument names; one line each, with the module that loads them. */
  readonly missing: readonly string[];
}

/** Follows every import, worker and asset from the entry, given what the arguments include besides it. */
export async function embeddedModules(included: readonly string[] = INCLUDED, entry = ENTRY): Promise<EmbeddedModules> {
  const modules = new Set(included);
  const packages = new Set<string>();
  for (const root of [entry, ...included.filter(isModule)]) {
    const graph = await moduleGraph(root);
    for (const path of graph.modules) modules.add(path);
    for (const name of graph.packages) packages.add(name);
  }

  const missing: string[] = [];
  for (const path of [...modules].filter(isModule)) {
    for (const { target, expression } of runtimeReferences(path)) {
      if (target === null) missing.push(`${path} loads what cannot be known before it runs: ${expression}`);
      else if (!modules.has(target)) missing.push(`${path} loads ${target}`);
    }
  }
  return { modules: [...modules].sort(), packages: [...packages].sort(), missing };
}

function isModule(path: string): boolean {
  return /\.[mc]?[jt]s$/.test(path);
}

interface ModuleGraph {
  readonly modules: readonly string[];
  readonly packages: readonly string[];
}

/** Everything that `deno compile` finds from one module: static imports and dynamic ones with a literal name. */
async function moduleGraph(root: string): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await denoCommand(["info", "--json", root]).output();
  if (!success) throw new Error(`deno info ${root} failed: ${new TextDecoder().decode(stderr)}`);
  const info = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { kind: string; specifier: string; npmPackage?: string; error?: string }[];
  };
  const modules: string[] = [];
  const packages: string[] = [];
  for (const { specifier, npmPackage, error } of info.modules) {
    if (error !== undefined) throw new Error(`${specifier} does not load: ${error}`);
    if (npmPackage !== undefined) packages.push(npmPackage);
    else if (specifier.startsWith("file:")) modules.push(fromRoot(new URL(specifier)));
  }
  return { modules, packages };
}

interface RuntimeReference {
  /** Relative to the root; null when it is computed. */
  readonly target: string | null;
  readonly expression: string;
}

/** What a module loads that its imports don't tell: `new URL("…", import.meta.url)` and `import()` of a computed name. */
function runtimeReferences(path: string): RuntimeReference[] {
  const source = Deno.readTextFileSync(ROOT + path);
  const text = /\.[mc]?ts$/.test(path) ? stripTypeScriptTypes(source, { mode: "transform" }) : source;
  const base = new URL(path, `file://${ROOT}`);
  const found: RuntimeReference[] = [];
  visit(parse(text, { ecmaVersion: "latest", sourceType: "module" }), (node) => {
    const expression = text.slice(node.start, node.end);
    if (isUrlOfThisModule(node)) {
      const [name] = node.arguments;
      found.push({ target: name?.type === "Literal" ? fromRoot(new URL(String(name.value), base)) : null, expression });
    } else if (node.type === "ImportExpression" && node.source?.type !== "Literal") {
      found.push({ target: null, expression });
    }
  });
  return found;
}

/** The part of a syntax tree's node that is read here. */
interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly callee?: SyntaxNode;
  readonly arguments: readonly SyntaxNode[];
  readonly name?: string;
  readonly value?: unknown;
  readonly source?: SyntaxNode;
  readonly object?: SyntaxNode;
}

function isUrlOfThisModule(node: SyntaxNode): boolean {
  return node.type === "NewExpression" && node.callee?.name === "URL" &&
    node.arguments[1]?.object?.type === "MetaProperty";
}

function visit(value: unknown, each: (node: SyntaxNode) => void): void {
  if (typeof value !== "object" || value === null) return;
  if ("type" in value && typeof value.type === "string") each(value as SyntaxNode);
  for (const child of Object.values(value)) visit(child, each);
}

function fromRoot(url: URL): string {
  return decodeURIComponent(url.pathname).replace(ROOT, "");
}
