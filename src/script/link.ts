/** Links a script's modules into one program: what every import means, and the text of every module. */

import { forEachChild, isFunction, type Node, type NodeOf, staticKey, unwrap } from "./ast.ts";
import { builtinWriteTargets } from "./builtin_writes.ts";
import { mayWriteBytes } from "./byte_writes.ts";
import { debugMapComment } from "./debug_map.ts";
import { Edits } from "./edits.ts";
import { declarationName, type Export, ExportResolver, nameOf } from "./exports.ts";
import { type ImportTarget, infer, type Inference, type InferenceModule } from "./inference.ts";
import { type Dependency, type ParsedModule, requestKind, requestOf } from "./parsed_module.ts";
import type { Names } from "./names.ts";
import type { DependencyTarget, Program, ProgramModule } from "./program.ts";
import type { Binding, Reference } from "./scope.ts";
import { replacedGlobals } from "./replaced_globals.ts";
import { suspendModule } from "./suspend.ts";

/**
 * Compiles modules, given in the order of loading, the script itself last. `inspected` texts hold what a debugger needs to
 * show the author's.
 */
export function link(modules: readonly ParsedModule[], { inspected = false } = {}): Program {
  modules.forEach((module, index) => module.index = index);
  const exports = new ExportResolver();
  const order = new EvaluationOrder(modules);
  const linked = modules.map((module) => new LinkedModule(module, exports, order));
  const namespaces = new Set(linked.flatMap((module) => module.namespaces));
  const inputs = linked.map((module): InferenceModule => ({
    program: module.parsed.program,
    scope: module.parsed.scope,
    imports: module.imports,
    required: module.required,
    exposesDefault: namespaces.has(module.parsed),
    exposed: namespaces.has(module.parsed) ? exposed(module.parsed, exports) : [],
  }));
  const inference = infer(inputs);
  const usesGlobal = modules.some((module) =>
    module.scope.free.some(({ node }) => node.name === "globalThis" || node.name === "global")
  );
  const replaced = new Set(modules.flatMap(({ program, scope }) => replacedGlobals(program, scope)));
  const entry = modules.at(-1);
  return {
    modules: linked.map((module) => module.compile(inference, { usesGlobal, replaced }, inspected)),
    builtins: [...new Set(modules.flatMap(builtinsOf))],
    readsPages: modules.some(({ source }) => PAGE_METHODS.test(source.text)),
    mayWriteBytes: modules.some(mayWriteBytes),
    exports: entry ? [...exports.names(entry)] : [],
  };
}

/** Names of the methods of `Response` that parse HTML, but in a media type (`text/html`) and at the end of a file's name. */
const PAGE_METHODS = /(?<!\/)\bhtml\b(?<!\.html(?=["'`]))|\b(?:submitForm|clickLink)\b/;

function builtinsOf({ dependencies, candidates }: ParsedModule): string[] {
  return [...dependencies.values(), ...candidates.values()].flatMap((dependency) =>
    dependency.kind === "builtin" ? [dependency.specifier] : []
  );
}

/** Named exports of a module that its namespace object shows. */
function exposed(module: ParsedModule, exports: ExportResolver): { name: string; binding: Binding }[] {
  return exports.names(module).flatMap((name) => {
    const found = exports.resolve(module, name);
    return found?.kind === "binding" ? [{ name, binding: found.binding }] : [];
  });
}

/** Modules that a module imports by declarations, in their order. */
function staticImports(module: ParsedModule): ParsedModule[] {
  return module.program.body.flatMap((node) => {
    const dependency = module.dependencies.get(node);
    return dependency?.kind === "module" ? [dependency.module] : [];
  });
}

/** How the modules of a script use its global object. */
interface GlobalUse {
  /** Whether any names it, and so may add to it. */
  readonly usesGlobal: boolean;
  readonly replaced: ReadonlySet<string>;
}

/** Which modules have certainly run when another one's own code runs. */
class EvaluationOrder {
  /** Whether evaluation may begin elsewhere than at the script: at what `require` or `import()` names. */
  readonly #manyRoots: boolean;

  constructor(modules: readonly ParsedModule[]) {
    this.#manyRoots = modules.some(({ dependencies, candidates }) =>
      candidates.size > 0 ||
      dependencies.keys().some((node) => node.type === "CallExpression" || node.type === "ImportExpression")
    );
  }

  /** Whether a module imports itself, through others or directly. */
  isInCycle(module: ParsedModule): boolean {
    return staticImports(module).some((imported) => reaches(imported, module, new Set()));
  }

  /** `imported` is a module that `importer` imports, directly or through re-exports. */
  hasRun(imported: ParsedModule, importer: ParsedModule): boolean {
    return imported.index < importer.index && !(this.#manyRoots && reaches(imported, importer, new Set()));
  }
}

function reaches(from: ParsedModule, to: ParsedModule, seen: Set<ParsedModule>): boolean {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return staticImports(from).some((module) => reaches(module, to, seen));
}

/** One module with its imports resolved; records its edits. */
class LinkedModule {
  readonly imports = new Map<Binding, ImportTarget>();
  /** Calls of `require()` and `import()`: the built-in module that they lead to, or null for any other. */
  readonly required = new Map<Node, string | null>();
  /** Modules that it imports as a whole. */
  readonly namespaces: ParsedModule[] = [];
  readonly #exports: ExportResolver;
  readonly #order: EvaluationOrder;
  /** References that are replaced, by what. */
  readonly #replacements = new Map<Binding, string>();
  /** Constants for built-ins; made before the module's functions can run. */
  #early = "";
  /** Constants for other modules' bindings; made when those have run. */
  #late = "";
  readonly #names: Names;

  constructor(readonly parsed: ParsedModule, exports: ExportResolver, order: EvaluationOrder) {
    this.#exports = exports;
    this.#order = order;
    this.#names = parsed.names;
    exports.checkReexports(parsed);
    for (const [node, dependency] of parsed.dependencies) {
      if (node.type === "ImportDeclaration") this.#import(node, dependency);
      else if (node.type === "CallExpression" || node.type === "ImportExpression") {
        this.required.set(node, dependency.kind === "builtin" ? dependency.specifier : null);
        if (dependency.kind === "module") this.namespaces.push(dependency.module);
      } else if (node.type === "ExportAllDeclaration" && node.exported && dependency.kind === "module") {
        this.namespaces.push(dependency.module);
      }
    }
    for (const dependency of parsed.candidates.values()) {
      if (dependency.kind === "module") this.namespaces.push(dependency.module);
    }
    for (const node of parsed.requireCalls()) if (!this.required.has(node)) this.required.set(node, null);
    for (const node of parsed.program.body) if (node.type === "VariableDeclaration") this.#requiredBindings(node);
  }

  #import(node: NodeOf<"ImportDeclaration">, dependency: Dependency): void {
    for (const specifier of node.specifiers) {
      if (!this.parsed.keepsSpecifier(specifier.local)) continue;
      const binding = this.parsed.scope.bindingOf.get(specifier.local)!;
      if (dependency.kind === "builtin") this.#importBuiltin(specifier, binding, dependency.specifier);
      else if (dependency.kind === "module") this.#importModule(node, specifier, binding, dependency.module);
    }
  }

  #importBuiltin(specifier: ImportSpecifier, binding: Binding, from: string): void {
    const { instance } = this.#names;
    const object = `${instance}.host.builtin(${JSON.stringify(from)})`;
    const name = importedName(specifier);
    this.imports.set(binding, importTarget({ kind: "builtin", specifier: from, name }));
    this.#early += `const ${binding.name}=${this.#builtinValue(object, name)};`;
  }

  #builtinValue(object: string, name: string): string {
    if (name === "*") return object;
    return name === "default" ? `${this.#names.runtime}.defaultOf(${object})` : `${object}[${JSON.stringify(name)}]`;
  }

  #importModule(
    node: NodeOf<"ImportDeclaration">,
    specifier: ImportSpecifier,
    binding: Binding,
    module: ParsedModule,
  ): void {
    const exports = `${this.#names.instance}.x[${module.index}]`;
    if (specifier.type === "ImportNamespaceSpecifier") {
      this.imports.set(binding, { kind: "namespace" });
      this.namespaces.push(module);
      this.#late += `const ${binding.name}=${this.#names.runtime}.namespace(${exports});`;
      return;
    }
    const name = importedName(specifier);
    const target = this.#exports.imported(this.parsed, node, name, specifier);
    this.imports.set(binding, importTarget(target));
    if (target.kind === "namespace") this.namespaces.push(target.module);
    const value = `${exports}[${JSON.stringify(name)}]`;
    const hasRun = this.#order.hasRun(module, this.parsed) && "module" in target &&
      this.#order.hasRun(target.module, this.parsed);
    if (target.kind === "commonjs" && hasRun) {
      const request = JSON.stringify(String(node.source.value));
      this.#late += `const ${binding.name}=${this.#names.runtime}.commonJsExport(${exports},${
        JSON.stringify(name)
      },${request});`;
    } else if (target.kind === "builtin" || hasRun && !(target.kind === "binding" && target.binding.reassigned)) {
      this.#late += `const ${binding.name}=${value};`;
    } else {
      this.#replacements.set(binding, value);
    }
  }

  /** `const http = require("k6/http")`, `const { sleep } = require("k6")`: names whose meaning is known, as of imports. */
  #requiredBindings(node: NodeOf<"VariableDeclaration">): void {
    for (const { id, init } of node.declarations) {
      const specifier = init && this.required.get(unwrap(init));
      if (!specifier) continue;
      if (id.type === "Identifier") this.#requiredBinding(id, specifier, "default");
      if (id.type !== "ObjectPattern") continue;
      for (const property of id.properties) {
        const name = property.type === "Property" ? staticKey(property, property.key) : undefined;
        if (property.type !== "Property" || name === undefined || property.value.type !== "Identifier") continue;
        this.#requiredBinding(property.value, specifier, name);
      }
    }
  }

  #requiredBinding(id: NodeOf<"Identifier">, specifier: string, name: string): void {
    const binding = this.parsed.scope.bindingOf.get(id);
    if (binding && !binding.reassigned) this.imports.set(binding, importTarget({ kind: "builtin", specifier, name }));
  }

  compile(inference: Inference, globals: GlobalUse, inspected: boolean): ProgramModule {
    const { source, program, scope, unnamedDefault, format, sourceMap, index, base } = this.parsed;
    const edits = new Edits(source.text);
    if (source.text.startsWith("#!")) edits.replace(0, 2, "//");
    const replaced = new Set<Node>();
    this.#editReferences(edits, replaced, globals);
    this.#editDeclarations(edits, inference);
    for (const node of scope.importMetas) {
      edits.replace(node.start, node.end, `${this.#names.instance}.meta(${index},${JSON.stringify(base)})`);
    }
    for (const node of scope.importCalls) {
      edits.replace(node.start, node.start + "import".length, `${this.#names.instance}.importer(${index})`);
    }
    const names = this.#names;
    const expression = this.#unnamedDefault(inference) === "expression";
    if (unnamedDefault && !expression) edits.insert(unnamedDefault.start, ` ${unnamedDefault.name}`);
    const attached = suspendModule({ program, text: source.text, scope, inference, names, replaced }, edits);
    for (const object of builtinWriteTargets(program, scope)) {
      edits.insert(object.start, `${names.runtime}.builtin(`);
      edits.insert(object.end, ")");
    }
    for (const node of program.body) {
      if (node.type === "ExportDefaultDeclaration" && (expression || declarationName(node) === undefined)) {
        edits.insert(node.declaration.end, "};");
      }
    }
    const { url } = source;
    const { code, columnEdits } = edits.apply(this.#head(attached, inference), "\n})");
    const debugMap = inspected
      ? `\n${debugMapComment({ url, code, columnEdits, sourceMap, original: source.original })}`
      : "";
    return {
      url,
      format,
      code: code + debugMap,
      columnEdits,
      sourceMap,
      imports: staticImports(this.parsed).map(({ index }) => index),
      dynamic: this.#dynamicTargets(),
    };
  }

  /**
   * What becomes of `export default function () {…}`: an expression, as long as nothing could call it before the module
   * runs; else a declaration, and what its author wrote (`hoisted`) or a suspending form with the author's function at the
   * head (`divided`).
   */
  #unnamedDefault(inference: Inference): "none" | "expression" | "hoisted" | "divided" {
    const { unnamedDefault } = this.parsed;
    const fn = unnamedDefault && inference.knownFunction(this.parsed.scope.bindingOf.get(unnamedDefault)!);
    if (!fn) return "none";
    if (fn.async || inference.suspends(fn)) return "divided";
    return this.#order.isInCycle(this.parsed) ? "hoisted" : "expression";
  }

  /** What stands before the author's text. */
  #head(attached: string, inference: Inference): string {
    const { runtime, instance } = this.#names;
    const free = (name: string) => this.parsed.scope.free.some(({ node }) => node.name === name);
    if (this.parsed.format === "commonjs") {
      // Only those that the module doesn't declare itself.
      const given = ["module", "exports", "require"].map((name, index) => free(name) ? name : `${runtime}${index}`);
      return `(function(${runtime},${instance},${given}){"use strict";${attached}`;
    }
    const { unnamedDefault } = this.parsed;
    const named = this.#unnamedDefault(inference) === "hoisted"
      ? `${runtime}.defaultName(${unnamedDefault!.name});`
      : "";
    const require = free("require") ? `const require=${instance}.require(${this.parsed.index});` : "";
    return `(function*(${runtime},${instance}){"use strict";${this.#early}${require}${attached}${named}yield ${this.#exportsObject()};${this.#late}`;
  }

  /** Where the `require()` and `import()` calls lead, by specifier. */
  #dynamicTargets(): Record<string, DependencyTarget> {
    const targets: Record<string, DependencyTarget> = {};
    for (const [node, dependency] of this.parsed.dependencies) {
      if (node.type !== "CallExpression" && node.type !== "ImportExpression") continue;
      targets[`${requestKind(node)} ${requestOf(node)}`] = target(dependency);
    }
    for (const [request, dependency] of this.parsed.candidates) targets[request] ??= target(dependency);
    return targets;
  }

  #editReferences(edits: Edits, replaced: Set<Node>, globals: GlobalUse): void {
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
    let outside: ReadonlySet<Node> | undefined;
    for (const reference of this.parsed.scope.free) {
      const { name } = reference.node;
      const typeOf = reference.typeofStart !== undefined;
      if (this.parsed.format !== "commonjs" && (name === "module" || name === "exports")) {
        if (!typeOf && !reference.write) replace(reference, `${instance}.mixed("${name}")`);
      } else if (name === "require" || name === "module" || name === "exports") {
        // Given to the module.
      } else if (name === "__VU" || name === "__ENV" || name === "__ITER") {
        const value = `${instance}.host.globals.${name}`;
        replace(reference, name === "__ITER" && !typeOf ? `${runtime}.iteration(${value})` : value);
      } else if (name === "globalThis" || name === "global") {
        replace(reference, `${instance}.global`);
      } else if (name === "Promise" && !reference.write) {
        replace(reference, `${instance}.promise`);
      } else if (name === "queueMicrotask" && !reference.write) {
        replace(reference, typeOf ? "undefined" : `${instance}.absent("${name}")`);
      } else if (name === "arguments") {
        // Those of the factory are none of the script's business.
        outside ??= argumentsOutsideFunctions(this.parsed.program);
        if (outside.has(reference.node)) replace(reference, typeOf ? "undefined" : `${instance}.absent("${name}")`);
      } else if (name in globalThis && !globals.replaced.has(name)) {
        continue;
      } else if (reference.write) {
        replace(reference, `${instance}.names.${name}`);
      } else if (globals.usesGlobal || globals.replaced.has(name)) {
        replace(reference, typeOf ? `${instance}.global.${name}` : `(${instance}.free("${name}"))`);
      }
    }
  }

  #editDeclarations(edits: Edits, inference: Inference): void {
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
          if (declarationName(node) !== undefined && this.#unnamedDefault(inference) !== "expression") {
            edits.replace(node.start, node.declaration.start, "");
          } else {
            edits.replace(node.start, node.declaration.start, `const {default:${this.#names.default}}={default:`);
          }
      }
    }
  }

  /** Accessors, so that bindings stay live and dead zones stay dead. */
  #exportsObject(): string {
    const { instance, runtime } = this.#names;
    const accessors = this.#exports.names(this.parsed).map((name) =>
      `get ${JSON.stringify(name)}(){return ${this.#exportedValue(this.#exports.resolve(this.parsed, name)!)}}`
    );
    const object = `{${["__proto__:null", ...accessors].join()}}`;
    const stars = this.#exports.builtinStars(this.parsed).map((specifier) =>
      `${instance}.host.builtin(${JSON.stringify(specifier)})`
    );
    return stars.length === 0 ? object : `${runtime}.withStars(${[object, ...stars].join()})`;
  }

  #exportedValue(found: Export): string {
    const { instance, runtime, default: unnamed } = this.#names;
    if (found.kind === "builtin") {
      return this.#builtinValue(`${instance}.host.builtin(${JSON.stringify(found.specifier)})`, found.name);
    }
    const exports = `${instance}.x[${found.module.index}]`;
    if (found.kind === "namespace") return `${runtime}.namespace(${exports})`;
    if (found.kind === "commonjs") return `${exports}[${JSON.stringify(found.name)}]`;
    if (found.module === this.parsed) return found.kind === "binding" ? found.binding.name : unnamed;
    const own = this.#exports.names(found.module).find((other) => {
      const target = this.#exports.resolve(found.module, other);
      return target?.kind === found.kind && (found.kind !== "binding" || target.kind !== "binding" ||
        target.binding === found.binding);
    });
    return `${exports}[${JSON.stringify(own)}]`;
  }
}

function target(dependency: Dependency): DependencyTarget {
  return dependency.kind === "module" ? { kind: "module", index: dependency.module.index } : dependency;
}

type ImportSpecifier = NodeOf<"ImportDeclaration">["specifiers"][number];

/** The name that an import specifier asks for; `*` for the whole module. */
function importedName(specifier: ImportSpecifier): string {
  if (specifier.type === "ImportNamespaceSpecifier") return "*";
  return specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "default";
}

/** `arguments` where a module has none: outside of its functions, arrows not counted. */
function argumentsOutsideFunctions(program: Node): ReadonlySet<Node> {
  const found = new Set<Node>();
  const visit = (node: Node): void => {
    if (isFunction(node) && node.type !== "ArrowFunctionExpression") return;
    if (node.type === "Identifier" && node.name === "arguments") found.add(node);
    forEachChild(node, visit);
  };
  visit(program);
  return found;
}

function importTarget(target: Export): ImportTarget {
  switch (target.kind) {
    case "binding":
      return { kind: "binding", binding: target.binding };
    case "expression":
      return { kind: "expression", node: target.node };
    case "namespace":
      return { kind: "namespace" };
    case "commonjs":
      return { kind: "unknown" };
    case "builtin":
      if (target.name === "*" || target.name === "default") {
        return { kind: "builtin-object", specifier: target.specifier };
      }
      return target;
  }
}
