/** The chunked transfer coding (RFC 9112 section 7.1), taken apart byte by byte, wherever the stream was cut. */

import type { BodyBuffer } from "./body_buffer.ts";
import { genericFailure, NetError } from "./errors.ts";

/** Where in the coding the next byte stands. */
type ChunkState = "size" | "space" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailer" | "end";

/** Go's limit for the line with a chunk's size and extensions. */
const LINE_LIMIT_BYTES = 4096;
const TRAILER_LIMIT_BYTES = 64 * 1024;
/** Go's limit for what isn't data, beyond 16 bytes and twice the data of each chunk. */
const EXCESS_LIMIT_BYTES = 16 * 1024;

/** Decodes one body; `reset` makes it ready for the next. */
export class ChunkedDecoder {
  #state: ChunkState = "size";
  /** Size of the chunk as read so far, then the bytes of it still to come. */
  #remaining = 0;
  #digits = 0;
  /** Bytes of the current size line, or of all trailers. */
  #lineBytes = 0;
  /** Bytes of the current trailer line, without its line end. */
  #trailerBytes = 0;
  /** Bytes that were spent on lines beyond what is usual. */
  #excess = 0;

  get ended(): boolean {
    return this.#state === "end";
  }

  reset(): void {
    this.#state = "size";
    this.#excess = 0;
    this.#startSize();
  }

  /**
   * Takes in `bytes[from, to)` and appends the decoded data to `body`, if there is one. Returns where it stopped:
   * `to`, or less when the body ended before.
   *
   * @throws {NetError} in the words of Go's decoder when the coding is broken
   */
  decode(bytes: Uint8Array, from: number, to: number, body: BodyBuffer | null): number {
    let at = from;
    while (at < to && this.#state !== "end") {
      if (this.#state === "data") {
        const stop = Math.min(to, at + this.#remaining);
        body?.append(bytes, at, stop);
        this.#remaining -= stop - at;
        at = stop;
        if (this.#remaining === 0) this.#state = "data-cr";
      } else {
        this.#step(bytes[at]!);
        at++;
      }
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
      case "space":
      case "extension":
      case "size-lf":
        return this.#stepSize(byte);
      case "data-cr":
        if (byte !== CR) throw broken("malformed chunked encoding");
        this.#state = "data-lf";
        return;
      case "data-lf":
        if (byte !== LF) throw broken("malformed chunked encoding");
        this.#state = "size";
        this.#startSize();
        return;
      case "trailer":
        return this.#stepTrailer(byte);
    }
  }

  #stepSize(byte: number): void {
    if (++this.#lineBytes > LINE_LIMIT_BYTES) throw broken("header line too long");
    if (this.#state === "size-lf") {
      if (byte !== LF) throw broken("invalid CR in chunked line");
      return this.#endSize();
    }
    if (byte === LF) throw broken("chunked line ends with bare LF");
    if (byte === CR) {
      this.#state = "size-lf";
    } else if (this.#state === "extension") {
      return;
    } else if (byte === SEMICOLON) {
      if (this.#digits === 0) throw broken("empty hex number for chunk length");
      this.#state = "extension";
    } else if (byte === SPACE || byte === TAB) {
      this.#state = "space";
    } else {
      const digit = hexDigit(byte);
      if (digit < 0 || this.#state === "space") throw broken("invalid byte in chunk length");
      this.#remaining = this.#remaining * 16 + digit;
      if (++this.#digits > 16 || this.#remaining > Number.MAX_SAFE_INTEGER) throw broken("http chunk length too large");
    }
  }

  #endSize(): void {
    if (this.#digits === 0) throw broken("empty hex number for chunk length");
    this.#excess = Math.max(0, this.#excess + this.#lineBytes + 2 - 16 - 2 * this.#remaining);
    if (this.#excess > EXCESS_LIMIT_BYTES) throw broken("chunked encoding contains too much non-data");
    this.#state = this.#remaining === 0 ? "trailer" : "data";
    this.#lineBytes = 0;
    this.#trailerBytes = 0;
  }

  #stepTrailer(byte: number): void {
    if (++this.#lineBytes > TRAILER_LIMIT_BYTES) throw broken("trailer header too large");
    if (byte !== LF) {
      if (byte !== CR) this.#trailerBytes++;
    } else if (this.#trailerBytes === 0) {
      this.#state = "end";
    } else {
      this.#trailerBytes = 0;
    }
  }

  #startSize(): void {
    this.#remaining = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
  }
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const SEMICOLON = 59;

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function broken(text: string): NetError {
  return new NetError(genericFailure(text));
}
