/** Where histograms keep what they count: in big pieces, because a typed array for each of them would cost more than it holds. */

/** 64 KiB. */
const PIECE_SIZE = 1 << 14;

const NO_PIECE = new Uint32Array(0);

/**
 * Pieces that are not in use, as many as were in use at most. They are used again, because those left to the garbage collector wait for
 * it in great numbers.
 */
export class MemoryPieces {
  readonly #free: Uint32Array<ArrayBuffer>[] = [];

  /** A piece for `size` numbers or more, all zero. */
  take(size: number): Uint32Array<ArrayBuffer> {
    const piece = size <= PIECE_SIZE ? this.#free.pop() : undefined;
    return piece?.fill(0) ?? new Uint32Array(Math.max(PIECE_SIZE, size));
  }

  /** Takes back a piece that nobody uses any more. */
  give(piece: Uint32Array<ArrayBuffer>): void {
    if (piece.length === PIECE_SIZE) this.#free.push(piece);
  }
}

/** Memory for the tables of histograms that are given up together. */
export class TableMemory {
  readonly #source: MemoryPieces;
  readonly #pieces: Uint32Array<ArrayBuffer>[] = [];
  #piece = NO_PIECE;
  #used = 0;

  constructor(source: MemoryPieces = new MemoryPieces()) {
    this.#source = source;
  }

  /** Room for `size` numbers, all zero: where it begins in `piece`. */
  allocate(size: number): number {
    if (this.#used + size > this.#piece.length) {
      this.#piece = this.#source.take(size);
      this.#pieces.push(this.#piece);
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

  /** Gives back all of it. */
  giveUp(): void {
    for (const piece of this.#pieces.splice(0)) this.#source.give(piece);
    this.#piece = NO_PIECE;
  }
}
