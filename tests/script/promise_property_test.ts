import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { runAsyncCompiled, runAsyncPlainly } from "./async_harness.ts";
import { comparable, promiseProgram } from "./promise_programs.ts";

Deno.test("random programs over promises do the same as in V8", async () => {
  await fc.assert(
    fc.asyncProperty(promiseProgram, async (source) => {
      assertEquals(comparable(await runAsyncCompiled(source)), comparable(await runAsyncPlainly(source)));
    }),
    { numRuns: 300 },
  );
});
