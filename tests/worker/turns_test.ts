import { assert, assertEquals } from "@std/assert";
import { type Turn, Turns } from "../../src/worker/turns.ts";

Deno.test("turns are taken in the order in which they were asked for, also those asked for meanwhile", async () => {
  const turns = new Turns();
  const taken: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const user = (id: number): Turn => ({
    next() {
      taken.push(id);
      if (taken.length === 9) resolve();
      else if (taken.length < 7) turns.add(this);
    },
  });
  for (const id of [1, 2, 3]) turns.add(user(id));
  await promise;
  assertEquals(taken, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
});

Deno.test("users that always want another turn don't keep the event loop from its own", async () => {
  const turns = new Turns();
  let stopped = false;
  let taken = 0;
  const busy: Turn = {
    next() {
      taken++;
      if (!stopped) turns.add(busy);
    },
  };
  turns.add(busy);
  await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise((resolve) => setTimeout(resolve, 0));
  stopped = true;
  assert(taken > 0);
});
