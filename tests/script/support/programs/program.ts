/** Random programs: modules full of functions, classes, objects and state that use each other and block everywhere. */

import { Choices } from "../choices.ts";
import {
  asyncArrowText,
  asyncExpressions,
  asyncFunctionText,
  asyncGeneratorText,
  asyncGeneratorUses,
  asyncUses,
} from "./asynchronous.ts";
import {
  type Area,
  assignment,
  Builder,
  type Expression,
  type Feature,
  inArrow,
  type Make,
  type Place,
  primary,
  TOP,
} from "./builder.ts";
import { classText, classUses, objectText, objectUses } from "./classes.ts";
import { leaves, operators } from "./expressions.ts";
import { anyFunction, body, callOf, functionDeclaration, inside } from "./functions.ts";
import { generatorExpressions, generatorText, generatorUses } from "./generators.ts";
import { nativeCallbacks, plainCallbacks } from "./natives.ts";
import { type Declaration, type LinkedText, linkModules } from "./modules.ts";

const NUMBERS: readonly Area<Expression>[] = [
  { weight: 10, make: (b, p) => b.choose(leaves, p) },
  ...operators,
  ...nativeCallbacks,
  { weight: 14, feature: "twin", where: (p) => p.kind !== "init", make: (b, p) => b.choose(plainCallbacks, p) },
  ...generatorExpressions,
  ...asyncExpressions,
];

/** The program that some choices make. */
export function randomProgram(choices: Choices, features: ReadonlySet<Feature>): LinkedText {
  const b = new Builder(choices, features, leaves, NUMBERS);
  const modules: Declaration[][] = Array.from({ length: choices.pick([1, 1, 1, 2, 3]) }, () => []);
  const plan = Array.from({ length: choices.pick([0, 2, 3, 4, 5, 6]) }, () => planned(b));
  for (const { uses } of plan) b.globals.push(...uses);
  for (const { make, names, state, fuel = 12 } of plan) {
    const text = b.fueled(fuel, make);
    choices.pick(modules).push({ names, text, ...state && { state } });
  }
  const asynchronous = features.has("async") && choices.chance(50);
  const place = inside(TOP, asynchronous ? { kind: "async function", await: true } : { kind: "function" });
  const main = `${asynchronous ? "async " : ""}function main() ${b.fueled(24, () => body(b, place))}`;
  modules.at(-1)!.push({ names: [], text: main });
  return linkModules(choices, modules);
}

/** A declaration that is still to be made, and the ways to use it. */
interface Entity {
  readonly names: readonly string[];
  readonly state?: string;
  readonly uses: readonly Make[];
  readonly make: () => string;
  /** Expressions that it may be made of; 12 by default. */
  readonly fuel?: number;
}

/** One thing that a module declares. Everything is planned before anything is made, so that all can use all. */
function planned(b: Builder): Entity {
  const kinds: (() => Entity)[] = [
    () => {
      const name = b.fresh("f");
      return { names: [name], uses: [callOf(name)], make: () => functionDeclaration(b, TOP, name) };
    },
    () => {
      const name = b.fresh("g");
      return { names: [name], uses: [callOf(name)], make: () => `const ${name} = ${anyFunction(b, TOP).text};` };
    },
    () => {
      const name = b.fresh("C");
      return { names: [name], uses: classUses(name), make: () => classText(b, TOP, name), fuel: 24 };
    },
    () => {
      const name = b.fresh("D");
      const base = `${name}Base`;
      return {
        names: [name],
        uses: classUses(name),
        fuel: 40,
        make: () => `${classText(b, TOP, base)}\n${classText(b, TOP, name, base)}`,
      };
    },
    () => {
      const name = b.fresh("o");
      return { names: [name], uses: objectUses(name), make: () => `const ${name} = ${objectText(b, TOP)};` };
    },
    () => {
      const name = b.fresh("p");
      return {
        names: [name],
        uses: objectUses(name),
        make: () => `const ${name} = ${objectText(b, TOP, objectText(b, TOP))};`,
      };
    },
    () => counter(b),
    () => higherOrder(b),
    () => table(b),
  ];
  if (b.features.has("twin")) {
    kinds.push(() => {
      const name = b.fresh("w");
      return { names: [name], uses: generatorUses(name), make: () => generatorText(b, TOP, name) };
    });
  }
  if (b.features.has("async")) {
    const asynchronous = (): Entity => {
      const name = b.fresh("u");
      const arrow = b.choices.chance(40);
      return {
        names: [name],
        uses: asyncUses(name),
        make: () => arrow ? `const ${name} = ${asyncArrowText(b, TOP)};` : asyncFunctionText(b, TOP, name),
      };
    };
    kinds.push(asynchronous, asynchronous);
  }
  if (b.features.has("async generator")) {
    kinds.push(() => {
      const name = b.fresh("q");
      return { names: [name], uses: asyncGeneratorUses(name), make: () => asyncGeneratorText(b, TOP, name) };
    });
  }
  return b.choices.pick(kinds)();
}

/** A module variable that others see change: a live binding. */
function counter(b: Builder): Entity {
  const name = b.fresh("v");
  const bump = `${name}Bump`;
  return {
    names: [name, bump],
    state: name,
    uses: [() => primary(name), (b, p) => primary(`${bump}(${b.argument(p)})`)],
    make: () => {
      const place: Place = inside(TOP, { kind: "function", variables: [{ name: "x", writable: true }] });
      return `let ${name} = 1; function ${bump}(x) { enter(); ${name} += +${b.primary(place)}; return ${name}; }`;
    },
  };
}

/** A function that takes and returns functions. */
function higherOrder(b: Builder): Entity {
  const name = b.fresh("h");
  return {
    names: [name],
    uses: [
      (b, p) => primary(`${name}(${anyFunction(b, p).text})(${b.arguments(p)})`),
      (b, p) => primary(`apply(${name}(${anyFunction(b, p).text}), ${b.argument(p)})`),
    ],
    make: () => {
      const place = inside(TOP, { kind: "function", locals: [callOf("f")] });
      return `function ${name}(f) { enter(); t(f.length); const r = (a, b) => ${
        b.argument({ ...place, kind: "arrow", arguments: false, variables: [{ name: "a", writable: true }] })
      }; return (...all) => f(r(...all), ${b.argument({ ...place, kind: "arrow" })}); }`;
    },
  };
}

/** Functions in arrays, maps and objects; a function that is replaced. */
function table(b: Builder): Entity {
  const name = b.fresh("z");
  return {
    names: [name],
    uses: [
      (b, p) => primary(`${name}.get("a")(${b.arguments(p)})`),
      (b, p) => primary(`[...${name}.values()].map((f) => f(${b.argument(inArrow({ ...p, kind: "arrow" }))})).length`),
      (b, p) => primary(`${name}.get("list")[0]?.(${b.argument(p)})`),
      (b, p) => assignment(`${name}.set("a", ${anyFunction(b, p).text}).size`),
      (b, p) => primary(`(${name}.forEach((f) => t(f(${b.argument(inArrow({ ...p, kind: "arrow" }))}))), 1)`),
    ],
    make: () =>
      `const ${name} = new Map([["a", ${anyFunction(b, TOP).text}], ["b", ${
        anyFunction(b, TOP).text
      }], ["list", Object.assign(() => 1, [${anyFunction(b, TOP).text}])]]);`,
  };
}
