/** The main job: a script runs against a real target, and its metrics are found in a real Prometheus and VictoriaMetrics. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { type DebianProgram, prometheus, testWithPrograms, victoriaMetrics } from "../support/debian.ts";
import type { MetricsServer, QueriedPoint } from "../support/metrics_server.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { startTarget } from "../support/target.ts";
import { startVictoriaMetrics } from "../support/victoria_metrics.ts";
import { runSuccessfully, summaryCount } from "./support/k6d.ts";

const SERVERS: readonly [DebianProgram, (path: string) => Promise<MetricsServer>][] = [
  [prometheus, startPrometheus],
  [victoriaMetrics, startVictoriaMetrics],
];

const SCRIPT = `
import { check, group, sleep } from "k6";
import http from "k6/http";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";

export const options = {
  tags: { testid: "e2e" },
  scenarios: {
    readers: { executor: "constant-vus", vus: 3, duration: "2s", tags: { kind: "read" }, gracefulStop: "0s" },
    writers: { executor: "constant-arrival-rate", rate: 20, duration: "2s", preAllocatedVUs: 3, exec: "write" },
  },
};

const items = new Counter("items");
const temperature = new Gauge("temperature");
const empty = new Rate("empty");
const size = new Trend("size");

export default function () {
  const response = http.get(__ENV.TARGET + "/json", { tags: { "my-tag": 'a "quoted" ü' } });
  check(response, { "is ok": (r) => r.status === 200 });
  items.add(3, { shelf: "top" });
  sleep(0.05);
}

export function write() {
  group("order", () => http.post(__ENV.TARGET + "/status/503", "x", { tags: { name: "order" } }));
  items.add(1, { shelf: "low" });
  empty.add(__ITER % 2 === 0);
  size.add(250);
  temperature.add(21.5);
}
`;

for (const [program, start] of SERVERS) {
  testWithPrograms(
    `${program.program} holds what the summary says, and the series end with the test`,
    [program],
    async (path) => {
      await using target = startTarget();
      await using server = await start(path);
      const startedAtEpochMs = Date.now();
      const result = await runSuccessfully({
        files: SCRIPT,
        args: ["run", "--quiet", "-o", "prometheus-rw", "script.js"],
        env: {
          TARGET: target.url,
          K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl,
          K6_PROMETHEUS_RW_PUSH_INTERVAL: "1s",
          K6_PROMETHEUS_RW_TREND_STATS: "count,min,max,p(95)",
        },
      });
      const endedAtEpochMs = Date.now();
      assertEquals(result.stderr, "");

      for (const counter of ["http_reqs", "iterations", "items"]) {
        const inServer = total(await server.samples(`k6_${counter}_total`));
        assertEquals(inServer, summaryCount(result, counter), `${counter}\n${result.stdout}`);
      }
      assertEquals(total(await server.samples("k6_http_req_duration_count")), summaryCount(result, "http_reqs"));
      assertEquals(latest(await server.samples("k6_temperature")).map(({ value }) => value), [21.5]);
      assertEquals(latest(await server.samples("k6_size_p95")).map(({ value }) => value), [250]);
      assertEquals(latest(await server.samples("k6_checks_rate")).map(({ value }) => value), [1]);
      assertAlmostEquals(latest(await server.samples("k6_empty_rate"))[0]!.value, 0.5, 0.2);

      const reads = latest(await server.samples('k6_http_reqs_total{scenario="readers"}'));
      assertEquals(reads.map(({ labels }) => labels), [{
        __name__: "k6_http_reqs_total",
        testid: "e2e",
        kind: "read",
        scenario: "readers",
        my_tag: 'a "quoted" ü',
        expected_response: "true",
        method: "GET",
        name: `${target.url}/json`,
        proto: "HTTP/1.1",
        status: "200",
        url: `${target.url}/json`,
      }]);
      const [write] = latest(await server.samples('k6_http_reqs_total{scenario="writers"}'));
      const { method, name, status, error_code, group, expected_response } = write!.labels;
      assertEquals([method, name, status, error_code, group, expected_response], [
        "POST",
        "order",
        "503",
        "1503",
        "::order",
        "false",
      ]);

      const points = await server.samples('{__name__=~"k6_.*"}');
      assert(points.length > 0);
      for (const point of points) assertWithin(point.atEpochMs, startedAtEpochMs, endedAtEpochMs, point);
      for (const { labels, value } of await server.samples("k6_http_req_duration_max")) {
        assertWithin(value, 0, 2, labels);
      }
      // Pushed every second, not only at the end.
      const pushes = new Set(
        (await server.samples('k6_iterations_total{scenario="readers"}')).map((point) => point.atEpochMs),
      );
      assert(pushes.size >= 2, `${pushes.size} points of k6_iterations_total`);

      assertEquals(await server.query('{__name__=~"k6_.*"}', endedAtEpochMs + 1000), [], "every series has ended");
    },
  );
}

testWithPrograms("the arrival-rate example's own metrics are found in Prometheus", [prometheus], async (path) => {
  await using target = startTarget();
  await using server = await startPrometheus(path);
  const result = await runSuccessfully({
    args: ["run", `${ROOT}examples/arrival_rate.js`, "-o", "experimental-prometheus-rw", "--quiet"],
    env: { BASE_URL: target.url, DURATION: "2s", K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl },
  });
  const orders = latest(await server.samples("k6_orders_placed_total"));
  assertEquals(total(orders), summaryCount(result, "orders_placed"));
  assertEquals(orders.map(({ labels }) => labels.region).sort(), ["eu", "us"]);
  assertWithin(total(orders), 390, 401, result.stdout);
  assertWithin(latest(await server.samples("k6_basket_size"))[0]!.value, 1, 5, "basket_size");
  const durations = latest(await server.samples("k6_order_duration_p99"));
  assertEquals(durations.map(({ labels }) => labels.region).sort(), ["eu", "us"]);
  for (const { value } of durations) assertWithin(value, 0.00001, 2, "p99 in seconds");
});

/** The newest point of each series. */
function latest(points: readonly QueriedPoint[]): QueriedPoint[] {
  const newest = new Map<string, QueriedPoint>();
  for (const point of points) {
    const key = JSON.stringify(Object.entries(point.labels).sort());
    const known = newest.get(key);
    if (known === undefined || known.atEpochMs < point.atEpochMs) newest.set(key, point);
  }
  return [...newest.values()];
}

/** Sum of the newest points of counters. */
function total(points: readonly QueriedPoint[]): number {
  return latest(points).reduce((sum, { value }) => sum + value, 0);
}

function assertWithin(value: number, least: number, most: number, what: unknown): void {
  assert(value >= least && value <= most, `${value} is not from ${least} to ${most}: ${JSON.stringify(what)}`);
}
