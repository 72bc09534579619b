/** A full disk, rates beyond all measure: the run ends in time, with its summary and the right exit code. */

import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { type K6dCommand, K6dProcess, runK6d, summaryCount } from "./support/k6d.ts";

const CHATTY = 'export default function () { for (let i = 0; i < 3; i++) console.log("line"); }';

interface FullDisk extends K6dCommand {
  readonly name: string;
  readonly stderr: RegExp;
}

const FULL_DISKS: readonly FullDisk[] = [
  { name: "of stderr", before: "exec 2>/dev/full", stderr: /^$/ },
  {
    name: "of the log's file",
    args: ["run", "-q", "--log-output", "file=/dev/full", "script.js"],
    stderr: /^error: lines of the file of --log-output file=\/dev\/full are lost: .*No space left.*\n$/,
  },
  {
    name: "of the console's file",
    args: ["run", "-q", "--console-output", "/dev/full", "script.js"],
    stderr: /^error: lines of the file of --console-output are lost: .*No space left.*\n$/,
  },
];

for (const { name, stderr, ...command } of FULL_DISKS) {
  Deno.test({
    name: `the full disk ${name} does not end the test`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const result = await runK6d({ files: CHATTY, ...command });
      assertMatch(result.stderr, stderr);
      assertEquals(summaryCount(result, "iterations"), 1);
      assertEquals(result.code, 0);
    },
  });
}

Deno.test({
  name: "a full disk under standard output costs what stands there, not the test and its outputs",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using run = await K6dProcess.start({
      files: "export const options = { iterations: 3 }; export default function () {}",
      args: ["run", "-o", "csv=samples.csv", "script.js"],
      before: "exec 1>/dev/full",
    });
    const { code, stderr } = await run.ended();
    assertMatch(stderr, /^time=.* level=error msg="cannot write the output: No space left[^\n]*\n$/);
    const samples = await Deno.readTextFile(`${run.folder}/samples.csv`);
    assertEquals(samples.match(/^iterations,/gm)?.length, 3);
    assertEquals(code, 255);
  },
});

const RATES: Readonly<Record<string, string>> = {
  "a constant rate": '{ executor: "constant-arrival-rate", rate: 1e9, duration: "1s", preAllocatedVUs: 2 }',
  "a ramping rate, with more iterations than 32 bits count":
    '{ executor: "ramping-arrival-rate", startRate: 1e12, stages: [{ duration: "1s", target: 1e12 }], preAllocatedVUs: 2 }',
};

for (const [name, scenario] of Object.entries(RATES)) {
  Deno.test(`${name} that nothing can keep ends in time, and the rest is dropped`, async () => {
    const result = await runK6d({
      files: `export const options = { scenarios: { s: ${scenario} } }; export default function () {}`,
    });
    assertNotMatch(result.stderr, /crashed|broke down|did not end/);
    const total = summaryCount(result, "iterations") + summaryCount(result, "dropped_iterations");
    assertEquals(total >= 1e9, true, `${total}`);
    assertEquals(result.code, 0, result.stderr);
  });
}

Deno.test("options that are a promise are refused", async () => {
  const { code, stderr } = await runK6d({
    files: "export const options = (async () => ({ vus: 2 }))(); export default function () {}",
  });
  assertMatch(stderr, /exported 'options' must be an object, got a promise/);
  assertEquals(code, 107);
});

Deno.test("a user agent can't smuggle headers in", async () => {
  const { code, stderr } = await runK6d({
    files: 'export const options = { userAgent: "a\\r\\nX: y" }; export default function () {}',
  });
  assertMatch(stderr, /option \\"userAgent\\".*has a line break/);
  assertEquals(code, 104);
});

Deno.test("a method can't smuggle requests in", async () => {
  for (const call of ['http.request("GET / HTTP/1.1\\r\\n\\r\\nGET", URL)', 'http.batch([["A B", URL]])']) {
    const { stderr } = await runK6d({
      files: `import http from "k6/http"; const URL = "http://127.0.0.1:1/"; export default function () { ${call}; }`,
    });
    assertMatch(stderr, /net\/http: invalid method/);
  }
});
