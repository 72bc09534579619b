/** Both encodings of what is measured, read by a reader that was made from the schema. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import fc from "fast-check";
import { MIN_RESOLUTION } from "../../../../src/output/cloud/metrics/histogram.ts";
import type { LabelSet } from "../../../../src/output/cloud/metrics/labels.ts";
import { createEncoder } from "../../../../src/output/cloud/metrics/metric_set_encoder.ts";
import type { MetricSet } from "../../../../src/output/cloud/metrics/metric_sets.ts";
import { type CloudSeries, newValue } from "../../../../src/output/cloud/metrics/values.ts";
import {
  bucketsOf,
  readProtobuf,
  type ReceivedSeries,
  type ReceivedSet,
} from "../../../support/cloud_metrics_reader.ts";
import { ANY_TEXTS } from "../../support/texts.ts";
import { CloudRun, type CloudSample, encodeAtOnce, T } from "./cloud_run.ts";

const identity = { testRunId: "123", periodSeconds: 3 };
const GET: LabelSet = { id: 0, labels: [["method", "GET"]] };

/** A counter of 5 and a trend of 200, 100 and 200.1, both of one second. */
function twoMetrics(): MetricSet {
  const series = (type: "counter" | "trend", name: string): CloudSeries => ({
    id: 0,
    metric: { name, type },
    labels: GET,
  });
  const counter = newValue(series("counter", "http_reqs"), 1_700_000_001);
  counter.add(5, T);
  const trend = newValue(series("trend", "http_req_duration"), 1_700_000_001);
  for (const value of [200, 100, 200.1]) trend.add(value, T);
  const metrics = [counter, trend].map((value) => ({
    metric: value.series.metric,
    series: [{ labels: GET, values: [value] }],
  }));
  return { metrics, seriesCount: 2 };
}

Deno.test("protobuf has the bytes of an independent encoder", () => {
  assertEquals(
    encodeHex(encodeAtOnce(createEncoder("protobuf", identity), twoMetrics())),
    "0a0331323310031a330a09687474705f7265717310011a240a0d0a066d6574686f6412034745541213" +
      "0a110a060881e2cfaa061100000000000014401a690a11687474705f7265715f6475726174696f6e10041a520a0d0a066d6574686f64" +
      "12034745542a410a3f0a060881e2cfaa06120201021a0508c30a10011a04087f1001299a99999999417f4030033900000000000059404" +
      "1333333333303694059fca9f1d24d62503f",
  );
});

Deno.test("JSON is the canonical mapping", () => {
  const text = new TextDecoder().decode(encodeAtOnce(createEncoder("json", identity), twoMetrics()));
  assertEquals(
    text,
    '{"testRunId":"123","aggregationPeriod":3,"metrics":[' +
      '{"name":"http_reqs","type":"METRIC_TYPE_COUNTER","timeSeries":[{"labels":[{"name":"method","value":"GET"}],' +
      '"counterSamples":{"values":[{"time":"2023-11-14T22:13:21Z","value":5}]}}]},' +
      '{"name":"http_req_duration","type":"METRIC_TYPE_TREND","timeSeries":[{"labels":[{"name":"method","value":"GET"}],' +
      '"trendHdrSamples":{"values":[{"time":"2023-11-14T22:13:21Z","counters":[1,2],' +
      '"spans":[{"offset":1347,"length":1},{"offset":127,"length":1}],"sum":500.1,"count":3,' +
      '"minValue":100,"maxValue":200.1,"minResolution":0.001}]}}]}]}',
  );
});

Deno.test("buckets that follow each other are one span", () => {
  const run = new CloudRun();
  for (const units of [7, 8, 9, 11, 12]) {
    run.add({ metric: "http_req_duration", value: (units - 0.5) * MIN_RESOLUTION });
  }
  const [trend] = trendsOf(run.received(run.windows.takeAll()));
  assertEquals(trend?.spans, [{ offset: 7, length: 3 }, { offset: 1, length: 2 }]);
  assertEquals(trend?.counters, [1, 1, 1, 1, 1]);
});

Deno.test("values without a bucket have fields of their own, which are missing otherwise", () => {
  const run = new CloudRun();
  for (const value of [-1, -2, 1e17]) run.add({ metric: "http_req_duration", value });
  run.add({ metric: "http_req_waiting", value: 0 });
  const [extremes, zero] = trendsOf(run.received(run.windows.takeAll()));
  assertEquals([extremes?.extraLowValuesCounter, extremes?.extraHighValuesCounter], [2, 1]);
  assertEquals([extremes?.counters, extremes?.spans, extremes?.count], [[], [], 3]);
  assertEquals([extremes?.minValue, extremes?.maxValue], [-2, 1e17]);
  assertEquals("extraLowValuesCounter" in zero! || "extraHighValuesCounter" in zero!, false);
  assertEquals([zero?.counters, zero?.spans, zero?.count], [[1], [{ offset: 0, length: 1 }], 1]);
});

Deno.test("a sum that no number can hold is infinite in both formats", () => {
  const run = new CloudRun();
  for (const metric of ["http_reqs", "vus"]) run.add({ metric, value: 1e308 }, { metric, value: 1e308 });
  const [counter, gauge] = seriesOf(run.received(run.windows.takeAll()));
  assertEquals(counter?.counterSamples?.values[0]?.value, Infinity);
  assertEquals([gauge?.gaugeSamples?.values[0]?.avg, gauge?.gaugeSamples?.values[0]?.max], [Infinity, 1e308]);
});

Deno.test("any text can be the name or the value of a tag", () => {
  const run = new CloudRun();
  for (const text of ANY_TEXTS) run.add({ tags: [[`n${text}`, text], ["z", ""]].sort() as [string, string][] });
  const series = seriesOf(run.received(run.windows.takeAll()));
  const expected = ANY_TEXTS.map((text) => [
    { name: `n${text}`.toWellFormed(), value: text.toWellFormed() },
    { name: "z", value: "" },
  ]);
  assertEquals(series.map(({ labels }) => labels), expected);
});

Deno.test("a test run's reference may be any text", () => {
  for (const testRunId of ["", "7", 'a "b"', "ü\0"]) {
    const encoder = createEncoder("json", { testRunId, periodSeconds: 3 });
    const json = encodeAtOnce(encoder, { metrics: [], seriesCount: 0 });
    assertEquals(JSON.parse(new TextDecoder().decode(json)).testRunId ?? "", testRunId);
  }
});

Deno.test("a big message has its lengths right", () => {
  const run = new CloudRun();
  for (let i = 0; i < 400; i++) {
    const tags = [["i", String(i)], ["long", "x".repeat(i)]] as const;
    for (let k = 0; k < 30; k++) run.add({ metric: "http_req_duration", tags, value: i * k, atEpochMs: T + k * 1000 });
  }
  const [set] = run.received(run.windows.takeAll());
  const trends = trendsOf([set!]);
  assertEquals(trends.length, 4000);
  assertEquals(trends.reduce((sum, { count }) => sum + count, 0), 12_000);
});

const metrics = ["http_reqs", "vus", "checks", "http_req_duration", "http_req_waiting"] as const;
const samples = fc.array(
  fc.record({
    metric: fc.constantFrom(...metrics),
    tags: fc.constantFrom<CloudSample["tags"] & object>([], [["a", ""]], [["a", "1"]], [["a", "1"], ["b", "2"]]),
    value: fc.oneof(fc.integer({ min: -3, max: 100_000 }), fc.constantFrom(0, -0, 1e17)),
    atEpochMs: fc.integer({ min: T, max: T + 20_000 }),
  }),
  { maxLength: 100 },
);

Deno.test("whatever is measured, and however windows and batches are cut: sums are those of the samples", () => {
  const flushes = fc.array(fc.nat({ max: 40_000 }), { maxLength: 5 });
  fc.assert(fc.property(samples, flushes, fc.integer({ min: 1, max: 5 }), (all, times, maxSeries) => {
    const run = new CloudRun();
    const sets: ReceivedSet[] = [];
    const [early, late] = [all.slice(0, all.length / 2), all.slice(all.length / 2)];
    run.add(...early);
    for (const time of times.toSorted((a, b) => a - b)) {
      sets.push(...run.received(run.windows.takeClosed(T + time), maxSeries));
    }
    run.add(...late);
    sets.push(...run.received(run.windows.takeAll(), maxSeries));

    for (const set of sets) {
      assertEquals([set.testRunId, set.aggregationPeriod], ["123", 3]);
      const names = set.metrics.map(({ name }) => name);
      assertEquals(names.length, new Set(names).size);
      const count = set.metrics.reduce((sum, { timeSeries }) => sum + timeSeries.length, 0);
      assertEquals(count >= 1 && count <= maxSeries, true);
    }
    assertTotals(sets, all);
  }));
});

Deno.test("the series of a flush are in as few messages as possible, each in one", () => {
  const run = new CloudRun();
  for (let i = 0; i < 25; i++) {
    for (const offset of [0, 3000, 6000]) run.add({ tags: [["i", String(i)]], atEpochMs: T + offset });
  }
  const sets = run.received(run.windows.takeAll(), 10);
  assertEquals(sets.map((set) => seriesOf([set]).length), [10, 10, 5]);
  const values = seriesOf(sets).map(({ counterSamples }) => counterSamples?.values.map(({ time }) => time.seconds));
  assertEquals(values, Array.from({ length: 25 }, () => [T, T + 3000, T + 6000].map((ms) => ms / 1000)));
});

/** Everything that can be added up is what the samples add up to. */
function assertTotals(sets: readonly ReceivedSet[], all: readonly Required<CloudSample>[]): void {
  const series = new Map<string, ReceivedSeries[]>();
  for (const { name, timeSeries } of sets.flatMap((set) => set.metrics)) {
    for (const each of timeSeries) {
      const key = keyOf(name, each.labels.map(({ name, value }) => [name, value]));
      series.set(key, [...series.get(key) ?? [], each]);
    }
  }
  const byKey = Map.groupBy(all, ({ metric, tags }) => keyOf(metric, tags));
  assertEquals(Array.from(series.keys()).sort(), Array.from(byKey.keys()).sort());
  for (const [key, ofKey] of byKey) assertSeries(series.get(key)!, ofKey.map(({ value }) => value));
}

function assertSeries(received: readonly ReceivedSeries[], values: readonly number[]): void {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const counters = received.flatMap(({ counterSamples }) => counterSamples?.values ?? []);
  if (counters.length > 0) assertAlmostEquals(sum(counters.map(({ value }) => value)), sum(values), tolerance(values));
  const gauges = received.flatMap(({ gaugeSamples }) => gaugeSamples?.values ?? []);
  if (gauges.length > 0) {
    assertEquals(sum(gauges.map(({ count }) => count)), values.length);
    assertAlmostEquals(sum(gauges.map(({ count, avg }) => count * avg)), sum(values), tolerance(values));
    assertEquals(Math.min(...gauges.map(({ min }) => min)) + 0, Math.min(...values) + 0);
    assertEquals(Math.max(...gauges.map(({ max }) => max)) + 0, Math.max(...values) + 0);
    assertEquals(gauges.every(({ last }) => values.includes(last)), true);
  }
  const rates = received.flatMap(({ rateSamples }) => rateSamples?.values ?? []);
  if (rates.length > 0) {
    assertEquals(sum(rates.map(({ totalCount }) => totalCount)), values.length);
    assertEquals(sum(rates.map(({ nonzeroCount }) => nonzeroCount)), values.filter((value) => value !== 0).length);
  }
  const trends = received.flatMap(({ trendHdrSamples }) => trendHdrSamples?.values ?? []);
  if (trends.length > 0) {
    assertEquals(sum(trends.map(({ count }) => count)), values.length);
    assertAlmostEquals(sum(trends.map((trend) => trend.sum)), sum(values), tolerance(values));
    const buckets = trends.flatMap(bucketsOf);
    const [low, high] = [values.filter((value) => value < 0), values.filter((value) => value > 2 ** 63 / 1000)];
    assertEquals(sum(buckets.map(([, count]) => count)), values.length - low.length - high.length);
    assertEquals(sum(trends.map(({ extraLowValuesCounter = 0 }) => extraLowValuesCounter)), low.length);
    assertEquals(sum(trends.map(({ extraHighValuesCounter = 0 }) => extraHighValuesCounter)), high.length);
    assertEquals(trends.every(({ minResolution }) => minResolution === MIN_RESOLUTION), true);
  }
}

/** Sums of parts are rounded otherwise than the sum of all. */
function tolerance(values: readonly number[]): number {
  return Math.max(1, ...values.map(Math.abs)) * values.length * 1e-15;
}

function keyOf(metric: string, tags: readonly (readonly [string, string])[]): string {
  return `${metric}${JSON.stringify(tags)}`;
}

function seriesOf(sets: readonly ReceivedSet[]): ReceivedSeries[] {
  return sets.flatMap(({ metrics }) => metrics.flatMap(({ timeSeries }) => timeSeries));
}

function trendsOf(sets: readonly ReceivedSet[]) {
  return seriesOf(sets).flatMap(({ trendHdrSamples }) => trendHdrSamples?.values ?? []);
}

Deno.test("a message is whole wherever its buffer grows", () => {
  const BUFFER_BYTES = 1 << 16;
  for (let length = BUFFER_BYTES - 40; length <= BUFFER_BYTES; length++) {
    const metric = { name: "m".repeat(length), type: "counter" } as const;
    const value = newValue({ id: 0, metric, labels: GET }, 1);
    value.add(5, 1000);
    const set = { metrics: [{ metric, series: [{ labels: GET, values: [value] }] }], seriesCount: 1 };
    const [received] = readProtobuf(encodeAtOnce(createEncoder("protobuf", identity), set)).metrics;
    assertEquals([received?.name.length, received?.type], [length, "METRIC_TYPE_COUNTER"]);
  }
});
