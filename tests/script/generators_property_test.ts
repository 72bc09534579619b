import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { runCompiled, runPlain } from "./harness.ts";

/** Random programs of generators and what walks them: suspended, they must do the same in the same order. */

const variable = fc.constantFrom("a", "b", "c");
const leaf = fc.oneof(fc.integer({ min: 0, max: 4 }).map(String), variable);

const { expression, statement } = fc.letrec<{ expression: string; statement: string; source: string }>(
  (tie) => {
    const e = tie("expression");
    const s = tie("statement");
    const i = tie("source");
    const block = fc.array(s, { maxLength: 3 }).map((list) => `{ ${list.join(" ")} }`);
    return {
      source: fc.oneof(
        { maxDepth: 2, depthSize: "small" },
        fc.tuple(fc.constantFrom("g1", "g2", "o.g", "new K().g", "K.s", "o[key]", "g3"), e, e)
          .map(([g, x, y]) => `${g}(${x}, ${y})`),
        fc.constantFrom("shared()", "new K()", "odd()", "[1, 2]", "'ab'", "new Set([1, 2])", "plain()", "7", "null"),
        fc.tuple(e, e).map(([x, y]) => `[${x}, ${y}]`),
        i.map((x) => `[...${x}]`),
      ),
      expression: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        leaf,
        leaf,
        e.map((x) => `wait(${x})`),
        e.map((x) => `t(${x})`),
        e.map((x) => `Y(${x})`),
        i.map((x) => `D(${x})`),
        fc.tuple(e, fc.constantFrom("+", "<", "&&", "||", ","), e).map(([x, op, y]) => `((${x}) ${op} (${y}))`),
        fc.tuple(variable, e).map(([v, x]) => `(${v} = (${x}))`),
        i.map((x) => `[...${x}].length`),
        fc.tuple(i, e).map(([x, y]) => `list(...${x}, ${y})`),
        fc.tuple(fc.constantFrom("next", "return", "throw"), e).map(([m, x]) => `result(shared().${m}(${x}))`),
        e.map((x) => `result(shared().next(${x}))`),
      ),
      statement: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        e.map((x) => `t(${x});`),
        e.map((x) => `Y(${x});`),
        i.map((x) => `D(${x});`),
        e.map((x) => `return ${x};`),
        fc.tuple(e, block, block).map(([x, y, z]) => `if (${x}) ${y} else ${z}`),
        fc.tuple(fc.constantFrom("const a", "let b", "c", "const [a, b = c]", "[c = 3]", "o.v"), i, block)
          .map(([v, x, b]) => `for (${v} of ${x}) ${b}`),
        fc.tuple(
          i,
          i,
          block,
          fc.constantFrom("break", "continue", "break x", "continue x", "return 5", "throw 6"),
          fc.noShrink(fc.noBias(fc.nat())),
        )
          .map(([x, y, b, out, n]) =>
            `x${n}: for (const a of ${x}) for (const b of ${y}) { ${b} t(b); if (b) ${out.replace("x", `x${n}`)}; }`
          ),
        fc.tuple(i, e).map(([x, y]) => `{ const [p, q = ${y}] = ${x}; t(p); t(q); }`),
        i.map((x) => `{ const [p, , ...q] = ${x}; t(p); t(q.length); }`),
        i.map((x) => `[a, b, c] = ${x};`),
        fc.tuple(i, i).map(([x, y]) => `{ const f = ([p], ...[q]) => t(p + q); f(${x}, ...${y}); }`),
        fc.tuple(block, block, block).map(([x, y, z]) =>
          `try ${x} catch (e) { t(e instanceof TypeError ? "TypeError" : String(e)); ${y} } finally ${z}`
        ),
        e.map((x) => `throw wait(new Error(${x}));`),
      ),
    };
  },
);

const body = fc.array(statement, { minLength: 1, maxLength: 4 }).map((list) => list.join("\n"));
/** The body of a generator: `Y` and `D` yield. */
const generating = body.map((text) => text.replaceAll("Y(", "(yield ").replaceAll("D(", "(yield* "));
const running = body.map((text) => text.replaceAll("Y(", "t(").replaceAll("D(", "(t(1), "));

Deno.test("random programs with generators do the same suspended as plain", async () => {
  await fc.assert(
    fc.asyncProperty(
      generating,
      generating,
      generating,
      generating,
      running,
      running,
      expression,
      async (g1, g2, g3, g4, f, main, x) => {
        const text = `
let steps = 0, held;
const t = (value) => { enter(); __ENV.trace(typeof value === "object" ? "object" : value); return value; };
const enter = () => { if (++steps > 60) throw new Error("too long"); };
const result = (r) => { t(String(r.done)); return t(r.value); };
const list = (...all) => all.length;
const key = "k";
function* g1(a, b) { enter(); let c = 1; ${g1} }
const g2 = function* (b, a) { enter(); let c = 2; ${g2} };
const o = { v: 0, *g(a, c) { enter(); let b = 3; ${g3} }, *[key](a, b) { enter(); let c = this.v; ${g4} } };
class K { *g(a, b) { yield* g1(b, a); } static *s(a = 1, b) { enter(); yield wait(a); return b; }
  *[Symbol.iterator]() { yield wait(3); for (const i of this.#p(4)) yield i; } *#p(x) { yield x; yield wait(x + 1); } }
function* g3(a, b) { const f = () => (wait(1), ${
          x.replaceAll("Y(", "t(").replaceAll("D(", "(t(2), ")
        }); let c = 0; yield f(); yield arguments.length; }
function* plain() { yield 1; yield 2; return 3; }
const shared = () => held ??= g1(1, 2);
const odd = () => ({ i: 0, [Symbol.iterator]() { return this; }, next(v) { t("n"); return { value: wait(this.i++), done: this.i > 2 }; },
  return(v) { t("r"); return wait({ done: true, value: v }); } });
function f(a, b) { enter(); let c = 1; ${f} }
export default function () { let a = 1, b = 2, c = 3; f(1, 2); ${main} }`;
        const { trace, result } = await runCompiled(text);
        const plain = runPlain(text);
        assertEquals({ trace, result: names(result) }, { trace: plain.trace, result: names(plain.result) });
      },
    ),
    { numRuns: Number(Deno.env.get("K6D_PROPERTY_RUNS") ?? 200) },
  );
});

/** V8's own errors count by name. */
function names(result: unknown): unknown {
  return JSON.parse(JSON.stringify(result).replace(/(TypeError): [^"]*/, "$1"));
}
