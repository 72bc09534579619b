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

Deno.test("an endless loop: the run ends all the same and names the scenario", async () => {
  const result = await runK6d({
    files: `export const options = {
  scenarios: { stuck: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s" } },
};
export default function () { while (true); }`,
  });
  assertEquals(result.code, 102, result.stderr);
  const [entry] = logEntries(result.stderr);
  assertEquals(entry?.level, "error");
  assertMatch(entry?.msg ?? "", /'stuck' did not end .* never yields/);
  assertMatch(result.stdout, /TOTAL RESULTS/);
  assert(result.durationMs < 20_000);
});
