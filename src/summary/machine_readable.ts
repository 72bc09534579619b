/** k6's new machine-readable summary (`--new-machine-readable-summary`), version 1.0.0 of its schema. */

import type { MetricValues, SummaryCheck, SummaryInput } from "./summary_input.ts";
import { shownMetrics } from "./text.ts";

/** What the summary says of the test itself. */
export interface TestMetadata {
  readonly generatedAt: Date;
  readonly version: string;
  /** The script as it was named on the command line. */
  readonly script: string;
}

/** The summary as an object whose keys come in k6's (alphabetical) order. */
export function machineReadableSummary(input: SummaryInput, test: TestMetadata): Record<string, unknown> {
  const { checks, metrics } = input.total;
  const { mode, trendStats } = input.options;
  return {
    config: { duration: input.durationMs / 1000, execution: "local", script: test.script },
    metadata: { generated_at: test.generatedAt.toISOString(), k6_version: test.version },
    results: {
      ...(checks.length === 0 ? {} : {
        checks: {
          metrics: checkTotals(checks),
          results: checks.map(({ fails, name, passes }) => ({ fails, name, passes })),
        },
      }),
      metrics: shownMetrics(metrics, mode)
        .map(({ contains, name, values }) => ({
          contains,
          name,
          type: values.type,
          values: valuesOf(values, trendStats),
        })),
    },
    version: "1.0.0",
  };
}

function checkTotals(checks: readonly SummaryCheck[]) {
  let passes = 0;
  let total = 0;
  for (const check of checks) {
    passes += check.passes;
    total += check.passes + check.fails;
  }
  const rate = (name: string, matches: number) => ({
    contains: "default",
    name,
    type: "rate",
    values: { matches, rate: matches / total, total },
  });
  return [
    { contains: "default", name: "checks_total", type: "counter", values: { count: total } },
    rate("checks_failed", total - passes),
    rate("checks_succeeded", passes),
  ];
}

/** Trend statistics have names of their own here; the others can't be expressed. */
const TREND_NAMES = [["avg", "avg"], ["max", "max"], ["med", "med"], ["min", "min"], ["p90", "p(90)"], [
  "p95",
  "p(95)",
]];

function valuesOf(values: MetricValues, trendStats: readonly string[]): Record<string, number> {
  switch (values.type) {
    case "counter":
      return { count: values.count };
    case "gauge":
      return { max: values.max, min: values.min, value: values.value };
    case "rate": {
      const total = values.passes + values.fails;
      return { matches: values.passes, rate: total === 0 ? 0 : values.passes / total, total };
    }
    case "trend":
      return Object.fromEntries(
        TREND_NAMES.filter(([, stat]) => trendStats.includes(stat!)).map(([name, stat]) => [name!, values.stat(stat!)]),
      );
  }
}
