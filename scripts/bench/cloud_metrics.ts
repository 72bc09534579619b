/**
 * Ten minutes of 20,000 requests a second with 500 time series through the cloud output's own work, in a process of its own: samples
 * to windows, windows to messages in the format that the argument names. Time is simulated. Prints one line of JSON.
 */

import { MetricRegistry } from "../../src/metrics/registry.ts";
import type { SampleBatch, SeriesDefinition } from "../../src/metrics/types.ts";
import { createEncoder, encodeAtOnce, type MetricsFormat } from "../../src/output/cloud/metric_set_encoder.ts";
import { metricSets } from "../../src/output/cloud/metric_sets.ts";
import { TimeWindows } from "../../src/output/cloud/time_windows.ts";

/** What the parent process reads. */
export interface CloudMetricsResult {
  readonly nanosecondsPerSample: number;
  /** Of making messages. */
  readonly microsecondsPerSeries: number;
  readonly bytesPerSeries: number;
  /** The most that the process had beyond what it had at the beginning. */
  readonly rssGrowthBytes: number;
}

const SECONDS = 600;
const SERIES = 500;
const SAMPLES_PER_SECOND = 180_000;
const BATCH = 8192;
const START = 1_700_000_001_000;
/** The metrics of a request. */
const METRICS = [
  ...["http_reqs", "http_req_failed", "http_req_duration", "http_req_blocked", "http_req_connecting"],
  ...["http_req_tls_handshaking", "http_req_sending", "http_req_waiting", "http_req_receiving"],
];
/** Latencies from 1 to 20 ms, most of them in the middle. */
const LATENCIES = Float64Array.from({ length: 1 << 16 }, () => Math.exp(Math.random() + Math.random() + Math.random()));

if (import.meta.main) {
  const format = Deno.args[0] === "json" ? "json" : "protobuf";
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(measure(format))}\n`));
}

function measure(format: MetricsFormat): CloudMetricsResult {
  const registry = new MetricRegistry(() => {});
  registry.ingest(0, {
    ...emptyBatch(0),
    newSeries: Array.from({ length: SERIES }, (_, id) => seriesOf(registry, id)),
  });
  const windows = new TimeWindows(registry.series, { periodMs: 3000, waitMs: 8000 }, () => {});
  const encoder = createEncoder(format, { testRunId: "123456", periodSeconds: 3 });
  const batch = emptyBatch(BATCH);
  const rssBefore = Deno.memoryUsage().rss;
  let [samples, series, bytes, addingMs, encodingMs, highestRss, pushedAt] = [0, 0, 0, 0, 0, 0, START];
  for (let nowMs = START; nowMs < START + SECONDS * 1000; nowMs += BATCH / SAMPLES_PER_SECOND * 1000) {
    fill(batch, samples, nowMs);
    const startedMs = performance.now();
    windows.addSamples(batch);
    addingMs += performance.now() - startedMs;
    samples += BATCH;
    if (nowMs < pushedAt + 1000) continue;
    pushedAt = nowMs;
    for (const set of metricSets(windows.takeClosed(nowMs), 1000)) {
      series += set.seriesCount;
      const startedMs = performance.now();
      bytes += encodeAtOnce(encoder, set).length;
      encodingMs += performance.now() - startedMs;
    }
    highestRss = Math.max(highestRss, Deno.memoryUsage().rss);
  }
  return {
    nanosecondsPerSample: addingMs * 1e6 / samples,
    microsecondsPerSeries: encodingMs * 1000 / series,
    bytesPerSeries: bytes / series,
    rssGrowthBytes: highestRss - rssBefore,
  };
}

function seriesOf(registry: MetricRegistry, id: number): SeriesDefinition {
  const url = `http://127.0.0.1:8080/item/${Math.floor(id / METRICS.length)}`;
  return {
    id,
    metric: registry.metric(METRICS[id % METRICS.length]!)!.id,
    tags: [
      ...[["expected_response", "true"], ["group", ""], ["method", "GET"], ["name", url]] as const,
      ...[["proto", "HTTP/1.1"], ["scenario", "default"], ["status", "200"], ["url", url]] as const,
    ],
  };
}

function emptyBatch(length: number): SampleBatch {
  return {
    length,
    series: new Uint32Array(length),
    times: new Float64Array(length),
    values: new Float64Array(length),
    metadata: null,
    newMetrics: [],
    newSeries: [],
  };
}

/** Samples of all series by turns, as requests leave them: connections are kept and plain. */
function fill({ length, series, times, values }: SampleBatch, samplesBefore: number, nowMs: number): void {
  for (let i = 0; i < length; i++) {
    const id = (samplesBefore + i) % SERIES;
    const metric = METRICS[id % METRICS.length]!;
    series[i] = id;
    times[i] = nowMs + i / SAMPLES_PER_SECOND * 1000;
    values[i] = metric === "http_reqs"
      ? 1
      : /failed|connecting|handshaking/.test(metric)
      ? 0
      : LATENCIES[samplesBefore * 31 + i & LATENCIES.length - 1]!;
  }
}
