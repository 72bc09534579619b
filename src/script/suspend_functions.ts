/** The suspend compiler's functions: the author's body becomes a generator, the author's function runs it. */

import {
  expectedArguments,
  forEachChild,
  type FunctionNode,
  isFunction,
  lexicalUses,
  type Node,
  type NodeOf,
  staticKey,
} from "./ast.ts";
import { canMoveParameters } from "./parameters.ts";
import { type Place, PLAIN, RewriterPart } from "./rewriter.ts";
import { skipTo } from "./source_text.ts";

/** Rewrites functions that may suspend. */
export class Functions extends RewriterPart {
  #default = "";

  /** A default function without a name, for the module's head. */
  get default(): string {
    return this.#default;
  }

  /** Any function but a method; `name` is what an anonymous one takes from where it goes. */
  function(node: FunctionNode, place: Place, name: string): void {
    if (node.async) {
      return node.type === "ArrowFunctionExpression"
        ? this.whole.asyncFunctions.arrow(node, place, name)
        : this.whole.asyncFunctions.function(node, name);
    }
    if (!this.inference.suspends(node)) return this.plainFunction(node, place);
    if (node.type === "ArrowFunctionExpression") return this.#arrow(node, name);
    if (node.generator) return this.whole.asyncFunctions.function(node, name);
    const { runtime, suffix } = this.names;
    const keyword = this.text.indexOf("function", node.start);
    const own = node.id?.name;
    if (node.type === "FunctionDeclaration" && node.id) {
      this.declare(node, `return ${runtime}.block(${own}${suffix}.apply(this,arguments),${own})`);
      this.edits.replace(keyword, keyword + 8, "function*");
      this.edits.insert(node.id.end, suffix);
      return this.body(node, false);
    }
    const selfReferring = own !== undefined && this.scope.bindingOf.get(node.id!)!.references.length > 0;
    this.edits.insert(node.start, selfReferring ? `(()=>{const ${own}=${runtime}.fn(` : `${runtime}.fn(`);
    this.edits.replace(keyword, keyword + 8, "function*");
    if (node.id) this.edits.insert(node.id.end, suffix);
    else this.edits.insert(keyword + 8, this.generatorName(name));
    this.body(node, false);
    this.edits.insert(
      node.end,
      `,${expectedArguments(node)},${JSON.stringify(own ?? name)})${selfReferring ? `;return ${own}})()` : ""}`,
    );
  }

  /** An expression whose value takes its name from where it goes, if it is an anonymous function. */
  named(value: Node, target: Node, place: Place): void {
    if (isFunction(value)) this.function(value, place, target.type === "Identifier" ? target.name : "");
    else this.whole.visit(value, place);
  }

  /** Whether a call gives a promise or a generator object that runs the compiled body. */
  givesObject(node: FunctionNode): boolean {
    return node.async || node.generator === true && this.inference.suspends(node);
  }

  /** A property of an object literal, which may be a method. */
  property(node: NodeOf<"Property">, place: Place): void {
    if (node.computed) this.whole.visit(node.key, place);
    const name = staticKey(node, node.key) ?? "";
    const value = node.value;
    if (node.method && isFunction(value) && this.givesObject(value)) {
      return this.whole.asyncFunctions.property(node, value, name);
    }
    if (!node.method || !isFunction(value) || !this.inference.suspends(value)) {
      if (node.shorthand && value.type === "Identifier") {
        const captured = place.inArrow && value.name === "arguments";
        if (captured) this.edits.insert(value.end, `:${this.names.arguments}`);
        return;
      }
      return isFunction(value) ? this.function(value, place, name) : this.whole.visit(value, place);
    }
    this.edits.insert(value.start, `:${this.names.runtime}.method(function*${this.generatorName(name)}`);
    this.body(value, false);
    this.edits.insert(value.end, `,${expectedArguments(value)},${JSON.stringify(name)})`);
  }

  /** A function without a suspending form. */
  plainFunction(node: FunctionNode, place: Place): void {
    const arrow = node.type === "ArrowFunctionExpression";
    const inner = arrow ? { ...PLAIN, inArrow: place.inArrow } : PLAIN;
    for (const param of node.params) this.whole.visit(param, inner);
    if (node.body.type !== "BlockStatement") return this.whole.visit(node.body, inner);
    this.whole.heads.begin(node.body);
    this.whole.visit(node.body, inner);
    this.whole.heads.put(node);
  }

  #arrow(node: NodeOf<"ArrowFunctionExpression">, name: string): void {
    const { runtime } = this.names;
    this.edits.insert(node.start, `${runtime}.arrow(function*${this.generatorName(name)}`);
    const bare = this.text[node.start] !== "(";
    if (bare) {
      this.edits.insert(node.start, "(");
      this.edits.insert(node.params[0]!.end, ")");
    }
    const arrowStart = this.arrowToken(node);
    this.edits.replace(arrowStart, arrowStart + 2, "");
    this.body(node, true);
    const bound = lexicalUses(node).this || lexicalUses(node).super ? ".bind(this)" : "";
    this.edits.insert(node.end, `${bound},${expectedArguments(node)},${JSON.stringify(name)})`);
  }

  /** Parameters and body of a suspending function. */
  body(node: FunctionNode, arrow: boolean): void {
    const place: Place = { suspending: true, fn: node, inArrow: arrow };
    if (this.#parametersSuspend(node)) {
      this.#moveParameters(node, place);
      this.#block(node, place);
      return this.edits.insert(node.body.end, "}");
    }
    for (const param of node.params) this.whole.visit(param, { ...PLAIN, inArrow: arrow });
    this.#block(node, place);
  }

  #parametersSuspend(node: FunctionNode): boolean {
    if (node.params.length === 0 || !canMoveParameters(node)) return false;
    const suspends = (child: Node): boolean => {
      const call = child.type === "CallExpression" || child.type === "NewExpression" ||
        child.type === "TaggedTemplateExpression" || child.type === "SpreadElement";
      if (call && this.inference.suspendingCall(child)) return true;
      let found = false;
      forEachChild(child, (inner) => found ||= suspends(inner));
      return found;
    };
    return node.params.some(suspends);
  }

  /** `(a, b = c()) { … }` becomes `($0){let [a, b = c()]=arguments; { … }}`: `yield*` can't stand among parameters. */
  #moveParameters(node: FunctionNode, place: Place): void {
    const open = skipTo(this.text, node.start, "(");
    const close = skipTo(this.text, node.params.at(-1)!.end, ")");
    this.edits.replace(open, open + 1, `(${this.parameters(node, this.names.arguments)}){`);
    const declaration = this.temporaries.hoist(node);
    this.edits.insert(open + 1, () => `${declaration()}let [`);
    for (const param of node.params) this.whole.visit(param, place);
    this.edits.replace(close, close + 1, "]=arguments;");
  }

  #block(node: FunctionNode, place: Place): void {
    if (node.body.type === "BlockStatement") {
      this.whole.heads.begin(node.body);
      this.whole.visit(node.body, place);
      this.whole.heads.put(node);
      return;
    }
    this.edits.insert(
      node.body.start,
      () => `{${this.temporaries.declaration(node)}return (`,
    );
    this.whole.visit(node.body, place);
    this.edits.insert(node.body.end, ")}");
  }

  /** The author's function, before its suspending form. */
  declare(node: NodeOf<"FunctionDeclaration">, body: string): void {
    const { name } = node.id!;
    const rest = `(${this.parameters(node)}){${body}}`;
    if (name !== this.names.default) return this.edits.insert(node.start, `function ${name}${rest}`);
    // Without a name of its own it is called `default`, which only an expression can be.
    this.#default = `const {default:${name}}={default:function${rest}};`;
  }

  /** As many parameters as `length` says. */
  parameters(node: FunctionNode, prefix = this.names.temporary): string {
    return Array.from({ length: expectedArguments(node) }, (_, index) => `${prefix}${index}`).join();
  }

  /** Offset of `=>`, which follows the parameters. */
  arrowToken(node: NodeOf<"ArrowFunctionExpression">): number {
    const from = node.params.at(-1)?.end ?? node.start;
    return skipTo(this.text, from, "=>");
  }

  /** The name of a suspending form in V8's eyes: the author's, if it is an identifier, and the suffix. */
  generatorName(name: string): string {
    return ` ${/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : ""}${this.names.suffix}`;
  }
}
