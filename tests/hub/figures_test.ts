import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  addFigures,
  type Figures,
  figuresOf,
  quantile,
  sumOfFigures,
  type TrendFigures,
} from "../../src/hub/figures.ts";
import { bucketOf } from "../../src/hub/trend_buckets.ts";

const AT = { seconds: 3, nanos: 0 };

Deno.test("figures of a metric are those of all its windows", () => {
  const gauge = figuresOf({
    type: "gauge",
    values: [
      { time: { seconds: 6, nanos: 0 }, last: 5, count: 2, min: 1, max: 5, avg: 3 },
      { time: AT, last: 9, count: 1, min: 9, max: 9, avg: 9 },
    ],
  });
  assertEquals(sumOfFigures(gauge.map(([, figures]) => figures)), {
    type: "gauge",
    last: 5,
    lastAtEpochSeconds: 6,
    count: 3,
    min: 1,
    max: 9,
    sum: 15,
  });
  const rate = figuresOf({ type: "rate", values: [{ time: AT, nonzeroCount: 1, totalCount: 2 }] });
  assertEquals(rate, [[3, { type: "rate", nonzero: 1, total: 2 }]]);
  assertEquals(sumOfFigures([]), null);
});

Deno.test("figures are only added to their own kind", () => {
  const counter: Figures = { type: "counter", sum: 1 };
  assertThrows(() => addFigures(counter, { type: "rate", nonzero: 0, total: 1 }), TypeError, "Cannot add a rate");
});

Deno.test("quantiles are right within the width of a bucket, however the values were split into windows", () => {
  const values = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 60 });
  const q = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(values, fc.nat(), q, (values, cut, q) => {
    const at = cut % values.length;
    const parts = [values.slice(0, at), values.slice(at)].filter((part) => part.length > 0).map(trendOf);
    const merged = sumOfFigures(parts);
    if (merged?.type !== "trend") throw new Error("the sum of trends is no trend");
    assertEquals({ ...merged, sum: 0, buckets: null }, { ...trendOf(values), sum: 0, buckets: null });
    const sorted = values.toSorted((a, b) => a - b);
    const rank = q * (values.length - 1);
    const [below = 0, above = 0] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
    const exact = below + (above - below) * (rank - Math.floor(rank));
    const error = Math.abs(quantile(merged, q) - exact);
    assert(error <= above / 127 + 0.001, `${quantile(merged, q)} for ${exact}`);
  }));
});

Deno.test("quantiles among values beyond the buckets are the extremes", () => {
  const trend: TrendFigures = {
    type: "trend",
    count: 4,
    sum: 0,
    min: -5,
    max: 1e30,
    low: 2,
    high: 2,
    buckets: new Map(),
  };
  assertEquals([quantile(trend, 0), quantile(trend, 1)], [-5, 1e30]);
});

function trendOf(values: readonly number[]): TrendFigures {
  const buckets = new Map<number, number>();
  for (const bucket of values.map(bucketOf)) buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
  const sum = values.reduce((all, value) => all + value, 0);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { type: "trend", count: values.length, sum, min, max, low: 0, high: 0, buckets };
}
