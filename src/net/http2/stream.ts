/** One request and its answer on an HTTP/2 connection: what is kept of them while they are under way. */

import { BodyBuffer } from "../body_buffer.ts";
import { type Failure, genericFailure } from "../errors.ts";
import type { ReadBuffers } from "../read_buffers.ts";
import type { RequestBody } from "../request_body.ts";
import type { HttpRequest } from "../types.ts";
import { ErrorCode, streamFailure } from "./error_codes.ts";

/** What the server has done with a request that failed, as far as can be told: not seen it, or begun with it. */
export type Processing = "none" | "unknown" | "begun";

/** Is told the outcome of a stream, exactly once unless it is cancelled, never from within `open`. */
export interface StreamObserver {
  streamDone(): void;
  streamFailed(failure: Failure, processing: Processing): void;
}

/** Up to here a body of known length gets its exact buffer at once; a longer one grows with what really comes. */
const TRUSTED_LENGTH = 8 * 1024 * 1024;
const INTERIM_LIMIT = 5;

/** A stream of a client. Its connection drives it. */
export class Http2Stream {
  readonly id: number;
  readonly observer: StreamObserver;
  /** What the connection had received when it was opened. */
  readonly openedAtChunk: number;
  /** When the request had been written, and the answer began; 0 before. In `performance.now()`'s milliseconds. */
  sentAt = 0;
  firstByteAt = 0;

  /** What is to be sent, null when all of it has been. */
  unsent: RequestBody | null;
  sentBytes = 0;
  sendWindow: number;
  receiveWindow: number;

  /** 0 before the final head. */
  status = 0;
  /** Names, values in turn, without `:status`. */
  fields: readonly string[] = [];
  hasSetCookie = false;
  hasContentEncoding = false;
  /** Null when discarded, or when there is none by definition. */
  body: Uint8Array | null = null;

  readonly #buffers: ReadBuffers;
  readonly #isHead: boolean;
  readonly #discards: boolean;
  /** Negative when the server has not said it. */
  #contentLength = -1;
  #receivedBytes = 0;
  #interimAnswers = 0;
  #collected: BodyBuffer | null = null;

  constructor(
    id: number,
    request: HttpRequest,
    observer: StreamObserver,
    buffers: ReadBuffers,
    openedAtChunk: number,
    sendWindow: number,
    receiveWindow: number,
  ) {
    this.id = id;
    this.observer = observer;
    this.openedAtChunk = openedAtChunk;
    this.unsent = request.body === null || request.body.length === 0 ? null : request.body;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.#buffers = buffers;
    this.#isHead = request.method === "HEAD";
    this.#discards = request.discardBody;
  }

  /** Takes in the fields of a head, final or not; returns what is wrong with it, or null. Hot. */
  takeHead(fields: readonly string[], endsStream: boolean): Failure | null {
    if (fields[0] !== ":status") return genericFailure("malformed response from server: missing status pseudo header");
    const status = statusOf(fields[1]!);
    if (status === 0) {
      return genericFailure("malformed response from server: malformed non-numeric status pseudo header");
    }
    if (status < 200) {
      if (endsStream) return genericFailure("1xx informational response with END_STREAM flag");
      return ++this.#interimAnswers > INTERIM_LIMIT
        ? genericFailure("http2: too many 1xx informational responses")
        : null;
    }
    let lengths = 0;
    for (let i = 2; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === "set-cookie") this.hasSetCookie = true;
      else if (name === "content-encoding") this.hasContentEncoding = true;
      else if (name === "content-length") this.#contentLength = ++lengths === 1 ? lengthOf(fields[i + 1]!) : -1;
      else if (name.charCodeAt(0) === COLON) return streamFailure(ErrorCode.ProtocolError);
    }
    this.status = status;
    this.fields = fields.slice(2);
    if (this.#isHead) this.#contentLength = 0;
    else if (status === 204 || status === 304) this.#contentLength = -1;
    else if (!this.#discards) this.body = NOTHING;
    return null;
  }

  /** Takes in the fields that came after the final head, and are passed over; returns what is wrong with them, or null. */
  takeTrailers(fields: readonly string[], endsStream: boolean): Failure | null {
    const isWrong = !endsStream || fields.some((name, i) => i % 2 === 0 && name.charCodeAt(0) === COLON);
    return isWrong ? streamFailure(ErrorCode.ProtocolError) : null;
  }

  /** Takes in `bytes[from, to)` of the body; returns what is wrong with it, or null. Hot: a small body is taken with one copy. */
  takeData(bytes: Uint8Array, from: number, to: number): Failure | null {
    const length = to - from;
    this.#receivedBytes += length;
    if (this.#contentLength >= 0 && this.#receivedBytes > this.#contentLength) {
      if (this.#isHead) return streamFailure(ErrorCode.ProtocolError);
      return genericFailure("net/http: server replied with more than declared Content-Length; truncated");
    }
    if (this.body === null) return null;
    if (length === this.#contentLength) {
      this.body = this.#buffers.copy(bytes, from, to);
      return null;
    }
    this.#collected ??= new BodyBuffer(Math.min(Math.max(this.#contentLength, length), TRUSTED_LENGTH));
    this.#collected.append(bytes, from, to);
    return null;
  }

  /** Takes in the end of the answer; returns what is wrong with it, or null. */
  takeEnd(): Failure | null {
    if (this.status === 0) return streamFailure(ErrorCode.ProtocolError);
    if (this.#contentLength >= 0 && this.#receivedBytes !== this.#contentLength) {
      return genericFailure("unexpected EOF");
    }
    if (this.#collected !== null) this.body = this.#collected.take();
    return null;
  }
}

const COLON = 58;
const NOTHING: Uint8Array = new Uint8Array(0);

/** 0 when it is none. */
function statusOf(text: string): number {
  return text === "200" ? 200 : /^[1-9]\d\d$/.test(text) ? Number(text) : 0;
}

/** Negative when it is none: as in Go, an answer may lie about it. */
function lengthOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}
