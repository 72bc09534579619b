/** How late a worker's event loop is: what virtual users' computations cost all the others of their thread. */

import { TrendSink } from "../metrics/sinks.ts";

/** Milliseconds. */
export interface LagFigures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Compares the times of an interval with what they should be. */
export class EventLoopLag {
  readonly #intervalMs: number;
  readonly #sink = new TrendSink();
  #lastMs = NaN;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  beat(nowMs: number): void {
    const lagMs = nowMs - this.#lastMs - this.#intervalMs;
    this.#lastMs = nowMs;
    if (!Number.isNaN(lagMs)) this.#sink.add(Math.max(0, lagMs), 0);
  }

  figures(): LagFigures {
    return { p50: this.#sink.quantile(0.5), p99: this.#sink.quantile(0.99), max: this.#sink.max };
  }
}
