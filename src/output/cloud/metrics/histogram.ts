/**
 * The histogram of k6's cloud protocol: 128 buckets for every power of two, so that a bucket is less than 0.8 % wide. Only buckets
 * that hold values take memory.
 */

import { TableMemory } from "./table_memory.ts";

/** The width of the smallest buckets, in the unit of the values. */
export const MIN_RESOLUTION = 0.001;

/** Values beyond this, in units of the resolution, have no bucket. */
const GREATEST = 2 ** 63;

/** Buckets in the order of their indexes, none of them empty; only the first `length` entries count. */
export interface BucketColumns {
  length: number;
  indexes: Uint16Array;
  counts: Uint32Array;
}

/** How often which values came. */
export class CloudHistogram {
  /** Number of values, those without a bucket included. */
  count = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;
  /** Values below 0, which have no bucket. */
  extraLow = 0;
  /** Values above 2⁶³ units of the resolution, which have no bucket. */
  extraHigh = 0;
  /** The first value's bucket, which is not in the table: many series have no other, such as times that are always 0. */
  #first = NONE;
  #firstCount = 0;
  /** The other buckets, a hash table with open addressing: of each entry index and count; an entry without a count is free. */
  #table: Uint32Array = NO_TABLE;
  /** Where in the array the table begins. */
  #begin = 0;
  /** The table's size: twice a power of two, or 0. */
  #size = 0;
  /** Entries in use. */
  #used = 0;
  readonly #memory: TableMemory;

  /** Histograms that are given up together may share their memory. */
  constructor(memory: TableMemory = new TableMemory()) {
    this.#memory = memory;
  }

  /** Takes in any number but NaN. Hot: it only allocates when the table grows. */
  add(value: number): void {
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const units = value / MIN_RESOLUTION;
    if (units < 0) this.extraLow++;
    else if (units > GREATEST) this.extraHigh++;
    else this.#increase(bucketIndex(units));
  }

  /** Fills the columns with the buckets. */
  readBuckets(columns: BucketColumns): void {
    const length = this.#first === NONE ? 0 : 1 + this.#used;
    if (columns.indexes.length < length) {
      columns.indexes = new Uint16Array(2 * length);
      columns.counts = new Uint32Array(2 * length);
    }
    const { indexes, counts } = columns;
    columns.length = 0;
    if (length === 0) return;
    indexes[columns.length++] = this.#first;
    const table = this.#table;
    const end = this.#begin + this.#size;
    for (let at = this.#begin; at < end; at += 2) {
      if (table[at + 1] !== 0) indexes[columns.length++] = table[at]!;
    }
    indexes.subarray(0, length).sort();
    for (let i = 0; i < length; i++) {
      const index = indexes[i]!;
      counts[i] = index === this.#first ? this.#firstCount : table[this.#place(index) + 1]!;
    }
  }

  #increase(index: number): void {
    if (index === this.#first) {
      this.#firstCount++;
    } else if (this.#first === NONE) {
      this.#first = index;
      this.#firstCount = 1;
    } else {
      this.#increaseInTable(index);
    }
  }

  #increaseInTable(index: number): void {
    // Three entries of four in use, at most.
    if (8 * this.#used >= 3 * this.#size) this.#grow();
    const at = this.#place(index);
    if (this.#table[at + 1] === 0) this.#used++;
    this.#table[at] = index;
    this.#table[at + 1]!++;
  }

  /** Where a bucket is in the table, which has a free entry, or would be. */
  #place(index: number): number {
    const table = this.#table;
    const begin = this.#begin;
    const mask = this.#size - 2;
    // Fibonacci hashing, which spreads runs of neighbours evenly: the first bits of a product, as many as an entry's number has.
    let at = Math.imul(index, 0x9e37_79b1) >>> Math.clz32(mask) + 1 << 1;
    while (table[begin + at] !== index && table[begin + at + 1] !== 0) at = at + 2 & mask;
    return begin + at;
  }

  #grow(): void {
    const old = this.#table;
    const [from, to] = [this.#begin, this.#begin + this.#size];
    this.#size = Math.max(FIRST_SIZE, 2 * this.#size);
    this.#begin = this.#memory.allocate(this.#size);
    this.#table = this.#memory.piece;
    for (let at = from; at < to; at += 2) {
      if (old[at + 1] === 0) continue;
      const place = this.#place(old[at]!);
      this.#table[place] = old[at]!;
      this.#table[place + 1] = old[at + 1]!;
    }
  }
}

const NONE = -1;
const NO_TABLE = new Uint32Array(0);
/** Four entries. */
const FIRST_SIZE = 8;

/** One double and its two words; Deno's machines are little-endian. Shared: nobody suspends between writing and reading. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * The bucket of a value from 0 to 2⁶³, in units of the resolution. With u the value rounded up: u itself below 256; else, with n the
 * position of u's highest bit, (n − 7) · 128 + ⌊u / 2^(n − 7)⌋. That quotient is the first eight bits of the double's significand,
 * which follow the exponent, so both come with one shift of the double's upper word.
 */
export function bucketIndex(units: number): number {
  const rounded = Math.ceil(units);
  if (rounded < 256) return rounded | 0;
  double[0] = rounded;
  return (words[1]! >>> 13) - EXPONENT_OFFSET;
}

/** The exponent's bias of 1023, and 6: a power of two beyond 2⁷ begins at (n − 6) · 128. */
const EXPONENT_OFFSET = 1023 + 6 << 7;
