/**
 * Writes messages for the cloud in JSON: the canonical mapping of docs/outputs/cloud/metrics.proto. Fields that have their default are left
 * out, times are RFC 3339 texts, and numbers that JSON doesn't have are the texts "NaN", "Infinity" and "-Infinity".
 */

import type { MetricType } from "../../metrics/types.ts";
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
        this.#write((k === 0 ? "" : ",") + this.#series(SAMPLES[type], series[k]!));
        if (++written % PART_SERIES === 0) yield;
      }
      this.#write("]}");
    }
    this.#write("]}");
    return this.#bytes.subarray(0, this.#length);
  }

  /** Series by series, because a message as one text would take several times its size. */
  #write(text: string): void {
    // UTF-8 has at most three bytes for a code unit.
    const needed = this.#length + 3 * text.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#length += this.#text.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  #series(samples: string, { labels, values }: SeriesValues): string {
    const field = this.#labels[labels.id] ??= encodeLabels(labels);
    return `{${field}"${samples}":{"values":[${values.map((value) => this.#value(value)).join(",")}]}}`;
  }

  #value(value: SeriesValue): string {
    if (value.startSeconds !== this.#timeSeconds) {
      this.#timeSeconds = value.startSeconds;
      this.#time = `"time":"${new Date(value.startSeconds * 1000).toISOString().replace(".000Z", "Z")}"`;
    }
    return `{${this.#time}${this.#figures(value)}}`;
  }

  #figures(value: SeriesValue): string {
    switch (value.type) {
      case "counter":
        return numberField("value", value.sum);
      case "gauge":
        return gaugeFields(value);
      case "rate":
        return rateFields(value);
      case "trend":
        return trendFields(value, this.#columns);
    }
  }
}

function encodeLabels({ labels }: LabelSet): string {
  if (labels.length === 0) return "";
  const list = labels.map(([name, value]) => JSON.stringify(value === "" ? { name } : { name, value }));
  return `"labels":[${list.join(",")}],`;
}

function gaugeFields({ last, count, min, max, sum }: GaugeValue): string {
  return numberField("last", last) + numberField("count", count) + numberField("min", min) + numberField("max", max) +
    numberField("avg", sum / count);
}

function rateFields({ nonzero, total }: RateValue): string {
  return numberField("nonzeroCount", nonzero) + numberField("totalCount", total);
}

function trendFields({ histogram }: TrendValue, columns: HistogramColumns): string {
  const { sum, count, min, max, extraLow, extraHigh } = histogram;
  columns.read(histogram);
  return bucketFields(columns) + numberField("sum", sum) + numberField("count", count) + numberField("minValue", min) +
    numberField("maxValue", max) + numberField("extraLowValuesCounter", extraLow) +
    numberField("extraHighValuesCounter", extraHigh) + numberField("minResolution", MIN_RESOLUTION);
}

function bucketFields({ length, counts, spans, spanOffsets, spanLengths }: HistogramColumns): string {
  if (length === 0) return "";
  let list = "";
  for (let i = 0; i < spans; i++) {
    const offset = spanOffsets[i]!;
    list += `${i === 0 ? "" : ","}{${offset === 0 ? "" : `"offset":${offset},`}"length":${spanLengths[i]}}`;
  }
  return `,"counters":[${counts.subarray(0, length).join(",")}],"spans":[${list}]`;
}

/** A field, after a comma; nothing for zero, but negative zero is another value. */
function numberField(name: string, value: number): string {
  if (value === 0) return Object.is(value, -0) ? `,"${name}":-0` : "";
  return Number.isFinite(value) ? `,"${name}":${value}` : `,"${name}":"${value}"`;
}
