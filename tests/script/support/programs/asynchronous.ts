/** Random `async` functions, promises and async generators. */

import { type Area, type Builder, type Expression, type Make, type Place, primary } from "./builder.ts";
import { anyFunction, body, callOf, counted, insideArrow, parameters, parametersAndBody } from "./functions.ts";

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
        () => primary(`(${call(b, p)}.catch((e) => t(caught(e))), ${b.argument(p)})`),
        () => primary(`(${call(b, p)}.then(${reaction(b, p)}).catch((e) => t(caught(e))), ${b.argument(p)})`),
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
          primary(`(await (async () => { for await (const x of ${made(b, p)}) { t(x); if (x > 3) return x; } })())`),
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

const mayAwait = (p: Place) => p.await;
const floats = (p: Place) => p.kind !== "init";

/** Expressions that make promises. */
export const promiseExpressions: readonly Area<Expression>[] = ([
  [3, mayAwait, (b, p) => `(await new Promise((resolve, reject) => ${settling(b, p)}))`],
  [2, mayAwait, (b, p) => `(await Promise.resolve(${b.argument(p)}))`],
  [2, mayAwait, (b, p) => `(await (${asyncArrowText(b, p)})(${b.arguments(p)}))`],
  [
    1,
    mayAwait,
    (b, p) =>
      `(await { then(resolve) { t("then"); resolve(${
        b.argument({
          ...p,
          kind: "thenable",
          await: false,
          yield: false,
          arguments: false,
          thisValue: false,
          super: false,
          newTarget: false,
          privates: [],
        })
      }); } })`,
  ],
  [
    2,
    floats,
    (b, p) =>
      `(Promise.resolve(${b.argument(p)}).then(${reaction(b, p)}).catch((e) => t(caught(e))), ${b.argument(p)})`,
  ],
  [1, floats, (b, p) => `((${asyncArrowText(b, p)})(${b.arguments(p)}).catch((e) => t(caught(e))), ${b.argument(p)})`],
  [
    1,
    floats,
    (b, p) =>
      `(Promise.reject(new Error("rejected")).catch(${reaction(b, p)}).catch((e) => t(caught(e))), ${b.argument(p)})`,
  ],
] as [number, (place: Place) => boolean, (b: Builder, p: Place) => string][]).map(([weight, where, text]) => ({
  weight,
  where,
  feature: "async",
  make: (b, p) => primary(text(b, p)),
}));

function reaction(b: Builder, p: Place): string {
  return anyFunction(b, p, "reaction").text;
}

/** The body of a promise's executor. */
function settling(b: Builder, p: Place): string {
  const inner = { ...insideArrow(p, { kind: "executor" }), return: false };
  return b.choices.pick([
    () => `resolve(${b.argument(inner)})`,
    () => `{ t(${b.argument(inner)}); resolve(${b.argument(inner)}); reject(1); }`,
    () => `reject(new Error(\`no \${${b.any(inner)}}\`))`,
    () => `Promise.resolve(1).then(${reaction(b, inner)}).then(resolve, reject)`,
  ])();
}
