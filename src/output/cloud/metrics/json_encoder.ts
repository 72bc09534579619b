/**
 * Writes messages for the cloud in JSON: the canonical mapping of docs/outputs/cloud/metrics.proto. Fields that have their default are left
 * out, times are RFC 3339 texts, and numbers that JSON doesn't have are the texts "NaN", "Infinity" and "-Infinity".
 */

import type { MetricType } from "../../../metrics/types.ts";
import { writeDigits, writeText } from "../../file/number_text.ts";
import { MIN_RESOLUTION } from "./histogram.ts";
import { HistogramColumns } from "./histogram_columns.ts";
import type { LabelSet } from "./labels.ts";
import type { EncoderOptions, MetricSetEncoder } from "./metric_set_encoder.ts";
import { type MetricSet, PART_SERIES, type SeriesValues } from "./metric_sets.ts";
import type { GaugeValue, RateValue, SeriesValue, TrendValue } from "./values.ts";

/** The enumeration `MetricType`. */
const METRIC_TYPES: Readonly<Record<MetricType, string>> = {
  counter: "METRIC_TYPE_COUNTER",
  gauge: "METRIC_TYPE_GAUGE",
  rate: "METRIC_TYPE_RATE",
  trend: "METRIC_TYPE_TREND",
};

/** The field of a series that holds its values. */
const SAMPLES: Readonly<Record<MetricType, string>> = {
  counter: "counterSamples",
  gauge: "gaugeSamples",
  rate: "rateSamples",
  trend: "trendHdrSamples",
};

/** The most that a bucket's count takes, and a span, with the signs around it. */
const COUNT_SIZE = 24;
const SPAN_SIZE = 64;

/** The format for every other service. */
export class JsonEncoder implements MetricSetEncoder {
  readonly contentType = "application/json";
  /** The fields that begin every message. */
  readonly #head: string;
  readonly #text = new TextEncoder();
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  /** The field of labels, with a comma, by label set's id. */
  readonly #labels: (string | undefined)[] = [];
  readonly #columns = new HistogramColumns();
  /** The time field of the last value, and the seconds that it tells: values of a window follow each other. */
  #time = "";
  #timeSeconds = NaN;

  constructor({ testRunId, periodSeconds }: EncoderOptions) {
    const id = testRunId === "" ? "" : `"testRunId":${JSON.stringify(testRunId.toWellFormed())},`;
    this.#head = `${id}"aggregationPeriod":${periodSeconds}`;
  }

  *encode({ metrics }: MetricSet): Generator<void, Uint8Array<ArrayBuffer>> {
    let written = 0;
    this.#length = 0;
    this.#write(`{${this.#head},"metrics":[`);
    for (const [i, { metric: { name, type }, series }] of metrics.entries()) {
      const comma = i === 0 ? "" : ",";
      this.#write(`${comma}{"name":${JSON.stringify(name)},"type":"${METRIC_TYPES[type]}","timeSeries":[`);
      for (let k = 0; k < series.length; k++) {
        if (k > 0) this.#write(",");
        this.#writeSeries(SAMPLES[type], series[k]!);
        if (++written % PART_SERIES === 0) yield;
      }
      this.#write("]}");
    }
    this.#write("]}");
    return this.#bytes.subarray(0, this.#length);
  }

  #writeSeries(samples: string, { labels, values }: SeriesValues): void {
    const field = this.#labels[labels.id] ??= encodeLabels(labels);
    this.#write(`{${field}"${samples}":{"values":[`);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      this.#write(`${i === 0 ? "{" : ",{"}${this.#timeOf(value)}`);
      if (value.type === "trend") this.#writeBuckets(value);
      this.#write(figures(value));
      this.#write("}");
    }
    this.#write("]}}");
  }

  #timeOf({ startSeconds }: SeriesValue): string {
    if (startSeconds !== this.#timeSeconds) {
      this.#timeSeconds = startSeconds;
      this.#time = `"time":"${new Date(startSeconds * 1000).toISOString().replace(".000Z", "Z")}"`;
    }
    return this.#time;
  }

  /** Most of a message. Hot: no text of what is hundreds of numbers. */
  #writeBuckets({ histogram }: TrendValue): void {
    const columns = this.#columns;
    columns.read(histogram);
    const { length, counts, spans, spanOffsets, spanLengths } = columns;
    if (length === 0) return;
    this.#reserve(length * COUNT_SIZE + spans * SPAN_SIZE);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < length; i++) {
      at = writeText(bytes, at, i === 0 ? ',"counters":[' : ",");
      at = writeDigits(bytes, at, counts[i]!);
    }
    for (let i = 0; i < spans; i++) {
      at = writeText(bytes, at, i === 0 ? '],"spans":[{' : "},{");
      const offset = spanOffsets[i]!;
      if (offset > 0) at = writeText(bytes, writeDigits(bytes, writeText(bytes, at, '"offset":'), offset), ",");
      at = writeDigits(bytes, writeText(bytes, at, '"length":'), spanLengths[i]!);
    }
    this.#length = writeText(bytes, at, "}]");
  }

  #write(text: string): void {
    // UTF-8 has at most three bytes for a code unit.
    this.#reserve(3 * text.length);
    this.#length += this.#text.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function encodeLabels({ labels }: LabelSet): string {
  if (labels.length === 0) return "";
  const list = labels.map(([name, value]) => JSON.stringify(value === "" ? { name } : { name, value }));
  return `"labels":[${list.join(",")}],`;
}

/** The fields of a value, but for its time and its buckets. */
function figures(value: SeriesValue): string {
  switch (value.type) {
    case "counter":
      return numberField("value", value.sum);
    case "gauge":
      return gaugeFields(value);
    case "rate":
      return rateFields(value);
    case "trend":
      return trendFields(value);
  }
}

function gaugeFields({ last, count, min, max, sum }: GaugeValue): string {
  return numberField("last", last) + numberField("count", count) + numberField("min", min) + numberField("max", max) +
    numberField("avg", sum / count);
}

function rateFields({ nonzero, total }: RateValue): string {
  return numberField("nonzeroCount", nonzero) + numberField("totalCount", total);
}

function trendFields({ histogram: { sum, count, min, max, extraLow, extraHigh } }: TrendValue): string {
  return numberField("sum", sum) + numberField("count", count) + numberField("minValue", min) +
    numberField("maxValue", max) + numberField("extraLowValuesCounter", extraLow) +
    numberField("extraHighValuesCounter", extraHigh) + numberField("minResolution", MIN_RESOLUTION);
}

/** A field, after a comma; nothing for zero, but negative zero is another value. */
function numberField(name: string, value: number): string {
  if (value === 0) return Object.is(value, -0) ? `,"${name}":-0` : "";
  return Number.isFinite(value) ? `,"${name}":${value}` : `,"${name}":"${value}"`;
}
