import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { LoadedProgram } from "../../src/script/instantiate.ts";
import { loadProgram } from "../../src/script/load.ts";
import { ScriptError } from "../../src/script/program.ts";
import { host, instantiate, load, run } from "./harness.ts";

async function messageOf(files: Record<string, string>): Promise<string> {
  const error = await assertRejects(() => load(files), ScriptError) as Error;
  return error.message;
}

async function evaluate(
  files: Record<string, string>,
): Promise<{ exports: Record<string, unknown>; trace: unknown[] }> {
  const trace: unknown[] = [];
  return { exports: instantiate(await load(files), host(trace)), trace };
}

const READS_PAGES: Record<string, boolean> = {
  "res.html().find('a')": true,
  "res\n  ?.html?.('a')": true,
  "res['html']()": true,
  "const { html } = res": true,
  "res.submitForm()": true,
  "const { clickLink: click } = res": true,
  "http.get('/index.html')": false,
  "params = { headers: { accept: 'text/html,application/xhtml+xml' } }": false,
  "res.json()": false,
};

for (const [text, expected] of Object.entries(READS_PAGES)) {
  Deno.test(`a script that says ${JSON.stringify(text)} ${expected ? "may read" : "reads no"} pages`, async () => {
    const program = await load({ "s.js": "import './m.js';", "m.js": `let res, http, params;\n() => { ${text} };` });
    assertEquals(program.readsPages, expected);
  });
}

const errors: Record<string, { files: Record<string, string>; message: RegExp }> = {
  "a syntax error": {
    files: { "s.js": "export default function () {\n  let x = ;\n}" },
    message:
      /^SyntaxError: Unexpected token\n {4}at file:\/\/\/test\/s\.js:2:11\n.*\n {2}2 \| {3}let x = ;\n {4}\| {11}\^$/,
  },
  "a syntax error in TypeScript": {
    files: { "s.ts": "const a: number = 1;\nlet x: string = ;\n" },
    message: /^SyntaxError: Expression expected\n {4}at file:\/\/\/test\/s\.ts:2:17\n/,
  },
  "a decorator": {
    files: { "s.ts": "let a: number = 1;\n  @d class E {}\n" },
    message: /^k6d cannot run decorators\n {4}at file:\/\/\/test\/s\.ts:2:3\n/,
  },
  "JSX": {
    files: { "s.tsx": "\nconst a = <div className='x'/>;\n" },
    message: /^SyntaxError: Expected.*k6d reads no JSX.*\n {4}at file:\/\/\/test\/s\.tsx:2:16\n/,
  },
  "a name that a transformed TypeScript module lacks": {
    files: { "s.ts": "enum E { A }\n\nimport { b } from './m.js'; b;", "m.js": "export const a = 1;" },
    message: /^The requested module '.\/m.js' does not provide an export named 'b'\n {4}at .*s\.ts:3:10\n/,
  },
  "a missing import": {
    files: { "s.js": "import k6 from 'k6';\nimport x from './no.js';" },
    message:
      /^The module ".\/no.js" couldn't be found on local disk \(\/test\/no.js\)\n {4}at file:\/\/\/test\/s\.js:2:15\n/,
  },
  "a package that is not installed": {
    files: { "s.js": "import _ from 'lodash';" },
    message:
      /^The moduleSpecifier "lodash" couldn't be recognised as something k6 supports, and no node_modules folder from here upward has a package "lodash"; to install it: npm install lodash\n {4}at .*s\.js:1:15/,
  },
  "an npm: specifier that is not installed": {
    files: { "s.js": "import _ from 'npm:@scope/a@4/x.js';" },
    message: /^The package "@scope\/a" is not installed: .*npm install @scope\/a@4\n {4}at .*s\.js:1:15/,
  },
  "plain http": {
    files: { "s.js": "import _ from 'http://a.test/x.js';" },
    message:
      /^The moduleSpecifier "http:.*" has the scheme "http"; only "file" and "https" are supported\n {4}at .*s\.js:1:15/,
  },
  "a module of Node.js": {
    files: { "s.js": "import fs from 'node:fs';" },
    message: /^"node:fs" is a module of Node\.js, which scripts don't have\n {4}at .*s\.js:1:16/,
  },
  "broken JSON": {
    files: { "s.js": "import d from './d.json';", "d.json": '{\n "a": x }' },
    message: /^SyntaxError: Unexpected token 'x'.*\n {4}at file:\/\/\/test\/d\.json:/,
  },
  "an unknown type": {
    files: { "s.js": "import d from './d.css' with { type: 'css' };", "d.css": "" },
    message: /^An import can't have the type "css"; k6d knows "json" and "text"\n {4}at .*s\.js:1:15/,
  },
  "an unknown k6 module": {
    files: { "s.js": "import x from 'k6/browser';" },
    message:
      /^k6d has no module "k6\/browser" \(yet\); it has k6, k6\/http, k6\/execution, k6\/test\n {4}at .*s\.js:1:15/,
  },
  "a module that k6 has removed": {
    files: { "s.js": "import x from 'k6/experimental/timers';" },
    message: /^k6 has removed the module "k6\/experimental\/timers"; use "k6\/timers".*\n {4}at .*s\.js:1:15/,
  },
  "a name that a module lacks": {
    files: { "s.js": "import { a,\n  b } from './m.js';", "m.js": "export const a = 1;" },
    message: /^The requested module '.\/m.js' does not provide an export named 'b'\n {4}at .*s\.js:2:3/,
  },
};

for (const [name, { files, message }] of Object.entries(errors)) {
  Deno.test(`refused with its place: ${name}`, async () => assertMatch(await messageOf(files), message));
}

Deno.test("a script that is missing or a directory is named", async () => {
  const missing = await assertRejects(
    () => loadProgram({ path: "no/such.js" }, { cwd: "/test" }),
    ScriptError,
  ) as Error;
  assertEquals(missing.message, `The script "no/such.js" couldn't be found on local disk (/test/no/such.js)`);
  const directory = await assertRejects(() => loadProgram({ path: "." }), ScriptError) as Error;
  assertStringIncludes(directory.message, "is a directory");
});

Deno.test("a script from standard input imports from the working directory and may be TypeScript", async () => {
  const program = await loadProgram({ stdin: "import { a } from './a.js'; export const n: number = a;" }, {
    cwd: "/test dir",
    readTextFile: (path) => Promise.resolve(path === "/test dir/a.js" ? "export const a = 3" : ""),
  });
  assertEquals(instantiate(program, host([])).n, 3);
  assertEquals(program.modules.map(({ url }) => url), ["file:///test%20dir/a.js", "file:///-"]);
});

Deno.test("every form of import and export", async () => {
  const { exports } = await evaluate({
    "main.js":
      `import dflt, { a as x, inc, count } from './m.js'; import * as ns from './m.js'; import k6http, { url, nothing } from 'k6/http'; import * as http from 'k6/http';
      export { a as renamed, default as other } from './m.js'; export * from './stars.js'; export * as whole from './stars.js'; export { x as local };
      export class K {} export let live = 1; export const { p, q: [r] } = { p: 1, q: [2] };
      inc(); live = 2;
      export const seen = [dflt(), x, count, ns.count, Object.keys(ns), typeof url, typeof nothing, Object.prototype.toString.call(ns), k6http === http, import.meta.url, import.meta.resolve('./z')];
      export default class {}`,
    "m.js": "export const a = 1; export let count = 0; export function inc() { count++; } export default () => 'd';",
    "stars.js": "export const star = '*'; export default 0; export { a as deep } from './m.js';",
  });
  assertEquals(Object.keys(exports), [
    "K",
    "deep",
    "default",
    "live",
    "local",
    "other",
    "p",
    "r",
    "renamed",
    "seen",
    "star",
    "whole",
  ]);
  assertEquals(exports.seen, [
    "d",
    1,
    1,
    1,
    ["a", "count", "default", "inc"],
    "function",
    "undefined",
    "[object Module]",
    true,
    "file:///test/main.js",
    "file:///test/z",
  ]);
  assertEquals(
    [exports.live, exports.local, exports.deep, exports.renamed, (exports.default as { name: string }).name],
    [2, 1, 1, 1, "default"],
  );
});

Deno.test("data files: JSON with and without its type, text, a copy for each virtual user", async () => {
  const program = await load({
    "s.js":
      `import a from './d.json'; import b from './d.json' with { type: 'json' }; import text from './d.json' with { type: 'text' }; import css from './x.css' with { type: 'text' }; import * as ns from './d.json';
      a.list.push(a.list.length); export const r = [a === b, a.list, text, css, Object.keys(ns)];`,
    "d.json": '{"list":[]}\n',
    "x.css": "a { b: `${c}` }",
  });
  const loaded = new LoadedProgram(program);
  const expected = [true, [0], '{"list":[]}\n', "a { b: `${c}` }", ["default"]];
  assertEquals([instantiate(loaded, host([])).r, instantiate(loaded, host([])).r], [expected, expected]);
});

Deno.test("modules of a cycle see each other's functions and live bindings", async () => {
  const { exports } = await evaluate({
    "main.js": "import { even } from './even.js'; export const r = [even(4), even(3)];",
    "even.js":
      "import { odd, n } from './odd.js'; export function even(x) { return x === 0 || odd(x - 1); } export const seen = n;",
    "odd.js":
      "import { even } from './even.js'; export function odd(x) { return x !== 0 && even(x - 1); } export const n = odd(1) ? 1 : 2;",
  });
  assertEquals(exports.r, [true, false]);
});

Deno.test("blocking helpers work across modules", async () => {
  const { exports } = await evaluate({
    "main.ts":
      `import { Options } from 'k6/options'; import type { X } from './types.ts'; import api, { hit, Client } from './api.ts'; import * as lib from './api.ts';
      export const options: Options = {}; export default function (): unknown { return [hit(1), api.go(2), new Client('c').get(3), lib.hit(4), lib.late(5), lib.default.go(7), lib.whole.default(8), group('g', () => hit(6))]; } import { group } from 'k6';`,
    "api.ts":
      `import http from 'k6/http'; export const hit = (n: number) => http.get(n); export default { go(n: number) { return hit(n); } };
      export class Client { constructor(public_: string) { this.base = public_; } base: string; get(x: number) { return this.base + http.get(x); } } export { late } from './late.js'; export * as whole from './late.js';`,
    "late.js":
      "import { wait } from 'k6/test'; export let late = (x) => x; late = (x) => wait(x * 2); export default (x) => late(x) + 1;",
  });
  assertEquals(run(exports), [1, 2, "c3", 4, 10, 7, 17, 6]);
});

Deno.test("each virtual user has its own module state and global object", async () => {
  const program = await load({
    "s.js":
      "import { wait } from 'k6/test'; let n = 0; globalThis.g = (globalThis.g ?? 0) + 1; export default function () { n++; global.h = wait(n); return [n, g, h, typeof nope, globalThis === global, typeof g]; }",
  });
  const loaded = new LoadedProgram(program);
  const a = instantiate(loaded, host([])), b = instantiate(loaded, host([]));
  assertEquals(run(a), [1, 1, 1, "undefined", true, "number"]);
  assertEquals(run(a), [2, 1, 2, "undefined", true, "number"]);
  assertEquals(run(b), [1, 1, 1, "undefined", true, "number"]);
  assertEquals("g" in globalThis, false);
});

Deno.test("__ITER is unknown in the init stage", async () => {
  const program = await load({
    "s.js":
      "export const type = typeof __ITER; export let name; try { __ITER; } catch (e) { name = e.name + ': ' + e.message; } export const vu = { __VU };",
  });
  const exports = instantiate(program, {
    builtin: () => ({}),
    globals: { __VU: 0, __ITER: undefined, __ENV: {} },
  });
  assertEquals([exports.type, exports.name, exports.vu], ["undefined", "ReferenceError: __ITER is not defined", {
    __VU: 0,
  }]);
});

Deno.test("what blocks is known by its module: exec.test.abort, blocking functions that travel", async () => {
  const program = await load({
    "s.js": `import exec from 'k6/execution'; import http from 'k6/http'; import { sleep as nap } from 'k6';
function stop() { exec.test.abort(); }
function viaObject(client) { client.get(1); }
const { post } = http;
export default function () { stop(); viaObject(http); post(1); nap(1); [nap].forEach((f) => f(1)); http['g' + 'et'](2); }`,
  });
  const [, stop, viaObject, , main] = program.modules[0]!.code.split("\n");
  assertStringIncludes(stop!, "yield*$k.invoke(($kT0=exec.test).abort,");
  assertStringIncludes(viaObject!, "yield*$k.invoke(client.get,client,");
  assertEquals(main!.match(/yield\*/g)?.length, 7);
});
