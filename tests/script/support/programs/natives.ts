/** Random calls of native functions that call back: arrays, collections, strings, JSON, coercions, reflection. */

import { type Area, type Builder, type Expression, type Place, primary } from "./builder.ts";
import { anyFunction, counted, functionExpression, parametersAndBody } from "./functions.ts";

const nowhereAtInit = (p: Place) => p.kind !== "init";

/** Expressions around natives that have a suspending form. */
export const nativeCallbacks: readonly Area<Expression>[] = [
  { weight: 8, where: nowhereAtInit, make: arrayMethod },
  { weight: 3, where: nowhereAtInit, make: reduce },
  {
    weight: 2,
    where: nowhereAtInit,
    make: (b, p) => primary(`Array.from([${b.arguments(p)}, 1], ${callback(b, p)}).length`),
  },
  {
    weight: 2,
    where: nowhereAtInit,
    make: (b, p) =>
      primary(
        `t(${b.choices.pick([`new Map([[${b.argument(p)}, 1], [2, 2]])`, `new Set([${b.argument(p)}, 7])`])}.forEach(${
          callback(b, p)
        }))`,
      ),
  },
  {
    weight: 1,
    where: nowhereAtInit,
    make: (b, p) =>
      primary(`Uint8Array.of(${b.argument(p)}, 3).${b.choices.pick(["map", "every"])}(${callback(b, p)})`),
  },
];

/** Expressions around natives that call back plainly. */
export const plainCallbacks: readonly Area<Expression>[] = ([
  [
    4,
    (b, p) => `[${b.argument(p)}, 2, ${b.argument(p)}].${b.choices.pick(["sort", "toSorted"])}(${comparator(b, p)})[0]`,
  ],
  [
    3,
    (b, p) =>
      `"abab".${b.choices.pick(["replace", "replaceAll"])}(${b.choices.pick(["/b/g", `"a"`])}, ${
        callback(b, p, "replacer")
      }).length`,
  ],
  [2, (b, p) => `JSON.stringify({ a: ${b.argument(p)}, b: [1] }, ${callback(b, p, "replacer")})`],
  [2, (b, p) => `JSON.parse("[1,{\\"x\\":2}]", ${callback(b, p, "reviver")})`],
  [2, (b, p) => `JSON.stringify({ toJSON${method(b, p, "toJSON")} }).length`],
  [2, (b, p) => `(1 + +{ valueOf${method(b, p, "valueOf")} })`],
  [2, (b, p) => "`${{ toString" + method(b, p, "toString") + "}}`.length"],
  [1, (b, p) => `({ [Symbol.toPrimitive]${method(b, p, "toPrimitive")} } < 2)`],
  [2, (b, p) => `new Proxy({}, { get${method(b, p, "proxy trap")} }).x`],
  [1, (b, p) => `new Proxy(() => 1, { apply${method(b, p, "proxy trap")} })(${b.argument(p)})`],
  [1, (b, p) => `("x" in new Proxy({}, { has${method(b, p, "proxy trap")} }))`],
  [1, (b, p) => `Reflect.construct(${functionExpression(b, p, "constructor").text}, [${b.argument(p)}]).v`],
  [1, (b, p) => `Object.keys(Object.groupBy([${b.argument(p)}, 2], ${callback(b, p)})).length`],
  [1, (b, p) => `Map.groupBy([${b.argument(p)}, 2], ${callback(b, p)}).size`],
  [
    2,
    (b, p) =>
      `[${b.argument(p)}, 3].values().${b.choices.pick(["map", "filter", "drop(0).map"])}(${
        callback(b, p)
      }).toArray().length`,
  ],
  [1, (b, p) => `[${b.argument(p)}, 3].values().reduce(${callback(b, p)})`],
  [1, (b, p) => `[...{ *[Symbol.iterator]${method(b, p, "generator")} }].length`],
  [
    1,
    (b, p) =>
      `[...{ [Symbol.iterator]() { return { n: 0, next() { return { done: this.n++ > 1, value: ${
        counted(b, { ...p, kind: "iterator", ...NO_CONTEXT })
      } }; } }; } }].length`,
  ],
  [1, (b, p) => `Object.defineProperty({}, "g", { get${method(b, p, "getter")} }).g`],
  [1, (b, p) => `new Function("f", "x", "return f(x)")(${anyFunction(b, p, "called by text").text}, ${b.argument(p)})`],
  [1, (b, p) => `((f) => eval("f(2) + 1"))(${anyFunction(b, p, "called by text").text})`],
  [1, (b, p) => `Array.prototype.concat.call([], ${b.argument(p)}).length`],
  [1, (b, p) => `(${b.argument(p)}, { x: 1 } instanceof { [Symbol.hasInstance]${method(b, p, "hasInstance")} })`],
] as [number, (b: Builder, p: Place) => string][]).map(([weight, text]) => ({
  weight,
  where: nowhereAtInit,
  feature: "twin",
  make: (b, p) => primary(text(b, p)),
}));

/** What a method within an expression doesn't have of the place around. */
const NO_CONTEXT: Partial<Place> = {
  await: false,
  yield: false,
  arguments: false,
  thisValue: false,
  super: false,
  newTarget: false,
  privates: [],
};

function callback(b: Builder, p: Place, kind = "native callback"): string {
  return anyFunction(b, p, kind).text;
}

function method(b: Builder, p: Place, kind: string): string {
  return parametersAndBody(b, p, { kind });
}

function comparator(b: Builder, p: Place): string {
  return callback(b, p, "comparator");
}

function arrayMethod(b: Builder, p: Place): Expression {
  const [name, after] = b.choices.pick(
    [
      ["map", ".length"],
      ["forEach", ""],
      ["filter", ".length"],
      ["some", ""],
      ["every", ""],
      ["find", ""],
      ["findIndex", ""],
      ["findLast", ""],
      ["findLastIndex", ""],
      ["flatMap", ".length"],
    ] as const,
  );
  const list = b.choices.pick([
    () => `[${b.argument(p)}, ${b.argument(p)}]`,
    () => `[, ${b.argument(p)}]`,
    () => `Array.from([${b.argument(p)}])`,
  ])();
  const dot = b.choices.pick([".", ".", ".", "?.", "\n."]);
  const receiver = b.choices.chance(15) ? `, { v: ${b.argument(p)} }` : "";
  return primary(`${list}${dot}${name}(${callback(b, p, "array callback")}${receiver})${after}`);
}

function reduce(b: Builder, p: Place): Expression {
  const initial = b.choices.chance(50) ? `, ${b.argument(p)}` : "";
  return primary(
    `[${b.argument(p)}, 2, 3].${b.choices.pick(["reduce", "reduceRight"])}(${
      callback(b, p, "array callback")
    }${initial})`,
  );
}
