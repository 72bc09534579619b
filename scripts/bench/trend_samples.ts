/**
 * 30 million samples through one Trend, in a process of its own; prints one line of JSON.
 * The values are a known distribution in a scrambled order, so that every quantile is known without keeping them.
 */

import { createSink } from "../../src/metrics/sinks.ts";

/** What the parent process reads. */
export interface TrendSamplesResult {
  readonly rssGrowthBytes: number;
  readonly nanosecondsPerSample: number;
  /** Largest of |estimate − exact| / exact over p50, p95, p99 and p99.9. */
  readonly worstRelativeError: number;
}

const SAMPLES = 30_000_000;
/** Coprime to SAMPLES: i ↦ i·STEP mod SAMPLES visits each rank once. */
const STEP = 18_541_019;
const QUANTILES = [0.5, 0.95, 0.99, 0.999];

/** The value at a rank of 0 to 1: 0.2 ms to 600 ms, long-tailed as latencies are. */
function valueAt(rank: number): number {
  return 0.2 * Math.exp(8 * rank);
}

if (import.meta.main) {
  const sink = createSink("trend");
  if (!("quantile" in sink)) throw new Error("a trend's sink has no quantiles");
  fill(createSink("trend"), 100_000);

  const before = Deno.memoryUsage().rss;
  const startedAt = performance.now();
  fill(sink, SAMPLES);
  const elapsedMs = performance.now() - startedAt;
  const rssGrowthBytes = Deno.memoryUsage().rss - before;

  const result: TrendSamplesResult = {
    rssGrowthBytes,
    nanosecondsPerSample: elapsedMs * 1e6 / SAMPLES,
    worstRelativeError: Math.max(...QUANTILES.map((q) => Math.abs(sink.quantile(q) / valueAt(q) - 1))),
  };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
}

/** Adds the first `count` values of the scrambled order: some of them to warm up, or all. */
function fill(sink: { add(value: number, atEpochMs: number): void }, count: number): void {
  for (let i = 0, rank = 0; i < count; i++) {
    sink.add(valueAt(rank / SAMPLES), i);
    rank += STEP;
    if (rank >= SAMPLES) rank -= SAMPLES;
  }
}
