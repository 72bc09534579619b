/** The summary as data: what `handleSummary(data)` is given, and what `--summary-export` writes. */

import { createHash } from "node:crypto";
import type { ThresholdResult } from "../metrics/thresholds.ts";
import type { MetricType, ValueType } from "../metrics/types.ts";
import type { MetricValues, SummaryCheck, SummaryGroup, SummaryInput } from "./summary_input.ts";

/** What a run knows beyond its measurements. */
export interface SummarySurroundings {
  readonly isStdOutTTY: boolean;
  readonly isStdErrTTY: boolean;
  /** What `setup()` returned, as JSON; undefined when it returned nothing. */
  readonly setupJson: string | undefined;
}

/** The argument of `handleSummary`, in k6's shape. */
export interface SummaryData {
  readonly root_group: GroupData;
  readonly options: {
    readonly summaryTrendStats: readonly string[];
    readonly summaryTimeUnit: string;
    readonly noColor: boolean;
  };
  readonly state: {
    readonly isStdOutTTY: boolean;
    readonly isStdErrTTY: boolean;
    readonly testRunDurationMs: number;
  };
  /** By name; a sub-metric's has its selector: `http_reqs{status:200}`. */
  readonly metrics: Readonly<Record<string, MetricData>>;
  readonly setup_data?: unknown;
}

/** A metric that has samples or thresholds. */
export interface MetricData {
  readonly type: MetricType;
  readonly contains: ValueType;
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** A group with its checks; `id` is the MD5 of `path`. */
export interface GroupData {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly groups: readonly GroupData[];
  readonly checks: readonly CheckData[];
}

/** A check in one group. */
export interface CheckData {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly passes: number;
  readonly fails: number;
}

/** What `handleSummary` is given. */
export function summaryData(input: SummaryInput, surroundings: SummarySurroundings): SummaryData {
  const { trendStats, timeUnit, color } = input.options;
  const thresholds = new Map(input.thresholds.map(({ metric, results }) => [metric.name, results]));
  const { setupJson } = surroundings;
  return {
    root_group: groupData(input.rootGroup),
    options: { summaryTrendStats: trendStats, summaryTimeUnit: timeUnit, noColor: !color },
    state: {
      isStdOutTTY: surroundings.isStdOutTTY,
      isStdErrTTY: surroundings.isStdErrTTY,
      testRunDurationMs: input.durationMs,
    },
    metrics: Object.fromEntries(input.total.metrics.map(({ name, contains, values }) => {
      const results = thresholds.get(name) ?? [];
      const data: MetricData = { type: values.type, contains, values: valuesByName(values, trendStats) };
      return [name, results.length === 0 ? data : { ...data, thresholds: thresholdData(results) }];
    })),
    ...(setupJson === undefined ? {} : { setup_data: JSON.parse(setupJson) }),
  };
}

/**
 * What `--summary-export` writes. As in k6, groups and checks are maps by name, a Rate's `rate` is called `value`, and
 * the flag of a threshold tells whether it *failed*.
 */
export function exportedSummary({ root_group, metrics, setup_data }: SummaryData): Record<string, unknown> {
  const exported = Object.entries(metrics).map(([name, { type, values, thresholds }]) => {
    const { rate, ...others } = values;
    const flat = type === "rate" ? { ...others, value: rate } : values;
    const failed = Object.entries(thresholds ?? {}).map(([source, { ok }]) => [source, !ok]);
    return [name, failed.length === 0 ? flat : { ...flat, thresholds: Object.fromEntries(failed) }];
  });
  return {
    root_group: exportedGroup(root_group),
    metrics: Object.fromEntries(exported),
    ...(setup_data === undefined ? {} : { setup_data }),
  };
}

function valuesByName(values: MetricValues, trendStats: readonly string[]): Record<string, number> {
  switch (values.type) {
    case "counter":
      return { count: values.count, rate: values.rate };
    case "gauge":
      return { value: values.value, min: values.min, max: values.max };
    case "rate": {
      const { passes, fails } = values;
      return { rate: passes + fails === 0 ? 0 : passes / (passes + fails), passes, fails };
    }
    case "trend":
      return Object.fromEntries(trendStats.map((name) => [name, values.stat(name)]));
  }
}

function thresholdData(results: readonly ThresholdResult[]): Record<string, { ok: boolean }> {
  return Object.fromEntries(results.map(({ source, ok }) => [source, { ok }]));
}

function groupData({ name, path, groups, checks }: SummaryGroup): GroupData {
  return { name, path, id: idOf(path), groups: groups.map(groupData), checks: checks.map(checkData) };
}

function checkData({ name, path, passes, fails }: SummaryCheck): CheckData {
  return { name, path, id: idOf(path), passes, fails };
}

function idOf(path: string): string {
  return createHash("md5").update(path).digest("hex");
}

function exportedGroup({ groups, checks, ...group }: GroupData): Record<string, unknown> {
  return {
    ...group,
    groups: Object.fromEntries(groups.map((inner) => [inner.name, exportedGroup(inner)])),
    checks: Object.fromEntries(checks.map((check) => [check.name, check])),
  };
}
