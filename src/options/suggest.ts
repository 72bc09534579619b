/** "Did you mean …?" for mistyped names. */

import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** The known name that `given` most likely stands for; undefined when none is near. */
export function suggest(given: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest: string = closestString(given, known);
  const distance: number = levenshteinDistance(given.toLowerCase(), nearest.toLowerCase());
  return distance <= Math.max(2, Math.floor(given.length / 3)) && distance < given.length ? nearest : undefined;
}

/** `; did you mean …?` to hang on a message, or nothing. */
export function didYouMean(given: string, known: readonly string[], prefix = ""): string {
  const nearest = suggest(given, known);
  return nearest === undefined ? "" : `; did you mean ${prefix}${nearest}?`;
}
