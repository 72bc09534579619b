/**
 * Writes data points of `opentelemetry.proto.metrics.v1`. Each costs a few calls and no object: what many points share (their
 * times, their bounds, attributes) is encoded once and copied.
 */

import type { Writer } from "protobufjs/minimal";
import { type AttributeSet, HISTOGRAM_POINT_ATTRIBUTES, NUMBER_POINT_ATTRIBUTES } from "./attributes.ts";

/** The upper bounds, inclusive, of all buckets but the last, which has none: the default of OpenTelemetry's SDKs. */
const BUCKET_BOUNDS: readonly number[] = [
  ...[0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000],
];

const BUCKETS = BUCKET_BOUNDS.length + 1;

/** Fields on the wire: number and wire type. */
const DATA_POINT = 1 << 3 | 2;
const START_TIME = 2 << 3 | 1;
const TIME = 3 << 3 | 1;
const AS_DOUBLE = 4 << 3 | 1;
const AS_INT = 6 << 3 | 1;
const COUNT = 4 << 3 | 1;
const SUM = 5 << 3 | 1;
const BUCKET_COUNTS = 6 << 3 | 2;
const EXPLICIT_BOUNDS = 7 << 3 | 2;
const MIN = 11 << 3 | 1;
const MAX = 12 << 3 | 1;

/** Counts by bucket, in the form in which they are sent: 64 bits each, little-endian. */
export class BucketCounts {
  /** Of each count the low and the high half, from `#offset` on; others have their counts in the same array. */
  readonly #halves: Uint32Array<ArrayBuffer>;
  readonly #offset: number;

  constructor(halves: Uint32Array<ArrayBuffer>, offset: number) {
    this.#halves = halves;
    this.#offset = offset;
  }

  /** Counts a value that is no NaN. Hot. */
  increment(value: number): void {
    let low = 0;
    let high = BUCKET_BOUNDS.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= BUCKET_BOUNDS[middle]!) high = middle;
      else low = middle + 1;
    }
    const at = this.#offset + 2 * low;
    const count = ++this.#halves[at]!;
    if (count === 2 ** 32) this.#halves[at + 1]!++;
  }

  /** As they are sent. */
  toBytes(): Uint8Array {
    return new Uint8Array(this.#halves.buffer, 4 * this.#offset, 8 * BUCKETS);
  }
}

/** Makes bucket counts, many in one piece of memory: an array for each would cost as much again. */
export class BucketCountsPool {
  #halves = new Uint32Array(0);
  #used = 0;

  /** New counts, all zero. */
  allocate(): BucketCounts {
    if (this.#used === this.#halves.length) {
      this.#halves = new Uint32Array(POOL_PIECE * 2 * BUCKETS);
      this.#used = 0;
    }
    const counts = new BucketCounts(this.#halves, this.#used);
    this.#used += 2 * BUCKETS;
    return counts;
  }
}

/** Histograms in one piece of memory: 32 KiB. */
const POOL_PIECE = 256;

/** What a histogram data point tells. */
export interface HistogramFigures {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Their sum is `count`. */
  readonly bucketCounts: BucketCounts;
}

/** The fields for the times of data points that count from `startEpochMs` and tell how things are at `atEpochMs`. */
export function encodeTimes(startEpochMs: number, atEpochMs: number): Uint8Array {
  const fields = new DataView(new ArrayBuffer(18));
  fields.setUint8(0, START_TIME);
  fields.setBigUint64(1, nanoseconds(startEpochMs), true);
  fields.setUint8(9, TIME);
  fields.setBigUint64(10, nanoseconds(atEpochMs), true);
  return new Uint8Array(fields.buffer);
}

/** Hot, as the following. */
export function writeDoublePoint(writer: Writer, times: Uint8Array, attributes: AttributeSet, value: number): void {
  writer.uint32(DATA_POINT).fork().raw(times).uint32(AS_DOUBLE).double(value)
    .raw(attributes.encoded(NUMBER_POINT_ATTRIBUTES)).ldelim();
}

/** `value` must be a whole number. */
export function writeIntegerPoint(writer: Writer, times: Uint8Array, attributes: AttributeSet, value: number): void {
  writer.uint32(DATA_POINT).fork().raw(times).uint32(AS_INT).sfixed64(value)
    .raw(attributes.encoded(NUMBER_POINT_ATTRIBUTES)).ldelim();
}

/** There must have been a value. */
export function writeHistogramPoint(
  writer: Writer,
  times: Uint8Array,
  attributes: AttributeSet,
  { count, sum, min, max, bucketCounts }: HistogramFigures,
): void {
  writer.uint32(DATA_POINT).fork().raw(times).uint32(COUNT).fixed64(count).uint32(SUM).double(sum);
  writer.uint32(BUCKET_COUNTS).bytes(bucketCounts.toBytes()).raw(explicitBounds);
  writer.raw(attributes.encoded(HISTOGRAM_POINT_ATTRIBUTES)).uint32(MIN).double(min).uint32(MAX).double(max).ldelim();
}

/** OTLP's unit of time. */
function nanoseconds(epochMs: number): bigint {
  return BigInt(Math.floor(epochMs * 1000)) * 1000n;
}

const boundsBytes = new Uint8Array(Float64Array.from(BUCKET_BOUNDS).buffer);
const explicitBounds = Uint8Array.of(EXPLICIT_BOUNDS, boundsBytes.length, ...boundsBytes);
