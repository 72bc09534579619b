/** Random programs over promises and `async` functions. */

import fc from "fast-check";
import type { AsyncOutcome } from "./async_harness.ts";

// In the programs `t` traces, `at` is the number of the statement, and `p` finds a promise that was made before.

const value = fc.constantFrom("1", "null", "new Error('e')", "{ then(r) { t('thenable'); r(7); } }", "{ then: 1 }");
const block = fc.constantFrom("", "wait(0);", "t(wait('b'));");

const handler = fc.tuple(
  block,
  fc.constantFrom("return v;", "throw 'h';", "return p(3);", "", "return wait(9);", "return Promise.reject(8);"),
)
  .map(([blocks, end]) => `(v) => { t(at, 'in', s(v)); ${blocks} ${end} }`);
const argument = fc.oneof({ weight: 4, arbitrary: handler }, {
  weight: 1,
  arbitrary: fc.constantFrom("undefined", "5"),
});

const awaited = fc.oneof(
  value,
  fc.nat(9).map((n) => `p(${n})`),
  fc.constantFrom("Promise.reject('r')", "(async () => wait(4))()", "new X((r) => r(1))", "Promise.resolve(p(1))"),
);

const step = fc.oneof(
  awaited.map((x) => `t(at, s(await ${x}));`),
  fc.tuple(block, awaited).map(([blocks, x]) => `${blocks} await ${x}; t(at, 'after');`),
  awaited.map((x) =>
    `try { t(at, s(await ${x})); } catch (e) { t(at, 'caught', s(e)); } finally { t(at, 'f', await wait(2)); }`
  ),
  awaited.map((x) => `for await (const v of [${x}, 2]) t(at, s(v));`),
  fc.constantFrom("throw 'thrown';", "return wait(5);", "return p(0);", "push(Promise.resolve(6));"),
);

const body = fc.array(step, { maxLength: 4 }).map((steps) => steps.join(" "));

const statement = fc.oneof(
  fc.tuple(fc.nat(9), argument, argument).map(([n, a, b]) => `push(p(${n}).then(${a}, ${b}));`),
  fc.tuple(fc.nat(9), argument).map(([n, a]) => `push(p(${n}).catch(${a}));`),
  fc.tuple(fc.nat(9), argument).map(([n, a]) => `push(p(${n}).finally(${a}));`),
  value.map((v) => `push(Promise.resolve(${v}));`),
  value.map((v) => `push(Promise.reject(${v}));`),
  fc.tuple(value, fc.boolean()).map(([v, late]) =>
    `push(new Promise((r, j) => { ${late ? `later.push(() => r(${v}))` : `r(${v}); j(1)`}; }));`
  ),
  body.map((b) => `push((async () => { t(at, 'begin'); ${b} })());`),
  body.map((b) =>
    `push((async function* () { t(at, 'begin'); yield 1; ${b} yield p(2); })().next().then((v) => t(at, s(v.value))));`
  ),
  fc.tuple(fc.constantFrom("all", "allSettled", "any", "race"), fc.array(awaited, { maxLength: 3 }))
    .map(([name, items]) => `push(${items.length > 2 ? "X" : "Promise"}.${name}([${items.join()}]));`),
  fc.constantFrom("later.shift()?.();", "t('sync', wait(1));"),
);

/** A program's text; it exports a default function. */
export const promiseProgram = fc.array(statement, { minLength: 1, maxLength: 10 }).map((statements) => `
class X extends Promise {}
const t = (...values) => __ENV.trace(values);
const s = (v) => v instanceof Error ? String(v) : v instanceof X ? "X" : v instanceof Promise ? "promise" : Array.isArray(v) ? v.map(s) : typeof v === "object" && v ? Object.keys(v).join() : v;
const made = [Promise.resolve(0)], later = [];
const p = (n) => made[n % made.length];
const push = (made_) => { made.push(made_); };
export default async function () {
${statements.map((text, index) => `{ const at = ${index}; ${text} }`).join("\n")}
  await null;
  while (later.length > 0) later.shift()();
}`);

/** V8 puts the class of a promise into the message about one that waits for itself. */
export function comparable(outcome: AsyncOutcome): unknown {
  return JSON.parse(JSON.stringify(outcome).replaceAll("#<X>", "#<Promise>"));
}
