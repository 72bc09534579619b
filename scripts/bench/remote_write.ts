/**
 * Measures the remote-write output alone: what one sample costs on the main thread, and how long a flush of 20,000 series to a
 * real Prometheus takes, how much of that is encoding, and for how long at a stretch it keeps the main thread from its work.
 * Run with `deno run -A scripts/bench/remote_write.ts`; needs Debian's package `prometheus`.
 */

import { MetricRegistry } from "../../src/metrics/registry.ts";
import type { SampleBatch } from "../../src/metrics/types.ts";
import { createOutput } from "../../src/output/outputs.ts";
import { DEFAULT_SERIES_OPTIONS, encodeState, SeriesStates } from "../../src/output/prometheus/series_state.ts";
import { parseTrendStat, type TrendStat } from "../../src/output/prometheus/trend_stats.ts";
import { WriteRequestEncoder } from "../../src/output/prometheus/write_request.ts";
import { findProgram, prometheus } from "../../tests/support/debian.ts";
import { startPrometheus } from "../../tests/support/prometheus.ts";

const SERIES = 20_000;
const BATCH_SIZE = 1000;
const SAMPLES = 8192;
const METRICS = ["http_reqs", "http_req_duration", "http_req_failed", "vus"];

const path = findProgram(prometheus);
if (path === null) {
  print("needs Prometheus: apt-get install prometheus");
  Deno.exit(1);
}
measureSamples();
measureEncoding();
await measureFlush(path);

/** 300 batches over 100 series, as from a busy worker. */
function measureSamples(): void {
  const registry = new MetricRegistry(() => {});
  const states = new SeriesStates(registry.series, { ...DEFAULT_SERIES_OPTIONS, trendStats: trendStats() }, () => {});
  const first = registry.ingest(0, firstBatch(100));
  states.addSamples(first);
  const batch = registry.ingest(0, { ...first, ...columns(SAMPLES, 100), newSeries: [] });
  const rounds = 300;
  let startedMs = 0;
  for (let round = -20; round < rounds; round++) {
    if (round === 0) startedMs = performance.now();
    states.addSamples(batch);
  }
  const perSampleNs = (performance.now() - startedMs) / (rounds * SAMPLES) * 1e6;
  print(`a sample on the main thread       ${perSampleNs.toFixed(1)} ns`);
}

/** All series through the encoder and snappy, in requests of the usual size. */
function measureEncoding(): void {
  const registry = new MetricRegistry(() => {});
  const states = new SeriesStates(registry.series, { ...DEFAULT_SERIES_OPTIONS, trendStats: trendStats() }, () => {});
  states.addSamples(registry.ingest(0, firstBatch(SERIES)));
  const encoder = new WriteRequestEncoder({ metadata: true });
  const queue = states.takeQueue();
  for (const state of queue) state.sentMs = state.newestMs;
  for (const temperature of ["cold", "warm"]) {
    let bytes = 0;
    let longestMs = 0;
    const startedMs = performance.now();
    for (let next = 0; next < queue.length; next += BATCH_SIZE) {
      const requestStartedMs = performance.now();
      for (const state of queue.slice(next, next + BATCH_SIZE)) encodeState(state, encoder);
      bytes += encoder.finish().length;
      longestMs = Math.max(longestMs, performance.now() - requestStartedMs);
    }
    const tookMs = performance.now() - startedMs;
    print(
      `encoding ${SERIES} series (${temperature})     ${tookMs.toFixed(0)} ms, longest stretch ${
        longestMs.toFixed(1)
      } ms, ` +
        `${(bytes / 1024).toFixed(0)} KiB`,
    );
  }
}

/** One flush to a real Prometheus, with the stale markers after it; a timer beside it feels the main thread's stalls. */
async function measureFlush(path: string): Promise<void> {
  await using server = await startPrometheus(path);
  const registry = new MetricRegistry(() => {});
  const complaints: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn: (message: string) => complaints.push(message),
    error: (message: string) => complaints.push(message),
  };
  const output = createOutput(`prometheus-rw=url=${server.writeUrl},pushInterval=1h,staleMarkers=false`, {
    env: {},
    collectors: {},
    features: [],
    options: {},
    registry,
    log,
    version: "bench",
  });
  await output.start();
  output.addSamples(registry.ingest(0, firstBatch(SERIES)));
  let longestMs = 0;
  let lastMs = performance.now();
  const pulse = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs - 1);
    lastMs = performance.now();
  }, 1);
  const startedMs = performance.now();
  await output.stop();
  const tookMs = performance.now() - startedMs;
  clearInterval(pulse);
  const stored = await server.query('count({__name__=~"k6_.+"})');
  print(
    `flush of ${SERIES} series to Prometheus  ${tookMs.toFixed(0)} ms, longest stall ${longestMs.toFixed(1)} ms; ` +
      `${stored[0]?.value} series found there ${complaints.join("; ")}`,
  );
}

/** One sample of each of `count` series: four metrics with the tags of an HTTP request. */
function firstBatch(count: number): SampleBatch {
  const definitions = METRICS.map((name) => new MetricRegistry(() => {}).metric(name)!);
  return {
    ...columns(count, count),
    metadata: null,
    newMetrics: [],
    newSeries: Array.from({ length: count }, (_, id) => ({
      id,
      metric: definitions[id % METRICS.length]!.id,
      tags: [
        ["expected_response", "true"],
        ["group", "::checkout"],
        ["method", "GET"],
        ["name", `https://shop.example/items/${Math.floor(id / METRICS.length)}`],
        ["proto", "HTTP/1.1"],
        ["scenario", "default"],
        ["status", "200"],
        ["url", `https://shop.example/items/${Math.floor(id / METRICS.length)}`],
      ] as const,
    })),
  };
}

function columns(length: number, series: number): Pick<SampleBatch, "length" | "series" | "times" | "values"> {
  const now = Date.now();
  return {
    length,
    series: Uint32Array.from({ length }, (_, i) => i % series),
    times: Float64Array.from({ length }, (_, i) => now + i / length),
    values: Float64Array.from({ length }, (_, i) => 1 + i % 500),
  };
}

function trendStats(): TrendStat[] {
  return [parseTrendStat("p(99)")].filter((stat) => stat !== null);
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
