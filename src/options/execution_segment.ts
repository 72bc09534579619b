/**
 * `executionSegment` and `executionSegmentSequence`: which part of a test an instance runs, and how the others are cut.
 * Numbers are exact fractions, so that 1/3 is a third.
 */

import { KindError } from "./kinds.ts";
import type { ExecutionSegment } from "./types.ts";

/** All of the test. */
export const WHOLE_TEST: ExecutionSegment = { weights: [1], index: 0 };

/**
 * Reads a segment (`1/4:1/2`, `25%:50%`, `0.25:0.5`; `1/4` is `0:1/4`; empty is all) of a sequence (`0,1/4,1/2,1`; without
 * one: the segment, what is before it and what is after it). Throws a `KindError`.
 */
export function readExecutionSegment(segment = "", sequence = ""): ExecutionSegment {
  const { from, to } = readSegment(segment);
  const points = sequence.trim() === "" ? fill([from, to]) : fill(readSequence(sequence));
  const index = points.findIndex((point, i) => equals(point, from) && equals(points[i + 1], to));
  if (index < 0) {
    throw new KindError(`the execution segment ${segment || "0:1"} is not part of the sequence ${sequence}`);
  }
  const common = points.reduce((multiple, { denominator }) => leastCommonMultiple(multiple, denominator), 1n);
  if (common > MOST_PARTS) {
    throw new KindError(
      `the execution segments have the common denominator ${common}, more than ${MOST_PARTS}: use rounder fractions`,
    );
  }
  const scaled = points.map(({ numerator, denominator }) => numerator * (common / denominator));
  return { weights: scaled.slice(1).map((point, i) => Number(point - scaled[i]!)), index };
}

/** Beyond this the cycle in which users and iterations are dealt out takes too much memory. */
const MOST_PARTS = 1_000_000n;

/** A rational number. */
interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const ZERO: Fraction = { numerator: 0n, denominator: 1n };
const ONE: Fraction = { numerator: 1n, denominator: 1n };

function readSegment(text: string): { from: Fraction; to: Fraction } {
  if (text.trim() === "") return { from: ZERO, to: ONE };
  const parts = text.split(":");
  if (parts.length > 2) throw new KindError(`invalid execution segment "${text}": expected from:to, such as 1/4:1/2`);
  const to = readFraction(parts.at(-1)!);
  const from = parts.length === 2 ? readFraction(parts[0]!) : ZERO;
  if (!isLess(from, to)) throw new KindError(`invalid execution segment "${text}": it has to end after its start`);
  return { from, to };
}

function readSequence(text: string): Fraction[] {
  const points = text.split(",").map(readFraction);
  if (points.length < 2) {
    throw new KindError(`invalid execution segment sequence "${text}": expected at least two numbers, such as 0,1/2,1`);
  }
  for (let i = 1; i < points.length; i++) {
    if (!isLess(points[i - 1]!, points[i]!)) {
      throw new KindError(`invalid execution segment sequence "${text}": its numbers have to rise`);
    }
  }
  return points;
}

/** `1/3`, `33.3%` or `0.333`: from 0 to 1. */
function readFraction(text: string): Fraction {
  const found = /^\s*(\d+)(?:\.(\d*))?(?:\/(\d+)|(%))?\s*$/.exec(text) ??
    /^\s*()\.(\d+)(?:\/(\d+)|(%))?\s*$/.exec(text);
  if (found === null) {
    throw new KindError(`invalid part of a test "${text}": expected a number such as 1/3, 25% or 0.25`);
  }
  const [, whole = "", decimals = "", divisor = "1", percent] = found;
  const numerator = BigInt(whole + decimals);
  const denominator = 10n ** BigInt(decimals.length) * BigInt(divisor) * (percent === undefined ? 1n : 100n);
  if (denominator === 0n || numerator > denominator) {
    throw new KindError(`invalid part of a test "${text}": expected a number from 0 to 1`);
  }
  const shared = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / shared, denominator: denominator / shared };
}

function fill(points: readonly Fraction[]): Fraction[] {
  const start = equals(points[0], ZERO) ? [] : [ZERO];
  const end = equals(points.at(-1), ONE) ? [] : [ONE];
  return [...start, ...points, ...end];
}

function equals(a: Fraction | undefined, b: Fraction | undefined): boolean {
  return a?.numerator === b?.numerator && a?.denominator === b?.denominator;
}

function isLess(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator;
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  return a / greatestCommonDivisor(a, b) * b;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
