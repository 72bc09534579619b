/** Names and labels as Prometheus wants them: sanitised, sorted, without duplicates or empty parts. */

import type { TagPairs } from "../../metrics/types.ts";

/** A series' labels, sorted by name; names are unique and match `[a-zA-Z_][a-zA-Z0-9_]*`. */
export type Labels = readonly (readonly [name: string, value: string])[];

/** The name of an exported metric: `k6_`, the metric's own name, a suffix such as `_total`. */
export function exportedName(metric: string, suffix: string): string {
  return `k6_${metric}${suffix}`.replace(/[^a-zA-Z0-9_]/g, "_");
}

/**
 * A tag's name as a label name: `_` for every character that labels can't have (and before a leading digit); `k6tag` before
 * names in `__`, which Prometheus keeps for itself.
 */
export function sanitizeLabelName(name: string): string {
  const sanitized = name.replace(/[^a-zA-Z0-9_]/gu, "_");
  if (sanitized.startsWith("__")) return `k6tag${sanitized}`;
  return /^\d/.test(sanitized) ? `_${sanitized}` : sanitized;
}

/**
 * A series' tags as labels, without `__name__`. Where several tags get the same label name, the tag that is spelt like the label
 * wins, else the first by name; `onCollision` is told the tag that is left out.
 */
export function labelsOf(tags: TagPairs, onCollision: (dropped: string, label: string) => void): Labels {
  // Nearly all tags are labels as they are: then their pairs are shared.
  if (tags.every(isLabel)) return tags;
  const kept = tags.filter(([tag, value]) => tag !== "" && value !== "");
  if (kept.every(isLabel)) return kept;
  const chosen = new Map<string, TagPairs[number]>();
  for (const [tag, value] of kept) {
    const label = sanitizeLabelName(tag);
    const rival = chosen.get(label);
    if (rival === undefined) {
      chosen.set(label, [tag, value]);
    } else if (tag === label) {
      chosen.set(label, [tag, value]);
      onCollision(rival[0], label);
    } else {
      onCollision(tag, label);
    }
  }
  // Lone surrogates would be invalid UTF-8, for which receivers refuse the whole request.
  return Array.from(chosen, ([label, [, value]]) => [label, value.toWellFormed()] as const).sort(byName);
}

/** Whether a tag can be sent as it is. */
function isLabel([tag, value]: TagPairs[number]): boolean {
  return value !== "" && value.isWellFormed() && LABEL_NAME.test(tag);
}

/** What `sanitizeLabelName` leaves as it is. */
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Compares labels. Their names are ASCII, so code unit order is the byte order that the remote-write specification asks for. */
export function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
