/** Arbitrary metric sets, in each of their forms. */

import fc from "fast-check";
import type { MetricSet } from "../../src/hub/metric_set.ts";

/** A set, the object of which protobufjs makes its message, and its canonical JSON. */
export interface MetricSetForms {
  readonly set: MetricSet;
  readonly message: Record<string, unknown>;
  readonly json: unknown;
}

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const count = fc.integer({ min: 0, max: 0xffff_ffff });
/** Without -0, which JSON doesn't know. */
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value);
const seconds = fc.integer({ min: 1, max: 4_000_000_000 });
const optional = fc.option(count, { nil: null });

const counters = fc.record({ seconds, value: double }).map(({ seconds, value }) => ({
  value: { time: at(seconds), value },
  message: { time: at(seconds), value },
  json: { time: rfc3339(seconds), value },
}));

const gauges = fc.record({ seconds, last: double, count, min: double, max: double, avg: double })
  .map(({ seconds, ...figures }) => ({
    value: { time: at(seconds), ...figures },
    message: { time: at(seconds), ...figures },
    json: { time: rfc3339(seconds), ...figures },
  }));

const rates = fc.record({ seconds, nonzeroCount: count, totalCount: count }).map(({ seconds, ...figures }) => ({
  value: { time: at(seconds), ...figures },
  message: { time: at(seconds), ...figures },
  json: { time: rfc3339(seconds), ...figures },
}));

const trends = fc.record({
  seconds,
  figures: fc.record({
    counters: fc.array(count, { maxLength: 5 }),
    spans: fc.array(fc.record({ offset: count, length: count }), { maxLength: 3 }),
    sum: double,
    count,
    minResolution: double,
  }),
  min: double,
  max: double,
  extraLow: optional,
  extraHigh: optional,
  significantDigits: optional,
}).map(({ seconds, figures, min, max, extraLow, extraHigh, significantDigits }) => {
  const sent = {
    ...figures,
    minValue: min,
    maxValue: max,
    ...(extraLow === null ? {} : { extraLowValuesCounter: extraLow }),
    ...(extraHigh === null ? {} : { extraHighValuesCounter: extraHigh }),
    ...(significantDigits === null ? {} : { significantDigits }),
  };
  return {
    value: { time: at(seconds), ...figures, min, max, extraLow, extraHigh, significantDigits },
    message: { time: at(seconds), ...sent },
    json: { time: rfc3339(seconds), ...sent },
  };
});

const kinds = fc.oneof(
  kind("counter", 1, "counterSamples", counters),
  kind("gauge", 2, "gaugeSamples", gauges),
  kind("rate", 3, "rateSamples", rates),
  kind("trend", 4, "trendHdrSamples", trends),
);

const metrics = fc.record({ name: text, kind: kinds, labels: fc.array(fc.tuple(text, text), { maxLength: 3 }) })
  .map(({ name, kind: { type, number, field, values }, labels }) => {
    const named = labels.map(([name, value]) => ({ name, value }));
    const samples = (form: "value" | "message" | "json") => values.map((value) => value[form]);
    return {
      metric: { name, type, series: [{ labels, samples: { type, values: samples("value") } }] },
      message: { name, type: number, timeSeries: [{ labels: named, [field]: { values: samples("message") } }] },
      json: {
        name,
        type: `METRIC_TYPE_${type.toUpperCase()}`,
        timeSeries: [{ labels: named, [field]: { values: samples("json") } }],
      },
    };
  });

/** Sets of any content; the rules of a correct sender are not kept. */
export const metricSets: fc.Arbitrary<MetricSetForms> = fc.record({
  testRunId: text,
  aggregationPeriod: count,
  metrics: fc.array(metrics, { maxLength: 3 }),
}).map(({ testRunId, aggregationPeriod, metrics }) => ({
  set: {
    testRunId,
    aggregationPeriodSeconds: aggregationPeriod,
    metrics: metrics.map(({ metric }) => metric),
  } as MetricSet,
  message: { testRunId, aggregationPeriod, metrics: metrics.map(({ message }) => message) },
  json: { testRunId, aggregationPeriod, metrics: metrics.map(({ json }) => json) },
}));

interface ValueForms {
  readonly value: unknown;
  readonly message: unknown;
  readonly json: unknown;
}

function kind(type: string, number: number, field: string, values: fc.Arbitrary<ValueForms>) {
  return fc.array(values, { maxLength: 3 }).map((values) => ({ type, number, field, values }));
}

function at(seconds: number) {
  return { seconds, nanos: 0 };
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
