import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Histogram } from "../../src/metrics/histogram.ts";

const BOUND = 0.001;

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

/** The values of all ranks, in order. */
function contents(histogram: Histogram, count: number): number[] {
  return Array.from({ length: count }, (_, rank) => histogram.valueAt(rank));
}

const normal = fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => Math.abs(v) < 2 ** -1022 ? 0 : v);
const latency = fc.double({ noNaN: true, min: 1e-3, max: 1e5 });
const values = fc.array(fc.oneof(normal, latency, fc.integer().map(Number)), { minLength: 1, maxLength: 300 });

Deno.test("every rank comes back within 0.1 %, whatever the sign and the size", () => {
  fc.assert(fc.property(values, (values) => {
    const histogram = histogramOf(values);
    values.sort((a, b) => a - b).forEach((value, rank) => {
      const found = histogram.valueAt(rank);
      assert(Math.abs(found - value) <= BOUND * Math.abs(value), `${value} came back as ${found}`);
    });
  }));
});

Deno.test("merging equals recording together", () => {
  fc.assert(fc.property(values, values, (left, right) => {
    const merged = histogramOf(left);
    merged.merge(histogramOf(right));
    const count = left.length + right.length;
    assertEquals(contents(merged, count), contents(histogramOf([...left, ...right]), count));
  }));
});

Deno.test("counts past 2¹⁶ and 2³² in one bucket stay right", () => {
  const histogram = histogramOf([1, 2]);
  for (let i = 0; i < 70_000; i++) histogram.add(3);
  assertEquals(Math.round(histogram.valueAt(70_001)), 3);
  for (let i = 0; i < 33; i++) histogram.merge(histogram);
  assertEquals(Math.round(histogram.valueAt(2 ** 33 - 1)), 1);
  assertEquals(Math.round(histogram.valueAt(2 ** 33)), 2);
  histogram.add(1);
  assertEquals(Math.round(histogram.valueAt(2 ** 33)), 1);
  assertEquals(Math.round(histogram.valueAt(2 ** 34)), 2);
  assertEquals(Math.round(histogram.valueAt(70_002 * 2 ** 33)), 3);
});

Deno.test("infinite values and magnitudes too small for a bucket keep their rank", () => {
  assertEquals(contents(histogramOf([5e-324, Infinity, -Infinity, -5e-324, -0]), 5), [-Infinity, 0, 0, 0, Infinity]);
});

Deno.test("a rank that no value has is refused", () => {
  assertThrows(() => histogramOf([1]).valueAt(1), RangeError);
});
