import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type BucketColumns,
  bucketIndex,
  CloudHistogram,
  MIN_RESOLUTION,
} from "../../../../src/output/cloud/metrics/histogram.ts";
import { TableMemory } from "../../../../src/output/cloud/metrics/table_memory.ts";

/** Values in units of the resolution, and their buckets. */
const ofUnits: [units: number, index: number][] = [
  [0, 0],
  [Number.MIN_VALUE, 1],
  [1, 1],
  [127, 127],
  [128, 128],
  [255, 255],
  [255.1, 256],
  [256, 256],
  [282.29, 269],
  [1029, 512],
  [39751, 1179],
  [100000, 1347],
  [2 ** 20, 1792],
  [2 ** 62, 7168],
  [2 ** 63 - 1024, 7295],
  [2 ** 63, 7296],
];

/** Values of a metric in milliseconds, and their buckets. */
const ofValues: [value: number, index: number][] = [
  [0.01, 10],
  [2, 634],
  [3, 699],
  [6, 827],
  [7, 858],
  [8, 890],
  [100, 1347],
  [200, 1475],
  [200.1, 1475],
];

for (const [units, index] of ofUnits) {
  Deno.test(`${units} units belong to bucket ${index}`, () => assertEquals(bucketIndex(units), index));
}

for (const [value, index] of ofValues) {
  Deno.test(`${value} ms belong to bucket ${index}`, () => {
    assertEquals(bucketIndex(value / MIN_RESOLUTION), index);
    assertEquals(bucketsOf([value]), [[index, 1]]);
  });
}

const units = fc.double({ min: 0, max: 2 ** 63, noNaN: true });
const borders = fc.tuple(fc.nat(62), fc.nat(127), fc.integer({ min: -1, max: 1 })).map(([n, part, step]) =>
  neighbour(n < 7 ? 2 ** n + part : 2 ** n + part * 2 ** (n - 7), step)
);

Deno.test("the bucket of any value is the one of the definition", () => {
  fc.assert(
    fc.property(fc.oneof(units, borders), (value) => assertEquals(bucketIndex(value), definedIndex(value))),
    { numRuns: 2000 },
  );
});

Deno.test("buckets follow each other without a gap, and are at most 1/128 wide", () => {
  const limit = fc.bigInt({ min: 1n, max: 2n ** 52n });
  fc.assert(fc.property(limit, (u) => {
    const step = bucketIndex(Number(u + 1n)) - bucketIndex(Number(u));
    assertEquals(step === 0 || step === 1, true);
    assertEquals(bucketIndex(Number(u + u / 128n + 1n)) > bucketIndex(Number(u)), true);
  }));
});

const anyValue = fc.oneof(
  fc.double({ noNaN: true }),
  fc.double({ min: 0, max: 60_000, noNaN: true }),
  fc.constantFrom(0, -0, 1, 2 ** 63, 2 ** 63 / 1000, 1e16, -1e-9, -5),
);

Deno.test("a histogram counts every value once", () => {
  fc.assert(fc.property(fc.array(anyValue, { maxLength: 400 }), (values) => {
    const histogram = histogramOf(values);
    const low = values.filter((value) => value / MIN_RESOLUTION < 0);
    const high = values.filter((value) => value / MIN_RESOLUTION > 2 ** 63);
    const between = values.filter((value) => !low.includes(value) && !high.includes(value));
    assertEquals([histogram.count, histogram.extraLow, histogram.extraHigh], [values.length, low.length, high.length]);
    assertEquals([histogram.min, histogram.max], [Math.min(...values), Math.max(...values)].map((value) => value + 0));
    assertEquals(histogram.sum, values.reduce((sum, value) => sum + value, 0));
    assertEquals(read(histogram), tally(between.map((value) => definedIndex(value / MIN_RESOLUTION))));
  }));
});

Deno.test("histograms that share memory don't disturb each other", () => {
  const some = fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { maxLength: 100 });
  fc.assert(fc.property(fc.array(some, { maxLength: 8 }), (lists) => {
    const memory = new TableMemory();
    const histograms = lists.map(() => new CloudHistogram(memory));
    for (let i = 0; i < 100; i++) {
      for (const [k, values] of lists.entries()) if (i < values.length) histograms[k]!.add(values[i]!);
    }
    assertEquals(histograms.map(read), lists.map(bucketsOf));
  }));
});

Deno.test("values without a bucket make none", () => {
  assertEquals(bucketsOf([-1, -Infinity, Infinity, 1e17]), []);
});

Deno.test("a histogram can have every bucket but the last, which is 2⁶³ alone", () => {
  const lowest = Array.from({ length: 255 }, (_, u) => u + 0.5);
  const others = Array.from({ length: 7040 }, (_, i) => (128.5 + i % 128) * 2 ** (1 + Math.floor(i / 128)));
  const all = [0, ...lowest, ...others].map((units) => units * MIN_RESOLUTION);
  const indexes = bucketsOf(all).map(([index]) => index);
  assertEquals(indexes.length, 7296);
  assertEquals(indexes.every((index, i) => index === i), true);
});

function histogramOf(values: readonly number[]): CloudHistogram {
  const histogram = new CloudHistogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

function bucketsOf(values: readonly number[]): [index: number, count: number][] {
  return read(histogramOf(values));
}

const columns: BucketColumns = { length: 0, indexes: new Uint16Array(1), counts: new Uint32Array(1) };

function read(histogram: CloudHistogram): [index: number, count: number][] {
  histogram.readBuckets(columns);
  return Array.from({ length: columns.length }, (_, i) => [columns.indexes[i]!, columns.counts[i]!]);
}

function tally(indexes: readonly number[]): [index: number, count: number][] {
  const counts = new Map<number, number>();
  for (const index of indexes) counts.set(index, (counts.get(index) ?? 0) + 1);
  return Array.from(counts).sort(([a], [b]) => a - b);
}

/** The definition in whole numbers: nothing of it goes through floating point. */
function definedIndex(units: number): number {
  const rounded = roundedUp(units);
  if (rounded < 256n) return Number(rounded);
  const shift = BigInt(rounded.toString(2).length - 1 - 7);
  return Number(shift * 128n + (rounded >> shift));
}

/** A double that isn't negative, rounded up, from its bits. */
function roundedUp(value: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]! & 2n ** 63n - 1n;
  const exponent = (bits >> 52n) - 1075n;
  const significand = bits >> 52n === 0n ? bits : bits & 2n ** 52n - 1n | 2n ** 52n;
  if (exponent >= 0n) return significand << exponent;
  const divisor = 1n << -exponent;
  return (significand + divisor - 1n) / divisor;
}

/** The next double above (1) or below (-1), or the same (0). */
function neighbour(value: number, step: number): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer);
  bits[0]! += BigInt(step);
  return new Float64Array(bits.buffer)[0]!;
}
