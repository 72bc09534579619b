import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { keepAlive } from "../support/keep_alive.ts";
import { type TimerEntry, Timers } from "../../src/worker/timers.ts";

function entry(onDue: () => void): TimerEntry {
  return { dueAtMs: 0, heapIndex: -1, timerDue: onDue };
}

Deno.test("entries come due in the order of their times, removed ones never", async () => {
  using _alive = keepAlive();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delayMs: fc.nat(8), removed: fc.boolean() }), { minLength: 1, maxLength: 40 }),
      async (plan) => {
        const timers = new Timers();
        const start = performance.now();
        const due: number[] = [];
        const kept = plan.filter(({ removed }) => !removed);
        const { promise, resolve } = Promise.withResolvers<void>();
        const all = plan.map(({ delayMs, removed }) => {
          const timer = entry(() => {
            assert(!removed, "a removed entry came due");
            assert(performance.now() >= start + delayMs, "an entry came due early");
            due.push(delayMs);
            if (due.length === kept.length) resolve();
          });
          timers.add(timer, start + delayMs);
          return timer;
        });
        plan.forEach(({ removed }, i) => removed && timers.remove(all[i]!));
        if (kept.length > 0) await promise;
        assertEquals(due, kept.map(({ delayMs }) => delayMs).sort((a, b) => a - b));
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("an entry can be added again when it has come due", async () => {
  using _alive = keepAlive();
  const timers = new Timers();
  const { promise, resolve } = Promise.withResolvers<void>();
  let times = 0;
  const timer = entry(() => {
    if (++times === 3) resolve();
    else timers.add(timer, performance.now() + 1);
  });
  timers.add(timer, performance.now());
  await promise;
  assertEquals(times, 3);
});
