/** Several outputs in one run, of which some can't work: the others get everything, and the test runs as if alone. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { InfluxServer } from "../output/influxdb/influx_server.ts";
import { freePort } from "../support/free_port.ts";
import { OtlpReceiver } from "../support/otlp_receiver.ts";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { K6dProcess, logEntries, runK6d, runSuccessfully, summaryCount } from "./support/k6d.ts";

const SCRIPT = `
import { Counter } from "k6/metrics";
const items = new Counter("items");
export const options = {
  scenarios: { steady: { executor: "constant-arrival-rate", rate: 100, duration: "2s", preAllocatedVUs: 5 } },
};
export default function () { for (let i = 0; i < 20; i++) items.add(1); }
`;

Deno.test("beside outputs that are dead, hang, refuse or have no room, the others get every sample", async () => {
  await using hanging = new RemoteWriteReceiver();
  hanging.answer(...Array.from({ length: 1000 }, () => "hang" as const));
  await using refusing = new InfluxServer();
  refusing.answer(...Array.from({ length: 1000 }, () => 401));
  await using good = new RemoteWriteReceiver();
  await using influx = new InfluxServer();
  await using otlp = await OtlpReceiver.start({ protocol: "http/protobuf" });
  const outputs = [
    `influxdb=http://127.0.0.1:${freePort()}/dead?pushInterval=100ms`,
    `influxdb=${refusing.url}/refused?pushInterval=100ms`,
    `prometheus-rw=url=${hanging.url},pushInterval=100ms,timeout=1s`,
    "csv=/dev/full",
    `prometheus-rw=url=${good.url},pushInterval=300ms`,
    `influxdb=${influx.url}/good?pushInterval=300ms`,
    `opentelemetry=exporterProtocol=http/protobuf,httpExporterEndpoint=${otlp.endpoint},httpExporterInsecure=true,exportInterval=300ms`,
    "csv=samples.csv",
    "json=samples.json",
  ];
  await using run = await K6dProcess.start({
    files: SCRIPT,
    args: ["run", "--quiet", ...outputs.flatMap((output) => ["-o", output]), "script.js"],
  });
  const result = await run.ended();
  assertEquals(result.code, 0, result.stderr);

  const iterations = summaryCount(result, "iterations");
  const due = iterations + summaryCount(result, "dropped_iterations");
  assert(due === 200 || due === 201, result.stdout);
  const items = 20 * iterations;
  const json = (await Deno.readTextFile(`${run.folder}/samples.json`)).match(/^\{"metric":"items","type":"Point"/gm);
  assertEquals(json?.length, items);
  const csv = (await Deno.readTextFile(`${run.folder}/samples.csv`)).match(/^items,/gm);
  assertEquals(csv?.length, items);
  assertEquals(influx.lines.filter(({ measurement }) => measurement === "items").length, items);
  assertEquals(otlp.points("items").map(({ value }) => value), [items]);
  const ends = good.samples("k6_items_total").filter(({ value }) => !Number.isNaN(value));
  assertEquals(Math.max(...ends.map(({ value }) => value)), items);
  assertEquals([good.violations, otlp.violations], [[], []]);

  const complaints = logEntries(result.stderr).map(({ msg }) => msg ?? "");
  for (const says of [/connection refused/, /HTTP 401/, /no answer|time/, /No space left/]) {
    assert(complaints.some((line) => says.test(line)), `${says} in ${result.stderr}`);
  }
});

Deno.test("K6_OUT asks for several outputs, and -o takes its place", async () => {
  for (const [args, files] of [[[], ["a.json", "b.csv"]], [["-o", "json=c.json"], ["c.json"]]] as const) {
    await using run = await K6dProcess.start({
      files: "export default function () {}",
      args: ["run", "--quiet", ...args, "script.js"],
      env: { K6_OUT: "json=a.json,csv=b.csv" },
    });
    const result = await run.ended();
    assertEquals(result.code, 0, result.stderr);
    const written = [...Deno.readDirSync(run.folder)].map(({ name }) => name).filter((name) => name !== "script.js");
    assertEquals(written.sort(), files);
  }
});

Deno.test("an output that can't start ends k6d before the test, without a summary", async () => {
  const result = await runK6d({
    files: 'export default function () { console.log("iteration"); }',
    args: ["run", "--quiet", "-o", "json=samples.json", "-o", "csv=/no such folder/x.csv", "script.js"],
  });
  assertEquals(result.code, 255);
  assertEquals(result.stdout, "");
  assertEquals(logEntries(result.stderr).map(({ level }) => level), ["error"]);
  assertMatch(result.stderr, /no such folder/);
});

Deno.test("a signal ends k6d while an output's start hangs", async () => {
  // A pipe that nobody reads.
  await using run = await K6dProcess.start({
    files: 'console.log("init"); export default function () { console.log("iteration"); }',
    before: "mkfifo pipe",
    args: ["run", "--quiet", "-o", "json=pipe", "script.js"],
  });
  await run.logged(/msg=init/);
  run.signal("SIGTERM");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assertEquals(result.stdout, "");
  assert(!result.stderr.includes("iteration"), result.stderr);
});

Deno.test("a second signal ends k6d while an output's last flush hangs", async () => {
  await using hanging = new RemoteWriteReceiver();
  hanging.answer(...Array.from({ length: 1000 }, () => "hang" as const));
  await using run = await K6dProcess.start({
    files: `import { sleep } from "k6";
export const options = { vus: 1, duration: "60s" };
export default function () { console.log("iteration"); sleep(0.1); }
export function handleSummary() { console.log("summary"); return {}; }`,
    args: ["run", "--quiet", "-o", `prometheus-rw=url=${hanging.url},timeout=20s`, "script.js"],
  });
  await run.logged(/msg=iteration/);
  run.signal("SIGTERM");
  await run.logged(/msg=summary/);
  await hanging.received(1);
  run.signal("SIGTERM");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assert(!/flushes|samples/.test(result.stderr), `the flush was waited for: ${result.stderr}`);
});

Deno.test("what is asked for twice in the same words is written once", async () => {
  const result = await runSuccessfully({
    files: "export default function () {}",
    args: ["run", "--quiet", "--no-summary", "-o", "json", "-o", "json", "script.js"],
  });
  const points = result.stdout.match(/^\{"metric":"iterations","type":"Point"/gm);
  assertEquals(points?.length, 1);
  assertMatch(result.stderr, /-o json is given twice/);
});
