/**
 * The client's side of one HTTP/2 connection (RFC 9113): any number of requests at once, flow control both ways, and
 * what either side may say about the connection itself. It does no input or output of its own.
 */

import { type Failure, genericFailure, NetError, transferFailure } from "../errors.ts";
import type { ReadBuffers } from "../read_buffers.ts";
import { copyBody } from "../request_body.ts";
import type { HttpRequest } from "../types.ts";
import { ErrorCode, goAwayFailure, Http2ConnectionError, streamFailure } from "./error_codes.ts";
import { FrameReader, type FrameSink } from "./frame_reader.ts";
import {
  DEFAULT_WINDOW_BYTES,
  Flag,
  frame,
  FRAME_HEAD_BYTES,
  FrameType,
  goAwayFrame,
  headersFrames,
  MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  numberFrame,
  PREFACE,
  readUint32,
  Setting,
  settingsFrame,
  writeFrameHead,
  writeStream,
} from "./frames.ts";
import { HpackDecoder } from "./hpack_decoder.ts";
import { type EncodedField, HpackEncoder } from "./hpack_encoder.ts";
import { Http2Stream, type Processing, type StreamObserver } from "./stream.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** What a connection sends by. */
export interface Http2Transport {
  /** Writes all of `bytes`, then calls `done`, never from within. One write at a time; `bytes` stay as they are meanwhile. */
  send(bytes: Uint8Array, done: (error?: Error | null) => void): void;
  close(): void;
}

/** Bytes on the socket of a connection. */
export interface ByteCounters {
  bytesSent: number;
  bytesReceived: number;
}

/** How much of a body the server may send ahead of our WINDOW_UPDATE, for a stream and for all of them, as Go's client. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 2 ** 30;
/** As with HTTP/1.1. */
const HEADER_LIST_LIMIT_BYTES = 256 * 1024;
/** A block is shorter than its fields, unless somebody wants us to collect fragments without end. */
const BLOCK_LIMIT_BYTES = HEADER_LIST_LIMIT_BYTES;
/** How many requests a server takes at once before it says so, as in Go. */
export const ASSUMED_STREAM_LIMIT = 100;
/** Answers to SETTINGS and PING of a server that doesn't read them. */
const BACKLOG_LIMIT_BYTES = 1024 * 1024;
/** Writes up to here get a buffer of their size, longer ones share large buffers. */
const SMALL_WRITE_BYTES = 16 * 1024;
const LAST_STREAM = 2 ** 31 - 1;
/** No stream, but what is to come next: the server's first frame has its settings. */
const BEFORE_SETTINGS = -1;

/** Everything before the first request: no pushes, and the windows above. */
const GREETING = join([
  PREFACE,
  settingsFrame([
    [Setting.EnablePush, 0],
    [Setting.InitialWindowSize, STREAM_WINDOW_BYTES],
    [Setting.MaxHeaderListSize, HEADER_LIST_LIMIT_BYTES],
  ]),
  numberFrame(FrameType.WindowUpdate, 0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES),
]);
const NOTHING: Uint8Array = new Uint8Array(0);
const SETTINGS_ACK = frame(FrameType.Settings, Flag.Ack, 0, new Uint8Array(0));
const PING = frame(FrameType.Ping, 0, 0, new Uint8Array(8));

/**
 * - `open`: takes requests
 * - `retired`: takes no further ones, and ends with the last of those under way
 * - `ended`: the transport is closed, nothing is under way
 */
type ConnectionState = "open" | "retired" | "ended";

/**
 * One connection. Its owner hands it what comes (`chunk`, `ended`). A write is under way at a time; what is to be sent
 * meanwhile goes out together in the next one.
 */
export class Http2Connection implements FrameSink {
  readonly #transport: Http2Transport;
  readonly #counters: ByteCounters;
  readonly #buffers: ReadBuffers;
  readonly #reader = new FrameReader(this);
  readonly #decoder = new HpackDecoder();
  readonly #encoder = new HpackEncoder();
  readonly #streams = new Map<number, Http2Stream>();
  #state: ConnectionState = "open";
  #nextStream = 1;
  #chunks = 0;
  /** The last time that the server was asked whether it is there: what had come by then, and which streams there were. */
  #askedAtChunk = -1;
  #askedBefore = 0;
  /** Inside of `chunk`: what is to be sent waits for its end. */
  #isReading = false;

  /** Frames for the next write. */
  #queue: Uint8Array[] = [GREETING];
  #queueBytes = GREETING.length;
  /** The last header block of a request without a body, and the frame that it was sent in. */
  #lastBlock: Uint8Array = NOTHING;
  #lastFrame: Uint8Array = NOTHING;
  /** Nothing of this stream and later ones has left. */
  #firstUnsent = 1;
  /** Streams whose request ends in the next write. */
  #ending: Http2Stream[] = [];
  /** Streams with a body that isn't sent to its end; the first one sends next. */
  #uploads: Http2Stream[] = [];
  /** The length of what is being written, 0 when nothing is. */
  #writing = 0;
  /** The large buffer that is being written. */
  #lent: Uint8Array<ArrayBuffer> | null = null;
  /** Streams whose request ends in the write that is under way. */
  #written: Http2Stream[] = [];

  #streamLimit: number;
  #initialSendWindow = DEFAULT_WINDOW_BYTES;
  #sendWindow = DEFAULT_WINDOW_BYTES;
  #receiveWindow = CONNECTION_WINDOW_BYTES;

  /** The stream of a header block of which fragments are still to come, or `BEFORE_SETTINGS`, or 0: anything may come. */
  #expected = BEFORE_SETTINGS;
  /** The fragments of that block which have come. */
  #block: Uint8Array[] = [];
  #blockBytes = 0;
  #blockEndsStream = false;
  /** What the server said with its GOAWAY; negative when it has not. */
  #goAwayCode = -1;

  /** `streamLimit`: how many requests it takes at once until the server says how many. */
  constructor(transport: Http2Transport, counters: ByteCounters, buffers: ReadBuffers, streamLimit: number) {
    this.#transport = transport;
    this.#counters = counters;
    this.#buffers = buffers;
    this.#streamLimit = streamLimit;
  }

  /** Whether the connection is gone. */
  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** Whether it takes another request now. */
  get hasRoom(): boolean {
    return this.#state === "open" && this.#streams.size < this.#streamLimit && this.#nextStream <= LAST_STREAM;
  }

  /** How many requests it takes at once. */
  get streamLimit(): number {
    return this.#streamLimit;
  }

  /** Sends a request; `fields` are its header fields. Only when `hasRoom`. Hot. */
  open(fields: readonly EncodedField[], request: HttpRequest, observer: StreamObserver): Http2Stream {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const stream = new Http2Stream(
      id,
      request,
      observer,
      this.#buffers,
      this.#chunks,
      this.#initialSendWindow,
      STREAM_WINDOW_BYTES,
    );
    this.#streams.set(id, stream);
    const endsStream = stream.unsent === null;
    this.#enqueue(this.#headers(id, this.#encoder.encode(fields), endsStream));
    if (endsStream) this.#ending.push(stream);
    else this.#uploads.push(stream);
    this.#flush();
    return stream;
  }

  /** Drops a stream without telling its observer. */
  cancel(stream: Http2Stream): void {
    if (!this.#streams.has(stream.id)) return;
    this.#reset(stream, ErrorCode.Cancel);
    this.#closeIfDone();
  }

  /**
   * Drops a stream that waited too long, without telling its observer. When nothing at all came meanwhile, the server is
   * asked whether it is still there, and when the next stream waits in vain all the same, no further ones are opened.
   */
  giveUp(stream: Http2Stream): void {
    if (stream.openedAtChunk === this.#chunks) {
      if (this.#askedAtChunk !== this.#chunks) {
        this.#askedAtChunk = this.#chunks;
        this.#askedBefore = this.#nextStream;
        this.#enqueue(PING);
      } else if (stream.id >= this.#askedBefore) {
        this.retire();
      }
    }
    this.cancel(stream);
  }

  /** Takes no further requests, and closes the connection once those under way have ended. */
  retire(): void {
    if (this.#state === "open") this.#state = "retired";
    this.#closeIfDone();
  }

  /** Closes the connection without telling the observers of its streams. */
  close(): void {
    this.#streams.clear();
    this.#end();
  }

  /** Takes in what has come. */
  chunk(bytes: Uint8Array): void {
    if (this.#state === "ended") return;
    this.#counters.bytesReceived += bytes.length;
    this.#chunks++;
    this.#isReading = true;
    try {
      this.#reader.read(bytes);
      if (this.#queueBytes > BACKLOG_LIMIT_BYTES) throw new Http2ConnectionError(ErrorCode.EnhanceYourCalm);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.#breakOff(error);
    } finally {
      this.#isReading = false;
    }
    this.#flush();
  }

  /** Takes in the end of the stream, or its failure. */
  ended(error: Error | null): void {
    this.#fail(error === null ? genericFailure("unexpected EOF") : transferFailure("read", error), "unknown");
  }

  /** For the reader. */
  data(id: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.#expected !== 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    const stream = this.#streamOf(id);
    if (stream === undefined) return;
    if (stream.status === 0) return this.#failStream(stream, streamFailure(ErrorCode.ProtocolError));
    const failure = stream.takeData(bytes, from, to);
    if (failure !== null) this.#failStream(stream, failure);
  }

  /** For the reader. */
  dataEnd(id: number, windowBytes: number, endsStream: boolean): void {
    if (this.#expected !== 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    // Bodies are taken as they come, so that a window never gets below its half, whatever the server sends.
    this.#receiveWindow -= windowBytes;
    if (this.#receiveWindow < CONNECTION_WINDOW_BYTES / 2) {
      this.#enqueue(numberFrame(FrameType.WindowUpdate, 0, CONNECTION_WINDOW_BYTES - this.#receiveWindow));
      this.#receiveWindow = CONNECTION_WINDOW_BYTES;
    }
    const stream = this.#streamOf(id);
    if (stream === undefined) return;
    if (endsStream) return this.#finish(stream);
    stream.receiveWindow -= windowBytes;
    if (stream.receiveWindow < STREAM_WINDOW_BYTES / 2) {
      this.#enqueue(numberFrame(FrameType.WindowUpdate, id, STREAM_WINDOW_BYTES - stream.receiveWindow));
      stream.receiveWindow = STREAM_WINDOW_BYTES;
    }
  }

  /** For the reader. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    // What a completion closed needs no further look at what else the chunk has.
    if (this.#state === "ended") return;
    if (this.#expected !== 0 && !this.#isExpected(type, flags, id)) {
      throw new Http2ConnectionError(ErrorCode.ProtocolError);
    }
    switch (type) {
      case FrameType.Headers:
        return this.#onHeaders(flags, id, payload);
      case FrameType.Continuation:
        return this.#onContinuation(flags, id, payload);
      case FrameType.RstStream:
        return this.#onReset(id, payload);
      case FrameType.Settings:
        return this.#onSettings(flags, id, payload);
      case FrameType.Ping:
        return this.#onPing(flags, id, payload);
      case FrameType.GoAway:
        return this.#onGoAway(id, payload);
      case FrameType.WindowUpdate:
        return this.#onWindowUpdate(id, payload);
      case FrameType.PushPromise:
        // We have said that we want none.
        throw new Http2ConnectionError(ErrorCode.ProtocolError);
    }
  }

  #isExpected(type: number, flags: number, id: number): boolean {
    if (this.#expected === BEFORE_SETTINGS) return type === FrameType.Settings && !(flags & Flag.Ack);
    return type === FrameType.Continuation && id === this.#expected;
  }

  #onHeaders(flags: number, id: number, payload: Uint8Array): void {
    if (id === 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    let from = 0;
    let to = payload.length;
    if (flags & Flag.Padded) to -= payload[from++] ?? 1;
    if (flags & Flag.Priority) from += 5;
    if (from > to) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    const fragment = from === 0 && to === payload.length ? payload : payload.subarray(from, to);
    const endsStream = (flags & Flag.EndStream) !== 0;
    if (flags & Flag.EndHeaders) return this.#onBlock(id, fragment, endsStream);
    this.#expected = id;
    this.#blockEndsStream = endsStream;
    this.#collect(fragment);
  }

  #onContinuation(flags: number, id: number, payload: Uint8Array): void {
    if (this.#expected === 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    this.#collect(payload);
    if (!(flags & Flag.EndHeaders)) return;
    const block = join(this.#block);
    this.#block = [];
    this.#blockBytes = 0;
    this.#expected = 0;
    this.#onBlock(id, block, this.#blockEndsStream);
  }

  #collect(fragment: Uint8Array): void {
    // Empty fragments take memory, too.
    this.#blockBytes += fragment.length + FRAME_HEAD_BYTES;
    if (this.#blockBytes > BLOCK_LIMIT_BYTES) throw new Http2ConnectionError(ErrorCode.EnhanceYourCalm);
    this.#block.push(fragment.slice());
  }

  /** A whole header block. Hot. */
  #onBlock(id: number, block: Uint8Array, endsStream: boolean): void {
    const fields: string[] = [];
    const size = this.#decoder.decode(block, fields, HEADER_LIST_LIMIT_BYTES);
    const stream = this.#streamOf(id);
    if (stream === undefined) return;
    if (stream.firstByteAt === 0) stream.firstByteAt = performance.now();
    if (size > HEADER_LIST_LIMIT_BYTES) {
      return this.#failStream(stream, genericFailure("http2: response header list larger than advertised limit"));
    }
    if (this.#decoder.isMalformed) return this.#failStream(stream, streamFailure(ErrorCode.ProtocolError));
    const failure = stream.status === 0 ? stream.takeHead(fields, endsStream) : stream.takeTrailers(fields, endsStream);
    if (failure !== null) this.#failStream(stream, failure);
    else if (endsStream) this.#finish(stream);
  }

  #onReset(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new Http2ConnectionError(ErrorCode.FrameSizeError);
    const stream = this.#streamOf(id);
    if (stream === undefined) return;
    const code = readUint32(payload, 0);
    this.#forget(stream);
    stream.observer.streamFailed(streamFailure(code), code === ErrorCode.RefusedStream ? "none" : "begun");
    this.#closeIfDone();
  }

  #onSettings(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    if (payload.length % 6 !== 0 || (flags & Flag.Ack && payload.length > 0)) {
      throw new Http2ConnectionError(ErrorCode.FrameSizeError);
    }
    if (flags & Flag.Ack) return;
    this.#expected = 0;
    for (let at = 0; at < payload.length; at += 6) {
      this.#set((payload[at]! << 8) | payload[at + 1]!, readUint32(payload, at + 2));
    }
    this.#enqueue(SETTINGS_ACK);
  }

  #set(identifier: number, value: number): void {
    switch (identifier) {
      case Setting.HeaderTableSize:
        return this.#encoder.limitTable(value);
      case Setting.EnablePush:
        if (value !== 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
        return;
      case Setting.MaxConcurrentStreams:
        this.#streamLimit = value;
        return;
      case Setting.InitialWindowSize: {
        if (value > MAX_WINDOW_BYTES) throw new Http2ConnectionError(ErrorCode.FlowControlError);
        const change = value - this.#initialSendWindow;
        this.#initialSendWindow = value;
        for (const stream of this.#streams.values()) {
          stream.sendWindow += change;
          if (stream.sendWindow > MAX_WINDOW_BYTES) throw new Http2ConnectionError(ErrorCode.FlowControlError);
        }
        return;
      }
      case Setting.MaxFrameSize:
        // We never send longer ones than every server takes.
        if (value < MAX_FRAME_BYTES || value >= 2 ** 24) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    }
  }

  #onPing(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    if (payload.length !== 8) throw new Http2ConnectionError(ErrorCode.FrameSizeError);
    if (!(flags & Flag.Ack)) this.#enqueue(frame(FrameType.Ping, Flag.Ack, 0, payload));
  }

  #onGoAway(id: number, payload: Uint8Array): void {
    if (id !== 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    if (payload.length < 8) throw new Http2ConnectionError(ErrorCode.FrameSizeError);
    const lastStream = readUint32(payload, 0) & LAST_STREAM;
    const code = readUint32(payload, 4);
    this.#goAwayCode = code;
    if (this.#state === "open") this.#state = "retired";
    for (const stream of [...this.#streams.values()]) {
      // The end of one may be the end of others, too.
      if (stream.id <= lastStream || !this.#streams.has(stream.id)) continue;
      this.#forget(stream);
      // A server that ends a connection with an error right at its start would do so again.
      const isHopeless = code !== ErrorCode.NoError && stream.id === 1;
      stream.observer.streamFailed(goAwayFailure(code), isHopeless ? "begun" : "none");
    }
    this.#closeIfDone();
  }

  #onWindowUpdate(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new Http2ConnectionError(ErrorCode.FrameSizeError);
    const increment = readUint32(payload, 0) & MAX_WINDOW_BYTES;
    if (id === 0) {
      if (increment === 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
      this.#sendWindow += increment;
      if (this.#sendWindow > MAX_WINDOW_BYTES) throw new Http2ConnectionError(ErrorCode.FlowControlError);
      return;
    }
    const stream = this.#streamOf(id);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (increment === 0) this.#failStream(stream, streamFailure(ErrorCode.ProtocolError));
    else if (stream.sendWindow > MAX_WINDOW_BYTES) this.#failStream(stream, streamFailure(ErrorCode.FlowControlError));
  }

  /** The stream of a frame; undefined when it has ended. */
  #streamOf(id: number): Http2Stream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined && this.#state !== "ended" && (id >= this.#nextStream || (id & 1) === 0)) {
      throw new Http2ConnectionError(ErrorCode.ProtocolError);
    }
    return stream;
  }

  /** The answer is complete. Hot. */
  #finish(stream: Http2Stream): void {
    const failure = stream.takeEnd();
    if (failure !== null) return this.#failStream(stream, failure);
    // The server has answered before it had the whole request: it doesn't want the rest.
    if (stream.unsent !== null) this.#reset(stream, ErrorCode.Cancel);
    else this.#streams.delete(stream.id);
    stream.observer.streamDone();
    this.#closeIfDone();
  }

  #failStream(stream: Http2Stream, failure: Failure): void {
    this.#reset(stream, ErrorCode.ProtocolError);
    stream.observer.streamFailed(failure, "begun");
    this.#closeIfDone();
  }

  #reset(stream: Http2Stream, errorCode: number): void {
    this.#forget(stream);
    if (this.#state === "ended") return;
    this.#enqueue(numberFrame(FrameType.RstStream, stream.id, errorCode));
    this.#flush();
  }

  #forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    const upload = stream.unsent === null ? -1 : this.#uploads.indexOf(stream);
    if (upload >= 0) this.#uploads.splice(upload, 1);
  }

  #closeIfDone(): void {
    if (this.#state !== "retired" || this.#streams.size > 0) return;
    this.close();
  }

  /** The server broke a rule: it is told so, as far as it still listens. */
  #breakOff(error: NetError): void {
    const code = error instanceof Http2ConnectionError ? error.errorCode : ErrorCode.Cancel;
    if (this.#writing === 0 && this.#state !== "ended") this.#transport.send(goAwayFrame(code), () => {});
    this.#fail(error, "begun");
  }

  /** The connection is of no use any more: all requests fail. */
  #fail(failure: Failure, processing: Processing): void {
    if (this.#state === "ended") return;
    // A server that has said goodbye had taken the requests that are left.
    const isGoodbye = this.#goAwayCode >= 0;
    const reason = isGoodbye ? goAwayFailure(this.#goAwayCode) : failure;
    this.#end();
    for (const stream of [...this.#streams.values()]) {
      // The end of one may be the end of others, too.
      if (!this.#streams.delete(stream.id)) continue;
      const seen = stream.id >= this.#firstUnsent ? "none" : stream.firstByteAt > 0 || isGoodbye ? "begun" : processing;
      stream.observer.streamFailed(reason, seen);
    }
  }

  /** The frames of a header block. Hot: the same request again takes the memory of the last one, once that has left. */
  #headers(id: number, block: Uint8Array, endsStream: boolean): Uint8Array {
    if (!endsStream || block.length > MAX_FRAME_BYTES) return headersFrames(id, block, endsStream, MAX_FRAME_BYTES);
    if (block !== this.#lastBlock || this.#writing > 0 || this.#queue.length > 0) {
      this.#lastBlock = block;
      return this.#lastFrame = headersFrames(id, block, true, MAX_FRAME_BYTES);
    }
    writeStream(this.#lastFrame, 0, id);
    return this.#lastFrame;
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queueBytes += bytes.length;
  }

  /** Sends what there is, unless a write is under way. Hot. */
  #flush(): void {
    if (this.#writing > 0 || this.#isReading || this.#state === "ended") return;
    const bytes = this.#queue.length === 1 && this.#uploads.length === 0 ? this.#queue[0]! : this.#gather();
    if (bytes.length === 0) return;
    this.#queue.length = 0;
    this.#queueBytes = 0;
    this.#writing = bytes.length;
    this.#firstUnsent = this.#nextStream;
    const ending = this.#ending;
    this.#ending = this.#written;
    this.#written = ending;
    this.#transport.send(bytes, this.#onWritten);
  }

  readonly #onWritten = (error?: Error | null): void => {
    const bytes = this.#writing;
    this.#writing = 0;
    if (this.#lent !== null) this.#buffers.give(this.#lent);
    this.#lent = null;
    if (this.#state === "ended") return;
    if (error) return this.#fail(transferFailure("write", error), "unknown");
    this.#counters.bytesSent += bytes;
    const now = performance.now();
    for (const stream of this.#written) stream.sentAt = now;
    this.#written.length = 0;
    this.#flush();
  };

  /** The queue, and as much of bodies as windows and a buffer allow. */
  #gather(): Uint8Array {
    const wanted = this.#queueBytes + this.#sendableBytes();
    if (wanted === 0) return NOTHING;
    const isSmall = wanted <= SMALL_WRITE_BYTES || this.#queueBytes > SMALL_WRITE_BYTES;
    if (!isSmall) this.#lent = this.#buffers.takeLarge();
    const out = this.#lent ?? new Uint8Array(wanted);
    let at = 0;
    for (const bytes of this.#queue) {
      out.set(bytes, at);
      at += bytes.length;
    }
    at = this.#writeBodies(out, at);
    return at === out.length ? out : out.subarray(0, at);
  }

  /** How many bytes DATA frames could take now, for one write. */
  #sendableBytes(): number {
    let bytes = 0;
    let window = this.#sendWindow;
    for (const { unsent, sentBytes, sendWindow } of this.#uploads) {
      const length = Math.min(unsent!.length - sentBytes, sendWindow, window);
      if (length <= 0) continue;
      window -= length;
      bytes += length + FRAME_HEAD_BYTES * Math.ceil(length / MAX_FRAME_BYTES);
      if (bytes > SMALL_WRITE_BYTES) break;
    }
    return bytes;
  }

  /** Writes a frame of each body in turn until nothing more fits. */
  #writeBodies(out: Uint8Array, at: number): number {
    const uploads = this.#uploads;
    for (let blocked = 0; blocked < uploads.length;) {
      const stream = uploads.shift()!;
      const body = stream.unsent!;
      const room = out.length - at - FRAME_HEAD_BYTES;
      const rest = body.length - stream.sentBytes;
      const length = Math.min(rest, stream.sendWindow, this.#sendWindow, MAX_FRAME_BYTES, room);
      if (length <= 0) {
        uploads.push(stream);
        blocked++;
        continue;
      }
      blocked = 0;
      const isLast = length === rest;
      at = writeFrameHead(out, at, length, FrameType.Data, isLast ? Flag.EndStream : 0, stream.id);
      copyBody(body, stream.sentBytes, length, out, at);
      at += length;
      stream.sentBytes += length;
      stream.sendWindow -= length;
      this.#sendWindow -= length;
      if (isLast) {
        stream.unsent = null;
        this.#ending.push(stream);
      } else {
        uploads.push(stream);
      }
    }
    return at;
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#queue = [];
    this.#queueBytes = 0;
    this.#ending = [];
    this.#uploads = [];
    this.#block = [];
    this.#transport.close();
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
