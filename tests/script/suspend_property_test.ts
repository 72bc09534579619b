/**
 * Random programs: whatever they compute, compiled they compute the same in the same order. `deno task property` runs
 * more of them, or those of one seed.
 */

import { assertEquals } from "@std/assert";
import { runPrograms } from "./support/property_run.ts";

const PROGRAMS = 2000;

Deno.test("random programs do the same suspended as plain", async (test) => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await test.step(`${PROGRAMS} programs of seed ${seed}`, async () => {
    const { failure } = await runPrograms(seed, PROGRAMS);
    assertEquals(failure, undefined, failure);
  });
});
