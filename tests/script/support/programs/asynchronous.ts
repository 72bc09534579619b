/** Random `async` functions, promises and async generators. */

import { type Area, type Builder, type Expression, type Make, type Place, primary } from "./builder.ts";
import { anyFunction, body, callOf, counted, inside, insideArrow, parameters, parametersAndBody } from "./functions.ts";

/** `async function name(a, b) { … }`. */
export function asyncFunctionText(b: Builder, place: Place, name: string): string {
  return `async function ${name}${parametersAndBody(b, place, { kind: "async function", await: true })}`;
}

/** `async (a, b) => …`. */
export function asyncArrowText(b: Builder, place: Place): string {
  const { text, place: inner } = parameters(b, insideArrow(place, { kind: "async arrow" }));
  const awaiting = { ...inner, await: true };
  return `async (${text}) => ${b.choices.chance(60) ? body(b, awaiting) : counted(b, awaiting)}`;
}

/** `async function* name(a, b) { … }`. */
export function asyncGeneratorText(b: Builder, place: Place, name: string): string {
  const inner = { kind: "async generator", await: true, yield: true };
  return `async function* ${name}${parametersAndBody(b, place, inner)}`;
}

/** The ways to call the async function that `reference` names: awaited where that is possible, else left to run on its own. */
export function asyncUses(reference: string): Make[] {
  const call = (b: Builder, p: Place) => `${reference}(${b.arguments(p)})`;
  return [(b, p) =>
    p.await
      ? b.choices.pick<() => Expression>([
        () => primary(`(await ${call(b, p)})`),
        () => primary(`(await ${callOf(reference)(b, p).text.replace(/^look.*/, "1")})`),
        () => primary(`(await Promise.all([${call(b, p)}, ${b.argument(p)}, ${call(b, p)}])).length`),
        () => primary(`(await Promise.race([${call(b, p)}, ${call(b, p)}]))`),
        () => primary(`(await Promise.allSettled([${call(b, p)}, ${call(b, p)}])).map((r) => t(r.status)).length`),
        () => primary(`(await Promise.any([${call(b, p)}, ${call(b, p)}]))`),
        () => primary(`(await ${call(b, p)}.then(${reaction(b, p)}))`),
        () => primary(`(await ${call(b, p)}.then(${reaction(b, p)}, ${reaction(b, p)}))`),
        () => primary(`(await ${call(b, p)}.catch(${reaction(b, p)}))`),
        () => primary(`(await ${call(b, p)}.finally(${reaction(b, p)}))`),
        () => primary(`(await Promise.all([1, 2].map(${reference})))[0]`),
      ])()
      : b.choices.pick<() => Expression>([
        () => primary(`(${call(b, p)}${HANDLED}, ${b.argument(p)})`),
        () => primary(`(${call(b, p)}.then(${reaction(b, p)})${HANDLED}, ${b.argument(p)})`),
        () => primary(`look(${reference})`),
      ])()];
}

/** The ways to walk the async generator that `reference` makes. */
export function asyncGeneratorUses(reference: string): Make[] {
  const made = (b: Builder, p: Place) => `${reference}(${b.arguments(p)})`;
  return [(b, p) =>
    p.await
      ? b.choices.pick<() => Expression>([
        () => primary(`(await ${made(b, p)}.next()).value`),
        () =>
          primary(
            `(await (async () => { for await (const x of ${
              made(b, { ...p, yield: false })
            }) { t(x); if (x > 3) return x; } })())`,
          ),
        () =>
          primary(
            `(await (async (i) => { t((await i.next()).value); return (await i.return(5)).value; })(${made(b, p)}))`,
          ),
        () =>
          primary(
            `(await (async (i) => (await Promise.all([i.next(), i.next(), i.next()])).map((r) => t(r.done)).length)(${
              made(b, p)
            }))`,
          ),
      ])()
      : primary(`look(${reference})`)];
}

const runs = (p: Place) => p.kind !== "init";

/** Expressions that start or await something asynchronous. */
export const asyncExpressions: readonly Area<Expression>[] = [
  {
    weight: 7,
    feature: "async",
    where: (p) => p.await,
    make: (b, p) =>
      primary(
        b.choices.pick([
          () => `(await (${asyncArrowText(b, p)})(${b.arguments(p)}))`,
          () => `(await ${newPromise(b, p)})`,
          () => `(await Promise.resolve(${b.argument(p)}))`,
          () => `(await { then(resolve) { t("then"); resolve(${b.argument(ownFunction(p, "thenable"))}); } })`,
          () =>
            `(await Promise.all([${newPromise(b, p)}, ${b.argument(p)}, Promise.resolve(${b.argument(p)})])).length`,
        ])(),
      ),
  },
  {
    weight: 2,
    feature: "async",
    where: runs,
    make: (b, p) => primary(`((${asyncArrowText(b, p)})(${b.arguments(p)})${HANDLED}, ${b.argument(p)})`),
  },
  {
    weight: 6,
    feature: "promise",
    where: runs,
    make: (b, p) => {
      const made = b.choices.pick([
        () => `Promise.resolve(${b.argument(p)})`,
        () => newPromise(b, p),
        () => `Promise.reject(new Error("rejected"))`,
        () =>
          `Promise.${b.choices.pick(["all", "race", "any", "allSettled"])}([${newPromise(b, p)}, ${b.argument(p)}, 1])`,
        () => `Promise.resolve({ then(resolve) { resolve(${b.argument(ownFunction(p, "thenable"))}); } })`,
        ...b.features.has("twin") ? [() => `Promise.try(${reaction(b, p)}, ${b.argument(p)})`] : [],
      ])();
      const then = b.choices.pick([
        () => `.then(${reaction(b, p)})`,
        () => `.then(${reaction(b, p)}, ${reaction(b, p)})`,
        () => `.catch(${reaction(b, p)})`,
        () => `.finally(${reaction(b, p)})`,
        () => `.then(${reaction(b, p)}).then(${reaction(b, p)})`,
      ])();
      return primary(`(${made}${then}${HANDLED}, ${b.argument(p)})`);
    },
  },
];

/** Ends a chain of promises that nobody waits for. */
const HANDLED = ".then(t, (e) => t(caught(e)))";

/** A place in a method that is written within an expression. */
function ownFunction(p: Place, kind: string): Place {
  return inside(p, { kind });
}

function reaction(b: Builder, p: Place): string {
  return anyFunction(b, p, "reaction").text;
}

/** A promise with an executor. */
function newPromise(b: Builder, p: Place): string {
  const inner = { ...insideArrow(p, { kind: "executor" }), return: false };
  const body = b.choices.pick([
    () => `resolve(${b.argument(inner)})`,
    () => `{ t(${b.argument(inner)}); resolve(${b.argument(inner)}); reject(1); }`,
    () => `reject(new Error(\`no \${${b.any(inner)}}\`))`,
    () => `Promise.resolve(1).then(${reaction(b, inner)}).then(resolve, reject)`,
  ])();
  return `new Promise((resolve, reject) => ${body})`;
}
