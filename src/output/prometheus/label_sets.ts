/** The label sets of a run: tag sets as Prometheus wants them, each distinct one once. */

import type { TagPairs } from "../../metrics/types.ts";
import type { LabelSet } from "./exported_series.ts";
import { byName, type Labels, labelsOf } from "./labels.ts";

/** Which labels there are beside those of the tags. */
export interface LabelOptions {
  /** Labels that all series have; a tag with the label name of one of them is left out. */
  readonly labels: Labels;
  /** Tags that make no labels. */
  readonly dropTags: ReadonlySet<string> | "all";
  /** Whether classic histograms need the label `le` for themselves. */
  readonly reservesLe: boolean;
}

/** Makes label sets of tags, the same object for tags that come to the same labels. */
export class LabelSets {
  readonly #options: LabelOptions;
  readonly #warnOnce: (key: string, message: string) => void;
  /** By a hash of the labels: keys of whole texts would be as big as the sets. */
  readonly #byHash = new Map<number, ChainedSet>();
  #size = 0;
  /** The last answer: the metrics of one request come in a row, with the same tags. */
  #lastTags: TagPairs | null = null;
  #lastSet: LabelSet | null = null;

  /** `warnOnce` is told of tags that are left out; messages with a known key are to be ignored. */
  constructor(options: LabelOptions, warnOnce: (key: string, message: string) => void) {
    this.#options = options;
    this.#warnOnce = warnOnce;
  }

  /** The label set of a series' tags. */
  of(tags: TagPairs): LabelSet {
    if (tags === this.#lastTags && this.#lastSet !== null) return this.#lastSet;
    const set = this.#intern(this.#labels(tags));
    this.#lastTags = tags;
    this.#lastSet = set;
    return set;
  }

  #intern(labels: Labels): LabelSet {
    const hash = hashOf(labels);
    const chain = this.#byHash.get(hash);
    for (let set = chain; set !== undefined; set = set.next) if (areEqual(set.labels, labels)) return set;
    const set = { id: this.#size++, labels, next: chain };
    this.#byHash.set(hash, set);
    return set;
  }

  #labels(tags: TagPairs): Labels {
    const { labels: fixed, dropTags, reservesLe } = this.#options;
    const kept = dropTags === "all" ? [] : dropTags.size === 0 ? tags : tags.filter(([tag]) => !dropTags.has(tag));
    const labels = labelsOf(kept, (dropped, label) => {
      this.#warnOnce(
        `label:${dropped}:${label}`,
        `tag "${dropped}" is left out: another tag of the same series already has its label name "${label}"; rename one of them`,
      );
    });
    if (fixed.length === 0 && !reservesLe) return labels;
    const free = labels.filter(([label]) => {
      const isTaken = label === "le" && reservesLe || fixed.some(([name]) => name === label);
      if (isTaken) {
        this.#warnOnce(`reserved:${label}`, `tag "${label}" is left out: k6d sets the label "${label}" itself`);
      }
      return !isTaken;
    });
    return [...free, ...fixed].sort(byName);
  }
}

/** A label set, and another of the same hash. */
interface ChainedSet extends LabelSet {
  readonly next: ChainedSet | undefined;
}

/** FNV-1a over all names and values. */
function hashOf(labels: Labels): number {
  let hash = 0x811c9dc5;
  for (const label of labels) {
    for (const text of label) {
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
      // No text has it: {a="bc"} and {ab="c"} differ.
      hash = Math.imul(hash ^ 0x1_0000, 0x01000193);
    }
  }
  // 31 bits, which V8 keeps without an object.
  return hash >>> 1;
}

function areEqual(some: Labels, others: Labels): boolean {
  return some.length === others.length &&
    some.every(([name, value], i) => name === others[i]![0] && value === others[i]![1]);
}
