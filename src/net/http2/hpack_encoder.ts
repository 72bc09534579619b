/** Fields to header blocks (RFC 7541), for the requests of one connection. */

import { huffmanEncode, huffmanLength } from "./huffman.ts";
import { STATIC_NAMES, STATIC_SIZE, staticIndexOf } from "./static_table.ts";

/** What we let the dynamic table hold, and the protocol's default for what the server allows. */
const TABLE_BYTES = 4096;
/** What the protocol adds to the size of each field. */
const FIELD_OVERHEAD = 32;
/** Fields that change with every request: others are of more use in the dynamic table. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  ":path",
  "content-length",
  "if-modified-since",
  "if-none-match",
  "range",
]);

/** A header field, prepared for all connections. Immutable. */
export interface EncodedField {
  /** Name and value, to find it in a dynamic table. */
  readonly key: string;
  /** Index of the whole field in the static table, 0 when it isn't there. */
  readonly staticIndex: number;
  /** Index of its name in the static table, 0 when it isn't there. */
  readonly nameIndex: number;
  readonly isKept: boolean;
  /** Bytes in a dynamic table. */
  readonly tableBytes: number;
  /** What follows the index of the name: the name when that is 0, and the value. */
  readonly literal: Uint8Array;
}

/** Prepares a field; the name in lower case, a token. */
export function encodeField(name: string, value: string): EncodedField {
  const nameIndex = STATIC_NAMES.get(name) ?? 0;
  let end = nameIndex === 0 ? writeText(bytesOf(name), 0) : 0;
  const valueBytes = bytesOf(value);
  end = writeText(valueBytes, end);
  return {
    key: `${name}\0${value}`,
    staticIndex: staticIndexOf(name, value),
    nameIndex,
    isKept: !NOT_KEPT.has(name),
    tableBytes: name.length + valueBytes.length + FIELD_OVERHEAD,
    literal: scratch.slice(0, end),
  };
}

/** Encodes the header blocks of one connection, in their order. */
export class HpackEncoder {
  /** Number of each field of the dynamic table: fields are numbered as they come. */
  readonly #numbers = new Map<string, number>();
  /** The dynamic table, the oldest first. */
  readonly #table: EncodedField[] = [];
  /** How many fields there have been. */
  #kept = 0;
  #tableBytes = 0;
  #tableLimit = TABLE_BYTES;
  /** The server is to be told about a smaller table: the smallest there was since the last block, and the present one. */
  #announced = TABLE_BYTES;
  #smallest = TABLE_BYTES;
  #lastFields: readonly EncodedField[] | null = null;
  #lastBlock: Uint8Array = NOTHING;

  /** The block of a request. Hot; it is the same object for requests that repeat themselves, and not to be written to. */
  encode(fields: readonly EncodedField[]): Uint8Array {
    if (fields === this.#lastFields) return this.#lastBlock;
    const keptBefore = this.#kept;
    let bound = 2 * INTEGER_BYTES;
    for (const { literal } of fields) bound += INTEGER_BYTES + literal.length;
    reserve(bound);
    let at = this.#writeLimits();
    const isResized = at > 0;
    for (const field of fields) at = this.#write(field, at);
    const block = scratch.slice(0, at);
    // A block that changed nothing means the same when it comes again, until another one changes something.
    const isRepeatable = keptBefore === this.#kept && !isResized;
    this.#lastFields = isRepeatable ? fields : null;
    this.#lastBlock = isRepeatable ? block : NOTHING;
    return block;
  }

  /** The server's SETTINGS_HEADER_TABLE_SIZE. */
  limitTable(bytes: number): void {
    const limit = Math.min(bytes, TABLE_BYTES);
    this.#smallest = Math.min(this.#smallest, limit);
    this.#tableLimit = limit;
    this.#evict(limit);
    this.#lastFields = null;
  }

  #write(field: EncodedField, at: number): number {
    if (field.staticIndex !== 0) return writeInteger(field.staticIndex, 7, 0x80, scratch, at);
    const number = field.isKept ? this.#numbers.get(field.key) : undefined;
    if (number !== undefined) return writeInteger(STATIC_SIZE + this.#kept - number, 7, 0x80, scratch, at);
    if (field.isKept && field.tableBytes <= this.#tableLimit) {
      at = writeInteger(field.nameIndex, 6, 0x40, scratch, at);
      this.#keep(field);
    } else {
      at = writeInteger(field.nameIndex, 4, 0, scratch, at);
    }
    scratch.set(field.literal, at);
    return at + field.literal.length;
  }

  #keep(field: EncodedField): void {
    this.#evict(this.#tableLimit - field.tableBytes);
    this.#table.push(field);
    this.#numbers.set(field.key, this.#kept++);
    this.#tableBytes += field.tableBytes;
  }

  #evict(bytes: number): void {
    while (this.#tableBytes > bytes) {
      const oldest = this.#table.shift()!;
      this.#numbers.delete(oldest.key);
      this.#tableBytes -= oldest.tableBytes;
    }
  }

  /** RFC 7541, section 4.2. */
  #writeLimits(): number {
    let at = 0;
    if (this.#smallest < this.#announced && this.#smallest < this.#tableLimit) {
      at = writeInteger(this.#smallest, 5, 0x20, scratch, at);
      this.#announced = this.#smallest;
    }
    if (this.#tableLimit !== this.#announced) at = writeInteger(this.#tableLimit, 5, 0x20, scratch, at);
    this.#announced = this.#tableLimit;
    this.#smallest = this.#tableLimit;
    return at;
  }
}

/** The longest integer that is written. */
const INTEGER_BYTES = 6;
const NOTHING: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();
/** Where blocks are put together, for all connections of a thread. */
let scratch = new Uint8Array(4096);
/** Where short texts are. */
const shortText = new Uint8Array(256);

/** Makes room for so many bytes in `scratch`, and keeps what is there. */
function reserve(bytes: number): void {
  if (bytes <= scratch.length) return;
  const grown = new Uint8Array(2 * bytes);
  grown.set(scratch);
  scratch = grown;
}

/** The bytes of a text, valid until the next call. Most are short ASCII, which is faster by hand. */
function bytesOf(text: string): Uint8Array {
  const { length } = text;
  if (length > shortText.length) return encoder.encode(text);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return encoder.encode(text);
    shortText[i] = code;
  }
  return shortText.subarray(0, length);
}

/** Writes a text to `scratch` at `at`, compressed where that is shorter; returns where it ends. */
function writeText(bytes: Uint8Array, at: number): number {
  reserve(at + INTEGER_BYTES + bytes.length);
  const compressed = huffmanLength(bytes);
  if (compressed < bytes.length) return huffmanEncode(bytes, scratch, writeInteger(compressed, 7, 0x80, scratch, at));
  at = writeInteger(bytes.length, 7, 0, scratch, at);
  scratch.set(bytes, at);
  return at + bytes.length;
}

/** RFC 7541, section 5.1. */
function writeInteger(value: number, prefixBits: number, pattern: number, out: Uint8Array, at: number): number {
  const limit = (1 << prefixBits) - 1;
  if (value < limit) {
    out[at++] = pattern | value;
    return at;
  }
  out[at++] = pattern | limit;
  for (value -= limit; value > 0x7f; value >>>= 7) out[at++] = (value & 0x7f) | 0x80;
  out[at++] = value;
  return at;
}
