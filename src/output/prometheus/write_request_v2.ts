/**
 * The body of a remote-write 2.0 request: protobuf `io.prometheus.write.v2.Request` in a snappy block. Every text stands in it
 * once, in a table of symbols that series refer to.
 */

import { compress } from "snappyjs";
import type { Exemplar, LabelSet, SeriesKind } from "./exported_series.ts";
import type { NativeHistogram } from "./native_histogram.ts";
import { writeHistogram, writeStaleHistogram } from "./native_histogram_message.ts";
import { type EncoderOptions, METRIC_TYPES, type RequestEncoder, STALE_MARKER } from "./request_encoder.ts";
import { SymbolTable } from "./symbol_table.ts";
import { varintLength, WireBuffer } from "../wire_buffer.ts";

/** Field numbers and wire types, as tags on the wire (remote-write 2.0 specification). */
const TIMESERIES = 5 << 3 | 2;
const LABEL_REFS = 1 << 3 | 2;
const SAMPLE = 2 << 3 | 2;
const HISTOGRAM = 3 << 3 | 2;
const EXEMPLAR = 4 << 3 | 2;
const METADATA = 5 << 3 | 2;
/** The start of a series in the drafts that Prometheus 2.54 to 3 reads; the specification of 2025 has it in the samples. */
const CREATED = 6 << 3 | 0;
const SAMPLE_VALUE = 1 << 3 | 1;
const SAMPLE_TIMESTAMP = 2 << 3 | 0;
const SAMPLE_START = 3 << 3 | 0;
const HISTOGRAM_START = 17 << 3 | 0;
const EXEMPLAR_VALUE = 2 << 3 | 1;
const EXEMPLAR_TIMESTAMP = 3 << 3 | 0;
const METADATA_TYPE = 1 << 3 | 0;
const METADATA_HELP = 3 << 3 | 0;
const METADATA_UNIT = 4 << 3 | 0;

/** More than any message needs here that holds no labels and no histogram. */
const FIXED_SIZE = 64;

/** A label set's texts as ids of the symbol table: names and values by turns. */
interface LabelIds {
  readonly ids: readonly number[];
  /** Where `__name__` and `le` belong. */
  readonly nameAt: number;
  readonly leAt: number;
}

/** The same for the texts of a kind and of its family. */
interface KindIds {
  readonly name: number;
  readonly le: number | null;
  readonly help: number;
  readonly unit: number;
}

/** Encodes requests of remote write 2.0. */
export class WriteRequestV2Encoder implements RequestEncoder {
  readonly contentType = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  readonly version = "2.0.0";
  readonly #options: EncoderOptions;
  readonly #symbols = new SymbolTable();
  readonly #nameId = this.#symbols.id("__name__");
  readonly #leId = this.#symbols.id("le");
  readonly #traceIdId = this.#symbols.id("trace_id");
  /** By the id of label set and kind. */
  readonly #labels: (LabelIds | undefined)[] = [];
  readonly #kinds: (KindIds | undefined)[] = [];
  /** Reused: after the first requests they have the size that is needed. */
  readonly #out = new WireBuffer();
  readonly #fields = new WireBuffer();
  readonly #histogram = new WireBuffer();
  /** The references to the labels of the series at hand. */
  readonly #references: number[] = [];
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
    createdMs: number,
    exemplar: Exemplar | null,
  ): void {
    const fields = this.#fields;
    const hasStart = kind.family.type !== "gauge" && createdMs < atEpochMs;
    fields.clear();
    fields.reserve(FIXED_SIZE);
    fields.byte(SAMPLE);
    fields.byte(10 + varintLength(atEpochMs) + (hasStart ? 1 + varintLength(createdMs) : 0));
    fields.byte(SAMPLE_VALUE);
    fields.double(value);
    fields.byte(SAMPLE_TIMESTAMP);
    fields.varint(atEpochMs);
    if (hasStart) {
      fields.byte(SAMPLE_START);
      fields.varint(createdMs);
    }
    if (hasStart) this.#writeCreated(createdMs);
    if (exemplar !== null) this.#writeExemplar(exemplar);
    this.#addSeries(kind, labels);
  }

  addHistogram(
    kind: SeriesKind,
    labels: LabelSet,
    histogram: NativeHistogram,
    atEpochMs: number,
    createdMs: number,
    exemplar: Exemplar | null,
  ): void {
    const message = this.#histogram;
    message.clear();
    writeHistogram(message, histogram, atEpochMs);
    const hasStart = createdMs < atEpochMs;
    if (hasStart) {
      message.reserve(FIXED_SIZE);
      message.varint(HISTOGRAM_START);
      message.varint(createdMs);
    }
    this.#fields.clear();
    this.#writeHistogramField();
    if (hasStart) this.#writeCreated(createdMs);
    if (exemplar !== null) this.#writeExemplar(exemplar);
    this.#addSeries(kind, labels);
  }

  addStaleMarker(kind: SeriesKind, labels: LabelSet, atEpochMs: number): void {
    const fields = this.#fields;
    fields.clear();
    if (kind.isHistogram) {
      this.#histogram.clear();
      writeStaleHistogram(this.#histogram, STALE_MARKER, atEpochMs);
      this.#writeHistogramField();
    } else {
      fields.reserve(FIXED_SIZE);
      fields.byte(SAMPLE);
      fields.byte(10 + varintLength(atEpochMs));
      fields.byte(SAMPLE_VALUE);
      fields.raw(STALE_MARKER);
      fields.byte(SAMPLE_TIMESTAMP);
      fields.varint(atEpochMs);
    }
    this.#addSeries(kind, labels);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const symbols = this.#symbols.fields;
    const out = this.#out;
    symbols.reserve(out.length);
    symbols.raw(out.written());
    const body: Uint8Array<ArrayBuffer> = compress(symbols.written());
    out.clear();
    this.#symbols.begin();
    this.#length = 0;
    return body;
  }

  /** Every request says all. */
  describeAgain(): void {}

  /** Adds a series whose fields, but for labels and metadata, are in `#fields`. Hot. */
  #addSeries(kind: SeriesKind, labels: LabelSet): void {
    const labelIds = this.#labels[labels.id] ??= this.#idsOfLabels(labels);
    const kindIds = this.#kinds[kind.id] ??= this.#idsOfKind(kind);
    if (this.#options.metadata) this.#writeMetadata(kind, kindIds);
    const referencesSize = this.#resolve(labelIds, kindIds);
    const out = this.#out;
    const fields = this.#fields;
    const size = 1 + varintLength(referencesSize) + referencesSize + fields.length;
    out.reserve(size + FIXED_SIZE);
    out.byte(TIMESERIES);
    out.varint(size);
    out.byte(LABEL_REFS);
    out.varint(referencesSize);
    const references = this.#references;
    for (let i = 0; i < references.length; i++) out.varint(references[i]!);
    out.raw(fields.written());
    this.#length++;
  }

  /** Fills `#references` with those of the series' labels; returns their size on the wire. */
  #resolve({ ids, nameAt, leAt }: LabelIds, { name, le }: KindIds): number {
    const symbols = this.#symbols;
    const references = this.#references;
    references.length = ids.length + (le === null ? 2 : 4);
    let size = 0;
    let next = 0;
    for (let i = 0; i <= ids.length; i++) {
      if (i === nameAt) {
        size += varintLength(references[next++] = symbols.reference(this.#nameId));
        size += varintLength(references[next++] = symbols.reference(name));
      }
      if (le !== null && i === leAt) {
        size += varintLength(references[next++] = symbols.reference(this.#leId));
        size += varintLength(references[next++] = symbols.reference(le));
      }
      if (i < ids.length) size += varintLength(references[next++] = symbols.reference(ids[i]!));
    }
    return size;
  }

  #writeHistogramField(): void {
    const message = this.#histogram;
    const fields = this.#fields;
    fields.reserve(message.length + FIXED_SIZE);
    fields.byte(HISTOGRAM);
    fields.varint(message.length);
    fields.raw(message.written());
  }

  #writeCreated(createdMs: number): void {
    this.#fields.reserve(FIXED_SIZE);
    this.#fields.byte(CREATED);
    this.#fields.varint(createdMs);
  }

  #writeExemplar({ traceId, value, atEpochMs }: Exemplar): void {
    const name = this.#symbols.reference(this.#traceIdId);
    const id = this.#symbols.referenceOnce(traceId);
    const referencesSize = varintLength(name) + varintLength(id);
    const fields = this.#fields;
    fields.reserve(FIXED_SIZE);
    fields.byte(EXEMPLAR);
    fields.byte(2 + referencesSize + 10 + varintLength(atEpochMs));
    fields.byte(LABEL_REFS);
    fields.byte(referencesSize);
    fields.varint(name);
    fields.varint(id);
    fields.byte(EXEMPLAR_VALUE);
    fields.double(value);
    fields.byte(EXEMPLAR_TIMESTAMP);
    fields.varint(atEpochMs);
  }

  #writeMetadata({ family }: SeriesKind, ids: KindIds): void {
    const help = this.#symbols.reference(ids.help);
    const unit = this.#symbols.reference(ids.unit);
    const fields = this.#fields;
    fields.reserve(FIXED_SIZE);
    fields.byte(METADATA);
    fields.byte(4 + varintLength(help) + varintLength(unit));
    fields.byte(METADATA_TYPE);
    fields.byte(METRIC_TYPES[family.type]);
    fields.byte(METADATA_HELP);
    fields.varint(help);
    fields.byte(METADATA_UNIT);
    fields.varint(unit);
  }

  #idsOfLabels({ labels }: LabelSet): LabelIds {
    const ids: number[] = [];
    let nameAt: number | undefined;
    let leAt: number | undefined;
    for (const [name, value] of labels) {
      if (name > "__name__") nameAt ??= ids.length;
      if (name > "le") leAt ??= ids.length;
      ids.push(this.#symbols.id(name), this.#symbols.id(value));
    }
    return { ids, nameAt: nameAt ?? ids.length, leAt: leAt ?? ids.length };
  }

  #idsOfKind({ name, le, family }: SeriesKind): KindIds {
    return {
      name: this.#symbols.id(name),
      le: le === null ? null : this.#symbols.id(le),
      help: this.#symbols.id(family.help),
      unit: this.#symbols.id(family.unit),
    };
  }
}
