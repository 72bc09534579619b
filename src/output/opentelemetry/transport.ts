/** How an export reaches a receiver: what gRPC and HTTP have in common (OTLP specification 1.x). */

import { Reader } from "protobufjs/minimal";
import { oneLine } from "../http_client.ts";

/** Delivers `ExportMetricsServiceRequest` messages, one at a time. */
export interface Transport {
  /** Resolves with what became of the request, after `timeoutMs` or when `signal` aborts at the latest; never rejects. */
  send(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

/** What became of a request. */
export type Answer = Accepted | Refused;

/** The receiver took the data points, perhaps not all. */
export interface Accepted {
  readonly kind: "accepted";
  readonly rejectedPoints: number;
  /** Why it rejected some, or what else it has to say; mostly empty. */
  readonly message: string;
}

/** Nothing was taken, or nobody knows. */
export interface Refused {
  readonly kind: "refused";
  /** Few fixed words, by which failures are counted: `connection refused`, `HTTP 503`, `UNAVAILABLE`. */
  readonly cause: string;
  /** The receiver's own words, and what the user may do; mostly empty. */
  readonly detail: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** How long the receiver wants to be left alone; null when it didn't say. */
  readonly retryAfterMs: number | null;
}

/** A request that got no answer. */
export function unanswered(cause: string, detail = ""): Refused {
  return { kind: "refused", cause, detail, retryable: true, retryAfterMs: null };
}

/** Reads an `ExportMetricsServiceResponse`; what can't be read says nothing. */
export function readResponse(message: Uint8Array): Accepted {
  let rejectedPoints = 0;
  let text = "";
  for (const [field, partialSuccess] of fieldsOf(message)) {
    if (field !== 1 || typeof partialSuccess === "number") continue;
    for (const [inner, value] of fieldsOf(partialSuccess)) {
      if (inner === 1 && typeof value === "number") rejectedPoints = value;
      if (inner === 2 && typeof value !== "number") text = oneLine(new TextDecoder().decode(value));
    }
  }
  return { kind: "accepted", rejectedPoints, message: text };
}

/** What a `google.rpc.Status` says: its message, and the wait of a `RetryInfo` among its details. */
export function readStatus(status: Uint8Array): { readonly message: string; readonly retryAfterMs: number | null } {
  let message = "";
  let retryAfterMs: number | null = null;
  for (const [field, value] of fieldsOf(status)) {
    if (typeof value === "number") continue;
    if (field === 2) message = oneLine(new TextDecoder().decode(value));
    if (field === 3) retryAfterMs ??= readRetryInfo(value);
  }
  return { message, retryAfterMs };
}

/** Milliseconds of a `google.protobuf.Any` that holds a `google.rpc.RetryInfo`; null when it holds something else. */
function readRetryInfo(any: Uint8Array): number | null {
  const fields = new Map(fieldsOf(any));
  const type = fields.get(1);
  const info = fields.get(2);
  if (!(type instanceof Uint8Array) || !(info instanceof Uint8Array)) return null;
  if (!new TextDecoder().decode(type).endsWith("/google.rpc.RetryInfo")) return null;
  const delay = new Map(fieldsOf(info)).get(1);
  if (!(delay instanceof Uint8Array)) return null;
  const duration = new Map(fieldsOf(delay));
  const [seconds = 0, nanoseconds = 0] = [duration.get(1), duration.get(2)];
  return typeof seconds === "number" && typeof nanoseconds === "number" ? seconds * 1000 + nanoseconds / 1e6 : null;
}

/** The fields of a message that are varints or have a length, up to where it stops being a message. */
function fieldsOf(message: Uint8Array): [field: number, value: number | Uint8Array][] {
  const reader = Reader.create(message);
  const fields: [number, number | Uint8Array][] = [];
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if ((tag & 7) === 0) fields.push([tag >>> 3, Number(reader.int64())]);
      else if ((tag & 7) === 2) fields.push([tag >>> 3, reader.bytes()]);
      else reader.skipType(tag & 7);
    }
  } catch (error) {
    // protobufjs throws plain errors for malformed messages; a receiver's odd answer must not end the output.
    if (!(error instanceof Error)) throw error;
  }
  return fields;
}
