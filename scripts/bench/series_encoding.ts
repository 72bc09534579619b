/**
 * 100,000 time series with the tags of HTTP requests through the remote-write output's own work, in a process of its own: samples
 * to states, states to requests of both versions. Prints one line of JSON.
 */

import { MetricRegistry } from "../../src/metrics/registry.ts";
import type { SampleBatch } from "../../src/metrics/types.ts";
import { createRequestEncoder, type ProtocolVersion } from "../../src/output/prometheus/request_encoders.ts";
import { DEFAULT_SERIES_OPTIONS, encodeState, SeriesStates } from "../../src/output/prometheus/series_state.ts";
import { parseTrendStat } from "../../src/output/prometheus/trend_stats.ts";

/** What the parent process reads. */
export interface SeriesEncodingResult {
  /** Protobuf and snappy. */
  readonly seriesPerSecond: Readonly<Record<ProtocolVersion, number>>;
  /** How long making one request keeps the main thread, at worst, the first ones included. */
  readonly longestRequestMs: number;
  readonly nanosecondsPerSample: number;
  /** Heap and buffers of the registry, the states and the encoder of version 1.0. */
  readonly bytesPerSeries: number;
}

const SERIES = 100_000;
const ROUNDS = 10;
const REQUEST_SIZE = 1000;
const BATCH_SIZE = 8000;
const METRICS = ["http_reqs", "http_req_duration", "http_req_waiting", "http_req_failed", "data_sent"];

if (import.meta.main) {
  const result: SeriesEncodingResult = { ...measure() };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
}

function measure(): SeriesEncodingResult {
  const registry = new MetricRegistry(() => {});
  const trendStats = [parseTrendStat("p(99)")].filter((stat) => stat !== null);
  const states = new SeriesStates(registry.series, { ...DEFAULT_SERIES_OPTIONS, trendStats }, () => {});
  const ids = METRICS.map((name) => registry.metric(name)!.id);
  const bytesBefore = usedBytes();
  for (let first = 0; first < SERIES; first += BATCH_SIZE) {
    const batch = columns(first, Math.min(BATCH_SIZE, SERIES - first));
    const newSeries = Array.from(batch.series, (id) => ({
      id,
      metric: ids[id % METRICS.length]!,
      tags: tagsOf(Math.floor(id / METRICS.length)),
    }));
    // As batches come from workers: with texts of their own.
    states.addSamples(registry.ingest(0, structuredClone({ ...batch, newSeries })));
  }
  const longest = { ms: 0 };
  const encodeV1 = encoding(states, "1.0", longest);
  encodeV1();
  const bytesPerSeries = (usedBytes() - bytesBefore) / SERIES;
  const encodeV2 = encoding(states, "2.0", longest);
  encodeV2();

  let samplesMs = 0;
  const times: Record<ProtocolVersion, number> = { "1.0": 0, "2.0": 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const batches: SampleBatch[] = [];
    for (let first = 0; first < SERIES; first += BATCH_SIZE) {
      batches.push(registry.ingest(0, columns(first, Math.min(BATCH_SIZE, SERIES - first))));
    }
    const startedMs = performance.now();
    for (const batch of batches) states.addSamples(batch);
    samplesMs += performance.now() - startedMs;
    times["1.0"] += encodeV1();
    times["2.0"] += encodeV2();
  }
  const perSecond = (ms: number) => SERIES * ROUNDS / ms * 1000;
  return {
    seriesPerSecond: { "1.0": perSecond(times["1.0"]), "2.0": perSecond(times["2.0"]) },
    longestRequestMs: longest.ms,
    nanosecondsPerSample: samplesMs * 1e6 / (SERIES * ROUNDS),
    bytesPerSeries,
  };
}

/** A function that makes requests of all states and returns how many milliseconds it took. */
function encoding(states: SeriesStates, version: ProtocolVersion, longest: { ms: number }): () => number {
  const encoder = createRequestEncoder(version, { metadata: true });
  const all = states.takeQueue();
  states.putBack(all);
  return () => {
    const startedMs = performance.now();
    for (let next = 0; next < all.length;) {
      const requestStartedMs = performance.now();
      for (; next < all.length && encoder.length < REQUEST_SIZE; next++) {
        const state = all[next]!;
        state.sentMs = state.newestMs;
        encodeState(state, encoder);
      }
      encoder.finish();
      longest.ms = Math.max(longest.ms, performance.now() - requestStartedMs);
    }
    return performance.now() - startedMs;
  };
}

/** One sample of each of some series, as a worker sends them. */
function columns(first: number, length: number): SampleBatch {
  const now = Date.now();
  return {
    length,
    series: Uint32Array.from({ length }, (_, i) => first + i),
    times: Float64Array.from({ length }, (_, i) => now + i / length),
    values: Float64Array.from({ length }, (_, i) => 1.5 + i % 500),
    metadata: null,
    newMetrics: [],
    newSeries: [],
  };
}

function tagsOf(item: number): SampleBatch["newSeries"][number]["tags"] {
  return [
    ["expected_response", "true"],
    ["group", ""],
    ["method", "GET"],
    ["name", `https://shop.example/items/${item}`],
    ["proto", "HTTP/1.1"],
    ["scenario", "default"],
    ["status", "200"],
    ["url", `https://shop.example/items/${item}`],
  ];
}

function usedBytes(): number {
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
