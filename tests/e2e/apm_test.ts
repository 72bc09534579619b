/** The option `apm`: metrics of a run are found in every receiver that the script names. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { prometheus, testWithPrograms } from "../support/debian.ts";
import type { QueriedPoint } from "../support/metrics_server.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { startTarget } from "../support/target.ts";
import { logEntries, runSuccessfully, summaryCount } from "./support/k6d.ts";

const SCRIPT = `
import http from "k6/http";
import { sleep } from "k6";
import { Counter, Trend } from "k6/metrics";

const items = new Counter("items");
const size = new Trend("size");

export const options = {
  vus: 2,
  duration: "3s",
  cloud: {
    apm: [
      { provider: "prometheus", remoteWriteURL: __ENV.FIRST, resampleRate: 1 },
      { provider: "datadog", apiKey: "x" },
      {
        provider: "prometheus",
        remoteWriteURL: __ENV.SECOND,
        includeDefaultMetrics: false,
        metrics: ["items", "size", "itmes"],
        includeTestRunId: true,
        resample_rate: 2,
      },
    ],
  },
};

export default function () {
  http.get(__ENV.TARGET + "/json");
  items.add(3);
  size.add(10);
  sleep(0.1);
}
`;

testWithPrograms(
  "two blocks send what they ask for to two Prometheus servers, on their grids",
  [prometheus],
  async (path) => {
    await using target = startTarget();
    await using first = await startPrometheus(path!);
    await using second = await startPrometheus(path!);
    const result = await runSuccessfully({
      files: SCRIPT,
      args: ["run", "--apm", "script.js"],
      env: { TARGET: target.url, FIRST: first.writeUrl, SECOND: second.writeUrl, K6_CLOUD_PUSH_REF_ID: "4711" },
    });
    const aheadMs = Date.now() + 20_000;
    assertMatch(result.stdout, RegExp(`output: apm \\(${first.writeUrl}, ${second.writeUrl}\\)`));
    const lines = logEntries(result.stderr).map(({ level, msg }) => `${level} ${msg}`);
    // A slow machine's slow push is no failure.
    assertEquals(lines.filter((line) => !line.includes("longer than the push interval")), [
      'warning options.cloud.apm[1] is skipped: provider "datadog" is not supported; use "prometheus", with the address of ' +
      "a remote-write receiver",
      "warning options.cloud.apm[2]: resample_rate is now called resampleRate",
      'info apm: the label test_run_id of this run is "4711"',
      "warning options.cloud.apm[2]: the test had no metric itmes; check the names in metrics",
    ]);

    const inFirst = await first.samples('{__name__=~".+"}', aheadMs);
    assertEquals([...new Set(inFirst.map(({ labels }) => labels["__name__"]))].sort(), [
      "k6_data_received_total",
      "k6_data_sent_total",
      ...["avg", "count", "max", "med", "min", "p95", "p99"].map((stat) => `k6_http_req_duration_${stat}`),
      "k6_http_reqs_total",
      "k6_iterations_total",
      "k6_vus",
    ]);
    assertOnGrid(inFirst, 1000);
    for (const name of ["http_reqs", "iterations"]) {
      assertEquals(last(await first.samples(`k6_${name}_total`, aheadMs)), summaryCount(result, name), name);
    }
    assertEquals(inFirst.filter(({ labels }) => "test_run_id" in labels), []);

    const inSecond = await second.samples('{__name__=~".+"}', aheadMs);
    assertEquals([...new Set(inSecond.map(({ labels }) => labels["__name__"]))].sort(), [
      "k6_items_total",
      ...["avg", "count", "max", "med", "min", "p95", "p99"].map((stat) => `k6_size_${stat}`),
    ]);
    assertOnGrid(inSecond, 2000);
    assertEquals(last(await second.samples("k6_items_total", aheadMs)), summaryCount(result, "items"));
    for (const { labels } of inSecond) assertEquals(labels["test_run_id"], "4711");
  },
);

function assertOnGrid(points: readonly QueriedPoint[], stepMs: number): void {
  assert(points.length > 0);
  for (const { atEpochMs } of points) assertEquals(atEpochMs % stepMs, 0);
}

/** The newest value of the one series there is. */
function last(points: readonly QueriedPoint[]): number {
  assertEquals(new Set(points.map(({ labels }) => JSON.stringify(labels))).size, 1);
  return points.toSorted((a, b) => a.atEpochMs - b.atEpochMs).at(-1)!.value;
}
