/** Threshold expressions: `method operator number`, such as `p(95) < 200`; one comparison, no boolean operators. */

import type { Sink } from "./sinks.ts";
import type { MetricType } from "./types.ts";

/** How a threshold compares; `===` means `==`. */
export type ThresholdOperator = "<=" | "<" | ">=" | ">" | "===" | "==" | "!=";

/** The figures that a sink is asked for by name; `p(N)` besides. */
export type ThresholdMethod = "count" | "rate" | "value" | "avg" | "min" | "max" | "med" | "p";

/** A parsed expression. */
export interface ThresholdExpression {
  /** The text as the user wrote it. */
  readonly source: string;
  readonly method: ThresholdMethod;
  /** The N of `p(N)`, 0 to 100; 0 for other methods. */
  readonly percentile: number;
  readonly operator: ThresholdOperator;
  readonly bound: number;
}

/** A threshold that can't be understood or applied; the message is for the user. */
export class ThresholdError extends Error {
  override name = "ThresholdError";
}

const EXPRESSION = /^\s*(?:(count|rate|value|avg|min|max|med)|(p)\(([^\s()]+)\))\s*(<=|<|>=|>|===|==|!=)\s*(\S+)\s*$/;

/** Parses an expression; numbers are written as in Go (`1e3`, `.5`, `0x1p-2`). Throws a `ThresholdError`. */
export function parseThresholdExpression(source: string): ThresholdExpression {
  const match = EXPRESSION.exec(source);
  const percentile = match?.[3] === undefined ? 0 : parseGoFloat(match[3]);
  const bound = parseGoFloat(match?.[5] ?? "");
  if (match === null || bound === undefined || percentile === undefined || !(percentile >= 0 && percentile <= 100)) {
    throw new ThresholdError(
      `malformed threshold expression "${source}"; write a method, an operator and a number, like "p(95)<200" or "rate>=0.9"`,
    );
  }
  const method = (match[1] ?? match[2]) as ThresholdMethod;
  return { source, method, percentile, operator: match[4] as ThresholdOperator, bound };
}

/** The methods that thresholds on each type of metric can use. */
export const THRESHOLD_METHODS: Readonly<Record<MetricType, readonly ThresholdMethod[]>> = {
  counter: ["count", "rate"],
  gauge: ["value"],
  rate: ["rate"],
  trend: ["avg", "min", "max", "med", "p"],
};

/** What an expression's method comes to on a sink; `durationMs` is the time that a counter's rate (per second) refers to. */
export function thresholdValue(sink: Sink, { method, percentile }: ThresholdExpression, durationMs: number): number {
  switch (sink.type) {
    case "counter":
      if (method === "count") return sink.sum;
      return durationMs > 0 ? sink.sum / (durationMs / 1000) : 0;
    case "gauge":
      return sink.last;
    case "rate":
      return sink.rate;
    case "trend":
      if (method === "avg") return sink.avg;
      if (method === "min") return sink.min;
      if (method === "max") return sink.max;
      return sink.quantile(method === "med" ? 0.5 : percentile / 100);
  }
}

/** Whether a value satisfies an expression. */
export function satisfies(value: number, { operator, bound }: ThresholdExpression): boolean {
  switch (operator) {
    case "<=":
      return value <= bound;
    case "<":
      return value < bound;
    case ">=":
      return value >= bound;
    case ">":
      return value > bound;
    case "===":
    case "==":
      return value === bound;
    case "!=":
      return value !== bound;
  }
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

function parseGoFloat(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  const [match, sign, whole = "", fraction = "", exponent] = HEXADECIMAL.exec(text) ?? [];
  if (match === undefined || whole + fraction === "") return undefined;
  const magnitude = parseInt(whole + fraction, 16) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === "-" ? -magnitude : magnitude;
}
