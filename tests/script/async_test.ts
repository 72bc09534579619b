import { assertEquals } from "@std/assert";
import { runAsyncCompiled, runAsyncPlainly } from "./async_harness.ts";

/** Programs that must do the same compiled as V8 does with them. `t` traces, `wait` blocks and returns its argument. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "an async function runs at once, and goes on after the code that called it": `
    async function f(n) { t("in", n); await null; t("after", n); return wait(n); }
    export default async function () { const a = f(1), b = f(2); t("both"); return [await b, await a]; }`,
  "await takes as many turns as in V8": `
    const ticks = async (name, n) => { for (let i = 0; i < n; i++) { await null; t(name, i); } };
    export default async function () {
      ticks("a", 5);
      (async () => { await (async () => { t("inner"); })(); t("inner awaited"); })();
      (async () => { await { then(r) { t("thenable"); r(1); } }; t("thenable awaited"); })();
      (async () => { return Promise.resolve(1); })().then(() => t("returned promise"));
      (async () => { return await Promise.resolve(1); })().then(() => t("returned await"));
      new Promise((r) => r(Promise.resolve())).then(() => t("resolved with a promise"));
      await ticks("b", 4);
    }`,
  "await stands in every position of an expression": `
    const o = { a: { b: (x) => x + 1 }, k: "m", m(x) { return [this === o, x]; } };
    const p = (v) => Promise.resolve(v);
    export default async function () {
      let x = 1;
      x += await p(2);
      const { y = await p(3), ...rest } = await p({ z: 4 });
      const [first, second = await p("d")] = await p(["f"]);
      t(x, y, rest, first, second, \`\${await p("t")}-\${await p(1) + await p(2)}\`, (await p(o)).a.b(await p(6)));
      t(o[await p("k")], await o[await p("m")](await p(7)), [...await p([1, 2]), await p(3)], { [await p("q")]: await p(8) });
      t(await p(0) || await p("or"), await p(null) ?? await p("nullish"), await p(1) ? await p("then") : await p("else"));
      t(typeof await p(1), !await p(0), -await p(2), (await p(1), await p(2)), new (await p(Array))(await p(3)).length);
      if (await p(true)) t("if"); else t("else");
      switch (await p(2)) { case await p(1): t("one"); break; case await p(2): t("two"); }
      for (let i = await p(0); i < await p(2); i += await p(1)) t("for", i);
      for (const k in await p({ a: 1, b: 2 })) t("in", k, await p(k));
      for (const v of await p([1, 2])) t("of", await p(v));
      let n = 2;
      while (await p(n--)) t("while", n);
      do { t("do", n); } while (await p(++n < 1));
      outer: for (const i of [1, 2, 3]) { for (const j of [1, 2]) { if (await p(i) === 2) continue outer; if (await p(i) === 3) break outer; t(i, j); } }
      o.late ??= await p("set"); t(o.late, o?.a?.b(await p(1)), o.none?.(await p(1)));
      class C { [await p("computed")]() { return 1; } static s = 2 }
      t(new C().computed());
      return await p("end");
    }`,
  "try, catch and finally around await": `
    const no = (m) => Promise.reject(new Error(m));
    async function f(how) {
      try { t("try"); if (how === "throw") await no("thrown"); if (how === "return") return await wait("returned"); t("passed"); }
      catch (e) { t("caught", e.message); if (how === "throw") throw await Promise.resolve(new Error("again")); }
      finally { t("finally", await wait("f")); if (how === "override") return "overridden"; }
      return "end";
    }
    export default async function () {
      const out = [];
      for (const how of ["none", "throw", "return", "override"]) out.push(await f(how).catch((e) => e.message));
      return out;
    }`,
  "methods, static, private, with computed names, super and accessors beside them": `
    const key = "computed";
    class A { async who(x) { return "A" + wait(x); } static async make() { return new this(); } }
    class B extends A {
      #n = 1
      async #secret(x) { const v = wait(x); await null; return v + this.#n; }
      static async #hidden(x) { await null; return "hidden" + wait(x); }
      async who(x) { return "B" + await super.who(x) + (await (async () => super.who("arrow"))()); }
      async viaArrow() { const f = async (...a) => [this.#n, arguments.length, a.length, await this.#secret(a[0])]; return f(5, 6); }
      async [key](x) { return [x, await super.who(x)]; }
      async "quoted name"() { return this.#secret(40); }
      static async open() { return [await this.#hidden(1), await super.make() instanceof B]; }
      plain() { return this.#secret(7); }
      get promise() { return (async () => this.#n)(); }
      field = async () => this.#n
      async afterField() { return "after"; }
    }
    const o = {
      async m(a, b = 2) { return [this === o, a, b, arguments.length]; },
      async [key + 2](x) { return wait(x); },
      async get() { return "get"; }, async async() { return "async"; }, async *gen() { yield 1; },
      __proto__: { async up() { return "up"; } }, async sup() { return super.up(); },
    };
    export default async function () {
      const b = await B.make();
      t(await b.who(1), await b.viaArrow(1, 2, 3), await b.computed(9), await b["quoted name"](), await B.open());
      t(await b.plain(), await b.promise, await b.field(), await b.afterField());
      t(await o.m(1), await o.computed2("c"), await o.get(), await o.async(), await o.sup());
      t(o.m.name, o.m.length, o[key + 2].name, B.prototype[key].name, B.make.name, b.who.length, b.field.name);
    }`,
  "what an async function is": `
    async function declared(a, b = 1, ...c) {}
    const arrow = async (x) => x, expression = async function named() { return typeof named; };
    const kind = (f) => [Object.prototype.toString.call(f), f.name, f.length, typeof f, f.constructor.name, f instanceof Function];
    export default async function () {
      t(kind(declared), kind(arrow), kind(expression), kind(async function () {}), kind(async () => {}));
      t(await expression(), declared() instanceof Promise, Object.prototype.toString.call(declared()));
      t("prototype" in arrow, "prototype" in expression);
      try { new arrow(); } catch (e) { t(e.constructor.name); }
      t(kind(async function* g() {}), Object.prototype.toString.call((async function* () {})()));
      const it = (async function* () {})();
      t(typeof it.constructor, it.constructor.constructor.name, it.constructor === Object.getPrototypeOf(async function* () {}));
    }`,
  "parameters: defaults, patterns, errors in them, arguments": `
    const bad = () => { throw new Error("default"); };
    async function f(a, { b = wait("b"), c } = {}, [d] = [1], ...rest) { return [a, b, c, d, rest, arguments.length]; }
    async function g(x = bad()) { return x; }
    const h = async (x = bad()) => x;
    export default async function () {
      t(await f(1), await f(1, { b: 2, c: 3 }, [4], 5, 6));
      const p = g(); t("called"); p.catch((e) => t("g", e.message));
      h().catch((e) => t("h", e.message));
      await g(1); await h(2);
    }`,
  "combinators and subclasses": `
    class X extends Promise { static get [Symbol.species]() { return Promise; } tag() { return "X"; } }
    class Y extends Promise {}
    const fail = (v) => Promise.reject(v);
    export default async function () {
      t(await Promise.all([1, Promise.resolve(2), { then(r) { r(3); } }]), await Promise.allSettled([1, fail("no")]));
      t(await Promise.any([fail(1), 2]), await Promise.race([new Promise(() => {}), 3]));
      try { await Promise.any([fail(1), fail(2)]); } catch (e) { t(e.constructor.name, e.errors, e.message); }
      try { await Promise.all([1, fail(new Error("all"))]); } catch (e) { t(e.message); }
      t(await Promise.all([]), await Promise.allSettled([]), new X((r) => r(1)).tag(), X.resolve(1) instanceof X);
      t(X.resolve(1).then(() => {}) instanceof X, Y.resolve(1).then(() => {}) instanceof Y, Y.all([]) instanceof Y);
      const { promise, resolve, reject } = Promise.withResolvers();
      resolve(wait("with")); reject(1); t(await promise, resolve.length, resolve.name === "");
      t(await Promise.try((a) => a + 1, 1), await Promise.try(() => { throw "thrown"; }).catch((e) => e));
      t(await Promise.resolve(1).finally(() => wait(2)), await fail(3).finally(() => 4).catch((e) => e));
      t(await fail(1).finally(() => { throw 2; }).catch((e) => e), Promise.name, Promise.length, Promise.prototype.then.length);
      try { await Promise.all(5); } catch (e) { t(e instanceof TypeError); }
      try { Promise(); } catch (e) { t(e instanceof TypeError); }
      try { new Promise(); } catch (e) { t(e instanceof TypeError, e.message); }
      const self = Promise.resolve().then(() => self); try { await self; } catch (e) { t(e.message); }
      t(String(Promise.resolve()), Object.keys(Promise.resolve()), JSON.stringify(Promise.resolve()));
    }`,
  "rejections that nobody handles, or late": `
    export default async function () {
      Promise.reject(new Error("lost"));
      const late = Promise.reject(new Error("late")); await null; late.catch(() => {});
      (async () => { throw new Error("from async"); })();
      Promise.reject(1).then(() => {}).catch(() => {});
    }`,
  "blocking calls keep their place among the reactions": `
    const block = (v) => { t("before", v); wait(v); t("after", v); return v; };
    export default function () {
      Promise.resolve(1).then((v) => block("a")).then((v) => t("then", v));
      Promise.resolve(2).then((v) => t("second"));
      (async () => { block("start"); await null; block("resumed"); })();
      [1, 2].forEach((n) => { Promise.resolve(n).then((v) => block("each" + v)); block("loop" + n); });
      ({ then(r) { block("thenable"); r(9); } });
      Promise.resolve({ then(r) { block("thenable"); r(9); } }).then((v) => t("got", v));
      Promise.resolve().finally(() => block("finally")).then(() => t("finally done"));
      t("end");
    }`,
  "declarations in blocks, switches and before themselves": `
    export default async function () {
      t(await early(), typeof inBlock);
      { t(await inBlock()); async function inBlock() { return "block"; } }
      switch (1) { case 1: t(await inCase()); async function inCase() { "use strict"; return wait("case"); } }
      async function early() { return "early"; }
      async function twice() { return 1; } 
      async function twice() { return 2; }
      t(await twice());
      const handlers = { early, async twice() { return 3; } };
      for (const name in handlers) t(name, await handlers[name]());
      const tag = async (strings, ...values) => [strings.raw.join(), ...values];
      t(await tag\`a\${await "b"}c\${wait("d")}\`);
      async function* walk(a = 1, ...rest) { yield this.v + a; yield* rest; yield arguments.length; }
      for await (const v of walk.call({ v: 1 }, 2, 3, 4)) t(v);
      async function recursive(n) { return n === 0 ? 0 : n + await recursive(n - 1); }
      t(await recursive(50));
      const bound = recursive.bind(null, 3); t(await bound(), await recursive.call(null, 2), await Reflect.apply(recursive, null, [1]));
      t(await [1, 2].reduce(async (sum, x) => (await sum) + wait(x), 0));
    }`,
  "this, super, arguments and new.target of async arrows": `
    class A { get up() { return "up"; } set up(v) { t("set", v, this.n); } static sup() { return "static " + this.n; } }
    class B extends A {
      static n = "S"; n = "I";
      static field = async () => [this.n, super.sup()];
      field = async () => [this.n, super.up, super["u" + "p"]];
      method() { return (async (x) => (async () => [this.n, super.up, arguments[0], x])())("inner"); }
      async write() { await (async () => { super.up = 1; super["u" + "p"] = await 2; super.other ??= 3; super.other += 4; super.other++; t(super.none?.(1), super.toString?.().length, super.toString().length); })(); return this.other; }
      async inline() { const f = async () => { return [super.up, arguments.length]; }; return f(1, 2, 3); }
      constructor() { super(); this.made = (async () => [new.target === B, new.target.name])(); }
    }
    function F() { return (async () => (async () => new.target)())(); }
    export default async function () {
      const b = new B();
      t(await B.field(), await b.field(), await b.method("outer"), await b.inline("x", "y"), await b.made, await F(), await b.write());
    }`,
  "executors that block": `
    export default async function () {
      const p = new Promise((resolve) => { t("executes", wait(1)); Promise.resolve().then(() => t("not yet")); resolve(wait(2)); t("resolved"); });
      t("made", p instanceof Promise, await p);
      t(await new Promise((_, reject) => { wait(1); reject("no"); }).catch((e) => e), await new Promise(() => { throw wait("thrown"); }).catch((e) => e));
      t(await new (class extends Promise {})((resolve) => resolve(wait(3))));
    }`,
  "async generators: values, return, throw, delegation, queued requests": `
    async function* count(n) { try { for (let i = 0; i < n; i++) { const got = yield i; t("got", got); } return await null, "end"; } finally { t("closed", await null); } }
    async function* outer() { const r = yield* count(2); t("inner gave", r); yield* [Promise.resolve("p"), "q"]; yield* (function* () { yield "sync"; })(); }
    class Numbers { async *[Symbol.asyncIterator]() { yield 1; yield Promise.resolve(2); } static async *s() { yield "s"; } async *#p() { yield wait("p"); } all() { return this.#p(); } }
    export default async function () {
      const it = count(3);
      t(await Promise.all([it.next("a"), it.next("b"), it.return("r"), it.next("late")]));
      const again = count(3); t(await again.next()); t(await again.throw(new Error("in")).catch((e) => e.message), await again.next());
      for await (const v of outer()) t("value", v);
      for await (const v of new Numbers()) t(v);
      for await (const v of Numbers.s()) t(v);
      for await (const v of new Numbers().all()) t(v);
      const d = outer(); await d.next(); t(await d.return("early"), await d.next());
      const e = outer(); await e.next(); t(await e.throw("x").catch((e) => e));
      const f = count(1); t(await f.return(Promise.resolve("unstarted")), await f.throw("done").catch((e) => e));
      async function* bad(x = (() => { throw "param"; })()) {} try { bad(); } catch (e) { t(e); }
      t(Object.prototype.toString.call(it), it[Symbol.asyncIterator]() === it, it instanceof count);
    }`,
  "for await: breaking, continuing, labels, errors, sync iterables, closing": `
    const source = (n, fail) => ({ i: 0, [Symbol.asyncIterator]() { return this; },
      next() { t("next", this.i); if (fail === this.i) return Promise.reject(new Error("source")); return Promise.resolve({ done: this.i >= n, value: this.i++ }); },
      async return() { t("return"); await null; return {}; } });
    export default async function () {
      for await (const v of source(3)) { if (v === 1) continue; t("v", v); }
      for await (const v of source(5)) { if (v === 1) break; t("v", v); }
      outer: for (const a of [1, 2]) for await (const v of source(3)) { if (v === 1) continue outer; t(a, v); }
      label: for await (const v of source(3)) { for (const w of [1, 2]) { if (w === 2) continue label; t(v, w); } }
      await (async () => { for await (const v of source(3)) return v; })().then((v) => t("returned", v));
      try { for await (const v of source(3)) throw new Error("body"); } catch (e) { t(e.message); }
      try { for await (const v of source(3, 1)) t(v); } catch (e) { t(e.message); }
      let x; const fs = [];
      for await (x of [1, Promise.resolve(2)]) t("x", x);
      for await (const { a = await Promise.resolve("da"), b: [c] } of [{ b: [1] }, { a: 2, b: [3] }]) { t(a, c); fs.push(() => a); }
      for await (const v of [3]) for await (const w of [await v, v + 1]) t(v, w);
      t(fs.map((f) => f()));
      if (x) for await (const v of ["one line"]) t(v);
      try { for await (const v of 5) t(v); } catch (e) { t(e instanceof TypeError); }
      try { for await (const v of [Promise.reject("r")]) t(v); } catch (e) { t(e); }
    }`,
  "top-level await": `
    const first = await Promise.resolve(1);
    let late = 0; await null; late = 2;
    for await (const v of [3]) late += v;
    export default function () { return [first, late]; }`,
  "statements that begin with await after one without a semicolon": `
    export default async function () {
      const a = 1
      await null
      const f = async () => 2
      await f()
      t(a)
      return a
    }`,
  "async arrows in every place": `
    const id = async x => x, obj = async () => ({ a: 1 }), nested = async a => async b => a + await b;
    const /* c */ commented = async /* d */ (x) /* e */ => /* f */ x;
    class D extends (class {}) { constructor() { const f = async () => this.v; super(); this.v = 5; this.p = f(); } }
    export default async function () {
      t(await id(1), await obj(), await (await nested(1))(2), await commented(3), await new D().p, await Promise.all([1, 2].map(async (x) => x * 2)));
      t(await (async (a, b = a) => [a, b])(1), await (async ({ a }) => a)({ a: 4 }), await (async () => arguments.length)());
    }`,
};

for (const [name, body] of Object.entries(PROGRAMS)) {
  Deno.test(`as V8 does it: ${name}`, async () => {
    const source = `const t = (...values) => __ENV.trace(values);${body}`;
    assertEquals(await runAsyncCompiled(source), await runAsyncPlainly(source));
  });
}
