/** Reads metric sets from protobuf, strictly: an unknown field, a wrong wire type or a message cut short is an error. */

import { Reader } from "protobufjs/minimal";
import {
  type BucketSpan,
  type CounterValue,
  type GaugeValue,
  type MetricSet,
  MetricSetError,
  type PushedMetric,
  type PushedSeries,
  type PushedType,
  type RateValue,
  type Samples,
  type TrendValue,
  type WindowStart,
} from "./metric_set.ts";

/** Reads a `MetricSet` message. Throws a `MetricSetError`. */
export function readProtobufMetricSet(message: Uint8Array): MetricSet {
  const reader = Reader.create(message);
  try {
    return readMetricSet(reader);
  } catch (error) {
    if (error instanceof MetricSetError) throw error;
    if (error instanceof Error) throw new MetricSetError(`broken protobuf at byte ${reader.pos}: ${error.message}`);
    throw error;
  }
}

const TYPES: readonly PushedType[] = ["unspecified", "counter", "gauge", "rate", "trend"];

/** Wire types (Protocol Buffers encoding, "Message Structure"). */
const VARINT = 0, I64 = 1, LEN = 2;

type Fields = Readonly<Record<number, readonly [wireType: number, read: () => unknown]>>;

function readMetricSet(reader: Reader): MetricSet {
  let testRunId = "";
  let aggregationPeriodSeconds = 0;
  const metrics: PushedMetric[] = [];
  readFields(reader, reader.len, "MetricSet", {
    1: [LEN, () => testRunId = reader.string()],
    2: [VARINT, () => aggregationPeriodSeconds = reader.uint32()],
    3: [LEN, () => metrics.push(readMetric(reader))],
  });
  return { testRunId, aggregationPeriodSeconds, metrics };
}

function readMetric(reader: Reader): PushedMetric {
  let name = "";
  let type: PushedType = "unspecified";
  const series: PushedSeries[] = [];
  readMessage(reader, "Metric", {
    1: [LEN, () => name = reader.string()],
    2: [VARINT, () => type = typeOf(reader.uint32())],
    3: [LEN, () => series.push(readSeries(reader))],
  });
  return { name, type, series };
}

function typeOf(number: number): PushedType {
  const type = TYPES[number];
  if (type === undefined) throw new MetricSetError(`unknown metric type ${number}`);
  return type;
}

function readSeries(reader: Reader): PushedSeries {
  const labels: [string, string][] = [];
  let samples: Samples | null = null;
  const set = (given: Samples) => {
    if (samples !== null) throw new MetricSetError("a time series has samples twice");
    samples = given;
  };
  readMessage(reader, "TimeSeries", {
    1: [LEN, () => labels.push(readLabel(reader))],
    2: [LEN, () => set({ type: "counter", values: readValues(reader, readCounter) })],
    3: [LEN, () => set({ type: "gauge", values: readValues(reader, readGauge) })],
    4: [LEN, () => set({ type: "rate", values: readValues(reader, readRate) })],
    5: [LEN, () => set({ type: "trend", values: readValues(reader, readTrend) })],
  });
  return { labels, samples };
}

function readLabel(reader: Reader): [string, string] {
  const label: [string, string] = ["", ""];
  readMessage(reader, "Label", {
    1: [LEN, () => label[0] = reader.string()],
    2: [LEN, () => label[1] = reader.string()],
  });
  return label;
}

function readValues<Value>(reader: Reader, read: (reader: Reader) => Value): Value[] {
  const values: Value[] = [];
  readMessage(reader, "samples", { 1: [LEN, () => values.push(read(reader))] });
  return values;
}

function readCounter(reader: Reader): CounterValue {
  const counter = { time: EPOCH, value: 0 };
  readMessage(reader, "CounterValue", {
    1: [LEN, () => counter.time = readTimestamp(reader)],
    2: [I64, () => counter.value = reader.double()],
  });
  return counter;
}

function readGauge(reader: Reader): GaugeValue {
  const gauge = { time: EPOCH, last: 0, count: 0, min: 0, max: 0, avg: 0 };
  readMessage(reader, "GaugeValue", {
    1: [LEN, () => gauge.time = readTimestamp(reader)],
    2: [I64, () => gauge.last = reader.double()],
    3: [VARINT, () => gauge.count = reader.uint32()],
    4: [I64, () => gauge.min = reader.double()],
    5: [I64, () => gauge.max = reader.double()],
    6: [I64, () => gauge.avg = reader.double()],
  });
  return gauge;
}

function readRate(reader: Reader): RateValue {
  const rate = { time: EPOCH, nonzeroCount: 0, totalCount: 0 };
  readMessage(reader, "RateValue", {
    1: [LEN, () => rate.time = readTimestamp(reader)],
    2: [VARINT, () => rate.nonzeroCount = reader.uint32()],
    3: [VARINT, () => rate.totalCount = reader.uint32()],
  });
  return rate;
}

function readTrend(reader: Reader): TrendValue {
  const counters: number[] = [];
  const spans: BucketSpan[] = [];
  const trend = { time: EPOCH, counters, spans, sum: 0, count: 0, min: 0, max: 0, minResolution: 0 };
  const optional: Record<"extraLow" | "extraHigh" | "significantDigits", number | null> = {
    extraLow: null,
    extraHigh: null,
    significantDigits: null,
  };
  readMessage(reader, "TrendHdrValue", {
    1: [LEN, () => trend.time = readTimestamp(reader)],
    2: [LEN, () => readPacked(reader, counters)],
    3: [LEN, () => spans.push(readSpan(reader))],
    5: [I64, () => trend.sum = reader.double()],
    6: [VARINT, () => trend.count = reader.uint32()],
    7: [I64, () => trend.min = reader.double()],
    8: [I64, () => trend.max = reader.double()],
    9: [VARINT, () => optional.extraLow = reader.uint32()],
    10: [VARINT, () => optional.extraHigh = reader.uint32()],
    11: [I64, () => trend.minResolution = reader.double()],
    12: [VARINT, () => optional.significantDigits = reader.uint32()],
  });
  return { ...trend, ...optional };
}

function readSpan(reader: Reader): BucketSpan {
  const span = { offset: 0, length: 0 };
  readMessage(reader, "BucketSpan", {
    1: [VARINT, () => span.offset = reader.uint32()],
    2: [VARINT, () => span.length = reader.uint32()],
  });
  return span;
}

const EPOCH: WindowStart = { seconds: 0, nanos: 0 };

function readTimestamp(reader: Reader): WindowStart {
  const time = { seconds: 0, nanos: 0 };
  readMessage(reader, "Timestamp", {
    1: [VARINT, () => time.seconds = Number(reader.int64())],
    2: [VARINT, () => time.nanos = reader.int32()],
  });
  return time;
}

function readPacked(reader: Reader, into: number[]): void {
  const until = endOf(reader, "packed counters");
  while (reader.pos < until) into.push(reader.uint32());
  if (reader.pos !== until) throw new MetricSetError("a counter is longer than its list");
}

/** Reads a message that its length precedes. */
function readMessage(reader: Reader, message: string, fields: Fields): void {
  readFields(reader, endOf(reader, message), message, fields);
}

function readFields(reader: Reader, until: number, message: string, fields: Fields): void {
  while (reader.pos < until) {
    const tag = reader.uint32();
    const [wireType, read] = fields[tag >>> 3] ?? [];
    if (read === undefined) throw new MetricSetError(`${message} has no field ${tag >>> 3}`);
    if ((tag & 7) !== wireType) throw new MetricSetError(`field ${tag >>> 3} of ${message} has wire type ${tag & 7}`);
    read();
  }
  if (reader.pos !== until) throw new MetricSetError(`a field of ${message} is longer than its message`);
}

function endOf(reader: Reader, message: string): number {
  const length = reader.uint32();
  const until = reader.pos + length;
  if (until > reader.len) throw new MetricSetError(`${message} is cut short`);
  return until;
}
