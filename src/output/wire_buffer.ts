/** A growing buffer for protobuf messages: what the inner loop of encoding writes through, without an object for each field. */

import { util } from "protobufjs/minimal";

/** How a field's value is written: the lowest three bits of its tag. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2 } as const;

/** Bytes collected for one message. The caller reserves room before it writes. */
export class WireBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  #view: DataView;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes sure that `size` more bytes can be written. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** A whole number from 0 to 2⁵³; at most 8 bytes. */
  varint(value: number): void {
    const { bytes } = this;
    let at = this.length;
    for (; value > 0x7fff_ffff; value = Math.floor(value / 128)) bytes[at++] = value & 127 | 128;
    for (; value > 127; value >>>= 7) bytes[at++] = value & 127 | 128;
    bytes[at++] = value;
    this.length = at;
  }

  /** A whole number of either sign in zigzag encoding. */
  sint(value: number): void {
    this.varint(value >= 0 ? 2 * value : -2 * value - 1);
  }

  double(value: number): void {
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  raw(bytes: Uint8Array): void {
    // Calling `set` costs as much as a copy of that many bytes.
    if (bytes.length <= 64) return this.range(bytes, 0, bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Some of the bytes. */
  range(bytes: Uint8Array, begin: number, end: number): void {
    const { bytes: own } = this;
    let at = this.length;
    for (let i = begin; i < end; i++) own[at++] = bytes[i]!;
    this.length = at;
  }

  /** A text of that many bytes in UTF-8, after its length. */
  text(text: string, length: number): void {
    this.varint(length);
    this.length += util.utf8.write(text, this.bytes, this.length);
  }

  /** A field with a text; none for an empty one, as everywhere in proto3. Makes room by itself. */
  textField(tag: number, text: string): void {
    if (text === "") return;
    const size = util.utf8.length(text);
    this.reserve(1 + varintLength(size) + size);
    this.byte(tag);
    this.text(text, size);
  }

  /** Begins a message within the message, as a field with that tag, whose size is not known yet; `endMessage` takes what this returns. */
  beginMessage(tag: number): number {
    this.reserve(12);
    this.varint(tag);
    return ++this.length;
  }

  /** Puts a message's length before it; moves the message if the length needs more than one byte. */
  endMessage(begin: number): void {
    const size = this.length - begin;
    if (size < 128) {
      this.bytes[begin - 1] = size;
      return;
    }
    this.reserve(8);
    const shift = varintLength(size) - 1;
    this.bytes.copyWithin(begin + shift, begin, this.length);
    this.length = begin - 1;
    this.varint(size);
    this.length += size;
  }

  /** What was written since the last `clear`: a view, good until the next write. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

/** Number of bytes that `WireBuffer.varint` writes. */
export function varintLength(value: number): number {
  let length = 1;
  for (; value > 0x7fff_ffff; value = Math.floor(value / 128)) length++;
  for (; value > 127; value >>>= 7) length++;
  return length;
}
