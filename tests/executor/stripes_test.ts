import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { divide } from "../../src/executor/stripes.ts";

const weights = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 })
  .filter((all) => all.some((weight) => weight > 0));

Deno.test("the parts of all shares add up to the whole, for every total", () => {
  fc.assert(fc.property(weights, fc.nat(10_000), (all, total) => {
    const counts = divide(all).map((share) => share.count(total));
    assertEquals(counts.reduce((sum, count) => sum + count, 0), total);
  }));
});

Deno.test("every item belongs to exactly one share, and a share counts its own items", () => {
  fc.assert(fc.property(weights, (all) => {
    const shares = divide(all);
    const total = 2 * all.reduce((sum, weight) => sum + weight, 0) + 1;
    const owned = shares.flatMap((share) => Array.from({ length: share.count(total) }, (_, n) => share.item(n)));
    assertEquals(owned.sort((a, b) => a - b), Array.from({ length: total }, (_, item) => item));
  }));
});

Deno.test("a share is never more than one item away from its due", () => {
  fc.assert(fc.property(weights, fc.nat(1000), (all, total) => {
    const sum = all.reduce((a, b) => a + b, 0);
    divide(all).forEach((share, i) => {
      const due = (total * all[i]!) / sum;
      assertEquals(Math.abs(share.count(total) - due) <= all.length, true);
    });
  }));
});

Deno.test("equal shares take turns", () => {
  const [first, second] = divide([1, 1]);
  assertEquals([0, 1, 2].map((n) => first!.item(n)), [0, 2, 4]);
  assertEquals([0, 1, 2].map((n) => second!.item(n)), [1, 3, 5]);
});

Deno.test("a share of nothing owns nothing", () => {
  const [all, none] = divide([3, 0]);
  assertEquals(none!.count(100), 0);
  assertEquals(none!.item(0), Infinity);
  assertEquals(all!.count(100), 100);
});
