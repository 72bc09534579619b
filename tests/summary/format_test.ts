import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatPercent,
  formatPlanDuration,
  formatValue,
} from "../../src/summary/format.ts";

Deno.test("durations take the fitting unit, cut to two decimals", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [0.0004567, "456ns"],
    [0.001, "1µs"],
    [0.0144, "14.4µs"],
    [0.012257, "12.25µs"],
    [0.9999, "999.9µs"],
    [1, "1ms"],
    [12.349, "12.34ms"],
    [999.999, "999.99ms"],
    [1000, "1s"],
    [1234, "1.23s"],
    [2010, "2.01s"],
    [59_999, "59.99s"],
    [60_000, "1m0s"],
    [62_900, "1m2s"],
    [3_600_000, "1h0m0s"],
    [90_061_000, "25h1m1s"],
    [-5, "-5ms"],
  ];
  for (const [ms, text] of cases) assertEquals(formatDuration(ms), text);
});

Deno.test("plan durations are exact", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [500, "500ms"],
    [1500, "1.5s"],
    [30_000, "30s"],
    [90_500, "1m30.5s"],
    [630_000, "10m30s"],
    [3_600_000, "1h0m0s"],
  ];
  for (const [ms, text] of cases) assertEquals(formatPlanDuration(ms), text);
});

Deno.test("bytes are counted in thousands", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [4.5, "4.5 B"],
    [9, "9 B"],
    [10, "10 B"],
    [718.4, "718 B"],
    [1000, "1.0 kB"],
    [4900, "4.9 kB"],
    [6172.5, "6.2 kB"],
    [12_345, "12 kB"],
    [7_100_000, "7.1 MB"],
    [2e9, "2.0 GB"],
    [-2000, "-2.0 kB"],
  ];
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});

Deno.test("percentages are cut, never rounded up to a whole they have not reached", () => {
  assertEquals(formatPercent(2, 3), "66.66%");
  assertEquals(formatPercent(1, 21), "4.76%");
  assertEquals(formatPercent(29, 100), "29.00%");
  assertEquals(formatPercent(0, 0), "0.00%");
  assertEquals(formatPercent(99_999_999, 100_000_000), "99.99%");
  assertEquals(formatPercent(5, 5), "100.00%");
});

Deno.test("plain numbers have at most six decimals", () => {
  const cases: [number, string][] = [[0, "0"], [10, "10"], [1.5, "1.5"], [13.12217949, "13.122179"], [
    1234567.5,
    "1234567.5",
  ]];
  for (const [value, text] of cases) assertEquals(formatNumber(value), text);
});

Deno.test("a fixed time unit always has two decimals", () => {
  assertEquals(formatValue(1234.5, "time", "s"), "1.23s");
  assertEquals(formatValue(1234.5, "time", "ms"), "1234.50ms");
  assertEquals(formatValue(1.5, "time", "us"), "1500.00µs");
  assertEquals(formatValue(1.5, "default", "us"), "1.5");
});

Deno.test("property: a duration reads back as itself, less what was cut", () => {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, "µs": 0.001, ns: 0.000001 };
  fc.assert(fc.property(fc.double({ min: 1e-5, max: 1e9, noNaN: true }), (ms) => {
    const text = formatDuration(ms);
    let read = 0;
    let last = 1;
    for (const [, digits, unit] of text.matchAll(/([\d.]+)(ms|µs|ns|h|m|s)/g)) {
      last = units[unit!]!;
      read += Number(digits) * last;
    }
    // Minutes and up are shown in whole seconds, nanoseconds whole, all else with two decimals.
    const step = ms >= 60_000 ? 1000 : ms < 0.001 ? 1e-6 : last / 100;
    assert(read <= ms + step * 1e-6 && ms - read < step * 1.000001, `${ms} was written as ${text}`);
  }));
});

Deno.test("property: bytes never need more than seven characters, and read back within their precision", () => {
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  fc.assert(fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
    const text = formatBytes(bytes);
    const [digits, unit] = text.split(" ");
    assert(text.length <= 7, text);
    const read = Number(digits) * 1000 ** units.indexOf(unit!);
    assert(Math.abs(read - bytes) <= Math.max(bytes * 0.051, 0.5), `${bytes} was written as ${text}`);
  }));
});
