import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { onBlockedThread } from "../../src/script/blocking_twin.ts";
import { LoadedProgram } from "../../src/script/instantiate.ts";
import { host, instantiate, load, run } from "./harness.ts";

async function exportsOf(files: Record<string, string>, trace: unknown[] = []): Promise<Record<string, unknown>> {
  return instantiate(await load(files), host(trace));
}

Deno.test("a CommonJS script: exports, strict mode, await and async as names, return at the top", async () => {
  const exports = await exportsOf({
    "s.js": `const http = require('k6/http'), { sleep } = require('k6');
      var await = 'plain'; var async = (x) => x;
      exports.a = [await, async(1), typeof module, typeof require, this === exports];
      exports.default = function (a) { a = http.get(4); sleep(1); let strict; try { undeclared = 1 } catch (e) { strict = e.name } return [a, strict, typeof this]; };
      return; exports.never = 1;`,
  });
  assertEquals(exports.a, ["plain", 1, "object", "function", true]);
  assertEquals(exports.never, undefined);
  assertEquals(run(exports), [4, "ReferenceError", "undefined"]);
});

Deno.test("the default of a built-in module suspends, whatever leads to it", async () => {
  const ways = {
    "require('k6/http').default": "const http = require('k6/http').default; exports.default = () => http.get(1);",
    "what TypeScript writes": "const http_1 = require('k6/http'); exports.default = () => http_1.default.get(1);",
    "a namespace's default": "import * as h from 'k6/http'; const http = h.default; export default () => http.get(1);",
  };
  const plain = host([]);
  const builtin = (specifier: string) => ({ ...plain.builtin(specifier), default: plain.builtin(specifier) });
  const blocked: string[] = [];
  onBlockedThread(({ position }) => blocked.push(position));
  try {
    for (const [way, source] of Object.entries(ways)) {
      assertEquals(run(instantiate(await load({ "s.js": source }), { ...plain, builtin })), 1, way);
      assertEquals(blocked, [], way);
    }
  } finally {
    onBlockedThread(undefined);
  }
});

Deno.test("module.exports is one function, one object, or whatever it is made", async () => {
  assertEquals(run(await exportsOf({ "s.js": "module.exports = () => 1;" })), 1);
  const { r } = await exportsOf({
    "s.js": "exports.r = [require('./f.js')(2), require('./n.cjs'), require('./f.js') === require('./f.js')];",
    "f.js": "module.exports = (x) => x * 2;",
    "n.cjs": "module.exports = null;",
  });
  assertEquals(r, [4, null, true]);
});

Deno.test("require runs a module when it is reached, once, and only then", async () => {
  const trace: unknown[] = [];
  await exportsOf({
    "s.js":
      "__ENV.trace('s'); if (__VU === 1) { require('./a.js'); require('./a.js'); } else require('./b.js'); module.exports = {};",
    "a.js": "__ENV.trace('a');",
    "b.js": "__ENV.trace('b');",
  }, trace);
  assertEquals(trace, ["s", "a"]);
});

Deno.test("what require cannot find is an error where it is reached", async () => {
  const files = {
    "s.js":
      "exports.r = []; for (const f of [() => require('./no.js'), () => require('fs'), () => require('./bad.js'), () => require('x' + __VU), () => require('')]) try { f() } catch (e) { exports.r.push(e.message.split('\\n')[0]) }",
    "bad.js": "let x = ;",
    "x.js": "",
  };
  const { r } = await exportsOf(files) as { r: string[] };
  const expected = [
    /^The module ".\/no.js" couldn't be found on local disk/,
    /^The moduleSpecifier "fs" couldn't be recognised/,
    /^SyntaxError: Unexpected token/,
    /^require\("x1"\) can't be followed/,
    /^require\(\) can't be used with an empty specifier/,
  ];
  assertEquals(r.length, expected.length);
  expected.forEach((pattern, index) => assertMatch(r[index]!, pattern));
});

Deno.test("specifiers put together at run time lead to files of a folder that is spelled out", async () => {
  const exports = await exportsOf({
    "s.js":
      "const name = ['a', 'b'][__VU]; exports.r = [require(`./data/${name}.js`), require('./data/' + name + '.json').x, require('k6/' + 'te' + 'st') === require('k6/test')]; try { require(`./data/${name}.broken`) } catch (e) { exports.e = e.message }",
    "data/a.js": "module.exports = 'a';",
    "data/b.js": "module.exports = 'b';",
    "data/b.json": '{"x":"json"}',
    "data/b.broken": "let",
  });
  assertEquals(exports.r, ["b", "json", true]);
  assertMatch(String(exports.e), /^SyntaxError: /);
});

Deno.test("require is for the init stage", async () => {
  const exports = await exportsOf({ "s.js": "exports.default = () => require('./a.js');", "a.js": "" });
  assertMatch(
    (assertThrows(() => run(exports)) as Error).message,
    /^the "require" function is only available in the init stage/,
  );
});

Deno.test("CommonJS modules of a cycle see what the other has exported so far", async () => {
  const exports = await exportsOf({
    "s.js": "exports.r = require('./a.js').seen;",
    "a.js": "exports.early = 1; const b = require('./b.js'); exports.seen = [b.seen, b.late()]; exports.late = 2;",
    "b.js": "const a = require('./a.js'); exports.seen = [a.early, a.late]; exports.late = () => a.early;",
  });
  assertEquals(exports.r, [[1, undefined], 1]);
});

Deno.test("ES modules import CommonJS: default, names, namespace, transpiled code, re-exports", async () => {
  const exports = await exportsOf({
    "s.js":
      `import whole, { a, hit } from './c.cjs'; import * as ns from './c.cjs'; import t, { named } from './t.js'; export { a as again } from './c.cjs'; export * from './c.cjs'; import { b } from './re.js';
      export const r = [whole.a, a, Object.keys(ns), ns.default === whole, t, named, b, Object.prototype.toString.call(ns)]; export default () => hit(3);`,
    "c.cjs":
      "const { wait } = require('k6/test'); exports.a = 1; exports.b = 2; module.exports.hit = function (x) { return wait(x); };",
    "t.js":
      "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'd'; exports.named = 'n';",
    "re.js": "export * from './c.cjs';",
  });
  assertEquals(exports.r, [1, 1, ["a", "b", "default", "hit"], true, "d", "n", 2, "[object Module]"]);
  assertEquals([exports.again, exports.b], [1, 2]);
  assertEquals(run(exports), 3);
});

Deno.test("CommonJS requires ES modules and JSON", async () => {
  const exports = await exportsOf({
    "s.js":
      "const e = require('./e.js'); const j = require('./d.json'); e.inc(); exports.r = [e.default, e.n, e.__esModule, Object.keys(e), j.x, j === require('./d.json')]; exports.default = () => e.hit(5);",
    "e.js":
      "import { wait } from 'k6/test'; export default 'd'; export let n = 0; export const inc = () => n++; export const hit = (x) => wait(x);",
    "d.json": '{"x": [1]}',
  });
  assertEquals(exports.r, ["d", 1, true, ["default", "hit", "inc", "n"], [1], true]);
  assertEquals(run(exports), 5);
});

Deno.test("an ES module may call require, but has no module and no exports", async () => {
  const exports = await exportsOf({
    "s.js":
      "import './a.js'; export const r = [require('./c.js').x, typeof module, typeof exports]; export let e; try { module.exports = 1 } catch (error) { e = error.message }",
    "a.js": "export {}",
    "c.js": "exports.x = 1;",
  });
  assertEquals(exports.r, [1, "undefined", "undefined"]);
  assertMatch(String(exports.e), /^module is not defined: this file is an ES module/);
});

Deno.test("a name that CommonJS does not export is an error when it has run", async () => {
  const program = await load({ "s.js": "import { no } from './c.cjs'; no;", "c.cjs": "exports.x = 1" });
  assertEquals(
    (assertThrows(() => instantiate(program, host([]))) as Error).message,
    "The requested module './c.cjs' does not provide an export named 'no'",
  );
});

Deno.test("TypeScript's own forms of CommonJS", async () => {
  const exports = await exportsOf({
    "s.ts":
      "import f = require('./f.cts'); import http = require('k6/http'); export = { r: f(1), default: () => http.get(2) };",
    "f.cts": "function f(x: number): number { return x + 1; } namespace f { export type T = number; } export = f;",
  });
  assertEquals(exports.r, 2);
  assertEquals(run(exports), 2);
});

Deno.test("virtual users have CommonJS modules of their own", async () => {
  const loaded = new LoadedProgram(
    await load({ "s.js": "const s = require('./s2.js'); exports.r = ++s.n;", "s2.js": "exports.n = 0;" }),
  );
  assertEquals(["r", "r"].map((name) => instantiate(loaded, host([]))[name]), [1, 1]);
});

Deno.test("a script that is neither language is told as an ES module", async () => {
  const error = await assertRejects(() => load({ "s.js": "import x from './x.js'; return 1;" })) as Error;
  assertMatch(error.message, /^SyntaxError: 'return' outside of function/);
});
