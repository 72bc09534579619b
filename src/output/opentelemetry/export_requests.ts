/**
 * The bodies of an export: `ExportMetricsServiceRequest` messages (`opentelemetry.proto.collector.metrics.v1`) that together hold
 * every stream once, each small enough for a receiver's limit and quick enough to encode in one turn.
 */

import { Writer } from "protobufjs/minimal";
import type { TagPairs } from "../../metrics/types.ts";
import { encodeAttributes } from "./attributes.ts";
import { encodeTimes } from "./data_points.ts";
import type { Instrument } from "./instruments.ts";
import type { Stream } from "./streams.ts";

/** Half of what gRPC servers accept unless told otherwise, 4 MiB. */
const BODY_BYTES = 2 * 1024 * 1024;
/** A message that takes longer to make is cut short, as the first ones may, for which attributes must be encoded. */
const TURN_MS = 5;
/** Points after which the clock is looked at. */
const LOOK_AFTER = 64;

/** Fields on the wire: number and wire type. */
const RESOURCE_METRICS = 1 << 3 | 2;
const RESOURCE = 1 << 3 | 2;
const RESOURCE_ATTRIBUTES = 1;
const SCOPE_METRICS = 2 << 3 | 2;
const SCOPE = 1 << 3 | 2;
const SCOPE_NAME = 1 << 3 | 2;
const METRICS = 2 << 3 | 2;
const METRIC_NAME = 1 << 3 | 2;
const METRIC_UNIT = 3 << 3 | 2;
const METRIC_DATA = { gauge: 5 << 3 | 2, sum: 7 << 3 | 2, histogram: 9 << 3 | 2 };
const TEMPORALITY = 2 << 3 | 0;
const CUMULATIVE = 2;
const IS_MONOTONIC = 3 << 3 | 0;

/** The name of the instrumentation scope, as in k6. */
const SCOPE_OF_ALL = "k6";

/** One message. */
export interface ExportRequest {
  /** To be used before the next message is made. */
  readonly body: Uint8Array;
  /** Number of data points. */
  readonly points: number;
}

/** Makes the messages of one export after another. */
export class ExportRequests {
  readonly #instruments: readonly Instrument[];
  readonly #startEpochMs: number;
  readonly #resource: Uint8Array;
  readonly #scope: Uint8Array;
  /** Reused: after the first message its buffer has the size that is needed. */
  readonly #writer = new Writer();
  #nextInstrument = 0;
  #nextStream = 0;
  #points = 0;
  #lookAtPoints = 0;
  #turnEndsAtMs = 0;

  /** `instruments` may grow, each has streams; all counting began at `startEpochMs`. */
  constructor(instruments: readonly Instrument[], resource: TagPairs, startEpochMs: number) {
    this.#instruments = instruments;
    this.#startEpochMs = startEpochMs;
    this.#resource = encodeAttributes(RESOURCE_ATTRIBUTES, resource);
    this.#scope = new Writer().uint32(SCOPE_NAME).string(SCOPE_OF_ALL).finish();
  }

  /** Begins an export. */
  restart(): void {
    this.#nextInstrument = 0;
    this.#nextStream = 0;
  }

  /** The next message, with values as they are at `atEpochMs`; null when every stream has had its turn. */
  next(atEpochMs: number): ExportRequest | null {
    if (this.#nextInstrument === this.#instruments.length) return null;
    this.#points = 0;
    this.#lookAtPoints = LOOK_AFTER;
    this.#turnEndsAtMs = performance.now() + TURN_MS;
    const times = encodeTimes(this.#startEpochMs, atEpochMs);
    const writer = this.#writer;
    writer.uint32(RESOURCE_METRICS).fork().uint32(RESOURCE).bytes(this.#resource);
    writer.uint32(SCOPE_METRICS).fork().uint32(SCOPE).bytes(this.#scope);
    while (this.#nextInstrument < this.#instruments.length) {
      const instrument = this.#instruments[this.#nextInstrument]!;
      this.#writeMetric(instrument, times);
      if (this.#nextStream < instrument.streams.length) break;
      this.#nextInstrument++;
      this.#nextStream = 0;
    }
    const body = writer.ldelim().ldelim().finish(true);
    writer.reset();
    return { body, points: this.#points };
  }

  /** Writes as many of an instrument's streams as there is room for. */
  #writeMetric({ name, unit, kind, streams }: Instrument, times: Uint8Array): void {
    const writer = this.#writer;
    const start = writer.pos;
    const first = this.#nextStream;
    writer.uint32(METRICS).fork().uint32(METRIC_NAME).string(name);
    if (unit !== "") writer.uint32(METRIC_UNIT).string(unit);
    writer.uint32(METRIC_DATA[kind]).fork();
    while (this.#nextStream < streams.length && this.#writeStream(streams[this.#nextStream]!, times)) {
      this.#nextStream++;
    }
    if (this.#nextStream === first) {
      writer.reset().reset().pos = start;
      return;
    }
    if (kind !== "gauge") writer.uint32(TEMPORALITY).int32(CUMULATIVE);
    if (kind === "sum") writer.uint32(IS_MONOTONIC).bool(true);
    writer.ldelim().ldelim();
  }

  /** False when there is no room. What alone is too large gets a message of its own, so that no other stream shares its fate. */
  #writeStream(stream: Stream, times: Uint8Array): boolean {
    if (this.#isTimeUp()) return false;
    const start = this.#writer.pos;
    const points = stream.write(this.#writer, times);
    if (this.#points > 0 && this.#writer.pos > BODY_BYTES) {
      this.#writer.pos = start;
      return false;
    }
    this.#points += points;
    return true;
  }

  #isTimeUp(): boolean {
    if (this.#points < this.#lookAtPoints) return false;
    this.#lookAtPoints = this.#points + LOOK_AFTER;
    return performance.now() > this.#turnEndsAtMs;
  }
}
