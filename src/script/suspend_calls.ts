/** The suspend compiler's calls: `f(x)` that may suspend becomes `(yield* …)`, in chains of calls and members as well. */

import { forEachChild, type Node, type NodeOf, staticKey, unwrap } from "./ast.ts";
import { type Place, RewriterPart } from "./rewriter.ts";
import { skipTo } from "./source_text.ts";

type Call = NodeOf<"CallExpression"> | NodeOf<"TaggedTemplateExpression">;

/** Text that goes before a link of a chain; see `Edits.insert`. */
interface Opening {
  readonly text: string;
  readonly mark: number;
  readonly source: number;
}

/** Rewrites calls, constructions, tagged templates, and the chains that they stand in. */
export class Calls extends RewriterPart {
  /** A call on its own, or at the end of a chain without `?.`. */
  call(node: NodeOf<"CallExpression">, place: Place): void {
    if (this.#suspendsAt(node, place)) return this.#link(node, place, []);
    if (place.inArrow && node.callee.type === "MemberExpression" && node.callee.object.type === "Super") {
      this.superMember(node.callee, place);
      const parenthesis = skipTo(this.text, node.callee.end, "(");
      this.edits.replace(
        parenthesis,
        parenthesis + 1,
        `${node.optional ? "" : "."}call(this${node.arguments.length > 0 ? "," : ""}`,
      );
      return this.#arguments(node, place);
    }
    if (this.whole.privateMethods.isSuspending(node.callee)) {
      this.edits.insert(node.start, `${this.names.runtime}.block(`);
      this.whole.visit((node.callee as NodeOf<"MemberExpression">).object, place);
      this.#arguments(node, place);
      this.edits.insert(node.end, ")");
      return;
    }
    this.whole.visit(node.callee, place);
    this.#arguments(node, place);
  }

  /** A chain with `?.`. */
  chain(node: NodeOf<"ChainExpression">, place: Place): void {
    let optional = 0;
    let suspends = false;
    let link: Node = node.expression;
    while (link.type === "CallExpression" || link.type === "MemberExpression") {
      if (link.optional) optional++;
      suspends ||= this.#suspendsAt(link, place);
      link = link.type === "CallExpression" ? link.callee : link.object;
    }
    if (!suspends) return this.whole.visit(node.expression, place);
    this.#link(node.expression, place, []);
    this.edits.insert(node.end, ")".repeat(optional));
  }

  /** `new C(…)`. */
  construction(node: NodeOf<"NewExpression">, place: Place): void {
    if (!place.suspending || !this.inference.suspendingCall(node)) {
      return forEachChild(node, (child) => this.whole.visit(child, place));
    }
    const { callee } = node;
    const opening = `(yield*${this.names.runtime}.construct(`;
    this.edits.replace(node.start, callee.start, opening, opening.length - "construct(".length, node.start);
    this.whole.visit(callee, place);
    const described = `,${JSON.stringify(calleeText(callee))}`;
    if (node.end === callee.end) return this.edits.insert(node.end, `${described}))`);
    const parenthesis = skipTo(this.text, callee.end, "(");
    this.edits.replace(callee.end, parenthesis + 1, node.arguments.length > 0 ? `${described},` : described);
    for (const argument of node.arguments) this.whole.visit(argument, place);
    this.edits.insert(node.end, ")");
  }

  /** A tag and its template. */
  taggedTemplate(node: NodeOf<"TaggedTemplateExpression">, place: Place): void {
    if (this.#suspendsAt(node, place)) return this.#suspendingCall(node, place, []);
    if (this.whole.privateMethods.isSuspending(node.tag)) {
      const { runtime } = this.names;
      this.edits.insert(node.start, `${runtime}.block(`);
      this.whole.visit((node.tag as NodeOf<"MemberExpression">).object, place);
      this.edits.insert(node.tag.end, `(...${runtime}.template`);
      this.whole.visit(node.quasi, place);
      this.edits.insert(node.end, "))");
      return;
    }
    forEachChild(node, (child) => this.whole.visit(child, place));
  }

  /** `super` where none can stand. */
  superMember(node: NodeOf<"MemberExpression">, place: Place): void {
    this.edits.replace(node.object.start, node.object.end, this.names.super);
    if (node.computed) this.whole.visit(node.property, place);
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
      this.whole.visit(node, place);
    }
  }

  /**
   * A call, or a tagged template, which is a call with what `runtime.template` makes of the template: it keeps the
   * identity of the strings and the order of evaluation.
   */
  #suspendingCall(node: Call, place: Place, openings: Opening[]): void {
    const { runtime } = this.names;
    const template = node.type === "TaggedTemplateExpression";
    const callee = template ? node.tag : node.callee;
    const optional = !template && node.optional === true;
    const spread = template ? `...${runtime}.template` : "";
    const separator = template || node.arguments.length > 0 ? "," : "";
    const described = `,${JSON.stringify(calleeText(callee))}${separator}${spread}`;
    const argumentsStart = template ? node.quasi.start : skipTo(this.text, callee.end, "(") + 1;
    if (this.whole.privateMethods.isSuspending(callee) && !optional) {
      this.#link(callee, place, [...openings, { text: "(yield*", mark: 6, source: callee.property.start }]);
      if (template) this.edits.insert(callee.end, `(${spread}`);
    } else if (callee.type === "MemberExpression") {
      const invoke = this.whole.privateMethods.of(callee) === "async" ? "callPrivate" : "invoke";
      const opening = { text: `(yield*${runtime}.${invoke}(`, mark: 8 + runtime.length, source: callee.property.start };
      const receiver = this.#receiver(callee, place, optional);
      if (optional) {
        this.#test(callee, this.temporaries.fresh(place.fn!), place, [...openings, opening], receiver.temporary);
      } else if (callee.object.type === "Super") {
        this.#open(node.start, [...openings, opening]);
        this.whole.visit(callee, place);
      } else {
        this.#member(callee, place, [...openings, opening], receiver.temporary);
      }
      this.edits.replace(callee.end, argumentsStart, `,${receiver.text}${described}`);
    } else if (callee.type === "Identifier" && !optional && this.#directCall(callee, node, place, openings, spread)) {
      // The suspending form is called by its own name.
    } else {
      const opening = { text: `(yield*${runtime}.call(`, mark: 8 + runtime.length, source: node.start };
      if (optional) this.#test(callee, this.temporaries.fresh(place.fn!), place, [...openings, opening]);
      else this.#link(callee, place, [...openings, opening]);
      this.edits.replace(callee.end, argumentsStart, described);
    }
    this.#arguments(node, place);
    this.edits.insert(node.end, template ? "))" : ")");
  }

  /** A call of a function that is known: no lookup at run time. */
  #directCall(
    callee: NodeOf<"Identifier">,
    node: Call,
    place: Place,
    openings: readonly Opening[],
    spread: string,
  ): boolean {
    const binding = this.scope.bindingOf.get(callee);
    const known = binding && this.inference.knownFunction(binding);
    // The form of an `async` function begins with the promise.
    if (!known || known.async || known.generator || !this.inference.suspends(known)) return false;
    // A function expression has a name of its own only inside.
    const named = binding.kind === "self" || binding.kind === "function" && binding.declaration === known;
    this.#open(node.start, openings);
    this.edits.insert(
      node.start,
      named ? "(yield*" : `(yield*${this.names.runtime}.form(`,
      named ? 7 : -1,
      node.start,
    );
    this.whole.visit(callee, place);
    const form = named ? this.names.suffix : ")";
    if (spread) {
      this.edits.insert(callee.end, `${form}(${spread}`, named ? -1 : form.length, node.start);
      return true;
    }
    this.edits.insert(callee.end, form);
    if (!named) {
      // V8 places such a call at its parenthesis.
      const parenthesis = skipTo(this.text, callee.end, "(");
      this.edits.replace(parenthesis, parenthesis + 1, "(", 0, node.start);
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
      ? this.temporaries.fresh(place.fn!)
      : this.temporaries.shared(place.fn!);
    return { text: temporary, temporary };
  }

  /** A member whose object is kept in `receiver`, if that is given. */
  #member(node: NodeOf<"MemberExpression">, place: Place, openings: Opening[], receiver?: string): void {
    const { object, property } = node;
    if (node.optional) {
      const value = receiver ?? this.temporaries.fresh(place.fn!);
      this.#test(object, value, place, openings);
      const dot = skipTo(this.text, object.end, "?.");
      this.edits.replace(dot, dot + 2, node.computed ? "" : ".");
    } else if (receiver === undefined) {
      this.#link(object, place, openings);
    } else {
      this.#link(object, place, [...openings, { text: `(${receiver}=`, mark: -1, source: 0 }]);
      this.edits.insert(object.end, ")");
    }
    if (node.computed) this.whole.visit(property, place);
  }

  /** `((value=…)==null?void 0:`, then what stands before the rest of the chain, then `value`. The chain's end closes it. */
  #test(base: Node, value: string, place: Place, openings: Opening[], receiver?: string): void {
    const test = [{ text: `((${value}=`, mark: -1, source: 0 }];
    if (base.type === "MemberExpression" && base.object.type !== "Super") this.#member(base, place, test, receiver);
    else this.#link(base, place, test);
    this.edits.insert(base.end, ")==null?void 0:");
    this.#open(base.end, openings);
    this.edits.insert(base.end, value);
  }

  #open(at: number, openings: readonly Opening[]): void {
    for (const { text, mark, source } of openings) this.edits.insert(at, text, mark, source);
  }

  #arguments(node: Call, place: Place): void {
    if (node.type === "TaggedTemplateExpression") return this.whole.visit(node.quasi, place);
    for (const argument of node.arguments) this.whole.visit(argument, place);
  }

  #suspendsAt(node: Node, place: Place): boolean {
    return (node.type === "CallExpression" || node.type === "TaggedTemplateExpression") && place.suspending &&
      this.inference.suspendingCall(node);
  }

  /** Names whose text changes can't be said twice. */
  #rewritten(node: NodeOf<"Identifier">, place: Place): boolean {
    return this.whole.replaced.has(node) || place.inArrow && node.name === "arguments";
  }
}

/** A callee, or an iterable, as V8 words it in "… is not a function". */
export function calleeText(callee: Node): string {
  const inner = unwrap(callee);
  switch (inner.type) {
    case "Identifier":
      return inner.name;
    case "ThisExpression":
      return "this";
    case "Literal":
      return inner.raw ?? "";
    case "SequenceExpression":
      return `(${inner.expressions.map(calleeText).join(" , ")})`;
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
