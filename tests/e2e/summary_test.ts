/** What a user sees on standard output, end to end. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { K6dProcess, runK6d, runSuccessfully, summaryRow } from "./support/k6d.ts";

const SCRIPT = `
import { check } from "k6";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";
export const options = {
  iterations: 4,
  thresholds: { count: ["count<100"], time: ["p(95)<1000", "avg<1"], "share{kind:a}": ["rate>=0.5"] },
};
const [count, level, share, time] = [new Counter("count"), new Gauge("level"), new Rate("share"), new Trend("time", true)];
export default function () {
  check(__ITER, { "is even": (n) => n % 2 === 0 });
  count.add(5);
  level.add(__ITER);
  share.add(__ITER % 2, { kind: "a" });
  time.add(100);
}`;

Deno.test("the summary shows thresholds, checks and custom metrics, and the exit code follows the thresholds", async () => {
  const result = await runK6d({ files: SCRIPT });
  assertEquals(result.code, 99);
  assertMatch(result.stdout, /THRESHOLDS[^]*✓ 'count<100' count=20/);
  assertMatch(result.stdout, /✓ 'p\(95\)<1000' p\(95\)=100ms\n +✗ 'avg<1' avg=100ms/);
  assertMatch(result.stdout, /{ kind:a }|share{kind:a}/);
  assertMatch(summaryRow(result, "checks_succeeded")!, /^50\.00% 2 out of 4/);
  assertMatch(summaryRow(result, "count")!, /^20 /);
  assertMatch(summaryRow(result, "level")!, /^3 +min=0 +max=3/);
  assertMatch(summaryRow(result, "share")!, /^50\.00% 2 out of 4/);
  assertMatch(summaryRow(result, "time")!, /^avg=100ms +min=100ms +med=100ms +max=100ms +p\(90\)=100ms +p\(95\)=100ms/);
  assertMatch(result.stderr, /thresholds on metrics 'time' have been crossed/);
});

Deno.test("--no-thresholds leaves them alone; --summary-mode disabled prints no summary", async () => {
  const result = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "-q", "--no-thresholds", "--summary-mode", "disabled", "script.js"],
  });
  assertEquals(result.stdout.trim(), "");
});

Deno.test("without --quiet the banner, the plan and the progress are printed", async () => {
  await using receiver = new RemoteWriteReceiver();
  const { stdout } = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "--no-thresholds", "-u", "2", "script.js"],
    env: { K6_OUT: `prometheus-rw=${receiver.url}` },
  });
  assertMatch(stdout, /execution: local\n +script: script\.js\n +output: .*\n[^]*1 scenario, 2 max VUs/);
  assertMatch(stdout, /running \(.*\), 0\/2 VUs, \d+ complete and 0 interrupted iterations/);
  assertMatch(stdout, /default ✓ \[ 100% \]/);
  assert(receiver.accepted.length > 0);
});

for (
  const [where, args] of [
    ["before the script", ["run", "-q", "-o", "URL", "script.js"]],
    ["after the script", ["run", "-q", "script.js", "-o", "URL"]],
    ["joined by =", ["run", "-q", "script.js", "--out=URL"]],
  ] as const
) {
  Deno.test(`-o may stand ${where}`, async () => {
    await using receiver = new RemoteWriteReceiver();
    const output = `prometheus-rw=${receiver.url}`;
    await runK6d({ files: SCRIPT, args: args.map((argument) => argument.replace("URL", output)) });
    assertEquals(receiver.violations, []);
    assertEquals(receiver.samples("k6_count_total").filter(({ value }) => value === 20).length, 1);
  });
}

const REPORTING = `${SCRIPT.replace(/thresholds: .*\n/, "\n")}
export function setup() { return { from: "setup" }; }
`;

Deno.test("handleSummary() takes the place of the summary and writes what it returns", async () => {
  await using run = await K6dProcess.start({
    files: `${REPORTING}
export function handleSummary(data) {
  return {
    stdout: "count " + data.metrics.count.values.count + "\\n",
    stderr: "setup " + data.setup_data.from + " " + __VU + "\\n",
    "report.json": JSON.stringify(data),
    "bytes.bin": new Uint8Array([1, 2, 255]).subarray(1),
  };
}`,
  });
  const result = await run.ended();
  assertEquals([result.code, result.stdout], [0, "count 20\n"]);
  assertMatch(result.stderr, /^setup setup 0$/m);
  const report = JSON.parse(await Deno.readTextFile(`${run.folder}/report.json`));
  assertEquals(Object.keys(report).sort(), ["metrics", "options", "root_group", "setup_data", "state"]);
  assertEquals(report.metrics.checks.values, { rate: 0.5, passes: 2, fails: 2 });
  assertEquals(await Deno.readFile(`${run.folder}/bytes.bin`), new Uint8Array([2, 255]));
});

for (
  const [what, body, says] of [
    ["throws", `throw new Error("no report")`, /level=error msg="Error: no report/],
    ["returns a text", `return "text"`, /level=error msg="handleSummary\(\) must return an object/],
    [
      "gives a file a number",
      `return { "a.txt": 1 }`,
      /level=error msg="handleSummary\(\) must give a string .* 'a\.txt'/,
    ],
  ] as const
) {
  Deno.test(`a handleSummary() that ${what} is logged, and the default summary printed`, async () => {
    const result = await runSuccessfully({ files: `${REPORTING}\nexport function handleSummary() { ${body} }` });
    assertMatch(result.stderr, says);
    assertMatch(summaryRow(result, "count")!, /^20 /);
  });
}

Deno.test("a file that handleSummary() can't write is named; the others are written", async () => {
  await using run = await K6dProcess.start({
    files: `${REPORTING}\nexport function handleSummary() { return { "no/such/dir.txt": "a", "b.txt": "b" } }`,
  });
  const result = await run.ended();
  assertMatch(result.stderr, /Could not save some summary information:.*could not write 'no\/such\/dir\.txt'/s);
  assertEquals([result.code, await Deno.readTextFile(`${run.folder}/b.txt`)], [0, "b"]);
});

Deno.test("--summary-export writes k6's JSON, where a threshold's flag tells whether it failed", async () => {
  await using run = await K6dProcess.start({
    files: SCRIPT,
    args: ["run", "-q", "--summary-export", "out.json", "script.js"],
  });
  const result = await run.ended();
  const exported = JSON.parse(await Deno.readTextFile(`${run.folder}/out.json`));
  assertEquals(result.code, 99);
  assertEquals(exported.metrics.count.thresholds, { "count<100": false });
  assertEquals(exported.metrics.time.thresholds, { "p(95)<1000": false, "avg<1": true });
  assertEquals(exported.metrics["share{kind:a}"].value, 0.5);
  assertEquals(exported.root_group.checks["is even"].passes, 2);
});
