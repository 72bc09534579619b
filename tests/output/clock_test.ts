import { assert, assertEquals } from "@std/assert";
import { jittered, systemClock, ticks } from "../../src/output/clock.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("ticks come at their times; those that work overlaps are left out", async () => {
  const clock = new FakeClock();
  const startMs = clock.now();
  const stopping = new AbortController();
  const workMs = [0, 25, 3, 0];
  const seenMs: number[] = [];
  const ticking = (async () => {
    for await (const atMs of ticks(clock, startMs + 5, 10, stopping.signal)) {
      seenMs.push(atMs - startMs);
      await clock.sleep(workMs.shift() ?? 0, stopping.signal);
    }
  })();
  await clock.advance(60);
  stopping.abort();
  await ticking;
  assertEquals(seenMs, [5, 15, 45, 55]);
});

Deno.test("a jittered wait is half to all of it", () => {
  for (let i = 0; i < 1000; i++) {
    const ms = jittered(100);
    assert(ms >= 50 && ms <= 100, `${ms}`);
  }
});

Deno.test("the clock goes on as before when the system's leaps", () => {
  const { now } = Date;
  const beforeMs = systemClock.now();
  try {
    for (const leapMs of [3_600_000, -3_600_000]) {
      Date.now = () => now() + leapMs;
      const passedMs = systemClock.now() - beforeMs;
      assert(passedMs >= 0 && passedMs < 60_000, `${passedMs} ms`);
    }
  } finally {
    Date.now = now;
  }
});
