/** The protobuf message `Histogram`, the same in both versions of remote write. */

import { type NativeBuckets, type NativeHistogram, SCHEMA, ZERO_THRESHOLD } from "./native_histogram.ts";
import { varintLength, WireBuffer } from "../wire_buffer.ts";

/** Field numbers and wire types, as tags on the wire. */
const COUNT = 1 << 3 | 0;
const SUM = 3 << 3 | 1;
const SCHEMA_FIELD = 4 << 3 | 0;
const ZERO_THRESHOLD_FIELD = 5 << 3 | 1;
const ZERO_COUNT = 6 << 3 | 0;
const NEGATIVE_SPAN = 8 << 3 | 2;
const NEGATIVE_DELTAS = 9 << 3 | 2;
const POSITIVE_SPAN = 11 << 3 | 2;
const POSITIVE_DELTAS = 12 << 3 | 2;
const TIMESTAMP = 15 << 3 | 0;
const SPAN_OFFSET = 1 << 3 | 0;
const SPAN_LENGTH = 2 << 3 | 0;

/** More than all fields but the buckets need. */
const FIXED_SIZE = 64;
/** Up to this many empty buckets between two populated ones are cheaper as zeros than as a new span. */
const LONGEST_FILLED_GAP = 2;
const LONGEST_VARINT = 9;

const deltas = new WireBuffer();

/** Appends the fields of a histogram to a buffer. */
export function writeHistogram(out: WireBuffer, histogram: NativeHistogram, atEpochMs: number): void {
  const { count, sum, zeroCount, positive, negative } = histogram;
  out.reserve(FIXED_SIZE);
  out.byte(COUNT);
  out.varint(count);
  out.byte(SUM);
  out.double(sum);
  out.byte(SCHEMA_FIELD);
  out.sint(SCHEMA);
  out.byte(ZERO_THRESHOLD_FIELD);
  out.double(ZERO_THRESHOLD);
  out.byte(ZERO_COUNT);
  out.varint(zeroCount);
  writeBuckets(out, negative, NEGATIVE_SPAN, NEGATIVE_DELTAS);
  writeBuckets(out, positive, POSITIVE_SPAN, POSITIVE_DELTAS);
  out.reserve(FIXED_SIZE);
  out.byte(TIMESTAMP);
  out.varint(atEpochMs);
}

/** Appends the fields of the histogram that ends a series: a sum with the stale marker's bits, as Prometheus itself sends it. */
export function writeStaleHistogram(out: WireBuffer, staleMarker: Uint8Array, atEpochMs: number): void {
  out.reserve(FIXED_SIZE);
  out.byte(SUM);
  out.raw(staleMarker);
  out.byte(TIMESTAMP);
  out.varint(atEpochMs);
}

/** Spans of neighbouring buckets, then the counts, each as its difference from the one before. */
function writeBuckets(out: WireBuffer, { firstKey, counts }: NativeBuckets, spanTag: number, deltasTag: number): void {
  deltas.clear();
  let previousCount = 0;
  let previousEnd = 0;
  let spanStart = 0;
  let spanEnd = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    const key = firstKey + i;
    deltas.reserve((1 + LONGEST_FILLED_GAP) * LONGEST_VARINT);
    if (deltas.length === 0) {
      spanStart = spanEnd = key;
    } else if (key - spanEnd > LONGEST_FILLED_GAP) {
      writeSpan(out, spanTag, spanStart - previousEnd, spanEnd - spanStart);
      previousEnd = spanEnd;
      spanStart = spanEnd = key;
    }
    for (; spanEnd < key; spanEnd++) {
      deltas.sint(-previousCount);
      previousCount = 0;
    }
    deltas.sint(count - previousCount);
    previousCount = count;
    spanEnd++;
  }
  if (deltas.length === 0) return;
  writeSpan(out, spanTag, spanStart - previousEnd, spanEnd - spanStart);
  out.reserve(FIXED_SIZE + deltas.length);
  out.byte(deltasTag);
  out.varint(deltas.length);
  out.raw(deltas.written());
}

/** `offset`: buckets between the end of the previous span, at first from bucket 0, and this one. */
function writeSpan(out: WireBuffer, tag: number, offset: number, length: number): void {
  const zigzag = offset >= 0 ? 2 * offset : -2 * offset - 1;
  out.reserve(FIXED_SIZE);
  out.byte(tag);
  out.byte(2 + varintLength(zigzag) + varintLength(length));
  out.byte(SPAN_OFFSET);
  out.varint(zigzag);
  out.byte(SPAN_LENGTH);
  out.varint(length);
}
