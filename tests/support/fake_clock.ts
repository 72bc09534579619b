/** Time for tests of what waits. */

import type { Clock } from "../../src/output/clock.ts";

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  nowMs = 1_700_000_000_000;
  #sleepers: { readonly wakeMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { wakeMs: this.nowMs + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      });
    });
  }

  /** Lets time pass, with a stop at every moment for which something waits. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.wakeMs - b.wakeMs)[0];
      if (next === undefined || next.wakeMs > untilMs) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.nowMs = Math.max(this.nowMs, next.wakeMs);
      next.wake();
      await settle();
    }
    this.nowMs = untilMs;
  }
}

/** Lets everything happen that does not wait for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}
