/**
 * Random programs: whatever they compute, compiled they compute the same in the same order. `deno task property` runs
 * more of them, or those of one seed.
 */

import { assert, assertEquals } from "@std/assert";
import { runPrograms } from "./support/property_run.ts";

const PROGRAMS = 2000;

Deno.test("random programs do the same suspended as plain", async (test) => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await test.step(`${PROGRAMS} programs of seed ${seed}`, async () => {
    const { failure } = await runPrograms(seed, PROGRAMS);
    assertEquals(failure, undefined, failure);
  });
});

Deno.test("where functions can suspend they do; few calls block their thread", async (test) => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await test.step(`${PROGRAMS / 4} programs of seed ${seed}`, async () => {
    const { usage, failure } = await runPrograms(seed, PROGRAMS / 4, { without: ["twin"] });
    assertEquals(failure, undefined, failure);
    const sums = Object.values(usage);
    const suspended = sums.reduce((sum, { suspended }) => sum + suspended, 0);
    const blocked = sums.reduce((sum, { blocked }) => sum + blocked, 0);
    // Some: a function that a built-in hands back, one that asks for `new.target`.
    assert(blocked < suspended * 0.15, `${blocked} blocked, ${suspended} suspended`);
  });
});
