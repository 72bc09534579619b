/** Every place where a blocking call can stand and `yield*` cannot: the plain function blocks, and does what the author wrote. */

import { assertEquals } from "@std/assert";
import { runCompiled, runPlain } from "./harness.ts";

const cases: Record<string, string> = {
  "constructors, super and fields": `
      const log = (x) => (__ENV.trace(x), x);
      class Base { first = wait("bf"); constructor(name) { this.t = [wait("bc"), name]; this.hello(); } hello() { this.t.push("base"); } }
      class Derived extends Base { second = wait("df"); #p = wait("private"); static s = log(wait("static")); static #sp = wait("sp");
        static { log(wait("block")); this.u = this.#sp; }
        constructor(...args) { const before = wait("before"); super(...args); const arrow = () => wait(this.second + this.#p); this.t.push(before, arrow()); }
        hello() { this.t.push(wait("dh"), String(this.second)); } }
      class Implicit extends Derived { third = wait(this.t.length); }
      class Null extends null { constructor() { return { n: wait(1) }; } }
      function Old(a) { if (!new.target) return new Old(a); this.a = wait(a); }
      Old.prototype.m = function () { return wait(this.a); };
      export default function () {
        const d = new Derived("x"), i = new Implicit("y");
        return [d.t, Derived.s, Derived.u, i.t, i.third, i instanceof Base, d.constructor.name, new Old(1).m(), Old(2).m(), new Null().n,
          Reflect.construct(Base, ["r"], Derived) instanceof Derived, new (class { constructor(v) { this.v = wait(v); } })(4).v,
          new (class { constructor() { return { swapped: wait(1) }; } })().swapped, Base.length, Derived.length];
      }`,
  "an exception in a constructor":
    `class A { constructor() { try { wait(new TypeError("x")); } catch (e) { this.m = e.message; } wait(new RangeError("out")); } }
      export default function () { wait(0); try { new A(); } catch (e) { return e.name + e.message; } finally { wait(1); } }`,
  "getters and setters": `
      class P { #v = 1; static get k() { return wait("static"); } get v() { return wait(this.#v); } set v(x) { this.#v = wait(x); } get #q() { return wait("q"); } q() { return this.#q; }
        get f() { return (x) => wait(x); } get [wait("computed")]() { return wait("c"); } }
      class S extends P { get v() { return "s" + super.v; } set v(x) { super.v = x + 1; } }
      const o = { get a() { return wait("a"); }, set a(x) { __ENV.trace(wait(x)); }, get b() { return [1, 2].map((x) => wait(x)); } };
      export default function () {
        const p = new P(), s = new S(); p.v = 2; p.v += 3; p.v++; s.v = 5; o.a = 9; s.v ||= 8;
        const { a, b: [first, ...rest], ...none } = o;
        return [p.v, s.v, P.k, p.q(), p.f(7), p.computed, a, first, rest, none, { ...o }, Object.values(o), \`\${o.a}\`, o?.a, Object.assign({}, o), JSON.stringify(o)];
      }`,
  "defaults of parameters and patterns": `
      function f(a = wait("a"), b = wait("b" + a), { c = wait("c"), d: { e = wait("e") } = {} } = {}, ...rest) { return [a, b, c, e, rest, arguments.length]; }
      const arrow = (x = wait("x"), y = () => wait(x + "y")) => wait(x) + y();
      class K { m(v = this.base(), w = super.toString.name + wait("w")) { return v + w; } base() { return wait("base"); } static s(x = this.name) { return wait(x); } }
      const o = { m([x = wait("lx"), y = wait("ly")] = [], z = arguments.length) { return x + y + z; }, n: function g(x = g.name) { return wait(x); } };
      export default function () {
        let p, q, rest; ({ p = wait("p"), [wait("q")]: q, ...rest } = { q: 1, left: 2 });
        const out = [f(), f("A"), f(undefined, null, { d: { e: 0 } }, 1), arrow(), arrow("X"), new K().m(), new K().m(1, 2), K.s(), o.m(), o.m([1]), o.n(), p, q, rest, f.length, arrow.length];
        [p, q = wait("dq")] = [q]; for (const { id, tag = wait(id) } of [{ id: 1 }, { id: 2, tag: 3 }]) out.push(tag);
        for (const [k, v = wait(k)] of Object.entries({ a: undefined })) out.push(k, v); for ([p = wait("fp")] of [[]]) out.push(p);
        try { throw { m: undefined }; } catch ({ m = wait("caught") }) { out.push(m); }
        return [...out, p, q];
      }`,
  "generators": `
      function* pages(n) { try { for (let i = 1; i <= n; i++) { const skip = yield wait(i); if (skip) i += skip; } } finally { __ENV.trace(wait("close")); } return wait("done"); }
      function* outer() { const r = yield* pages(2); yield wait(r); }
      class Tree { constructor(v, kids = []) { this.v = v; this.kids = kids; } *[Symbol.iterator]() { yield wait(this.v); for (const k of this.kids) yield* k; } *walk(x = wait("x")) { yield x; } static *s() { yield wait(this.name); } #g = function* () { yield wait("g"); }; *#h() { yield* this.#g(); } h() { return [...this.#h()]; } }
      const o = { *m() { yield wait(1); }, [Symbol.iterator]: function* () { yield* this.m(); } };
      export default function () {
        const out = []; for (const p of pages(3)) { out.push(p); if (p === 2) break; }
        const g = pages(5); out.push(g.next().value, g.next(2).value, g.return("early")); const [first] = pages(9); const t = pages(2); t.next();
        try { t.throw(new Error("in")); } catch (e) { out.push(e.message); }
        return [...out, ...outer(), first, ...new Tree("r", [new Tree("l")]), ...new Tree(1).walk(), ...Tree.s(), ...new Tree(1).h(), ...o, Math.max(...(function* () { yield wait(3); })()), Array.from(pages(1)), Object.fromEntries((function* () { yield ["k", wait("v")]; })()), new Set(pages(2)).size];
      }`,
  "callbacks of natives": `
      export default function () {
        const f = (x) => wait(x);
        return [[3, 1, 2].sort((a, b) => f(a) - f(b)), [1, 2].toSorted((a, b) => wait(b - a)), "a-b".replace(/(\\w)-(\\w)/, (m, a, b) => wait(b + a)), "x.y".replaceAll(".", () => wait("!")),
          JSON.stringify({ a: { toJSON: () => wait("j") }, b: 1 }, (k, v) => k === "b" ? wait("r") : v), JSON.parse('{"a":[1,2]}', (k, v) => typeof v === "number" ? wait(v + 1) : v),
          \`\${{ toString: () => wait("s") }}\`, +{ valueOf: () => wait(4) }, \`\${{ [Symbol.toPrimitive]: (hint) => wait(hint) }}\`, Object.groupBy([1, 2, 3], (x) => wait(x % 2 ? "odd" : "even")), [...Map.groupBy([1, 2], (x) => wait(x))],
          [...[1, 2].values().map((x) => wait(x * 2))], [...[1, 2, 3].values().filter((x) => wait(x > 1)).take(1)], [1, 2].values().reduce((s, x) => s + wait(x), 0), [..."a1b2".matchAll(/\\d/g)].map((m) => wait(m[0])),
          Array.from({ length: 2 }, (_, i) => wait(i)), Reflect.apply(f, null, [1]), f.call(null, 2), f.apply(null, [3]), f.bind(null, 4)(), [1].flatMap((x) => [wait(x)]), new Map([[1, 2]]).entries().toArray().map(([k, v]) => wait(k + v)), [5, 6].findLastIndex((x) => wait(x) === 5)];
      }`,
  "proxies and Reflect": `
      export default function () {
        const p = new Proxy({}, { get: (_, n) => (...a) => wait([n, ...a].join()), has: (_, n) => wait(n) === "k", deleteProperty: (_, n) => !!wait(n), ownKeys: () => [wait("k1")], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }), set: (t, n, v) => !!wait(v) });
        const c = new Proxy(function (x) { return wait("in" + x); }, { apply: (t, s, a) => wait("ap") + Reflect.apply(t, s, a), construct: (t, a) => ({ made: wait(a[0]) }) });
        p.x = 1; return [p.users(7), p.o.call(null, 1), "k" in p, "z" in p, delete p.d, Object.keys(p), c(1), new c(2).made, Reflect.get({ get v() { return wait(this.z); } }, "v", { z: 3 }), Reflect.has(p, "k"), Reflect.ownKeys(p)];
      }`,
  "text that is evaluated": `
      const helper = (x) => wait("h" + x);
      export default function () {
        const local = (x) => wait(x); let v = 1; const o = { m(x) { return eval("this.k + wait(x)"); }, k: "k" };
        const made = new Function("wait", "f", "return [wait(1), f(2), [3].map((x) => f(x)), new (class { constructor() { this.v = wait(4); } })().v]");
        eval("v = local(2)");
        return [v, eval("helper(1) + local(2) + [1, 2].map((x) => local(x)).join()"), eval("(x) => wait(x)")(5), made(wait, local), o.m(3), made.length, (0, eval)("(f) => f(6)")(local), eval("arguments.length"), eval("(function* () { yield local(7); })().next().value")];
      }`,
  "iterators, spread and loops": `
      const it = (n) => ({ [Symbol.iterator]() { let i = 0; wait("iter"); return { next: () => ({ done: wait(i) >= n, value: wait(i++) }), return() { __ENV.trace(wait("return")); return {}; } }; } });
      export default function () {
        const out = []; for (const x of it(3)) { if (x === 1) continue; out.push(x); if (x === 2) break; }
        outer: for (const x of it(2)) for (const y of it(2)) { if (y) continue outer; out.push([x, y]); }
        for (const k in { [wait("k1")]: 1, get [wait("k2")]() { return 1; } }) out.push(wait(k));
        for (let i = wait(0), n = wait(2); i < wait(n); i += wait(1)) out.push(() => i);
        const [a, , b = wait("d")] = it(2); let c = wait(null); c ??= wait("n"); c &&= wait("and"); 
        switch (wait(2)) { case wait(1): out.push("1"); case wait(2): out.push("2"); default: out.push("d"); case wait(3): out.push("3"); break; case wait(4): out.push("4"); }
        return [...out.map((x) => typeof x === "function" ? x() : x), ...it(2), a, b, c, Math.max(...it(3)), new Map(it(0)).size, wait(1) ? wait(2) : wait(3), (wait(1), wait(2)), typeof wait(1), void wait(1), !wait(0), delete { x: wait(1) }.x];
      }`,
  "finally with return":
    `function f() { try { return wait(1); } finally { return wait(2); } } function g() { for (;;) try { throw wait(1); } catch (e) { return e; } finally { break; } return wait("g"); }
      class A { constructor() { try { return wait({ a: 1 }); } finally { wait(2); } } get f() { try { throw wait(1); } finally { return wait(3); } } }
      export default function () { l: try { break l; } finally { wait(1); } return [f(), g(), new A(), A.prototype.f]; }`,
  "functions everywhere": `
      const box = { list: [(x) => wait(x)], map: new Map([["f", function (x) { return [this === box.map, wait(x)]; }]]), deep: { get f() { return function () { return [this === box.deep, wait(1)]; }; } } };
      function even(n) { return n === 0 ? wait(true) : odd(n - 1); } function odd(n) { return n === 0 ? wait(false) : even(n - 1); }
      function Ctor() { this.f = () => wait(this.z); this.z = 9; } const weak = new WeakMap([[box, (x) => wait(x)]]);
      export default function () {
        const bound = box.list[0].bind(null, 3); const { f } = new Ctor(); const fs = [bound, f, weak.get(box)]; const key = Symbol("k"); const o = { [key]: (x) => wait(x) };
        return [box.list[0](1), box.map.get("f").call(box.map, 2), bound(), f(), box.deep.f(), even(5), fs.map((g) => g(8)), fs.at(-1)(7), o[key](6), [..."ab"].map(box.list[0]), (wait(0) ? null : box.list[0])(5), [2, 1].sort(bound), Object.entries({ a: f }).map(([k, g]) => k + g()), (() => arguments.length)()];
      }`,
  "what the outside sees of a function": `
      function f(a, b = 1) { return wait(a); } class C { m(a) { return wait(a); } static s() { return wait(1); } get g() { return wait(1); } constructor(a, b) { wait(a); } }
      const arrow = (a, b) => wait(a), o = { m() { return wait(1); } };
      export default function () { wait(0); return [f.name, f.length, typeof f, arrow.name, arrow.length, C.prototype.m.name, C.prototype.m.length, C.length, C.name, o.m.name, "prototype" in arrow, "prototype" in f, f.prototype.constructor === f, "prototype" in o.m, Object.keys(C.prototype), Object.getOwnPropertyNames(C.prototype), Reflect.ownKeys(f).map(String).sort(), JSON.stringify({ f }), f instanceof Function, f.constructor === Function, Object.getOwnPropertyDescriptor(C.prototype, "m").enumerable]; }`,
};

for (const [name, source] of Object.entries(cases)) {
  Deno.test(`blocking like plain: ${name}`, async () => {
    const { trace, result } = await runCompiled(source);
    assertEquals({ trace, result }, runPlain(source));
  });
}
