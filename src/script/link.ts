/** Links a script's modules into one program: what every import means, and the text of every module. */

import { forEachChild, isFunction, type Node, type NodeOf } from "./ast.ts";
import { Edits } from "./edits.ts";
import { type ImportTarget, infer, type Inference, type InferenceModule } from "./inference.ts";
import type { Program, ProgramModule, ScriptSourceMap } from "./program.ts";
import { analyzeScopes, type Binding, type ModuleScope, type Reference } from "./scope.ts";
import type { Source } from "./source.ts";
import { type Names, reserveNames, suspendModule } from "./suspend.ts";

/** What a specifier in a module means. */
export type Dependency =
  | { readonly kind: "module"; readonly module: ParsedModule }
  | { readonly kind: "builtin"; readonly specifier: string };

/** A module after parsing; `dependencies` is filled by the loader, by specifier. */
export class ParsedModule {
  readonly dependencies = new Map<string, Dependency>();
  readonly scope: ModuleScope;
  /** Leads from the compiled text's positions to the author's. */
  readonly sourceMap: ScriptSourceMap | undefined;
  /** Place in the order of evaluation. */
  index = -1;

  constructor(
    readonly source: Source,
    readonly program: NodeOf<"Program">,
    readonly typescript: boolean,
    authorMap: ScriptSourceMap | undefined,
  ) {
    this.scope = analyzeScopes(program);
    this.sourceMap = source.map ?? authorMap;
  }

  /** Import declarations that are not for types only: of TypeScript, names that nothing uses are types. */
  keepsImport(node: NodeOf<"ImportDeclaration">): boolean {
    return !this.typescript || node.specifiers.length === 0 ||
      node.specifiers.some((specifier) => this.keepsSpecifier(specifier.local));
  }

  keepsSpecifier(local: NodeOf<"Identifier">): boolean {
    return !this.typescript || (this.scope.bindingOf.get(local)?.references.length ?? 0) > 0;
  }
}

/** What a module's exported name stands for. */
type Export =
  | { readonly kind: "binding"; readonly module: ParsedModule; readonly binding: Binding }
  | { readonly kind: "expression"; readonly module: ParsedModule; readonly node: Node }
  | { readonly kind: "namespace"; readonly module: ParsedModule }
  | { readonly kind: "builtin"; readonly specifier: string; readonly name: string };

/** Compiles modules, given in the order of evaluation, the script itself last. */
export function link(modules: readonly ParsedModule[]): Program {
  modules.forEach((module, index) => module.index = index);
  const linker = new Linker();
  const linked = modules.map((module) => new LinkedModule(module, linker));
  const namespaces = new Set(linked.flatMap((module) => module.namespaces));
  const inputs = linked.map((module): InferenceModule => ({
    program: module.parsed.program,
    scope: module.parsed.scope,
    imports: module.imports,
    exposesDefault: namespaces.has(module.parsed),
    exposed: namespaces.has(module.parsed) ? linker.exposed(module.parsed) : [],
  }));
  const inference = infer(inputs);
  const builtins = new Set<string>();
  for (const { dependencies } of modules) {
    for (const dependency of dependencies.values()) {
      if (dependency.kind === "builtin") builtins.add(dependency.specifier);
    }
  }
  const usesGlobal = modules.some((module) =>
    module.scope.free.some(({ node }) => node.name === "globalThis" || node.name === "global")
  );
  const entry = modules.at(-1);
  return {
    modules: linked.map((module) => module.compile(inference, usesGlobal)),
    builtins: [...builtins],
    exports: entry ? linker.exportNames(entry) : [],
  };
}

/** Follows exports through re-exports (ECMA-262, ResolveExport). */
class Linker {
  exportNames(module: ParsedModule, seen = new Set<ParsedModule>()): string[] {
    if (seen.has(module)) return [];
    seen.add(module);
    const names = new Set<string>();
    for (const node of module.program.body) {
      if (node.type === "ExportDefaultDeclaration") names.add("default");
      else if (node.type === "ExportNamedDeclaration") {
        for (const name of declaredNames(node)) names.add(name);
      } else if (node.type === "ExportAllDeclaration") {
        if (node.exported) names.add(nameOf(node.exported));
        else {
          for (const name of this.exportNames(this.#moduleOf(module, node), seen)) {
            if (name !== "default") names.add(name);
          }
        }
      }
    }
    return [...names].sort();
  }

  /** What `name` of `module` is; undefined when it has no such export. */
  resolve(module: ParsedModule, name: string, seen: string[] = []): Export | undefined {
    const key = `${name} ${module.source.url}`;
    if (seen.includes(key)) return undefined;
    seen.push(key);
    for (const node of module.program.body) {
      if (node.type === "ExportDefaultDeclaration" && name === "default") return this.#default(module, node);
      if (node.type === "ExportAllDeclaration" && node.exported && nameOf(node.exported) === name) {
        return { kind: "namespace", module: this.#moduleOf(module, node) };
      }
      if (node.type !== "ExportNamedDeclaration") continue;
      if (node.declaration) {
        if (!declaredNames(node).includes(name)) continue;
        return { kind: "binding", module, binding: module.scope.root.bindings.get(name)! };
      }
      for (const specifier of node.specifiers) {
        if (nameOf(specifier.exported) !== name) continue;
        const local = nameOf(specifier.local);
        if (node.source) return this.imported(module, String(node.source.value), local, seen, specifier);
        return this.#local(module, local, specifier, seen);
      }
    }
    if (name === "default") return undefined;
    for (const node of module.program.body) {
      if (node.type !== "ExportAllDeclaration" || node.exported) continue;
      const found = this.resolve(this.#moduleOf(module, node), name, seen);
      if (found) return found;
    }
    return undefined;
  }

  /** What `name` of the module behind `specifier` is. Throws when there is no such export. */
  imported(module: ParsedModule, specifier: string, name: string, seen: string[], at: Node): Export {
    const dependency = module.dependencies.get(specifier)!;
    if (dependency.kind === "builtin") return { kind: "builtin", specifier, name };
    const found = this.resolve(dependency.module, name, seen);
    if (found) return found;
    throw module.source.error(
      `The requested module '${specifier}' does not provide an export named '${name}'`,
      at.start,
    );
  }

  /** Named exports of a module that a namespace object shows. */
  exposed(module: ParsedModule): { name: string; binding: Binding }[] {
    return this.exportNames(module).flatMap((name) => {
      const found = this.resolve(module, name);
      return found?.kind === "binding" ? [{ name, binding: found.binding }] : [];
    });
  }

  #default(module: ParsedModule, node: NodeOf<"ExportDefaultDeclaration">): Export {
    const name = declarationName(node);
    return name === undefined
      ? { kind: "expression", module, node: node.declaration }
      : { kind: "binding", module, binding: module.scope.root.bindings.get(name)! };
  }

  #local(module: ParsedModule, name: string, at: Node, seen: string[]): Export {
    const binding = module.scope.root.bindings.get(name);
    if (!binding) throw module.source.error(`Export '${name}' is not defined in module`, at.start);
    if (binding.kind !== "import") return { kind: "binding", module, binding };
    const declaration = binding.declaration as NodeOf<"ImportDeclaration">;
    const specifier = declaration.specifiers.find(({ local }) => local.name === name)!;
    const from = String(declaration.source.value);
    const dependency = module.dependencies.get(from)!;
    if (specifier.type === "ImportSpecifier") return this.imported(module, from, nameOf(specifier.imported), seen, at);
    if (dependency.kind === "builtin") return { kind: "binding", module, binding };
    if (specifier.type === "ImportNamespaceSpecifier") return { kind: "namespace", module: dependency.module };
    return this.imported(module, from, "default", seen, at);
  }

  #moduleOf(module: ParsedModule, node: NodeOf<"ExportAllDeclaration">): ParsedModule {
    const specifier = String(node.source.value);
    const dependency = module.dependencies.get(specifier)!;
    if (dependency.kind === "module") return dependency.module;
    throw module.source.error(`export * from '${specifier}' is not possible; name what you export`, node.start);
  }
}

/** One module with its imports resolved; records its edits. */
class LinkedModule {
  readonly imports = new Map<Binding, ImportTarget>();
  /** Modules that it imports as a whole. */
  readonly namespaces: ParsedModule[] = [];
  readonly #linker: Linker;
  /** References that are replaced, by what. */
  readonly #replacements = new Map<Binding, string>();
  /** Constants for built-ins; made before the module's functions can run. */
  #early = "";
  /** Constants for other modules' bindings; made when those have run. */
  #late = "";
  readonly #names: Names;

  constructor(readonly parsed: ParsedModule, linker: Linker) {
    this.#linker = linker;
    this.#names = reserveNames(parsed.source.text);
    for (const node of parsed.program.body) {
      if (node.type === "ImportDeclaration") this.#import(node);
      if (node.type === "ExportAllDeclaration" && node.exported) {
        const dependency = parsed.dependencies.get(String(node.source.value));
        if (dependency?.kind === "module") this.namespaces.push(dependency.module);
      }
    }
  }

  #import(node: NodeOf<"ImportDeclaration">): void {
    const from = String(node.source.value);
    const dependency = this.parsed.dependencies.get(from);
    if (!dependency) return;
    const { instance, runtime } = this.#names;
    for (const specifier of node.specifiers) {
      if (!this.parsed.keepsSpecifier(specifier.local)) continue;
      const binding = this.parsed.scope.bindingOf.get(specifier.local)!;
      const local = specifier.local.name;
      if (dependency.kind === "builtin") {
        const object = `${instance}.host.builtin(${JSON.stringify(from)})`;
        if (specifier.type === "ImportSpecifier" && nameOf(specifier.imported) !== "default") {
          const name = nameOf(specifier.imported);
          this.imports.set(binding, { kind: "builtin", specifier: from, name });
          this.#early += `const ${local}=${object}[${JSON.stringify(name)}];`;
        } else {
          this.imports.set(binding, { kind: "builtin-object", specifier: from });
          const whole = specifier.type === "ImportNamespaceSpecifier";
          this.#early += `const ${local}=${whole ? object : `${runtime}.defaultOf(${object})`};`;
        }
        continue;
      }
      const exports = `${instance}.x[${dependency.module.index}]`;
      if (specifier.type === "ImportNamespaceSpecifier") {
        this.imports.set(binding, { kind: "namespace" });
        this.namespaces.push(dependency.module);
        this.#late += `const ${local}=${runtime}.namespace(${exports});`;
        continue;
      }
      const name = specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "default";
      const target = this.#linker.imported(this.parsed, from, name, [], specifier);
      this.imports.set(binding, importTarget(target));
      if (target.kind === "namespace") this.namespaces.push(target.module);
      const value = `${exports}[${JSON.stringify(name)}]`;
      const settled = dependency.module.index < this.parsed.index && "module" in target &&
        target.module.index < this.parsed.index && (target.kind !== "binding" || !target.binding.reassigned);
      if (settled || target.kind === "builtin") this.#late += `const ${local}=${value};`;
      else this.#replacements.set(binding, value);
    }
  }

  compile(inference: Inference, usesGlobal: boolean): ProgramModule {
    const { source, program, scope } = this.parsed;
    const edits = new Edits(source.text);
    if (source.text.startsWith("#!")) edits.replace(0, 2, "//");
    const replaced = new Set<Node>();
    this.#editReferences(edits, replaced, usesGlobal);
    this.#editDeclarations(edits);
    this.#editMeta(program, edits);
    const names = this.#names;
    const attached = suspendModule({ program, text: source.text, scope, inference, names, replaced }, edits);
    for (const node of program.body) {
      if (node.type === "ExportDefaultDeclaration" && declarationName(node) === undefined) {
        edits.insert(node.declaration.end, "};");
      }
    }
    const head =
      `(function*(${names.runtime},${names.instance}){"use strict";${this.#early}${attached}yield{${this.#exports()}};${this.#late}`;
    return { url: source.url, ...edits.apply(head, "\n})"), sourceMap: this.parsed.sourceMap };
  }

  #editReferences(edits: Edits, replaced: Set<Node>, usesGlobal: boolean): void {
    const replace = (reference: Reference, text: string) => {
      const { node, shorthand, call } = reference;
      replaced.add(node);
      edits.replace(node.start, node.end, shorthand ? `${node.name}:${text}` : call ? `(0,${text})` : text);
    };
    for (const [binding, text] of this.#replacements) {
      for (const reference of binding.references) {
        if (reference.write) edits.replace(reference.node.start, reference.node.end, `${this.#names.runtime}.constant`);
        else replace(reference, text);
      }
    }
    const { instance, runtime } = this.#names;
    for (const reference of this.parsed.scope.free) {
      const { name } = reference.node;
      const typeOf = reference.typeofStart !== undefined;
      if (name === "__VU" || name === "__ENV" || name === "__ITER") {
        const value = `${instance}.host.globals.${name}`;
        replace(reference, name === "__ITER" && !typeOf ? `${runtime}.iteration(${value})` : value);
      } else if (name === "globalThis" || name === "global") {
        replace(reference, `${instance}.global`);
      } else if (name === "Promise" && !reference.write) {
        replace(reference, `${instance}.promise`);
      } else if (name === "queueMicrotask" && !reference.write) {
        replace(reference, typeOf ? "undefined" : `${instance}.absent("${name}")`);
      } else if (usesGlobal && !(name in globalThis) && name !== "arguments" && !reference.write) {
        replace(reference, typeOf ? `${instance}.global.${name}` : `${instance}.free("${name}")`);
      }
    }
  }

  #editDeclarations(edits: Edits): void {
    for (const node of this.parsed.program.body) {
      switch (node.type) {
        case "ImportDeclaration":
        case "ExportAllDeclaration":
          edits.replace(node.start, node.end, ";");
          break;
        case "ExportNamedDeclaration":
          if (node.declaration) edits.replace(node.start, node.declaration.start, "");
          else edits.replace(node.start, node.end, ";");
          break;
        case "ExportDefaultDeclaration":
          if (declarationName(node) !== undefined) edits.replace(node.start, node.declaration.start, "");
          else {
            edits.replace(node.start, node.declaration.start, `const {default:${this.#names.default}}={default:`);
          }
      }
    }
  }

  #editMeta(node: Node, edits: Edits): void {
    if (node.type === "MetaProperty" && node.meta.name === "import") {
      edits.replace(node.start, node.end, `${this.#names.runtime}.meta(${JSON.stringify(this.parsed.source.url)})`);
    }
    forEachChild(node, (child) => this.#editMeta(child, edits));
  }

  /** Accessors, so that bindings stay live and dead zones stay dead. */
  #exports(): string {
    const { instance, default: unnamed } = this.#names;
    const accessors = this.#linker.exportNames(this.parsed).map((name) => {
      const found = this.#linker.resolve(this.parsed, name)!;
      let value: string;
      if (found.kind === "builtin") {
        value = `${instance}.host.builtin(${JSON.stringify(found.specifier)})[${JSON.stringify(found.name)}]`;
      } else if (found.kind === "namespace") value = `${instance}.x[${found.module.index}]`;
      else if (found.module !== this.parsed) {
        const own = this.#linker.exportNames(found.module).find((other) => {
          const target = this.#linker.resolve(found.module, other);
          return target?.kind === found.kind &&
            (found.kind === "binding" && target.kind === "binding"
              ? target.binding === found.binding
              : target.kind !== "binding");
        });
        value = `${instance}.x[${found.module.index}][${JSON.stringify(own)}]`;
      } else value = found.kind === "binding" ? found.binding.name : unnamed;
      return `get ${JSON.stringify(name)}(){return ${value}}`;
    });
    return ["__proto__:null", ...accessors].join();
  }
}

function importTarget(target: Export): ImportTarget {
  switch (target.kind) {
    case "binding":
      return { kind: "binding", binding: target.binding };
    case "expression":
      return { kind: "expression", node: target.node };
    case "namespace":
      return { kind: "namespace" };
    case "builtin":
      return target;
  }
}

/** The name that `export default function name` or `class name` declares. */
function declarationName(node: NodeOf<"ExportDefaultDeclaration">): string | undefined {
  const { declaration } = node;
  if (declaration.type === "ClassDeclaration") return declaration.id?.name;
  return isFunction(declaration) && declaration.type === "FunctionDeclaration" ? declaration.id?.name : undefined;
}

/** Names that a named export gives out. */
function declaredNames(node: NodeOf<"ExportNamedDeclaration">): string[] {
  const { declaration } = node;
  if (!declaration) return node.specifiers.map(({ exported }) => nameOf(exported));
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

function nameOf(node: Node): string {
  return node.type === "Identifier" ? node.name : String((node as NodeOf<"Literal">).value);
}
