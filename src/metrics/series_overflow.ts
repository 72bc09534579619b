/** `--max-series`: where samples go once there are too many time series for one more. */

import type { TagPairs } from "./types.ts";

/** The tag of series that stand for many. */
const MARK = ["overflow", "true"] as const;

/** Tags that the summary is made from. */
const SUMMARY_TAGS: ReadonlySet<string> = new Set(["check", "group", "scenario"]);

/** So many combinations of those tags are kept apart; a script may make them up, too. */
const SUMMARY_LIMIT = 1000;

/** What every thread has to know to fold alike. */
export interface OverflowSettings {
  /** Time series up to which nothing is folded. */
  readonly limit: number;
  /** The tags, with their values, that thresholds and the summary select samples by. */
  readonly selected: TagPairs;
}

/**
 * Folds tag sets: what is left is what thresholds and the summary are made from, and the tag `overflow`. Folding twice is
 * as folding once.
 */
export class SeriesOverflow {
  readonly limit: number;
  readonly #selected: ReadonlySet<string>;
  readonly #folded = new Map<string, TagPairs>();

  constructor({ limit, selected }: OverflowSettings) {
    this.limit = limit;
    this.#selected = new Set(selected.map(keyOf));
  }

  /** The tags of the series that takes the samples with `tags`: the same array for all that are folded alike. */
  fold(tags: TagPairs): TagPairs {
    const forSummary = this.#find(
      tags.filter((pair) => SUMMARY_TAGS.has(pair[0]) || this.#isSelected(pair)),
      SUMMARY_LIMIT,
    );
    return forSummary ?? this.#find(tags.filter((pair) => this.#isSelected(pair)), Infinity)!;
  }

  /** Null when there are too many. */
  #find(kept: TagPairs, most: number): TagPairs | null {
    const key = kept.map(keyOf).join("\0");
    const known = this.#folded.get(key);
    if (known !== undefined) return known;
    if (this.#folded.size >= most) return null;
    const folded = [...kept, MARK].sort(([a], [b]) => a < b ? -1 : 1);
    this.#folded.set(key, folded);
    return folded;
  }

  #isSelected(pair: readonly [name: string, value: string]): boolean {
    return pair[0] !== MARK[0] && this.#selected.has(keyOf(pair));
  }
}

function keyOf([name, value]: readonly [name: string, value: string]): string {
  return `${name}\x01${value}`;
}
