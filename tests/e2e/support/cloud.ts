/** k6d against a contract server as its cloud: what the cloud was told, beside what the user was. */

import type { MetricType } from "../../../src/metrics/types.ts";
import type { MetricData } from "../../../src/summary/data.ts";
import { ACCOUNT, type ContractServer } from "../../support/cloud/contract_server.ts";

/** Variables for a run whose cloud is the server. */
export function cloudEnvironment(
  { origin, tailUrl }: Pick<ContractServer, "origin" | "tailUrl">,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    K6_CLOUD_HOST: origin,
    K6_CLOUD_HOST_V6: origin,
    K6_CLOUD_WEB_APP_URL: origin,
    K6_CLOUD_LOGS_TAIL_URL: tailUrl,
    K6_CLOUD_TOKEN: ACCOUNT.token,
    K6_CLOUD_TRACES_ENABLED: "false",
    ...more,
  };
}

/** Windows that leave within a second or two instead of nine, for runs whose pushes a test waits for. */
export const SHORT_WINDOWS: Readonly<Record<string, string>> = {
  K6_CLOUD_AGGREGATION_PERIOD: "1s",
  K6_CLOUD_AGGREGATION_WAIT_PERIOD: "1s",
  K6_CLOUD_METRIC_PUSH_INTERVAL: "200ms",
};

/** Flags that write a summary with all that can be compared. */
export const EXPORT_SUMMARY: readonly string[] = [
  "--summary-export=summary.json",
  "--summary-trend-stats=avg,min,med,max,p(90),p(99),count",
];

/** The metrics of the summary that `EXPORT_SUMMARY` had written into a run's folder, in the shape of `handleSummary(data)`. */
export async function exportedMetrics(folder: string): Promise<Record<string, MetricData>> {
  const { metrics } = JSON.parse(await Deno.readTextFile(`${folder}/summary.json`)) as {
    readonly metrics: Readonly<Record<string, ExportedMetric>>;
  };
  return Object.fromEntries(
    Object.entries(metrics).map(([name, { thresholds = {}, ...values }]) => {
      const outcomes = Object.entries(thresholds).map(([expression, failed]) => [expression, { ok: !failed }]);
      return [name, { type: typeOf(values), contains: "default", values, thresholds: Object.fromEntries(outcomes) }];
    }),
  );
}

/** The statistics of a metric, and whether each of its thresholds has failed. */
type ExportedMetric = Readonly<Record<string, number>> & {
  readonly thresholds?: Readonly<Record<string, boolean>>;
};

/** The exported summary names no types, but each has fields of its own. */
function typeOf(values: Readonly<Record<string, number>>): MetricType {
  if ("passes" in values) return "rate";
  if ("value" in values) return "gauge";
  return "rate" in values ? "counter" : "trend";
}

/** What the summaries of several instances say together: of gauges, the last value is the first one's. */
export function sumOfMetrics(all: readonly Readonly<Record<string, MetricData>>[]): Record<string, MetricData> {
  const names = new Set(all.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries(
    Array.from(names, (name) => {
      const [first, ...others] = all.flatMap((metrics) => metrics[name] ?? []);
      return [name, others.reduce(addMetric, first!)];
    }),
  );
}

/** Quantiles of a whole can't be told from those of its parts. */
function addMetric(into: MetricData, { values: more }: MetricData): MetricData {
  const { type, values } = into;
  const sum = (name: string) => (values[name] ?? 0) + (more[name] ?? 0);
  const least = Math.min(values["min"] ?? Infinity, more["min"] ?? Infinity);
  const greatest = Math.max(values["max"] ?? -Infinity, more["max"] ?? -Infinity);
  switch (type) {
    case "counter":
      return { ...into, values: { count: sum("count") } };
    case "rate":
      return { ...into, values: { passes: sum("passes"), fails: sum("fails") } };
    case "gauge":
      return { ...into, values: { value: values["value"] ?? NaN, min: least, max: greatest } };
    case "trend":
      return { ...into, values: { count: sum("count"), min: least, max: greatest, avg: average(values, more) } };
  }
}

function average(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): number {
  const total = (values: Readonly<Record<string, number>>) => (values["avg"] ?? 0) * (values["count"] ?? 0);
  return (total(one) + total(other)) / ((one["count"] ?? 0) + (other["count"] ?? 0));
}

/** Cases wait more than they compute, so a few run beside each other. */
export async function severalAtATime<Case>(
  cases: readonly Case[],
  check: (one: Case) => Promise<unknown>,
): Promise<void> {
  const waiting = cases.values();
  const lane = async () => {
    for (const one of waiting) await check(one);
  };
  await Promise.all(Array.from({ length: 6 }, lane));
}
