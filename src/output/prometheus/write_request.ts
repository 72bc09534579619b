/** The body of a remote-write 1.0 request: protobuf `prometheus.WriteRequest` in a snappy block. */

import { Writer } from "protobufjs/minimal";
import { compress } from "snappyjs";
import type { Exemplar, LabelSet, MetricFamily, SeriesKind } from "./exported_series.ts";
import { LabelStore, writeLabel } from "./label_store.ts";
import type { NativeHistogram } from "./native_histogram.ts";
import { writeHistogram, writeStaleHistogram } from "./native_histogram_message.ts";
import { type EncoderOptions, METRIC_TYPES, type RequestEncoder, STALE_MARKER, VERSION_1 } from "./request_encoder.ts";
import { varintLength, WireBuffer } from "../wire_buffer.ts";

/** Field numbers and wire types, as tags on the wire (remote-write 1.0 specification). */
const TIMESERIES = 1 << 3 | 2;
const METADATA = 3 << 3 | 2;
const TIMESERIES_LABEL = 1 << 3 | 2;
const TIMESERIES_SAMPLE = 2 << 3 | 2;
const TIMESERIES_EXEMPLAR = 3 << 3 | 2;
const TIMESERIES_HISTOGRAM = 4 << 3 | 2;
const SAMPLE_VALUE = 1 << 3 | 1;
const SAMPLE_TIMESTAMP = 2 << 3 | 0;
const EXEMPLAR_LABEL = 1 << 3 | 2;
const EXEMPLAR_VALUE = 2 << 3 | 1;
const EXEMPLAR_TIMESTAMP = 3 << 3 | 0;
const METADATA_TYPE = 1 << 3 | 0;
const METADATA_NAME = 2 << 3 | 2;
const METADATA_HELP = 4 << 3 | 2;
const METADATA_UNIT = 5 << 3 | 2;

/** More than all that a time series has beside its labels, exemplars and histogram. */
const FIXED_SIZE = 64;
/** How often receivers are told anew what a metric is. */
const METADATA_INTERVAL_MS = 60_000;

/** A kind's own labels, encoded once. */
interface EncodedKind {
  readonly name: Uint8Array;
  readonly le: Uint8Array;
}

/** Encodes requests of remote write 1.0. */
export class WriteRequestEncoder implements RequestEncoder {
  readonly contentType = "application/x-protobuf";
  readonly version = VERSION_1;
  readonly #options: EncoderOptions;
  /** Reused: after the first requests it has the size that is needed. */
  readonly #out = new WireBuffer();
  readonly #scratch = new WireBuffer();
  readonly #labels = new LabelStore();
  /** By the id of kind and family. */
  readonly #kinds: (EncodedKind | undefined)[] = [];
  readonly #describedAtMs: (number | undefined)[] = [];
  readonly #toDescribe: MetricFamily[] = [];
  #length = 0;

  constructor(options: EncoderOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#length;
  }

  addSample(
    kind: SeriesKind,
    labels: LabelSet,
    value: number,
    atEpochMs: number,
    _createdMs: number,
    exemplar: Exemplar | null,
  ): void {
    const sampleSize = 10 + varintLength(atEpochMs);
    const exemplarBytes = exemplar === null ? null : encodeExemplar(exemplar);
    const out = this.#begin(kind, labels, 2 + sampleSize + (exemplarBytes?.length ?? 0));
    out.byte(TIMESERIES_SAMPLE);
    out.byte(sampleSize);
    out.byte(SAMPLE_VALUE);
    out.double(value);
    out.byte(SAMPLE_TIMESTAMP);
    out.varint(atEpochMs);
    if (exemplarBytes !== null) out.raw(exemplarBytes);
    if (this.#options.metadata) this.#describe(kind.family, atEpochMs);
  }

  addHistogram(
    kind: SeriesKind,
    labels: LabelSet,
    histogram: NativeHistogram,
    atEpochMs: number,
    _createdMs: number,
    exemplar: Exemplar | null,
  ): void {
    const scratch = this.#scratch;
    scratch.clear();
    writeHistogram(scratch, histogram, atEpochMs);
    const exemplarBytes = exemplar === null ? null : encodeExemplar(exemplar);
    this.#addHistogramMessage(kind, labels, scratch, exemplarBytes);
    if (this.#options.metadata) this.#describe(kind.family, atEpochMs);
  }

  addStaleMarker(kind: SeriesKind, labels: LabelSet, atEpochMs: number): void {
    if (kind.isHistogram) {
      const scratch = this.#scratch;
      scratch.clear();
      writeStaleHistogram(scratch, STALE_MARKER, atEpochMs);
      this.#addHistogramMessage(kind, labels, scratch, null);
      return;
    }
    const sampleSize = 10 + varintLength(atEpochMs);
    const out = this.#begin(kind, labels, 2 + sampleSize);
    out.byte(TIMESERIES_SAMPLE);
    out.byte(sampleSize);
    out.byte(SAMPLE_VALUE);
    out.raw(STALE_MARKER);
    out.byte(SAMPLE_TIMESTAMP);
    out.varint(atEpochMs);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    for (const family of this.#toDescribe) {
      const metadata = encodeMetadata(family);
      out.reserve(metadata.length);
      out.raw(metadata);
    }
    this.#toDescribe.length = 0;
    const body: Uint8Array<ArrayBuffer> = compress(out.written());
    out.clear();
    this.#length = 0;
    return body;
  }

  describeAgain(): void {
    this.#describedAtMs.length = 0;
  }

  /** Writes a TimeSeries' tag, its whole length and its labels. Hot. */
  #begin(kind: SeriesKind, labels: LabelSet, sizeBesideLabels: number): WireBuffer {
    const { name, le } = this.#kinds[kind.id] ??= encodeKind(kind);
    const size = this.#labels.size(labels) + name.length + le.length + sizeBesideLabels;
    const out = this.#out;
    out.reserve(size + FIXED_SIZE);
    out.byte(TIMESERIES);
    out.varint(size);
    this.#labels.write(out, labels, name, le);
    this.#length++;
    return out;
  }

  #addHistogramMessage(kind: SeriesKind, labels: LabelSet, message: WireBuffer, exemplar: Uint8Array | null): void {
    const { length } = message;
    const out = this.#begin(kind, labels, 1 + varintLength(length) + length + (exemplar?.length ?? 0));
    if (exemplar !== null) out.raw(exemplar);
    out.byte(TIMESERIES_HISTOGRAM);
    out.varint(length);
    out.raw(message.written());
  }

  /** Has the request tell what a metric is, when that wasn't said for a minute. */
  #describe(family: MetricFamily, nowMs: number): void {
    const describedAtMs = this.#describedAtMs[family.id];
    if (describedAtMs !== undefined && nowMs < describedAtMs + METADATA_INTERVAL_MS) return;
    this.#describedAtMs[family.id] = nowMs;
    this.#toDescribe.push(family);
  }
}

function encodeKind({ name, le }: SeriesKind): EncodedKind {
  return { name: encodeLabel("__name__", name), le: le === null ? new Uint8Array(0) : encodeLabel("le", le) };
}

function encodeLabel(name: string, value: string): Uint8Array {
  const out = new WireBuffer(name.length + 3 * value.length);
  writeLabel(out, TIMESERIES_LABEL, name, value);
  return out.written().slice();
}

function encodeExemplar({ traceId, value, atEpochMs }: Exemplar): Uint8Array {
  const out = new WireBuffer(FIXED_SIZE);
  writeLabel(out, EXEMPLAR_LABEL, "trace_id", traceId);
  const message = Writer.create().uint32(TIMESERIES_EXEMPLAR).fork().raw(out.written().slice());
  return message.uint32(EXEMPLAR_VALUE).double(value).uint32(EXEMPLAR_TIMESTAMP).int64(atEpochMs).ldelim().finish();
}

function encodeMetadata({ name, type, help, unit }: MetricFamily): Uint8Array {
  const writer = Writer.create().uint32(METADATA).fork().uint32(METADATA_TYPE).int32(METRIC_TYPES[type]);
  writer.uint32(METADATA_NAME).string(name).uint32(METADATA_HELP).string(help);
  if (unit !== "") writer.uint32(METADATA_UNIT).string(unit);
  return writer.ldelim().finish();
}
