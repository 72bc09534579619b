/** The suspend compiler's classes: methods that suspend become generators, constructors that do are divided. */

import { type ClassNode, isFunction, lowerFirst, type NodeOf, objectKind, staticKey } from "./ast.ts";
import { constructorShape, returnsValue } from "./constructors.ts";
import { type Place, PLAIN, RewriterPart } from "./rewriter.ts";
import { skipBlanks, skipTo } from "./source_text.ts";

/** Rewrites classes. */
export class Classes extends RewriterPart {
  /** A declaration or expression. */
  class(node: ClassNode, place: Place): void {
    if (node.superClass) this.whole.visit(node.superClass, place);
    this.whole.privateMethods.enter(node);
    const methods: string[] = [];
    const statics: string[] = [];
    const asyncMethods = new AsyncMethods();
    let divided = this.inference.inheritsConstructor(node) ? `${this.names.runtime}.inheritsConstructor(this);` : "";
    for (const element of node.body.body) {
      if (element.type === "StaticBlock") {
        this.whole.visit(element, PLAIN);
        continue;
      }
      if (element.computed) this.whole.visit(element.key, place);
      if (element.type === "MethodDefinition" && this.whole.functions.givesObject(element.value)) {
        this.#asyncMethod(node, element, asyncMethods);
      } else if (element.type === "PropertyDefinition") {
        if (element.value) {
          const name = staticKey(element, element.key) ?? "";
          if (isFunction(element.value)) this.whole.functions.function(element.value, PLAIN, name);
          else this.whole.visit(element.value, PLAIN);
        }
      } else if (element.kind === "constructor" && this.inference.suspends(element.value)) {
        this.#dividedConstructor(node, element);
        const isDerived = Boolean(node.superClass);
        const { length } = element.value.params;
        divided = `${this.names.runtime}.constructs(this,${length},${isDerived},${returnsValue(element)});`;
      } else if (this.inference.suspends(element.value)) {
        // Without the semicolon a field above that ends without one would be multiplied.
        this.edits.insert(element.key.start, element.static ? "*" : ";*");
        this.whole.functions.body(element.value, false);
        if (element.key.type !== "PrivateIdentifier") {
          (element.static ? statics : methods).push(staticKey(element, element.key)!);
        }
      } else {
        this.whole.functions.plainFunction(element.value, PLAIN);
      }
    }
    this.whole.privateMethods.leave();
    const { runtime } = this.names;
    let text = asyncMethods.text(runtime);
    if (methods.length + statics.length > 0) {
      text += `${runtime}.methods(this,${JSON.stringify(methods)},${JSON.stringify(statics)});`;
    }
    text += divided;
    if (text) this.edits.prepend(node.body.start + 1, `static{${text}}`);
  }

  #asyncMethod(owner: ClassNode, element: NodeOf<"MethodDefinition">, methods: AsyncMethods): void {
    const name = element.key.type === "PrivateIdentifier" ? undefined : staticKey(element, element.key);
    const repeated = owner.body.body.some((other) =>
      other !== element && other.type !== "StaticBlock" && other.static === element.static &&
      staticKey(other, other.key) === name
    );
    const start = element.static ? skipBlanks(this.text, element.start + 6) : element.start;
    const end = this.whole.asyncFunctions.keywordsEnd(start, element.value);
    // Without the semicolon a field above that ends without one would go on.
    const separator = element.static ? "" : ";";
    if (name === undefined || repeated) {
      this.edits.replace(start, end, separator);
      return this.whole.asyncFunctions.inline(element.value);
    }
    this.edits.replace(start, end, `${separator}*`);
    this.whole.functions.body(element.value, false);
    methods.add(objectKind(element.value), name, element.static);
  }

  /**
   * `constructor(a) { … }` becomes `constructor($0){return $k.constructorBody(…)}*#constructor$s(a) { … }`. In a derived
   * class what comes before and with `super(…)` stays in the constructor.
   */
  #dividedConstructor(owner: ClassNode, element: NodeOf<"MethodDefinition">): void {
    const { key, value } = element;
    const { runtime, suffix } = this.names;
    const { superStatement, superCall, names } = constructorShape(owner, element)!;
    const method = `#constructor${suffix}`;
    const what = JSON.stringify(owner.id ? `new ${owner.id.name}()` : "a constructor");
    if (!superStatement) {
      const head = `constructor(${this.whole.functions.parameters(value)})`;
      const body = `{return ${runtime}.constructorBody(arguments,this,this.${method},${what})}*`;
      this.edits.insert(key.start, head + body);
      this.edits.replace(key.start, key.end, method);
      return this.whole.functions.body(value, false);
    }
    for (const param of value.params) this.whole.visit(param, PLAIN);
    this.whole.visit(superStatement, PLAIN);
    if (superCall && this.inference.suspendingCall(superCall)) {
      const parenthesis = skipTo(this.text, superCall.callee.end, "(");
      this.edits.insert(parenthesis + 1, `...${runtime}.superArguments(arguments,[`);
      this.edits.insert(superCall.end - 1, "])");
    }
    for (const statement of value.body.body.slice(1)) {
      this.whole.visit(statement, { suspending: true, fn: value, inArrow: false });
    }
    const last = this.text[superStatement.end - 1]!;
    const rest = `return ${runtime}.constructorRest(arguments,this.${method}(${names}),${what})`;
    this.edits.replace(
      superStatement.end - 1,
      superStatement.end,
      `${last};${rest}}*${method}(${names}){${this.whole.heads.of(value)}`,
    );
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
