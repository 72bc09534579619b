import { assert, assertEquals } from "@std/assert";
import { onBlockedThread } from "../../src/script/blocking_twin.ts";
import { runCompiled, runPlain } from "./harness.ts";

/** What the functions of all cases may use. */
const PRELUDE = `
const t = (value) => { __ENV.trace(value); return wait(value); };
function* count(n, end = "end") { try { for (let i = 0; i < n; i++) { const got = yield t(i); if (got) t("got " + got); } return t("done"); } finally { t(end); } }
function* failing(at) { try { yield t(at); } finally { throw wait(new Error("from " + at)); } }
const bad = (result) => ({ [Symbol.iterator]: () => ({ next: () => wait({ value: 1, done: false }), return: () => { t("return"); return wait(result); } }) });
const message = (f) => { try { return f(); } catch (e) { return e instanceof TypeError ? "TypeError" : e.message; } };
`;

/** Functions that return something; none of them may block the thread. */
const cases: Record<string, string> = {
  "break, continue, return and labels close what they leave": `
    outer: for (const a of count(4, "a")) { for (const b of count(3, "b")) { t(a + "." + b); if (b === 1) continue outer; if (a === 2) break outer; } }
    for (const c of count(5)) if (c === 2) return t("returned " + c);`,
  "an exception in the body counts more than one at closing": `
    return [message(() => { for (const x of failing(1)) throw new Error("body"); }), message(() => { for (const x of failing(2)) break; }), message(() => { for (const x of failing(3)); })];`,
  "an exception of the iterator itself does not close it": `
    const broken = { [Symbol.iterator]: () => ({ next() { throw wait(new Error("next")); }, return() { t("never"); return {}; } }) };
    return [message(() => { for (const x of broken); }), message(() => [...broken])];`,
  "closing must give an object": `
    const leave = (result) => message(() => { for (const x of bad(result)) break; return "left"; });
    return [leave({}), leave(1), leave(undefined), message(() => { for (const x of bad(1)) throw new Error("body"); })];`,
  "a return in a loop runs finally blocks, which may override it": `
    const f = () => { for (const x of count(2)) { try { return t("one"); } finally { t("finally"); } } };
    const g = () => { while (true) { for (const x of count(2)) { try { return 1; } finally { break; } } return "broken out"; } };
    return [f(), g()];`,
  "next, return and throw": `
    const a = count(3), b = count(3), c = count(3);
    return [a.next(1), a.next("x"), a.return("r"), a.next(), a.return(5), message(() => a.throw(new Error("late"))), b.return("early"), b.next(), c.next(), message(() => c.throw(new Error("in"))), c.next()].map((r) => JSON.stringify(r) ?? r);`,
  "a running generator can't be resumed": `
    let self; function* f() { yield wait(1); yield message(() => self.next()); } self = f(); return [...self].join();`,
  "yield* hands on values, results, returns and exceptions": `
    function* outer() { const r = yield* count(2, "inner"); t("result " + r); try { yield* count(3); } catch (e) { t("caught " + e.message); } yield* [7, 8]; yield* bad({ done: true, value: "closed" }); }
    const g = outer(); const seen = [g.next().value, g.next("sent").value, g.next().value, g.throw(new Error("pushed")).value, g.next().value, g.next().value, g.return("end").value];
    const h = (function* () { yield* bad({ done: false, value: "kept" }); })(); h.next(); seen.push(h.return(1).value, message(() => h.throw(new Error("no throw"))));
    return seen.join();`,
  "yield* hands on the delegate's own result objects": `
    const result = { value: 1, done: 0, extra: wait("x") }; function* f() { wait(1); yield* { [Symbol.iterator]: () => ({ next: () => result }) }; }
    return f().next() === result;`,
  "spread in arrays, arguments and constructions": `
    class P { constructor(...all) { this.all = all; } } const list = (...all) => all.join();
    return [[...count(2), 9, ...new Set([1]), ..."ab"].join(), list(0, ...count(3)), new P(...count(2)).all.join(), Math.max(...count(3))].join(";");`,
  "iterables of classes and objects": `
    class Tree { constructor(v, kids = []) { this.v = v; this.kids = kids; } *[Symbol.iterator]() { yield t(this.v); for (const k of this.kids) yield* k; } static *of(x = this.name) { yield wait(x); } *#h() { yield wait("h"); } *h() { yield* this.#h(); } }
    const o = { *m() { yield wait(super.constructor === Object); }, *"a b"(x) { yield wait(arguments.length); }, [Symbol.iterator]: function* () { yield* this.m(); } };
    return [...new Tree(1, [new Tree(2), new Tree(3)]), ...Tree.of(), ...new Tree().h(), ...o, ...o["a b"](1, 2, 3)].join();`,
  "what the function and its objects look like": `
    wait(0); const g = count(1); const G = Object.getPrototypeOf(function* () {});
    function* named(a, b, c = 1) { yield wait(a); } named.prototype.mine = 5;
    return [typeof count, named.name, named.length, Object.getPrototypeOf(named) === G, g instanceof count, Object.prototype.toString.call(g), g[Symbol.iterator]() === g, named().mine, "next" in g, typeof g.map].join();`,
  "a loop's closures keep their own variables, and its right side sees none of them": `
    const fs = []; for (const x of count(3)) fs.push(() => x); for (let x of [10]) { fs.push(() => x); x++; }
    return fs.map((f) => f()).join() + message(() => { for (const y of (() => y)()); });`,
  "patterns and members as targets": `
    const o = {}; function* pairs() { yield [wait(1), 2]; yield [3]; } let a, b;
    for (const [x, y = wait("default")] of pairs()) t(x + "," + y); for ([a, b = a] of pairs()) t(a + b); for (o.last of count(2)); for (var v of count(2));
    return o.last + v;`,
  "what can't be iterated": `
    const f = (x) => message(() => { for (const y of x); return "walked"; }); const g = (x) => message(() => [...x]);
    count(1).next(); return [f(null), f(undefined), f(7), f({}), f({ [Symbol.iterator]: 1 }), f({ [Symbol.iterator]: () => 1 }), g(null), g({}), f("ab"), f(new Map([[1, 2]]))].join();`,
  "loops in async functions and in arrows": `
    const walk = (gen, f) => { for (const x of gen) f(x); return this; }; walk(count(2), (x) => t("walked " + x));
    return (() => { for (const x of count(1)) return [arguments.length, x].join(); })();`,
};

for (const [name, body] of Object.entries(cases)) {
  Deno.test(`generators suspend: ${name}`, async () => {
    const source = `${PRELUDE}\nexport default function () { ${body} }`;
    const blocked: string[] = [];
    onBlockedThread(({ position, what, through }) => blocked.push(`${position} ${what} ${through}`));
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
