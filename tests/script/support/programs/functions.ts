/** Random functions: parameters, bodies, every way to write them and to call them. */

import { assignment, type Builder, type Expression, type Make, type Place, primary, type Variable } from "./builder.ts";
import { statements } from "./statements.ts";

/** What a kind of function changes for its body. */
export type Inner = Partial<Place> & { readonly kind: string };

/** What no function takes over from the code around it, arrows excepted. */
const OWN: Partial<Place> = {
  await: false,
  yield: false,
  return: true,
  arguments: true,
  thisValue: false,
  super: false,
  newTarget: false,
  loops: [],
  blocks: [],
  privates: [],
};

/** The place inside a function that has its own `this`. */
export function inside(place: Place, inner: Inner): Place {
  return { ...place, ...OWN, depth: 0, ...inner };
}

/** The place inside an arrow. */
export function insideArrow(place: Place, inner: Inner): Place {
  return { ...place, await: false, yield: false, return: true, loops: [], blocks: [], depth: 0, ...inner };
}

/** A number as an argument; it counts as a step if it may lead to further calls, so that recursion ends. */
export function counted(b: Builder, place: Place): string {
  const text = b.argument(place);
  return /[\w\])}](\?\.)?\(|[.`]/.test(text.replace(/\b(wait|t)\(/g, "")) ? `(enter(), ${text})` : text;
}

/** Parameters and the place in which they hold. */
export function parameters(b: Builder, place: Place): { text: string; place: Place } {
  const twin = b.features.has("twin");
  const names: Variable[] = [];
  const outer = place.variables.filter(({ name }) => !/^([a-d]|rest\.length)$/.test(name));
  const value = () => {
    const scope = { kind: "parameter default", await: false, yield: false, depth: 2, variables: [...outer, ...names] };
    return counted(b, { ...place, ...scope });
  };
  const list: string[] = [];
  const add = (name: string, text: string) => {
    list.push(text);
    names.push({ name, writable: true });
  };
  for (const name of ["a", "b"].slice(b.choices.below(3))) {
    const style = twin ? b.choices.below(12) : 0;
    add(name, style === 11 ? `{ length: ${name} = ${value()} } = ""` : style === 10 ? `${name} = ${value()}` : name);
  }
  if (twin && b.choices.chance(5)) {
    // What comes fourth is an array or nothing, whoever calls.
    for (const name of ["a", "b", "c"].slice(list.length)) {
      if (!names.some((known) => known.name === name)) add(name, name);
    }
    while (list.length < 3) list.push(`_${list.length}`);
    add("d", `[d = ${value()}] = []`);
  }
  if (b.choices.chance(10)) {
    list.push("...rest");
    names.push({ name: "rest.length", writable: false });
  }
  return { text: list.join(", "), place: { ...place, variables: [...outer, ...names] } };
}

/** A function's block: `{ … }`. */
export function body(b: Builder, place: Place, before = ""): string {
  const { text, place: end } = statements(b, place, b.choices.below(4));
  return `{ enter(); ${before}${text}return ${b.any(end)}; }`;
}

/** Parameters and block of a function that has its own `this`: `(a, b) { … }`. */
export function parametersAndBody(b: Builder, place: Place, inner: Inner, before = ""): string {
  const { text, place: innermost } = parameters(b, inside(place, inner));
  const directive = /^[\w, ]*$/.test(text) && b.choices.chance(5) ? `{ "use strict"; ` : "{ ";
  return `(${text}) ${body(b, innermost, before).replace("{ ", directive)}`;
}

/** `function (a, b) { … }`, with or without a name of its own. */
export function functionExpression(b: Builder, place: Place, kind = "function"): Expression {
  const own = b.choices.chance(30) ? b.fresh("me") : "";
  const locals = own ? [...place.locals, callOf(own)] : place.locals;
  return primary(`function ${own}${parametersAndBody(b, place, { kind, locals, newTarget: true })}`);
}

/** `(a, b) => …`. */
export function arrowExpression(b: Builder, place: Place, kind = "arrow"): Expression {
  const { text, place: inner } = parameters(b, insideArrow(place, { kind }));
  const bare = /^\w+$/.test(text) && b.choices.chance(50);
  const head = `${bare ? text : `(${text})`} =>${b.choices.chance(5) ? "\n" : ""} `;
  return assignment(`${head}${b.choices.chance(40) ? body(b, inner) : counted(b, inner)}`);
}

/** A function of any sort as a value. */
export function anyFunction(b: Builder, place: Place, kind?: string): Expression {
  return b.choices.chance(60) ? arrowExpression(b, place, kind) : functionExpression(b, place, kind);
}

/** The ways to call what `reference` names. */
export function callOf(reference: string): Make {
  return (b, place) =>
    b.choices.pick<() => Expression>([
      () => primary(`${reference}(${b.arguments(place)})`),
      () => primary(`${reference}(${b.argument(place)}, ${b.argument(place)})`),
      () => primary(`${reference}?.(${b.arguments(place)})`),
      () => primary(`${reference}(...[${b.argument(place)}, ${b.argument(place)}])`),
      () => primary(`${reference}.call(null, ${b.argument(place)})`),
      () => primary(`${reference}.apply({ v: 1 }, [${b.argument(place)}, ${b.argument(place)}])`),
      () => primary(`${reference}.bind(null, ${b.argument(place)})(${b.arguments(place)})`),
      () => primary(`Reflect.apply(${reference}, undefined, [${b.argument(place)}])`),
      () => primary(`(0, ${reference})(${b.arguments(place)})`),
      () => primary(`apply(${reference}, ${b.argument(place)})`),
      () => primary(`[${b.argument(place)}, 2].map(${reference}).length`),
      () => primary(`look(${reference})`),
    ])();
}

/** `function f(a, b) { … }`. */
export function functionDeclaration(b: Builder, place: Place, name: string): string {
  return `function ${name}${parametersAndBody(b, place, { kind: "function", newTarget: true })}`;
}
