/**
 * The HTTP requests of a run whose samples carry a trace id, as messages for the cloud: the fields of
 * docs/outputs/cloud/request_metadata.proto. What is the same for all requests of a series is encoded once.
 */

import { BUILTIN_METRIC_IDS } from "../../../metrics/builtin.ts";
import type { TimeSeries } from "../../../metrics/registry.ts";
import type { SampleBatch, TagPairs } from "../../../metrics/types.ts";
import { WireBuffer, WireType } from "../../wire_buffer.ts";

/** A message. */
export interface TracedBatch {
  readonly body: Uint8Array;
  /** How many requests it tells of. */
  readonly requests: number;
}

/** Bounds for tests. */
export interface TracedRequestLimits {
  /** From this size on a message takes no more requests. */
  readonly batchBytes: number;
  /** How many messages may wait; what would make more is left out. */
  readonly batches: number;
}

/** 32 MiB in all, some 200,000 requests; a message is far below the 4 MiB that gRPC servers take. */
const LIMITS: TracedRequestLimits = { batchBytes: 256 * 1024, batches: 128 };

const { varint: VARINT, bytes: BYTES } = WireType;

/** Fields as they are tagged on the wire, by message. */
const BATCH = { requests: 1 << 3 | BYTES };
const CREATE_REQUEST = { requestMetadata: 1 << 3 | BYTES };
const REQUEST_METADATA = {
  traceId: 1 << 3 | BYTES,
  startTimeUnixNano: 2 << 3 | VARINT,
  endTimeUnixNano: 3 << 3 | VARINT,
  testRunLabels: 4 << 3 | BYTES,
  httpLabels: 5 << 3 | BYTES,
};
const TEST_RUN_LABELS = { id: 1 << 3 | VARINT, scenario: 2 << 3 | BYTES, group: 3 << 3 | BYTES };
const HTTP_LABELS = { url: 1 << 3 | BYTES, method: 2 << 3 | BYTES, statusCode: 3 << 3 | VARINT };

/** Collects requests in messages. It allocates nothing before the first trace id. */
export class TracedRequests {
  readonly #series: readonly TimeSeries[];
  readonly #testRunId: bigint;
  readonly #limits: TracedRequestLimits;
  /** By series id: the labels' fields; none of series that are no requests. */
  readonly #labels: (Uint8Array | undefined)[] = [];
  /** The message that takes requests; null before the first. */
  #open: WireBuffer | null = null;
  #openRequests = 0;
  #closed: TracedBatch[] = [];
  #leftOut = 0;

  /** `series` is the registry's own, growing array. A test run's id that is no 64-bit number is left out of messages. */
  constructor(series: readonly TimeSeries[], testRunId: string, limits: TracedRequestLimits = LIMITS) {
    this.#series = series;
    this.#testRunId = /^\d+$/.test(testRunId) && BigInt(testRunId) <= LARGEST_ID ? BigInt(testRunId) : 0n;
    this.#limits = limits;
  }

  /** How many messages are complete. */
  get complete(): number {
    return this.#closed.length;
  }

  /** How many requests wait in messages. */
  get waiting(): number {
    return this.#closed.reduce((sum, { requests }) => sum + requests, this.#openRequests);
  }

  /** How many requests were left out for want of room. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Takes the requests among samples that have metadata; returns whether there were any with a trace id. Hot. */
  addSamples({ length, series, times, values, metadata }: SampleBatch): boolean {
    if (metadata === null) return false;
    const { column, sets } = metadata;
    let found = false;
    let knownPlace = 0;
    let traceId = "";
    for (let i = 0; i < length; i++) {
      const place = column[i]!;
      if (place === 0) continue;
      const labels = this.#labels[series[i]!] ?? this.#meet(series[i]!);
      if (labels.length === 0) continue;
      if (place !== knownPlace) {
        knownPlace = place;
        traceId = traceIdOf(sets[place - 1]!);
      }
      if (traceId === "") continue;
      found = true;
      this.#add(traceId, times[i]! - Math.max(0, values[i]!), times[i]!, labels);
    }
    return found;
  }

  /** Completes the message that takes requests, if it has any. */
  close(): void {
    const open = this.#open;
    if (open === null || this.#openRequests === 0) return;
    this.#closed.push({ body: open.written().slice(), requests: this.#openRequests });
    open.clear();
    this.#openRequests = 0;
  }

  /** Takes out the oldest complete message; null when there is none. */
  take(): TracedBatch | null {
    return this.#closed.shift() ?? null;
  }

  /** Forgets all requests that wait. */
  clear(): void {
    this.#closed = [];
    this.#open = null;
    this.#openRequests = 0;
  }

  #add(traceId: string, startEpochMs: number, endEpochMs: number, labels: Uint8Array): void {
    if (this.#closed.length >= this.#limits.batches) {
      this.#leftOut++;
      return;
    }
    const out = this.#open ??= new WireBuffer();
    const beginOfRequest = out.beginMessage(BATCH.requests);
    const begin = out.beginMessage(CREATE_REQUEST.requestMetadata);
    out.textField(REQUEST_METADATA.traceId, traceId);
    writeNanoseconds(out, REQUEST_METADATA.startTimeUnixNano, startEpochMs);
    writeNanoseconds(out, REQUEST_METADATA.endTimeUnixNano, endEpochMs);
    out.reserve(labels.length);
    out.raw(labels);
    out.endMessage(begin);
    out.endMessage(beginOfRequest);
    this.#openRequests++;
    if (out.length >= this.#limits.batchBytes) this.close();
  }

  #meet(id: number): Uint8Array {
    const { metric, tags } = this.#series[id]!;
    const isRequest = metric.id === BUILTIN_METRIC_IDS.http_req_duration;
    return this.#labels[id] = isRequest ? encodeLabels(this.#testRunId, new Map(tags)) : NO_REQUEST;
  }
}

/** The largest number of an `int64`. */
const LARGEST_ID = 2n ** 63n - 1n;

const NO_REQUEST = new Uint8Array(0);

/** Empty when there is none. */
function traceIdOf(metadata: TagPairs): string {
  for (const [name, value] of metadata) {
    if (name === "trace_id") return value.toWellFormed();
  }
  return "";
}

/** The fields `test_run_labels` and `http_labels`. */
function encodeLabels(testRunId: bigint, tags: ReadonlyMap<string, string>): Uint8Array {
  const out = new WireBuffer();
  const text = (tag: number, name: string) => out.textField(tag, tags.get(name)?.toWellFormed() ?? "");
  const beginOfRun = out.beginMessage(REQUEST_METADATA.testRunLabels);
  if (testRunId > 0n) writeBigInteger(out, TEST_RUN_LABELS.id, testRunId);
  text(TEST_RUN_LABELS.scenario, "scenario");
  text(TEST_RUN_LABELS.group, "group");
  out.endMessage(beginOfRun);
  const beginOfHttp = out.beginMessage(REQUEST_METADATA.httpLabels);
  text(HTTP_LABELS.url, "name");
  text(HTTP_LABELS.method, "method");
  const status = Number(tags.get("status") ?? 0);
  if (Number.isSafeInteger(status) && status > 0) {
    out.reserve(10);
    out.byte(HTTP_LABELS.statusCode);
    out.varint(status);
  }
  out.endMessage(beginOfHttp);
  return out.written().slice();
}

/** How many values the lowest three groups of a varint tell apart. */
const LOW = 2 ** 21;

/**
 * Epoch milliseconds as nanoseconds, to the microsecond: more than a double can tell at once, so the lowest 21 bits go first.
 * Hot.
 */
function writeNanoseconds(out: WireBuffer, tag: number, epochMs: number): void {
  const microseconds = Math.round(epochMs * 1000);
  const lowProduct = microseconds % LOW * 1000;
  const low = lowProduct % LOW;
  const high = Math.floor(microseconds / LOW) * 1000 + Math.floor(lowProduct / LOW);
  out.reserve(12);
  out.byte(tag);
  out.byte(low & 127 | 128);
  out.byte(low >>> 7 & 127 | 128);
  out.byte(low >>> 14 | 128);
  out.varint(high);
}

/** A whole number above zero. */
function writeBigInteger(out: WireBuffer, tag: number, value: bigint): void {
  out.reserve(12);
  out.byte(tag);
  let rest = value;
  for (; rest > 127n; rest >>= 7n) out.byte(Number(rest & 127n) | 128);
  out.byte(Number(rest));
}
