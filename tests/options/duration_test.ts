import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatDuration, parseDuration, parseDurationWithUnit } from "../../src/options/duration.ts";

const READ: readonly (readonly [string, number | undefined])[] = [
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["1h0m0.5s", 3_600_500],
  ["1d2h", 93_600_000],
  ["2d", 172_800_000],
  ["250", 250],
  ["0", 0],
  ["0.4s", 400],
  [".5s", 500],
  ["1.s", 1_000],
  ["10us", 0.01],
  ["10µs", 0.01],
  ["1ns", 0.000001],
  ["-5s", -5_000],
  ["+5s", 5_000],
  ["1h1d", undefined],
  ["", undefined],
  ["-", undefined],
  ["s", undefined],
  ["5 s", undefined],
  ["5S", undefined],
  ["fails", undefined],
  ["5s3", undefined],
];

for (const [text, ms] of READ) {
  Deno.test(`the duration ${JSON.stringify(text)} is ${ms === undefined ? "malformed" : `${ms} ms`}`, () => {
    assertEquals(parseDuration(text), ms);
  });
}

Deno.test("the command line wants a unit", () => {
  assertEquals(parseDurationWithUnit("30"), undefined);
  assertEquals(parseDurationWithUnit("30s"), 30_000);
  assertEquals(parseDurationWithUnit("0"), 0);
});

Deno.test("durations are written as Go writes them", () => {
  const written = [0, 0.000001, 0.0015, 1.5, 400, 1_000, 90_000, 630_000, 3_600_000, 93_600_000, 1_250, -1_500];
  assertEquals(written.map(formatDuration), [
    "0s",
    "1ns",
    "1.5µs",
    "1.5ms",
    "400ms",
    "1s",
    "1m30s",
    "10m30s",
    "1h0m0s",
    "26h0m0s",
    "1.25s",
    "-1.5s",
  ]);
});

Deno.test("a written duration reads back as the same number of nanoseconds", () => {
  const nanoseconds = fc.integer({ min: -1e15, max: 1e15 });
  fc.assert(fc.property(nanoseconds, (ns) => {
    assertEquals(Math.round(parseDuration(formatDuration(ns / 1e6))! * 1e6) + 0, ns + 0);
  }));
});
