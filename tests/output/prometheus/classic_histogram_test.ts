import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ClassicHistogram, formatBound } from "../../../src/output/prometheus/classic_histogram.ts";

const bounds: [bound: number, le: string][] = [
  [0.005, "0.005"],
  [1, "1"],
  [2.5, "2.5"],
  [100_000, "100000"],
  [1_000_000, "1e+06"],
  [1_234_567, "1.234567e+06"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [1e100, "1e+100"],
  [0, "0"],
  [-2.5, "-2.5"],
  [Infinity, "+Inf"],
];

for (const [bound, le] of bounds) {
  Deno.test(`the bound ${bound} is spelt ${le}`, () => assertEquals(formatBound(bound), le));
}

Deno.test("every value counts for the lowest bound that is not smaller", () => {
  const ascending = fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 12 })
    .map((numbers) => numbers.sort((a, b) => a - b));
  const values = fc.array(fc.integer({ min: -50, max: 50 }).map((value) => value / 2), { maxLength: 50 });
  fc.assert(fc.property(ascending, values, (limits, added) => {
    const histogram = new ClassicHistogram(limits, 1);
    for (const value of added) histogram.add(value, 0);
    const below = [-Infinity, ...limits];
    const expected = [...limits, Infinity].map((limit, i) => added.filter((v) => v > below[i]! && v <= limit).length);
    assertEquals(histogram.counts, expected);
    assertEquals([histogram.count, histogram.sum], [added.length, added.reduce((sum, value) => sum + value, 0)]);
  }));
});

Deno.test("bounds are in seconds where values are in milliseconds", () => {
  const histogram = new ClassicHistogram([0.1, 1], 1000);
  for (const value of [99, 100, 101, 1000, 1001]) histogram.add(value, 0);
  assertEquals(histogram.counts, [2, 2, 1]);
});
