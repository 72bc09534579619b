/** Header blocks to fields (RFC 7541), for the answers of one connection. */

import { ErrorCode, Http2ConnectionError } from "./error_codes.ts";
import { huffmanDecode } from "./huffman.ts";
import { keepText, placeOfText, RECENT_TEXT_BYTES, recentText, recentTextBytes } from "./recent_texts.ts";
import { STATIC_FIELDS, STATIC_SIZE } from "./static_table.ts";

/** What we let the server's dynamic table hold: the protocol's default. */
const TABLE_BYTES = 4096;
/** What the protocol adds to the size of each field. */
const FIELD_OVERHEAD = 32;
/** As many fields as the table can hold, less one: the bits of a field's number that are its place. */
const PLACE_MASK = TABLE_BYTES / FIELD_OVERHEAD - 1;

/** Decodes the header blocks of one connection, in their order. */
export class HpackDecoder {
  /** Whether the last block has a name that isn't a token in lower case, or a control character in a value. */
  isMalformed = false;
  /** The dynamic table, a ring: fields are numbered as they come, and those from `#oldest` on are in it. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  readonly #sizes: number[] = [];
  readonly #malformed: boolean[] = [];
  #oldest = 0;
  #next = 0;
  #tableBytes = 0;
  #tableLimit = TABLE_BYTES;

  #block = NOTHING;
  #at = 0;
  #end = 0;
  /** Bytes of the text that was read last. */
  #textBytes = 0;
  /** Whether the field that is being read may not stand in an answer. */
  #isWrong = false;

  /**
   * Adds the fields of `block` to `fields`: name, value, name, value, … Returns their size as RFC 9113, section 6.5.2,
   * counts it; of fields beyond `limitBytes` nothing is added. Hot.
   *
   * @throws {Http2ConnectionError} when the block breaks a rule: all later ones would be read wrongly
   */
  decode(block: Uint8Array, fields: string[], limitBytes: number): number {
    this.#block = block;
    this.#at = 0;
    this.#end = block.length;
    this.isMalformed = false;
    let size = 0;
    let mayResize = true;
    while (this.#at < this.#end) {
      const first = block[this.#at]!;
      let name: string;
      let value: string;
      this.#isWrong = false;
      if (first >= 0x80) {
        const index = this.#integer(7);
        name = this.#nameAt(index);
        value = this.#valueAt(index);
        size += index > STATIC_SIZE ? this.#sizes[this.#place(index)]! : name.length + value.length + FIELD_OVERHEAD;
      } else if (first >= 0x20 && first < 0x40) {
        if (!mayResize) throw wrong();
        this.#resize(this.#integer(5));
        continue;
      } else {
        const isKept = first >= 0x40;
        const index = this.#integer(isKept ? 6 : 4);
        name = index === 0 ? this.#name() : this.#nameAt(index);
        const nameBytes = index === 0 ? this.#textBytes : name.length;
        value = this.#text();
        const fieldBytes = nameBytes + this.#textBytes + FIELD_OVERHEAD;
        if (isKept) this.#keep(name, value, fieldBytes);
        size += fieldBytes;
      }
      mayResize = false;
      if (this.#isWrong) this.isMalformed = true;
      if (size <= limitBytes) fields.push(name, value);
    }
    this.#block = NOTHING;
    return size;
  }

  #nameAt(index: number): string {
    if (index === 0) throw wrong();
    if (index <= STATIC_SIZE) return STATIC_FIELDS[2 * (index - 1)]!;
    const place = this.#place(index);
    if (this.#malformed[place]) this.#isWrong = true;
    return this.#names[place]!;
  }

  #valueAt(index: number): string {
    return index <= STATIC_SIZE ? STATIC_FIELDS[2 * index - 1]! : this.#values[this.#place(index)]!;
  }

  /** Where the dynamic table has a field. */
  #place(index: number): number {
    const number = this.#next - (index - STATIC_SIZE);
    if (number < this.#oldest) throw wrong();
    return number & PLACE_MASK;
  }

  #keep(name: string, value: string, fieldBytes: number): void {
    this.#evict(this.#tableLimit - fieldBytes);
    if (fieldBytes > this.#tableLimit) return;
    const place = this.#next++ & PLACE_MASK;
    this.#names[place] = name;
    this.#values[place] = value;
    this.#sizes[place] = fieldBytes;
    this.#malformed[place] = this.#isWrong;
    this.#tableBytes += fieldBytes;
  }

  #resize(limit: number): void {
    if (limit > TABLE_BYTES) throw wrong();
    this.#tableLimit = limit;
    this.#evict(limit);
  }

  /** Forgets the oldest fields until the others take no more than `bytes`. */
  #evict(bytes: number): void {
    while (this.#tableBytes > bytes && this.#oldest < this.#next) {
      this.#tableBytes -= this.#sizes[this.#oldest++ & PLACE_MASK]!;
    }
  }

  #integer(prefixBits: number): number {
    const limit = (1 << prefixBits) - 1;
    let value = this.#byte() & limit;
    if (value < limit) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw wrong();
  }

  #byte(): number {
    if (this.#at >= this.#end) throw wrong();
    return this.#block[this.#at++]!;
  }

  #name(): string {
    const name = this.#text();
    if (!FIELD_NAME.test(name)) this.#isWrong = true;
    return name;
  }

  #text(): string {
    const isCompressed = this.#byte() >= 0x80;
    this.#at--;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#end) throw wrong();
    this.#at = to;
    if (!isCompressed) {
      this.#textBytes = length;
      return this.#textOf(this.#block.subarray(from, to));
    }
    if (length > RECENT_TEXT_BYTES) return this.#decompress(from, to);
    const place = placeOfText(this.#block, from, to);
    this.#textBytes = recentTextBytes(place, this.#block, from, to);
    if (this.#textBytes > 0) return recentText(place);
    const text = this.#decompress(from, to);
    // What is found again isn't looked at again.
    if (!this.#isWrong) keepText(place, this.#block, from, to, text, this.#textBytes);
    return text;
  }

  #decompress(from: number, to: number): string {
    if (2 * (to - from) > scratch.length) scratch = new Uint8Array(4 * (to - from));
    this.#textBytes = huffmanDecode(this.#block, from, to, scratch);
    return this.#textOf(scratch.subarray(0, this.#textBytes));
  }

  #textOf(bytes: Uint8Array): string {
    let isPlain = bytes.length <= SHORT_TEXT;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (byte >= SPACE && byte < DELETE) continue;
      if (byte > DELETE) isPlain = false;
      else if (byte !== TAB) this.#isWrong = true;
    }
    return isPlain ? String.fromCharCode.apply(null, bytes as unknown as number[]) : decoder.decode(bytes);
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
/** RFC 9113, section 8.2.1; a colon stands before the pseudo-header fields. */
const FIELD_NAME = /^:?[a-z\d!#$%&'*+.^_`|~-]+$/;
/** Longer texts are decoded natively. */
const SHORT_TEXT = 256;
const TAB = 9;
const SPACE = 32;
const DELETE = 127;

const decoder = new TextDecoder();
/** What a text is decompressed to, for all connections of a thread. */
let scratch = new Uint8Array(4096);

function wrong(): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.CompressionError);
}
