import { assertEquals, assertGreater } from "@std/assert";
import { runCompiled, runPlain } from "./harness.ts";

/** Scripts as data: what they trace and return must be what plain JavaScript makes of them. `t` traces, `wait` blocks. */
const cases: Record<string, string> = {
  "a function declaration": `function f(a, b = 2, ...c) { return wait(a) + b + c.length; }
    export default function () { return [f(1), f(1, 5, 6, 7), f.name, f.length, typeof f]; }`,
  "a function that is called before its declaration":
    `export default function () { return f(); function f() { return wait(1); } }`,
  "a function expression and its own name":
    `const f = function g(n) { return n > 0 ? wait(n) + g(n - 1) + (typeof g).length : 0; };
    export default function () { return [f(3), f.name, f.length]; }`,
  "arrows with and without a body":
    `const a = (x) => wait(x) + 1; const b = x => { return a(x) * 2; }; const c = (x) => ({ x: wait(x) });
    export default () => [a(1), b(2), c(3), a.name, b.length];`,
  "closures keep their variables": `function counter() { let n = 0; return () => { n += wait(1); return n; }; }
    export default function () { const a = counter(), b = counter(); return [a(), a(), b(), a()]; }`,
  "loops with break, continue and labels": `export default function () { const out = [];
      outer: for (let i = 0; i < 5; i++) { for (const j of [1, 2, 3]) { if (wait(j) === 2) continue outer; if (i === wait(3)) break outer; out.push(i * 10 + j); } }
      let n = 3; while (wait(n) > 0) n--; do { n++; } while (wait(n) < 2); for (const k in { a: 1, b: 2 }) out.push(wait(k));
      return [out, n]; }`,
  "loop variables are captured per iteration":
    `export default function () { const fs = []; for (let i = 0; i < 3; i++) fs.push(() => wait(i)); return fs.map((f) => f()); }`,
  "conditions and logical operators":
    `const no = () => { __ENV.trace("no"); return wait(false); }; const yes = () => { __ENV.trace("yes"); return wait(true); };
    export default function () { return [no() && yes(), yes() || no(), null ?? wait(3), yes() ? wait(1) : wait(2), !wait(0)]; }`,
  "logical assignment evaluates only when needed":
    `export default function () { const o = { a: 1 }; o.a ||= wait(2); o.b ??= wait(3); o.a &&= wait(4); let x; x ??= wait(5); return [o, x]; }`,
  "try, catch and finally with return":
    `function f(n) { try { __ENV.trace("try"); if (wait(n) === 1) return "returned"; if (n === 2) throw wait(new Error("thrown")); return "end"; }
      catch (e) { __ENV.trace(e.message); return wait("caught"); } finally { __ENV.trace(wait("finally")); if (n === 3) return "overridden"; } }
    export default function () { return [f(1), f(2), f(3), f(4)]; }`,
  "a rejected operation is thrown where it was called":
    `export default function () { try { wait(new TypeError("refused")); } catch (e) { return e.name + e.message; } }`,
  "an exception leaves through the callers":
    `function a() { wait(1); throw new RangeError("deep"); } function b() { try { a(); } finally { __ENV.trace("left"); } } export default function () { b(); }`,
  "switch":
    `export default function () { const out = []; for (const x of [1, 2, 3]) switch (wait(x)) { case wait(1): out.push("one"); case 2: out.push(wait("two")); break; default: out.push("other"); function h() { return wait(9); } out.push(h()); } return out; }`,
  "recursion":
    `function fib(n) { return n < 2 ? wait(n) : fib(n - 1) + fib(n - 2); } export default function () { return fib(8); }`,
  "mutual recursion":
    `const even = (n) => n === 0 ? wait(true) : odd(n - 1); const odd = (n) => n === 0 ? false : even(n - 1); export default () => [even(4), odd(4)];`,
  "array methods": `export default function () { const n = (x) => Number(wait(x)); const a = [3, 1, 2];
      return [a.map(n), a.filter((x) => n(x) > 1), a.reduce((s, x) => s + n(x), 1), a.reduceRight((s, x) => s + n(x), ""), a.some((x) => n(x) === 1), a.every((x) => n(x) > 1),
        a.find((x) => n(x) < 3), a.findIndex((x) => n(x) === 2), a.findLast((x) => n(x) < 3), a.findLastIndex((x) => n(x) === 3), a.flatMap((x) => [n(x), [x]]), Array.from({ length: 2 }, (_, i) => n(i)), Array.from("ab", (c) => wait(c))]; }`,
  "array methods over holes, with thisArg and all arguments":
    `export default function () { const a = [1, , 3]; const seen = [];
      a.forEach(function (x, i, all) { seen.push(wait(x), i, all === a, this.k); }, { k: 7 }); return [seen, a.map((x) => wait(x)), 1 in a.map((x) => wait(x)), a.find((x) => wait(x) === undefined)]; }`,
  "array methods that are misused":
    `export default function () { const f = () => wait(1); try { [].reduce((a, b) => wait(a)); } catch (e) { __ENV.trace(e.name); } try { [1].map(wait(3)); } catch (e) { __ENV.trace(e.name); } return f(); }`,
  "Map and Set":
    `export default function () { const out = []; new Map([["a", 1], ["b", 2]]).forEach((v, k) => out.push(wait(v), k)); new Set([5, 6]).forEach((v) => out.push(wait(v))); return out; }`,
  "typed arrays and Reflect.apply":
    `export default function () { const n = (x) => wait(x) + 1; const a = Uint8Array.from([1, 2, 3], n); return [a, a.map(n), a.filter((x) => n(x) > 3), a.reduce((s, x) => s + n(x), 0), a.find((x) => n(x) === 4), Reflect.apply(n, null, [5])]; }`,
  "declarations of one name":
    `export default function () { function f() { return wait(1); } function f() { return 2; } class A { m() { return wait(1); } m() { return 3; } } const o = { m() { return wait(1); }, m: () => 4 }; const g = [f]; return [wait(0), f(), g[0](), new A().m(), o.m()]; }`,
  "destructuring and defaults":
    `const get = () => wait({ a: 1, b: { c: [2, 3] } }); export default function () { const { a, b: { c: [x, y = 9, z = wait(8)] }, d = wait(7), ...rest } = get(); let p, q; [p, q = wait(5)] = [wait(4)]; return [a, x, y, z, d, rest, p, q]; }`,
  "functions that come out of destructuring":
    `const api = { go: (x) => wait(x), list: [(x) => wait(x + 1)] }; export default function () { const { go, list: [next] } = api; return [go(1), next(1)]; }`,
  "spread":
    `const f = (...a) => wait(a.length); export default function () { return [f(...[1, 2], wait(3), ...wait([4])), [...wait([1]), 2], { ...wait({ a: 1 }), b: wait(2) }]; }`,
  "template literals": "export default function () { return `${wait(1)}-${wait('b')}${`${wait(3)}`}`; }",
  "tagged templates that do not block":
    "const tag = (s, ...v) => s.raw.join('|') + v.join(); export default function () { return tag`a${wait(1)}b${wait(2)}`; }",
  "tagged templates that block": `
      const seen = []; const same = (s) => (seen.push(s), seen[0] === s);
      function tag(strings, ...values) { __ENV.trace([...strings.raw, ...values]); return wait(values.length) + values.join(); }
      const arrow = (s, ...v) => wait(s[0] + v);
      const o = { p: "p", m(s, v) { return this.p + wait(s.raw[0]) + v; }, n: { f: tag } };
      class A { #q(s) { return wait(s[0]) + this.z; } z = 1; q() { return [this.#q\`x\`, [1].map(() => this.#q\`y\`), [2, 1].sort(() => this.#q\`z\`)]; }
        m(s, v) { return this.z + wait(v); } }
      class B extends A { m(s, v) { return super.m\`a\${v}b\` + "B"; } }
      const tags = [tag];
      const once = (s) => same(s) && wait(s.length);
      export default function () {
        const local = (s) => { wait(1); return (...more) => wait(s[0] + more.length); };
        const each = []; for (let i = 0; i < 2; i++) each.push(once\`s\`);
        return [tag\`a\${wait(1)}b\${2}\\n\`, arrow /* ( */
          \`x\${tag\`in\${wait(3)}\`}\`, o.m\`m\${1}\`, o.n.f\`f\`, o["m"]\`c\${2}\`, new B().q(), new B().m\`\${5}\`, tags[0]\`t\`,
          local\`l\`(1, 2), (0, tag)\`0\`, tag\`\`.length?.toFixed(1), (wait(0), o).m\`r\${9}\`, each, wait\`plain\`[0]];
      }`,
  "a tag that is no function":
    `export default function () { const o = { x: 1 }; const out = []; for (const f of [() => o.x\`\${wait(1)}\`, () => o.y\`a\`]) try { f(); } catch (e) { out.push(e.message); } return out; }`,
  "optional chaining":
    `const o = { f: (x) => wait(x), n: null, deep: { g(x) { return this === o.deep ? wait(x) : "lost"; } } }; const key = "g";
    export default function () { return [o?.f(1), o.n?.f(wait(2)), o.f?.(3), o.missing?.(wait(4)), o.deep?.g(5), o.deep.g?.(6), o?.deep?.g?.(7), o.n?.deep.g(8).x.y(), o.deep?.[key](9), o.deep[key]?.(10), (o.n)?.f(1), o?.f(11).toString().length, o.none?.().x]; }`,
  "optional chaining on what calls return":
    `const make = (x) => ({ x, next: (y) => wait(make(y)) }); export default function () { return [make(1)?.next(2)?.next(3).x, make(1).next(2).next(3)?.x, wait(null)?.next(1).next(2)]; }`,
  "comma, delete, void, typeof":
    `const o = { m: () => wait(1) }; export default function () { return [(o.m(), wait(2)), void o.m(), typeof o.m(), delete wait(o).m, Object.keys(o)]; }`,
  "operands are evaluated from left to right":
    `let s = 1; const bump = (n) => { s += n; return wait(n); }; export default function () { s += bump(10); const a = s; s = bump(10) + s; const arr = []; let i = 0; arr[i++] = wait(20 + i); arr[i++] = wait(30 + i); let x = 5; return [a, s, arr, i, x + (x = wait(1)) + x, 2 ** wait(3) - -wait(1)]; }`,
  "a callee is read before the arguments":
    `export default function () { let f = (x) => wait(x); const o = { f, g: { h: f } }; const out = [f((f = null, 1)), o.f((o.f = null, 2)), o.g.h((o.g = null, 3))]; return out; }`,
  "what is not a function":
    `export default function () { const out = []; const o = { f: 1, ok: () => wait(1) }; let u; for (const f of [() => o.f(wait(1)), () => o.nothing(wait(2)), () => u(wait(3)), () => u.x(wait(4)), () => o[wait("k")](), () => o.ok.deep.er(wait(1))]) try { f(); } catch (e) { out.push(e.name, e.message.replace("(intermediate value)", "o")); } return out; }`,
  "methods, static methods and inheritance":
    `class A { constructor(n) { this.n = n; } get(x) { return wait(this.n) + x; } static make(n) { return wait(new this(n)); } } class B extends A { get(x) { return super.get(x) * 2; } both() { return [this.get(1), super.get(1)]; } }
    export default function () { const b = B.make(4); return [b.get(1), b.both(), b instanceof B, Object.keys(b), B.prototype.hasOwnProperty("get"), A.prototype.get.name, A.prototype.get.length, A.make.name, Object.getOwnPropertyNames(B.prototype)]; }`,
  "private methods":
    `class A { #v = 3; #m(x) { return wait(this.#v + x); } static #s(x) { return wait(x); } m(x) { return this.#m(x); } f() { return [1, 2].map(this.#m, this); } static s() { return A.#s(5); } o() { return this?.#m(9); } } export default function () { const a = new A(); return [a.m(1), a.f(), A.s(), a.o()]; }`,
  "class fields":
    `class A { f = (x) => wait(this.k + x); k = 2; g = function () { return wait(this.k); }; } export default function () { const a = new A(); const { f } = a; return [a.f(1), f(2), a.g()]; }`,
  "getters that call pure code":
    `const half = (x) => x / 2; const o = { get h() { return half(8); }, m() { return wait(this.h); } }; export default function () { return o.m() + o.h; }`,
  "object methods and computed keys":
    `const k = "x"; const o = { v: 1, m() { return wait(this.v); }, [k](a) { return wait(a); }, "a b": function () { return wait(3); }, n: () => wait(4) }; export default function () { return [o.m(), o.x(2), o["a b"](), o.n(), o.m.name, o["a b"].name, Object.keys(o)]; }`,
  "super in object methods":
    `const base = { m() { return "base"; } }; const o = { __proto__: base, m() { return super.m() + "!"; }, n() { return wait(this.m()); } }; export default function () { return o.n(); }`,
  "this, arguments and super in arrows":
    `class A { v = 1; m(x) { return wait(x); } } class B extends A { m(x) { const f = () => super.m(this.v + arguments.length + x); const g = () => [0].map(() => f() + super["m"](arguments[0])); return g(); } } function i() { const f = () => ({ arguments, n: wait(1) }); return f().arguments.length; } function h() { return [1, 2].map((x) => wait(arguments[0] + x)); } export default function () { return [new B().m(5), h(10), i(1, 2, 3)]; }`,
  "call, apply and bind":
    `function f(a, b) { return wait(this.k + a + b); } export default function () { const o = { k: 1 }; const g = f.bind(o, 2); return [f.call(o, 1, 2), f.apply(o, [3, 4]), g(5), f.bind(o)(1, 1), g.name, g.length]; }`,
  "functions that copy, inherit from or stand before another": `
      const inner = (x) => wait("inner" + x); const log = (x) => __ENV.trace(String(x));
      const wrapped = Object.assign((x) => { log("wrapped"); return inner(x) + "!"; }, inner, { extra: 1 });
      function proto() { return wait("proto"); } const heir = Object.setPrototypeOf(function () { return "heir"; }, proto);
      const guarded = new Proxy(inner, { apply: (t, s, a) => "guarded " + t(...a), get: (t, k) => (log(k), t[k]) });
      const o = { wrapped, heir, guarded, inner };
      export default function () { return [o.wrapped(1), o.heir(), o.guarded(2), o.inner(3), o["guarded"](4), Object.getOwnPropertySymbols(o.inner), Object.keys({ ...o.inner }), ["wrapped", "heir", "guarded"].map((k) => o[k](5))]; }`,
  "functions in data structures":
    `const m = new Map([["a", (x) => wait(x)]]); const a = [(x) => wait(x + 1)]; const o = {}; o["dyn" + 1] = (x) => wait(x + 2); export default function () { return [m.get("a")(1), a[0](1), o.dyn1(1), Object.values(o)[0](5), [...m.values()].map((f) => f(7)), a.pop()(2)]; }`,
  "functions through parameters and results":
    `const twice = (f) => (x) => f(f(x)); const inc = (x) => wait(x + 1); function apply(f, ...args) { return f(...args); } export default function () { return [twice(inc)(1), apply(inc, 4), apply(twice, inc)(0), ((f) => f(1))((x) => wait(x))]; }`,
  "immediately invoked functions":
    `export default function () { return [(() => wait(1))(), (function () { return wait(2); })(), (function me(n) { return n ? wait(n) + me(n - 1) : 0; })(3)]; }`,
  "statements without semicolons": `export default function () {
      let a = 1
      wait(2)
      const b = a
      wait([3]).push(4)
      let c = b
      ;[1].map((x) => wait(x))
      if (a) wait(1)
      else wait(2)
      return a + b + c
    }`,
  "comments and line breaks inside calls": `export default function () { return wait /* ( */ (
        1 // )
      ) + [1,
        2]
        // comment (
        .map /* x */ ((x) => wait(x))
        ?.length; }`,
  "arrows whose body begins on the next line": `const f = (a,
      b) =>
        wait(a + b); export default () => f(1, 2);`,
  "strict mode and undefined this":
    `function f() { return [this === undefined, wait(1)]; } const o = { f }; export default function () { return [f(), o.f()[0], (0, o.f)(), typeof this]; }`,
  "shadowed names":
    `export default function () { const r = []; { const wait = (x) => "local " + x; r.push(wait(1)); } r.push(wait(2)); const f = (wait) => wait(3); r.push(f((x) => "param " + x)); return r; }`,
  "a var that repeats a parameter":
    `function f(g) { var g; return g(1); } export default function () { return f((x) => wait(x)); }`,
  "reassigned functions":
    `let f = (x) => x; function g(x) { return x; } export default function () { const a = f(1); f = (x) => wait(x + 1); g = (x) => wait(x + 2); return [a, f(1), g(1)]; }`,
  "directives stay first":
    `export default function () { "use strict"; const f = (x) => { 'use asm-like'; return wait(x); }; return [1].map(f); }`,
  "a generator that does not block":
    `function* g() { yield 1; yield 2; } export default function () { const out = []; for (const x of g()) out.push(wait(x)); return out; }`,
  "plain callers of functions that turn out not to block":
    `const maybe = (x) => x > 100 ? wait(x) : x; export default function () { wait(0); return [[3, 1, 2].sort((a, b) => maybe(a) - maybe(b)), "abc".replace(/b/, (m) => maybe(m) + "!"), JSON.stringify({ toJSON: () => maybe(1) })]; }`,
  "constructors that block": `
      class Session { #secret = 1; count = [].length; constructor(name, { deep = "d" } = {}, ...rest) { this.before = this.#secret; this.name = wait(name + deep); this.all = [1, 2].map((x) => wait(x + arguments.length)); if (rest.length) return { rest, r: wait(rest) }; } get s() { return this.#secret + this.name; } m() { return wait(this.name); } }
      class Page { constructor() { const inner = new Session("inner"); this.inner = inner.m(); this.text = super.toString(); } }
      const Anonymous = class { v = "v"; constructor() { this.v += wait(1) } }, Self = class Me { constructor(n) { this.n = wait(n); if (n) this.next = new Me(n - 1) } };
      class Throws { constructor() { try { wait(new TypeError("in")); } catch (e) { this.m = e.message; } finally { __ENV.trace("finally"); } throw wait(new RangeError("out")); } }
      class Primitive { constructor() { this.a = 1; return wait(5); } } class Nothing { constructor() { return void wait(1); } }
      export default function () {
        const a = new Session("a"), b = new Session("b", { deep: 1 }, "x", "y"), p = new Page, out = [];
        try { new Throws(wait(1)); } catch (e) { out.push(e.name, e.message); }
        new Session("statement")
        ;[0].map(() => out.push(new Session("arrow", undefined).name));
        return JSON.stringify([a, a.s, a instanceof Session, a.constructor === Session, b, p, new Anonymous(), new Anonymous, new Self(2), out, new Primitive(), new Nothing() instanceof Nothing, Session.length, Session.name, Object.getOwnPropertyNames(Session.prototype), new Session("m").m(), (new Session("q")).name?.length, new (class { constructor(x) { this.x = wait(x); } })(3).x, Reflect.construct(Session, ["r"]).name]);
      }`,
  "base classes whose constructors block": `
      const log = (x) => (__ENV.trace(String(x)), x);
      class Base { own = log("field"); constructor(path, n = 1) { log("base"); this.path = wait(path); this.n = n; this.hook?.(); } }
      class Empty extends Base {} class Deep extends Empty { static s = 1; m() { return super.constructor.name; } }
      class Thin extends Base { constructor(p) { super(p + "!", 2); log("thin"); this.after = this.path; } hook() { log("hook " + this.after); } }
      class Thick extends Thin { constructor(...a) { super(...a); log("thick" + wait(1)); } } class Also extends Thick { constructor(x,) { super(x,); this.z = wait(x);} }
      class Fields extends Base { f = log("f" + this.path); constructor() { super("fields"); this.g = wait(this.f); } } class OverFields extends Fields { constructor() { super(); this.h = wait("h"); } }
      class Private extends Base { #p() { return this.path; } hook() { log(this.#p()); } } class Accessor extends Base { get path() { return this.q; } set path(v) { this.q = wait(v); } }
      class Other extends Base { constructor() { super(); return { other: wait(1) }; } } class OverOther extends Other { constructor() { super(); this.over = true; } } class None extends Other {}
      class Fails extends Base { constructor() { super(wait(new Error("x"))); } } class FailsLater extends Base { constructor(e) { super(e); log("never"); } }
      const Mixin = (K) => class extends K { mixed() { return wait(this.path); } }; class Mixed extends Mixin(Base) {} const Values = [Empty, Thin, class extends Empty {}];
      export default function () {
        const out = [new Empty("e"), new Deep("d"), new Deep("d").m(), new Thin("t"), new Thick("k"), new Also("a"), new Fields(), new OverFields(), new Accessor("acc"), new Other(), new OverOther(), new None(), new Mixed("m").mixed(), Values.map((K) => new K("v")),
          new Deep() instanceof Deep, new Deep().constructor.name, Reflect.construct(Empty, ["r"], Thin).constructor.name, Object.getPrototypeOf(new Empty("x")) === Empty.prototype];
        for (const f of [() => new Private("p"), () => new Fails(), () => new FailsLater(new RangeError("r")), () => new Empty(new TypeError("e"))]) try { f(); } catch (e) { out.push(e.name + e.message); }
        return JSON.stringify(out);
      }`,
  "classes that are met as values": `
      class A { constructor(v) { this.v = wait(v); } } const ns = { A, make: { Deep: class { constructor() { this.d = wait("d"); } } } }; const map = new Map([["k", A]]);
      class Holder { Page = A; static S = A; make(v) { return new this.Page(v); } #p = A; own() { return new this.#p(1); } } function factory(K, ...a) { return new K(...a); } const pick = () => A;
      export default function () {
        const out = [new ns.A(1), new ns.make.Deep, new (map.get("k"))(2), new Holder().make(3), new Holder.S(4), new Holder().own(), factory(A, 5), factory(Array, 3).length, new (pick())(6), [A].map((K) => new K(7)), new ns["A"](...[8]), new (wait(A))(9)];
        for (const f of [() => new ns.none(), () => new ns.make(), () => new (() => 1)(), () => new pick(), () => factory(wait), () => A(1)]) try { f(); } catch (e) { out.push(e.name); }
        return JSON.stringify(out);
      }`,
  "constructors of derived classes that block": `
      class Base { field = "bf"; constructor(a) { this.a = a; this.seen = this.describe?.(); } }
      class One extends Base { own = this.a + "own"; constructor(a, b = "b", { c, d: [d] = [1] } = {}) { super(a + "!"); this.b = wait(b); const f = () => wait(this.a + c); this.f = f(); this.d = d; } describe() { return "d"; } }
      class Two extends One { constructor() { super("two"); this.t = wait(super.describe() + "2"); this.z = (() => super.describe() + wait("z"))(); } }
      class Three extends Two { x = 1; } class Four extends Three { constructor(...a) { super(...a); wait(a); } }
      class Early extends Base { constructor() { const x = wait("early"); super(x); this.y = wait("y"); } }
      class Twice extends Base { constructor(a) { super(a);{ const z = wait(1); this.z = z; } } }
      class Again extends Base { constructor() { super(1); try { super(2); } catch (e) { this.e = wait(e.name); } } }
      class Returns extends Base { constructor(v) { super(0);return wait(v); } }
      class Blocks extends Session { constructor() { super("s");(() => wait(1))(); this.u = [wait("u")]; } } function Session(n) { this.n = wait(n); }
      class Before extends Base { constructor(f) { super((() => wait(7))()); this.w = wait(f.a = 2); } }
      export default function () {
        const out = []; for (const v of [{ r: 1 }, undefined, 5]) try { out.push(new Returns(v)); } catch (e) { out.push(e.name); }
        return JSON.stringify([new One(1), new One(1, 2, { c: 3, d: [4] }), new One(), new Two(), new Three(), new Four(1), new Early(), new Twice(1), new Again(), out, new Blocks(), new Before({}), Reflect.construct(One, ["r"], Two) instanceof Two, One.length, new One("x") instanceof Base, Object.getOwnPropertyNames(One.prototype)]);
      }`,
  "constructors that do not block":
    `class A { constructor(f) { this.v = f(2); } } function F(x) { this.x = maybe(x); } const maybe = (x) => x > 100 ? wait(x) : x; export default function () { wait(1); return [new A(maybe).v, new F(3).x, new F(1) instanceof F]; }`,
  "a function whose parameter defaults to a call of itself":
    `function f(a = f(2)) { return wait(a); } export default function () { return [f(), f(1)]; }`,
  "what is not a function, by way of Reflect, of a bundler's call":
    `const o = { f: 1 }; export default function () { const out = [wait(1)]; for (const f of [() => (0, o.f)(wait(1)), () => Reflect.apply(o.f, o, [wait(1)])]) try { f(); } catch (e) { out.push(e.message); } return out; }`,
};

for (const [name, source] of Object.entries(cases)) {
  Deno.test(`suspended like plain: ${name}`, async () => {
    const expected = runPlain(source);
    const { trace, result, suspensions } = await runCompiled(source);
    assertEquals({ trace, result }, expected);
    assertGreater(suspensions, 0);
  });
}

Deno.test("a module has no `arguments` of its own, not those of the compiled form either", async () => {
  const { result } = await runCompiled(
    `const f = () => arguments.length; let g; try { f(); } catch (e) { g = e.message; } export default () => [wait(g), typeof arguments];`,
  );
  assertEquals(result, { returned: ["arguments is not defined", "undefined"] });
});
