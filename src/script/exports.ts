/** What the exported names of modules stand for, through re-exports (ECMA-262, ResolveExport). */

import { isFunction, type Node, type NodeOf } from "./ast.ts";
import { commonJsNames, type Dependency, type ParsedModule } from "./parsed_module.ts";
import type { Binding } from "./scope.ts";

/** What a module's exported name stands for. */
export type Export =
  | { readonly kind: "binding"; readonly module: ParsedModule; readonly binding: Binding }
  | { readonly kind: "expression"; readonly module: ParsedModule; readonly node: Node }
  | { readonly kind: "namespace"; readonly module: ParsedModule }
  /** A property of what a CommonJS module exports, known when it has run. */
  | { readonly kind: "commonjs"; readonly module: ParsedModule; readonly name: string }
  | { readonly kind: "builtin"; readonly specifier: string; readonly name: string };

/** The export statements of a module. */
interface ExportTable {
  /** By exported name: the statement, and the specifier if it has any. */
  readonly named: ReadonlyMap<
    string,
    { readonly node: ExportStatement; readonly specifier?: NodeOf<"ExportSpecifier"> }
  >;
  /** `export * from`. */
  readonly stars: readonly NodeOf<"ExportAllDeclaration">[];
}

type ExportStatement = NodeOf<"ExportDefaultDeclaration" | "ExportNamedDeclaration" | "ExportAllDeclaration">;

/** Follows exports through re-exports. */
export class ExportResolver {
  readonly #tables = new Map<ParsedModule, ExportTable>();
  readonly #names = new Map<ParsedModule, readonly string[]>();

  /** Exported names in alphabetical order, as far as they are known before anything runs. */
  names(module: ParsedModule): readonly string[] {
    let names = this.#names.get(module);
    if (!names) {
      names = [...this.#collectNames(module, new Set())].sort();
      // Names that two `export *` give different meanings are no names.
      if (this.#table(module).stars.length > 0) {
        names = names.filter((name) => this.resolve(module, name) !== undefined);
      }
      this.#names.set(module, names);
    }
    return names;
  }

  #collectNames(module: ParsedModule, seen: Set<ParsedModule>): Set<string> {
    const names = new Set<string>();
    if (seen.has(module)) return names;
    seen.add(module);
    if (module.format === "commonjs") return new Set(commonJsNames(module.program)).add("default");
    const { named, stars } = this.#table(module);
    for (const name of named.keys()) names.add(name);
    for (const star of stars) {
      const dependency = module.dependencies.get(star);
      if (dependency?.kind !== "module") continue;
      for (const name of this.#collectNames(dependency.module, seen)) if (name !== "default") names.add(name);
    }
    return names;
  }

  /** Built-in modules that a module hands on as a whole, under names that are known when it runs. */
  builtinStars(module: ParsedModule): string[] {
    return this.#table(module).stars.flatMap((star) => {
      const dependency = module.dependencies.get(star);
      return dependency?.kind === "builtin" ? [dependency.specifier] : [];
    });
  }

  /** What `name` of `module` is; undefined when it has no such export, or more than one. */
  resolve(module: ParsedModule, name: string, seen: string[] = []): Export | undefined {
    if (module.format === "commonjs") return { kind: "commonjs", module, name };
    const key = `${name} ${module.source.url}`;
    if (seen.includes(key)) return undefined;
    seen.push(key);
    const { named, stars } = this.#table(module);
    const found = named.get(name);
    if (found) return this.#named(module, name, found.node, found.specifier, seen);
    if (name === "default") return undefined;
    let result: Export | undefined;
    for (const star of stars) {
      const dependency = module.dependencies.get(star)!;
      if (!mayHave(dependency, name)) continue;
      const candidate = this.#dependencyExport(dependency, name, seen);
      if (result && candidate && !sameExport(result, candidate)) return undefined;
      result ??= candidate;
    }
    return result;
  }

  /** What `name` of the module that `node` names is. Throws when there is no such export; `at` is blamed. */
  imported(module: ParsedModule, node: ImportStatement, name: string, at: Node): Export {
    const found = this.#dependencyExport(module.dependencies.get(node)!, name, []);
    if (found) return found;
    throw module.source.error(
      `The requested module '${String(node.source!.value)}' does not provide an export named '${name}'`,
      at.start,
    );
  }

  /** Throws when a module hands on a name that it can't have. */
  checkReexports(module: ParsedModule): void {
    for (const { node, specifier } of this.#table(module).named.values()) {
      if (node.type !== "ExportNamedDeclaration" || !specifier || !node.source) continue;
      this.imported(module, node, nameOf(specifier.local), specifier);
    }
  }

  #dependencyExport(dependency: Dependency, name: string, seen: string[]): Export | undefined {
    if (dependency.kind === "builtin") return { kind: "builtin", specifier: dependency.specifier, name };
    return dependency.kind === "module" ? this.resolve(dependency.module, name, seen) : undefined;
  }

  #named(
    module: ParsedModule,
    name: string,
    node: ExportStatement,
    specifier: NodeOf<"ExportSpecifier"> | undefined,
    seen: string[],
  ): Export | undefined {
    if (node.type === "ExportDefaultDeclaration") {
      const declared = declarationName(node);
      return declared === undefined
        ? { kind: "expression", module, node: node.declaration }
        : { kind: "binding", module, binding: module.scope.root.bindings.get(declared)! };
    }
    if (node.type === "ExportAllDeclaration") return wholeOf(module.dependencies.get(node)!, module);
    if (!specifier) return { kind: "binding", module, binding: module.scope.root.bindings.get(name)! };
    const local = nameOf(specifier.local);
    if (node.source) return this.#dependencyExport(module.dependencies.get(node)!, local, seen);
    return this.#local(module, local, seen);
  }

  #local(module: ParsedModule, name: string, seen: string[]): Export | undefined {
    const binding = module.scope.root.bindings.get(name)!;
    if (binding.kind !== "import") return { kind: "binding", module, binding };
    const declaration = binding.declaration as NodeOf<"ImportDeclaration">;
    const specifier = declaration.specifiers.find(({ local }) => local.name === name)!;
    const dependency = module.dependencies.get(declaration)!;
    if (specifier.type === "ImportSpecifier") {
      return this.#dependencyExport(dependency, nameOf(specifier.imported), seen);
    }
    if (dependency.kind === "builtin") return { kind: "binding", module, binding };
    if (specifier.type === "ImportNamespaceSpecifier") return wholeOf(dependency, module);
    return this.#dependencyExport(dependency, "default", seen);
  }

  #table(module: ParsedModule): ExportTable {
    const known = this.#tables.get(module);
    if (known) return known;
    const named: [string, { node: ExportStatement; specifier?: NodeOf<"ExportSpecifier"> }][] = [];
    const stars: NodeOf<"ExportAllDeclaration">[] = [];
    for (const node of module.program.body) {
      if (node.type === "ExportDefaultDeclaration") named.push(["default", { node }]);
      else if (node.type === "ExportAllDeclaration") {
        if (node.exported) named.push([nameOf(node.exported), { node }]);
        else stars.push(node);
      } else if (node.type === "ExportNamedDeclaration") {
        for (const name of declaredNames(node)) named.push([name, { node }]);
        for (const specifier of node.specifiers) named.push([nameOf(specifier.exported), { node, specifier }]);
      }
    }
    const table = { named: new Map(named), stars };
    this.#tables.set(module, table);
    return table;
  }
}

type ImportStatement = NodeOf<"ImportDeclaration" | "ExportNamedDeclaration" | "ExportAllDeclaration">;

/** Of a CommonJS module, `export *` hands on only what is known beforehand. */
function mayHave(dependency: Dependency, name: string): boolean {
  return dependency.kind !== "module" || dependency.module.format !== "commonjs" ||
    commonJsNames(dependency.module.program).includes(name);
}

function wholeOf(dependency: Dependency, module: ParsedModule): Export {
  if (dependency.kind === "builtin") return { kind: "builtin", specifier: dependency.specifier, name: "*" };
  return { kind: "namespace", module: dependency.kind === "module" ? dependency.module : module };
}

function sameExport(a: Export, b: Export): boolean {
  if (a.kind === "binding") return b.kind === "binding" && a.binding === b.binding;
  if (a.kind === "builtin") return b.kind === "builtin" && a.specifier === b.specifier && a.name === b.name;
  if (a.kind !== b.kind || !("module" in b) || a.module !== b.module) return false;
  return a.kind !== "commonjs" || b.kind === "commonjs" && a.name === b.name;
}

/** The name that `export default function name` or `class name` declares. */
export function declarationName(node: NodeOf<"ExportDefaultDeclaration">): string | undefined {
  const { declaration } = node;
  if (declaration.type === "ClassDeclaration") return declaration.id?.name;
  return isFunction(declaration) && declaration.type === "FunctionDeclaration" ? declaration.id?.name : undefined;
}

/** The name that an identifier or string in an import or export spells. */
export function nameOf(node: Node): string {
  return node.type === "Identifier" ? node.name : String((node as NodeOf<"Literal">).value);
}

/** Names that an exported declaration declares. */
function declaredNames({ declaration }: NodeOf<"ExportNamedDeclaration">): string[] {
  if (!declaration) return [];
  if (declaration.type === "VariableDeclaration") return declaration.declarations.flatMap(({ id }) => patternNames(id));
  return [declaration.id.name];
}

function patternNames(pattern: Node): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        patternNames(property.type === "RestElement" ? property.argument : property.value)
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => element ? patternNames(element) : []);
    case "RestElement":
      return patternNames(pattern.argument);
    case "AssignmentPattern":
      return patternNames(pattern.left);
    default:
      return [];
  }
}
