/** Cuts what comes from a connection into frames, however it was split on its way. */

import { ErrorCode, Http2ConnectionError } from "./error_codes.ts";
import { Flag, FRAME_HEAD_BYTES, FrameType, MAX_FRAME_BYTES, readUint32 } from "./frames.ts";

/** Takes what a `FrameReader` finds. May throw `Http2ConnectionError`. */
export interface FrameSink {
  /** A part of a body: `bytes[from, to)`. */
  data(stream: number, bytes: Uint8Array, from: number, to: number): void;
  /** The end of a DATA frame, which took `windowBytes` of flow control, padding included. */
  dataEnd(stream: number, windowBytes: number, endsStream: boolean): void;
  /** Any other frame. `payload` is valid during the call only. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void;
}

/** Reads the frames of one connection. Bodies are handed on as they come, so that it holds no more than one other frame. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The start of a frame that isn't complete yet. */
  #partial: Uint8Array = NOTHING;
  #partialBytes = 0;

  /** The DATA frame under way, if any: what is still to come of its data and of its padding. */
  #inData = false;
  #dataBytes = 0;
  #paddingBytes = 0;
  #isPaddingKnown = true;
  #windowBytes = 0;
  #stream = 0;
  #endsStream = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /**
   * Takes in a chunk. Hot.
   *
   * @throws {Http2ConnectionError} when a frame breaks a rule; nothing can be read any more then
   */
  read(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#inData) at = this.#readData(chunk, at);
      else if (this.#partialBytes > 0) at = this.#complete(chunk, at);
      else at = this.#readFrame(chunk, at);
    }
  }

  /** Reads a frame that begins in this chunk, or keeps what there is of it. */
  #readFrame(chunk: Uint8Array, at: number): number {
    const available = chunk.length - at;
    if (available < FRAME_HEAD_BYTES) return this.#keep(chunk, at);
    const length = lengthAt(chunk, at);
    const payloadAt = at + FRAME_HEAD_BYTES;
    if (chunk[at + 3] === FrameType.Data) {
      this.#startData(chunk, at, length);
      return payloadAt;
    }
    if (available < FRAME_HEAD_BYTES + length) return this.#keep(chunk, at);
    this.#emit(chunk, at, length);
    return payloadAt + length;
  }

  #keep(chunk: Uint8Array, at: number): number {
    this.#append(chunk, at, chunk.length);
    return chunk.length;
  }

  /** Adds to the kept start of a frame what is missing of it. */
  #complete(chunk: Uint8Array, at: number): number {
    if (this.#partialBytes < FRAME_HEAD_BYTES) {
      const end = Math.min(chunk.length, at + FRAME_HEAD_BYTES - this.#partialBytes);
      this.#append(chunk, at, end);
      at = end;
      if (this.#partialBytes < FRAME_HEAD_BYTES) return at;
    }
    const partial = this.#partial;
    const length = lengthAt(partial, 0);
    if (partial[3] === FrameType.Data) {
      this.#partialBytes = 0;
      this.#startData(partial, 0, length);
      return at;
    }
    const end = Math.min(chunk.length, at + FRAME_HEAD_BYTES + length - this.#partialBytes);
    this.#append(chunk, at, end);
    if (this.#partialBytes === FRAME_HEAD_BYTES + length) {
      const whole = this.#partial;
      this.#partialBytes = 0;
      // An idle connection holds no memory of the last frame.
      this.#partial = NOTHING;
      this.#emit(whole, 0, length);
    }
    return end;
  }

  #append(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#partialBytes + to - from;
    if (needed > this.#partial.length) {
      const grown = new Uint8Array(Math.max(64, 2 * needed));
      grown.set(this.#partial.subarray(0, this.#partialBytes));
      this.#partial = grown;
    }
    this.#partial.set(chunk.subarray(from, to), this.#partialBytes);
    this.#partialBytes = needed;
  }

  #emit(bytes: Uint8Array, at: number, length: number): void {
    const payloadAt = at + FRAME_HEAD_BYTES;
    this.#sink.frame(
      bytes[at + 3]!,
      bytes[at + 4]!,
      streamAt(bytes, at),
      bytes.subarray(payloadAt, payloadAt + length),
    );
  }

  #startData(bytes: Uint8Array, at: number, length: number): void {
    const flags = bytes[at + 4]!;
    this.#stream = streamAt(bytes, at);
    if (this.#stream === 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
    this.#inData = true;
    this.#endsStream = (flags & Flag.EndStream) !== 0;
    this.#windowBytes = length;
    this.#dataBytes = length;
    this.#paddingBytes = 0;
    this.#isPaddingKnown = (flags & Flag.Padded) === 0;
    if (length > 0) return;
    if (!this.#isPaddingKnown) throw new Http2ConnectionError(ErrorCode.FrameSizeError);
    this.#endData();
  }

  #readData(chunk: Uint8Array, at: number): number {
    if (!this.#isPaddingKnown) {
      this.#paddingBytes = chunk[at++]!;
      this.#dataBytes -= 1 + this.#paddingBytes;
      if (this.#dataBytes < 0) throw new Http2ConnectionError(ErrorCode.ProtocolError);
      this.#isPaddingKnown = true;
    }
    const dataEnd = Math.min(chunk.length, at + this.#dataBytes);
    if (dataEnd > at) {
      this.#dataBytes -= dataEnd - at;
      this.#sink.data(this.#stream, chunk, at, dataEnd);
    }
    const end = Math.min(chunk.length, dataEnd + this.#paddingBytes);
    if (this.#dataBytes === 0) {
      this.#paddingBytes -= end - dataEnd;
      if (this.#paddingBytes === 0) this.#endData();
    }
    return end;
  }

  #endData(): void {
    this.#inData = false;
    this.#sink.dataEnd(this.#stream, this.#windowBytes, this.#endsStream);
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** The length in the head of a frame. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  if (length > MAX_FRAME_BYTES) throw new Http2ConnectionError(ErrorCode.FrameSizeError);
  return length;
}

function streamAt(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 5) & 0x7fffffff;
}
