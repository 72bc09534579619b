import { assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import fc from "fast-check";
import { uncompress } from "snappyjs";
import type { SeriesKind } from "../../../src/output/prometheus/exported_series.ts";
import { bucketKey, NativeHistogram, ZERO_THRESHOLD } from "../../../src/output/prometheus/native_histogram.ts";
import { WriteRequestEncoder } from "../../../src/output/prometheus/write_request.ts";
import { decodeWriteRequest, type ReceivedHistogram } from "../../support/write_request_decoder.ts";

const T = 1_700_000_000_123;

/** 2^(i/8) / 2 as doubles: the borders of a power of two's buckets. */
const BORDERS = [
  0.5,
  0.5452538663326288,
  0.5946035575013605,
  0.6484197773255048,
  0.7071067811865475,
  0.7711054127039704,
  0.8408964152537144,
  0.9170040432046711,
];

const keys: [magnitude: number, key: number][] = [
  [1, 0],
  [2, 8],
  [0.5, -8],
  [1.52, 5],
  [3.14, 14],
  [0.1, -26],
  [0.001, -79],
  [Number.MAX_VALUE, 8192],
];

for (const [magnitude, key] of keys) {
  Deno.test(`the bucket of ${magnitude} has the key ${key}`, () => assertEquals(bucketKey(magnitude), key));
}

Deno.test("a border belongs to the bucket below it, the next double to the one above", () => {
  const exponents = fc.integer({ min: -126, max: 1023 });
  fc.assert(fc.property(exponents, fc.nat({ max: 7 }), (exponent, index) => {
    const border = BORDERS[index]! * 2 ** exponent;
    const key = (exponent - 1) * 8 + index;
    assertEquals([below(border), border, above(border)].map(bucketKey), [key, key, key + 1]);
  }));
});

Deno.test("every magnitude lies between the borders of its bucket", () => {
  const magnitudes = fc.double({ min: ZERO_THRESHOLD, minExcluded: true, noDefaultInfinity: true, noNaN: true });
  fc.assert(fc.property(magnitudes, (magnitude) => {
    const key = bucketKey(magnitude);
    assertEquals(upperBorder(key - 1) < magnitude && magnitude <= upperBorder(key), true);
  }));
});

Deno.test("a histogram has the bytes of an independent encoder", () => {
  const histogram = new NativeHistogram(1);
  for (const value of [1.52, 3.14]) histogram.add(value, T);
  const encoder = new WriteRequestEncoder({ metadata: false });
  encoder.addHistogram(kind("k6_d_seconds"), { id: 0, labels: [] }, histogram, T, T - 1, null);
  assertEquals(
    encodeHex(uncompress(Uint8Array.from(encoder.finish()))),
    "0a4b0a180a085f5f6e616d655f5f120c6b365f645f7365636f6e6473222f080219a4703d0ad7a31240200629000000000000f03730005a04080a10" +
      "015a04081010016202020078fbd095ffbc31",
  );
});

Deno.test("milliseconds become seconds on their way in", () => {
  const { count, sum, positive } = received(new NativeHistogram(1000), [2000, 500]);
  assertEquals({ count, sum, positive: populated(positive) }, { count: 2, sum: 2.5, positive: [[-8, 1], [8, 1]] });
});

Deno.test("zeros, magnitudes at the threshold and negative values have their places", () => {
  const values = [0, -0, ZERO_THRESHOLD, -ZERO_THRESHOLD, above(ZERO_THRESHOLD), -1, -1, -3];
  const { count, zeroCount, zeroThreshold, schema, positive, negative } = received(new NativeHistogram(1), values);
  assertEquals([count, zeroCount, zeroThreshold, schema], [8, 4, 2 ** -128, 3]);
  assertEquals(populated(positive), [[-1023, 1]]);
  assertEquals(populated(negative), [[0, 2], [13, 1]]);
});

Deno.test("whatever the values, what arrives is their count, sum and number in each bucket", () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
    fc.double({ noNaN: true, min: 1e-3, max: 10 }),
    fc.constantFrom(0, 1, -1, 2, 0.5),
  );
  fc.assert(fc.property(fc.array(value, { maxLength: 100 }), (values) => {
    const { count, sum, zeroCount, positive, negative } = received(new NativeHistogram(1), values);
    const expected = { zero: 0, positive: new Map<number, number>(), negative: new Map<number, number>() };
    for (const each of values) {
      if (Math.abs(each) <= ZERO_THRESHOLD) expected.zero++;
      else {
        const buckets = each > 0 ? expected.positive : expected.negative;
        const key = bucketKey(Math.abs(each));
        buckets.set(key, (buckets.get(key) ?? 0) + 1);
      }
    }
    assertEquals([count, sum, zeroCount], [values.length, values.reduce((a, b) => a + b, 0), expected.zero]);
    assertEquals(populated(positive), byKey(expected.positive));
    assertEquals(populated(negative), byKey(expected.negative));
  }));
});

/** The histogram as a receiver decodes it, after the values were added. */
function received(histogram: NativeHistogram, values: readonly number[]): ReceivedHistogram {
  for (const value of values) histogram.add(value, T);
  const encoder = new WriteRequestEncoder({ metadata: false });
  encoder.addHistogram(kind("k6_x"), { id: 0, labels: [] }, histogram, T, T - 1, null);
  return decodeWriteRequest(encoder.finish())[0]!.histograms![0]!;
}

function kind(name: string): SeriesKind {
  const family = { id: 0, name, type: "histogram", help: "", unit: "" } as const;
  return { id: 0, name, le: null, family, isHistogram: true };
}

function populated(buckets: ReadonlyMap<number, number>): [key: number, count: number][] {
  return byKey(buckets).filter(([, count]) => count > 0);
}

function byKey(buckets: ReadonlyMap<number, number>): [key: number, count: number][] {
  return [...buckets].sort(([a], [b]) => a - b);
}

/** The definition: 2^(key/8), exact at powers of two. */
function upperBorder(key: number): number {
  return BORDERS[(key % 8 + 8) % 8]! * 2 * 2 ** Math.floor(key / 8);
}

function above(value: number): number {
  return shift(value, 1n);
}

function below(value: number): number {
  return shift(value, -1n);
}

function shift(value: number, by: bigint): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]! + by;
  return new Float64Array(BigUint64Array.of(bits).buffer)[0]!;
}
