/** What has been measured since the start, as OpenTelemetry has it: a stream for each attribute set of each metric. */

import type { Writer } from "protobufjs/minimal";
import type { AttributeSet, AttributeSets } from "./attributes.ts";
import { type BucketCounts, writeDoublePoint, writeHistogramPoint, writeIntegerPoint } from "./data_points.ts";

/** The values of one metric with one attribute set. */
export interface Stream {
  /** Takes in a finite value. Hot: one for every sample of the run. */
  add(value: number, atEpochMs: number): void;
  /** Writes its data points as they are now; `times` are their encoded times. Returns how many there are. */
  write(writer: Writer, times: Uint8Array): number;
}

/** A Counter: the sum. */
export class SumStream implements Stream {
  readonly #attributes: AttributeSet;
  #sum = 0;

  constructor(attributes: AttributeSet) {
    this.#attributes = attributes;
  }

  add(value: number): void {
    this.#sum += value;
  }

  write(writer: Writer, times: Uint8Array): number {
    writeDoublePoint(writer, times, this.#attributes, this.#sum);
    return 1;
  }
}

/** A Gauge: the newest value. */
export class GaugeStream implements Stream {
  readonly #attributes: AttributeSet;
  #value = 0;
  #atEpochMs = -Infinity;

  constructor(attributes: AttributeSet) {
    this.#attributes = attributes;
  }

  /** Samples of several workers don't arrive in the order of their times. */
  add(value: number, atEpochMs: number): void {
    if (atEpochMs < this.#atEpochMs) return;
    this.#value = value;
    this.#atEpochMs = atEpochMs;
  }

  write(writer: Writer, times: Uint8Array): number {
    writeDoublePoint(writer, times, this.#attributes, this.#value);
    return 1;
  }
}

/** A Rate: how many values were zero and how many were not, told apart by the attribute `condition`; only what has occurred is told. */
export class RateStream implements Stream {
  readonly #attributes: AttributeSet;
  readonly #sets: AttributeSets;
  /** Made when they are needed: most Rates have values of one kind only. */
  #zeroAttributes: AttributeSet | undefined;
  #nonzeroAttributes: AttributeSet | undefined;
  #zero = 0;
  #nonzero = 0;

  constructor(attributes: AttributeSet, sets: AttributeSets) {
    this.#attributes = attributes;
    this.#sets = sets;
  }

  add(value: number): void {
    if (value === 0) this.#zero++;
    else this.#nonzero++;
  }

  write(writer: Writer, times: Uint8Array): number {
    if (this.#zero > 0) {
      this.#zeroAttributes ??= this.#withCondition("zero");
      writeIntegerPoint(writer, times, this.#zeroAttributes, this.#zero);
    }
    if (this.#nonzero > 0) {
      this.#nonzeroAttributes ??= this.#withCondition("nonzero");
      writeIntegerPoint(writer, times, this.#nonzeroAttributes, this.#nonzero);
    }
    return Number(this.#zero > 0) + Number(this.#nonzero > 0);
  }

  #withCondition(condition: string): AttributeSet {
    return this.#sets.of([...this.#attributes.pairs, ["condition", condition]]);
  }
}

/** A Trend: how many values each bucket has. */
export class HistogramStream implements Stream {
  readonly #attributes: AttributeSet;
  readonly bucketCounts: BucketCounts;
  count = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;

  constructor(attributes: AttributeSet, bucketCounts: BucketCounts) {
    this.#attributes = attributes;
    this.bucketCounts = bucketCounts;
  }

  add(value: number): void {
    this.bucketCounts.increment(value);
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  write(writer: Writer, times: Uint8Array): number {
    writeHistogramPoint(writer, times, this.#attributes, this);
    return 1;
  }
}
