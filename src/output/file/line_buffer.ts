/** A piece of a file of lines, before it is written. */

/** Big enough that writing it costs next to nothing beside filling it. */
const CAPACITY = 1 << 20;

/** Bytes that are filled, written, and filled again. */
export class LineBuffer {
  bytes = new Uint8Array(CAPACITY);
  /** How many of the bytes count. */
  length = 0;
  /** How many samples they tell of. */
  samples = 0;

  /** Whether `size` more bytes fit. An empty buffer grows so that they always do. */
  hasRoom(size: number): boolean {
    if (this.length + size <= this.bytes.length) return true;
    if (this.length > 0) return false;
    this.bytes = new Uint8Array(size);
    return true;
  }

  /** Adds bytes for which there is room. */
  add(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  clear(): void {
    this.length = 0;
    this.samples = 0;
  }
}
