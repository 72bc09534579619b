/**
 * Ten minutes of 20,000 requests a second with 500 time series through the cloud output's own work, in a process of its own: samples
 * to windows, windows to messages in the format that the argument names. Time is simulated. Prints one line of JSON.
 */

import { cpuUsage } from "node:process";
import { setImmediate } from "node:timers";
import { MetricRegistry } from "../../src/metrics/registry.ts";
import type { SampleBatch, SeriesDefinition } from "../../src/metrics/types.ts";
import { MessageWriter } from "../../src/output/cloud/metrics/metric_message.ts";
import type { MetricsFormat } from "../../src/output/cloud/metrics/metric_set_encoder.ts";
import { metricSets } from "../../src/output/cloud/metrics/metric_sets.ts";
import { type ClosedWindow, TimeWindows } from "../../src/output/cloud/metrics/time_windows.ts";
import { median } from "./report.ts";

/** What the parent process reads. */
export interface CloudMetricsResult {
  readonly nanosecondsPerSample: number;
  /** Of making messages, and compressing them. */
  readonly microsecondsPerSeries: number;
  readonly bytesPerSeries: number;
  /** The longest that a flush keeps its thread from everything else: the median of the flushes, and the first, when no code is compiled yet. */
  readonly turnMs: number;
  readonly firstTurnMs: number;
  /** The most that the process had beyond what it had at the beginning. */
  readonly rssGrowthBytes: number;
}

const SECONDS = 600;
const SERIES = 500;
const SAMPLES_PER_SECOND = 180_000;
/** Of a message. */
const MAX_SERIES = 1000;
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
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(await measure(format))}\n`));
}

async function measure(format: MetricsFormat): Promise<CloudMetricsResult> {
  const registry = new MetricRegistry(() => {});
  registry.ingest(0, {
    ...emptyBatch(0),
    newSeries: Array.from({ length: SERIES }, (_, id) => seriesOf(registry, id)),
  });
  const windows = new TimeWindows(registry.series, { periodMs: 3000, waitMs: 8000 }, () => {});
  const writer = new MessageWriter({ testRunId: "123456", periodSeconds: 3, format, compressed: true });
  const turnsMs: number[] = [];
  const batch = emptyBatch(BATCH);
  const rssBefore = Deno.memoryUsage().rss;
  let [samples, flushes, series, bytes, addingMs, writingMs, highestRss, pushedAt] = [0, 0, 0, 0, 0, 0, 0, START];
  for (let nowMs = START; nowMs < START + SECONDS * 1000; nowMs += BATCH / SAMPLES_PER_SECOND * 1000) {
    fill(batch, samples, nowMs);
    const startedMs = cpuMs();
    windows.addSamples(batch);
    addingMs += cpuMs() - startedMs;
    samples += BATCH;
    if (nowMs < pushedAt + 1000) continue;
    pushedAt = nowMs;
    const closed = windows.takeClosed(nowMs);
    if (closed.length === 0) continue;
    if (flushes++ % 10 === 0) {
      turnsMs.push(await longestTurnMs(() => writeAll(writer, closed)));
    } else {
      const startedMs = cpuMs();
      const written = await writeAll(writer, closed);
      writingMs += cpuMs() - startedMs;
      series += written.series;
      bytes += written.bytes;
    }
    highestRss = Math.max(highestRss, Deno.memoryUsage().rss);
  }
  return {
    nanosecondsPerSample: addingMs * 1e6 / samples,
    microsecondsPerSeries: writingMs * 1000 / series,
    bytesPerSeries: bytes / series,
    turnMs: median(turnsMs),
    firstTurnMs: turnsMs[0] ?? NaN,
    rssGrowthBytes: highestRss - rssBefore,
  };
}

function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

interface Written {
  readonly series: number;
  /** Not compressed. */
  readonly bytes: number;
}

async function writeAll(writer: MessageWriter, windows: readonly ClosedWindow[]): Promise<Written> {
  const written = { series: 0, bytes: 0 };
  for (const set of metricSets(windows, MAX_SERIES)) {
    const { series, encodedBytes } = await writer.write(set);
    written.series += series;
    written.bytes += encodedBytes;
  }
  return written;
}

/** The longest that `work` keeps the thread without a pause. */
async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let [longestMs, isDone] = [0, false];
  const working = work().finally(() => isDone = true);
  for (let turnedMs = performance.now(); !isDone;) {
    await new Promise((resolve) => setImmediate(resolve));
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - turnedMs);
    turnedMs = nowMs;
  }
  await working;
  return longestMs;
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
