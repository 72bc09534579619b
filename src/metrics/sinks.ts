/** Sinks: what becomes of a metric's samples, one class for each type of metric. An empty sink's figures are all 0. */

import { Histogram } from "./histogram.ts";
import type { MetricType } from "./types.ts";

/** The sink of any type of metric; told apart by `type`. */
export type Sink = CounterSink | GaugeSink | RateSink | TrendSink;

/** A new, empty sink for metrics of that type. */
export function createSink(type: MetricType): Sink {
  switch (type) {
    case "counter":
      return new CounterSink();
    case "gauge":
      return new GaugeSink();
    case "rate":
      return new RateSink();
    case "trend":
      return new TrendSink();
  }
}

/** Takes in all that `other`, a sink of the same type, was given. */
export function mergeSinks(sink: Sink, other: Sink): void {
  // Each case for itself, because a sink only merges with its own kind.
  if (sink.type === "counter" && other.type === "counter") sink.merge(other);
  else if (sink.type === "gauge" && other.type === "gauge") sink.merge(other);
  else if (sink.type === "rate" && other.type === "rate") sink.merge(other);
  else if (sink.type === "trend" && other.type === "trend") sink.merge(other);
}

/** Adds values up. */
export class CounterSink {
  readonly type = "counter";
  /** Number of samples. */
  count = 0;
  sum = 0;
  /** Time of the earliest sample; infinite without one. */
  firstAtEpochMs = Infinity;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Hot. */
  add(value: number, atEpochMs: number): void {
    this.count++;
    this.sum += value;
    if (atEpochMs < this.firstAtEpochMs) this.firstAtEpochMs = atEpochMs;
  }

  merge(other: CounterSink): void {
    this.count += other.count;
    this.sum += other.sum;
    this.firstAtEpochMs = Math.min(this.firstAtEpochMs, other.firstAtEpochMs);
  }
}

/** Keeps the newest value and the extremes. */
export class GaugeSink {
  readonly type = "gauge";
  /** Number of samples. */
  count = 0;
  /** The value of the sample with the latest time: samples of several workers don't arrive in the order of their times. */
  last = 0;
  lastAtEpochMs = -Infinity;
  min = 0;
  max = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Hot. */
  add(value: number, atEpochMs: number): void {
    if (this.count === 0 || value < this.min) this.min = value;
    if (this.count === 0 || value > this.max) this.max = value;
    this.count++;
    if (atEpochMs >= this.lastAtEpochMs) {
      this.last = value;
      this.lastAtEpochMs = atEpochMs;
    }
  }

  merge(other: GaugeSink): void {
    if (other.isEmpty) return;
    this.min = this.isEmpty ? other.min : Math.min(this.min, other.min);
    this.max = this.isEmpty ? other.max : Math.max(this.max, other.max);
    this.count += other.count;
    if (other.lastAtEpochMs >= this.lastAtEpochMs) {
      this.last = other.last;
      this.lastAtEpochMs = other.lastAtEpochMs;
    }
  }
}

/** Counts how many of its values are true, that is, not zero. */
export class RateSink {
  readonly type = "rate";
  trues = 0;
  total = 0;

  /** Number of samples. */
  get count(): number {
    return this.total;
  }

  get isEmpty(): boolean {
    return this.total === 0;
  }

  /** The fraction of true values, 0 to 1. */
  get rate(): number {
    return this.total === 0 ? 0 : this.trues / this.total;
  }

  /** Hot. */
  add(value: number, _atEpochMs: number): void {
    this.total++;
    if (value !== 0) this.trues++;
  }

  merge(other: RateSink): void {
    this.trues += other.trues;
    this.total += other.total;
  }
}

/** Up to this many values are kept as they are, so that the quantiles of small tests are k6's to the last digit. */
const EXACT_VALUES = 256;

/** Keeps count, sum and extremes exactly, and the distribution of its values: exact while small, then as a histogram. */
export class TrendSink {
  readonly type = "trend";
  /** Number of samples. */
  count = 0;
  sum = 0;
  min = 0;
  max = 0;
  /** All values, in no order, until there are too many; the first `count` entries are in use. */
  #values: Float64Array | undefined;
  #valuesSorted = true;
  #histogram: Histogram | undefined;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  get avg(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** Adds a value, which must not be NaN. Hot. */
  add(value: number, _atEpochMs: number): void {
    if (this.#histogram === undefined) this.#addExactly(value);
    else this.#histogram.add(value);
    if (this.count === 0 || value < this.min) this.min = value;
    if (this.count === 0 || value > this.max) this.max = value;
    this.count++;
    this.sum += value;
  }

  /** Takes in all that `other` was given; the same as having added its values here. */
  merge(other: TrendSink): void {
    if (other.isEmpty) return;
    if (other.#histogram === undefined) {
      for (const value of other.#values!.subarray(0, other.count)) this.add(value, 0);
      return;
    }
    this.#toHistogram().merge(other.#histogram);
    this.min = this.isEmpty ? other.min : Math.min(this.min, other.min);
    this.max = this.isEmpty ? other.max : Math.max(this.max, other.max);
    this.count += other.count;
    this.sum += other.sum;
  }

  /**
   * The value below which the fraction `q` (0 to 1) of the values lies, interpolated between the two closest ranks around
   * q·(count − 1) as k6 does; exact up to 256 values, within 0.1 % beyond.
   */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    const position = Math.min(Math.max(q, 0), 1) * (this.count - 1);
    const rank = Math.floor(position);
    const lower = this.#valueAt(rank);
    if (rank === position) return lower;
    const upper = this.#valueAt(rank + 1);
    return lower === upper ? lower : lower + (upper - lower) * (position - rank);
  }

  #addExactly(value: number): void {
    if (this.count === EXACT_VALUES) {
      this.#toHistogram().add(value);
      return;
    }
    this.#values ??= new Float64Array(8);
    if (this.count === this.#values.length) {
      const grown = new Float64Array(2 * this.count);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.count] = value;
    this.#valuesSorted = false;
  }

  #toHistogram(): Histogram {
    if (this.#histogram === undefined) {
      this.#histogram = new Histogram();
      for (let i = 0; i < this.count; i++) this.#histogram.add(this.#values![i]!);
      this.#values = undefined;
    }
    return this.#histogram;
  }

  #valueAt(rank: number): number {
    if (rank === 0) return this.min;
    if (rank === this.count - 1) return this.max;
    if (this.#histogram !== undefined) return Math.min(Math.max(this.#histogram.valueAt(rank), this.min), this.max);
    if (!this.#valuesSorted) {
      this.#values!.subarray(0, this.count).sort();
      this.#valuesSorted = true;
    }
    return this.#values![rank]!;
  }
}
