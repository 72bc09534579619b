import { assertEquals } from "@std/assert";
import { type ApmContext, createApmOutput } from "../../../src/output/apm/apm_output.ts";
import type { RemoteRun } from "../../../src/output/run_facts.ts";
import { RemoteWriteReceiver } from "../../support/remote_write_receiver.ts";
import { STALE_BITS } from "../../support/write_request_decoder.ts";
import { OutputRun } from "../support/output_run.ts";

Deno.test("each block sends its own metrics, with its own credentials and labels, and ends its series", async () => {
  await using first = new RemoteWriteReceiver();
  await using second = new RemoteWriteReceiver();
  const run = apmRun([
    { remoteWriteURL: first.url, credentials: { token: "abc" } },
    {
      remoteWriteURL: second.url,
      credentials: { username: "u", password: "p" },
      includeDefaultMetrics: false,
      metrics: ["checks", "http_req_waiting"],
      includeTestRunId: true,
    },
  ]);
  await run.output.start();
  run.add("http_reqs", [["method", "GET"]], 2);
  run.add("checks", [["check", "is ok"], ["test_run_id", "mine"]], 1);
  run.add("http_req_waiting", [], 250);
  await run.stop();

  assertEquals(run.complaints, [
    'warn: options.cloud.apm[1]: tag "test_run_id" is left out: k6d sets the label "test_run_id" itself',
  ]);
  assertEquals([first.violations, second.violations], [[], []]);
  assertEquals(first.headers[0]?.get("authorization"), "Bearer abc");
  assertEquals(second.headers[0]?.get("authorization"), `Basic ${btoa("u:p")}`);
  const names = (receiver: RemoteWriteReceiver) =>
    [...new Set(receiver.accepted.flat().map(({ name }) => name))].sort();
  assertEquals(names(first), ["k6_http_reqs_total"]);
  assertEquals(names(second), [
    "k6_checks_rate",
    ...["avg", "count", "max", "med", "min", "p95", "p99"].map((stat) => `k6_http_req_waiting_${stat}`),
  ]);
  const [requests, end] = first.samples("k6_http_reqs_total");
  assertEquals([requests?.value, requests?.labels, end?.bits], [2, { method: "GET" }, STALE_BITS]);
  assertEquals(requests!.atEpochMs % 3000, 0);
  assertEquals(second.samples("k6_checks_rate")[0]?.labels, { check: "is ok", test_run_id: "run-1" });
  assertEquals(second.samples("k6_http_req_waiting_p99")[0]?.value, 0.25);
  assertEquals(second.samples("k6_http_req_waiting_count")[0]?.value, 1);
});

Deno.test("a block whose receiver refuses all does no harm to the others, and is named", async () => {
  await using refusing = new RemoteWriteReceiver();
  refusing.answer({ status: 401, body: "who are you?" });
  await using elsewhere = new RemoteWriteReceiver();
  elsewhere.answer(404);
  await using good = new RemoteWriteReceiver();
  const run = apmRun([
    { remoteWriteURL: refusing.url },
    { remoteWriteURL: elsewhere.url },
    { remoteWriteURL: good.url },
  ]);
  await run.output.start();
  run.add("iterations", [], 3);
  await run.stop();
  assertEquals(good.samples("k6_iterations_total")[0]?.value, 3);
  const named = (place: string) => run.complaints.filter((line) => line.includes(`options.cloud.apm[${place}]: `));
  assertEquals(named("0").some((line) => line.startsWith("error: ") && line.includes("HTTP 401: who are you?")), true);
  assertEquals(named("1").some((line) => line.startsWith("error: ") && line.includes("HTTP 404")), true);
  assertEquals(named("2"), []);
});

Deno.test("what a receiver could not take at first arrives as the same point on the grid", async () => {
  await using receiver = new RemoteWriteReceiver();
  receiver.answer(500, "reset", 429);
  const run = apmRun([{ remoteWriteURL: receiver.url, resampleRate: 10 }]);
  await run.output.start();
  run.add("iterations", [], 3);
  run.add("vus", [], 1);
  await run.stop();
  assertEquals(receiver.violations, []);
  for (const [name, value] of [["k6_iterations_total", 3], ["k6_vus", 1]] as const) {
    const points = receiver.samples(name).filter(({ bits }) => bits !== STALE_BITS);
    assertEquals(points.map((point) => [point.value, point.atEpochMs % 10_000]), [[value, 0]]);
  }
});

Deno.test("a name in metrics that the test never measured is pointed out", async () => {
  await using receiver = new RemoteWriteReceiver();
  const run = apmRun([{ remoteWriteURL: receiver.url, metrics: ["iteration_duration", "itmes"] }]);
  await run.output.start();
  await run.stop();
  assertEquals(run.complaints, [
    "warn: options.cloud.apm[0]: nothing was measured of itmes: check the names in metrics",
  ]);
});

Deno.test("in a run for a cloud blocks count unasked, the cloud names the run, and its time to start is theirs", async () => {
  await using receiver = new RemoteWriteReceiver();
  const run = apmRun([{ remoteWriteURL: receiver.url, includeTestRunId: true }], CLOUD);
  assertEquals(run.output.limits?.startMs, CLOUD.limits.startMs);
  await run.output.start();
  run.add("iterations", [], 3);
  await run.stop();
  assertEquals(receiver.samples("k6_iterations_total")[0]?.labels, { test_run_id: "4711" });
});

Deno.test("a cloud that names the run when it is over starts nothing any more", async () => {
  await using receiver = new RemoteWriteReceiver();
  const { promise: remoteRun, resolve } = Promise.withResolvers<RemoteRun>();
  const run = apmRun([{ remoteWriteURL: receiver.url, includeTestRunId: true }], { remoteRun });
  const started = run.output.start();
  await run.stop();
  resolve({ id: "4711", secrets: null });
  await started;
  assertEquals(run.complaints, []);
});

Deno.test("an output that never started stops", async () => {
  const run = apmRun([{ remoteWriteURL: "http://127.0.0.1:1/" }]);
  await run.stop();
  assertEquals(run.complaints, []);
});

const LOCAL = "info: the apm blocks of the script's options send nothing in a local run; --apm switches them on";
const NONE = "info: --apm has no effect: the script's options have no cloud.apm blocks";

const CLOUD = {
  remoteRun: Promise.resolve({ id: "4711", secrets: null }),
  limits: { startMs: 200_000, stopMs: 90_000 },
};

const nothing: { name: string; apm: unknown; isAsked: boolean; cloud?: ApmContext["cloud"]; lines: string[] }[] = [
  { name: "without blocks in a run for a cloud", apm: undefined, isAsked: false, cloud: CLOUD, lines: [] },
  { name: "without blocks", apm: undefined, isAsked: false, lines: [] },
  { name: "with an empty list", apm: [], isAsked: false, lines: [] },
  { name: "without blocks, but asked for", apm: undefined, isAsked: true, lines: [NONE] },
  { name: "with blocks that nobody asks for", apm: [{ provider: "datadog" }], isAsked: false, lines: [LOCAL] },
  {
    name: "with bad blocks only",
    apm: [null],
    isAsked: true,
    lines: ["warn: options.cloud.apm[0] is skipped: a block must be an object, { provider: … }"],
  },
];

for (const { name, apm, isAsked, cloud = null, lines } of nothing) {
  Deno.test(`${name} there is no output`, () => {
    const said: string[] = [];
    new OutputRun((context) => {
      const log = {
        ...context.log,
        info: (message: string) => said.push(`info: ${message}`),
        warn: (message: string) => said.push(`warn: ${message}`),
      };
      const options = { cloud: { apm } };
      assertEquals(createApmOutput({ ...context, log, options, isAsked, cloud, ownRunId: "" }), null);
      return { description: "", start: () => Promise.resolve(), addSamples() {}, stop: () => Promise.resolve() };
    });
    assertEquals(said, lines);
  });
}

/** A run whose script has these blocks, with the provider that all have; a local one that asks for them, or one for a cloud. */
function apmRun(blocks: readonly Record<string, unknown>[], cloud: ApmContext["cloud"] = null): OutputRun {
  return new OutputRun((context) => {
    const apm = blocks.map((block) => ({ provider: "prometheus", ...block }));
    const asked = cloud === null ? { isAsked: true } : { isAsked: false };
    return createApmOutput({ ...context, options: { cloud: { apm } }, ...asked, cloud, ownRunId: "run-1" })!;
  });
}
