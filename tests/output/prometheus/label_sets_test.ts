import { assert, assertEquals } from "@std/assert";
import type { TagPairs } from "../../../src/metrics/types.ts";
import { LabelSets } from "../../../src/output/prometheus/label_sets.ts";

const PLAIN = { labels: [], dropTags: new Set<string>(), reservesLe: false };

Deno.test("tags that come to the same labels have the same set", () => {
  const sets = new LabelSets(PLAIN, () => {});
  const set = sets.of([["a-b", "1"], ["c", ""]]);
  assertEquals(set.labels, [["a_b", "1"]]);
  assert(sets.of([["a_b", "1"]]) === set);
  assert(sets.of([["a b", "1"], ["x", ""]]) === set);
  assert(sets.of([["a_b", "2"]]) !== set);
});

Deno.test("names and values are not mixed up", () => {
  const sets = new LabelSets(PLAIN, () => {});
  const all: TagPairs[] = [[["a", "bc"]], [["ab", "c"]], [["a", "b"], ["c", "d"]], [["a", "bc"], ["d", "d"]], []];
  assertEquals(new Set(all.map((tags) => sets.of(tags))).size, all.length);
});

Deno.test("so many sets are told apart that some have the same hash, and each is found again", () => {
  const sets = new LabelSets(PLAIN, () => {});
  const count = 200_000;
  const tags = (i: number): TagPairs => [["n", `${i * 2_654_435_761 % 2 ** 32}`]];
  const found = Array.from({ length: count }, (_, i) => sets.of(tags(i)));
  assertEquals(new Set(found.map(({ id }) => id)).size, count);
  for (let i = 0; i < count; i += 7) assert(sets.of(tags(i)) === found[i]);
});
