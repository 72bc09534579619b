/** Memory for what sockets read: buffers that are lent while an answer is on its way, and small copies carved from slabs. */

const LARGE_BYTES = 64 * 1024;
const KEPT = 64;
/** Small buffers are kept for bursts: ten thousand virtual users that wake in the same second. */
const KEPT_SMALL_BYTES = 8 * 1024 * 1024;
const SLAB_BYTES = 32 * 1024;
const SLAB_LIMIT_BYTES = 4 * 1024;

/** The buffers of one worker. A connection that waits for nothing holds none. */
export class ReadBuffers {
  readonly #small: Uint8Array<ArrayBuffer>[] = [];
  readonly #large: Uint8Array<ArrayBuffer>[] = [];
  /** Grows with the answers that are seen, up to 16 KiB: what a first read should have room for. */
  #smallBytes = 2 * 1024;
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  /** A buffer for the start of an answer. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#small.pop() ?? new Uint8Array(this.#smallBytes);
  }

  /** A buffer for a long body. */
  takeLarge(): Uint8Array<ArrayBuffer> {
    return this.#large.pop() ?? new Uint8Array(LARGE_BYTES);
  }

  /** Says that an answer did not fit a small buffer. */
  overflowed(): void {
    if (this.#smallBytes >= 16 * 1024) return;
    this.#smallBytes *= 2;
    this.#small.length = 0;
  }

  /** Takes a buffer back; no read may be under way into it. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length === this.#smallBytes) {
      if (this.#small.length * buffer.length < KEPT_SMALL_BYTES) this.#small.push(buffer);
    } else if (buffer.length === LARGE_BYTES) {
      if (this.#large.length < KEPT) this.#large.push(buffer);
    }
  }

  /**
   * A copy of `bytes[from, to)`. Hot: an ArrayBuffer of its own costs 800 ns, a view of a shared slab 100 ns. Slabs
   * are small, so that a kept copy keeps little else alive.
   */
  copy(bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
    const length = to - from;
    if (length > SLAB_LIMIT_BYTES) return bytes.slice(from, to);
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed += length;
    this.#slab.set(bytes.subarray(from, to), start);
    return this.#slab.subarray(start, this.#slabUsed);
  }
}
