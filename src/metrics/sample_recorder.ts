/** The worker's side of metrics: definitions, series, and samples collected in columns that are handed over in batches. */

import { BUILTIN_METRICS } from "./builtin.ts";
import { assertSameMetric } from "./metric_definition.ts";
import type { SeriesOverflow } from "./series_overflow.ts";
import type { TagSet } from "./tag_set.ts";
import type { MetricDefinition, MetricType, SampleBatch, SeriesDefinition, TagPairs, ValueType } from "./types.ts";

/** Samples in a full batch: 160 KB. */
const CAPACITY = 8192;

/** A metric's tag sets have room at first for those that a script without tags of its own has. */
const FEW_TAG_SETS = 16;

/** A batch at most this long is copied out instead of handed over: who keeps it must not keep 160 KB for a few samples. */
const COPY_LIMIT = CAPACITY / 2;

/**
 * Collects one worker's samples. Built-in metrics are defined from the start, with the ids of `BUILTIN_METRIC_IDS`.
 * Whoever owns the recorder calls `flush` every 50 ms; a full batch goes out by itself. All tag sets must be of one tree.
 */
export class SampleRecorder {
  readonly #post: (batch: SampleBatch) => void;
  readonly #metrics: MetricDefinition[] = [...BUILTIN_METRICS];
  readonly #metricsByName = new Map(BUILTIN_METRICS.map((metric) => [metric.name, metric]));
  /** By metric's id, then by tag set's id: 1 + the series' id; 0 where there is none. */
  readonly #series: Uint32Array[] = [];
  #seriesCount = 0;
  #newMetrics: MetricDefinition[] = [];
  #newSeries: SeriesDefinition[] = [];
  #length = 0;
  #ids = new Uint32Array(CAPACITY);
  #times = new Float64Array(CAPACITY);
  #values = new Float64Array(CAPACITY);
  /** What becomes of tag sets when there are too many time series; null: there may be any number. */
  overflow: SeriesOverflow | null = null;
  /** What samples carry from now on, beside their series' tags; null, as nearly always: nothing. */
  metadata: TagPairs | null = null;
  #metadataColumn: Uint32Array<ArrayBuffer> | null = null;
  #metadataSets: TagPairs[] = [];

  /** `post` is given each batch, and with it the ownership of its buffers (see `SampleBatch`). */
  constructor(post: (batch: SampleBatch) => void) {
    this.#post = post;
  }

  /** Defines a metric, or finds the one that was so defined before; returns its id. Throws a `MetricDefinitionError` when the name has another type. */
  defineMetric(name: string, type: MetricType, contains: ValueType): number {
    const existing = this.#metricsByName.get(name);
    if (existing !== undefined) {
      assertSameMetric(existing, type, contains);
      return existing.id;
    }
    const metric = { id: this.#metrics.length, name, type, contains };
    this.#metrics.push(metric);
    this.#metricsByName.set(name, metric);
    this.#newMetrics.push(metric);
    return metric.id;
  }

  /** The metric of that name, if it is defined. */
  metricByName(name: string): MetricDefinition | undefined {
    return this.#metricsByName.get(name);
  }

  /** Whether there are as many time series as there may be, so that it makes no sense to remember those of tag sets. */
  get isFull(): boolean {
    return this.overflow !== null && this.#seriesCount >= this.overflow.limit;
  }

  /** The id of the time series of a metric and a tag set. Hot: two array reads when asked before. */
  series(metric: number, tags: TagSet): number {
    const known = this.#series[metric]?.[tags.id];
    return known === undefined || known === 0 ? this.#addSeries(metric, tags) : known - 1;
  }

  /** Records one sample. The hottest function of k6d: three stores and two compares. */
  record(series: number, atEpochMs: number, value: number): void {
    const index = this.#length;
    this.#ids[index] = series;
    this.#times[index] = atEpochMs;
    this.#values[index] = value;
    if (this.metadata !== null) this.#mark(index, this.metadata);
    this.#length = index + 1;
    if (index === CAPACITY - 1) this.flush();
  }

  /** Posts all that was defined and recorded since the last batch; nothing when there is nothing. */
  flush(): void {
    const length = this.#length;
    if (length === 0 && this.#newMetrics.length === 0 && this.#newSeries.length === 0) return;
    const copy = length <= COPY_LIMIT;
    const batch: SampleBatch = {
      length,
      series: copy ? this.#ids.slice(0, length) : this.#ids,
      times: copy ? this.#times.slice(0, length) : this.#times,
      values: copy ? this.#values.slice(0, length) : this.#values,
      metadata: this.#metadataColumn === null
        ? null
        : { column: this.#metadataColumn.slice(0, length), sets: this.#metadataSets },
      newMetrics: this.#newMetrics,
      newSeries: this.#newSeries,
    };
    if (!copy) {
      this.#ids = new Uint32Array(CAPACITY);
      this.#times = new Float64Array(CAPACITY);
      this.#values = new Float64Array(CAPACITY);
    }
    this.#length = 0;
    this.#metadataColumn = null;
    this.#metadataSets = [];
    this.#newMetrics = [];
    this.#newSeries = [];
    this.#post(batch);
  }

  #mark(index: number, metadata: TagPairs): void {
    this.#metadataColumn ??= new Uint32Array(CAPACITY);
    if (this.#metadataSets.at(-1) !== metadata) this.#metadataSets.push(metadata);
    this.#metadataColumn[index] = this.#metadataSets.length;
  }

  #addSeries(metric: number, tags: TagSet): number {
    if (this.#metrics[metric] === undefined) {
      throw new RangeError(`Cannot add a series: no metric has the id ${metric}`);
    }
    const id = this.#seriesCount++;
    while (this.#series.length <= metric) this.#series.push(new Uint32Array(FEW_TAG_SETS));
    let ids = this.#series[metric]!;
    if (tags.id >= ids.length) {
      ids = new Uint32Array(2 * tags.id);
      ids.set(this.#series[metric]!);
      this.#series[metric] = ids;
    }
    ids[tags.id] = id + 1;
    this.#newSeries.push({ id, metric, tags: tags.counted.toPairs() });
    if (this.isFull) tags.seal(this.overflow!);
    return id;
  }
}
