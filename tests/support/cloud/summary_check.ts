/** Whether a cloud has been told the same as the user: totals of all pushes against the end-of-test summary. */

import { type Figures, quantile, type TrendFigures } from "../../../src/hub/figures.ts";
import { isSubMetricKey, parseSubMetricKey } from "../../../src/metrics/sub_metric_selector.ts";
import type { MetricData } from "../../../src/summary/data.ts";
import type { ContractServer } from "./contract_server.ts";

/** Buckets are 0.8 % wide, those of the summary 0.1 %, and both at least a microsecond. */
const QUANTILE_TOLERANCE = 0.01;
const QUANTILE_SLACK = 0.002;

/** Sums of the same numbers in another order. */
const SUM_TOLERANCE = 1e-9;

/**
 * Every difference between a run's pushes and `metrics` as `handleSummary(data)` has them, sub-metrics among them; none for a
 * correct output. Counters, rates, gauges and the extremes of trends must be equal, averages but for rounding, quantiles
 * within the width of a bucket.
 */
export async function summaryDifferences(
  server: ContractServer,
  testRunId: string,
  metrics: Readonly<Record<string, MetricData>>,
): Promise<string[]> {
  const differences: string[] = [];
  for (const [key, data] of Object.entries(metrics)) {
    const { metric, tags } = isSubMetricKey(key) ? parseSubMetricKey(key) : { metric: key, tags: [] };
    const figures = await server.totals(testRunId, metric, Object.fromEntries(tags));
    for (const [name, pushed, local] of comparisons(figures, data)) {
      if (!isSame(name, pushed, local)) {
        differences.push(`${key}: ${name} ${pushed} was pushed, the summary has ${local}`);
      }
    }
  }
  for (const metric of new Set((await server.store.series(testRunId)).map(({ metric }) => metric))) {
    if (metrics[metric] === undefined) differences.push(`${metric}: pushed, but not in the summary`);
  }
  return differences;
}

type Comparison = readonly [name: string, pushed: unknown, local: unknown];

function comparisons(figures: Figures | null, { type, values }: MetricData): Comparison[] {
  // A metric that has no samples but a threshold is in the summary alone.
  if (figures === null) {
    return Object.values(values).every((value) => value === 0) ? [] : [["series", "none", JSON.stringify(values)]];
  }
  if (figures.type !== type) return [["type", figures.type, type]];
  switch (figures.type) {
    case "counter":
      return [["sum", figures.sum, values["count"]]];
    case "gauge":
      return [["last", figures.last, values["value"]], ...ofNames(["min", "max"], figures, values)];
    case "rate":
      return [
        ["passes", figures.nonzero, values["passes"]],
        ["total", figures.total, (values["passes"] ?? NaN) + (values["fails"] ?? NaN)],
      ];
    case "trend":
      return Object.entries(values).map(([stat, local]) => [stat, trendStat(figures, stat), local]);
  }
}

function ofNames(
  names: readonly ("min" | "max")[],
  figures: Readonly<Record<"min" | "max", number>>,
  values: Readonly<Record<string, number>>,
): Comparison[] {
  return names.map((name) => [name, figures[name], values[name]]);
}

function trendStat(trend: TrendFigures, stat: string): number {
  const { count, sum, min, max } = trend;
  const percent = stat === "med" ? 50 : Number(/^p\((.*)\)$/.exec(stat)?.[1] ?? NaN);
  if (!Number.isNaN(percent)) return quantile(trend, percent / 100);
  const figure = { count, min, max, avg: sum / count, sum }[stat];
  if (figure === undefined) throw new Error(`Cannot compare the trend statistic ${stat}`);
  return figure;
}

function isSame(name: string, pushed: unknown, local: unknown): boolean {
  if (typeof pushed !== "number" || typeof local !== "number") return pushed === local;
  if (name === "med" || name.startsWith("p(")) {
    return Math.abs(pushed - local) <= QUANTILE_TOLERANCE * Math.abs(local) + QUANTILE_SLACK;
  }
  if (name === "sum" || name === "avg") return Math.abs(pushed - local) <= SUM_TOLERANCE * Math.abs(local);
  return pushed === local;
}
