import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compress } from "snappyjs";
import { snappyInSteps } from "../../../../src/output/cloud/metrics/snappy.ts";

Deno.test("bytes are those of one step, whatever their number", () => {
  const piece = 1 << 16;
  const lengths = fc.oneof(
    fc.nat({ max: 300 }),
    fc.integer({ min: piece - 2, max: piece + 2 }),
    fc.nat({ max: 5 * piece }),
  );
  fc.assert(fc.property(lengths, fc.integer({ min: 1, max: 2 ** 31 }), (length, seed) => {
    // Repeats of all distances, also over the borders of steps.
    const bytes = Uint8Array.from({ length }, (_, i) => Math.imul(i >> 2 & 1023, seed) >>> 24);
    const [compressed] = lastOf(snappyInSteps(bytes));
    assertEquals(compressed, compress(bytes));
  }));
});

Deno.test("a step is 64 KiB", () => {
  const [, steps] = lastOf(snappyInSteps(new Uint8Array(3 << 16)));
  assertEquals(steps, 3);
});

/** What a generator returns, and how often it yielded. */
function lastOf<Result>(steps: Generator<void, Result>): [result: Result, steps: number] {
  for (let count = 0;; count++) {
    const { done, value } = steps.next();
    if (done === true) return [value, count];
  }
}
