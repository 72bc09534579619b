import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { onBlockedThread } from "../../src/script/blocking_twin.ts";
import { host, instantiate, load, run, start } from "./harness.ts";

async function stackOf(files: Record<string, string>): Promise<string> {
  const exports = instantiate(await load(files), host([]));
  try {
    run(exports);
  } catch (error) {
    return (error as Error).stack!;
  }
  throw new Error("the script did not throw");
}

Deno.test("a stack shows the author's lines and columns through types and rewriting", async () => {
  const stack = await stackOf({
    "s.ts": [
      "import http from 'k6/http';",
      "import { deep } from './lib.js';",
      "class A { m(x: number) { return http.get(1) + deep(x); } }",
      "export default function (): void {",
      "  const a: A = new A(), o = { a };",
      "  [1].map((x) => http.get(x) && o.a.m(x));",
      "}",
    ].join("\n"),
    "lib.js":
      "import http from 'k6/http';\nexport const deep = (x) => http.get(x) && oops(http.get(x));\nfunction oops(x) {\n  http.get(x); throw new TypeError('bad');\n}",
  });
  assertEquals(stack.split("\n\tat "), [
    "TypeError: bad",
    "oops (file:///test/lib.js:4:22)",
    "deep (file:///test/lib.js:2:43)",
    "m (file:///test/s.ts:3:47)",
    "file:///test/s.ts:6:37",
    "default (file:///test/s.ts:6:7)",
  ]);
});

Deno.test("an error in the init stage has its place", async () => {
  const program = await load({ "s.js": "\n  throw new Error('init');" });
  const error = assertThrows(() => instantiate(program, host([]))) as Error;
  assertEquals(error.stack, "Error: init\n\tat file:///test/s.js:2:9");
});

Deno.test("dropping a coroutine runs no finally and no catch", async () => {
  const trace: unknown[] = [];
  const program = await load({
    "s.js":
      "import { wait } from 'k6/test'; export default function () { try { wait(1); __ENV.trace('on'); wait(2); } catch { __ENV.trace('catch'); } finally { __ENV.trace('finally'); } }",
  });
  const coroutine = start(instantiate(program, host(trace)));
  coroutine.next();
  coroutine.next();
  assertEquals(trace, ["on"]);
});

Deno.test("functions that cannot suspend stay byte for byte", async () => {
  const pure = [
    "function add(a, b) { return a + b; }",
    "const mul = (a, b = 2) => a * b;",
    "class P { x = 1; sum(o) { return add(this.x, o.x) + Math.max(1, 2); } get y() { return JSON.stringify(this); } }",
    "const table = [1, 2].map((v) => add(v, mul(v)));",
    "function each(list, f) { return list.map((item) => f(item)); }",
    "const res = each([1], (v) => v + 1);",
  ];
  const program = await load({
    "s.js": `import http from 'k6/http';\n${
      pure.join("\n")
    }\nexport default function () { http.get(add(1, new P().sum({ x: mul(2) }))); }`,
  });
  const lines = program.modules[0]!.code.split("\n");
  assertEquals(lines.slice(1, 1 + pure.length), pure);
});

/** Where a call makes its whole thread wait, what it is and why. */
const blockingSites: Record<string, { source: string; site: RegExp }> = {
  "a constructor": {
    source: "class A {\n  constructor() { new.target; this.r = hit(1); } }\nexport default () => { hit(0); new A(); }",
    site: /^file:\/\/\/test\/s\.js:3:40 hit\(\) inside a constructor$/,
  },
  "a construction by native code": {
    source: "class A { constructor() { hit(1); } } export default () => { hit(0); Reflect.construct(A, []); }",
    site: /:2:78 new A\(\) in a constructor that it did not see called$/,
  },
  "super()": {
    source:
      "class A { constructor() { hit(1); } } class B extends A { f; constructor() { super(); } } export default () => new B();",
    site: /:2:78 new A\(\) inside a constructor$/,
  },
  "a field": {
    source: "class A { r = hit(1); } export default () => { hit(0); new A(); }",
    site: /:2:15 hit\(\) in the initial value of a field$/,
  },
  "a static block": {
    source: "export default () => { hit(0); class A { static { hit(1); } } }",
    site: /:2:51 hit\(\) in a static field or block$/,
  },
  "a comparator": {
    source: "export default () => { hit(0);\n [2, 1].sort((a, b) => hit(a) - hit(b)); }",
    site: /:3:9 a function in a callback of Array\.sort\(\)$/,
  },
  "a getter": {
    source: "const o = { get g() { return hit(1); } }; export default () => { hit(0); return o.g; }",
    site: /:2:30 hit\(\) inside a getter or setter$/,
  },
  "a generator": {
    source: "function* g() { yield hit(1); } export default () => { hit(0);\n return Array.from(g()); }",
    site: /:3:15 a generator in a callback of Array\.from\(\)$/,
  },
  "a parameter's default": {
    source: "const f = (x = hit(1), y = () => x) => hit(y()); export default () => f();",
    site: /:2:16 hit\(\) where JavaScript itself makes the call/,
  },
  "a default of a method that a method calls": {
    source: "class A { m(x = hit(1), y = () => x) { hit(y()); } n() { this.m(); } } export default () => new A().n();",
    site: /:2:17 hit\(\) where JavaScript itself makes the call/,
  },
  "a built-in called plainly": {
    source: "class A { constructor() { new.target; http.get(1); } } export default () => { hit(0); new A(); }",
    site: /:2:44 http\.get\(\) inside a constructor$/,
  },
};

for (const [name, { source, site }] of Object.entries(blockingSites)) {
  Deno.test(`a blocking call in ${name} blocks the thread, and the author is told where and why`, async () => {
    const reported = new Set<string>();
    onBlockedThread(({ position, what, through }) => reported.add(`${position} ${what} ${through}`));
    try {
      const program = await load({ "s.js": `import http from 'k6/http'; const hit = (x) => http.get(x);\n${source}` });
      run(instantiate(program, host([])));
      assertEquals(reported.size, 1);
      assertMatch([...reported][0]!, site);
    } finally {
      onBlockedThread(undefined);
    }
  });
}
