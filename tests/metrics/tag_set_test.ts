import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { TagSet } from "../../src/metrics/tag_set.ts";

const name = fc.oneof(fc.constantFrom("a", "b", "status", "url"), fc.string({ minLength: 1, maxLength: 4 }));
const value = fc.oneof(fc.constantFrom("", "200", "x"), fc.string({ maxLength: 4 }));
const tags = fc.uniqueArray(fc.tuple(name, value), { selector: ([name]) => name, maxLength: 8 });

Deno.test("the same tags in any order are the same set", () => {
  const shuffled = tags.chain((tags) =>
    fc.tuple(fc.constant(tags), fc.shuffledSubarray(tags, { minLength: tags.length }))
  );
  const root = TagSet.root();
  fc.assert(fc.property(shuffled, ([tags, otherwise]) => {
    assertStrictEquals(root.withAll(tags), root.withAll(otherwise));
  }));
});

Deno.test("sets with different tags are different", () => {
  const root = TagSet.root();
  fc.assert(fc.property(tags, tags, (left, right) => {
    const same = JSON.stringify([...left].sort()) === JSON.stringify([...right].sort());
    assertEquals(root.withAll(left) === root.withAll(right), same);
  }));
});

Deno.test("a set behaves like a map sorted by name", () => {
  const step = fc.record({ name, value: fc.option(value, { nil: undefined }) });
  const root = TagSet.root();
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const model = new Map<string, string>();
    let set = root;
    for (const { name, value } of steps) {
      if (value === undefined) model.delete(name);
      else model.set(name, value);
      set = value === undefined ? set.without(name) : set.with(name, value);
      assertEquals(set.get(name), value);
    }
    assertEquals(set.toPairs(), [...model].sort(([a], [b]) => a < b ? -1 : 1));
    assertStrictEquals(set, root.withAll([...model]));
  }));
});

Deno.test("a set may have more tags than the stack is deep", () => {
  const pairs = Array.from({ length: 100_000 }, (_, i): [string, string] => [`tag${i}`, "x"]);
  const set = TagSet.root().with("zone", "eu").withAll(pairs).with("method", "GET");
  assertEquals(set.toPairs().length, 100_002);
  assertEquals([set.get("method"), set.get("tag99999"), set.get("zone")], ["GET", "x", "eu"]);
});

Deno.test("ids count the sets of a tree from 0", () => {
  const root = TagSet.root();
  assertEquals(root.id, 0);
  assertEquals(root.with("a", "1").id, 1);
  assertEquals(root.with("a", "2").id, 2);
  assertEquals(root.with("a", "1").id, 1);
  assertEquals(root.with("a", "1").with("b", "1").id, 3);
});

Deno.test("an empty value is a tag like any other; an empty name is none", () => {
  const root = TagSet.root();
  assertEquals(root.with("group", "").toPairs(), [["group", ""]]);
  assertStrictEquals(root.with("", "x"), root);
  assertEquals(root.get(""), undefined);
});

Deno.test("trees share nothing", () => {
  const [one, other] = [TagSet.root(), TagSet.root()];
  assertNotStrictEquals(one.with("a", "1"), other.with("a", "1"));
  assert(one.with("a", "1").id === other.with("a", "1").id);
});
