/** Alarms, and the pacer thread behind one of them. */

import { assert, assertEquals } from "@std/assert";
import { type Alarm, type AlarmMaker, pacerAlarm, PacerCells, waitAlarm } from "../../src/worker/alarm.ts";
import { keepAlive } from "../support/keep_alive.ts";

/** Wakes of an alarm as promises. */
class Wakes {
  readonly alarm: Alarm;
  #count = 0;
  #next = Promise.withResolvers<void>();

  constructor(make: AlarmMaker) {
    this.alarm = make(() => {
      this.#count++;
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    });
  }

  get count(): number {
    return this.#count;
  }

  next(): Promise<void> {
    return this.#next.promise;
  }
}

Deno.test("the plain alarm wakes once, for what it was set to last", async () => {
  using _alive = keepAlive();
  const wakes = new Wakes(waitAlarm);
  const startedAt = performance.now();
  wakes.alarm.set(startedAt + 60_000);
  wakes.alarm.set(startedAt + 5);
  await wakes.next();
  assert(performance.now() >= startedAt + 5);
  assertEquals(wakes.count, 1);
});

Deno.test("the plain alarm lets the event loop have its turn, even when it is always due", async () => {
  using _alive = keepAlive();
  let turned = false;
  setTimeout(() => turned = true, 0);
  const wakes = new Wakes(waitAlarm);
  while (!turned) {
    wakes.alarm.set(performance.now());
    await wakes.next();
  }
});

Deno.test("even distances are asked of the pacer once; it is told when they end", async () => {
  using _alive = keepAlive();
  const cells = new PacerCells(PacerCells.allocate(1));
  const wakes = new Wakes(pacerAlarm(cells, 0));
  const base = performance.now() + 10_000;
  wakes.alarm.set(base);
  assertEquals([cells.asked(0), cells.repeatMs(0)], [1, 0]);
  const woken = wakes.next();
  cells.signal(0);
  await woken;
  wakes.alarm.set(base + 0.5);
  assertEquals([cells.asked(0), cells.repeatMs(0)], [2, 0.5]);
  // What the pacer does by itself: nothing more to say.
  wakes.alarm.set(base + 0.5);
  assertEquals(cells.asked(0), 2);
  wakes.alarm.set(base + 700);
  assertEquals([cells.asked(0), cells.repeatMs(0)], [3, 0]);
  assertEquals(cells.wakeAt(0), performance.timeOrigin + base + 700);
});

Deno.test("the pacer thread wakes each worker in time, repeatedly if asked, and can be ended while it waits", async () => {
  using _alive = keepAlive();
  const buffer = PacerCells.allocate(2);
  const pacer = new Worker(new URL("../../src/worker/pacer_thread.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    pacer.postMessage(buffer);
    const cells = new PacerCells(buffer);
    const [first, second] = [0, 1].map((worker) => new Wakes(pacerAlarm(cells, worker)));
    const startedAt = performance.now();
    first!.alarm.set(startedAt + 20);
    second!.alarm.set(startedAt + 10);
    await second!.next();
    assert(performance.now() >= startedAt + 10 - CLOCK_ERROR_MS);
    assertEquals(first!.count, 0);
    await first!.next();
    assert(performance.now() >= startedAt + 20 - CLOCK_ERROR_MS);
    for (let tick = 1; tick <= 5; tick++) {
      first!.alarm.set(startedAt + 20 + tick);
      await first!.next();
    }
    assert(performance.now() >= startedAt + 25 - 1);
    const called = cells.nextCall(0);
    cells.call(0);
    await called;
  } finally {
    pacer.terminate();
  }
});

/** Threads tell the time from different origins. */
const CLOCK_ERROR_MS = 0.5;
