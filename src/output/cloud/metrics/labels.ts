/** The labels of time series as the cloud takes them: all tags but those whose names it keeps for itself. */

import { TagSet } from "../../../metrics/tag_set.ts";
import type { TagPairs } from "../../../metrics/types.ts";

/** Labels in the order of their names, well-formed Unicode; values may be empty. Sets with the same labels are the same object. */
export interface LabelSet {
  /** Dense, from 0. */
  readonly id: number;
  readonly labels: TagPairs;
}

/** All label sets of a run. */
export class LabelSets {
  readonly #warn: (message: string) => void;
  readonly #tags = TagSet.root();
  /** By the tag set's id. */
  readonly #sets: LabelSet[] = [];
  readonly #discarded = new Set<string>();

  /** `warn` is told of each reserved name once. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** The labels that tags become. Halves of surrogate pairs, which protobuf has not, become U+FFFD. */
  of(tags: TagPairs): LabelSet {
    let set = this.#tags;
    for (const [name, value] of tags) {
      if (isReserved(name)) this.#warnOfDiscarded(name);
      else set = set.with(name.toWellFormed(), value.toWellFormed());
    }
    return this.#sets[set.id] ??= { id: set.id, labels: set.toPairs() };
  }

  #warnOfDiscarded(name: string): void {
    if (this.#discarded.has(name)) return;
    this.#discarded.add(name);
    this.#warn(`Tag ${JSON.stringify(name)} has been discarded since it is reserved for Cloud operations.`);
  }
}

function isReserved(name: string): boolean {
  return name === "test_run_id" || name.startsWith("__");
}
