import { assertAlmostEquals, assertEquals } from "@std/assert";
import { prometheus, testWithPrograms } from "../../support/debian.ts";
import type { MetricsServer } from "../../support/metrics_server.ts";
import { startPrometheus } from "../../support/prometheus.ts";
import { OutputRun } from "../support/output_run.ts";

const tags = [["scenario", "default"]] as const;

testWithPrograms(
  "Prometheus computes quantiles of native histograms, and forgets them when they end",
  [prometheus],
  async (path) => {
    await using server = await startPrometheus(path!, { nativeHistograms: true });
    const startMs = Date.now() - 2000;
    const run = new OutputRun(`prometheus-rw=url=${server.writeUrl},trendAsNativeHistogram=true,pushInterval=1h`);
    await run.output.start();
    for (let i = 1; i <= 1000; i++) run.add("http_req_duration", tags, i, startMs + i);
    await run.stop();
    assertEquals(run.complaints, []);
    const ask = async (query: string, atMs = startMs + 1000) =>
      (await server.query(query, atMs)).map(({ value }) => value);
    assertEquals(await ask("histogram_count(k6_http_req_duration_seconds)"), [1000]);
    assertAlmostEquals((await ask("histogram_sum(k6_http_req_duration_seconds)"))[0]!, 500.5);
    const [p90] = await ask("histogram_quantile(0.9, k6_http_req_duration_seconds)");
    assertEquals(p90! > 0.9 / 1.1 && p90! < 0.9 * 1.1, true);
    assertEquals(await ask("histogram_count(k6_http_req_duration_seconds)", Date.now() + 2000), []);
  },
);

testWithPrograms(
  "Prometheus computes quantiles of classic histograms, over several series",
  [prometheus],
  async (path) => {
    await using server = await startPrometheus(path!);
    const startMs = Date.now() - 2000;
    const run = new OutputRun(
      `prometheus-rw=url=${server.writeUrl},trendHistogramBuckets=0.1,0.2,0.5,1,pushInterval=1h`,
    );
    await run.output.start();
    for (let i = 1; i <= 1000; i++) run.add("http_req_duration", [["n", `${i % 3}`]], i, startMs + i);
    await run.stop();
    assertEquals(run.complaints, []);
    const ask = async (query: string) => (await server.query(query, startMs + 1000)).map(({ value }) => value);
    assertEquals(await ask("sum(k6_http_req_duration_seconds_count)"), [1000]);
    assertEquals(await ask('sum(k6_http_req_duration_seconds_bucket{le="0.2"})'), [200]);
    const [p90] = await ask("histogram_quantile(0.9, sum by (le) (k6_http_req_duration_seconds_bucket))");
    assertAlmostEquals(p90!, 0.9, 1e-9);
  },
);

for (const exemplars of [true, false]) {
  const what = exemplars ? "keeps trace ids where it stores exemplars" : "takes trace ids where it stores no exemplars";
  testWithPrograms(`Prometheus ${what}`, [prometheus], async (path) => {
    await using server = await startPrometheus(path!, { exemplars, nativeHistograms: true });
    const startMs = Date.now() - 2000;
    const run = new OutputRun(`prometheus-rw=url=${server.writeUrl},trendAsNativeHistogram=true,pushInterval=50ms`);
    await run.output.start();
    // Prometheus 2.42 passes over the exemplars of a native histogram that it doesn't know yet.
    for (const metric of ["http_reqs", "http_req_duration"]) run.add(metric, tags, 1, startMs);
    const written = async () => (await server.query('count({__name__=~"k6_http_.+"})', startMs))[0]?.value === 2;
    while (!await written());
    run.add("http_reqs", tags, 2, startMs + 1, [["trace_id", TRACE_ID]]);
    run.add("http_req_duration", tags, 250, startMs + 1, [["trace_id", TRACE_ID]]);
    await run.stop();
    assertEquals(run.complaints, []);
    assertEquals((await server.query("k6_http_reqs_total", startMs + 1)).map(({ value }) => value), [3]);
    assertEquals(
      [
        ...await storedExemplars(server, "k6_http_reqs_total", startMs),
        ...await storedExemplars(server, "k6_http_req_duration_seconds", startMs),
      ],
      exemplars ? [[TRACE_ID, "2", startMs + 1], [TRACE_ID, "0.25", startMs + 1]] : [],
    );
  });
}

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** Trace id, value and time of the exemplars that the server has of a metric. */
async function storedExemplars(server: MetricsServer, metric: string, aroundMs: number): Promise<unknown[]> {
  const range = { start: `${aroundMs / 1000 - 60}`, end: `${aroundMs / 1000 + 60}` };
  const response = await fetch(
    `${server.base}/api/v1/query_exemplars?${new URLSearchParams({ query: metric, ...range })}`,
  );
  const { data } = await response.json() as {
    data: { exemplars: { labels: Record<string, string>; value: string; timestamp: number }[] }[] | null;
  };
  return (data ?? []).flatMap(({ exemplars }) =>
    exemplars.map(({ labels, value, timestamp }) => [labels["trace_id"], value, Math.round(timestamp * 1000)])
  );
}
