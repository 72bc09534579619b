/**
 * Reads metric sets from JSON, the canonical mapping of the protobuf messages (https://protobuf.dev/programming-guides/json/):
 * lowerCamelCase names, enums by name, times in RFC 3339, numbers that JSON can't say as text. Unknown fields are errors.
 */

import {
  type BucketSpan,
  type MetricSet,
  MetricSetError,
  type PushedMetric,
  type PushedSeries,
  type PushedType,
  type Samples,
  type TrendValue,
  type WindowStart,
} from "./metric_set.ts";

/** Reads a `MetricSet` in UTF-8. Throws a `MetricSetError`. */
export function readJsonMetricSet(bytes: Uint8Array): MetricSet {
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new MetricSetError(error instanceof Error ? error.message : String(error));
  }
  const set = new JsonMessage(given, "MetricSet", ["testRunId", "aggregationPeriod", "metrics"]);
  return {
    testRunId: set.text("testRunId"),
    aggregationPeriodSeconds: set.count("aggregationPeriod"),
    metrics: set.list("metrics", readMetric),
  };
}

const TYPES: Readonly<Record<string, PushedType>> = {
  METRIC_TYPE_UNSPECIFIED: "unspecified",
  METRIC_TYPE_COUNTER: "counter",
  METRIC_TYPE_GAUGE: "gauge",
  METRIC_TYPE_RATE: "rate",
  METRIC_TYPE_TREND: "trend",
};

function readMetric(given: unknown): PushedMetric {
  const metric = new JsonMessage(given, "Metric", ["name", "type", "timeSeries"]);
  const typeName = metric.text("type") || "METRIC_TYPE_UNSPECIFIED";
  const type = TYPES[typeName];
  if (type === undefined) throw new MetricSetError(`unknown metric type ${typeName}`);
  return { name: metric.text("name"), type, series: metric.list("timeSeries", readSeries) };
}

function readSeries(given: unknown): PushedSeries {
  const kinds = ["counterSamples", "gaugeSamples", "rateSamples", "trendHdrSamples"] as const;
  const series = new JsonMessage(given, "TimeSeries", ["labels", ...kinds]);
  const set = kinds.filter((kind) => series.has(kind));
  if (set.length > 1) throw new MetricSetError("a time series has samples twice");
  const kind = set[0];
  return {
    labels: series.list("labels", readLabel),
    samples: kind === undefined ? null : readSamples(kind, series.get(kind)),
  };
}

function readLabel(given: unknown): [string, string] {
  const label = new JsonMessage(given, "Label", ["name", "value"]);
  return [label.text("name"), label.text("value")];
}

function readSamples(
  kind: "counterSamples" | "gaugeSamples" | "rateSamples" | "trendHdrSamples",
  given: unknown,
): Samples {
  const samples = new JsonMessage(given, kind, ["values"]);
  switch (kind) {
    case "counterSamples":
      return { type: "counter", values: samples.list("values", readCounter) };
    case "gaugeSamples":
      return { type: "gauge", values: samples.list("values", readGauge) };
    case "rateSamples":
      return { type: "rate", values: samples.list("values", readRate) };
    case "trendHdrSamples":
      return { type: "trend", values: samples.list("values", readTrend) };
  }
}

function readCounter(given: unknown) {
  const counter = new JsonMessage(given, "CounterValue", ["time", "value"]);
  return { time: counter.time("time"), value: counter.double("value") };
}

function readGauge(given: unknown) {
  const gauge = new JsonMessage(given, "GaugeValue", ["time", "last", "count", "min", "max", "avg"]);
  return {
    time: gauge.time("time"),
    last: gauge.double("last"),
    count: gauge.count("count"),
    min: gauge.double("min"),
    max: gauge.double("max"),
    avg: gauge.double("avg"),
  };
}

function readRate(given: unknown) {
  const rate = new JsonMessage(given, "RateValue", ["time", "nonzeroCount", "totalCount"]);
  return { time: rate.time("time"), nonzeroCount: rate.count("nonzeroCount"), totalCount: rate.count("totalCount") };
}

const TREND_FIELDS = [
  ...["time", "counters", "spans", "sum", "count", "minValue", "maxValue"],
  ...["extraLowValuesCounter", "extraHighValuesCounter", "minResolution", "significantDigits"],
];

function readTrend(given: unknown): TrendValue {
  const trend = new JsonMessage(given, "TrendHdrValue", TREND_FIELDS);
  const optional = (name: string) => trend.has(name) ? trend.count(name) : null;
  return {
    time: trend.time("time"),
    counters: trend.list("counters", (counter) => readCount(counter, "counters")),
    spans: trend.list("spans", readSpan),
    sum: trend.double("sum"),
    count: trend.count("count"),
    min: trend.double("minValue"),
    max: trend.double("maxValue"),
    extraLow: optional("extraLowValuesCounter"),
    extraHigh: optional("extraHighValuesCounter"),
    minResolution: trend.double("minResolution"),
    significantDigits: optional("significantDigits"),
  };
}

function readSpan(given: unknown): BucketSpan {
  const span = new JsonMessage(given, "BucketSpan", ["offset", "length"]);
  return { offset: span.count("offset"), length: span.count("length") };
}

/** The fields of one message; a field that is absent or null has its default. */
class JsonMessage {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #message: string;

  constructor(given: unknown, message: string, names: readonly string[]) {
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw new MetricSetError(`${message} must be an object, not ${JSON.stringify(given)}`);
    }
    for (const name of Object.keys(given)) {
      if (!names.includes(name)) throw new MetricSetError(`${message} has no field ${JSON.stringify(name)}`);
    }
    this.#fields = given as Record<string, unknown>;
    this.#message = message;
  }

  has(name: string): boolean {
    return (this.get(name) ?? null) !== null;
  }

  get(name: string): unknown {
    return this.#fields[name];
  }

  text(name: string): string {
    const given = this.get(name) ?? "";
    if (typeof given !== "string") throw this.#mistake(name, "text", given);
    return given;
  }

  count(name: string): number {
    return readCount(this.get(name) ?? 0, `${this.#message}.${name}`);
  }

  double(name: string): number {
    const given = this.get(name) ?? 0;
    if (typeof given === "number") return given;
    if (typeof given === "string" && /^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][-+]?\d+)?)$/.test(given)) {
      return Number(given);
    }
    throw this.#mistake(name, "a number", given);
  }

  list<Element>(name: string, read: (given: unknown) => Element): Element[] {
    const given = this.get(name) ?? [];
    if (!Array.isArray(given)) throw this.#mistake(name, "a list", given);
    return given.map(read);
  }

  /** RFC 3339 in UTC with 0, 3, 6 or 9 digits of a second's fraction. */
  time(name: string): WindowStart {
    const given = this.get(name) ?? "1970-01-01T00:00:00Z";
    const parts = typeof given === "string"
      ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?Z$/.exec(given)
      : null;
    const atEpochMs = parts === null ? NaN : Date.parse(`${parts[1]}Z`);
    if (Number.isNaN(atEpochMs)) throw this.#mistake(name, "a time like 2026-01-31T12:00:00Z", given);
    return { seconds: atEpochMs / 1000, nanos: Number((parts?.[2] ?? "").padEnd(9, "0")) };
  }

  #mistake(name: string, wanted: string, given: unknown): MetricSetError {
    return new MetricSetError(`${this.#message}.${name} must be ${wanted}, not ${JSON.stringify(given)}`);
  }
}

/** A uint32, which may also come as text. */
function readCount(given: unknown, name: string): number {
  const count = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 0 || count > 0xffff_ffff) {
    throw new MetricSetError(`${name} must be an unsigned integer of 32 bits, not ${JSON.stringify(given)}`);
  }
  return count;
}
