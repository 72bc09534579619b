/** What a script may be made of, end to end: modules, TypeScript, files, data, variables. */

import { assertEquals, assertMatch } from "@std/assert";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

Deno.test("modules and open() are relative to the file they stand in", async () => {
  const result = await runSuccessfully({
    files: {
      "tests/main.js": `import { words, answer } from "./lib/words.js";
import * as up from "../shared/up.js";
const bytes = new Uint8Array(open("./bytes.bin", "b"));
export default function () {
  console.log(words.join(","), answer(), up.default, [...bytes].join(","), bytes.length);
}`,
      "tests/lib/words.js": `export const words = open("data/words.txt").trim().split("\\n");
export { answer } from "./answer.js";`,
      "tests/lib/answer.js": "export const answer = () => 42;",
      "tests/lib/data/words.txt": "ä\nb\n",
      "tests/bytes.bin": Uint8Array.of(0, 255, 128, 10),
      "shared/up.js": 'export default "up";',
    },
    args: ["run", "--quiet", "tests/main.js"],
  });
  assertEquals(consoleMessages(result), ["ä,b 42 up 0,255,128,10 4"]);
});

Deno.test("TypeScript runs as it is, with the author's lines in errors", async () => {
  const result = await runSuccessfully({
    files: {
      "main.ts": `import type { Item } from "./item.ts";
import { Color, price } from "./item.ts";
export const options: { iterations: number } = { iterations: 1 };
interface Named { name: string }
function describe<T extends Named>(thing: T, extra?: number): string {
  return \`\${thing.name as string} \${extra!}\`;
}
export default function (): void {
  const item: Item = { name: "pen" };
  console.log(describe<Item>(item, 2) satisfies string, price(item), Color.Red);
  const nothing: Item | undefined = undefined;
  console.log(nothing!.name);
}`,
      "item.ts": `export interface Item { name: string }
export const Color = { Red: "red" } as const;
export const price = (item: Item): number => item.name.length;`,
    },
    args: ["run", "--quiet", "main.ts"],
  });
  assertEquals(consoleMessages(result), ["pen 2 3 red"]);
  assertMatch(result.stderr, /TypeError: .*main\.ts:12:24/);
});

Deno.test("a script from standard input imports and opens relative to the working directory", async () => {
  const result = await runSuccessfully({
    files: { "lib.js": 'export const name = "lib";', "data.txt": "data" },
    stdin: `import { name } from "./lib.js";
const data = open("./data.txt");
export default function () { console.log(name, data); }`,
    args: ["run", "--quiet", "-"],
  });
  assertEquals(consoleMessages(result), ["lib data"]);
});

Deno.test("__ENV holds the system's variables and those of -e, which win and set no options", async () => {
  const files = `export default function () {
  console.log(__ENV.SHELL_SAYS, __ENV.GIVEN, __ENV.EMPTY === "", __ENV.K6_ITERATIONS);
}`;
  const given = ["-e", "GIVEN=by flag", "--env", "EMPTY", "-e", "K6_ITERATIONS=5"];
  const env = { SHELL_SAYS: "hello", GIVEN: "by shell" };
  const open = await runSuccessfully({ files, env, args: ["run", "-q", "script.js", ...given] });
  assertEquals(consoleMessages(open), ["hello by flag true 5"]);
  const closed = await runSuccessfully({
    files,
    env,
    args: ["run", "-q", "--include-system-env-vars=false", "script.js", ...given],
  });
  assertEquals(consoleMessages(closed), ["undefined by flag true 5"]);
});

Deno.test("options: flags win over variables, variables over the script", async () => {
  const files = `export const options = { vus: 1, iterations: 1 };
export default function () { console.log(__ITER); }`;
  const count = async (env: Record<string, string>, ...flags: string[]) =>
    consoleMessages(await runSuccessfully({ files, env, args: ["run", "-q", ...flags, "script.js"] })).length;
  assertEquals(await count({}), 1);
  assertEquals(await count({ K6_ITERATIONS: "2" }), 2);
  assertEquals(await count({ K6_ITERATIONS: "2" }, "-i", "3"), 3);
});

Deno.test("each virtual user has its own module state and its own copy of the setup data", async () => {
  const result = await runSuccessfully({
    files: `export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 4, iterations: 2 } } };
let count = 0;
export function setup() { return { list: [1], at: new Date(0), nothing: undefined }; }
export default function (data) {
  data.list.push(__VU);
  console.log(++count, data.list.join(), typeof data.at, "nothing" in data);
}
export function teardown(data) { console.log("teardown", count, data.list.join()); }`,
    args: ["run", "-q", "--workers", "2", "script.js"],
  });
  const messages = consoleMessages(result);
  assertEquals(messages.at(-1), "teardown 0 1");
  const expected = [1, 2, 3, 4].flatMap((vu) => [1, 2].map((count) => `${count} 1,${vu} string false`));
  assertEquals(messages.slice(0, -1).sort(), expected.sort());
});

Deno.test("a SharedArray is made once for all workers and can't be changed", async () => {
  const result = await runSuccessfully({
    files: {
      "users.json": JSON.stringify([{ name: "ann" }, { name: "bob" }]),
      "script.js": `import { SharedArray } from "k6/data";
const users = new SharedArray("users", () => {
  console.log("made");
  return JSON.parse(open("./users.json"));
});
export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 3 } } };
export default function () {
  let refused = "";
  try { users[0].name = "x"; } catch (error) { refused = error.name; }
  console.log(users.length, users[1].name, users.map((user) => user.name).join(), refused);
}`,
    },
    args: ["run", "-q", "--workers", "3", "script.js"],
  });
  const line = "2 bob ann,bob TypeError";
  assertEquals(consoleMessages(result), ["made", line, line, line]);
});

Deno.test("a failed check does not stop the iteration, fail() does", async () => {
  const result = await runSuccessfully({
    files: `import { check, fail } from "k6";
export default function () {
  console.log(check({ status: 500 }, { "is ok": (r) => r.status === 200, "is there": true }));
  fail("no use");
}`,
  });
  assertEquals(consoleMessages(result), ["false"]);
  assertMatch(result.stderr, /no use/);
  assertMatch(result.stdout, /✗ is ok\n +↳ +0% — ✓ 0 \/ ✗ 1/);
  assertMatch(result.stdout, /✓ is there/);
});
