/** The server's side of an `Http2Connection`, by hand: frames as the test wants them, without sockets. */

import { ASSUMED_STREAM_LIMIT, Http2Connection } from "../../../src/net/http2/connection.ts";
import {
  Flag,
  frame,
  FRAME_HEAD_BYTES,
  FrameType,
  PREFACE,
  readUint32,
  settingsFrame,
} from "../../../src/net/http2/frames.ts";
import { RequestFields } from "../../../src/net/http2/request_fields.ts";
import type { Http2Stream, Processing, StreamObserver } from "../../../src/net/http2/stream.ts";
import { type Failure } from "../../../src/net/errors.ts";
import { ReadBuffers } from "../../../src/net/read_buffers.ts";
import type { HttpRequest } from "../../../src/net/types.ts";
import { concat } from "../../support/bytes.ts";
import { encodeFields, HpackDecoder } from "../../support/hpack.ts";
import { makeRequest } from "../raw_server.ts";

/** A frame that the client sent. */
export interface SentFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** One request of the client, and what became of it. */
export class TestRequest implements StreamObserver {
  stream!: Http2Stream;
  done = false;
  failure: Failure | null = null;
  processing: Processing | null = null;
  /** Is called when it ends. */
  onEnd: () => void = () => {};

  streamDone(): void {
    if (this.done || this.failure !== null) throw new Error("a second outcome");
    this.done = true;
    this.onEnd();
  }

  streamFailed(failure: Failure, processing: Processing): void {
    if (this.done || this.failure !== null) throw new Error("a second outcome");
    this.failure = failure;
    this.processing = processing;
    this.onEnd();
  }

  get body(): string | null {
    return this.stream.body === null ? null : new TextDecoder().decode(this.stream.body);
  }
}

/** A connection and what it sends. Writes wait for `take` unless `isBlocked`. */
export class TestPeer {
  readonly connection: Http2Connection;
  readonly counters = { bytesSent: 0, bytesReceived: 0 };
  closed = false;
  /** While true, writes don't come to an end. */
  isBlocked = false;
  readonly #fields = new RequestFields();
  readonly #hpack = new HpackDecoder();
  #sent: Uint8Array[] = [];
  #finishWrite: ((error?: Error | null) => void) | null = null;
  #hasPreface = false;

  /** The server has sent its first frame, settings without any, unless `isSilent`. */
  constructor(isSilent = false) {
    this.connection = new Http2Connection(
      {
        send: (bytes, done) => {
          if (this.#finishWrite !== null) throw new Error("two writes at once");
          this.#sent.push(bytes.slice());
          this.#finishWrite = done;
        },
        close: () => this.closed = true,
      },
      this.counters,
      new ReadBuffers(),
      ASSUMED_STREAM_LIMIT,
    );
    if (isSilent) return;
    this.send(settingsFrame([]));
    this.take();
  }

  request(overrides: Partial<HttpRequest> = {}): TestRequest {
    const request = new TestRequest();
    const wire = makeRequest("https://localhost/path", overrides);
    request.stream = this.connection.open(this.#fields.of(wire).fields, wire, request);
    return request;
  }

  /** The frames that were sent since the last call, the greeting's included. */
  take(): SentFrame[] {
    while (!this.isBlocked && this.#finishWrite !== null) this.finishWrite(null);
    let bytes = concat(this.#sent);
    this.#sent = [];
    if (!this.#hasPreface && bytes.length > 0) {
      if (PREFACE.some((byte, i) => byte !== bytes[i])) throw new Error("no preface");
      bytes = bytes.subarray(PREFACE.length);
      this.#hasPreface = true;
    }
    const frames: SentFrame[] = [];
    while (bytes.length > 0) {
      const length = readUint32(bytes, 0) >>> 8;
      const end = FRAME_HEAD_BYTES + length;
      if (bytes.length < end) throw new Error("a frame that ends too early");
      const payload = bytes.subarray(FRAME_HEAD_BYTES, end);
      frames.push({ type: bytes[3]!, flags: bytes[4]!, id: readUint32(bytes, 5), payload });
      bytes = bytes.subarray(end);
    }
    return frames;
  }

  finishWrite(error: Error | null): void {
    const done = this.#finishWrite;
    this.#finishWrite = null;
    done?.(error);
  }

  /** The fields of a header block that the client sent; in the order in which they were sent. */
  fields(block: Uint8Array): [name: string, value: string][] {
    return this.#hpack.decode(block);
  }

  send(...frames: readonly Uint8Array[]): void {
    this.connection.chunk(concat(frames));
  }
}

/** A HEADERS frame. */
export function headers(id: number, fields: Readonly<Record<string, string>>, endsStream = false): Uint8Array {
  return frame(FrameType.Headers, Flag.EndHeaders | (endsStream ? Flag.EndStream : 0), id, encodeFields(fields));
}

/** A DATA frame, the last one of its stream unless that is said. */
export function data(id: number, body: string | Uint8Array, endsStream = true): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return frame(FrameType.Data, endsStream ? Flag.EndStream : 0, id, bytes);
}

/** Numbers of 32 bits as bytes. */
export function uint32(...values: readonly number[]): Uint8Array {
  return concat(values.map((value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)));
}

/** A GOAWAY frame. */
export function goAway(lastStream: number, code: number): Uint8Array {
  return frame(FrameType.GoAway, 0, 0, uint32(lastStream, code));
}

/** A WINDOW_UPDATE frame. */
export function windowUpdate(id: number, increment: number): Uint8Array {
  return frame(FrameType.WindowUpdate, 0, id, uint32(increment));
}

/** A RST_STREAM frame. */
export function resetStream(id: number, code: number): Uint8Array {
  return frame(FrameType.RstStream, 0, id, uint32(code));
}
