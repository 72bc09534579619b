/** Which workers are stuck in a script's code: their event loops beat in shared memory, unless they don't get their turn. */

import { type SharedState, WorkerCell } from "../worker/shared_state.ts";

/** Whose code a worker runs. */
export interface RunningCode {
  readonly vu: number;
  /** Counts from 0, within the scenario. */
  readonly iteration: number;
  /** Place of the scenario in the plan; -1: `setup`, `teardown` and the like. */
  readonly scenario: number;
}

/** Watches the beats of all workers. */
export class Heartbeats {
  readonly #state: SharedState;
  readonly #beats: { count: number; sinceMs: number }[];

  constructor(state: SharedState, workers: number) {
    this.#state = state;
    this.#beats = Array.from({ length: workers }, () => ({ count: -1, sinceMs: 0 }));
  }

  /** For how long a worker has not beaten, as far as the calls of this method tell. */
  silentMs(worker: number, nowMs: number): number {
    const beats = this.#beats[worker]!;
    const count = this.#state.ofWorker(worker, WorkerCell.beats);
    if (count !== beats.count) {
      beats.count = count;
      beats.sinceMs = nowMs;
    }
    return nowMs - beats.sinceMs;
  }

  running(worker: number): RunningCode {
    return {
      vu: this.#state.ofWorker(worker, WorkerCell.currentVu),
      iteration: this.#state.ofWorker(worker, WorkerCell.currentIteration) - 1,
      scenario: this.#state.ofWorker(worker, WorkerCell.currentScenario),
    };
  }
}
