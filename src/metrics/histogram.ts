/**
 * A log-linear histogram: counts of values in buckets that split every power of two into 512 equal parts, so that the
 * middle of a bucket is never further than 2⁻¹⁰ (0.098 %) from any value in it.
 */

/** Right shift from the high word of a double (sign, 11 exponent bits, 20 mantissa bits) to 9 mantissa bits. */
const BUCKET_SHIFT = 11;
/** A page is 32 buckets, a sixteenth of a power of two: the unit in which a histogram grows. */
const PAGE_BITS = 5;
const PAGE_SIZE = 1 << PAGE_BITS;
const PAGE_SHIFT = BUCKET_SHIFT + PAGE_BITS;
/** The high words of the smallest normal double and of infinity. */
const SMALLEST_NORMAL = 0x0010_0000;
const INFINITE = 0x7ff0_0000;

/** One double and its two words; Deno's machines are little-endian. Shared: nobody suspends between writing and reading. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * Counts values of any sign; memory grows with the range of the values, not with their number: at most 1 KB for each power
 * of two while no bucket has more than 65,535 of them, 2 KB after that. Magnitudes below 2⁻¹⁰²² count as zero.
 */
export class Histogram {
  readonly #negative = new Buckets();
  readonly #positive = new Buckets();
  #zeros = 0;

  /** Counts one value, which must not be NaN. Hot. */
  add(value: number): void {
    double[0] = value;
    const highWord = words[1]!;
    const magnitude = highWord & 0x7fff_ffff;
    if (magnitude < SMALLEST_NORMAL) this.#zeros++;
    else if (highWord === magnitude) this.#positive.increment(magnitude);
    else this.#negative.increment(magnitude);
  }

  /** Counts all that `other` counted; the same as having added its values here. */
  merge(other: Histogram): void {
    this.#zeros += other.#zeros;
    this.#negative.merge(other.#negative);
    this.#positive.merge(other.#positive);
  }

  /** The value with `rank` smaller or equal values before it (0 ≤ rank < number of values), within 0.1 %. */
  valueAt(rank: number): number {
    const negatives = this.#negative.total;
    if (rank < negatives) return -this.#negative.magnitudeAt(negatives - 1 - rank);
    const positiveRank = rank - negatives - this.#zeros;
    return positiveRank < 0 ? 0 : this.#positive.magnitudeAt(positiveRank);
  }
}

const NO_PAGES = new Uint16Array(0);
const NO_COUNTS = new Uint16Array(0);

/** Counts are as narrow as they can be: a run may have tens of thousands of sinks, most of them with few samples. */
type Counts = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Counts by bucket for the magnitudes of one sign: pages of counts in order of first use, and a directory from value to page. */
class Buckets {
  total = 0;
  /** The page number (high word >>> PAGE_SHIFT) that the first entry of `#directory` stands for. */
  #firstPage = 0;
  /** By page number: 1 + the page's place in `#counts`; 0 for a page without values. */
  #directory = NO_PAGES;
  #pages = 0;
  #counts: Counts = NO_COUNTS;
  /** The first count that doesn't fit into `#counts`: 2¹⁶, 2³² or infinite. */
  #countLimit = 2 ** 16;

  /** Counts the magnitude that has this high word. Hot. */
  increment(highWord: number): void {
    const page = this.#directory[(highWord >>> PAGE_SHIFT) - this.#firstPage] || this.#addPage(highWord >>> PAGE_SHIFT);
    const index = ((page - 1) << PAGE_BITS) + ((highWord >>> BUCKET_SHIFT) & (PAGE_SIZE - 1));
    const count = this.#counts[index]! + 1;
    if (count === this.#countLimit) this.#widen();
    this.#counts[index] = count;
    this.total++;
  }

  merge(other: Buckets): void {
    this.total += other.total;
    for (let i = 0; i < other.#directory.length; i++) {
      const from = other.#directory[i]!;
      if (from === 0) continue;
      const pageNumber = other.#firstPage + i;
      const to = this.#directory[pageNumber - this.#firstPage] || this.#addPage(pageNumber);
      for (let j = 0; j < PAGE_SIZE; j++) {
        const index = ((to - 1) << PAGE_BITS) + j;
        const count = this.#counts[index]! + other.#counts[((from - 1) << PAGE_BITS) + j]!;
        while (count >= this.#countLimit) this.#widen();
        this.#counts[index] = count;
      }
    }
  }

  /** The middle of the bucket that holds the magnitude of this rank, the smallest having rank 0. */
  magnitudeAt(rank: number): number {
    let before = 0;
    for (let i = 0; i < this.#directory.length; i++) {
      const page = this.#directory[i]!;
      if (page === 0) continue;
      for (let j = 0; j < PAGE_SIZE; j++) {
        before += this.#counts[((page - 1) << PAGE_BITS) + j]!;
        if (before > rank) return bucketMiddle(((this.#firstPage + i) << PAGE_BITS) + j);
      }
    }
    throw new RangeError(`Cannot find rank ${rank} among ${this.total} values`);
  }

  /** Makes room for a page; returns its entry in the directory. */
  #addPage(pageNumber: number): number {
    if (this.#directory.length === 0) this.#firstPage = pageNumber;
    const first = Math.min(this.#firstPage, pageNumber);
    const end = Math.max(this.#firstPage + this.#directory.length, pageNumber + 1);
    if (end - first > this.#directory.length) {
      const directory = new Uint16Array(end - first);
      directory.set(this.#directory, this.#firstPage - first);
      this.#directory = directory;
      this.#firstPage = first;
    }
    const length = ++this.#pages * PAGE_SIZE;
    if (length > this.#counts.length) {
      const room = Math.max(8, Math.ceil(this.#pages * 1.25)) * PAGE_SIZE;
      const counts = newCounts(this.#countLimit, room);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    return this.#directory[pageNumber - first] = this.#pages;
  }

  #widen(): void {
    this.#countLimit = this.#countLimit === 2 ** 16 ? 2 ** 32 : Infinity;
    const counts = newCounts(this.#countLimit, this.#counts.length);
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

function newCounts(limit: number, length: number): Counts {
  if (limit === 2 ** 16) return new Uint16Array(length);
  return limit === 2 ** 32 ? new Uint32Array(length) : new Float64Array(length);
}

function bucketMiddle(bucket: number): number {
  const lowerBound = bucket << BUCKET_SHIFT;
  if (lowerBound >= INFINITE) return Infinity;
  words[0] = 0;
  words[1] = lowerBound | (1 << (BUCKET_SHIFT - 1));
  return double[0]!;
}
