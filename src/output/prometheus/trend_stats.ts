/** The statistics of a Trend that become time series of their own: `avg`, `min`, `med`, `max`, `count`, `sum` and `p(x)`. */

import type { TrendSink } from "../../metrics/sinks.ts";

/** One statistic: its suffix in the metric's name, its value, and whether a time-kind trend's value goes from ms to s. */
export interface TrendStat {
  /** For example `p95` in `k6_http_req_duration_p95`. */
  readonly suffix: string;
  readonly read: (sink: TrendSink) => number;
  /** False for `count`, which has no unit. (k6 divides it too, its issue 4582.) */
  readonly hasUnit: boolean;
}

/** What a user may write, for error messages. */
export const trendStatNames = "avg, min, med, max, count, sum and p(x) with x from 0 to 100";

/** The statistic of that name, or null. `p(99.9)` gets the suffix `p999`, as in k6. */
export function parseTrendStat(name: string): TrendStat | null {
  const simple = simpleStats.get(name);
  if (simple !== undefined) return simple;
  const percentile = /^p\((\d+(?:\.\d+)?)\)$/.exec(name)?.[1];
  if (percentile === undefined || Number(percentile) > 100) return null;
  const quantile = Number(percentile) / 100;
  return { suffix: `p${percentile.replace(".", "")}`, read: (sink) => sink.quantile(quantile), hasUnit: true };
}

const simpleStats: ReadonlyMap<string, TrendStat> = new Map([
  ["avg", { suffix: "avg", read: (sink: TrendSink) => sink.avg, hasUnit: true }],
  ["min", { suffix: "min", read: (sink: TrendSink) => sink.min, hasUnit: true }],
  ["med", { suffix: "med", read: (sink: TrendSink) => sink.quantile(0.5), hasUnit: true }],
  ["max", { suffix: "max", read: (sink: TrendSink) => sink.max, hasUnit: true }],
  ["count", { suffix: "count", read: (sink: TrendSink) => sink.count, hasUnit: false }],
  ["sum", { suffix: "sum", read: (sink: TrendSink) => sink.sum, hasUnit: true }],
]);
