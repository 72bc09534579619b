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
import { constructorShape, returnsValue } from "./constructors.ts";
import type { Edits } from "./edits.ts";
import type { Inference } from "./inference.ts";
import type { ModuleScope } from "./scope.ts";

/** The names that compiled text uses; none of them occurs in the author's text. */
export interface Names {
  /** The runtime (runtime.ts). */
  readonly runtime: string;
  /** This virtual user's instance (instantiate.ts). */
  readonly instance: string;
  /** The default export, when it has no name. */
  readonly default: string;
  /** Ends the name of a suspending form. */
  readonly suffix: string;
  readonly temporary: string;
  readonly arguments: string;
  readonly super: string;
  /** `new.target` of the function around. */
  readonly target: string;
}

/** Names that begin with the first of `$k`, `$k_`, `$k__` … that `text` does not contain. */
export function reserveNames(text: string): Names {
  let prefix = "$k";
  while (text.includes(prefix)) prefix += "_";
  return {
    runtime: prefix,
    instance: `${prefix}I`,
    default: `${prefix}D`,
    suffix: `${prefix}s`,
    temporary: `${prefix}T`,
    arguments: `${prefix}A`,
    super: `${prefix}P`,
    target: `${prefix}N`,
  };
}

/** What the rewriter is told about the module. */
export interface SuspendInput {
  readonly program: NodeOf<"Program">;
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
  /** The function (or module) whose temporaries are used. */
  readonly fn: FunctionNode | NodeOf<"Program"> | undefined;
  /** Arrows compiled to generators since the function that owns `this`: `arguments` and `super` must be captured. */
  readonly inArrow: boolean;
}

/** `o.#m` of a method that suspends. */
type SuspendingPrivateMember = NodeOf<"MemberExpression"> & { readonly property: NodeOf<"PrivateIdentifier"> };

type Call = NodeOf<"CallExpression"> | NodeOf<"TaggedTemplateExpression">;

/** Text that goes before a link of a chain; see `Edits.insert`. */
interface Opening {
  readonly text: string;
  readonly mark: number;
  readonly source: number;
}

const PLAIN: Place = { suspending: false, fn: undefined, inArrow: false };

class SuspendRewriter {
  readonly #input: SuspendInput;
  readonly #names: Names;
  readonly #edits: Edits;
  /** A default function without a name, for the module's head. */
  #defaultFunction = "";
  /** Statements for the head of a function, block or the module, by node. */
  readonly #heads = new Map<Node, string>();
  /** Number of temporaries by function. */
  readonly #temporaries = new Map<Node, number>();
  /** Private names of the classes around, innermost last, and what their methods are compiled to. */
  readonly #privateMethods: Map<string, "plain" | "suspending" | "async">[] = [];
  readonly #functionBodies = new Set<Node>();

  constructor(input: SuspendInput, edits: Edits) {
    this.#input = input;
    this.#names = input.names;
    this.#edits = edits;
  }

  run(): string {
    const { program } = this.#input;
    this.#block(program, { ...PLAIN, fn: program });
    return this.#declaredTemporaries(program) + this.#defaultFunction + (this.#heads.get(program) ?? "");
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
      case "AwaitExpression":
        return this.#await(node, place);
      case "YieldExpression":
        return this.#yield(node, place);
      case "ReturnStatement":
        return this.#return(node, place);
      case "LabeledStatement":
      case "ForOfStatement":
        return this.#statement(node, place);
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
      case "NewExpression":
        return this.#construction(node, place);
      case "TaggedTemplateExpression":
        return this.#taggedTemplate(node, place);
      case "ChainExpression":
        return this.#chain(node, place);
      case "ExpressionStatement": {
        this.#visit(node.expression, place);
        // A statement that used to begin with a name must not begin with a parenthesis: it would call the line above.
        if (this.#input.text[node.start] !== "(" && this.#edits.opensParenthesis(node.start)) {
          this.#edits.prepend(node.start, "0,");
        }
        return;
      }
      case "Identifier":
        if (place.inArrow && node.name === "arguments") {
          this.#edits.replace(node.start, node.end, this.#names.arguments);
        }
        return;
      case "MetaProperty":
        if (place.inArrow && node.meta.name === "new") this.#edits.replace(node.start, node.end, this.#names.target);
        return;
      case "MemberExpression":
        if (place.inArrow && node.object.type === "Super") return this.#superMember(node, place);
        if (this.#isSuspendingPrivateMethod(node)) {
          // The method itself as a value.
          this.#edits.insert(node.start, `${this.#names.runtime}.privateMethod(`);
          this.#visit(node.object, place);
          this.#edits.insert(node.end, ")");
          return;
        }
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

  /** `$k.attach(f,f$s);` for the suspending functions that some statements declare and somebody may look at. */
  #attachments(statements: readonly Node[]): string {
    const attached = new Map<string, string>();
    for (const statement of statements) {
      const exported = statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration";
      const declared = exported ? statement.declaration : statement;
      if (declared?.type !== "FunctionDeclaration" || !declared.id) continue;
      const { name } = declared.id;
      if (declared.async) {
        const { runtime, suffix } = this.#names;
        attached.set(name, `${runtime}.declare${asyncKind(declared)}(${name},${name}${suffix});`);
        continue;
      }
      const binding = this.#input.scope.bindingOf.get(declared.id)!;
      const seen = exported || binding.reassigned || binding.references.some(({ call }) => !call);
      // Of two declarations of a name the last one counts.
      const suspends = seen && this.#input.inference.suspends(declared);
      attached.set(name, suspends ? `${this.#names.runtime}.attach(${name},${name}${this.#names.suffix});` : "");
    }
    return [...attached.values()].join("");
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
    if (node.method && isFunction(value) && value.async) return this.#asyncProperty(node, value, name);
    if (!node.method || !isFunction(value) || !this.#input.inference.suspends(value)) {
      if (node.shorthand && value.type === "Identifier") {
        const captured = place.inArrow && value.name === "arguments";
        if (captured) this.#edits.insert(value.end, `:${this.#names.arguments}`);
        return;
      }
      return isFunction(value) ? this.#function(value, place, name) : this.#visit(value, place);
    }
    this.#edits.insert(value.start, `:${this.#names.runtime}.method(function*${this.#generatorName(name)}`);
    this.#body(value, false);
    this.#edits.insert(value.end, `,${expectedArguments(value)},${JSON.stringify(name)})`);
  }

  #function(node: FunctionNode, place: Place, name: string): void {
    if (node.async) {
      return node.type === "ArrowFunctionExpression"
        ? this.#asyncArrow(node, place, name)
        : this.#asyncFunction(node, name);
    }
    if (!this.#input.inference.suspends(node)) return this.#plainFunction(node, place);
    if (node.type === "ArrowFunctionExpression") return this.#arrow(node, name);
    const { runtime, suffix } = this.#names;
    const keyword = this.#input.text.indexOf("function", node.start);
    const own = node.id?.name;
    if (node.type === "FunctionDeclaration" && node.id) {
      this.#declare(node, `return ${runtime}.block(${own}${suffix}.apply(this,arguments),${own})`);
      this.#edits.replace(keyword, keyword + 8, "function*");
      this.#edits.insert(node.id.end, suffix);
      return this.#body(node, false);
    }
    const selfReferring = own !== undefined && this.#input.scope.bindingOf.get(node.id!)!.references.length > 0;
    this.#edits.insert(node.start, selfReferring ? `(()=>{const ${own}=${runtime}.fn(` : `${runtime}.fn(`);
    this.#edits.replace(keyword, keyword + 8, "function*");
    if (node.id) this.#edits.insert(node.id.end, suffix);
    else this.#edits.insert(keyword + 8, this.#generatorName(name));
    this.#body(node, false);
    this.#edits.insert(
      node.end,
      `,${expectedArguments(node)},${JSON.stringify(own ?? name)})${selfReferring ? `;return ${own}})()` : ""}`,
    );
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

  #arrow(node: NodeOf<"ArrowFunctionExpression">, name: string): void {
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
      () => `{${this.#declaredTemporaries(node)}return (`,
    );
    this.#visit(node.body, place);
    this.#edits.insert(node.body.end, ")}");
  }

  /** Puts what a function's body needs at its head: temporaries, captured `arguments` and `super`, attachments. */
  #head(node: FunctionNode): void {
    const body = node.body as NodeOf<"BlockStatement">;
    const text = this.#headText(node);
    if (!text) return;
    const directives = body.body.findLastIndex((statement) =>
      statement.type === "ExpressionStatement" && statement.directive !== undefined
    );
    const at = directives < 0 ? body.start + 1 : body.body[directives]!.end;
    this.#edits.prepend(at, directives < 0 ? text : `;${text}`);
  }

  #headText(node: FunctionNode): string {
    let text = this.#declaredTemporaries(node) + (this.#heads.get(node.body) ?? "");
    if (node.type === "ArrowFunctionExpression") return text;
    const captured = this.#capturedBy(node);
    if (captured.arguments) text = `const ${this.#names.arguments}=arguments;${text}`;
    if (captured.super) text = `const ${this.#names.super}=${this.#superObject()};${text}`;
    return text;
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

  /** `await x` is a yield of the marker. */
  #await(node: NodeOf<"AwaitExpression">, place: Place): void {
    this.#edits.replace(node.start, node.start + 5, `(yield ${this.#names.runtime}.await(`);
    this.#visit(node.argument, place);
    this.#edits.insert(node.end, "))");
  }

  /** In an async generator the author's `yield` is one of many. */
  #yield(node: NodeOf<"YieldExpression">, place: Place): void {
    if (!isAsyncGenerator(place.fn)) return forEachChild(node, (child) => this.#visit(child, place));
    const { runtime } = this.#names;
    if (node.delegate) {
      const star = skipTo(this.#input.text, node.start + 5, "*");
      this.#edits.replace(node.start, star + 1, `(yield*${runtime}.delegate(`);
    } else {
      this.#edits.replace(node.start, node.start + 5, `(yield ${runtime}.yield((yield ${runtime}.await(`);
    }
    if (node.argument) this.#visit(node.argument, place);
    this.#edits.insert(node.end, node.delegate ? "))" : "))))");
  }

  #return(node: NodeOf<"ReturnStatement">, place: Place): void {
    if (!node.argument) return;
    if (!isAsyncGenerator(place.fn)) return this.#visit(node.argument, place);
    this.#edits.insert(node.argument.start, `(yield ${this.#names.runtime}.await(`);
    this.#visit(node.argument, place);
    this.#edits.insert(node.argument.end, "))");
  }

  #statement(node: NodeOf<"LabeledStatement"> | NodeOf<"ForOfStatement">, place: Place): void {
    let inner: Node = node;
    while (inner.type === "LabeledStatement") inner = inner.body;
    if (inner.type !== "ForOfStatement" || !inner.await) {
      return forEachChild(node, (child) => this.#visit(child, place));
    }
    this.#forAwait(inner, node.start, place);
  }

  /**
   * `for await (x of e) …` is `for (;w.goesOn;) for (x of (w.isOpen||w.open(e), yield* w.step())) …`; see `ForAwait`.
   * Labels go with the inner loop.
   */
  #forAwait(node: NodeOf<"ForOfStatement">, start: number, place: Place): void {
    const loop = this.#freshTemporary(place);
    const labels = this.#input.text.slice(start, node.start);
    const keyword = skipTo(this.#input.text, node.start + 3, "await");
    const head = `{${loop}=${this.#names.runtime}.forAwait();try{for(;${loop}.goesOn;)`;
    this.#edits.replace(start, keyword + 5, `${head}${labels.replace(/\s+/g, " ")}for`);
    this.#visit(node.left, place);
    this.#edits.insert(node.right.start, `(${loop}.isOpen||${loop}.open(`);
    this.#visit(node.right, place);
    this.#edits.insert(node.right.end, `),yield*${loop}.step())`);
    this.#visit(node.body, place);
    const { temporary } = this.#names;
    this.#edits.insert(
      node.end,
      `}catch(${temporary}){throw ${loop}.thrown(${temporary})}finally{yield*${loop}.close()}}`,
    );
  }

  #asyncFunction(node: Exclude<FunctionNode, NodeOf<"ArrowFunctionExpression">>, name: string): void {
    const { runtime, suffix } = this.#names;
    const text = this.#input.text;
    const keyword = skipTo(text, node.start + 5, "function");
    const keywordEnd = node.generator ? skipTo(text, keyword + 8, "*") + 1 : keyword + 8;
    const own = node.id?.name;
    const kind = asyncKind(node);
    if (node.type === "FunctionDeclaration" && node.id) {
      const body = `return ${runtime}.${lowerFirst(kind)}(${own}${suffix},this,arguments,${own})`;
      this.#declare(node, body);
      this.#edits.replace(node.start, keywordEnd, "function*");
      this.#edits.insert(node.id.end, suffix);
      return this.#body(node, false);
    }
    const fn = `${runtime}.${lowerFirst(kind)}Fn(`;
    const selfReferring = own !== undefined && this.#input.scope.bindingOf.get(node.id!)!.references.length > 0;
    this.#edits.insert(node.start, selfReferring ? `(()=>{const ${own}=${fn}` : fn);
    this.#edits.replace(node.start, keywordEnd, "function*");
    if (node.id) this.#edits.insert(node.id.end, suffix);
    else this.#edits.insert(keywordEnd, this.#generatorName(name));
    this.#body(node, false);
    this.#edits.insert(
      node.end,
      `,${expectedArguments(node)},${JSON.stringify(own ?? name)})${selfReferring ? `;return ${own}})()` : ""}`,
    );
  }

  /** What an arrow takes from around it comes in through a function of its own, unless an arrow around has it. */
  #asyncArrow(node: NodeOf<"ArrowFunctionExpression">, place: Place, name: string): void {
    const { runtime, arguments: args, super: superMember, target } = this.#names;
    const text = this.#input.text;
    const uses = lexicalUses(node);
    const taken: [name: string, value: string][] = [];
    if (uses.arguments && !place.inArrow) taken.push([args, "arguments"]);
    if (uses.super && !place.inArrow) taken.push([superMember, this.#superObject()]);
    if (uses.newTarget && !place.inArrow) taken.push([target, "new.target"]);
    if (taken.length > 0) this.#edits.insert(node.start, `((${taken.map(([name]) => name)})=>`);
    this.#edits.insert(node.start, `${runtime}.asyncArrow(function*${this.#generatorName(name)}`);
    const arrowStart = this.#arrowToken(node);
    const afterAsync = skipBlanks(text, node.start + 5);
    const bare = text[afterAsync] !== "(";
    this.#edits.replace(node.start, afterAsync, bare ? "(" : "");
    if (bare) this.#edits.insert(node.params[0]!.end, ")");
    this.#edits.replace(arrowStart, arrowStart + 2, "");
    this.#body(node, true);
    const self = uses.this || uses.super ? ",()=>this" : "";
    this.#edits.insert(node.end, `,${expectedArguments(node)},${JSON.stringify(name)}${self})`);
    if (taken.length > 0) this.#edits.insert(node.end, `)(${taken.map(([, value]) => value)})`);
  }

  #asyncProperty(node: NodeOf<"Property">, value: FunctionNode, name: string): void {
    const end = this.#keywordsEnd(node.start, value);
    const { runtime } = this.#names;
    if (node.computed || name === "__proto__" || lexicalUses(value).super) {
      this.#edits.replace(node.start, end, "");
      return this.#inlineAsync(value);
    }
    this.#edits.replace(node.start, end, "");
    this.#edits.insert(
      value.start,
      `:${runtime}.${lowerFirst(asyncKind(value))}Fn(function*${this.#generatorName(name)}`,
    );
    this.#body(value, false);
    this.#edits.insert(value.end, `,${expectedArguments(value)},${JSON.stringify(name)})`);
  }

  #asyncMethod(owner: ClassNode, element: NodeOf<"MethodDefinition">, methods: AsyncMethods): void {
    const name = element.key.type === "PrivateIdentifier" ? undefined : staticKey(element, element.key);
    const repeated = owner.body.body.some((other) =>
      other !== element && other.type !== "StaticBlock" && other.static === element.static &&
      staticKey(other, other.key) === name
    );
    const start = element.static ? skipBlanks(this.#input.text, element.start + 6) : element.start;
    const end = this.#keywordsEnd(start, element.value);
    // Without the semicolon a field above that ends without one would go on.
    const separator = element.static ? "" : ";";
    if (name === undefined || repeated) {
      this.#edits.replace(start, end, separator);
      return this.#inlineAsync(element.value);
    }
    this.#edits.replace(start, end, `${separator}*`);
    this.#body(element.value, false);
    methods.add(asyncKind(element.value), name, element.static);
  }

  /** Offset behind `async` and, for an async generator, the star. */
  #keywordsEnd(start: number, value: FunctionNode): number {
    const end = skipTo(this.#input.text, start, "async") + 5;
    return value.generator ? skipTo(this.#input.text, end, "*") + 1 : end;
  }

  /** A method that stays one, around the compiled body. */
  #inlineAsync(value: FunctionNode): void {
    const { runtime, arguments: args, super: superMember } = this.#names;
    const uses = lexicalUses(value);
    const captured = uses.super ? `const ${args}=arguments,${superMember}=${this.#superObject()};` : "";
    const call = `return ${runtime}.${lowerFirst(asyncKind(value))}(function*`;
    this.#edits.insert(value.start, `(${this.#parameters(value)}){${captured}${call}`);
    this.#body(value, uses.super);
    this.#edits.insert(value.end, ",this,arguments)}");
  }

  /** As many parameters as `length` says. */
  /** The author's function, before its suspending form. */
  #declare(node: NodeOf<"FunctionDeclaration">, body: string): void {
    const { name } = node.id!;
    const rest = `(${this.#parameters(node)}){${body}}`;
    if (name !== this.#names.default) return this.#edits.insert(node.start, `function ${name}${rest}`);
    // Without a name of its own it is called `default`, which only an expression can be.
    this.#defaultFunction = `const {default:${name}}={default:function${rest}};`;
  }

  #parameters(node: FunctionNode): string {
    return Array.from({ length: expectedArguments(node) }, (_, index) => `${this.#names.temporary}${index}`).join();
  }

  #class(node: ClassNode, place: Place): void {
    if (node.superClass) this.#visit(node.superClass, place);
    this.#privateMethods.push(this.#privateNames(node));
    const methods: string[] = [];
    const statics: string[] = [];
    const asyncMethods = new AsyncMethods();
    let divided = this.#input.inference.inheritsConstructor(node)
      ? `${this.#names.runtime}.inheritsConstructor(this);`
      : "";
    for (const element of node.body.body) {
      if (element.type === "StaticBlock") {
        this.#visit(element, PLAIN);
        continue;
      }
      if (element.computed) this.#visit(element.key, place);
      if (element.type === "MethodDefinition" && element.value.async) {
        this.#asyncMethod(node, element, asyncMethods);
      } else if (element.type === "PropertyDefinition") {
        if (element.value) {
          const name = staticKey(element, element.key) ?? "";
          if (isFunction(element.value)) this.#function(element.value, PLAIN, name);
          else this.#visit(element.value, PLAIN);
        }
      } else if (element.kind === "constructor" && this.#input.inference.suspends(element.value)) {
        this.#dividedConstructor(node, element);
        const isDerived = Boolean(node.superClass);
        const { length } = element.value.params;
        divided = `${this.#names.runtime}.constructs(this,${length},${isDerived},${returnsValue(element)});`;
      } else if (this.#input.inference.suspends(element.value)) {
        // Without the semicolon a field above that ends without one would be multiplied.
        this.#edits.insert(element.key.start, element.static ? "*" : ";*");
        this.#body(element.value, false);
        if (element.key.type !== "PrivateIdentifier") {
          (element.static ? statics : methods).push(staticKey(element, element.key)!);
        }
      } else {
        this.#plainFunction(element.value, PLAIN);
      }
    }
    this.#privateMethods.pop();
    const { runtime } = this.#names;
    let text = asyncMethods.text(runtime);
    if (methods.length + statics.length > 0) {
      text += `${runtime}.methods(this,${JSON.stringify(methods)},${JSON.stringify(statics)});`;
    }
    text += divided;
    if (text) this.#edits.prepend(node.body.start + 1, `static{${text}}`);
  }

  /**
   * `constructor(a) { … }` becomes `constructor($0){return $k.constructorBody(…)}*#constructor$s(a) { … }`. In a derived
   * class what comes before and with `super(…)` stays in the constructor.
   */
  #dividedConstructor(owner: ClassNode, element: NodeOf<"MethodDefinition">): void {
    const { key, value } = element;
    const { runtime, suffix } = this.#names;
    const { superStatement, superCall, names } = constructorShape(owner, element)!;
    const method = `#constructor${suffix}`;
    const what = JSON.stringify(owner.id ? `new ${owner.id.name}()` : "a constructor");
    if (!superStatement) {
      const head = `constructor(${this.#parameters(value)})`;
      const body = `{return ${runtime}.constructorBody(arguments,this,this.${method},${what})}*`;
      this.#edits.insert(key.start, head + body);
      this.#edits.replace(key.start, key.end, method);
      return this.#body(value, false);
    }
    for (const param of value.params) this.#visit(param, PLAIN);
    this.#visit(superStatement, PLAIN);
    if (superCall && this.#input.inference.suspendingCall(superCall)) {
      const parenthesis = skipTo(this.#input.text, superCall.callee.end, "(");
      this.#edits.insert(parenthesis + 1, `...${runtime}.superArguments(arguments,[`);
      this.#edits.insert(superCall.end - 1, "])");
    }
    for (const statement of value.body.body.slice(1)) {
      this.#visit(statement, { suspending: true, fn: value, inArrow: false });
    }
    const last = this.#input.text[superStatement.end - 1]!;
    const rest = `return ${runtime}.constructorRest(arguments,this.${method}(${names}),${what})`;
    this.#edits.replace(
      superStatement.end - 1,
      superStatement.end,
      `${last};${rest}}*${method}(${names}){${this.#headText(value)}`,
    );
  }

  #privateNames(node: ClassNode): Map<string, "plain" | "suspending" | "async"> {
    const names = new Map<string, "plain" | "suspending" | "async">();
    for (const element of node.body.body) {
      if (element.type === "StaticBlock" || element.key.type !== "PrivateIdentifier") continue;
      const method = element.type === "MethodDefinition" ? element.value : undefined;
      const suspends = method !== undefined && !method.generator && this.#input.inference.suspends(method);
      names.set(element.key.name, !suspends ? "plain" : method.async ? "async" : "suspending");
    }
    return names;
  }

  #call(node: NodeOf<"CallExpression">, place: Place): void {
    if (this.#suspendsAt(node, place)) return this.#link(node, place, []);
    if (place.inArrow && node.callee.type === "MemberExpression" && node.callee.object.type === "Super") {
      this.#superMember(node.callee, place);
      const parenthesis = skipTo(this.#input.text, node.callee.end, "(");
      this.#edits.replace(
        parenthesis,
        parenthesis + 1,
        `${node.optional ? "" : "."}call(this${node.arguments.length > 0 ? "," : ""}`,
      );
      return this.#arguments(node, place);
    }
    if (this.#isSuspendingPrivateMethod(node.callee)) {
      this.#edits.insert(node.start, `${this.#names.runtime}.block(`);
      this.#visit((node.callee as NodeOf<"MemberExpression">).object, place);
      this.#arguments(node, place);
      this.#edits.insert(node.end, ")");
      return;
    }
    this.#visit(node.callee, place);
    this.#arguments(node, place);
  }

  #suspendsAt(node: Node, place: Place): boolean {
    return (node.type === "CallExpression" || node.type === "TaggedTemplateExpression") && place.suspending &&
      this.#input.inference.suspendingCall(node);
  }

  #arguments(node: Call, place: Place): void {
    if (node.type === "TaggedTemplateExpression") return this.#visit(node.quasi, place);
    for (const argument of node.arguments) this.#visit(argument, place);
  }

  #chain(node: NodeOf<"ChainExpression">, place: Place): void {
    let optional = 0;
    let suspends = false;
    let link: Node = node.expression;
    while (link.type === "CallExpression" || link.type === "MemberExpression") {
      if (link.optional) optional++;
      suspends ||= this.#suspendsAt(link, place);
      link = link.type === "CallExpression" ? link.callee : link.object;
    }
    if (!suspends) return this.#visit(node.expression, place);
    this.#link(node.expression, place, []);
    this.#edits.insert(node.end, ")".repeat(optional));
  }

  /**
   * One link of a chain of calls and members. `openings` is what its links further out put before it: at its start, or,
   * when it is optional, behind the test that it begins with: `a?.b(x)` is `(($1=a)==null?void 0:(yield*…$1.b…))`.
   */
  #link(node: Node, place: Place, openings: Opening[]): void {
    if (node.type === "MemberExpression" && node.object.type !== "Super") this.#member(node, place, openings);
    else if (this.#suspendsAt(node, place) || node.type === "CallExpression" && node.optional) {
      this.#suspendingCall(node as Call, place, openings);
    } else if (node.type === "CallExpression") {
      this.#link(node.callee, place, openings);
      this.#arguments(node, place);
    } else {
      this.#open(node.start, openings);
      this.#visit(node, place);
    }
  }

  /** A member whose object is kept in `receiver`, if that is given. */
  #member(node: NodeOf<"MemberExpression">, place: Place, openings: Opening[], receiver?: string): void {
    const { object, property } = node;
    if (node.optional) {
      const value = receiver ?? this.#freshTemporary(place);
      this.#test(object, value, place, openings);
      const dot = skipTo(this.#input.text, object.end, "?.");
      this.#edits.replace(dot, dot + 2, node.computed ? "" : ".");
    } else if (receiver === undefined) {
      this.#link(object, place, openings);
    } else {
      this.#link(object, place, [...openings, { text: `(${receiver}=`, mark: -1, source: 0 }]);
      this.#edits.insert(object.end, ")");
    }
    if (node.computed) this.#visit(property, place);
  }

  /** `((value=…)==null?void 0:`, then what stands before the rest of the chain, then `value`. The chain's end closes it. */
  #test(base: Node, value: string, place: Place, openings: Opening[], receiver?: string): void {
    const test = [{ text: `((${value}=`, mark: -1, source: 0 }];
    if (base.type === "MemberExpression" && base.object.type !== "Super") this.#member(base, place, test, receiver);
    else this.#link(base, place, test);
    this.#edits.insert(base.end, ")==null?void 0:");
    this.#open(base.end, openings);
    this.#edits.insert(base.end, value);
  }

  #open(at: number, openings: readonly Opening[]): void {
    for (const { text, mark, source } of openings) this.#edits.insert(at, text, mark, source);
  }

  /**
   * A call, or a tagged template, which is a call with what `runtime.template` makes of the template: it keeps the
   * identity of the strings and the order of evaluation.
   */
  #suspendingCall(node: Call, place: Place, openings: Opening[]): void {
    const { runtime } = this.#names;
    const template = node.type === "TaggedTemplateExpression";
    const callee = template ? node.tag : node.callee;
    const optional = !template && node.optional === true;
    const spread = template ? `...${runtime}.template` : "";
    const separator = template || node.arguments.length > 0 ? "," : "";
    const described = `,${JSON.stringify(calleeText(callee))}${separator}${spread}`;
    const argumentsStart = template ? node.quasi.start : skipTo(this.#input.text, callee.end, "(") + 1;
    if (this.#isSuspendingPrivateMethod(callee) && !optional) {
      this.#link(callee, place, [...openings, { text: "(yield*", mark: 6, source: callee.property.start }]);
      if (template) this.#edits.insert(callee.end, `(${spread}`);
    } else if (callee.type === "MemberExpression") {
      const invoke = this.#privateMethod(callee) === "async" ? "callPrivate" : "invoke";
      const opening = { text: `(yield*${runtime}.${invoke}(`, mark: 8 + runtime.length, source: callee.property.start };
      const receiver = this.#receiver(callee, place, optional);
      if (optional) {
        this.#test(callee, this.#freshTemporary(place), place, [...openings, opening], receiver.temporary);
      } else if (callee.object.type === "Super") {
        this.#open(node.start, [...openings, opening]);
        this.#visit(callee, place);
      } else {
        this.#member(callee, place, [...openings, opening], receiver.temporary);
      }
      this.#edits.replace(callee.end, argumentsStart, `,${receiver.text}${described}`);
    } else if (callee.type === "Identifier" && !optional && this.#directCall(callee, node, place, openings, spread)) {
      // The suspending form is called by its own name.
    } else {
      const opening = { text: `(yield*${runtime}.call(`, mark: 8 + runtime.length, source: node.start };
      if (optional) this.#test(callee, this.#freshTemporary(place), place, [...openings, opening]);
      else this.#link(callee, place, [...openings, opening]);
      this.#edits.replace(callee.end, argumentsStart, described);
    }
    this.#arguments(node, place);
    this.#edits.insert(node.end, template ? "))" : ")");
  }

  /** A call of a function that is known: no lookup at run time. */
  #directCall(
    callee: NodeOf<"Identifier">,
    node: Call,
    place: Place,
    openings: readonly Opening[],
    spread: string,
  ): boolean {
    const binding = this.#input.scope.bindingOf.get(callee);
    const known = binding && this.#input.inference.knownFunction(binding);
    // The form of an `async` function begins with the promise.
    if (!known || known.async || !this.#input.inference.suspends(known)) return false;
    // A function expression has a name of its own only inside.
    const named = binding.kind === "self" || binding.kind === "function" && binding.declaration === known;
    this.#open(node.start, openings);
    this.#edits.insert(
      node.start,
      named ? "(yield*" : `(yield*${this.#names.runtime}.form(`,
      named ? 7 : -1,
      node.start,
    );
    this.#visit(callee, place);
    const form = named ? this.#names.suffix : ")";
    if (spread) {
      this.#edits.insert(callee.end, `${form}(${spread}`, named ? -1 : form.length, node.start);
      return true;
    }
    this.#edits.insert(callee.end, form);
    if (!named) {
      // V8 places such a call at its parenthesis.
      const parenthesis = skipTo(this.#input.text, callee.end, "(");
      this.#edits.replace(parenthesis, parenthesis + 1, "(", 0, node.start);
    }
    return true;
  }

  /** How a method call names its receiver a second time: as it is, or through a temporary. */
  #receiver(callee: NodeOf<"MemberExpression">, place: Place, fresh: boolean): { text: string; temporary?: string } {
    const { object } = callee;
    if (!callee.optional) {
      if (object.type === "ThisExpression" || object.type === "Super") return { text: "this" };
      if (object.type === "Identifier" && !this.#rewritten(object, place)) return { text: object.name };
    }
    const temporary = fresh || callee.computed || callee.optional
      ? this.#freshTemporary(place)
      : this.#temporary(place, 0);
    return { text: temporary, temporary };
  }

  #construction(node: NodeOf<"NewExpression">, place: Place): void {
    if (!place.suspending || !this.#input.inference.suspendingCall(node)) {
      return forEachChild(node, (child) => this.#visit(child, place));
    }
    const { callee } = node;
    const opening = `(yield*${this.#names.runtime}.construct(`;
    this.#edits.replace(node.start, callee.start, opening, opening.length - "construct(".length, node.start);
    this.#visit(callee, place);
    const described = `,${JSON.stringify(calleeText(callee))}`;
    if (node.end === callee.end) return this.#edits.insert(node.end, `${described}))`);
    const parenthesis = skipTo(this.#input.text, callee.end, "(");
    this.#edits.replace(callee.end, parenthesis + 1, node.arguments.length > 0 ? `${described},` : described);
    for (const argument of node.arguments) this.#visit(argument, place);
    this.#edits.insert(node.end, ")");
  }

  #taggedTemplate(node: NodeOf<"TaggedTemplateExpression">, place: Place): void {
    if (this.#suspendsAt(node, place)) return this.#suspendingCall(node, place, []);
    if (this.#isSuspendingPrivateMethod(node.tag)) {
      const { runtime } = this.#names;
      this.#edits.insert(node.start, `${runtime}.block(`);
      this.#visit((node.tag as NodeOf<"MemberExpression">).object, place);
      this.#edits.insert(node.tag.end, `(...${runtime}.template`);
      this.#visit(node.quasi, place);
      this.#edits.insert(node.end, "))");
      return;
    }
    forEachChild(node, (child) => this.#visit(child, place));
  }

  /** `super` where none can stand. */
  #superMember(node: NodeOf<"MemberExpression">, place: Place): void {
    this.#edits.replace(node.object.start, node.object.end, this.#names.super);
    if (node.computed) this.#visit(node.property, place);
  }

  /** An object that stands for `super`. */
  #superObject(): string {
    return `${this.#names.runtime}.superObject((k)=>super[k],(k,v)=>{super[k]=v})`;
  }

  /** The temporary that serves wherever nothing else can run between its two uses. */
  #temporary(place: Place, index: number): string {
    const fn = place.fn!;
    this.#temporaries.set(fn, Math.max(this.#temporaries.get(fn) ?? 1, index + 1));
    return `${this.#names.temporary}${index}`;
  }

  #freshTemporary(place: Place): string {
    return this.#temporary(place, this.#temporaries.get(place.fn!) ?? 1);
  }

  /** `let …;` for a function's temporaries. */
  #declaredTemporaries(node: Node): string {
    const count = this.#temporaries.get(node) ?? 0;
    if (count === 0) return "";
    return `let ${Array.from({ length: count }, (_, index) => `${this.#names.temporary}${index}`)};`;
  }

  /** Names whose text changes can't be said twice. */
  #rewritten(node: NodeOf<"Identifier">, place: Place): boolean {
    return this.#input.replaced.has(node) || place.inArrow && node.name === "arguments";
  }

  #isSuspendingPrivateMethod(callee: Node): callee is SuspendingPrivateMember {
    return this.#privateMethod(callee) === "suspending";
  }

  /** What the method behind `o.#name` is compiled to. */
  #privateMethod(callee: Node): "plain" | "suspending" | "async" {
    if (callee.type !== "MemberExpression" || callee.property.type !== "PrivateIdentifier") return "plain";
    const { name } = callee.property;
    return this.#privateMethods.findLast((methods) => methods.has(name))?.get(name) ?? "plain";
  }

  /** The name of a suspending form in V8's eyes: the author's, if it is an identifier, and the suffix. */
  #generatorName(name: string): string {
    return ` ${/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : ""}${this.#names.suffix}`;
  }
}

/** Names of a class's `async` methods that get their author's form at run time. */
class AsyncMethods {
  readonly #names = new Map<string, { methods: string[]; statics: string[] }>();

  add(kind: string, name: string, isStatic: boolean): void {
    let names = this.#names.get(kind);
    if (names === undefined) this.#names.set(kind, names = { methods: [], statics: [] });
    (isStatic ? names.statics : names.methods).push(name);
  }

  /** Statements for the class's head. */
  text(runtime: string): string {
    return [...this.#names].map(([kind, { methods, statics }]) =>
      `${runtime}.${lowerFirst(kind)}Methods(this,${JSON.stringify(methods)},${JSON.stringify(statics)});`
    ).join("");
  }
}

/** Middle of the names of what the runtime has for a function. */
function asyncKind(node: FunctionNode): "Async" | "AsyncGenerator" {
  return node.generator ? "AsyncGenerator" : "Async";
}

function lowerFirst(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}

function isAsyncGenerator(fn: Node | undefined): boolean {
  return fn !== undefined && isFunction(fn) && fn.async === true && fn.generator === true;
}

/** The callee as V8 words it in "… is not a function". */
function calleeText(callee: Node): string {
  const inner = unwrap(callee);
  switch (inner.type) {
    case "Identifier":
      return inner.name;
    case "ThisExpression":
      return "this";
    case "CallExpression":
      return `${calleeText(inner.callee)}(...)`;
    case "MemberExpression": {
      const object = inner.object.type === "Super" ? "(intermediate value)" : calleeText(inner.object);
      const key = staticKey(inner, inner.property);
      if (key !== undefined) return `${object}.${key}`;
      return `${object}[${calleeText(inner.property)}]`;
    }
    default:
      return "(intermediate value)";
  }
}

/** `length` of a function: parameters before the first default or rest. */
function expectedArguments(node: FunctionNode): number {
  const index = node.params.findIndex((param) => param.type === "AssignmentPattern" || param.type === "RestElement");
  return index < 0 ? node.params.length : index;
}

/** Offset of the first character at or after `from` that is neither blank nor comment. */
function skipBlanks(text: string, from: number): number {
  return /^(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)*/.exec(text.slice(from))![0].length + from;
}

/** Offset of `token` at or after `from`, over blanks, comments, closing parentheses and commas. */
export function skipTo(text: string, from: number, token: string): number {
  let at = from;
  while (!text.startsWith(token, at)) {
    if (text.startsWith("//", at)) at = text.slice(at).search(/[\n\r\u2028\u2029]/) + at;
    else if (text.startsWith("/*", at)) at = text.indexOf("*/", at) + 2;
    else at++;
  }
  return at;
}
