import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseDuration } from "../../src/options/duration.ts";
import { parseDurationMs, parseIntervalMs } from "../../src/output/duration.ts";

Deno.test("outputs understand the durations that options understand, and no others", () => {
  const piece = fc.constantFrom(
    "1",
    "30",
    "0",
    ".5",
    "1.5",
    "2.",
    "-",
    "+",
    "d",
    "h",
    "m",
    "s",
    "ms",
    "us",
    "µs",
    "ns",
    " ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join("");
      const [expected, actual] = [parseDuration(text) ?? null, parseDurationMs(text)];
      if (expected === null || actual === null) assertEquals(actual, expected, text);
      // Options are whole nanoseconds.
      else assert(Math.abs(actual - expected) <= 1e-6, text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a number is milliseconds", () => {
  assertEquals([parseDurationMs(1500), parseDurationMs("1500"), parseDurationMs("1.5")], [1500, 1500, 1.5]);
  assertEquals([parseDurationMs(NaN), parseDurationMs(Infinity), parseDurationMs("")], [null, null, null]);
});

Deno.test("an interval is one that timers can wait", () => {
  assertEquals(["5s", 500, "1ns", "1000d"].map(parseIntervalMs), [5000, 500, 1, 2_147_483_000]);
  assertEquals(["0", "-1s", "x", "", true, null, [1]].map(parseIntervalMs), Array(7).fill(null));
});
