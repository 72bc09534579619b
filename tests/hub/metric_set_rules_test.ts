import { assert, assertEquals } from "@std/assert";
import type { GaugeValue, MetricSet, PushedMetric, RateValue, Samples, TrendValue } from "../../src/hub/metric_set.ts";
import { brokenRules } from "../../src/hub/metric_set_rules.ts";

const TERMS = { testRunId: "1", aggregationPeriodSeconds: 3, maxSeriesInBatch: 2 };
const time = { seconds: 1_700_000_001, nanos: 0 };
const counter: Samples = { type: "counter", values: [{ time, value: 5 }] };
const gauge: GaugeValue = { time, last: 4, count: 2, min: 2, max: 4, avg: 3 };
const rate: RateValue = { time, nonzeroCount: 1, totalCount: 4 };

/** 100, 200 and 200.1. */
const trend: TrendValue = {
  time,
  counters: [1, 2],
  spans: [{ offset: 1347, length: 1 }, { offset: 127, length: 1 }],
  sum: 500.1,
  count: 3,
  min: 100,
  max: 200.1,
  extraLow: null,
  extraHigh: null,
  minResolution: 0.001,
  significantDigits: null,
};

/** -1 and 7. */
const withLow: TrendValue = {
  ...trend,
  counters: [1],
  spans: [{ offset: 858, length: 1 }],
  sum: 6,
  count: 2,
  min: -1,
  max: 7,
  extraLow: 1,
};

Deno.test("good metrics break no rule", () => {
  const onlyLow = { ...withLow, counters: [], spans: [], sum: -2, max: -1, extraLow: 2 };
  const onlyHigh = {
    ...withLow,
    counters: [],
    spans: [],
    sum: 4e30,
    min: 2e30,
    max: 2e30,
    extraLow: null,
    extraHigh: 2,
  };
  for (const value of [trend, withLow, onlyLow, onlyHigh]) assertEquals(broken(ofTrend(value)), []);
  assertEquals(broken(ofGauge(gauge)), []);
  assertEquals(broken(ofRate(rate)), []);
  const several: Samples = {
    type: "counter",
    values: [{ time, value: 5 }, { time: { seconds: 1_700_000_004, nanos: 0 }, value: 0 }],
  };
  assertEquals(broken(metric(several)), []);
});

const sets: readonly (readonly [change: Partial<MetricSet>, rule: string])[] = [
  [{ testRunId: "2" }, "test_run_id 2 in a push for 1"],
  [{ aggregationPeriodSeconds: 1 }, "aggregation_period 1 instead of 3"],
  [{ metrics: [] }, "a push without a time series"],
  [{ metrics: ["a", "b", "c"].map((name) => metric(counter, { name })) }, "3 time series in a batch of 2"],
  [{ metrics: [metric(counter), metric(counter)] }, "metric a twice in one push"],
];

for (const [change, rule] of sets) {
  Deno.test(`a rule of sets: ${rule}`, () => {
    const set = { testRunId: "1", aggregationPeriodSeconds: 3, metrics: [metric(counter)], ...change };
    assertEquals(brokenRules(set, TERMS), [rule]);
  });
}

const metrics: readonly (readonly [metric: PushedMetric, rule: string])[] = [
  [metric(counter, { name: "0a" }), `invalid metric name "0a"`],
  [metric(counter, { type: "gauge" }), "a[]: a gauge with samples of a counter"],
  [metric(counter, { series: [] }), "metric a has no time series"],
  [metric(counter, { series: [{ labels: [], samples: null }] }), "a[] has no samples"],
  [labelled([["x", "1"], ["y", ""]], [["y", ""], ["x", "1"]]), `a[["x","1"],["y",""]] twice in one push`],
  [labelled([["x", "1"], ["x", "2"]]), `a[["x","1"],["x","2"]]: a label twice`],
  [labelled([["__name", "1"]]), `a[["__name","1"]]: reserved label __name`],
  [labelled([["test_run_id", "1"]]), `a[["test_run_id","1"]]: reserved label test_run_id`],
  [labelled([["", "1"]]), `a[["","1"]]: a label without a name`],
  [metric({ type: "counter", values: [] }), "a[]: no values"],
  [metric({ type: "counter", values: [{ time, value: NaN }] }), "a[]: a counter's sum of NaN"],
  [atTime(1_700_000_002, 0), "a[]: time 1700000002 is no start of 3 s windows"],
  [atTime(1_700_000_001, 5), "a[]: a time with 5 ns"],
  [ofGauge({ ...gauge, count: 0 }), "a[]: a gauge of no samples"],
  [ofGauge({ ...gauge, last: 5 }), "a[]: a gauge's last value 5 is not in 2 … 4"],
  [ofGauge({ ...gauge, avg: 5 }), "a[]: a gauge's average 5 is not in 2 … 4"],
  [ofRate({ ...rate, nonzeroCount: 5 }), "a[]: 5 of 4 samples"],
  [ofRate({ ...rate, nonzeroCount: 0, totalCount: 0 }), "a[]: a rate of no samples"],
  [ofTrend({ ...trend, minResolution: 1 }), "a[]: min_resolution 1"],
  [ofTrend({ ...trend, significantDigits: 2 }), "a[]: significant_digits is set"],
  [ofTrend({ ...trend, count: 4, sum: 600 }), "a[]: 3 samples in the buckets of 4"],
  [ofTrend({ ...trend, sum: 700 }), "a[]: the sum 700 of 3 values between 100 and 200.1"],
  [ofTrend({ ...trend, min: 90 }), "a[]: the smallest value 90 belongs to bucket 1327, the first one is 1347"],
  [ofTrend({ ...trend, max: 210 }), "a[]: the largest value 210 belongs to bucket 1485, the last one is 1475"],
  [ofTrend({ ...trend, extraLow: 0 }), "a[]: an extra counter of 0"],
  [
    ofTrend({ ...trend, spans: [{ offset: 1347, length: 2 }] }),
    "a[]: the largest value 200.1 belongs to bucket 1475, the last one is 1348",
  ],
  [ofTrend({ ...trend, spans: [...trend.spans, { offset: 1, length: 1 }] }), "a[]: 2 counters for 3 buckets"],
  [ofTrend({ ...trend, spans: [...trend.spans, { offset: 1, length: 0 }] }), "a[]: a span of no buckets"],
  [ofTrend({ ...withLow, min: 7, sum: 14 }), "a[]: the smallest value is 7, and 1 are below 0"],
];

for (const [metric, rule] of metrics) {
  Deno.test(`a rule of metrics: ${rule}`, () => assert(broken(metric).includes(rule), broken(metric).join("\n")));
}

Deno.test("a span that continues the last one should have been one with it", () => {
  const spans = [{ offset: 1347, length: 1 }, { offset: 0, length: 1 }];
  const value = { ...trend, spans, sum: 300.7, max: 100.4 };
  assertEquals(broken(ofTrend(value)), ["a[]: a span that continues the last one"]);
});

function broken(...metrics: readonly PushedMetric[]): string[] {
  return brokenRules({ testRunId: "1", aggregationPeriodSeconds: 3, metrics }, TERMS);
}

function metric(samples: Samples, change: Partial<PushedMetric> = {}): PushedMetric {
  return { name: "a", type: samples.type, series: [{ labels: [], samples }], ...change };
}

function labelled(...labels: readonly (readonly (readonly [string, string])[])[]): PushedMetric {
  return metric(counter, { series: labels.map((each) => ({ labels: each, samples: counter })) });
}

function atTime(seconds: number, nanos: number): PushedMetric {
  return metric({ type: "counter", values: [{ time: { seconds, nanos }, value: 1 }] });
}

function ofGauge(value: GaugeValue): PushedMetric {
  return metric({ type: "gauge", values: [value] });
}

function ofRate(value: RateValue): PushedMetric {
  return metric({ type: "rate", values: [value] });
}

function ofTrend(value: TrendValue): PushedMetric {
  return metric({ type: "trend", values: [value] });
}
