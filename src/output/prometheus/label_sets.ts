/** The label sets of a run: tag sets as Prometheus wants them, each distinct one once. */

import type { TagPairs } from "../../metrics/types.ts";
import type { LabelSet } from "./exported_series.ts";
import { type Labels, labelsOf } from "./labels.ts";

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
  readonly #byTags = new Map<TagPairs, LabelSet>();
  readonly #byLabels = new Map<string, LabelSet>();

  /** `warnOnce` is told of tags that are left out; messages with a known key are to be ignored. */
  constructor(options: LabelOptions, warnOnce: (key: string, message: string) => void) {
    this.#options = options;
    this.#warnOnce = warnOnce;
  }

  /** The label set of a series' tags. */
  of(tags: TagPairs): LabelSet {
    let set = this.#byTags.get(tags);
    if (set === undefined) {
      const labels = this.#labels(tags);
      const key = JSON.stringify(labels);
      set = this.#byLabels.get(key);
      if (set === undefined) {
        set = { id: this.#byLabels.size, labels };
        this.#byLabels.set(key, set);
      }
      this.#byTags.set(tags, set);
    }
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
    return [...free, ...fixed].sort(([a], [b]) => a < b ? -1 : 1);
  }
}
