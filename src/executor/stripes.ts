/**
 * Dividing countable work (virtual users, iterations) among workers without ever asking one another: an execution
 * segment as striped offsets. Items 0, 1, 2, … are dealt out in a fixed, even cycle; the parts of all shares add up to
 * the whole for every total.
 */

/** One worker's share of a sequence of items. */
export class Share {
  /** Length of the cycle in items. */
  readonly cycle: number;
  /** Positions inside the cycle that belong to this share, rising. */
  readonly #offsets: readonly number[];

  constructor(cycle: number, offsets: readonly number[]) {
    this.cycle = cycle;
    this.#offsets = offsets;
  }

  /** How many of the first `total` items belong to this share. */
  count(total: number): number {
    const rest = total % this.cycle;
    let count = Math.floor(total / this.cycle) * this.#offsets.length;
    for (const offset of this.#offsets) {
      if (offset >= rest) break;
      count++;
    }
    return count;
  }

  /** The whole's index of this share's `n`-th item, both counted from 0; Infinity when the share is empty. */
  item(n: number): number {
    const length = this.#offsets.length;
    const offset = this.#offsets[n % length];
    return offset === undefined ? Infinity : Math.floor(n / length) * this.cycle + offset;
  }
}

/**
 * Deals items out in proportion to `weights` (non-negative integers), as evenly interleaved as whole items allow:
 * at each step the share goes next that is furthest behind its due.
 */
export function divide(weights: readonly number[]): Share[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0) || 1;
  const due = weights.map((weight) => weight / divisor);
  const cycle = due.reduce((sum, weight) => sum + weight, 0);
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
  return offsets.map((positions) => new Share(Math.max(cycle, 1), positions));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
