/**
 * Which functions and calls may suspend, inferred over the whole closed world of a script.
 *
 * One boolean per node of a value-flow graph: "may this be a function that may suspend?". A node is a binding, a property
 * name (whatever the object), a function's result, or one of a few pools for what has no name (array elements, computed
 * properties, arguments of unknown calls). Blocking built-ins are true from the start and truth spreads along the flows.
 * Where a value's way can't be followed it goes through a pool: over-caution, never a miss.
 */

import {
  type ClassNode,
  forEachChild,
  type FunctionNode,
  isFunction,
  lexicalUses,
  type Node,
  type NodeOf,
  staticKey,
  unwrap,
} from "./ast.ts";
import { builtinBlocking, CALLBACK_METHODS, HTTP_METHODS, INERT_METHODS, NATIVE_METHODS } from "./blocking.ts";
import { constructorShape, isTransparent } from "./constructors.ts";
import { canMoveParameters } from "./parameters.ts";
import type { Binding, ModuleScope } from "./scope.ts";

/** What an imported name stands for. */
export type ImportTarget =
  | { readonly kind: "builtin"; readonly specifier: string; readonly name: string }
  /** Default or namespace import of a built-in module: an object of its members. */
  | { readonly kind: "builtin-object"; readonly specifier: string }
  | { readonly kind: "binding"; readonly binding: Binding }
  /** The default export's expression. */
  | { readonly kind: "expression"; readonly node: Node }
  | { readonly kind: "namespace" }
  /** A property of what a CommonJS module exports. */
  | { readonly kind: "unknown" };

/** One module as the inference reads it. */
export interface InferenceModule {
  readonly program: Node;
  readonly scope: ModuleScope;
  /** Meaning of the module's import bindings. */
  readonly imports: ReadonlyMap<Binding, ImportTarget>;
  /** Calls of `require()` and `import()`: the built-in module that they lead to, or null for any other. */
  readonly required: ReadonlyMap<Node, string | null>;
  /** Bindings that leave the module as properties (namespace imports, the script's own exports). */
  readonly exposesDefault: boolean;
  readonly exposed: readonly { readonly name: string; readonly binding: Binding }[];
}

type Call = NodeOf<"CallExpression"> | NodeOf<"TaggedTemplateExpression"> | NodeOf<"NewExpression">;

/** What walks an iterable. */
type Iteration = NodeOf<"ForOfStatement"> | NodeOf<"SpreadElement"> | NodeOf<"YieldExpression">;

/** How a function can be compiled; `opaque` ones stay plain wherever they are called. */
export interface Inference {
  /** True when the function is compiled to a suspending form. */
  suspends(node: FunctionNode): boolean;
  /** True when the call, or walking the iterable, may suspend and stands where it can be `yield*`. */
  suspendingCall(node: Call | Iteration): boolean;
  /** True when the class has no constructor of its own, and the one that it inherits may suspend. */
  inheritsConstructor(node: ClassNode): boolean;
  /** The function that a callee's name always is, if that can be told. */
  knownFunction(binding: Binding): FunctionNode | undefined;
}

/** Runs the inference to its fixed point. */
export function infer(modules: readonly InferenceModule[]): Inference {
  const graph = new FlowGraph(modules);
  for (const module of modules) graph.add(module);
  graph.solve();
  return graph;
}

/** A node of the graph; `true` spreads along `targets`. */
interface Flow {
  value: boolean;
  readonly targets: Flow[];
}

function flow(value = false): Flow {
  return { value, targets: [] };
}

/** Where an expression stands: the function that runs it and whether `yield*` may stand there. */
interface Place {
  readonly fn: FunctionNode | undefined;
  readonly result: Flow | undefined;
  readonly suspendable: boolean;
  /** The function whose `this`, `arguments` and `super` hold here, if something can be put at its body's head. */
  readonly home: FunctionNode | undefined;
  /** In a derived class's constructor `this` does not exist at first. */
  readonly derivedConstructor: boolean;
}

const OUTSIDE: Place = {
  fn: undefined,
  result: undefined,
  suspendable: false,
  home: undefined,
  derivedConstructor: false,
};

class FlowGraph implements Inference {
  /** Never a suspending function. */
  readonly #never = flow();
  readonly #always = flow(true);
  /** Values that are reached without a name: elements, computed properties, what unknown calls were given. */
  readonly #pool = flow();
  /** Whether asking an async generator for its next value may suspend. */
  readonly #asyncIteration = flow();
  /** The pool and every named property: what a computed read, an unknown call or a parameter may yield. */
  readonly #anything = flow();
  readonly #properties = new Map<string, Flow>();
  readonly #bindings = new Map<Binding, Flow>();
  readonly #functions = new Map<FunctionNode, Flow>();
  readonly #results = new Map<FunctionNode, Flow>();
  readonly #calls = new Map<Call | Iteration, Flow>();
  readonly #opaque = new Set<FunctionNode>();
  /** Constructors with a suspendable part; they stand for their classes. */
  readonly #constructors: Flow[] = [];
  /** Base classes of divided constructors, whose bodies may be run after `super(…)`. */
  readonly #baseClasses = new Map<FunctionNode, Flow>();
  readonly #inheriting = new Map<ClassNode, Flow>();
  readonly #constructions: { node: NodeOf<"NewExpression">; callee: Flow; place: Place }[] = [];
  readonly #derivedConstructors = new Set<FunctionNode>();
  /** Names under which the script itself stores values; a native of that name can't be assumed. */
  readonly #storedNames = new Set<string>();
  #defaultExport = this.#never;
  /** Blocking methods of the objects that built-ins hand out. */
  readonly #blockingMethods = new Set<string>();
  /** Methods of theirs that call back while they run. */
  readonly #callbackMethods = new Set(CALLBACK_METHODS);
  readonly #pending: Flow[] = [];
  readonly #importTargets = new Map<Binding, ImportTarget>();
  readonly #bindingOf = new Map<Node, Binding>();
  readonly #required = new Map<Node, string | null>();
  /** Functions with a name that is only ever called: their parameters and results can be followed. */
  readonly #onlyCalled = new Set<FunctionNode>();

  constructor(modules: readonly InferenceModule[]) {
    this.#connect(this.#pool, this.#anything);
    this.#connect(this.#asyncIteration, this.#property("next"));
    for (const name of ["return", "throw"]) this.#connect(this.#property("next"), this.#property(name));
    for (const module of modules) {
      for (const [binding, target] of module.imports) {
        this.#importTargets.set(binding, target);
        if (target.kind === "builtin" || target.kind === "builtin-object") {
          this.#addMethods(target.specifier);
        }
      }
      for (const [call, specifier] of module.required) {
        this.#required.set(call, specifier);
        if (specifier !== null) this.#addMethods(specifier);
      }
      for (const [identifier, binding] of module.scope.bindingOf) this.#bindingOf.set(identifier, binding);
      collectStoredNames(module.program, this.#storedNames);
    }
    this.#findOnlyCalled(modules);
  }

  #addMethods(specifier: string): void {
    const { methods, callbackMethods = [] } = builtinBlocking(specifier);
    for (const name of methods) this.#blockingMethods.add(name);
    for (const name of callbackMethods) this.#callbackMethods.add(name);
  }

  #findOnlyCalled(modules: readonly InferenceModule[]): void {
    const escaping = new Set<FunctionNode>();
    for (const module of modules) {
      for (const binding of new Set(module.scope.bindingOf.values())) {
        const known = this.knownFunction(binding);
        if (!known) continue;
        this.#onlyCalled.add(known);
        if (binding.references.some((reference) => !reference.call)) escaping.add(known);
      }
      for (const { binding } of module.exposed) {
        const known = this.knownFunction(binding);
        if (known) escaping.add(known);
      }
    }
    for (const fn of escaping) this.#onlyCalled.delete(fn);
  }

  add(module: InferenceModule): void {
    for (const { name, binding } of module.exposed) this.#connect(this.#binding(binding), this.#property(name));
    const place = OUTSIDE;
    this.#defaultExport = module.exposesDefault ? this.#property("default") : this.#never;
    forEachChild(module.program, (child) => void this.#value(child, place));
  }

  solve(): void {
    this.#spread();
    if (!this.#constructors.some((constructor) => constructor.value)) return;
    // Without a class that blocks when it is made, `new` never does, whatever else a callee may be.
    for (const { node, callee, place } of this.#constructions) this.#site(node, callee, place);
    this.#spread();
  }

  #spread(): void {
    for (let node = this.#pending.pop(); node; node = this.#pending.pop()) {
      for (const target of node.targets) this.#raise(target);
    }
  }

  suspends(node: FunctionNode): boolean {
    return !this.#opaque.has(node) && this.#functions.get(node)?.value === true;
  }

  inheritsConstructor(node: ClassNode): boolean {
    return this.#inheriting.get(node)?.value === true;
  }

  suspendingCall(node: Call | Iteration): boolean {
    return this.#calls.get(node)?.value === true;
  }

  knownFunction(binding: Binding): FunctionNode | undefined {
    const target = this.#importTargets.get(binding);
    if (target?.kind === "binding") return this.knownFunction(target.binding);
    if (binding.reassigned || binding.init === undefined) return undefined;
    if (binding.kind !== "const" && binding.kind !== "function" && binding.kind !== "self") return undefined;
    const init = unwrap(binding.init);
    return isFunction(init) ? init : undefined;
  }

  #raise(node: Flow): void {
    if (node.value) return;
    node.value = true;
    this.#pending.push(node);
  }

  #connect(from: Flow, to: Flow): void {
    if (from === this.#never || to === this.#never || from === to) return;
    if (from.value) this.#raise(to);
    from.targets.push(to);
  }

  #join(...sources: Flow[]): Flow {
    const kept = sources.filter((source) => source !== this.#never);
    if (kept.length < 2) return kept[0] ?? this.#never;
    const joined = flow();
    for (const source of kept) this.#connect(source, joined);
    return joined;
  }

  /** What is stored under a name, on any object. */
  #property(name: string): Flow {
    let node = this.#properties.get(name);
    if (!node) {
      node = flow();
      this.#properties.set(name, node);
      this.#connect(node, this.#anything);
      // Property descriptors: what is stored as `value` or returned by `get` is read under another name.
      if (name === "value" || name === "get") this.#connect(node, this.#pool);
    }
    return node;
  }

  #read(name: string | undefined): Flow {
    if (name !== undefined && this.#blockingMethods.has(name)) return this.#always;
    // Nobody stores a function under a native's name without spelling it out.
    if (name !== undefined && NATIVE_METHODS.has(name) && !this.#storedNames.has(name)) return this.#property(name);
    return name === undefined ? this.#anything : this.#join(this.#property(name), this.#pool);
  }

  #store(name: string | undefined, value: Flow): void {
    this.#connect(value, name === undefined ? this.#pool : this.#property(name));
  }

  #binding(binding: Binding): Flow {
    let node = this.#bindings.get(binding);
    if (node) return node;
    const target = this.#importTargets.get(binding);
    switch (target?.kind) {
      case "builtin":
        node = builtinMember(target.specifier, target.name) === "never" ? this.#never : this.#always;
        break;
      case "binding":
        node = this.#binding(target.binding);
        break;
      case "unknown":
        node = this.#anything;
        break;
      case "expression":
        node = this.#anything;
        if (isFunction(unwrap(target.node))) node = this.#function(unwrap(target.node) as FunctionNode);
        break;
      default:
        node = flow();
    }
    this.#bindings.set(binding, node);
    return node;
  }

  #function(node: FunctionNode): Flow {
    let value = this.#functions.get(node);
    if (!value) {
      value = flow();
      this.#functions.set(node, value);
    }
    return value;
  }

  #result(node: FunctionNode): Flow {
    let value = this.#results.get(node);
    if (!value) {
      value = flow();
      this.#results.set(node, value);
    }
    return value;
  }

  /** Visits an expression or statement and returns what its value may be. */
  #value(node: Node, place: Place): Flow {
    switch (node.type) {
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.#visitFunction(node, place);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#visitClass(node, place);
      case "Identifier": {
        const binding = this.#bindingOf.get(node);
        // Free names are natives, except what the script itself puts on its global object.
        if (!binding) return node.name in globalThis ? this.#never : this.#read(node.name);
        const target = this.#importTargets.get(binding);
        if (target?.kind === "builtin-object") this.#exposeBuiltin(target.specifier);
        return this.#binding(binding);
      }
      case "MemberExpression":
        return this.#visitMember(node, place);
      case "ChainExpression":
      case "ParenthesizedExpression":
        return this.#value(node.expression, place);
      case "CallExpression":
        return this.#visitCall(node, place);
      case "TaggedTemplateExpression": {
        const callee = this.#value(node.tag, place);
        for (const part of node.quasi.expressions) this.#connect(this.#value(part, place), this.#pool);
        this.#site(node, callee, place);
        return this.#anything;
      }
      case "NewExpression":
        return this.#visitConstruction(node, place);
      case "ConditionalExpression":
        this.#value(node.test, place);
        return this.#join(this.#value(node.consequent, place), this.#value(node.alternate, place));
      case "LogicalExpression":
        return this.#join(this.#value(node.left, place), this.#value(node.right, place));
      case "SequenceExpression":
        return node.expressions.map((expression) => this.#value(expression, place)).at(-1) ?? this.#never;
      case "AssignmentExpression": {
        const value = this.#value(node.right, place);
        this.#bind(node.left, value, place);
        return node.operator === "=" ? value : this.#join(value, this.#value(node.left, place));
      }
      case "ArrayExpression":
        for (const element of node.elements) if (element) this.#connect(this.#value(element, place), this.#pool);
        return this.#never;
      case "ObjectExpression":
        for (const property of node.properties) {
          if (property.type === "SpreadElement") this.#value(property.argument, place);
          else {
            if (property.computed) this.#value(property.key, place);
            const { method, value: held } = property;
            const opaque = property.kind !== "init" ||
              method && !(held as FunctionNode).async && !(held as FunctionNode).generator && lexicalUses(held).super;
            if (opaque) {
              this.#opaque.add(property.value as FunctionNode);
            }
            const value = this.#value(property.value, place);
            if (property.kind === "init") this.#store(staticKey(property, property.key), value);
          }
        }
        return this.#never;
      case "SpreadElement":
        this.#value(node.argument, place);
        this.#iteration(node, node.argument, place);
        return this.#anything;
      case "YieldExpression":
        if (node.delegate && node.argument) this.#iteration(node, node.argument, place);
        if (node.argument) this.#connect(this.#value(node.argument, place), this.#pool);
        return this.#anything;
      case "AwaitExpression":
        return this.#join(this.#value(node.argument, place), this.#anything);
      case "ImportExpression":
        this.#value(node.source, place);
        return this.#visitRequired(node);
      case "VariableDeclaration":
        for (const { id, init } of node.declarations) {
          this.#bind(id, init ? this.#value(init, place) : this.#never, place);
        }
        return this.#never;
      case "ForInStatement":
      case "ForOfStatement": {
        const left = node.left;
        this.#value(node.right, place);
        if (node.type === "ForOfStatement" && node.await && place.fn) {
          this.#connect(this.#asyncIteration, this.#function(place.fn));
        }
        if (node.type === "ForOfStatement" && !node.await) this.#iteration(node, node.right, place);
        this.#bind(left.type === "VariableDeclaration" ? left.declarations[0]!.id : left, this.#anything, place);
        this.#value(node.body, place);
        return this.#never;
      }
      case "ReturnStatement":
        if (node.argument) this.#connect(this.#value(node.argument, place), place.result ?? this.#pool);
        return this.#never;
      case "ThrowStatement":
        this.#connect(this.#value(node.argument, place), this.#pool);
        return this.#never;
      case "CatchClause":
        if (node.param) this.#bind(node.param, this.#anything, place);
        return this.#value(node.body, place);
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "MetaProperty":
      case "Literal":
      case "TemplateElement":
      case "BreakStatement":
      case "ContinueStatement":
        return this.#never;
      case "LabeledStatement":
        return this.#value(node.body, place);
      case "ExportDefaultDeclaration":
        // Read as `namespace.default`; by name it is followed through the import.
        this.#connect(this.#value(node.declaration, place), this.#defaultExport);
        return this.#never;
      case "ExportNamedDeclaration":
        return node.declaration ? this.#value(node.declaration, place) : this.#never;
      default:
        forEachChild(node, (child) => void this.#value(child, place));
        return this.#never;
    }
  }

  #visitConstruction(node: NodeOf<"NewExpression">, place: Place): Flow {
    const callee = this.#value(node.callee, place);
    const given = node.arguments.map((argument) => this.#value(argument, place));
    for (const value of given) this.#connect(value, this.#pool);
    // `new Promise(executor)` calls the executor.
    if (this.#mayBePromise(node.callee)) this.#site(node, this.#join(...given, callee), place);
    else this.#constructions.push({ node, callee, place });
    return this.#never;
  }

  /** Whether an expression names `Promise`, as `P || (P = Promise)` does, which TypeScript makes of `async` functions. */
  #mayBePromise(expression: Node): boolean {
    const node = unwrap(expression);
    switch (node.type) {
      case "Identifier":
        return node.name === "Promise" && !this.#bindingOf.has(node);
      case "LogicalExpression":
        return this.#mayBePromise(node.left) || this.#mayBePromise(node.right);
      case "ConditionalExpression":
        return this.#mayBePromise(node.consequent) || this.#mayBePromise(node.alternate);
      case "AssignmentExpression":
        return this.#mayBePromise(node.right);
      default:
        return false;
    }
  }

  #visitMember(node: NodeOf<"MemberExpression">, place: Place): Flow {
    const name = staticKey(node, node.property);
    if (node.computed) this.#value(node.property, place);
    const builtin = this.#builtinObject(node.object);
    if (builtin !== undefined && name === "default") {
      this.#exposeBuiltin(builtin);
      return this.#never;
    }
    if (builtin !== undefined && name !== undefined) {
      return builtinMember(builtin, name) === "never" ? this.#never : this.#always;
    }
    this.#value(node.object, place);
    return this.#read(name);
  }

  /** The built-in module that an expression's object is, when it is the plain import, or the `default` of one. */
  #builtinObject(node: Node): string | undefined {
    const inner = unwrap(node);
    if (inner.type === "MemberExpression" && staticKey(inner, inner.property) === "default") {
      return this.#builtinObject(inner.object);
    }
    if (inner.type === "CallExpression") return this.#required.get(inner) ?? undefined;
    if (inner.type !== "Identifier") return undefined;
    const binding = this.#bindingOf.get(inner);
    const target = binding && this.#importTargets.get(binding);
    return target?.kind === "builtin-object" ? target.specifier : undefined;
  }

  /** The object of a built-in module is used as a value: its members may be met under their names on any object. */
  #exposeBuiltin(specifier: string): void {
    const { members, others } = builtinBlocking(specifier);
    for (const [name, blocking] of Object.entries(members)) {
      if (blocking !== "never") this.#connect(this.#always, this.#property(name));
    }
    if (others === "never") return;
    if (specifier !== "k6/http") return this.#connect(this.#always, this.#pool);
    for (const name of HTTP_METHODS) this.#connect(this.#always, this.#property(name));
  }

  #visitCall(node: NodeOf<"CallExpression">, place: Place): Flow {
    if (this.#required.has(node)) {
      for (const argument of node.arguments) this.#value(argument, place);
      return this.#visitRequired(node);
    }
    const callee = unwrap(node.callee);
    const builtin = this.#calledBuiltin(callee);
    if (builtin) return this.#visitBuiltinCall(node, builtin, place);
    if (callee.type === "Super") {
      // It stays in the constructor itself, whatever follows it.
      const base = place.fn && this.#baseClasses.get(place.fn);
      if (base) this.#site(node, base, place);
      const outside = { ...place, suspendable: false };
      for (const argument of node.arguments) this.#connect(this.#value(argument, outside), this.#pool);
      return this.#never;
    }
    if (callee.type === "Identifier") {
      const binding = this.#bindingOf.get(callee);
      const known = binding && this.knownFunction(binding);
      const value = this.#value(callee, place);
      this.#site(node, value, place);
      if (known) {
        this.#passArguments(known, node.arguments, place);
        return this.#result(known);
      }
      // A free name is a native function: it may keep its arguments only if it is a constructor, and those need `new`.
      for (const argument of node.arguments) {
        const given = this.#value(argument, place);
        if (binding) this.#connect(given, this.#pool);
      }
      return binding ? this.#anything : this.#never;
    }
    if (isFunction(callee)) {
      const value = this.#value(callee, place);
      this.#site(node, value, place);
      this.#passArguments(callee, node.arguments, place);
      return this.#result(callee);
    }
    if (callee.type !== "MemberExpression") {
      const value = this.#value(callee, place);
      this.#site(node, value, place);
      for (const argument of node.arguments) this.#connect(this.#value(argument, place), this.#pool);
      return this.#anything;
    }
    return this.#visitMethodCall(node, callee, place);
  }

  #visitMethodCall(node: NodeOf<"CallExpression">, callee: NodeOf<"MemberExpression">, place: Place): Flow {
    const name = staticKey(callee, callee.property);
    if (name === "call" || name === "apply" || name === "bind") {
      const receiver = this.#value(callee.object, place);
      if (name !== "bind") this.#site(node, this.#join(receiver, this.#read(name)), place);
      for (const argument of node.arguments) this.#connect(this.#value(argument, place), this.#pool);
      return name === "bind" ? receiver : this.#anything;
    }
    const member = this.#visitMember(callee, place);
    const native = name !== undefined && !this.#storedNames.has(name);
    const callbacks = native && CALLBACK_METHODS.has(name);
    const inert = native && INERT_METHODS.has(name);
    const given = node.arguments.map((argument) => this.#value(argument, place));
    if (!callbacks && !inert) { for (const value of given) this.#connect(value, this.#pool); }
    const mayCallBack = name === undefined || this.#callbackMethods.has(name);
    if (!inert) this.#site(node, mayCallBack ? this.#join(member, ...given) : member, place);
    return inert ? this.#never : this.#anything;
  }

  /** `require()` or `import()`, used as a value. */
  #visitRequired(node: Node): Flow {
    const specifier = this.#required.get(node);
    if (typeof specifier === "string") this.#exposeBuiltin(specifier);
    return this.#anything;
  }

  /** The built-in function that a callee certainly is. */
  #calledBuiltin(callee: Node): { specifier: string; name: string } | undefined {
    if (callee.type === "Identifier") {
      const binding = this.#bindingOf.get(callee);
      const target = binding && this.#importTargets.get(binding);
      return target?.kind === "builtin" ? target : undefined;
    }
    if (callee.type !== "MemberExpression") return undefined;
    const specifier = this.#builtinObject(callee.object);
    const name = staticKey(callee, callee.property);
    return specifier !== undefined && name !== undefined ? { specifier, name } : undefined;
  }

  #visitBuiltinCall(node: NodeOf<"CallExpression">, builtin: { specifier: string; name: string }, place: Place): Flow {
    const blocking = builtinMember(builtin.specifier, builtin.name);
    const given = node.arguments.map((argument) => this.#argumentFunctions(argument, place));
    if (blocking === "always") this.#site(node, this.#always, place);
    if (blocking === "callback") this.#site(node, this.#join(...given), place);
    return blocking === "callback" ? this.#anything : this.#never;
  }

  /** The functions that a built-in may find in an argument: the value itself and, for an object, its properties. */
  #argumentFunctions(argument: Node, place: Place): Flow {
    const value = this.#value(argument, place);
    const inner = unwrap(argument);
    if (inner.type === "Literal" || inner.type === "TemplateLiteral" || isFunction(inner)) return value;
    if (inner.type !== "ObjectExpression") {
      return inner.type === "Identifier" && !this.#mayBeObject(inner) ? value : this.#join(value, this.#anything);
    }
    const parts = inner.properties.map((property) => {
      if (property.type === "SpreadElement" || property.computed && !staticKey(property, property.key)) {
        return this.#anything;
      }
      const held = unwrap(property.value);
      return isFunction(held) ? this.#function(held) : this.#read(staticKey(property, property.key));
    });
    return this.#join(value, ...parts);
  }

  #mayBeObject(node: NodeOf<"Identifier">): boolean {
    const binding = this.#bindingOf.get(node);
    return !binding || this.knownFunction(binding) === undefined;
  }

  /** Notes a call; if it may suspend, so may the function around it. */
  #site(node: Call | Iteration, callee: Flow, place: Place): void {
    if (!place.suspendable || !place.fn || callee === this.#never) return;
    const site = this.#calls.get(node) ?? flow();
    this.#calls.set(node, site);
    this.#connect(callee, site);
    this.#connect(site, this.#function(place.fn));
  }

  /** Notes that a value is iterated: what gives its values is called `next`. */
  #iteration(node: Iteration, iterable: Node, place: Place): void {
    if (!this.#isArray(unwrap(iterable))) this.#site(node, this.#property("next"), place);
  }

  #isArray(node: Node): boolean {
    if (node.type === "ArrayExpression" || node.type === "TemplateLiteral" || node.type === "Literal") return true;
    if (node.type !== "CallExpression") return false;
    const callee = unwrap(node.callee);
    if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier") return false;
    const name = staticKey(callee, callee.property);
    return callee.object.name === "Object" && !this.#bindingOf.has(callee.object) &&
      (name === "keys" || name === "values" || name === "entries");
  }

  #passArguments(fn: FunctionNode, args: readonly Node[], place: Place): void {
    const spread = args.some((argument) => argument.type === "SpreadElement");
    const elements = lexicalUses(fn).arguments;
    args.forEach((argument, index) => {
      const value = this.#value(argument, place);
      const param = fn.params[index];
      if (elements) this.#connect(value, this.#pool);
      if (spread || !param || param.type === "RestElement") this.#connect(value, this.#pool);
      else this.#bindParam(param, value);
    });
    if (spread) { for (const param of fn.params) this.#bindParam(param, this.#anything); }
  }

  /** An argument flows into a parameter; what a pattern takes out of it is reached by name. */
  #bindParam(param: Node, value: Flow): void {
    const target = param.type === "AssignmentPattern" ? param.left : param;
    if (target.type === "Identifier") this.#bind(target, value, OUTSIDE);
  }

  /** Value flows into a pattern or an assignment target. */
  #bind(target: Node, value: Flow, place: Place): void {
    switch (target.type) {
      case "Identifier": {
        const binding = this.#bindingOf.get(target);
        if (binding) this.#connect(value, this.#binding(binding));
        else this.#connect(value, this.#pool);
        return;
      }
      case "ParenthesizedExpression":
        return this.#bind(target.expression, value, place);
      case "MemberExpression":
        this.#value(target.object, place);
        if (target.computed) this.#value(target.property, place);
        return this.#store(staticKey(target, target.property), value);
      case "AssignmentPattern":
        this.#connect(this.#value(target.right, place), this.#defaulted(target.left));
        return this.#bind(target.left, value, place);
      case "ObjectPattern":
        for (const property of target.properties) {
          if (property.type === "RestElement") continue;
          if (property.computed) this.#value(property.key, place);
          this.#bind(property.value, this.#read(staticKey(property, property.key)), place);
        }
        return;
      case "ArrayPattern":
        for (const element of target.elements) if (element) this.#bind(element, this.#anything, place);
        return;
      case "RestElement":
        return this.#bind(target.argument, this.#never, place);
    }
  }

  /** Where a pattern's default value goes. */
  #defaulted(target: Node): Flow {
    if (target.type !== "Identifier") return this.#pool;
    const binding = this.#bindingOf.get(target);
    return binding ? this.#binding(binding) : this.#pool;
  }

  #visitFunction(node: FunctionNode, outer: Place): Flow {
    const value = this.#function(node);
    const binding = node.type !== "ArrowFunctionExpression" && node.id ? this.#bindingOf.get(node.id) : undefined;
    if (binding) this.#connect(value, this.#binding(binding));
    if (this.#isOpaque(node, outer)) this.#opaque.add(node);
    if (node.generator) this.#connect(value, node.async ? this.#asyncIteration : this.#property("next"));
    const result = this.#result(node);
    const arrow = node.type === "ArrowFunctionExpression";
    const inner: Place = {
      fn: node,
      result,
      suspendable: !this.#opaque.has(node),
      home: arrow ? outer.home : node,
      derivedConstructor: arrow ? outer.derivedConstructor : this.#derivedConstructors.has(node),
    };
    const params: Place = canMoveParameters(node)
      ? inner
      : { ...OUTSIDE, derivedConstructor: inner.derivedConstructor };
    const followed = this.#onlyCalled.has(node);
    for (const param of node.params) this.#bind(param, followed ? this.#never : this.#anything, params);
    // What an `async` function returns comes out of its promise.
    if (!followed || node.async) this.#connect(result, this.#pool);
    if (node.body.type === "BlockStatement") this.#value(node.body, inner);
    else this.#connect(this.#value(node.body, inner), result);
    return value;
  }

  /** A function that has no suspending form (yet), whatever it does. */
  #isOpaque(node: FunctionNode, outer: Place): boolean {
    if (node.async) return false;
    if (node.generator) return lexicalUses(node).newTarget;
    const uses = lexicalUses(node);
    if (uses.newTarget) return true;
    if (node.type !== "ArrowFunctionExpression") return false;
    return (uses.arguments || uses.super) && !outer.home || (uses.this || uses.super) && outer.derivedConstructor;
  }

  #visitClass(node: ClassNode, place: Place): Flow {
    const base = node.superClass ? this.#value(node.superClass, place) : this.#never;
    const transparent = isTransparent(node);
    let constructor = this.#never;
    if (transparent && !node.body.body.some((element) => "kind" in element && element.kind === "constructor")) {
      constructor = base;
      this.#inheriting.set(node, base);
    }
    for (const element of node.body.body) {
      if (element.type === "StaticBlock") this.#value(element, OUTSIDE);
      else {
        const name = staticKey(element, element.key);
        if (element.computed) this.#value(element.key, place);
        if (element.type === "PropertyDefinition") {
          if (element.value) this.#store(name, this.#value(element.value, OUTSIDE));
        } else {
          // Of two methods with one name the last counts; which one is found by name can't be told apart later.
          const repeated = node.body.body.some((other) =>
            other !== element && other.type !== "StaticBlock" && other.static === element.static &&
            staticKey(other, other.key) === name
          );
          const divisible = constructorShape(node, element) !== undefined;
          const opaque = element.kind !== "method" && !divisible || element.computed || repeated;
          if (opaque && !element.value.async && !element.value.generator) this.#opaque.add(element.value);
          if (element.kind === "constructor" && node.superClass && !divisible) {
            this.#derivedConstructors.add(element.value);
          }
          if (divisible && transparent) this.#baseClasses.set(element.value, base);
          const value = this.#value(element.value, OUTSIDE);
          if (element.kind === "method") this.#store(name, value);
          if (divisible) this.#constructors.push(constructor = value);
        }
      }
    }
    const binding = node.id ? this.#bindingOf.get(node.id) : undefined;
    if (binding) this.#connect(constructor, this.#binding(binding));
    return constructor;
  }
}

function builtinMember(specifier: string, name: string) {
  const { members, others } = builtinBlocking(specifier);
  // A constant's name: written like one, nobody calls it.
  return Object.hasOwn(members, name) ? members[name]! : /^[A-Z][A-Z0-9_]*$/.test(name) ? "never" : others;
}

/** Names of methods and properties that a module writes. */
function collectStoredNames(node: Node, names: Set<string>): void {
  if (node.type === "Property" || node.type === "MethodDefinition" || node.type === "PropertyDefinition") {
    const name = staticKey(node, node.key);
    if (name !== undefined) names.add(name);
  } else if (node.type === "AssignmentExpression" && node.left.type === "MemberExpression") {
    const name = staticKey(node.left, node.left.property);
    if (name !== undefined) names.add(name);
  }
  forEachChild(node, (child) => collectStoredNames(child, names));
}
