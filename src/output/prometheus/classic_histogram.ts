/** Classic histograms of Prometheus: counts of values up to given bounds. */

/** The distribution of a series' values, cumulative. */
export class ClassicHistogram {
  readonly type = "classic";
  /** Number of values. */
  count = 0;
  /** Of the values in the exported unit. */
  sum = 0;
  /** By bound the values up to it and above the one before, at last those above all bounds. */
  readonly counts: number[];
  readonly #bounds: readonly number[];
  readonly #divisor: number;

  /** Values are divided by `divisor` on their way in, then compared with the ascending bounds. */
  constructor(bounds: readonly number[], divisor: number) {
    this.#bounds = bounds;
    this.#divisor = divisor;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Adds a finite value. Hot. */
  add(value: number, _atEpochMs: number): void {
    const scaled = value / this.#divisor;
    this.count++;
    this.sum += scaled;
    this.counts[this.bucketOf(scaled)]!++;
  }

  /** The place in `counts` of a value in the exported unit. */
  bucketOf(value: number): number {
    const bounds = this.#bounds;
    let low = 0;
    for (let high = bounds.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (value <= bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A bound as the value of `le`, spelt as Prometheus' Go clients do (`%g`): `0.005`, `1`, `2.5`, `1e+06`, `+Inf`. */
export function formatBound(bound: number): string {
  if (bound === Infinity) return "+Inf";
  const [digits = "", exponent = ""] = bound.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6 || bound === 0) return String(bound);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
