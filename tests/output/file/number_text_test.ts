import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  MAX_NUMBER_BYTES,
  writeMilliseconds,
  type WriteNumber,
  writeShortest,
  writeSixDecimals,
} from "../../../src/output/file/number_text.ts";

const bytes = new Uint8Array(MAX_NUMBER_BYTES + 8);

function text(write: WriteNumber, value: number): string {
  return new TextDecoder().decode(bytes.subarray(3, write(bytes, 3, value)));
}

/** Doubles of all sizes, and the plain ones that metrics have. */
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.integer({ min: -1e12, max: 1e12 }).map((millionths) => millionths / 1e6),
  fc.integer({ min: -1e6, max: 1e6 }).map((eighths) => eighths / 128),
  fc.double({ min: -2e9, max: 2e9, noNaN: true }),
);

Deno.test("the shortest text is JavaScript's", () => {
  fc.assert(fc.property(numbers, (value) => assertEquals(text(writeShortest, value), String(value))));
  for (const value of [0, -0, 0.1, 999999999.999999, 1e9, 123456789.123456789, 5e-324, 1.7976931348623157e308]) {
    assertEquals(text(writeShortest, value), String(value));
  }
});

Deno.test("six decimals are the nearest, and the even ones of two that are as near", () => {
  fc.assert(fc.property(numbers, (value) => assertEquals(text(writeSixDecimals, value), exactSixDecimals(value))));
  const cases: [number, string][] = [
    [0, "0.000000"],
    [-0, "-0.000000"],
    [1.5, "1.500000"],
    [0.0078125, "0.007812"],
    [-0.0078125, "-0.007812"],
    [0.0234375, "0.023438"],
    [4585488224220.8359375, "4585488224220.835938"],
    [1e21, "1000000000000000000000.000000"],
    [NaN, "NaN"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
  ];
  for (const [value, expected] of cases) assertEquals(text(writeSixDecimals, value), expected);
});

Deno.test("milliseconds lose the noise below a nanosecond and nothing else", () => {
  assertEquals(text(writeMilliseconds, 2.9092419999999777), "2.909242");
  assertEquals(text(writeMilliseconds, 1 / 3), String(1 / 3));
  assertEquals(text(writeMilliseconds, -1.5), "-1.5");
  fc.assert(fc.property(numbers, (value) => {
    assertEquals(Math.abs(Number(text(writeMilliseconds, value)) - value) <= 1e-9, true);
  }));
});

/** By exact arithmetic: a double is a whole number over a power of two. */
function exactSixDecimals(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  let size = Math.abs(value);
  let exponent = 0n;
  while (!Number.isInteger(size)) {
    size *= 2;
    exponent++;
  }
  const numerator = BigInt(size) * 1_000_000n;
  const denominator = 2n ** exponent;
  let millionths = numerator / denominator;
  const twiceRest = 2n * (numerator % denominator);
  if (twiceRest > denominator || twiceRest === denominator && millionths % 2n === 1n) millionths++;
  const digits = String(millionths).padStart(7, "0");
  return `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
