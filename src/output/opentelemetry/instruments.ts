/** The metrics of a run as OpenTelemetry's instruments, each with its streams, fed with every sample. */

import type { Metric, TimeSeries } from "../../metrics/registry.ts";
import type { SampleBatch, TagPairs } from "../../metrics/types.ts";
import { type AttributeSet, AttributeSets } from "./attributes.ts";
import { BucketCountsPool } from "./data_points.ts";
import { GaugeStream, HistogramStream, RateStream, type Stream, SumStream } from "./streams.ts";

/** An instrument, and what was measured with it. */
export interface Instrument {
  readonly name: string;
  /** `ms`, `By`, or empty. */
  readonly unit: string;
  readonly kind: "sum" | "gauge" | "histogram";
  /** Grows as new attribute sets come. */
  readonly streams: readonly Stream[];
}

/** Turns samples into streams. Series whose tags are the same to OpenTelemetry (it has no empty values) share a stream. */
export class Instruments {
  readonly #series: readonly TimeSeries[];
  readonly #prefix: string;
  readonly #warn: (message: string) => void;
  readonly #attributeSets = new AttributeSets();
  readonly #bucketCounts = new BucketCountsPool();
  /** By metric id. */
  readonly #byMetric: MetricInstrument[] = [];
  /** By the registry's series id. */
  readonly #streams: Stream[] = [];
  readonly #instruments: Instrument[] = [];
  readonly #warned = new Set<string>();

  /** `series` is the registry's own, growing array; `prefix` begins every name. */
  constructor(series: readonly TimeSeries[], prefix: string, warn: (message: string) => void) {
    this.#series = series;
    this.#prefix = prefix;
    this.#warn = warn;
  }

  /** The instruments that have streams, in the order of their first samples; the array grows. */
  get all(): readonly Instrument[] {
    return this.#instruments;
  }

  /** Hot, for every sample of the run: one array look-up and one call; it only allocates for a new series. */
  addSamples({ length, series, times, values }: SampleBatch): void {
    for (let i = 0; i < length; i++) {
      const id = series[i]!;
      const value = values[i]!;
      if (!Number.isFinite(value)) {
        this.#warnOnce(this.#series[id]!.metric, `a value is ${value}: such values are left out`);
        continue;
      }
      if (value < 0) this.#warnOfNegative(this.#series[id]!.metric);
      (this.#streams[id] ?? this.#addSeries(id)).add(value, times[i]!);
    }
  }

  #addSeries(id: number): Stream {
    const { metric, tags } = this.#series[id]!;
    const instrument = this.#byMetric[metric.id] ??= this.#addInstrument(metric);
    const attributes = this.#attributeSets.of(metric.type === "rate" ? this.#withoutCondition(metric, tags) : tags);
    let stream = instrument.byAttributes.get(attributes);
    if (stream === undefined) {
      stream = this.#newStream(metric, attributes);
      instrument.byAttributes.set(attributes, stream);
      instrument.streams.push(stream);
    }
    this.#streams[id] = stream;
    return stream;
  }

  #addInstrument(metric: Metric): MetricInstrument {
    const { name, type, contains } = metric;
    const instrument: MetricInstrument = {
      name: (type === "rate" ? `${this.#prefix}${name}.total` : this.#prefix + name).toWellFormed(),
      unit: contains === "time" ? "ms" : contains === "data" ? "By" : "",
      kind: type === "trend" ? "histogram" : type === "gauge" ? "gauge" : "sum",
      streams: [],
      byAttributes: new Map(),
    };
    this.#instruments.push(instrument);
    return instrument;
  }

  #newStream({ type }: Metric, attributes: AttributeSet): Stream {
    switch (type) {
      case "counter":
        return new SumStream(attributes);
      case "gauge":
        return new GaugeStream(attributes);
      case "rate":
        return new RateStream(attributes, this.#attributeSets);
      case "trend":
        return new HistogramStream(attributes, this.#bucketCounts.allocate());
    }
  }

  /** A Rate's streams have an attribute of this name, which says what they count. */
  #withoutCondition(metric: Metric, tags: TagPairs): TagPairs {
    if (!tags.some(([name]) => name === "condition")) return tags;
    this.#warnOnce(metric, 'its tag "condition" is left out: Rates have an attribute of that name; rename the tag');
    return tags.filter(([name]) => name !== "condition");
  }

  #warnOfNegative(metric: Metric): void {
    if (metric.type !== "counter") return;
    this.#warnOnce(metric, "a value is negative: receivers take a counter that goes down for one that began anew");
  }

  #warnOnce({ name }: Metric, what: string): void {
    const message = `metric "${name}": ${what}`;
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#warn(message);
  }
}

interface MetricInstrument extends Instrument {
  readonly streams: Stream[];
  readonly byAttributes: Map<AttributeSet, Stream>;
}
