import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { runCompiled, runPlain } from "./harness.ts";

/** Random small programs: whatever they compute, the compiled form must compute the same in the same order. */

const variable = fc.constantFrom("a", "b", "c");
const leaf = fc.oneof(fc.integer({ min: 0, max: 5 }).map(String), variable, fc.constant("arguments.length"));

const { expression, statement } = fc.letrec<{ expression: string; statement: string }>((tie) => {
  const e = tie("expression");
  const s = tie("statement");
  const block = fc.array(s, { maxLength: 3 }).map((list) => `{ ${list.join(" ")} }`);
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      leaf,
      e.map((x) => `wait(${x})`),
      e.map((x) => `t(${x})`),
      fc.tuple(e, fc.constantFrom("+", "-", "<", "&&", "||", "??", ","), e).map(([x, op, y]) =>
        `((${x}) ${op} (${y}))`
      ),
      fc.tuple(e, e, e).map(([x, y, z]) => `((${x}) ? (${y}) : (${z}))`),
      fc.tuple(variable, fc.constantFrom("=", "+=", "||="), e).map(([v, op, x]) => `(${v} ${op} (${x}))`),
      fc.tuple(fc.constantFrom("f", "g", "o.m", "o['m']", "o?.m", "o.no?.m", "new C().m", "k.s", "arrow"), e, e)
        .map(([f, x, y]) => `${f}(${x}, ${y})`),
      fc.tuple(fc.constantFrom("map", "filter", "some", "flatMap", "find"), e, e)
        .map(([m, x, y]) => `[${x}, 1].${m}((a) => ${y})`),
      fc.tuple(e, e).map(([x, y]) => `((b) => { ${x}; return ${y}; })(${y})`),
      // Cut short: forty nested calls could double a text forty times.
      fc.tuple(e, e).map(([x, y]) => `\`\${${x}}-\${${y}}\`.slice(0, 20)`),
      fc.tuple(e, e).map(([x, y]) => `[...[${x}], ${y}].length`),
      fc.tuple(e, e).map(([x, y]) => `({ [${x}]: ${y}, m() { return ${x}; } }).m()`),
    ),
    statement: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      e.map((x) => `t(${x});`),
      e.map((x) => `${x}\n;`),
      e.map((x) => `return ${x};`),
      fc.tuple(e, s, s).map(([x, y, z]) => `if (${x}) ${y} else { ${z} }`),
      fc.tuple(e, block).map(([x, b]) => `for (let a = 0; enter() || a < 2; a++) { if (${x}) break; ${b} }`),
      fc.tuple(e, e, block).map(([x, y, b]) =>
        `for (const b of [${x}, ${y}]) { let a = b, c = t(a); ${b} if (b > 1) continue; t("after"); }`
      ),
      fc.tuple(block, block, block).map(([x, y, z]) =>
        `try ${x} catch (e) { t(e.message); ${y} } finally { t("finally"); ${z} }`
      ),
      e.map((x) => `throw wait(new Error(${x}));`),
      fc.tuple(e, e, block).map(([x, y, b]) => `switch (${x}) { case ${y}: ${b} default: t("default"); }`),
      fc.tuple(e, e).map(([x, y]) => `{ const [p, q = ${x}] = [${y}]; t(p); t(q); }`),
      fc.tuple(block, e).map(([b, x]) => `{ function h(a) ${b} t(h(${x})); }`),
    ),
  };
});

const body = fc.array(statement, { minLength: 1, maxLength: 4 }).map((list) => list.join("\n"));

Deno.test("random programs do the same suspended as plain", async () => {
  await fc.assert(
    fc.asyncProperty(body, body, body, expression, body, async (f, g, m, arrow, main) => {
      const source = `
let steps = 0;
const t = (value) => { __ENV.trace(typeof value === "function" ? "function" : value); return value; };
const enter = () => { if (++steps > 40) throw new Error("too long"); };
function f(a, b) { enter(); let c = 1; ${f} }
const g = function (b, a) { enter(); let c = 2; ${g} };
const o = { m(a, c) { enter(); let b = 3; ${m} } };
class B { m(a, b) { enter(); let c = this.v; ${m} } v = 4; }
class C extends B { m(a, b) { return (() => super.m(b, a))(); } }
const k = { s: (a, ...b) => { let c = 0; enter(); return f(b.length, c); } };
function outer(a, b) { enter(); let c = 0; return (() => ${arrow})(); }
const arrow = (a, b) => outer(b, a);
export default function () { let a = 1, b = 2, c = 3; ${main} }`;
      const { trace, result } = await runCompiled(source);
      assertEquals({ trace, result }, runPlain(source));
    }),
    { numRuns: 300 },
  );
});
