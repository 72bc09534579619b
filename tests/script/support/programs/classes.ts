/** Random classes and objects: members of all kinds, inheritance, and the ways to use them. */

import { assignment, type Builder, type Expression, inArrow, type Make, type Place, primary } from "./builder.ts";
import {
  anyFunction,
  arrowExpression,
  callOf,
  counted,
  type Inner,
  inside,
  parameters,
  parametersAndBody,
} from "./functions.ts";
import { statements } from "./statements.ts";

/** A class or object and the ways to use it. */
export interface Declared {
  readonly text: string;
  readonly uses: readonly Make[];
}

/** `class name { … }`, perhaps derived from `base`, which is such a class. */
export function classText(b: Builder, place: Place, name: string, base?: string): string {
  const twin = b.features.has("twin");
  const privates = b.choices.chance(40) ? ["#p", "#q()"] : [];
  if (twin && privates.length > 0) privates.push("#g");
  const own: Inner = { kind: "method", thisValue: true, super: base !== undefined, privates };
  const method = (kind: string, changed: Partial<Place> = {}) =>
    parametersAndBody(b, place, { ...own, kind, ...changed });
  const fixed = { super: false, privates: [] };
  const members: string[] = [];
  const some = (percent: number, make: () => string) => {
    if (b.choices.chance(percent)) members.push(make());
  };
  const field = (kind: string, changed: Partial<Place> = {}): string => {
    const inner = {
      ...inside(place, { ...own, ...changed, kind: twin ? kind : "init" }),
      return: false,
      arguments: false,
    };
    return b.choices.chance(30) ? anyFunction(b, inner).text : counted(b, inner);
  };
  members.push(constructorText(b, place, own, base !== undefined));
  members.push(`m${method("method")}`);
  if (base === undefined || b.choices.chance(30)) {
    members.push(`get g() { return ${twin ? getterBody(b, place, own) : "this.v"}; }`);
  }
  some(40, () => `n${method("method")}`);
  some(30, () => `static s${method("static method", fixed)}`);
  some(
    30,
    () => `h = ${arrowExpression(b, inside(place, { ...own, kind: "arrow", return: false, arguments: false })).text};`,
  );
  some(20, () => `f = ${field("field")};`);
  if (twin) {
    some(20, () => `set g${setter(b, place, own)}`);
    some(10, () => `static sf = ${field("static field", fixed)};`);
    some(
      10,
      () =>
        `static { ${
          statements(b, {
            ...inside(place, { kind: "static block", thisValue: true }),
            arguments: false,
            return: false,
          }, 2).text
        }}`,
    );
    some(15, () => `[(t("key"), ${b.argument({ ...place, kind: "computed key" })})]${method("computed method")}`);
    some(20, () => `*it${method("generator", { yield: true })}`);
    some(15, () => `static get sg() { return ${getterBody(b, place, { ...own, ...fixed })}; }`);
  }
  if (b.features.has("async")) some(30, () => `async am${method("async method", { await: true })}`);
  if (privates.length > 0) {
    members.push(`#p = ${field("field")};`, `#q${method("private method")}`);
    if (twin) members.push(`get #g() { return ${getterBody(b, place, own)}; }`, "set #g(a) { t(a); }");
    some(30, () => "has(o) { return #p in o; }");
  }
  return `class ${name}${base ? ` extends ${base}` : ""} { ${members.join("\n")} }`;
}

/** The ways to use a class that is reached as `reference`. */
export function classUses(reference: string): Make[] {
  const made = (b: Builder, p: Place) => `new ${reference}(${b.arguments(p)})`;
  const uses: Make[] = [
    (b, p) => primary(`${made(b, p)}.m(${b.arguments(p)})`),
    (b, p) => primary(`${made(b, p)}.v`),
    (b, p) => primary(`${made(b, p)}?.n?.(${b.arguments(p)})`),
    (b, p) => primary(`${made(b, p)}["m"](${b.argument(p)})`),
    (b, p) =>
      primary(`((o) => [o.m(${b.argument(inArrow(p))}), o.v, o instanceof ${reference}].length)(${made(b, p)})`),
    (b, p) => primary(`(({ m, h }) => (h ?? look)(m))(${made(b, p)})`),
    (b, p) => primary(`${made(b, p)}.h?.(${b.arguments(p)})`),
    (b, p) => primary(`${made(b, p)}.g`),
    (b, p) => primary(`${reference}.s?.(${b.arguments(p)})`),
    (b, p) => primary(`[1, ${b.argument(p)}].map(${made(b, p)}.m, { v: 2 }).length`),
    (b, p) => primary(`[1].map((a) => ${made(b, inArrow(p))}.m(a))[0]`),
    (b, p) => primary(`${reference}.prototype.m.call({ v: ${b.argument(p)} }, ${b.argument(p)})`),
    (b, p) => primary(`look(${reference}) + look(${made(b, p)}.m)`),
    (b, p) => primary(`t(Object.keys(${made(b, p)}).join()).length`),
    () => primary(`t(Object.getOwnPropertyNames(${reference}.prototype).join()).length`),
  ];
  const twin: Make[] = [
    (b, p) => assignment(`${made(b, p)}.g = ${b.argument(p)}`),
    (b, p) => primary(`(${made(b, p)}.g -= ${b.argument(p)})`),
    (b, p) => primary(`[...(${made(b, p)}.it?.(${b.arguments(p)}) ?? [])].length`),
    () => primary(`t(${reference}.sf) + t(${reference}.sg)`),
    (b, p) => primary(`Reflect.construct(${reference}, [${b.argument(p)}]).v`),
    (b, p) =>
      primary(
        `new (class extends ${reference} { constructor(a) { super(a, ${
          b.argument({
            ...p,
            kind: "constructor",
            await: false,
            yield: false,
            arguments: false,
            thisValue: false,
            super: false,
            newTarget: false,
            privates: [],
          })
        }); } })(${b.argument(p)}).m(1)`,
      ),
    (b, p) => primary(`${reference}(${b.argument(p)})`),
  ];
  const choose: Make = (b, p) => {
    const all = b.features.has("twin") ? uses.concat(twin) : uses;
    if (b.features.has("async") && p.await && b.choices.chance(20)) {
      return primary(`(await ${made(b, p)}.am?.(${b.arguments(p)}))`);
    }
    return b.choices.pick(all)(b, p);
  };
  return [choose];
}

/** `{ m(a) { … }, … }`; `base` is such an object. */
export function objectText(b: Builder, place: Place, base?: string): string {
  const twin = b.features.has("twin");
  const method = (kind: string, changed: Partial<Place> = {}) =>
    parametersAndBody(b, place, { kind, thisValue: true, super: base !== undefined && twin, ...changed });
  const own: Inner = { kind: "method", thisValue: true };
  const members = [
    `v: ${b.choices.below(5)}`,
    `m${method("method")}`,
    `get g() { return ${twin ? getterBody(b, place, own) : 1}; }`,
  ];
  if (base) members.unshift(`__proto__: ${base}`);
  if (b.choices.chance(40)) members.push(`n: ${anyFunction(b, place).text}`);
  if (b.choices.chance(30)) members.push(`"a b"${method("method", { super: false })}`);
  if (b.choices.chance(30)) members.push(`[\`c\${1}\`]${method("method", { super: false })}`);
  if (twin && b.choices.chance(30)) members.push(`set g${setter(b, place, own)}`);
  if (twin && b.choices.chance(30)) members.push(`*it${method("generator", { yield: true })}`);
  return `{ ${members.join(", ")} }`;
}

/** The ways to use an object that is reached as `reference`. */
export function objectUses(reference: string): Make[] {
  return [(b, p) =>
    b.choices.pick<() => Expression>([
      () => primary(`${reference}.m(${b.arguments(p)})`),
      () => primary(`${reference}["m"](${b.argument(p)})`),
      () => primary(`${reference}[\`\${"m"}\`](${b.argument(p)})`),
      () => primary(`${reference}.n?.(${b.arguments(p)})`),
      () => primary(`${reference}?.["a b"]?.(${b.arguments(p)})`),
      () => primary(`${reference}.c1?.(${b.arguments(p)})`),
      () => primary(`${reference}.g`),
      () => primary(`(({ m }) => m.call({ v: 1 }, ${b.argument(inArrow(p))}))(${reference})`),
      () =>
        primary(
          `Object.values(${reference}).filter((f) => typeof f === "function").map((f) => f.call(${reference}, 1)).length`,
        ),
      () => primary(`t(Object.keys(${reference}).join()).length`),
      () => assignment(`${reference}.v = ${b.argument(p)}`),
      () => assignment(`${reference}.v ??= ${b.argument(p)}`),
      () => primary(`({ ...${reference} }).m(${b.argument(p)})`),
      () => primary(`Object.create(${reference}).m(${b.argument(p)})`),
      () => callOf(`${reference}.m`)(b, p),
      ...b.features.has("twin")
        ? [
          () => assignment(`${reference}.g = ${b.argument(p)}`),
          () => primary(`[...(${reference}.it?.(${b.arguments(p)}) ?? [])].length`),
        ]
        : [],
    ])()];
}

function constructorText(b: Builder, place: Place, own: Inner, derived: boolean): string {
  const twin = b.features.has("twin");
  const kind = twin ? "constructor" : "init";
  const before = inside(place, { ...own, kind, newTarget: true, thisValue: false, super: false, privates: [] });
  const { text, place: early } = twin
    ? parameters(b, before)
    : { text: "a", place: { ...before, variables: [{ name: "a", writable: true }] } };
  const after: Place = { ...early, thisValue: true, super: derived, privates: own.privates ?? [], return: false };
  const first = derived
    ? `${statements(b, { ...early, return: false }, b.choices.below(2)).text}super(${b.argument(early)}); `
    : "";
  // Methods and fields may read `v` before: of an object whose constructor has not come so far it is undefined.
  return `constructor(${text}) { enter(); ${first}this.v = ${b.argument({ ...after, thisValue: derived })}; ${
    statements(b, after, b.choices.below(2)).text
  }}`;
}

function getterBody(b: Builder, place: Place, own: Inner): string {
  return `enter(), ${b.argument(inside(place, { ...own, kind: "getter" }))}`;
}

function setter(b: Builder, place: Place, own: Inner): string {
  const inner = inside(place, { ...own, kind: "setter" });
  return `(a) { enter(); this.v = ${
    b.argument({ ...inner, variables: [...inner.variables, { name: "a", writable: true }] })
  }; }`;
}
