/** Where histograms keep what they count. */

/** Memory for the tables of many histograms, in big pieces: a typed array for each of them would cost more than it holds. */
export class TableMemory {
  #piece = new Uint32Array(0);
  #used = 0;

  /** Room for `size` numbers, all zero: where it begins in `piece`. */
  allocate(size: number): number {
    if (this.#used + size > this.#piece.length) {
      this.#piece = new Uint32Array(Math.max(PIECE_SIZE, size));
      this.#used = 0;
    }
    const begin = this.#used;
    this.#used += size;
    return begin;
  }

  /** What the last room is part of. */
  get piece(): Uint32Array {
    return this.#piece;
  }
}

/** 64 KiB. */
const PIECE_SIZE = 1 << 14;
