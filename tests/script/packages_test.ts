import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { host, instantiate, load } from "./harness.ts";

const installed: Record<string, string> = {
  "node_modules/esm/package.json":
    '{"name":"esm","exports":{".":{"require":"./c.cjs","import":"./m.js"},"./sub/*":"./lib/*.js"}}',
  "node_modules/esm/m.js": "export { default } from './inner'; export const kind = 'import';",
  "node_modules/esm/inner.js": "import dep from 'dep'; export default dep;",
  "node_modules/esm/c.cjs": "exports.kind = 'require';",
  "node_modules/esm/lib/a.js": "export const a = 'sub a';",
  "node_modules/dep/package.json": '{"name":"dep","version":"2.1.0","main":"./lib"}',
  "node_modules/dep/lib/index.js": "const d = require('./data'); module.exports = d.x + require('../other');",
  "node_modules/dep/lib/data.json": '{"x":"dep"}',
  "node_modules/dep/other.js": "module.exports = '!';",
  "node_modules/@sc/ope/package.json": '{"name":"@sc/ope","module":"m.js","main":"c.js","imports":{"#in":"./in.js"}}',
  "node_modules/@sc/ope/m.js": "export { own } from '#in'; export default 'module';",
  "node_modules/@sc/ope/in.js": "export const own = 'own';",
  "node_modules/@sc/ope/c.js": "module.exports = 'main';",
  "node_modules/node-only/package.json": '{"name":"node-only","main":"i.js"}',
  "node_modules/node-only/i.js": "let fs; try { fs = require('fs'); } catch (e) { fs = 'none'; } module.exports = fs;",
};

async function resultOf(source: string): Promise<unknown> {
  return instantiate(await load({ "deep/er/s.js": source, ...installed }), host([])).r;
}

const cases: Record<string, { source: string; result: unknown }> = {
  "exports by condition": {
    source:
      "import d, { kind } from 'esm'; const { kind: required } = require('esm'); export const r = [kind, required, d];",
    result: ["import", "require", "dep!"],
  },
  "subpaths and patterns": {
    source: "import { a } from 'esm/sub/a'; import d from 'dep/lib/data'; export const r = [a, d.x];",
    result: ["sub a", "dep"],
  },
  "scoped names, module and main, #imports": {
    source: "import m, { own } from '@sc/ope'; const c = require('@sc/ope'); export const r = [m, c, own];",
    result: ["module", "main", "own"],
  },
  "npm: names, with and without a version": {
    source:
      "import a from 'npm:dep'; import b from 'npm:dep@2'; import { a as c } from 'npm:esm@^1.0.0/sub/a'; export const r = [a, b, c];",
    result: ["dep!", "dep!", "sub a"],
  },
  "an optional module of Node.js": { source: "import f from 'node-only'; export const r = f;", result: "none" },
};

for (const [name, { source, result }] of Object.entries(cases)) {
  Deno.test(`packages: ${name}`, async () => assertEquals(await resultOf(source), result));
}

Deno.test("packages: what a package does not export is an error with its place", async () => {
  const error = await assertRejects(() => resultOf("import x from 'esm/hidden.js'; x;")) as Error;
  assertMatch(error.message, /^The module "esm\/hidden.js" can't be resolved: .*\n {4}at .*s\.js:1:15/);
});
