/** What the end-of-test summary is made from: plain data, apart from the statistics of trends, which are asked for by name. */

import type { ThresholdResult } from "../metrics/thresholds.ts";
import type { MetricType, ValueType } from "../metrics/types.ts";

/** The statistic `name` of a trend: `avg`, `min`, `med`, `max`, `count`, `sum` or `p(N)`, in the metric's unit; 0 without samples. */
export type TrendStat = (name: string) => number;

/** What a Counter came to. */
export interface CounterValues {
  readonly type: Extract<MetricType, "counter">;
  readonly count: number;
  /** Per second of the test. */
  readonly rate: number;
}

/** What a Gauge came to. */
export interface GaugeValues {
  readonly type: Extract<MetricType, "gauge">;
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

/** What a Rate came to. */
export interface RateValues {
  readonly type: Extract<MetricType, "rate">;
  readonly passes: number;
  readonly fails: number;
}

/** What a Trend came to. */
export interface TrendValues {
  readonly type: Extract<MetricType, "trend">;
  readonly stat: TrendStat;
}

/** The values of one metric, told apart by the metric's type. */
export type MetricValues = CounterValues | GaugeValues | RateValues | TrendValues;

/** A metric, or a sub-metric when the name has a selector: `http_req_duration{status:200}`. */
export interface SummaryMetric {
  readonly name: string;
  readonly contains: ValueType;
  readonly values: MetricValues;
}

/** A metric or sub-metric with its thresholds. */
export interface ThresholdedMetric {
  readonly metric: SummaryMetric;
  readonly results: readonly ThresholdResult[];
}

/** How often a check passed and failed. */
export interface SummaryCheck {
  readonly name: string;
  /** `::outer::inner::name`. */
  readonly path: string;
  readonly passes: number;
  readonly fails: number;
}

/** A group of checks and further groups, in the order in which they were first seen. The root has an empty name and path. */
export interface SummaryGroup {
  readonly name: string;
  /** `::outer::inner`. */
  readonly path: string;
  readonly checks: readonly SummaryCheck[];
  readonly groups: readonly SummaryGroup[];
}

/** The results of a part of the test (the whole, a scenario or a group): what one titled section of the text shows. */
export interface SummaryPart {
  /** Empty for the whole. */
  readonly name: string;
  /** Merged by name. */
  readonly checks: readonly SummaryCheck[];
  readonly metrics: readonly SummaryMetric[];
  /** The groups directly inside. */
  readonly groups: readonly SummaryPart[];
}

/** Everything that a summary may show. */
export interface SummaryInput {
  readonly durationMs: number;
  readonly thresholds: readonly ThresholdedMetric[];
  /**
   * The whole test: all checks, metrics and sub-metrics. `groups` holds the groups that ran outside of named scenarios;
   * it stays empty in compact mode.
   */
  readonly total: SummaryPart;
  /** Scenarios except `default`; empty in compact mode. */
  readonly scenarios: readonly SummaryPart[];
  /** All groups and checks, whichever scenario they ran in. */
  readonly rootGroup: SummaryGroup;
  readonly options: SummaryOptions;
}

/** How the summary looks. */
export interface SummaryOptions {
  readonly mode: "compact" | "full";
  /** The statistics to show for trends, for example `["avg", "p(95)"]`. */
  readonly trendStats: readonly string[];
  /** Unit of all times; empty: the fitting one for each. */
  readonly timeUnit: "" | "s" | "ms" | "us";
  readonly color: boolean;
}
