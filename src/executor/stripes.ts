/**
 * Dividing countable work (virtual users, iterations) among machines, and among the workers of a machine, without ever
 * asking one another: execution segments as striped offsets. Items 0, 1, 2, … are dealt out in a fixed, even cycle;
 * the parts of all shares add up to the whole for every total. A share can be divided again.
 */

/** A part of a sequence of items. */
export interface Share {
  /** How many of the first `total` items belong to this share. */
  count(total: number): number;
  /** The whole's index of this share's `n`-th item, both counted from 0; Infinity when the share is empty. */
  item(n: number): number;
}

/** All items. */
export const EVERYTHING: Share = { count: (total) => total, item: (n) => n };

/**
 * Deals items out in proportion to `weights` (non-negative integers), as evenly interleaved as whole items allow:
 * at each step the share goes next that is furthest behind its due.
 */
export function divide(weights: readonly number[]): Share[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0) || 1;
  const due = weights.map((weight) => weight / divisor);
  const cycle = due.reduce((sum, weight) => sum + weight, 0);
  if (due.filter((weight) => weight > 0).length === 1) return due.map((weight) => weight > 0 ? EVERYTHING : NOTHING);
  const offsets: number[][] = weights.map(() => []);
  const behind = weights.map(() => 0);
  for (let item = 0; item < cycle; item++) {
    let next = 0;
    for (let i = 0; i < due.length; i++) {
      behind[i]! += due[i]!;
      if (behind[i]! > behind[next]!) next = i;
    }
    behind[next]! -= cycle;
    offsets[next]!.push(item);
  }
  return offsets.map((positions) => new Stripes(Math.max(cycle, 1), positions));
}

/** The shares of `parts` equal ones: they take turns. */
export function divideEvenly(parts: number): Share[] {
  return divide(Array.from({ length: parts }, () => 1));
}

/** `inner` of what `outer` has: a worker's share of its machine's share. */
export function shareOf(outer: Share, inner: Share): Share {
  if (outer === EVERYTHING) return inner;
  if (inner === EVERYTHING) return outer;
  return {
    count: (total) => inner.count(outer.count(total)),
    item: (n) => outer.item(inner.item(n)),
  };
}

const NOTHING: Share = { count: () => 0, item: () => Infinity };

/** A share of a repeating cycle. */
class Stripes implements Share {
  /** Length of the cycle in items. */
  readonly #cycle: number;
  /** Positions inside the cycle that belong to this share, rising. */
  readonly #offsets: readonly number[];

  constructor(cycle: number, offsets: readonly number[]) {
    this.#cycle = cycle;
    this.#offsets = offsets;
  }

  count(total: number): number {
    return Math.floor(total / this.#cycle) * this.#offsets.length + this.#countBelow(total % this.#cycle);
  }

  item(n: number): number {
    const length = this.#offsets.length;
    if (length === 0 || n === Infinity) return Infinity;
    return Math.floor(n / length) * this.#cycle + this.#offsets[n % length]!;
  }

  #countBelow(position: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#offsets[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
