/** A response body while it arrives: one buffer that grows. */

import { genericFailure, NetError } from "./errors.ts";

/** What one body may hold: more can't be made a string or an ArrayBuffer by the script anyway. */
const LIMIT_BYTES = 2 ** 31 - 1;

/** Collects the bytes of one body. */
export class BodyBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** `capacity` is the number of bytes to make room for at once. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.min(capacity, LIMIT_BYTES));
  }

  get length(): number {
    return this.#length;
  }

  /** Copies `source[from, to)` to the end. */
  append(source: Uint8Array, from: number, to: number): void {
    this.#reserve(this.#length + to - from);
    this.#bytes.set(source.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  /** Room for up to `wanted` bytes, to be filled by a read; `extend` says how many came. */
  room(wanted: number): Uint8Array<ArrayBuffer> {
    if (this.#length === this.#bytes.length) this.#reserve(this.#length + 1);
    return this.#bytes.subarray(this.#length, this.#length + wanted);
  }

  extend(count: number): void {
    this.#length += count;
  }

  /** The collected bytes, not copied. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return;
    if (needed > LIMIT_BYTES) throw new NetError(genericFailure("the response body is larger than 2 GiB"));
    const grown = new Uint8Array(Math.min(LIMIT_BYTES, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
