import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CounterSink, createSink, GaugeSink, RateSink, TrendSink } from "../../src/metrics/sinks.ts";
import type { MetricType } from "../../src/metrics/types.ts";

const types: readonly MetricType[] = ["counter", "gauge", "rate", "trend"];

Deno.test("a sink is of its metric's type and empty until its first sample", () => {
  for (const type of types) {
    const sink = createSink(type);
    assertEquals([sink.type, sink.isEmpty, sink.count], [type, true, 0]);
    sink.add(0, 1);
    assertEquals([sink.isEmpty, sink.count], [false, 1]);
  }
});

Deno.test("a counter has the sum and the earliest time", () => {
  const sink = new CounterSink();
  sink.add(2, 20);
  sink.add(-0.5, 10);
  assertEquals([sink.sum, sink.count, sink.firstAtEpochMs], [1.5, 2, 10]);
});

Deno.test("a gauge's last value is the one with the latest time, in whatever order samples arrive", () => {
  const sink = new GaugeSink();
  sink.add(7, 20);
  sink.add(-3, 10);
  assertEquals([sink.last, sink.min, sink.max], [7, -3, 7]);
  sink.add(5, 20);
  assertEquals(sink.last, 5);
});

Deno.test("a rate counts every value but zero as true", () => {
  const sink = new RateSink();
  for (const value of [1, 0, -2, 0.5]) sink.add(value, 0);
  assertEquals([sink.trues, sink.total, sink.rate], [3, 4, 0.75]);
});

Deno.test("an empty sink's figures are 0", () => {
  const trend = new TrendSink();
  assertEquals([trend.min, trend.max, trend.avg, trend.sum, trend.quantile(0.5)], [0, 0, 0, 0, 0]);
  assertEquals([new RateSink().rate, new GaugeSink().last, new CounterSink().sum], [0, 0, 0]);
});

/** Recorded from k6 2.2.0: values, then percentiles. */
const RECORDED: readonly [readonly number[], Readonly<Record<number, number>>][] = [
  [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { 0: 1, 50: 5.5, 90: 9.1, 95: 9.549999999999999, 100: 10 }],
  [[15, 20, 35, 40, 50, 3.5, 1000], {
    0: 3.5,
    10: 10.400000000000002,
    33.3: 19.99,
    50: 35,
    75: 45,
    90: 430.00000000000034,
    95: 714.9999999999993,
    99.9: 994.3000000000006,
    100: 1000,
  }],
  [[7], { 0: 7, 33.3: 7, 100: 7 }],
  [[1, 2], { 10: 1.1, 33.3: 1.333, 99.9: 1.999 }],
  [[-5, 0, 5, -10.25], { 0: -10.25, 10: -8.675, 33.3: -5.00525, 90: 3.500000000000001, 95: 4.249999999999998 }],
];

Deno.test("a small trend's quantiles are k6's to the last digit", () => {
  for (const [values, percentiles] of RECORDED) {
    const sink = new TrendSink();
    for (const value of values) sink.add(value, 0);
    for (const [p, expected] of Object.entries(percentiles)) assertEquals(sink.quantile(Number(p) / 100), expected);
  }
});

/** The exact quantile of sorted values by linear interpolation. */
function exactQuantile(sorted: ArrayLike<number>, q: number): number {
  const position = q * (sorted.length - 1);
  const lower = sorted[Math.floor(position)]!;
  const upper = sorted[Math.ceil(position)]!;
  return lower + (upper - lower) * (position - Math.floor(position));
}

function trendOf(values: Iterable<number>): TrendSink {
  const sink = new TrendSink();
  for (const value of values) sink.add(value, 0);
  return sink;
}

const positive = fc.double({ noNaN: true, min: 1e-6, max: 1e9 });
const samples = fc.array(positive, { maxLength: 700, size: "max" });
const fraction = fc.double({ noNaN: true, min: 0, max: 1 });

Deno.test("a trend's quantiles are within 0.1 %, its other figures exact", () => {
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1, maxLength: 700, size: "max" }), fraction, (values, q) => {
      const sink = trendOf(values);
      const sorted = Float64Array.from(values).sort();
      const exact = exactQuantile(sorted, q);
      assertAlmostEquals(sink.quantile(q), exact, (values.length <= 256 ? 1e-12 : 0.001) * exact);
      assertEquals([sink.count, sink.min, sink.max], [values.length, sorted[0], sorted.at(-1)]);
      assertEquals(sink.sum, values.reduce((sum, value) => sum + value, 0));
      assertEquals([sink.quantile(0), sink.quantile(1)], [sink.min, sink.max]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("merged trends equal one trend that took all values", () => {
  fc.assert(
    fc.property(samples, samples, fraction, (left, right, q) => {
      const merged = trendOf(left);
      merged.merge(trendOf(right));
      const together = trendOf([...left, ...right]);
      assertEquals(merged.quantile(q), together.quantile(q));
      assertEquals([merged.count, merged.min, merged.max], [together.count, together.min, together.max]);
      assertAlmostEquals(merged.sum, together.sum, 1e-9 * together.sum);
    }),
    { numRuns: 50 },
  );
});

Deno.test("merged counters, gauges and rates equal one sink that took all samples", () => {
  const sample = fc.tuple(fc.integer({ min: -5, max: 5 }), fc.nat(1_000_000));
  const distinctTimes = fc.uniqueArray(sample, { selector: ([, time]) => time, maxLength: 20 });
  fc.assert(fc.property(distinctTimes, fc.nat(20), (all, split) => {
    for (const make of [() => new CounterSink(), () => new GaugeSink(), () => new RateSink()]) {
      const [left, right, together] = [make(), make(), make()];
      all.forEach(([value, time], i) => {
        (i < split ? left : right).add(value, time);
        together.add(value, time);
      });
      if (left.type === "counter" && right.type === "counter") left.merge(right);
      if (left.type === "gauge" && right.type === "gauge") left.merge(right);
      if (left.type === "rate" && right.type === "rate") left.merge(right);
      assertEquals(left, together);
    }
  }));
});

Deno.test("a million samples keep quantiles within 0.1 % of exact", () => {
  const values = new Float64Array(1_000_000);
  let state = 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = Math.exp((state / 2 ** 32) * 12 - 5);
  }
  const sink = trendOf(values);
  values.sort();
  for (const q of [0.5, 0.95, 0.99, 0.999]) {
    const exact = exactQuantile(values, q);
    assert(Math.abs(sink.quantile(q) - exact) <= 0.001 * exact, `quantile ${q}`);
  }
});
