/** The times under which values are sent: strictly rising for each series, and within what receivers take. */

import type { Clock } from "../clock.ts";
import type { SeriesState } from "./series_state.ts";

/** How far timestamps may be ahead of the time, ms; Prometheus takes ten minutes, and clocks differ a little. */
const AHEAD_MS = 5 * 60_000;

/** Chooses the timestamps of series; `SeriesState.sentMs` holds the last one that was chosen. */
export class Timestamps {
  readonly #clock: Clock;
  /** Added to the times of samples when the receiver's clock and this machine's differ too much. */
  #shiftMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whole epoch milliseconds. */
  now(): number {
    return Math.floor(this.#clock.now() + this.#shiftMs);
  }

  /**
   * For news: the time of the newest sample, or one millisecond after what was sent last. Samples of a clock that leapt ahead
   * count as of now. Hot.
   */
  forNews(states: readonly SeriesState[]): void {
    const nowMs = this.now();
    const latestMs = nowMs + AHEAD_MS;
    for (let i = 0; i < states.length; i++) {
      const state = states[i]!;
      const newestMs = state.newestMs + this.#shiftMs;
      state.sentMs = Math.max(newestMs > latestMs ? nowMs : newestMs, state.sentMs + 1);
    }
  }

  /** For the end of series: one millisecond after now, as in k6, so that no sample of the run has the same time. */
  forEnds(states: readonly SeriesState[]): void {
    const nowMs = this.now();
    for (const state of states) state.sentMs = Math.max(nowMs, state.sentMs) + 1;
  }

  /**
   * After the receiver refused the last timestamps: now, which is later than what another run wrote before; `takenMs` are the last
   * timestamps that may have been stored.
   */
  again(states: readonly SeriesState[], takenMs: readonly number[]): void {
    const nowMs = this.now();
    for (const [index, state] of states.entries()) {
      // What is refused for being too far ahead can't have been stored.
      const taken = state.sentMs > nowMs + AHEAD_MS ? Math.min(takenMs[index]!, nowMs) : state.sentMs;
      state.sentMs = Math.max(nowMs, taken + 1);
    }
  }

  /** Takes the receiver's time for right, having refused ours, when they are far apart; returns by how much ours was ahead, ms, or 0. */
  follow(receiverTimeMs: number): number {
    const aheadMs = this.now() - receiverTimeMs;
    if (Math.abs(aheadMs) < AHEAD_MS) return 0;
    this.#shiftMs -= aheadMs;
    return aheadMs;
  }
}
