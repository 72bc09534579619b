/** Ends before the time: signals, and scripts that never give the thread back. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { consoleMessages, K6dProcess, logEntries, runK6d, summaryRow } from "./support/k6d.ts";

const LONG_RUN = `
import { sleep } from "k6";
import exec from "k6/execution";
export const options = { vus: 4, duration: "60s" };
export default function () {
  if (exec.vu.iterationInInstance === 0) return;
  if (exec.vu.idInTest === 4) console.log("running");
  sleep(60);
}
export function teardown() { console.log("torn down"); }`;

for (const [signal, word] of [["SIGINT", "interrupt"], ["SIGTERM", "terminated"]] as const) {
  Deno.test(`${signal} ends the test gracefully: teardown, summary, exit code 105`, async () => {
    await using run = await K6dProcess.start({ files: LONG_RUN });
    await run.logged(/msg=running/);
    run.signal(signal);
    const result = await run.ended();
    assertEquals(result.code, 105, result.stderr);
    assertEquals(consoleMessages(result), ["running", "torn down"]);
    assertMatch(result.stderr, RegExp(`test run was aborted because k6d received a '${word}' signal`));
    assertMatch(summaryRow(result, "iterations")!, /^4 /);
    assert(result.durationMs < 10_000);
  });
}

Deno.test("a second signal ends the process at once with 105, in the middle of teardown", async () => {
  await using run = await K6dProcess.start({
    files: LONG_RUN.replace('console.log("torn down")', 'console.log("tearing down"); sleep(60)'),
  });
  await run.logged(/msg=running/);
  run.signal("SIGINT");
  await run.logged(/tearing down/);
  run.signal("SIGINT");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assert(!result.stdout.includes("TOTAL RESULTS"));
});

Deno.test("a signal during setup() ends the test without iterations and without teardown", async () => {
  await using run = await K6dProcess.start({
    files: `import { sleep } from "k6";
export function setup() { console.log("setting up"); sleep(60); }
export default function () { console.log("iteration"); }
export function teardown() { console.log("torn down"); }`,
  });
  await run.logged(/setting up/);
  run.signal("SIGINT");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assertEquals(consoleMessages(result), ["setting up"]);
});

Deno.test("an endless loop is named, ended and told by the exit code; teardown runs, other scenarios are kept", async () => {
  const result = await runK6d({
    files: `import { sleep } from "k6";
export const options = { scenarios: {
  stuck: { executor: "per-vu-iterations", vus: 1, iterations: 2, maxDuration: "1s", gracefulStop: "0s", exec: "spin",
    startTime: "1200ms" },
  good: { executor: "constant-vus", vus: 2, duration: "2500ms", exec: "good" },
} };
let calls = 0;
export function spin() {
  while (calls++ > 0);
}
export function good() { sleep(0.5); }
export default function () {}
export function teardown() { console.log("torn down"); }`,
    args: ["run", "--workers", "3", "script.js"],
  });
  assertEquals(result.code, 102, result.stderr);
  const entry = logEntries(result.stderr).find(({ level }) => level === "error");
  assertMatch(
    entry?.msg ?? "",
    /^VU \d of scenario 'stuck' did not end in time: iteration 1 of spin\(\) \(file:.*script\.js:8\) has been computing for \d\.\d s/,
  );
  assertEquals(consoleMessages(result), ["torn down"]);
  // Of the two good users one shared the thread with the stuck one.
  assertMatch(result.stdout, /8 complete and 2 interrupted iterations/);
  assertMatch(result.stdout, /stuck +✗/);
  assert(result.durationMs < 10_000);
});

Deno.test("an endless loop on the only thread: teardown() and the summary come from a new one", async () => {
  const result = await runK6d({
    files: `export const options = {
  scenarios: { stuck: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s" } },
};
export default function () { while (true); }
export function teardown() { console.log("torn down"); }`,
  });
  assertEquals(result.code, 102, result.stderr);
  assertMatch(result.stderr, /iteration 0 of default\(\) \(file:.*script\.js:4\)/);
  assertEquals(consoleMessages(result), ["torn down"]);
  assertMatch(result.stdout, /TOTAL RESULTS/);
});

Deno.test("a stop does not wait for an endless loop", async () => {
  await using run = await K6dProcess.start({
    files: `export const options = { vus: 1, duration: "60s" };
export default function () { console.log("running"); while (true); }`,
  });
  await run.logged(/msg=running/);
  run.signal("SIGINT");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assert(result.durationMs < 10_000);
});

Deno.test("--verbose tells how late each worker's event loop was", async () => {
  const result = await runK6d({
    files: `export const options = { vus: 1, iterations: 1 };
export default function () { const end = Date.now() + 300; while (Date.now() < end); }`,
    args: ["run", "--quiet", "--verbose", "script.js"],
  });
  assertEquals(result.code, 0, result.stderr);
  assertMatch(
    result.stderr,
    /event loop of worker 0 was late by [\d.]+ ms \(p50\), [\d.]+ ms \(p99\), [\d.]+ ms \(max\)/,
  );
});

Deno.test("exec.test.abort() where nothing can be suspended ends the test without a word about blocking", async () => {
  const result = await runK6d({
    files: `import exec from "k6/execution";
class Page { get title() { exec.test.abort("enough"); } }
export default function () { new Page().title; }`,
  });
  assertEquals(result.code, 108);
  assertMatch(result.stderr, /test aborted: enough/);
  assertEquals(/blocks its whole thread/.test(result.stderr), false);
});
