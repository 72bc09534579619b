import { assert, assertEquals } from "@std/assert";
import { onBlockedThread } from "../../src/script/blocking_twin.ts";
import { runCompiled, runPlain } from "./harness.ts";

const message = "const message = (f) => { try { return f(); } catch (e) { return e.name; } };";

/** Default values that suspend: none of them may block the thread. */
const cases: Record<string, string> = {
  "defaults are evaluated from left to right, when there is no argument": `
    const t = (x) => { __ENV.trace(x); return wait(x); }; function f(a = t("a"), { b = t(a + "b"), ...c } = t({ d: 1 }), [d = t("d")] = [], ...rest) { return [a, b, c.d, d, rest.length].join(); }
    return [f(), f(1), f(undefined, { b: 2, d: 3 }, [4], 5, 6), f(null), f.length, f.name].join(";");`,
  "a parameter can't be read before it is bound": `
    wait(0); const f = (a = wait(b), b = 1) => a; const g = (a = wait(a)) => a; return [message(f), message(g), f(1)].join();`,
  "an exception in a default value": `
    function f(a = wait(new RangeError("no"))) { return "never"; } return message(f) + message(() => f()) + f.call(null, 1);`,
  "this, arguments and super": `
    class A { v() { return wait(this.n); } } class B extends A { n = 4; m(a, b = super.v() + wait(arguments.length), c = this.v()) { return [a, b, c, arguments.length].join(); } static s(x = wait(this.name)) { return x; } }
    return [new B().m(), new B().m(1, undefined), B.s(), B.prototype.m.length, ((x = wait(this === undefined)) => x)()].join(";");`,
  "closures of the body share the parameters": `
    function f(a, b = wait(a)) { const set = () => { a++; b++; }; set(); set(); return a + b; } return f(1) + "," + f(1, 5);`,
};

for (const [name, body] of Object.entries(cases)) {
  Deno.test(`default values of parameters suspend: ${name}`, async () => {
    const source = `${message}\nexport default function () { ${body} }`;
    const blocked: string[] = [];
    onBlockedThread(({ position }) => blocked.push(position));
    try {
      const { trace, result, suspensions } = await runCompiled(source);
      assertEquals({ trace, result }, runPlain(source));
      assert(suspensions > 0);
      assertEquals(blocked, []);
    } finally {
      onBlockedThread(undefined);
    }
  });
}

Deno.test("where moving the parameters would show, their default values block", async () => {
  const source = `
function f(a = wait(1), g = () => a) { var a; a = 2; return [a, g()].join(); }
function h(a = wait(1)) { var a; const b = a; a = 3; return [a, b].join(); }
export default function () { wait(0); return [f(), f(5), h(), h(7)].join(";"); }`;
  assertEquals((await runCompiled(source)).result, runPlain(source).result);
});
