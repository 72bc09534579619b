/** A module of a script after parsing, and what its specifiers mean. */

import { forEachChild, isFunction, type Node, type NodeOf, staticKey, unwrap } from "./ast.ts";
import { type Names, reserveNames } from "./names.ts";
import type { ParsedSource } from "./parse.ts";
import type { ModuleFormat, ScriptSourceMap } from "./program.ts";
import { analyzeScopes, type ModuleScope } from "./scope.ts";
import type { Source } from "./source.ts";
import { skipTo } from "./source_text.ts";

/** What a specifier in a module means. */
export type Dependency =
  | { readonly kind: "module"; readonly module: ParsedModule }
  | { readonly kind: "builtin"; readonly specifier: string }
  /** Of `require()` and `import()` only: not found when the script was loaded; an error where it is reached. */
  | { readonly kind: "missing"; readonly message: string };

/** A module after parsing; the loader fills `dependencies`. */
export class ParsedModule {
  /** By the node that names it; those of a type's import are left out. */
  readonly dependencies = new Map<Node, Dependency>();
  /** What specifiers that are put together at run time may turn out to be, by kind and specifier (`require ./a.js`). */
  readonly candidates = new Map<string, Dependency>();
  readonly scope: ModuleScope;
  /** Leads from the compiled text's positions to the author's. */
  readonly sourceMap: ScriptSourceMap | undefined;
  /** Place in the order of loading: what a module imports comes before it, except in a cycle. */
  index = -1;

  readonly source: Source;
  readonly program: NodeOf<"Program">;
  readonly format: ModuleFormat;
  readonly typescript: boolean;
  /** The names that the compiled text uses. */
  readonly names: Names;
  /** The name that a default function without one was given, where it has to be put into the text. */
  readonly unnamedDefault: NodeOf<"Identifier"> | undefined;

  /**
   * @param base URL that its relative specifiers start from.
   * @param authorMap The source map that a bundler made.
   */
  constructor(parsed: ParsedSource, readonly base: string, authorMap: ScriptSourceMap | undefined) {
    this.source = parsed.source;
    this.program = parsed.program;
    this.format = parsed.format;
    this.typescript = parsed.typescript;
    this.names = reserveNames(parsed.source.text);
    this.unnamedDefault = nameDefaultFunction(parsed, this.names.default);
    this.scope = analyzeScopes(parsed.program);
    this.sourceMap = parsed.source.map ?? authorMap;
  }

  /** Calls of `require`. */
  requireCalls(): NodeOf<"CallExpression">[] {
    return this.scope.free.flatMap(({ node, call }) => node.name === "require" && call ? [call] : []);
  }

  /** Import declarations that are not for types only: of TypeScript, names that nothing uses are types. */
  keepsImport(node: NodeOf<"ImportDeclaration">): boolean {
    return !this.typescript || node.specifiers.length === 0 ||
      node.specifiers.some((specifier) => this.keepsSpecifier(specifier.local));
  }

  /** The same for one imported name. */
  keepsSpecifier(local: NodeOf<"Identifier">): boolean {
    return !this.typescript || (this.scope.bindingOf.get(local)?.references.length ?? 0) > 0;
  }
}

/**
 * `export default function () {…}` is a declaration, which is there before the module runs: it gets a name to be declared
 * with.
 */
function nameDefaultFunction({ source, program }: ParsedSource, name: string): NodeOf<"Identifier"> | undefined {
  for (const node of program.body) {
    if (node.type !== "ExportDefaultDeclaration") continue;
    const fn = node.declaration;
    if (fn.type !== "FunctionDeclaration" || fn.id) return undefined;
    const keyword = skipTo(source.text, fn.async ? fn.start + "async".length : fn.start, "function");
    const after = keyword + "function".length;
    const end = fn.generator ? skipTo(source.text, after, "*") + 1 : after;
    const id: NodeOf<"Identifier"> = { type: "Identifier", name, start: end, end };
    Object.assign(fn, { id });
    return id;
  }
  return undefined;
}

/** How a call asks. */
export function requestKind(node: NodeOf<"CallExpression" | "ImportExpression">): "require" | "import" {
  return node.type === "ImportExpression" ? "import" : "require";
}

/** The specifier that a `require()` or `import()` spells out. */
export function requestOf(node: NodeOf<"CallExpression" | "ImportExpression">): string | undefined {
  const argument = node.type === "CallExpression" ? node.arguments[0] : node.source;
  return argument && spelledOut(unwrap(argument));
}

/** The specifiers that a `require()` or `import()` may put together: files of one folder, or built-in modules. */
export interface RequestPattern {
  /** What they all begin with, up to a slash: `./data/`. */
  readonly folder: string;
  /** Matches them whole. */
  readonly specifiers: RegExp;
}

/** The pattern of a specifier such as `` `./data/${name}.js` ``; undefined when it doesn't begin with a folder. */
export function requestPatternOf(node: NodeOf<"CallExpression" | "ImportExpression">): RequestPattern | undefined {
  const argument = node.type === "CallExpression" ? node.arguments[0] : node.source;
  const parts = argument ? stringParts(argument) : [];
  const folder = /^(?:\.{0,2}\/|k6\/).*(?<=\/)/.exec(parts[0] ?? "")?.[0];
  if (folder === undefined || parts.length < 2) return undefined;
  const source = parts.map((part) => part === undefined ? "[^/]*" : RegExp.escape(part)).join("");
  return { folder, specifiers: new RegExp(`^${source}$`) };
}

/** The parts of a string that an expression puts together; undefined for those that are known at run time. */
function stringParts(node: Node): (string | undefined)[] {
  const inner = unwrap(node);
  if (inner.type === "BinaryExpression" && inner.operator === "+") {
    return [...stringParts(inner.left), ...stringParts(inner.right)];
  }
  if (inner.type === "TemplateLiteral") {
    return inner.quasis.flatMap((quasi, index) => {
      const hole = inner.expressions[index];
      return [quasi.value.cooked ?? undefined, ...hole ? stringParts(hole) : []];
    });
  }
  return [spelledOut(inner)];
}

/** The string that an expression is, if the source spells it out. */
function spelledOut(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type !== "TemplateLiteral" || node.expressions.length > 0) return undefined;
  return node.quasis[0]!.value.cooked ?? undefined;
}

/** Names that a CommonJS module plainly gives to `exports`. */
export function commonJsNames(program: Node): string[] {
  const names = new Set<string>();
  const visit = (node: Node): void => {
    if (node.type === "AssignmentExpression" && node.left.type === "MemberExpression") {
      const name = staticKey(node.left, node.left.property);
      if (isExports(node.left.object)) { if (name !== undefined) names.add(name); }
      else if (isExports(node.left) && node.right.type === "ObjectExpression") {
        for (const property of node.right.properties) {
          const key = property.type === "Property" ? staticKey(property, property.key) : undefined;
          if (key !== undefined) names.add(key);
        }
      }
    } else if (node.type === "CallExpression" && node.callee.type === "MemberExpression") {
      const [target, key] = node.arguments;
      const name = key && spelledOut(key);
      const defines = staticKey(node.callee, node.callee.property) === "defineProperty";
      if (defines && target && isExports(target) && name !== undefined) names.add(name);
    }
    if (!isFunction(node)) forEachChild(node, visit);
  };
  visit(program);
  names.delete("__esModule");
  return [...names];
}

/** `exports` or `module.exports`. */
function isExports(node: Node): boolean {
  if (node.type === "Identifier") return node.name === "exports";
  return node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "module" &&
    staticKey(node, node.property) === "exports";
}
