/** Native histograms of Prometheus, schema 3: eight buckets for every power of two. */

/** The number of buckets for a power of two, as its binary logarithm. */
export const SCHEMA = 3;
/** Magnitudes up to this count as zero: 2⁻¹²⁸, as in Prometheus' own clients. */
export const ZERO_THRESHOLD = 2 ** -128;

/** Counts of neighbouring buckets: `counts[i]` are the magnitudes in (2^((k−1)/8), 2^(k/8)] with k = `firstKey` + i. */
export interface NativeBuckets {
  readonly firstKey: number;
  readonly counts: readonly number[];
}

/** The distribution of a series' values, cumulative. */
export class NativeHistogram {
  readonly type = "native";
  /** Number of values. */
  count = 0;
  /** Of the values in the exported unit. */
  sum = 0;
  zeroCount = 0;
  readonly positive = new Buckets();
  readonly negative = new Buckets();
  readonly #divisor: number;

  /** Values are divided by `divisor` on their way in: 1000 makes seconds of milliseconds. */
  constructor(divisor: number) {
    this.#divisor = divisor;
  }

  /** Adds a finite value. Hot. */
  add(value: number, _atEpochMs: number): void {
    const scaled = value / this.#divisor;
    this.count++;
    this.sum += scaled;
    if (scaled > ZERO_THRESHOLD) this.positive.increment(bucketKey(scaled));
    else if (scaled < -ZERO_THRESHOLD) this.negative.increment(bucketKey(-scaled));
    else this.zeroCount++;
  }
}

/** One double and its two words; Deno's machines are little-endian. Shared: nobody suspends between writing and reading. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** Upper bounds of a power of two's first seven buckets, scaled to [0.5, 1): 0.5 · 2^(i/8). */
const [B0, B1, B2, B3, B4, B5, B6, B7] = [
  0.5,
  0.5452538663326288,
  0.5946035575013605,
  0.6484197773255048,
  0.7071067811865475,
  0.7711054127039704,
  0.8408964152537144,
  0.9170040432046711,
] as const;

/** The bucket of a finite magnitude above the zero threshold. From the double's bits, because a logarithm would err at borders. */
export function bucketKey(magnitude: number): number {
  double[0] = magnitude;
  const highWord = words[1]!;
  words[1] = highWord & 0x000f_ffff | 0x3fe0_0000;
  const fraction = double[0]!;
  const index = fraction > B3
    ? fraction > B5 ? fraction > B6 ? fraction > B7 ? 8 : 7 : 6 : fraction > B4 ? 5 : 4
    : fraction > B1
    ? fraction > B2 ? 3 : 2
    : fraction > B0
    ? 1
    : 0;
  return index + (((highWord >>> 20) - 1023) << SCHEMA);
}

/** Counts of one sign: a window over the bucket keys that grows with the spread of the values. */
class Buckets implements NativeBuckets {
  firstKey = 0;
  /** Plain numbers: for a few values an array is a quarter of a typed array's size. */
  counts: number[] = [];

  /** Counts one value of that bucket. Hot. */
  increment(key: number): void {
    const index = key - this.firstKey;
    if (index >= 0 && index < this.counts.length) this.counts[index]!++;
    else this.#grow(key);
  }

  #grow(key: number): void {
    if (this.counts.length === 0) this.firstKey = key;
    if (key < this.firstKey) {
      this.counts = [...new Array<number>(this.firstKey - key).fill(0), ...this.counts];
      this.firstKey = key;
    }
    for (let last = this.firstKey + this.counts.length; last <= key; last++) this.counts.push(0);
    this.counts[key - this.firstKey]!++;
  }
}
