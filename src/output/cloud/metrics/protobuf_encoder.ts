/** Writes messages for the cloud in protobuf: the fields of docs/outputs/cloud/metrics.proto, in the order of their numbers. */

import type { MetricType } from "../../../metrics/types.ts";
import { WireBuffer, WireType } from "../../wire_buffer.ts";
import { MIN_RESOLUTION } from "./histogram.ts";
import { HistogramColumns } from "./histogram_columns.ts";
import type { LabelSet } from "./labels.ts";
import type { EncoderOptions, MetricSetEncoder } from "./metric_set_encoder.ts";
import { type MetricSet, PART_SERIES, type SeriesValues } from "./metric_sets.ts";
import type { CounterValue, GaugeValue, RateValue, SeriesValue, TrendValue } from "./values.ts";

const { varint: VARINT, fixed64: DOUBLE, bytes: BYTES } = WireType;

/** Fields as they are tagged on the wire, by message. */
const METRIC_SET = { testRunId: 1 << 3 | BYTES, aggregationPeriod: 2 << 3 | VARINT, metrics: 3 << 3 | BYTES };
const METRIC = { name: 1 << 3 | BYTES, type: 2 << 3 | VARINT, timeSeries: 3 << 3 | BYTES };
const TIME_SERIES = {
  labels: 1 << 3 | BYTES,
  samples: { counter: 2 << 3 | BYTES, gauge: 3 << 3 | BYTES, rate: 4 << 3 | BYTES, trend: 5 << 3 | BYTES },
};
const SAMPLES = { values: 1 << 3 | BYTES };
const LABEL = { name: 1 << 3 | BYTES, value: 2 << 3 | BYTES };
/** Of all four messages for values. */
const VALUE = { time: 1 << 3 | BYTES };
const TIMESTAMP = { seconds: 1 << 3 | VARINT };
const COUNTER_VALUE = { value: 2 << 3 | DOUBLE };
const GAUGE_VALUE = {
  last: 2 << 3 | DOUBLE,
  count: 3 << 3 | VARINT,
  min: 4 << 3 | DOUBLE,
  max: 5 << 3 | DOUBLE,
  avg: 6 << 3 | DOUBLE,
};
const RATE_VALUE = { nonzeroCount: 2 << 3 | VARINT, totalCount: 3 << 3 | VARINT };
const TREND_HDR_VALUE = {
  counters: 2 << 3 | BYTES,
  spans: 3 << 3 | BYTES,
  sum: 5 << 3 | DOUBLE,
  count: 6 << 3 | VARINT,
  minValue: 7 << 3 | DOUBLE,
  maxValue: 8 << 3 | DOUBLE,
  extraLowValuesCounter: 9 << 3 | VARINT,
  extraHighValuesCounter: 10 << 3 | VARINT,
  minResolution: 11 << 3 | DOUBLE,
};
const BUCKET_SPAN = { offset: 1 << 3 | VARINT, length: 2 << 3 | VARINT };

/** The enumeration `MetricType`. */
const METRIC_TYPES: Readonly<Record<MetricType, number>> = { counter: 1, gauge: 2, rate: 3, trend: 4 };

/** The most that a field with a whole number takes. */
const INTEGER_SIZE = 9;
/** More than any value takes, but for its histogram's buckets. */
const VALUE_SIZE = 128;
/** The most that a histogram's bucket takes: a count, and a span of its own. */
const BUCKET_SIZE = 16;

/** The service's own format. */
export class ProtobufEncoder implements MetricSetEncoder {
  readonly contentType = "application/x-protobuf";
  /** The fields that begin every message. */
  readonly #head: Uint8Array;
  readonly #out = new WireBuffer(1 << 16);
  /** Label fields by label set's id. */
  readonly #labels: (Uint8Array | undefined)[] = [];
  readonly #columns = new HistogramColumns();
  /** The time field of the last value, and the seconds that it tells: values of a window follow each other. */
  readonly #time = new WireBuffer(16);
  #timeSeconds = NaN;

  constructor({ testRunId, periodSeconds }: EncoderOptions) {
    const head = new WireBuffer();
    head.textField(METRIC_SET.testRunId, testRunId);
    head.reserve(INTEGER_SIZE);
    writeInteger(head, METRIC_SET.aggregationPeriod, periodSeconds);
    this.#head = head.written().slice();
  }

  *encode({ metrics }: MetricSet): Generator<void, Uint8Array<ArrayBuffer>> {
    const out = this.#out;
    let written = 0;
    out.clear();
    out.reserve(this.#head.length);
    out.raw(this.#head);
    for (const { metric, series } of metrics) {
      const begin = out.beginMessage(METRIC_SET.metrics);
      out.textField(METRIC.name, metric.name);
      out.reserve(INTEGER_SIZE);
      writeInteger(out, METRIC.type, METRIC_TYPES[metric.type]);
      for (const each of series) {
        this.#writeSeries(TIME_SERIES.samples[metric.type], each);
        if (++written % PART_SERIES === 0) yield;
      }
      out.endMessage(begin);
    }
    return out.written();
  }

  #writeSeries(samplesTag: number, { labels, values }: SeriesValues): void {
    const out = this.#out;
    const begin = out.beginMessage(METRIC.timeSeries);
    const fields = this.#labels[labels.id] ??= encodeLabels(labels);
    out.reserve(fields.length);
    out.raw(fields);
    const beginOfSamples = out.beginMessage(samplesTag);
    for (const value of values) {
      const beginOfValue = out.beginMessage(SAMPLES.values);
      this.#writeValue(value);
      out.endMessage(beginOfValue);
    }
    out.endMessage(beginOfSamples);
    out.endMessage(begin);
  }

  /** Hot, as what it calls: no object for a field. */
  #writeValue(value: SeriesValue): void {
    const out = this.#out;
    out.reserve(VALUE_SIZE);
    this.#writeTime(value.startSeconds);
    switch (value.type) {
      case "counter":
        return writeCounter(out, value);
      case "gauge":
        return writeGauge(out, value);
      case "rate":
        return writeRate(out, value);
      case "trend":
        return writeTrend(out, value, this.#columns);
    }
  }

  #writeTime(seconds: number): void {
    if (seconds !== this.#timeSeconds) {
      this.#timeSeconds = seconds;
      this.#time.clear();
      const begin = this.#time.beginMessage(VALUE.time);
      writeInteger(this.#time, TIMESTAMP.seconds, seconds);
      this.#time.endMessage(begin);
    }
    this.#out.raw(this.#time.written());
  }
}

function encodeLabels({ labels }: LabelSet): Uint8Array {
  const out = new WireBuffer();
  for (const [name, value] of labels) {
    const begin = out.beginMessage(TIME_SERIES.labels);
    out.textField(LABEL.name, name);
    out.textField(LABEL.value, value);
    out.endMessage(begin);
  }
  return out.written().slice();
}

function writeCounter(out: WireBuffer, { sum }: CounterValue): void {
  writeDouble(out, COUNTER_VALUE.value, sum);
}

function writeGauge(out: WireBuffer, { last, count, min, max, sum }: GaugeValue): void {
  writeDouble(out, GAUGE_VALUE.last, last);
  writeInteger(out, GAUGE_VALUE.count, count);
  writeDouble(out, GAUGE_VALUE.min, min);
  writeDouble(out, GAUGE_VALUE.max, max);
  writeDouble(out, GAUGE_VALUE.avg, sum / count);
}

function writeRate(out: WireBuffer, { nonzero, total }: RateValue): void {
  writeInteger(out, RATE_VALUE.nonzeroCount, nonzero);
  writeInteger(out, RATE_VALUE.totalCount, total);
}

function writeTrend(out: WireBuffer, { histogram }: TrendValue, columns: HistogramColumns): void {
  const { sum, count, min, max, extraLow, extraHigh } = histogram;
  columns.read(histogram);
  out.reserve(VALUE_SIZE + columns.length * BUCKET_SIZE);
  if (columns.length > 0) {
    const begin = out.beginMessage(TREND_HDR_VALUE.counters);
    for (let i = 0; i < columns.length; i++) out.varint(columns.counts[i]!);
    out.endMessage(begin);
  }
  for (let i = 0; i < columns.spans; i++) {
    const begin = out.beginMessage(TREND_HDR_VALUE.spans);
    writeInteger(out, BUCKET_SPAN.offset, columns.spanOffsets[i]!);
    writeInteger(out, BUCKET_SPAN.length, columns.spanLengths[i]!);
    out.endMessage(begin);
  }
  writeDouble(out, TREND_HDR_VALUE.sum, sum);
  writeInteger(out, TREND_HDR_VALUE.count, count);
  writeDouble(out, TREND_HDR_VALUE.minValue, min);
  writeDouble(out, TREND_HDR_VALUE.maxValue, max);
  writeInteger(out, TREND_HDR_VALUE.extraLowValuesCounter, extraLow);
  writeInteger(out, TREND_HDR_VALUE.extraHighValuesCounter, extraHigh);
  writeDouble(out, TREND_HDR_VALUE.minResolution, MIN_RESOLUTION);
}

/** The caller has reserved room. Fields that have their default are left out, as everywhere in proto3; negative zero is another value. */
function writeDouble(out: WireBuffer, tag: number, value: number): void {
  if (Object.is(value, 0)) return;
  out.byte(tag);
  out.double(value);
}

/** The caller has reserved room. */
function writeInteger(out: WireBuffer, tag: number, value: number): void {
  if (value === 0) return;
  out.byte(tag);
  out.varint(value);
}
