import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createSink } from "../../src/metrics/sinks.ts";
import {
  parseThresholdExpression,
  satisfies,
  ThresholdError,
  thresholdValue,
} from "../../src/metrics/threshold_expression.ts";
import type { MetricType } from "../../src/metrics/types.ts";

const methods = ["count", "rate", "value", "avg", "min", "max", "med", "p"] as const;
const operators = ["<=", "<", ">=", ">", "===", "==", "!="] as const;

Deno.test("an expression put together from its parts comes back as them", () => {
  const space = fc.constantFrom("", " ", "  ", "\t");
  const number = fc.oneof(fc.integer().map(Number), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const parts = fc.record({
    method: fc.constantFrom(...methods),
    percentile: fc.double({ noNaN: true, min: 0, max: 100 }),
    operator: fc.constantFrom(...operators),
    bound: number,
    spaces: fc.array(space, { minLength: 4, maxLength: 4 }),
  });
  fc.assert(fc.property(parts, ({ method, percentile, operator, bound, spaces }) => {
    const left = method === "p" ? `p(${percentile})` : method;
    const source = spaces[0] + left + spaces[1] + operator + spaces[2] + bound + spaces[3];
    assertEquals(parseThresholdExpression(source), {
      source,
      method,
      percentile: method === "p" ? Number(String(percentile)) : 0,
      operator,
      bound: Number(String(bound)),
    });
  }));
});

Deno.test("numbers are written as in Go", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["1e3", 1000],
    ["1E+3", 1000],
    [".5", 0.5],
    ["5.", 5],
    ["+2", 2],
    ["-0.25", -0.25],
    ["0x1p-2", 0.25],
    ["-0X1.8p1", -3],
    ["Inf", Infinity],
    ["-infinity", -Infinity],
  ];
  for (const [text, bound] of cases) assertEquals(parseThresholdExpression(`avg<${text}`).bound, bound);
  assertEquals(parseThresholdExpression("p(.5)<1").percentile, 0.5);
});

Deno.test("what is not an expression is refused", () => {
  const malformed = [
    "",
    "p(95)<<5",
    "avg",
    "avg<",
    "<5",
    "avg<5ms",
    "avg=5",
    "avg=<5",
    "avg<5 && max<6",
    "average<5",
    "AVG<5",
    "p95<5",
    "p(95<5",
    "p( 95)<5",
    "p()<5",
    "p(x)<5",
    "p(101)<5",
    "p(-1)<5",
    "p(inf)<5",
    "avg<1,5",
    "avg<1_000",
    "avg<0x10",
    "avg<0x.p1",
    "avg<.",
    "avg<1e",
  ];
  for (const source of malformed) {
    assertThrows(() => parseThresholdExpression(source), ThresholdError, `malformed threshold expression "${source}"`);
  }
});

Deno.test("each method reads its figure from its type of metric", () => {
  const cases: readonly (readonly [MetricType, string, number])[] = [
    ["counter", "count", 6],
    ["counter", "rate", 3],
    ["gauge", "value", 1],
    ["rate", "rate", 0.75],
    ["trend", "avg", 1.5],
    ["trend", "min", 0],
    ["trend", "max", 3],
    ["trend", "med", 1.5],
    ["trend", "p(50)", 1.5],
    ["trend", "p(0)", 0],
    ["trend", "p(100)", 3],
    ["trend", "p(75)", 2.25],
  ];
  for (const [type, method, expected] of cases) {
    const sink = createSink(type);
    [3, 2, 0, 1].forEach((value, i) => sink.add(value, i));
    assertEquals(thresholdValue(sink, parseThresholdExpression(`${method}<0`), 2000), expected);
  }
});

Deno.test("a counter's rate without a duration is 0", () => {
  const sink = createSink("counter");
  sink.add(1, 0);
  assertEquals(thresholdValue(sink, parseThresholdExpression("rate>0"), 0), 0);
});

Deno.test("operators compare as they read", () => {
  const held = (value: number) => operators.filter((op) => satisfies(value, parseThresholdExpression(`avg${op}2`)));
  assertEquals(held(1), ["<=", "<", "!="]);
  assertEquals(held(2), ["<=", ">=", "===", "=="]);
  assertEquals(held(3), [">=", ">", "!="]);
});
