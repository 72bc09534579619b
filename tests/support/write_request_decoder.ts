/** Decodes remote-write requests of both versions and checks all that the specifications ask of a sender. */

import { Reader } from "protobufjs/minimal";
import { uncompress } from "snappyjs";

/** One time series as it came: with samples or with histograms. */
export interface ReceivedSeries {
  readonly name: string;
  /** Without `__name__`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly ReceivedSample[];
  readonly histograms?: readonly ReceivedHistogram[];
  readonly exemplars?: readonly ReceivedExemplar[];
  /** Of 2.0 requests, where each series says it. */
  readonly metadata?: ReceivedMetadata;
}

/** A stale marker's value is NaN; `bits` tells it from other NaNs. */
export interface ReceivedSample {
  readonly value: number;
  readonly bits: bigint;
  readonly atEpochMs: number;
  /** Of 2.0 requests: from when a counter counts. */
  readonly startMs?: number;
}

/** A native histogram; `positive` and `negative` hold populated and filled-in buckets by key. */
export interface ReceivedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly sumBits: bigint;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: ReadonlyMap<number, number>;
  readonly negative: ReadonlyMap<number, number>;
  readonly atEpochMs: number;
  /** Of 2.0 requests: from when it counts. */
  readonly startMs?: number;
}

export interface ReceivedExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly atEpochMs: number;
}

/** What a request says of a metric. */
export interface ReceivedMetadata {
  readonly name: string;
  /** 1 counter, 2 gauge, 3 histogram. */
  readonly type: number;
  readonly help: string;
  readonly unit: string;
}

/** A whole request. */
export interface ReceivedRequest {
  readonly series: readonly ReceivedSeries[];
  readonly metadata: readonly ReceivedMetadata[];
}

/** The value of a sample that ends a series. */
export const STALE_BITS = 0x7ff0000000000002n;

/** Decodes the body of a 1.0 request; throws when it breaks a rule. */
export function decodeRequest(body: Uint8Array): ReceivedRequest {
  const reader = open(body);
  const series: ReceivedSeries[] = [];
  const metadata: ReceivedMetadata[] = [];
  fields(reader, reader.len, {
    1: () => series.push(decodeTimeSeries(reader, end(reader))),
    3: () => metadata.push(decodeMetadata(reader, end(reader))),
  });
  for (const { name, type } of metadata) {
    if (![1, 2, 3].includes(type)) throw new Error(`metadata of ${name} has type ${type}`);
  }
  return { series, metadata };
}

/** Decodes the body of a 2.0 request; throws when it breaks a rule. Every series must say what its metric is, unless told otherwise. */
export function decodeRequestV2(body: Uint8Array, { metadata = true } = {}): ReceivedSeries[] {
  const reader = open(body);
  const symbols: string[] = [];
  const ends: [from: number, until: number][] = [];
  fields(reader, reader.len, {
    4: () => symbols.push(reader.string()),
    5: () => {
      const until = end(reader);
      ends.push([reader.pos, until]);
      reader.skip(until - reader.pos);
    },
  });
  if (symbols[0] !== "") throw new Error("the first symbol is not empty");
  const used = new Set([0]);
  const symbol = (reference: number) => {
    const text = symbols[reference];
    if (text === undefined) throw new Error(`reference ${reference} to ${symbols.length} symbols`);
    used.add(reference);
    return text;
  };
  const series = ends.map(([from, until]) => {
    reader.pos = from;
    return decodeTimeSeriesV2(reader, until, symbol, metadata);
  });
  const unused = symbols.filter((_, reference) => !used.has(reference));
  if (unused.length > 0) throw new Error(`no series refers to ${JSON.stringify(unused)}`);
  return series;
}

/** The series of a 1.0 request. */
export function decodeWriteRequest(body: Uint8Array): ReceivedSeries[] {
  return [...decodeRequest(body).series];
}

/** Checks the labels of a series: sorted, unique, never empty, valid names. */
export function assertValidLabels(labels: readonly (readonly [string, string])[]): void {
  for (const [index, [name, value]] of labels.entries()) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Error(`invalid label name ${JSON.stringify(name)}`);
    if (name.startsWith("__") && name !== "__name__") throw new Error(`reserved label name ${name}`);
    if (value === "") throw new Error(`empty value of label ${name}`);
    if (name === "__name__" && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value)) throw new Error(`invalid name ${value}`);
    const before = labels[index - 1]?.[0];
    if (before !== undefined && !(before < name)) throw new Error(`label ${name} after ${before}`);
  }
}

function open(body: Uint8Array): Reader {
  // A plain copy, because snappyjs gives back what it was given.
  const message: Uint8Array = uncompress(Uint8Array.from(body));
  return Reader.create(message);
}

/** Calls the handler of each field up to `until`; a field without one is an error. */
function fields(
  reader: Reader,
  until: number,
  handlers: Readonly<Record<number, (wireType: number) => unknown>>,
): void {
  while (reader.pos < until) {
    const tag = reader.uint32();
    const handle = handlers[tag >>> 3];
    if (handle === undefined) throw new Error(`unexpected tag ${tag}`);
    handle(tag & 7);
  }
  if (reader.pos !== until) throw new Error("a field is longer than its message");
}

/** Where the length-delimited field ends whose length comes next. */
function end(reader: Reader): number {
  return reader.uint32() + reader.pos;
}

function decodeTimeSeries(reader: Reader, until: number): ReceivedSeries {
  const labels: [string, string][] = [];
  const samples: ReceivedSample[] = [];
  const histograms: ReceivedHistogram[] = [];
  const exemplars: ReceivedExemplar[] = [];
  fields(reader, until, {
    1: () => labels.push(decodeLabel(reader, end(reader))),
    2: () => samples.push(decodeSample(reader, end(reader))),
    3: () => exemplars.push(decodeExemplar(reader, end(reader))),
    4: () => histograms.push(decodeHistogram(reader, end(reader))),
  });
  return receivedSeries(labels, samples, histograms, exemplars);
}

function decodeTimeSeriesV2(
  reader: Reader,
  until: number,
  symbol: (reference: number) => string,
  needsMetadata: boolean,
): ReceivedSeries {
  let labels: [string, string][] = [];
  const samples: ReceivedSample[] = [];
  const histograms: ReceivedHistogram[] = [];
  const exemplars: ReceivedExemplar[] = [];
  let metadata: ReceivedMetadata | undefined;
  let createdMs = 0;
  fields(reader, until, {
    1: () => labels = decodeReferences(reader, symbol),
    2: () => samples.push(decodeSample(reader, end(reader))),
    3: () => histograms.push(decodeHistogram(reader, end(reader))),
    4: () => exemplars.push(decodeExemplarV2(reader, end(reader), symbol)),
    5: () => metadata = decodeMetadataV2(reader, end(reader), symbol),
    6: () => createdMs = Number(reader.int64()),
  });
  const series = receivedSeries(labels, samples, histograms, exemplars);
  for (const { atEpochMs, startMs = 0 } of [...samples, ...histograms]) {
    if (startMs !== createdMs) throw new Error(`${series.name} starts at ${createdMs}, its sample at ${startMs}`);
    if (startMs >= atEpochMs) throw new Error(`${series.name} starts at ${startMs}, after ${atEpochMs}`);
  }
  if (metadata === undefined) {
    if (needsMetadata) throw new Error(`${series.name} has no metadata`);
    return series;
  }
  if (![1, 2, 3].includes(metadata.type)) throw new Error(`${series.name} has type ${metadata.type}`);
  return { ...series, metadata: { ...metadata, name: series.name } };
}

function decodeReferences(reader: Reader, symbol: (reference: number) => string): [string, string][] {
  const references = decodePacked(reader, () => reader.uint32());
  if (references.length % 2 !== 0) throw new Error(`${references.length} references to names and values`);
  return Array.from(
    { length: references.length / 2 },
    (_, i) => [symbol(references[2 * i] ?? 0), symbol(references[2 * i + 1] ?? 0)],
  );
}

function decodeExemplarV2(reader: Reader, until: number, symbol: (reference: number) => string): ReceivedExemplar {
  let labels: [string, string][] = [];
  let value = 0;
  let atEpochMs = 0;
  fields(reader, until, {
    1: () => labels = decodeReferences(reader, symbol),
    2: () => value = reader.double(),
    3: () => atEpochMs = Number(reader.int64()),
  });
  assertValidLabels(labels);
  return { labels: Object.fromEntries(labels), value, atEpochMs };
}

function decodeMetadataV2(reader: Reader, until: number, symbol: (reference: number) => string): ReceivedMetadata {
  const metadata = { type: 0, name: "", help: "", unit: "" };
  fields(reader, until, {
    1: () => metadata.type = reader.int32(),
    3: () => metadata.help = symbol(reader.uint32()),
    4: () => metadata.unit = symbol(reader.uint32()),
  });
  return metadata;
}

function receivedSeries(
  labels: [string, string][],
  samples: ReceivedSample[],
  histograms: ReceivedHistogram[],
  exemplars: ReceivedExemplar[],
): ReceivedSeries {
  assertValidLabels(labels);
  const { __name__: name, ...others } = Object.fromEntries(labels);
  if (name === undefined) throw new Error("series without a name");
  if (samples.length + histograms.length === 0) throw new Error(`${name} has no samples`);
  if (samples.length > 0 && histograms.length > 0) throw new Error(`${name} has both samples and histograms`);
  return {
    name,
    labels: others,
    samples,
    ...(histograms.length > 0 ? { histograms } : {}),
    ...(exemplars.length > 0 ? { exemplars } : {}),
  };
}

function decodeLabel(reader: Reader, until: number): [string, string] {
  const label: [string, string] = ["", ""];
  fields(reader, until, { 1: () => label[0] = reader.string(), 2: () => label[1] = reader.string() });
  return label;
}

function decodeSample(reader: Reader, until: number): ReceivedSample {
  let bits = 0n;
  let atEpochMs = 0;
  let startMs = 0;
  fields(reader, until, {
    1: () => bits = doubleBits(reader),
    2: () => atEpochMs = Number(reader.int64()),
    3: () => startMs = Number(reader.int64()),
  });
  return { value: fromBits(bits), bits, atEpochMs, ...(startMs > 0 ? { startMs } : {}) };
}

function decodeExemplar(reader: Reader, until: number): ReceivedExemplar {
  const labels: [string, string][] = [];
  let value = 0;
  let atEpochMs = 0;
  fields(reader, until, {
    1: () => labels.push(decodeLabel(reader, end(reader))),
    2: () => value = reader.double(),
    3: () => atEpochMs = Number(reader.int64()),
  });
  assertValidLabels(labels);
  return { labels: Object.fromEntries(labels), value, atEpochMs };
}

function decodeMetadata(reader: Reader, until: number): ReceivedMetadata {
  const metadata = { type: 0, name: "", help: "", unit: "" };
  fields(reader, until, {
    1: () => metadata.type = reader.int32(),
    2: () => metadata.name = reader.string(),
    4: () => metadata.help = reader.string(),
    5: () => metadata.unit = reader.string(),
  });
  return metadata;
}

/** Of a histogram that is no stale marker all buckets must add up to its count. */
function decodeHistogram(reader: Reader, until: number): ReceivedHistogram {
  const fixed = { count: 0, schema: 0, zeroThreshold: 0, zeroCount: 0, atEpochMs: 0 };
  let sumBits = 0n;
  let startMs = 0;
  const spans: Record<"positive" | "negative", [offset: number, length: number][]> = { positive: [], negative: [] };
  const deltas: Record<"positive" | "negative", number[]> = { positive: [], negative: [] };
  fields(reader, until, {
    1: () => fixed.count = Number(reader.uint64()),
    3: () => sumBits = doubleBits(reader),
    4: () => fixed.schema = reader.sint32(),
    5: () => fixed.zeroThreshold = reader.double(),
    6: () => fixed.zeroCount = Number(reader.uint64()),
    8: () => spans.negative.push(decodeSpan(reader, end(reader))),
    9: () => deltas.negative.push(...decodePacked(reader, () => Number(reader.sint64()))),
    11: () => spans.positive.push(decodeSpan(reader, end(reader))),
    12: () => deltas.positive.push(...decodePacked(reader, () => Number(reader.sint64()))),
    15: () => fixed.atEpochMs = Number(reader.int64()),
    17: () => startMs = Number(reader.int64()),
  });
  const positive = buckets(spans.positive, deltas.positive);
  const negative = buckets(spans.negative, deltas.negative);
  const total = [...positive.values(), ...negative.values(), fixed.zeroCount].reduce((sum, count) => sum + count, 0);
  if (sumBits !== STALE_BITS && total !== fixed.count) throw new Error(`${total} values in buckets of ${fixed.count}`);
  return { ...fixed, sum: fromBits(sumBits), sumBits, positive, negative, ...(startMs > 0 ? { startMs } : {}) };
}

function decodeSpan(reader: Reader, until: number): [offset: number, length: number] {
  const span: [offset: number, length: number] = [0, 0];
  fields(reader, until, { 1: () => span[0] = reader.sint32(), 2: () => span[1] = reader.uint32() });
  return span;
}

/** Counts by key; every span's buckets must have their deltas. */
function buckets(spans: readonly (readonly [number, number])[], deltas: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  let key = 0;
  let count = 0;
  let next = 0;
  for (const [index, [offset, length]] of spans.entries()) {
    if (index > 0 && offset < 0) throw new Error(`span ${index} begins ${-offset} buckets before the end of the last`);
    key += offset;
    for (let i = 0; i < length; i++) {
      count += deltas[next++] ?? NaN;
      if (!(count >= 0)) throw new Error(`bucket ${key} has the count ${count}`);
      counts.set(key++, count);
    }
  }
  if (next !== deltas.length) throw new Error(`${deltas.length} counts for ${next} buckets`);
  return counts;
}

function decodePacked(reader: Reader, read: () => number): number[] {
  const until = end(reader);
  const values: number[] = [];
  while (reader.pos < until) values.push(read());
  return values;
}

function doubleBits(reader: Reader): bigint {
  const bits = new DataView(reader.buf.buffer, reader.buf.byteOffset + reader.pos, 8).getBigUint64(0, true);
  reader.skip(8);
  return bits;
}

function fromBits(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? NaN;
}
