import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { boundsOf, bucketOf, bucketsOf, LAST_BUCKET, RESOLUTION } from "../../src/hub/trend_buckets.ts";

const known: readonly (readonly [value: number, bucket: number])[] = [
  ...[[6, 827], [7, 858], [8, 890], [2, 634], [0.01, 10], [3, 699], [100, 1347], [200, 1475], [200.1, 1475]] as const,
  ...[[0, 0], [0.255, 255], [0.256, 256], [1.029, 512], [39.751, 1179], [2 ** 63 * RESOLUTION, LAST_BUCKET]] as const,
];

for (const [value, bucket] of known) {
  Deno.test(`${value} is counted in bucket ${bucket}`, () => assertEquals(bucketOf(value), bucket));
}

Deno.test("a value lies within the bounds of its bucket, which are at most 0.8 % apart", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (value) => {
    const { from, to } = boundsOf(bucketOf(value));
    const rounding = value * 1e-12;
    assert(value > from - rounding && value <= to + rounding, `${from} < ${value} ≤ ${to}`);
    assert(to - from <= Math.max(RESOLUTION * 1.001, value / 127));
  }));
});

Deno.test("buckets are next to one another", () => {
  for (let bucket = 1; bucket <= LAST_BUCKET; bucket++) assertEquals(boundsOf(bucket).from, boundsOf(bucket - 1).to);
});

Deno.test("spans leave buckets out", () => {
  const spans = [{ offset: 7, length: 3 }, { offset: 1, length: 2 }];
  assertEquals([...bucketsOf({ spans, counters: [1, 2, 3, 4, 5] })], [[7, 1], [8, 2], [9, 3], [11, 4], [12, 5]]);
});

Deno.test("spans that claim more buckets than there are counts add none", () => {
  assertEquals([...bucketsOf({ spans: [{ offset: 0, length: 4_000_000_000 }], counters: [1] })], [[0, 1]]);
});
