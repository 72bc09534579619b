/**
 * 100,000 time series with the tags of HTTP requests through the OpenTelemetry output's own work, in a process of its own: samples
 * to streams, streams to messages. Prints one line of JSON.
 */

import { MetricRegistry } from "../../src/metrics/registry.ts";
import { ExportRequests } from "../../src/output/opentelemetry/export_requests.ts";
import { Instruments } from "../../src/output/opentelemetry/instruments.ts";
import { firstBatches, laterBatches, SERIES, usedBytes } from "./series_batches.ts";

/** What the parent process reads. */
export interface OtlpEncodingResult {
  readonly pointsPerSecond: number;
  /** How long making one message keeps the main thread, at worst, the first ones included. */
  readonly longestMessageMs: number;
  readonly nanosecondsPerSample: number;
  /** Heap and buffers of the registry and the streams. */
  readonly bytesPerSeries: number;
  /** Of all messages of an export. */
  readonly bytesPerPoint: number;
}

const ROUNDS = 10;

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(measure())}\n`));
}

function measure(): OtlpEncodingResult {
  const registry = new MetricRegistry(() => {});
  const bytesBefore = usedBytes();
  const instruments = new Instruments(registry.series, "", () => {});
  for (const batch of firstBatches(registry)) instruments.addSamples(batch);
  const requests = new ExportRequests(instruments.all, [["service.name", "k6"]], Date.now());
  const first = encodeAll(requests);
  const bytesPerSeries = (usedBytes() - bytesBefore) / SERIES;

  let samplesMs = 0;
  let encodingMs = 0;
  let longestMessageMs = first.longestMs;
  for (let round = 0; round < ROUNDS; round++) {
    const batches = laterBatches(registry);
    const startedMs = performance.now();
    for (const batch of batches) instruments.addSamples(batch);
    samplesMs += performance.now() - startedMs;
    const { tookMs, longestMs } = encodeAll(requests);
    encodingMs += tookMs;
    longestMessageMs = Math.max(longestMessageMs, longestMs);
  }
  return {
    pointsPerSecond: first.points * ROUNDS / encodingMs * 1000,
    longestMessageMs,
    nanosecondsPerSample: samplesMs * 1e6 / (SERIES * ROUNDS),
    bytesPerSeries,
    bytesPerPoint: first.bytes / first.points,
  };
}

/** Makes all messages of one export. */
function encodeAll(requests: ExportRequests): { tookMs: number; longestMs: number; points: number; bytes: number } {
  const total = { tookMs: 0, longestMs: 0, points: 0, bytes: 0 };
  requests.restart();
  for (;;) {
    const startedMs = performance.now();
    const request = requests.next(Date.now());
    const tookMs = performance.now() - startedMs;
    if (request === null) return total;
    total.tookMs += tookMs;
    total.longestMs = Math.max(total.longestMs, tookMs);
    total.points += request.points;
    total.bytes += request.body.length;
  }
}
