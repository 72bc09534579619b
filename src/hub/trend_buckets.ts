/** The buckets of a pushed trend's histogram: 256 of width 1, then 128 for each power of two, in units of the resolution. */

import type { BucketSpan, TrendValue } from "./metric_set.ts";

/** The one resolution there is. */
export const RESOLUTION = 0.001;

/** Index of the last bucket, the one of 2⁶³. */
export const LAST_BUCKET = 7296;

/** Index of the bucket that counts a value ≥ 0. */
export function bucketOf(value: number): number {
  const units = Math.ceil(value / RESOLUTION);
  if (units < 256) return units;
  let scale = 1;
  let doublings = 0;
  while (units / scale >= 256) {
    scale *= 2;
    doublings++;
  }
  return doublings * 128 + Math.floor(units / scale);
}

/** Bounds of a bucket: it counts values above `from` and up to `to`. */
export function boundsOf(bucket: number): { readonly from: number; readonly to: number } {
  const doublings = Math.max(0, Math.floor(bucket / 128) - 1);
  const scale = 2 ** doublings;
  const first = (bucket - doublings * 128) * scale;
  return { from: (first - 1) * RESOLUTION, to: (first + scale - 1) * RESOLUTION };
}

/** Counts by bucket. What of the spans and counters doesn't fit together is missing; `metric_set_rules.ts` finds it. */
export function bucketsOf({ spans, counters }: Pick<TrendValue, "spans" | "counters">): Map<number, number> {
  const counts = new Map<number, number>();
  let next = 0;
  for (const bucket of bucketsIn(spans, counters.length)) {
    const count = counters[next++] ?? 0;
    counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  }
  return counts;
}

/** At most `limit` of them, whatever the spans claim. */
function* bucketsIn(spans: readonly BucketSpan[], limit: number): Generator<number> {
  let bucket = 0;
  let left = limit;
  for (const { offset, length } of spans) {
    bucket += offset;
    for (let i = 0; i < length && left > 0; i++, left--) yield bucket++;
  }
}
