/** The body of a remote-write 1.0 request: protobuf `prometheus.WriteRequest` in a snappy block. */

import { Writer } from "protobufjs/minimal";
import { compress } from "snappyjs";
import type { Labels } from "./labels.ts";

/** Field numbers and wire types, as tags on the wire (remote-write 1.0 specification). */
const TIMESERIES = 1 << 3 | 2;
const TIMESERIES_LABEL = 1 << 3 | 2;
const TIMESERIES_SAMPLE = 2 << 3 | 2;
const LABEL_NAME = 1 << 3 | 2;
const LABEL_VALUE = 2 << 3 | 2;
const SAMPLE_VALUE = 1 << 3 | 1;
const SAMPLE_TIMESTAMP = 2 << 3 | 0;

/** The value 0x7ff0000000000002, little-endian: a NaN that number arithmetic would not keep intact. */
const STALE_MARKER = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);

/** The label fields of a TimeSeries message, to be made once for each series and reused in every request. */
export function encodeLabels(labels: Labels): Uint8Array {
  const writer = Writer.create();
  for (const [name, value] of labels) {
    writer.uint32(TIMESERIES_LABEL).fork().uint32(LABEL_NAME).string(name).uint32(LABEL_VALUE).string(value).ldelim();
  }
  return writer.finish();
}

/** Collects the series of one request after another; one sample for each series. */
export class WriteRequestEncoder {
  /** Reused: after the first requests its buffer has the size that is needed. */
  readonly #writer = new Writer();
  #length = 0;

  /** Number of series so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds a series, given its encoded labels, with one sample. The value must be finite. */
  addSample(labels: Uint8Array, value: number, atEpochMs: number): void {
    this.#begin(labels).double(value);
    this.#end(atEpochMs);
  }

  /** Adds a series with the marker that says it has ended. */
  addStaleMarker(labels: Uint8Array, atEpochMs: number): void {
    this.#begin(labels).raw(STALE_MARKER);
    this.#end(atEpochMs);
  }

  /** The request's body, compressed; the encoder is empty afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    const body: Uint8Array<ArrayBuffer> = compress(this.#writer.finish(true));
    this.#writer.reset();
    this.#length = 0;
    return body;
  }

  #begin(labels: Uint8Array): Writer {
    this.#length++;
    return this.#writer.uint32(TIMESERIES).fork().raw(labels).uint32(TIMESERIES_SAMPLE).fork().uint32(SAMPLE_VALUE);
  }

  #end(atEpochMs: number): void {
    this.#writer.uint32(SAMPLE_TIMESTAMP).int64(atEpochMs).ldelim().ldelim();
  }
}
