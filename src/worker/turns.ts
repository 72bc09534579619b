/** Virtual users whose code never suspends take turns, and between two rounds the event loop has its own. */

import { setImmediate } from "node:timers";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Turns are taken for this long before the event loop is looked after. */
const ROUND_MS = 10;

/** Something that waits for its turn on the thread. */
export interface Turn {
  next(): void;
}

/** First come, first served. */
export class Turns {
  #waiting: Turn[] = [];
  /** What is being served, and how far. */
  #served: Turn[] = [];
  #index = 0;
  #isScheduled = false;
  readonly #round = (): void => this.#takeTurns();

  /** Gives `turn` its turn soon, after what waits in the event loop. */
  add(turn: Turn): void {
    this.#waiting.push(turn);
    this.#schedule();
  }

  #takeTurns(): void {
    this.#isScheduled = false;
    const endsAtMs = performance.now() + ROUND_MS;
    do {
      if (this.#index === this.#served.length) {
        [this.#served, this.#waiting] = [this.#waiting, this.#served];
        this.#waiting.length = this.#index = 0;
      }
      this.#served[this.#index++]?.next();
    } while (this.#hasMore() && performance.now() < endsAtMs);
    if (this.#hasMore()) this.#schedule();
  }

  #hasMore(): boolean {
    return this.#index < this.#served.length || this.#waiting.length > 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#round);
  }
}
