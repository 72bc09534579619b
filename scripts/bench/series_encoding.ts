/**
 * 100,000 time series with the tags of HTTP requests through the remote-write output's own work, in a process of its own: samples
 * to states, states to requests of both versions. Prints one line of JSON.
 */

import { MetricRegistry } from "../../src/metrics/registry.ts";
import { createRequestEncoder, type ProtocolVersion } from "../../src/output/prometheus/request_encoders.ts";
import { DEFAULT_SERIES_OPTIONS, encodeState, SeriesStates } from "../../src/output/prometheus/series_state.ts";
import { parseTrendStat } from "../../src/output/prometheus/trend_stats.ts";
import { firstBatches, laterBatches, SERIES, usedBytes } from "./series_batches.ts";

/** What the parent process reads. */
export interface SeriesEncodingResult {
  /** Protobuf and snappy. */
  readonly seriesPerSecond: Readonly<Record<ProtocolVersion, number>>;
  /** How long making a request of 1000 series keeps the main thread: 99 of 100 take less, the first ones included. */
  readonly requestMsP99: number;
  readonly nanosecondsPerSample: number;
  /** Heap and buffers of the registry, the states and the encoder of version 1.0. */
  readonly bytesPerSeries: number;
}

const ROUNDS = 10;
const REQUEST_SIZE = 1000;

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(measure())}\n`));
}

function measure(): SeriesEncodingResult {
  const registry = new MetricRegistry(() => {});
  const trendStats = [parseTrendStat("p(99)")].filter((stat) => stat !== null);
  const states = new SeriesStates(registry.series, { ...DEFAULT_SERIES_OPTIONS, trendStats }, () => {});
  const bytesBefore = usedBytes();
  for (const batch of firstBatches(registry)) states.addSamples(batch);
  const requestsMs: number[] = [];
  const encodeV1 = encoding(states, "1.0", requestsMs);
  encodeV1();
  const bytesPerSeries = (usedBytes() - bytesBefore) / SERIES;
  const encodeV2 = encoding(states, "2.0", requestsMs);
  encodeV2();

  let samplesMs = 0;
  const times: Record<ProtocolVersion, number> = { "1.0": 0, "2.0": 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const batches = laterBatches(registry);
    const startedMs = performance.now();
    for (const batch of batches) states.addSamples(batch);
    samplesMs += performance.now() - startedMs;
    times["1.0"] += encodeV1();
    times["2.0"] += encodeV2();
  }
  const perSecond = (ms: number) => SERIES * ROUNDS / ms * 1000;
  return {
    seriesPerSecond: { "1.0": perSecond(times["1.0"]), "2.0": perSecond(times["2.0"]) },
    requestMsP99: requestsMs.sort((a, b) => a - b)[Math.floor(requestsMs.length * 0.99)] ?? NaN,
    nanosecondsPerSample: samplesMs * 1e6 / (SERIES * ROUNDS),
    bytesPerSeries,
  };
}

/** A function that makes requests of all states and returns how many milliseconds it took. */
function encoding(states: SeriesStates, version: ProtocolVersion, requestsMs: number[]): () => number {
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
      requestsMs.push(performance.now() - requestStartedMs);
    }
    return performance.now() - startedMs;
  };
}
