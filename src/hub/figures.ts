/** Pushed values added up: of several pushes for one window, of the windows of a run, of the series of a metric. */

import type { Samples, TrendValue } from "./metric_set.ts";
import { boundsOf, bucketsOf } from "./trend_buckets.ts";

/** What is known of a metric for some time, one shape for each type. */
export type Figures = CounterFigures | GaugeFigures | RateFigures | TrendFigures;

/** The sum of all values. */
export interface CounterFigures {
  readonly type: "counter";
  sum: number;
}

/** `last` is of the latest window; the average is `sum / count`. */
export interface GaugeFigures {
  readonly type: "gauge";
  last: number;
  lastAtEpochSeconds: number;
  count: number;
  min: number;
  max: number;
  sum: number;
}

/** How many samples were not zero. */
export interface RateFigures {
  readonly type: "rate";
  nonzero: number;
  total: number;
}

/** A histogram: counts by bucket, of values below 0 and beyond the last bucket. */
export interface TrendFigures {
  readonly type: "trend";
  count: number;
  sum: number;
  min: number;
  max: number;
  low: number;
  high: number;
  readonly buckets: Map<number, number>;
}

/** The figures of each value, with the start of its window. */
export function figuresOf(samples: Samples): [atEpochSeconds: number, figures: Figures][] {
  switch (samples.type) {
    case "counter":
      return samples.values.map(({ time, value }) => [time.seconds, { type: "counter", sum: value }]);
    case "gauge":
      return samples.values.map(({ time: { seconds }, last, count, min, max, avg }) => [
        seconds,
        { type: "gauge", last, lastAtEpochSeconds: seconds, count, min, max, sum: avg * count },
      ]);
    case "rate":
      return samples.values.map(({ time, nonzeroCount, totalCount }) => [
        time.seconds,
        { type: "rate", nonzero: nonzeroCount, total: totalCount },
      ]);
    case "trend":
      return samples.values.map((value) => [value.time.seconds, trendFigures(value)]);
  }
}

/** Adds figures of the same type to `into`; of two gauges of one window the second counts as the later one. */
export function addFigures(into: Figures, more: Figures): void {
  // Each case for itself, because figures are only added to their own kind.
  if (into.type === "counter" && more.type === "counter") into.sum += more.sum;
  else if (into.type === "gauge" && more.type === "gauge") addGauge(into, more);
  else if (into.type === "rate" && more.type === "rate") {
    into.nonzero += more.nonzero;
    into.total += more.total;
  } else if (into.type === "trend" && more.type === "trend") addTrend(into, more);
  else throw new TypeError(`Cannot add a ${more.type} to a ${into.type}`);
}

/** The sum of all; null of none. */
export function sumOfFigures(all: Iterable<Figures>): Figures | null {
  let sum: Figures | null = null;
  for (const figures of all) {
    if (sum === null) sum = structuredClone(figures);
    else addFigures(sum, figures);
  }
  return sum;
}

/** The value below which the share `q` (0 … 1) of the values lies, right within 0.8 % or a microsecond; values beyond the buckets count as the extremes. */
export function quantile(trend: TrendFigures, q: number): number {
  const rank = q * (trend.count - 1);
  const below = valueAt(trend, Math.floor(rank));
  const above = valueAt(trend, Math.ceil(rank));
  return below + (above - below) * (rank - Math.floor(rank));
}

function trendFigures(value: TrendValue): TrendFigures {
  const { count, sum, min, max, extraLow, extraHigh } = value;
  return { type: "trend", count, sum, min, max, low: extraLow ?? 0, high: extraHigh ?? 0, buckets: bucketsOf(value) };
}

function addGauge(into: GaugeFigures, more: GaugeFigures): void {
  if (more.lastAtEpochSeconds >= into.lastAtEpochSeconds) {
    into.last = more.last;
    into.lastAtEpochSeconds = more.lastAtEpochSeconds;
  }
  into.count += more.count;
  into.sum += more.sum;
  into.min = Math.min(into.min, more.min);
  into.max = Math.max(into.max, more.max);
}

function addTrend(into: TrendFigures, more: TrendFigures): void {
  into.count += more.count;
  into.sum += more.sum;
  into.min = Math.min(into.min, more.min);
  into.max = Math.max(into.max, more.max);
  into.low += more.low;
  into.high += more.high;
  for (const [bucket, count] of more.buckets) into.buckets.set(bucket, (into.buckets.get(bucket) ?? 0) + count);
}

function valueAt({ buckets, low, min, max }: TrendFigures, rank: number): number {
  let before = low;
  if (rank < before) return min;
  for (const bucket of [...buckets.keys()].sort((a, b) => a - b)) {
    before += buckets.get(bucket) ?? 0;
    if (rank >= before) continue;
    const { from, to } = boundsOf(bucket);
    return Math.min(Math.max((from + to) / 2, min), max);
  }
  return max;
}
