/** Which binding each identifier of a module means. */

import { type ClassNode, forEachChild, type FunctionNode, isFunction, type Node, type NodeOf } from "./ast.ts";

/** A name in the program. */
export type Identifier = NodeOf<"Identifier">;

/** One declared name. */
export interface Binding {
  readonly name: string;
  readonly kind: "var" | "lexical" | "const" | "function" | "class" | "param" | "import" | "self";
  /** The import, function or class that declares it. */
  readonly declaration: Node | undefined;
  readonly references: Reference[];
  /** Written to anywhere but by its own declaration. */
  reassigned: boolean;
  /** The initializer, when there is a single one and the pattern is a plain name. */
  init: Node | undefined;
}

/** One use of a name. */
export interface Reference {
  readonly node: Identifier;
  /** `{ name }` in an object literal: replacing the name means spelling the key out. */
  readonly shorthand: boolean;
  /** The call whose callee it is. */
  readonly call: NodeOf<"CallExpression"> | undefined;
  /** `typeof name`. */
  readonly typeofStart: number | undefined;
  readonly write: boolean;
}

/** A module's names. */
export interface ModuleScope {
  readonly root: Scope;
  readonly bindingOf: ReadonlyMap<Identifier, Binding>;
  /** Names that no declaration of the module covers. */
  readonly free: readonly Reference[];
  /** Every `import.meta`. */
  readonly importMetas: readonly Node[];
  /** Every `import()`. */
  readonly importCalls: readonly NodeOf<"ImportExpression">[];
}

/** A scope of the program and the names that it binds. */
export class Scope {
  readonly bindings = new Map<string, Binding>();

  /** @param isVarScope `var` declarations land here. @param isBodyOf The scope of the parameters, for a function body's scope. */
  constructor(readonly parent: Scope | undefined, readonly isVarScope: boolean, readonly params?: Scope) {}

  declare(name: string, kind: Binding["kind"], declaration?: Node): Binding {
    const known = this.bindings.get(name) ?? (kind === "var" ? this.params?.bindings.get(name) : undefined);
    if (known) {
      known.reassigned = true;
      if (kind !== "function") return known;
    }
    const binding = { name, kind, declaration, references: [], reassigned: known !== undefined, init: undefined };
    this.bindings.set(name, binding);
    return binding;
  }

  lookup(name: string): Binding | undefined {
    return this.bindings.get(name) ?? this.parent?.lookup(name);
  }

  varScope(): Scope {
    return this.isVarScope ? this : this.parent!.varScope();
  }
}

/** Resolves every identifier of a module. */
export function analyzeScopes(program: Node): ModuleScope {
  return new ScopeAnalysis().run(program);
}

type Context = Pick<Reference, "shorthand" | "call" | "typeofStart" | "write">;
const PLAIN: Context = { shorthand: false, call: undefined, typeofStart: undefined, write: false };
const WRITE: Context = { ...PLAIN, write: true };

class ScopeAnalysis {
  readonly #references: { reference: Reference; scope: Scope }[] = [];
  readonly #bindingOf = new Map<Identifier, Binding>();
  readonly #importMetas: Node[] = [];
  readonly #importCalls: NodeOf<"ImportExpression">[] = [];

  run(program: Node): ModuleScope {
    const root = new Scope(undefined, true);
    forEachChild(program, (child) => this.#visit(child, root));
    const free: Reference[] = [];
    for (const { reference, scope } of this.#references) {
      const binding = scope.lookup(reference.node.name);
      if (!binding) {
        free.push(reference);
        continue;
      }
      binding.references.push(reference);
      if (reference.write) binding.reassigned = true;
      this.#bindingOf.set(reference.node, binding);
    }
    return {
      root,
      bindingOf: this.#bindingOf,
      free,
      importMetas: this.#importMetas,
      importCalls: this.#importCalls,
    };
  }

  #refer(node: Identifier, scope: Scope, context: Context = PLAIN): void {
    this.#references.push({ reference: { node, ...context }, scope });
  }

  #children(node: Node, scope: Scope): void {
    forEachChild(node, (child) => this.#visit(child, scope));
  }

  #visit(node: Node, scope: Scope): void {
    if (isFunction(node)) return this.#function(node, scope);
    switch (node.type) {
      case "Identifier":
        return this.#refer(node, scope);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#class(node, scope);
      case "VariableDeclaration": {
        const target = node.kind === "var" ? scope.varScope() : scope;
        const kind = node.kind === "var" ? "var" : node.kind === "const" ? "const" : "lexical";
        for (const { id, init } of node.declarations) {
          this.#declarePattern(id, target, kind, scope, init ?? undefined);
          if (init) this.#visit(init, scope);
        }
        return;
      }
      case "ImportDeclaration":
        for (const specifier of node.specifiers) this.#declareIdentifier(specifier.local, scope, "import", node);
        return;
      case "ExportNamedDeclaration":
        if (node.declaration) this.#visit(node.declaration, scope);
        else if (!node.source) {
          for (const { local } of node.specifiers) if (local.type === "Identifier") this.#refer(local, scope);
        }
        return;
      case "ExportAllDeclaration":
        return;
      case "BlockStatement":
      case "StaticBlock":
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "SwitchStatement":
        return this.#loopOrBlock(node, new Scope(scope, node.type === "StaticBlock"));
      case "CatchClause": {
        const inner = new Scope(scope, false);
        if (node.param) this.#declarePattern(node.param, inner, "lexical", inner);
        return this.#visit(node.body, inner);
      }
      case "CallExpression": {
        if (node.callee.type === "Identifier") this.#refer(node.callee, scope, { ...PLAIN, call: node });
        else this.#visit(node.callee, scope);
        for (const argument of node.arguments) this.#visit(argument, scope);
        return;
      }
      case "UnaryExpression":
        if (node.argument.type === "Identifier") {
          const typeofStart = node.operator === "typeof" ? node.start : undefined;
          return this.#refer(node.argument, scope, { ...PLAIN, typeofStart });
        }
        return this.#visit(node.argument, scope);
      case "UpdateExpression":
        return this.#assign(node.argument, scope);
      case "AssignmentExpression":
        this.#assign(node.left, scope);
        return this.#visit(node.right, scope);
      case "MemberExpression":
        this.#visit(node.object, scope);
        if (node.computed) this.#visit(node.property, scope);
        return;
      case "Property":
        if (node.computed) this.#visit(node.key, scope);
        if (node.shorthand && node.value.type === "Identifier") {
          return this.#refer(node.value, scope, { ...PLAIN, shorthand: true });
        }
        return this.#visit(node.value, scope);
      case "MethodDefinition":
      case "PropertyDefinition":
        if (node.computed) this.#visit(node.key, scope);
        if (node.value) this.#visit(node.value, new Scope(scope, true));
        return;
      case "LabeledStatement":
        return this.#visit(node.body, scope);
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "MetaProperty":
        if (node.meta.name === "import") this.#importMetas.push(node);
        return;
      case "ImportExpression":
        this.#importCalls.push(node);
        return this.#children(node, scope);
      default:
        return this.#children(node, scope);
    }
  }

  #loopOrBlock(node: Node, scope: Scope): void {
    if (
      (node.type === "ForInStatement" || node.type === "ForOfStatement") && node.left.type !== "VariableDeclaration"
    ) {
      this.#assign(node.left, scope);
      this.#visit(node.right, scope);
      return this.#visit(node.body, scope);
    }
    this.#children(node, scope);
  }

  #function(node: FunctionNode, scope: Scope): void {
    if (node.type === "FunctionDeclaration" && node.id) {
      this.#declareIdentifier(node.id, scope, "function", node).init = node;
    }
    let outer = scope;
    if (node.type === "FunctionExpression" && node.id) {
      outer = new Scope(scope, false);
      this.#declareIdentifier(node.id, outer, "self", node).init = node;
    }
    const params = new Scope(outer, true);
    for (const param of node.params) this.#declarePattern(param, params, "param", params);
    if (node.body.type === "BlockStatement") this.#children(node.body, new Scope(params, true, params));
    else this.#visit(node.body, params);
  }

  #class(node: ClassNode, scope: Scope): void {
    let inner = scope;
    if (node.id && node.type === "ClassDeclaration") this.#declareIdentifier(node.id, scope, "class", node);
    else if (node.id) {
      inner = new Scope(scope, false);
      this.#declareIdentifier(node.id, inner, "self", node);
    }
    if (node.superClass) this.#visit(node.superClass, inner);
    this.#visit(node.body, inner);
  }

  #declareIdentifier(id: Identifier, scope: Scope, kind: Binding["kind"], declaration?: Node): Binding {
    const binding = scope.declare(id.name, kind, declaration);
    this.#bindingOf.set(id, binding);
    return binding;
  }

  /** Declares the names of a pattern; its defaults and computed keys are visited in `outer`. */
  #declarePattern(pattern: Node, target: Scope, kind: Binding["kind"], outer: Scope, init?: Node): void {
    switch (pattern.type) {
      case "Identifier": {
        const binding = this.#declareIdentifier(pattern, target, kind);
        if (init) binding.init = init;
        return;
      }
      case "ObjectPattern":
        for (const property of pattern.properties) {
          if (property.type === "RestElement") this.#declarePattern(property.argument, target, kind, outer);
          else {
            if (property.computed) this.#visit(property.key, outer);
            this.#declarePattern(property.value, target, kind, outer);
          }
        }
        return;
      case "ArrayPattern":
        for (const element of pattern.elements) if (element) this.#declarePattern(element, target, kind, outer);
        return;
      case "RestElement":
        return this.#declarePattern(pattern.argument, target, kind, outer);
      case "AssignmentPattern":
        this.#declarePattern(pattern.left, target, kind, outer);
        return this.#visit(pattern.right, outer);
    }
  }

  #assign(target: Node, scope: Scope): void {
    switch (target.type) {
      case "Identifier":
        return this.#refer(target, scope, WRITE);
      case "ParenthesizedExpression":
        return this.#assign(target.expression, scope);
      case "ObjectPattern":
        for (const property of target.properties) {
          if (property.type === "RestElement") this.#assign(property.argument, scope);
          else {
            if (property.computed) this.#visit(property.key, scope);
            if (property.shorthand && property.value.type === "Identifier") {
              this.#refer(property.value, scope, { ...WRITE, shorthand: true });
            } else this.#assign(property.value, scope);
          }
        }
        return;
      case "ArrayPattern":
        for (const element of target.elements) if (element) this.#assign(element, scope);
        return;
      case "RestElement":
        return this.#assign(target.argument, scope);
      case "AssignmentPattern":
        this.#assign(target.left, scope);
        return this.#visit(target.right, scope);
      default:
        return this.#visit(target, scope);
    }
  }
}
