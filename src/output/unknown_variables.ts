/** Variables that look as if they set something of an output, and don't: a typing error would change a test in silence. */

import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** One line for each variable that begins with `family` and is not `known`, with the one that is meant most likely, if any is near. */
export function unknownVariables(
  env: Readonly<Record<string, string>>,
  family: string,
  known: readonly string[],
): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(family) && !known.includes(name))
    .map((name) => {
      const nearest = nearestOf(name, family, known);
      const advice = nearest === null ? "" : `; did you mean ${nearest}?`;
      return `the variable ${name} has no effect: there is no such setting${advice}`;
    });
}

function nearestOf(name: string, family: string, known: readonly string[]): string | null {
  const ending = name.slice(family.length - 1);
  const longer = known.find((each) => each.endsWith(ending) || (name !== family && each.startsWith(name)));
  if (longer !== undefined) return longer;
  const closest: string = closestString(name, known);
  const distance: number = levenshteinDistance(name, closest);
  return distance <= MOST_TYPOS ? closest : null;
}

const MOST_TYPOS = 3;
