/** Samples of 100,000 time series with the tags of HTTP requests, for benches of outputs. */

import type { MetricRegistry } from "../../src/metrics/registry.ts";
import type { SampleBatch } from "../../src/metrics/types.ts";

/** How many series there are. */
export const SERIES = 100_000;

const BATCH_SIZE = 8000;
const METRICS = ["http_reqs", "http_req_duration", "http_req_waiting", "http_req_failed", "data_sent"];

/** The first samples of all series, one of each, in batches as they come from workers: with texts of their own. */
export function* firstBatches(registry: MetricRegistry): Generator<SampleBatch> {
  const ids = METRICS.map((name) => registry.metric(name)!.id);
  for (let first = 0; first < SERIES; first += BATCH_SIZE) {
    const batch = columns(first, Math.min(BATCH_SIZE, SERIES - first));
    const newSeries = Array.from(batch.series, (id) => ({
      id,
      metric: ids[id % METRICS.length]!,
      tags: tagsOf(Math.floor(id / METRICS.length)),
    }));
    yield registry.ingest(0, structuredClone({ ...batch, newSeries }));
  }
}

/** One more sample of each series. */
export function laterBatches(registry: MetricRegistry): SampleBatch[] {
  const batches: SampleBatch[] = [];
  for (let first = 0; first < SERIES; first += BATCH_SIZE) {
    batches.push(registry.ingest(0, columns(first, Math.min(BATCH_SIZE, SERIES - first))));
  }
  return batches;
}

/** Heap and buffers after a garbage collection; needs `--expose-gc`. */
export function usedBytes(): number {
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
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
