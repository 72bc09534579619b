/**
 * The suspend compiler's second half: rewrites the functions and calls of one module that may suspend.
 *
 * A suspending function's body becomes a generator (its suspending form) and the author's function a thin wrapper that
 * runs it without suspending; a call that may suspend becomes `(yield* …)`. Nothing else is touched, no line moves.
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
import type { Edits } from "./edits.ts";
import type { Inference } from "./inference.ts";
import type { Binding, ModuleScope } from "./scope.ts";

/** The names that compiled text uses; none of them occurs in the author's text. */
export interface Names {
  /** The runtime (runtime.ts). */
  readonly runtime: string;
  /** The symbol `SUSPEND`. */
  readonly suspend: string;
  /** This virtual user's instance (instantiate.ts). */
  readonly instance: string;
  /** The default export, when it has no name. */
  readonly default: string;
  /** Ends the name of a suspending form. */
  readonly suffix: string;
  readonly temporary: string;
  readonly arguments: string;
  readonly super: string;
}

/** Names that begin with the first of `$k`, `$k_`, `$k__` … that `text` does not contain. */
export function reserveNames(text: string): Names {
  let prefix = "$k";
  while (text.includes(prefix)) prefix += "_";
  return {
    runtime: prefix,
    instance: `${prefix}I`,
    default: `${prefix}D`,
    suspend: `${prefix}S`,
    suffix: `${prefix}s`,
    temporary: `${prefix}0`,
    arguments: `${prefix}A`,
    super: `${prefix}P`,
  };
}

/** What the rewriter is told about the module. */
export interface SuspendInput {
  readonly program: Node;
  readonly text: string;
  readonly scope: ModuleScope;
  readonly inference: Inference;
  readonly names: Names;
  /** Identifiers that the linker puts other text in place of. */
  readonly replaced: ReadonlySet<Node>;
}

/** Records the edits of a module. Returns statements for the module's head. */
export function suspendModule(input: SuspendInput, edits: Edits): string {
  return new SuspendRewriter(input, edits).run();
}

/** Where the rewriter stands. */
interface Place {
  /** Inside a suspending form's body: `yield*` may stand here. */
  readonly suspending: boolean;
  /** The function whose temporaries are used. */
  readonly fn: FunctionNode | undefined;
  /** Arrows compiled to generators since the function that owns `this`: `arguments` and `super` must be captured. */
  readonly inArrow: boolean;
}

const PLAIN: Place = { suspending: false, fn: undefined, inArrow: false };

class SuspendRewriter {
  readonly #input: SuspendInput;
  readonly #names: Names;
  readonly #edits: Edits;
  /** Statements for the head of a function, block or the module, by node. */
  readonly #heads = new Map<Node, string>();
  readonly #usesTemporary = new Set<FunctionNode>();

  constructor(input: SuspendInput, edits: Edits) {
    this.#input = input;
    this.#names = input.names;
    this.#edits = edits;
  }

  run(): string {
    this.#block(this.#input.program, PLAIN);
    return this.#heads.get(this.#input.program) ?? "";
  }

  #visit(node: Node, place: Place): void {
    switch (node.type) {
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.#function(node, place, "");
      case "ExportDefaultDeclaration":
        if (isFunction(node.declaration)) return this.#function(node.declaration, place, "default");
        return this.#visit(node.declaration, place);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#class(node, place);
      case "BlockStatement":
        return this.#block(node, place);
      case "SwitchStatement":
        return this.#switch(node, place);
      case "VariableDeclarator":
        this.#visit(node.id, place);
        if (node.init) this.#named(node.init, node.id, place);
        return;
      case "AssignmentExpression":
        this.#visit(node.left, place);
        return this.#named(node.right, node.left, place);
      case "AssignmentPattern":
        this.#visit(node.left, place);
        return this.#named(node.right, node.left, place);
      case "Property":
        return this.#property(node, place);
      case "CallExpression":
        return this.#call(node, place);
      case "TaggedTemplateExpression":
        return this.#taggedTemplate(node, place);
      case "ChainExpression":
        return this.#chain(node, place);
      case "ExpressionStatement": {
        this.#visit(node.expression, place);
        // A statement that used to begin with a name must not begin with a parenthesis: it would call the line above.
        if (this.#input.text[node.start] !== "(" && this.#edits.beginsWith(node.start, "(")) {
          this.#edits.prepend(node.start, "0,");
        }
        return;
      }
      case "Identifier":
        if (place.inArrow && node.name === "arguments") {
          this.#edits.replace(node.start, node.end, this.#names.arguments);
        }
        return;
      case "MemberExpression":
        if (place.inArrow && node.object.type === "Super") return this.#superMember(node, place);
        this.#visit(node.object, place);
        if (node.computed) this.#visit(node.property, place);
        return;
      default:
        forEachChild(node, (child) => this.#visit(child, place));
    }
  }

  /** Statements with declarations of their own: suspending forms are attached at the head. */
  #block(node: Node, place: Place): void {
    const body = (node as NodeOf<"BlockStatement">).body;
    forEachChild(node, (child) => this.#visit(child, place));
    const attached = this.#attachments(body);
    if (attached) this.#heads.set(node, attached + (this.#heads.get(node) ?? ""));
    if (node.type === "BlockStatement" && this.#heads.has(node) && !this.#functionBodies.has(node)) {
      this.#edits.prepend(node.start + 1, this.#heads.get(node)!);
    }
  }

  readonly #functionBodies = new Set<Node>();

  #switch(node: NodeOf<"SwitchStatement">, place: Place): void {
    const attached = this.#attachments(node.cases.flatMap((clause) => clause.consequent));
    this.#visit(node.discriminant, place);
    for (const clause of node.cases) {
      if (clause.test) this.#visit(clause.test, place);
      const first = clause.consequent[0];
      if (attached && first) this.#edits.insert(first.start, attached);
      for (const statement of clause.consequent) this.#visit(statement, place);
    }
  }

  /** `f[SUSPEND]=f$s;` for the suspending functions that some statements declare. */
  #attachments(statements: readonly Node[]): string {
    let text = "";
    for (const statement of statements) {
      const declared = statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration"
        ? statement.declaration
        : statement;
      if (declared?.type !== "FunctionDeclaration" || !declared.id || !this.#input.inference.suspends(declared)) {
        continue;
      }
      text += `${declared.id.name}[${this.#names.suspend}]=${declared.id.name}${this.#names.suffix};`;
    }
    return text;
  }

  /** An expression whose value takes its name from where it goes, if it is an anonymous function. */
  #named(value: Node, target: Node, place: Place): void {
    if (isFunction(value)) this.#function(value, place, target.type === "Identifier" ? target.name : "");
    else this.#visit(value, place);
  }

  #property(node: NodeOf<"Property">, place: Place): void {
    if (node.computed) this.#visit(node.key, place);
    const name = staticKey(node, node.key) ?? "";
    const value = node.value;
    if (!node.method || !isFunction(value) || !this.#input.inference.suspends(value)) {
      if (node.shorthand && value.type === "Identifier") return;
      return isFunction(value) ? this.#function(value, place, name) : this.#visit(value, place);
    }
    this.#edits.insert(value.start, `:${this.#names.runtime}.method(function*${this.#generatorName(name)}`);
    this.#body(value, false);
    this.#edits.insert(value.end, `,${expectedArguments(value)},${JSON.stringify(name)})`);
  }

  #function(node: FunctionNode, place: Place, name: string): void {
    if (!this.#input.inference.suspends(node)) return this.#plainFunction(node, place);
    if (node.type === "ArrowFunctionExpression") return this.#arrow(node, place, name);
    const { runtime, suspend, suffix } = this.#names;
    const keyword = this.#input.text.indexOf("function", node.start);
    const own = node.id?.name;
    if (node.type === "FunctionDeclaration" && node.id) {
      const parameters = Array.from(
        { length: expectedArguments(node) },
        (_, index) => `${this.#names.temporary}${index}`,
      );
      this.#edits.insert(
        node.start,
        `function ${own}(${parameters}){return ${runtime}.block(${own}${suffix}.apply(this,arguments))}`,
      );
      this.#edits.replace(keyword, keyword + 8, "function*");
      this.#edits.insert(node.id.end, suffix);
      return this.#body(node, false);
    }
    const selfReferring = own !== undefined && this.#bindingOf(node.id!)!.references.length > 0;
    this.#edits.insert(node.start, selfReferring ? `(()=>{const ${own}=${runtime}.fn(` : `${runtime}.fn(`);
    this.#edits.replace(keyword, keyword + 8, "function*");
    if (node.id) this.#edits.insert(node.id.end, suffix);
    else this.#edits.insert(keyword + 8, this.#generatorName(name));
    this.#body(node, false);
    this.#edits.insert(
      node.end,
      `,${expectedArguments(node)},${JSON.stringify(own ?? name)})${selfReferring ? `;return ${own}})()` : ""}`,
    );
    void suspend;
  }

  #plainFunction(node: FunctionNode, place: Place): void {
    const arrow = node.type === "ArrowFunctionExpression";
    const inner = arrow ? { ...PLAIN, inArrow: place.inArrow } : PLAIN;
    for (const param of node.params) this.#visit(param, inner);
    if (node.body.type !== "BlockStatement") return this.#visit(node.body, inner);
    this.#functionBodies.add(node.body);
    this.#visit(node.body, inner);
    this.#head(node);
  }

  #arrow(node: NodeOf<"ArrowFunctionExpression">, place: Place, name: string): void {
    const { runtime } = this.#names;
    this.#edits.insert(node.start, `${runtime}.arrow(function*${this.#generatorName(name)}`);
    const bare = this.#input.text[node.start] !== "(";
    if (bare) {
      this.#edits.insert(node.start, "(");
      this.#edits.insert(node.params[0]!.end, ")");
    }
    const arrowStart = this.#arrowToken(node);
    this.#edits.replace(arrowStart, arrowStart + 2, "");
    this.#body(node, true);
    const bound = lexicalUses(node).this || lexicalUses(node).super ? ".bind(this)" : "";
    this.#edits.insert(node.end, `${bound},${expectedArguments(node)},${JSON.stringify(name)})`);
    void place;
  }

  /** Offset of `=>`, which follows the parameters. */
  #arrowToken(node: NodeOf<"ArrowFunctionExpression">): number {
    const from = node.params.at(-1)?.end ?? node.start;
    return skipTo(this.#input.text, from, "=>");
  }

  /** Parameters and body of a suspending function. */
  #body(node: FunctionNode, arrow: boolean): void {
    for (const param of node.params) this.#visit(param, { ...PLAIN, inArrow: arrow });
    const place: Place = { suspending: true, fn: node, inArrow: arrow };
    if (node.body.type === "BlockStatement") {
      this.#functionBodies.add(node.body);
      this.#visit(node.body, place);
      this.#head(node);
      return;
    }
    this.#edits.insert(
      node.body.start,
      () => `{${this.#usesTemporary.has(node) ? `let ${this.#names.temporary};` : ""}return (`,
    );
    this.#visit(node.body, place);
    this.#edits.insert(node.body.end, ")}");
  }

  /** Puts what a function's body needs at its head: temporaries, captured `arguments` and `super`, attachments. */
  #head(node: FunctionNode): void {
    const body = node.body as NodeOf<"BlockStatement">;
    let text = this.#heads.get(body) ?? "";
    if (this.#usesTemporary.has(node)) text = `let ${this.#names.temporary};${text}`;
    if (node.type !== "ArrowFunctionExpression") {
      const captured = this.#capturedBy(node);
      if (captured.arguments) text = `const ${this.#names.arguments}=arguments;${text}`;
      if (captured.super) text = `const ${this.#names.super}=(k)=>super[k];${text}`;
    }
    if (!text) return;
    const directives = body.body.findLastIndex((statement) =>
      statement.type === "ExpressionStatement" && statement.directive !== undefined
    );
    const at = directives < 0 ? body.start + 1 : body.body[directives]!.end;
    this.#edits.prepend(at, directives < 0 ? text : `;${text}`);
  }

  /** What the suspending arrows within a function take from it. */
  #capturedBy(node: FunctionNode): { arguments: boolean; super: boolean } {
    const captured = { arguments: false, super: false };
    const visit = (child: Node): void => {
      if (child.type === "ArrowFunctionExpression" && this.#input.inference.suspends(child)) {
        const uses = lexicalUses(child);
        captured.arguments ||= uses.arguments;
        captured.super ||= uses.super;
      } else if (!isFunction(child) || child.type === "ArrowFunctionExpression") {
        forEachChild(child, visit);
      }
    };
    forEachChild(node, visit);
    return captured;
  }

  #class(node: ClassNode, place: Place): void {
    if (node.superClass) this.#visit(node.superClass, place);
    const methods: string[] = [];
    const statics: string[] = [];
    for (const element of node.body.body) {
      if (element.type === "StaticBlock") {
        this.#visit(element, PLAIN);
        continue;
      }
      if (element.computed) this.#visit(element.key, place);
      if (element.type === "PropertyDefinition") {
        if (element.value) {
          const name = staticKey(element, element.key) ?? "";
          if (isFunction(element.value)) this.#function(element.value, PLAIN, name);
          else this.#visit(element.value, PLAIN);
        }
      } else if (this.#input.inference.suspends(element.value)) {
        this.#edits.insert(element.key.start, "*");
        this.#body(element.value, false);
        if (element.key.type !== "PrivateIdentifier") {
          (element.static ? statics : methods).push(staticKey(element, element.key)!);
        }
      } else {
        this.#plainFunction(element.value, PLAIN);
      }
    }
    if (methods.length + statics.length === 0) return;
    const { runtime } = this.#names;
    this.#edits.prepend(
      node.body.start + 1,
      `static{${runtime}.methods(this,${JSON.stringify(methods)},${JSON.stringify(statics)})}`,
    );
  }

  #call(node: NodeOf<"CallExpression">, place: Place): void {
    if (!place.suspending || !this.#input.inference.suspendingCall(node) || node.callee.type === "Super") {
      return this.#plainCall(node, place);
    }
    this.#suspendingCall(node, place, node.start, undefined);
  }

  #plainCall(node: NodeOf<"CallExpression">, place: Place): void {
    this.#visit(node.callee, place);
    for (const argument of node.arguments) this.#visit(argument, place);
  }

  /**
   * @param at Where the call's own text begins: its start or, in an optional chain, behind the link that it follows.
   * @param base What stands for the chain's object there.
   */
  #suspendingCall(node: NodeOf<"CallExpression">, place: Place, at: number, base: string | undefined): void {
    void base;
    const { runtime, suspend, suffix, temporary } = this.#names;
    const callee = node.callee;
    const open = this.#openParenthesis(node);
    const comma = node.arguments.length > 0 ? "," : "";
    if (callee.type === "Identifier") {
      const binding = this.#bindingOf(callee);
      const known = binding && this.#input.inference.knownFunction(binding);
      if (known && known.type === "FunctionDeclaration" && this.#isOwn(binding!)) {
        this.#edits.insert(at, "(yield*", 7, node.start);
        this.#edits.insert(callee.end, suffix);
      } else if (known && known.type !== "FunctionDeclaration" && this.#isOwn(binding!) && binding!.kind === "self") {
        this.#edits.insert(at, "(yield*", 7, node.start);
        this.#edits.insert(callee.end, suffix);
      } else if (known && this.#input.inference.suspends(known)) {
        this.#edits.insert(at, "(yield*(0,", 7, node.start);
        this.#visit(callee, place);
        this.#edits.insert(callee.end, `[${suspend}])`);
      } else {
        const prefix = `(yield*${runtime}.call(`;
        this.#edits.insert(at, prefix, prefix.length - 5, node.start);
        this.#visit(callee, place);
        this.#edits.replace(callee.end, open + 1, `,${JSON.stringify(callee.name)}${comma}`);
      }
    } else if (callee.type === "MemberExpression") {
      this.#methodCall(node, callee, place, open, comma);
    } else {
      const prefix = `(yield*${runtime}.call(`;
      this.#edits.insert(at, prefix, prefix.length - 5, node.start);
      this.#visit(callee, place);
      this.#edits.replace(callee.end, open + 1, `,${JSON.stringify(this.#calleeText(callee))}${comma}`);
    }
    void temporary;
    for (const argument of node.arguments) this.#visit(argument, place);
    this.#edits.insert(node.end, ")");
  }

  #methodCall(
    node: NodeOf<"CallExpression">,
    callee: NodeOf<"MemberExpression">,
    place: Place,
    open: number,
    comma: string,
  ): void {
    const { runtime, temporary } = this.#names;
    const object = callee.object;
    const described = JSON.stringify(this.#calleeText(callee));
    if (callee.property.type === "PrivateIdentifier" && this.#isSuspendingPrivateMethod(callee)) {
      this.#edits.insert(node.start, "(yield*", 7, callee.property.start);
      this.#visit(object, place);
      return;
    }
    const prefix = `(yield*${runtime}.invoke(`;
    const mark = prefix.length - 7;
    if (object.type === "Super") {
      this.#edits.insert(node.start, `${prefix}this,`, mark, callee.property.start);
      this.#visit(callee, place);
      this.#edits.replace(callee.end, open + 1, `,${described}${comma}`);
      return;
    }
    const simple = object.type === "ThisExpression" || object.type === "Identifier" && !this.#rewritten(object, place);
    const name = object.type === "Identifier" ? object.name : "this";
    if (!simple) this.#temporaryIn(place);
    this.#edits.insert(node.start, simple ? prefix : `${prefix}${temporary}=`, mark, callee.property.start);
    this.#visit(object, place);
    this.#edits.insert(object.end, `,${simple ? name : temporary}`);
    if (callee.computed) this.#visit(callee.property, place);
    this.#edits.replace(callee.end, open + 1, `,${described}${comma}`);
  }

  #taggedTemplate(node: NodeOf<"TaggedTemplateExpression">, place: Place): void {
    forEachChild(node, (child) => this.#visit(child, place));
  }

  #chain(node: NodeOf<"ChainExpression">, place: Place): void {
    this.#visit(node.expression, { ...place, suspending: false });
  }

  #superMember(node: NodeOf<"MemberExpression">, place: Place): void {
    const { super: name } = this.#names;
    if (node.computed) {
      const bracket = skipTo(this.#input.text, node.object.end, "[");
      this.#edits.replace(node.object.start, bracket + 1, `${name}(`);
      this.#visit(node.property, place);
      const close = skipTo(this.#input.text, node.property.end, "]");
      this.#edits.replace(close, close + 1, ")");
    } else if (node.property.type === "Identifier") {
      this.#edits.replace(node.start, node.end, `${name}("${node.property.name}")`);
    }
  }

  #temporaryIn(place: Place): void {
    if (place.fn) this.#usesTemporary.add(place.fn);
  }

  /** Names whose text changes can't be said twice. */
  #rewritten(node: NodeOf<"Identifier">, place: Place): boolean {
    return this.#input.replaced.has(node) || place.inArrow && node.name === "arguments";
  }

  /** True for a binding whose suspending form has a name in this module. */
  #isOwn(binding: Binding): boolean {
    return binding.kind !== "import";
  }

  #bindingOf(node: NodeOf<"Identifier">): Binding | undefined {
    return this.#input.scope.bindingOf.get(node);
  }

  #isSuspendingPrivateMethod(callee: NodeOf<"MemberExpression">): boolean {
    void callee;
    return false;
  }

  #openParenthesis(node: NodeOf<"CallExpression">): number {
    return skipTo(this.#input.text, node.callee.end, "(");
  }

  /** The callee as V8 words it in "… is not a function". */
  #calleeText(callee: Node): string {
    const inner = unwrap(callee);
    if (inner.type === "Identifier") return inner.name;
    if (inner.type === "ThisExpression") return "this";
    if (inner.type === "MemberExpression") {
      const object = inner.object.type === "Super" ? "(intermediate value)" : this.#calleeText(inner.object);
      const key = staticKey(inner, inner.property);
      if (key !== undefined) return `${object}.${key}`;
      return `${object}[${inner.property.type === "Identifier" ? inner.property.name : "..."}]`;
    }
    if (inner.type === "CallExpression") return `${this.#calleeText(inner.callee)}(...)`;
    return "(intermediate value)";
  }

  /** The name that a suspending form shows in stack traces; empty when the author's name is no identifier. */
  #generatorName(name: string): string {
    return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? ` ${name}${this.#names.suffix}` : "";
  }
}

/** `length` of a function: parameters before the first default or rest. */
function expectedArguments(node: FunctionNode): number {
  const index = node.params.findIndex((param) => param.type === "AssignmentPattern" || param.type === "RestElement");
  return index < 0 ? node.params.length : index;
}

/** Offset of `token` at or after `from`, over blanks, comments, closing parentheses and commas. */
function skipTo(text: string, from: number, token: string): number {
  let at = from;
  while (!text.startsWith(token, at)) {
    if (text.startsWith("//", at)) at = text.slice(at).search(/[\n\r\u2028\u2029]/) + at;
    else if (text.startsWith("/*", at)) at = text.indexOf("*/", at) + 2;
    else at++;
  }
  return at;
}
