/** A push of aggregated metrics, as both wire formats carry it. The schema is docs/outputs/cloud/metrics.proto. */

/** Metrics of one test run, each value for one window of `aggregationPeriodSeconds`. */
export interface MetricSet {
  readonly testRunId: string;
  readonly aggregationPeriodSeconds: number;
  readonly metrics: readonly PushedMetric[];
}

/** A metric with its time series. */
export interface PushedMetric {
  readonly name: string;
  readonly type: PushedType;
  readonly series: readonly PushedSeries[];
}

/** What a metric may be; `unspecified` is what a sender must not send. */
export type PushedType = "unspecified" | "counter" | "gauge" | "rate" | "trend";

/** One time series: its labels in the order in which they came, and its samples. */
export interface PushedSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Null when the sender has set none. */
  readonly samples: Samples | null;
}

/** Values of one kind, told apart by `type`. */
export type Samples =
  | { readonly type: "counter"; readonly values: readonly CounterValue[] }
  | { readonly type: "gauge"; readonly values: readonly GaugeValue[] }
  | { readonly type: "rate"; readonly values: readonly RateValue[] }
  | { readonly type: "trend"; readonly values: readonly TrendValue[] };

/** Start of the window, as a Unix time. */
export interface WindowStart {
  readonly seconds: number;
  readonly nanos: number;
}

/** The sum of a window. */
export interface CounterValue {
  readonly time: WindowStart;
  readonly value: number;
}

/** The figures of a window. */
export interface GaugeValue {
  readonly time: WindowStart;
  readonly last: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

/** How many of a window's samples were not zero. */
export interface RateValue {
  readonly time: WindowStart;
  readonly nonzeroCount: number;
  readonly totalCount: number;
}

/** The histogram of a window; `null` where the sender has left an optional field out. */
export interface TrendValue {
  readonly time: WindowStart;
  /** Counts of the buckets that `spans` name, in their order. */
  readonly counters: readonly number[];
  readonly spans: readonly BucketSpan[];
  readonly sum: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  /** Number of values below 0. */
  readonly extraLow: number | null;
  /** Number of values beyond the last bucket. */
  readonly extraHigh: number | null;
  /** Width of the narrowest buckets. */
  readonly minResolution: number;
  readonly significantDigits: number | null;
}

/** Buckets without a gap; `offset` counts the buckets left out since the last span, or since bucket 0. */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

/** A body that is no metric set; the message says where it is broken. */
export class MetricSetError extends Error {
  override name = "MetricSetError";
}
