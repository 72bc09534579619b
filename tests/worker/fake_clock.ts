/**
 * Time that stands still until a test moves it on. Created, it takes the place of `performance.now()`, for every module that
 * reads the clock; disposed of, it gives it back.
 */

import type { Alarm, AlarmMaker } from "../../src/worker/alarm.ts";

/** A clock that starts at 1,000 ms. */
export class FakeClock implements Disposable {
  #now = 1000;
  readonly #alarms: FakeAlarm[] = [];
  readonly #real = performance.now;

  constructor() {
    performance.now = () => this.#now;
  }

  get now(): number {
    return this.#now;
  }

  /** Time passes while code computes. */
  spend(ms: number): void {
    this.#now += ms;
  }

  /** Makes alarms that ring as the clock passes. */
  readonly alarm: AlarmMaker = (wake) => {
    const alarm = new FakeAlarm(wake);
    this.#alarms.push(alarm);
    return alarm;
  };

  /** Moves the clock to `atMs` and rings on the way there; `afterEach` is called after each alarm. */
  advanceTo(atMs: number, afterEach: () => void): void {
    for (;;) {
      const next = this.#alarms.reduce((first, alarm) => alarm.atMs < first.atMs ? alarm : first);
      if (next.atMs > atMs) break;
      this.#now = Math.max(this.#now, next.atMs);
      next.ring();
      afterEach();
    }
    this.#now = atMs;
  }

  [Symbol.dispose](): void {
    performance.now = this.#real;
  }
}

class FakeAlarm implements Alarm {
  atMs = Infinity;
  readonly #wake: () => void;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  set(atMs: number): void {
    this.atMs = atMs;
  }

  ring(): void {
    this.atMs = Infinity;
    this.#wake();
  }
}
