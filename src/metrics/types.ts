/**
 * The words that every room uses for metrics: metric definitions, time series and sample batches.
 * A time series is (metric, tag set); a sample is three numbers (series id, epoch ms, value).
 */

/** The four kinds of metric that a script can create. */
export type MetricType = "counter" | "gauge" | "rate" | "trend";

/** What a metric's values are: plain numbers, milliseconds, or bytes. */
export type ValueType = "default" | "time" | "data";

/** What a metric is, apart from its samples. `id` is dense and counts from 0 within its owner (a worker or the registry). */
export interface MetricDefinition {
  readonly id: number;
  readonly name: string;
  readonly type: MetricType;
  readonly contains: ValueType;
}

/**
 * Tags in the order of their names (code unit order). Names are never empty; a value may be, as in k6 (`group` at the root
 * of a script), and an output that can't carry an empty value leaves the tag out.
 */
export type TagPairs = readonly (readonly [name: string, value: string])[];

/** A series as a worker announces it. `id` and `metric` are that worker's own ids. */
export interface SeriesDefinition {
  readonly id: number;
  readonly metric: number;
  readonly tags: TagPairs;
}

/** What samples carry beside their series' tags: it goes to outputs, and makes no series of its own. */
export interface SampleMetadata {
  /** For each sample the place of its metadata in `sets`, plus 1; 0: none. */
  readonly column: Uint32Array<ArrayBuffer>;
  /** Names and values. */
  readonly sets: readonly TagPairs[];
}

/**
 * Samples of one worker, in columns; made to be transferred (`transfer: [series.buffer, times.buffer, values.buffer]`).
 * Only the first `length` entries of each column count. Definitions come in the first batch that needs them; built-in
 * metrics (`BUILTIN_METRICS`) have the same ids everywhere and are never announced.
 */
export interface SampleBatch {
  readonly length: number;
  /** Series ids: the worker's own until the registry has ingested the batch, the registry's from then on. */
  readonly series: Uint32Array<ArrayBuffer>;
  /** Epoch milliseconds, with fractions. */
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  /** Null when no sample has any. */
  readonly metadata: SampleMetadata | null;
  readonly newMetrics: readonly MetricDefinition[];
  readonly newSeries: readonly SeriesDefinition[];
}
