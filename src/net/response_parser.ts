/**
 * One HTTP/1.x answer, parsed where it was read: the head in the read buffer without decoding more than framing
 * needs, the body into memory of its own (RFC 9112). Malformed input is told in the words of Go's client, as k6 does.
 */

import { BodyBuffer } from "./body_buffer.ts";
import { ChunkedDecoder } from "./chunked_decoder.ts";
import { genericFailure, NetError } from "./errors.ts";
import type { ReadBuffers } from "./read_buffers.ts";

/** How the end of a body is found. */
type Framing = "none" | "length" | "chunked" | "until-close";

const HEAD_LIMIT_BYTES = 256 * 1024;
const INTERIM_LIMIT = 5;
/** Up to here a body of known length gets its exact buffer at once; a longer one grows with what really comes. */
const TRUSTED_LENGTH = 8 * 1024 * 1024;

/**
 * Parses one answer at a time: `start`, then for each read `window` (where to read to) and `advance` (how much came)
 * until it is complete, or `endOfStream`; at last `release`.
 */
export class ResponseParser {
  status = 0;
  /** `1` for HTTP/1.1. */
  minorVersion = 1;
  /** Whether the connection may carry another request, as far as the answer says. */
  keepAlive = false;
  hasSetCookie = false;
  hasContentEncoding = false;
  /** The head, status line and blank line included: a view that may share its memory with `body`. */
  head: Uint8Array<ArrayBuffer> = NOTHING;
  /** Null when discarded or when there is none by definition. */
  body: Uint8Array<ArrayBuffer> | null = null;

  readonly #buffers: ReadBuffers;
  readonly #chunked = new ChunkedDecoder();
  #buffer: Uint8Array<ArrayBuffer> = NOTHING;
  #filled = 0;
  #inHead = true;
  #interimAnswers = 0;
  #headStart = 0;
  #lineStart = 0;
  /** Where the line after the status line starts. */
  #fieldsStart = 0;
  /** Control characters but tabs and line feeds in the line that is being read. */
  #controls = 0;
  /** Up to here there is no further line end. */
  #scanned = 0;
  #headRequest = false;
  #discard = false;

  #hasLength = false;
  #isChunked = false;
  #closeSeen = false;
  #keepAliveSeen = false;
  #framing: Framing = "none";
  /** With framing "length": all of the body, then what is still to come of it. */
  #remaining = 0;
  #collected: BodyBuffer | null = null;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  /** Whether any byte of the answer has come. */
  get started(): boolean {
    return this.#filled > 0;
  }

  /** Whether the `count` bytes that the first read has put into `window()` match a pattern. */
  begins(count: number, pattern: RegExp): boolean {
    return pattern.test(latin1(this.#buffer, 0, Math.min(count, 16)));
  }

  /** Makes ready for the answer to a request. */
  start(headRequest: boolean, discardBody: boolean): void {
    this.#buffer = this.#buffers.take();
    this.#filled = 0;
    this.#inHead = true;
    this.#interimAnswers = 0;
    this.#headRequest = headRequest;
    this.#discard = discardBody;
    this.body = null;
    this.#collected = null;
    this.#startHead(0);
  }

  /** Where the next read may put its bytes. */
  window(): Uint8Array<ArrayBuffer> {
    if (this.#inHead) return this.#filled === 0 ? this.#buffer : this.#buffer.subarray(this.#filled);
    if (this.#framing === "length" && this.#collected !== null) return this.#collected.room(this.#remaining);
    return this.#buffer;
  }

  /**
   * Takes in the `count` bytes that a read put at the start of `window()`. Returns whether the answer is complete.
   *
   * @throws {NetError} when the answer is malformed
   */
  advance(count: number): boolean {
    if (!this.#inHead) return this.#advanceBody(count);
    this.#filled += count;
    if (!this.#parseHead()) {
      if (this.#filled === this.#buffer.length) this.#growHead();
      return false;
    }
    this.#inHead = false;
    return this.#startBody();
  }

  /**
   * Takes in the end of the stream. Returns normally when it ends the answer.
   *
   * @throws {NetError} when the answer isn't complete
   */
  endOfStream(): void {
    if (this.#inHead) {
      if (this.#lineStart === this.#headStart && this.#filled > this.#headStart) this.#parseStatusLine(this.#filled);
    } else if (this.#framing === "until-close") {
      this.#takeBody();
      return;
    }
    throw new NetError(genericFailure(this.started ? "unexpected EOF" : "EOF"));
  }

  /** Gives the read buffer back; no read may be under way. */
  release(): void {
    this.#buffers.give(this.#buffer);
    this.forget();
  }

  /** Lets go of everything without giving the read buffer back, because a read may still write to it. */
  forget(): void {
    this.#buffer = NOTHING;
    this.head = NOTHING;
    this.body = null;
    this.#collected = null;
  }

  #startHead(at: number): void {
    this.#headStart = at;
    this.#lineStart = at;
    this.#scanned = at;
    this.#controls = 0;
    this.#hasLength = false;
    this.#isChunked = false;
    this.#closeSeen = false;
    this.#keepAliveSeen = false;
    this.hasSetCookie = false;
    this.hasContentEncoding = false;
  }

  /** Hot. Goes through all complete lines; true at the end of the final head, which then ends at `#lineStart`. */
  #parseHead(): boolean {
    const bytes = this.#buffer;
    const filled = this.#filled;
    let lf = this.#scanned;
    for (;;) {
      while (lf < filled && bytes[lf]! >= SPACE) lf++;
      if (lf === filled) {
        this.#scanned = filled;
        return false;
      }
      if (bytes[lf] !== LF) {
        if (bytes[lf] !== TAB) this.#controls++;
        lf++;
        continue;
      }
      const start = this.#lineStart;
      const end = lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
      const hasControls = this.#controls > lf - end;
      this.#controls = 0;
      lf++;
      if (start === this.#headStart) {
        this.#parseStatusLine(end);
        this.#lineStart = lf;
        this.#fieldsStart = lf;
      } else if (end > start) {
        if (hasControls) throw malformed(`malformed MIME header line: ${latin1(bytes, start, end)}`);
        this.#parseHeaderLine(start, end, start === this.#fieldsStart);
        this.#lineStart = lf;
      } else if (this.status >= 100 && this.status < 200) {
        this.#skipInterim(lf);
      } else {
        this.#lineStart = lf;
        return true;
      }
    }
  }

  #skipInterim(nextHead: number): void {
    if (this.status === 101) throw malformed("unexpected 101 Switching Protocols response");
    if (++this.#interimAnswers > INTERIM_LIMIT) throw malformed("net/http: too many 1xx informational responses");
    this.#startHead(nextHead);
  }

  #parseStatusLine(end: number): void {
    const bytes = this.#buffer;
    const at = this.#headStart;
    const minor = bytes[at + 7]! - ZERO;
    const status = digits3(bytes, at + 9);
    if (
      end - at >= 12 && startsWith(bytes, at, HTTP_1) && minor >= 0 && minor <= 9 && bytes[at + 8] === SPACE &&
      status >= 0 && (end - at === 12 || bytes[at + 12] === SPACE)
    ) {
      this.minorVersion = minor;
      this.status = status;
      return;
    }
    this.#parseOddStatusLine(latin1(bytes, at, end));
  }

  /** A status line that isn't quite as it should be: Go takes more than one space, and nothing else. */
  #parseOddStatusLine(line: string): void {
    const space = line.indexOf(" ");
    if (space < 0) throw malformed(`malformed HTTP response ${quote(line)}`);
    const version = line.slice(0, space);
    const code = line.slice(space).replace(/^ +/, "").split(" ", 1)[0]!;
    if (!/^\d{3}$/.test(code)) throw malformed(`malformed HTTP status code ${quote(code)}`);
    if (!/^HTTP\/1\.\d$/.test(version)) throw malformed(`malformed HTTP version ${quote(version)}`);
    this.minorVersion = Number(version.slice(7));
    this.status = Number(code);
  }

  /** Looks at the first letter, the length and only then at the whole name of a header. */
  #parseHeaderLine(start: number, end: number, isFirst: boolean): void {
    const bytes = this.#buffer;
    const first = bytes[start]!;
    // A folded line belongs to the value before it; no header that matters for framing may be folded.
    if (first === SPACE || first === TAB) {
      if (isFirst) throw malformed(`malformed MIME header initial line: ${latin1(bytes, start, end)}`);
      return;
    }
    let colon = start;
    while (colon < end && bytes[colon] !== COLON) colon++;
    if (colon === start || colon === end) throw malformed(`malformed MIME header line: ${latin1(bytes, start, end)}`);
    const letter = first | 32;
    if (letter === LETTER_C) {
      if (isName(bytes, start, colon, CONTENT_LENGTH)) this.#seeLength(text(bytes, colon + 1, end));
      else if (isName(bytes, start, colon, CONNECTION)) this.#seeConnection(text(bytes, colon + 1, end));
      else if (isName(bytes, start, colon, CONTENT_ENCODING)) this.hasContentEncoding = true;
    } else if (letter === LETTER_S) {
      if (isName(bytes, start, colon, SET_COOKIE)) this.hasSetCookie = true;
    } else if (letter === LETTER_T && isName(bytes, start, colon, TRANSFER_ENCODING)) {
      this.#seeTransferEncoding(text(bytes, colon + 1, end));
    }
  }

  #seeLength(value: string): void {
    const length = /^\d+$/.test(value) ? Number(value) : NaN;
    if (!(length <= Number.MAX_SAFE_INTEGER)) throw malformed(`bad Content-Length ${quote(value)}`);
    if (this.#hasLength && length !== this.#remaining) {
      throw malformed(
        `http: message cannot contain multiple Content-Length headers; got ["${this.#remaining}" ${quote(value)}]`,
      );
    }
    this.#hasLength = true;
    this.#remaining = length;
  }

  #seeConnection(value: string): void {
    for (const token of value.toLowerCase().split(",")) {
      if (token.trim() === "close") this.#closeSeen = true;
      else if (token.trim() === "keep-alive") this.#keepAliveSeen = true;
    }
  }

  #seeTransferEncoding(value: string): void {
    // HTTP/1.0 has no transfer codings: Go ignores the header there.
    if (this.minorVersion === 0) return;
    if (this.#isChunked) throw malformed(`too many transfer encodings: ["chunked" ${quote(value)}]`);
    if (value.toLowerCase() !== "chunked") throw malformed(`unsupported transfer encoding: ${quote(value)}`);
    this.#isChunked = true;
  }

  #growHead(): void {
    if (this.#filled - this.#headStart >= HEAD_LIMIT_BYTES) {
      throw malformed(`net/http: server response headers exceeded ${HEAD_LIMIT_BYTES} bytes; aborted`);
    }
    this.#buffers.overflowed();
    const grown = new Uint8Array(this.#buffer.length * 2);
    grown.set(this.#buffer);
    this.#buffers.give(this.#buffer);
    this.#buffer = grown;
  }

  /** The head is complete. Returns whether the answer is, too. Hot: the usual answer is taken with one copy. */
  #startBody(): boolean {
    this.keepAlive = this.minorVersion >= 1 ? !this.#closeSeen : this.#keepAliveSeen && !this.#closeSeen;
    this.#framing = this.#chooseFraming();
    const headStart = this.#headStart;
    const headEnd = this.#lineStart;
    const filled = this.#filled;
    const available = filled - headEnd;

    switch (this.#framing) {
      case "none":
        this.head = this.#buffers.copy(this.#buffer, headStart, headEnd);
        if (available > 0) this.keepAlive = false;
        return true;
      case "length":
        if (available >= this.#remaining) {
          this.#takeWhole(headStart, headEnd, headEnd + this.#remaining);
          if (available > this.#remaining) this.keepAlive = false;
          return true;
        }
        if (!this.#discard) this.#collected = new BodyBuffer(Math.min(this.#remaining, TRUSTED_LENGTH));
        break;
      case "chunked":
        this.#chunked.reset();
        if (!this.#discard) this.#collected = new BodyBuffer(available);
        break;
      case "until-close":
        this.keepAlive = false;
        if (!this.#discard) this.#collected = new BodyBuffer(available);
        break;
    }
    this.head = this.#buffers.copy(this.#buffer, headStart, headEnd);
    const ended = this.#feedBody(headEnd, filled);
    if (filled === this.#buffer.length) this.#enlarge();
    return ended;
  }

  /** RFC 9112 section 6.3, from the client's side. */
  #chooseFraming(): Framing {
    if (this.#headRequest || this.status === 204 || this.status === 304) return "none";
    if (this.#isChunked) return "chunked";
    if (this.#hasLength) return "length";
    return "until-close";
  }

  #takeWhole(headStart: number, headEnd: number, end: number): void {
    const keptEnd = this.#discard ? headEnd : end;
    const whole = this.#buffers.copy(this.#buffer, headStart, keptEnd);
    this.head = whole.subarray(0, headEnd - headStart);
    this.body = this.#discard ? null : whole.subarray(headEnd - headStart);
  }

  #advanceBody(count: number): boolean {
    if (this.#framing === "length" && this.#collected !== null) {
      this.#collected.extend(count);
      this.#remaining -= count;
      return this.#remaining === 0 && this.#takeBody();
    }
    const ended = this.#feedBody(0, count);
    if (count === this.#buffer.length) this.#enlarge();
    return ended;
  }

  /** Takes body bytes out of the read buffer. */
  #feedBody(from: number, to: number): boolean {
    const bytes = this.#buffer;
    switch (this.#framing) {
      case "length": {
        const stop = Math.min(to, from + this.#remaining);
        this.#collected?.append(bytes, from, stop);
        this.#remaining -= stop - from;
        if (to > stop) this.keepAlive = false;
        return this.#remaining === 0 && this.#takeBody();
      }
      case "chunked": {
        const stop = this.#chunked.decode(bytes, from, to, this.#collected);
        if (to > stop) this.keepAlive = false;
        return this.#chunked.ended && this.#takeBody();
      }
      default:
        this.#collected?.append(bytes, from, to);
        return false;
    }
  }

  #takeBody(): true {
    this.body = this.#collected?.take() ?? null;
    return true;
  }

  /** A long body is on its way: reads as long as they come are fewer. */
  #enlarge(): void {
    this.#buffers.overflowed();
    this.#buffers.give(this.#buffer);
    this.#buffer = this.#buffers.takeLarge();
  }
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const ZERO = 48;
const COLON = 58;
const LETTER_C = 99;
const LETTER_S = 115;
const LETTER_T = 116;
const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

const encoder = new TextEncoder();
const HTTP_1 = encoder.encode("HTTP/1.");
const CONTENT_LENGTH = encoder.encode("content-length");
const CONTENT_ENCODING = encoder.encode("content-encoding");
const CONNECTION = encoder.encode("connection");
const SET_COOKIE = encoder.encode("set-cookie");
const TRANSFER_ENCODING = encoder.encode("transfer-encoding");

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) {
    if (bytes[at + i] !== prefix[i]) return false;
  }
  return true;
}

/** Compares a header's name, in any case, with one in lower case. */
function isName(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    // Of the bytes that a token may hold, only letters change under `| 32` into letters, and `-` stays.
    if ((bytes[start + i]! | 32) !== name[i]) return false;
  }
  return true;
}

/** A number of exactly three digits, or negative. */
function digits3(bytes: Uint8Array, at: number): number {
  const a = bytes[at]! - ZERO;
  const b = bytes[at + 1]! - ZERO;
  const c = bytes[at + 2]! - ZERO;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : -1;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return latin1(bytes, start, end).trim();
}

/** A Latin-1 string as Go's `%q` prints those bytes. */
function quote(line: string): string {
  // deno-lint-ignore no-control-regex -- that is what is to be made visible
  const visible = line.replace(/[\x00-\x1f"\\\x7f-\xff]/g, (character) => {
    const known = GO_ESCAPES[character];
    return known ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${visible}"`;
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function malformed(text: string): NetError {
  return new NetError(genericFailure(text));
}
