/** Outages of a real Prometheus that end before the run does: what it holds in the end is what the summary says. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { prometheus, testWithPrograms } from "../support/debian.ts";
import { type Fault, FaultyProxy } from "../support/faulty_proxy.ts";
import type { MetricsServer } from "../support/metrics_server.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { K6dProcess, type K6dResult, logEntries } from "./support/k6d.ts";

/** Counts in several series, until it is told to end. */
const SCRIPT = `
import { Counter } from "k6/metrics";
export const options = {
  scenarios: { steady: { executor: "constant-vus", vus: 2, duration: "1m", gracefulStop: "1s" } },
};
const items = new Counter("items");
export default function () {
  for (let kind = 0; kind < 5; kind++) items.add(kind + 1, { kind: String(kind) });
  const until = Date.now() + 5;
  while (Date.now() < until);
}`;

const ARGS = ["run", "--quiet", "--summary-export", "summary.json", "-o", "prometheus-rw", "script.js"];

const FAULTS: readonly { readonly name: string; readonly faults: () => Fault[]; readonly cause: string }[] = [
  { name: "a storm of 500s", faults: () => Array(12).fill({ status: 500, body: "disk full" }), cause: "HTTP 500 ×12" },
  {
    name: "429 with Retry-After",
    faults: () => [
      { status: 429, headers: { "retry-after": "1" } },
      { status: 429, headers: { "retry-after": new Date(Date.now() + 3000).toUTCString() } },
    ],
    cause: "HTTP 429 ×2",
  },
  { name: "connections cut in the body", faults: () => Array(4).fill("cut in the body"), cause: "connection reset ×4" },
  { name: "lost answers", faults: () => Array(4).fill("answer lost"), cause: "connection reset ×4" },
];

testWithPrograms("failures that pass cost no value", [prometheus], async (path) => {
  // At the same time, as they mostly wait.
  await Promise.all(FAULTS.map((faults) => assertHarmless(path!, faults)));
});

async function assertHarmless(path: string, { name, faults, cause }: typeof FAULTS[number]): Promise<void> {
  await using server = await startPrometheus(path);
  await using proxy = new FaultyProxy(server.base);
  await using run = await start(proxy);
  await proxy.begun(2);
  const injected = faults();
  proxy.inject(...injected);
  await proxy.begun(2 + injected.length + 2);
  const result = await end(run, server);
  assertMatch(result.stderr, RegExp(`tried again after ${cause}`), name);
}

testWithPrograms("a receiver that is down at first gets all values when it comes up", [prometheus], async (path) => {
  await using server = await startPrometheus(path!);
  await using proxy = new FaultyProxy(server.base);
  await proxy.goDown();
  await using run = await start(proxy);
  await run.logged(/connection refused/);
  proxy.comeUp();
  await proxy.begun(2);
  await end(run, server);
});

testWithPrograms("a receiver that goes down and comes up again lacks nothing", [prometheus], async (path) => {
  await using server = await startPrometheus(path!);
  await using proxy = new FaultyProxy(server.base);
  await using run = await start(proxy);
  await proxy.begun(2);
  await proxy.goDown();
  await run.logged(/Failed to send/);
  const before = proxy.requests;
  proxy.comeUp();
  await proxy.begun(before + 2);
  await end(run, server);
});

testWithPrograms("a run that is ended while a flush is under way sends all", [prometheus], async (path) => {
  await using server = await startPrometheus(path!);
  await using proxy = new FaultyProxy(server.base);
  await using run = await start(proxy);
  await proxy.begun(1);
  proxy.inject("held");
  await proxy.begun(2);
  run.signal("SIGTERM");
  await run.logged(/'terminated' signal/);
  proxy.release();
  await assertComplete(run, server);
});

function start(proxy: FaultyProxy): Promise<K6dProcess> {
  return K6dProcess.start({
    files: SCRIPT,
    args: ARGS,
    env: {
      K6_PROMETHEUS_RW_SERVER_URL: `${proxy.origin}/api/v1/write`,
      K6_PROMETHEUS_RW_PUSH_INTERVAL: "200ms",
    },
  });
}

function end(run: K6dProcess, server: MetricsServer): Promise<K6dResult> {
  run.signal("SIGTERM");
  return assertComplete(run, server);
}

/** When the run is over the server has the counters of the summary, timestamps rise, and the series have ended. */
async function assertComplete(run: K6dProcess, server: MetricsServer): Promise<K6dResult> {
  const result = await run.ended();
  // That a request took longer than the short interval only says that the machine is busy.
  const complaints = logEntries(result.stderr).filter(({ level, msg }) =>
    (level === "error" || level === "warning") && !msg?.includes("longer than the push interval")
  );
  assert(complaints.length <= 2, result.stderr);
  const summary = JSON.parse(await Deno.readTextFile(`${run.folder}/summary.json`)) as {
    metrics: Record<string, { count: number }>;
  };
  for (const counter of ["items", "iterations"]) {
    const newest = new Map<string, { value: number; atEpochMs: number }>();
    for (const { labels, value, atEpochMs } of await server.samples(`k6_${counter}_total`)) {
      const key = JSON.stringify(labels);
      assert(atEpochMs > (newest.get(key)?.atEpochMs ?? 0), `${key} at ${atEpochMs}`);
      newest.set(key, { value, atEpochMs });
    }
    const total = newest.values().reduce((sum, { value }) => sum + value, 0);
    assertEquals(total, summary.metrics[counter]?.count, `${counter}\n${result.stderr}`);
  }
  assertEquals(await server.query("k6_items_total", Date.now() + 1000), []);
  return result;
}
