/** The main thread's side of metrics: every metric and time series of a run, and their sinks, fed with the workers' batches. */

import { BUILTIN_METRICS } from "./builtin.ts";
import { assertSameMetric } from "./metric_definition.ts";
import type { SeriesOverflow } from "./series_overflow.ts";
import { createSink, type Sink } from "./sinks.ts";
import { parseSubMetricKey, SubMetricError } from "./sub_metric_selector.ts";
import { TagSet } from "./tag_set.ts";
import type { MetricDefinition, MetricType, SampleBatch, TagPairs, ValueType } from "./types.ts";

/** A metric of the run; `id` is the registry's. */
export interface Metric extends MetricDefinition {
  /** All samples of the metric. */
  readonly sink: Sink;
  /** In the order in which they were added. */
  readonly subMetrics: SubMetric[];
}

/** The samples of a metric that carry certain tags. */
export interface SubMetric {
  /** `metric{suffix}`, as in thresholds and in the summary. */
  readonly name: string;
  readonly suffix: string;
  readonly tags: TagPairs;
  readonly parent: Metric;
  readonly sink: Sink;
}

/** A metric and a tag set. `id` is the registry's: what the series column of an ingested batch holds. */
export interface TimeSeries {
  readonly id: number;
  readonly metric: Metric;
  readonly tags: TagPairs;
}

/** What a worker's ids mean; worker ids are dense, so both are indexed by them. */
interface Source {
  readonly metrics: Metric[];
  readonly seriesIds: number[];
}

const FIRST_SERIES_WARNING = 100_000;

/** Every metric of a run; the built-in ones are there from the start, with the ids of `BUILTIN_METRIC_IDS`. */
export class MetricRegistry {
  readonly #warn: ((message: string) => void) | undefined;
  readonly #metrics: Metric[] = [];
  readonly #metricsByName = new Map<string, Metric>();
  readonly #series: TimeSeries[] = [];
  /** By series id. */
  readonly #sinks: Sink[] = [];
  /** By series id: the sinks of the sub-metrics that match; undefined when none does. */
  readonly #subSinks: (Sink[] | undefined)[] = [];
  readonly #tags = TagSet.root();
  /** By tag set's id: the tags of all its series. */
  readonly #pairs: TagPairs[] = [];
  /** By metric id: series ids by tag set id. */
  readonly #seriesIds: Map<number, number>[] = [];
  readonly #sources: (Source | undefined)[] = [];
  #seriesToWarnAt = FIRST_SERIES_WARNING;
  #isOverflowWarned = false;
  /** What becomes of tag sets when there are too many time series; null: there may be any number. */
  overflow: SeriesOverflow | null = null;

  /** `warn` is told when the number of time series passes 100,000, then at each doubling. */
  constructor(warn?: (message: string) => void) {
    this.#warn = warn;
    for (const { name, type, contains } of BUILTIN_METRICS) this.define(name, type, contains);
  }

  /** All metrics by id, with samples or without. */
  get metrics(): readonly Metric[] {
    return this.#metrics;
  }

  /** All time series by id. */
  get series(): readonly TimeSeries[] {
    return this.#series;
  }

  /** Defines a metric, or finds the one that was so defined before. Throws a `MetricDefinitionError` when the name has another type. */
  define(name: string, type: MetricType, contains: ValueType): Metric {
    const existing = this.#metricsByName.get(name);
    if (existing !== undefined) {
      assertSameMetric(existing, type, contains);
      return existing;
    }
    const metric = { id: this.#metrics.length, name, type, contains, sink: createSink(type), subMetrics: [] };
    this.#metrics.push(metric);
    this.#metricsByName.set(name, metric);
    this.#seriesIds.push(new Map());
    return metric;
  }

  /** The metric of that name, if it is defined. */
  metric(name: string): Metric | undefined {
    return this.#metricsByName.get(name);
  }

  /**
   * Adds the sub-metric of a key like `http_req_duration{status:200}`, or finds it; it takes in the samples ingested from
   * now on. Throws a `SubMetricError` when the key is malformed or its metric is not defined.
   */
  addSubMetric(key: string): SubMetric {
    const { metric: metricName, suffix, tags } = parseSubMetricKey(key);
    const parent = this.#metricsByName.get(metricName);
    if (parent === undefined) throw new SubMetricError(`no metric name "${metricName}" found`);
    const existing = parent.subMetrics.find((sub) => sub.suffix === suffix);
    if (existing !== undefined) return existing;
    const subMetric = { name: `${metricName}{${suffix}}`, suffix, tags, parent, sink: createSink(parent.type) };
    parent.subMetrics.push(subMetric);
    for (const id of this.#seriesIds[parent.id]!.values()) {
      const series = this.#series[id]!;
      this.#subSinks[id] = matchingSinks(parent, this.#tags.withAll(series.tags));
    }
    return subMetric;
  }

  /**
   * Takes in a batch of the worker `source`: rewrites its series ids to the registry's, in place, and adds every sample to
   * the sinks of its metric and sub-metrics. Returns the batch. Throws a `MetricDefinitionError` when workers disagree on a
   * metric. Hot: no allocation for samples of known series.
   */
  ingest(source: number, batch: SampleBatch): SampleBatch {
    const { metrics, seriesIds } = this.#source(source);
    for (const { id, name, type, contains } of batch.newMetrics) metrics[id] = this.define(name, type, contains);
    for (const { id, metric, tags } of batch.newSeries) seriesIds[id] = this.#defineSeries(metrics[metric]!, tags);
    const { series, times, values } = batch;
    for (let i = 0; i < batch.length; i++) {
      const id = seriesIds[series[i]!]!;
      series[i] = id;
      this.#sinks[id]!.add(values[i]!, times[i]!);
      const subSinks = this.#subSinks[id];
      if (subSinks === undefined) continue;
      for (let j = 0; j < subSinks.length; j++) subSinks[j]!.add(values[i]!, times[i]!);
    }
    return batch;
  }

  #source(source: number): Source {
    return this.#sources[source] ??= { metrics: this.#metrics.slice(0, BUILTIN_METRICS.length), seriesIds: [] };
  }

  #defineSeries(metric: Metric, pairs: TagPairs): number {
    const tags = this.#tags.withAll(pairs);
    const existing = this.#seriesIds[metric.id]!.get(tags.id);
    if (existing !== undefined) return existing;
    const { overflow } = this;
    if (overflow !== null && this.#series.length >= overflow.limit) {
      this.#warnOfOverflow(overflow.limit);
      return this.#addSeries(metric, this.#tags.withAll(overflow.fold(pairs)));
    }
    return this.#addSeries(metric, tags);
  }

  #addSeries(metric: Metric, tags: TagSet): number {
    const seriesIds = this.#seriesIds[metric.id]!;
    const existing = seriesIds.get(tags.id);
    if (existing !== undefined) return existing;
    const id = this.#series.length;
    // Not `pairs`: the nine metrics of an HTTP request, and all workers, have a copy each of the same tags.
    this.#series.push({ id, metric, tags: this.#pairs[tags.id] ??= tags.toPairs() });
    this.#sinks.push(metric.sink);
    this.#subSinks.push(matchingSinks(metric, tags));
    seriesIds.set(tags.id, id);
    if (this.#series.length > this.#seriesToWarnAt && !this.#isOverflowWarned) this.#warnOfSeries();
    return id;
  }

  #warnOfSeries(): void {
    this.#warn?.(
      `The test has generated more than ${this.#seriesToWarnAt} unique time series, which costs memory here and in every ` +
        `output: ${this.#blame()}, or set a limit with --max-series`,
    );
    this.#seriesToWarnAt *= 2;
  }

  #warnOfOverflow(limit: number): void {
    if (this.#isOverflowWarned) return;
    this.#isOverflowWarned = true;
    this.#warn?.(
      `The test has ${limit} time series, as many as --max-series allows; samples of further ones go into one for each ` +
        `metric, with the tag overflow="true": ${this.#blame()}`,
    );
  }

  /** The tag with the most values, and what to do about it. */
  #blame(): string {
    const values = new Map<string, Set<string>>();
    for (const { tags } of this.#series) {
      for (const [name, value] of tags) {
        const known = values.get(name);
        if (known === undefined) values.set(name, new Set([value]));
        else known.add(value);
      }
    }
    // `name` comes before `url`, which has the same values.
    const [tag, { size }] = [...values].sort(([a, one], [b, other]) => other.size - one.size || (a < b ? -1 : 1))[0] ??
      ["", { size: 0 }];
    return tag === "name" || tag === "url"
      ? `the tag "${tag}" has ${size} values; give requests with ids in their URL one name ({ tags: { name: "…" } } or http.url)`
      : `the tag "${tag}" has ${size} values; don't put unique values, such as ids, into it`;
  }
}

/** The sinks of the metric's sub-metrics that a series with these tags feeds; undefined when there is none. */
function matchingSinks(metric: Metric, tags: TagSet): Sink[] | undefined {
  const sinks = metric.subMetrics
    .filter((subMetric) => subMetric.tags.every(([name, value]) => tags.get(name) === value))
    .map((subMetric) => subMetric.sink);
  return sinks.length === 0 ? undefined : sinks;
}
