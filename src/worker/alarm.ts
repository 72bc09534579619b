/**
 * What wakes a worker's event loop at a moment: the time limit of an `Atomics.waitAsync`, cheap and up to 1.5 ms late, or the
 * pacer thread, precise. See docs/design/pacing.md.
 */

// Scripts find these gone from the global object.
const { performance } = globalThis;
const { waitAsync } = Atomics;

/** Wakes once at the moment that it was set to last; it may wake early. */
export interface Alarm {
  /** `atMs` is `performance.now()` time; replaces what was set before. */
  set(atMs: number): void;
}

/** Makes an alarm that calls `wake`. */
export type AlarmMaker = (wake: () => void) => Alarm;

/** Longer waits are cut short: who is woken early only waits again. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** A wait of 0 would not let the event loop have its turn. */
const SHORTEST_WAIT_MS = 0.01;

/** Whole milliseconds of Deno's clock, rounded up; half the price of `setTimeout`, and earlier by a millisecond. */
export function waitAlarm(wake: () => void): Alarm {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let waits = 0;
  let isWaiting = false;
  return {
    set(atMs) {
      const wait = ++waits;
      // Ends the wait before, which then sees that it is outdated.
      if (isWaiting) Atomics.notify(cell, 0);
      isWaiting = true;
      const limitMs = Math.min(Math.max(SHORTEST_WAIT_MS, atMs - performance.now()), LONGEST_WAIT_MS);
      Promise.resolve(waitAsync(cell, 0, 0, limitMs).value).then(() => {
        if (wait !== waits) return;
        isWaiting = false;
        wake();
      });
    },
  };
}

/** The pacer goes on by itself with wake-ups that are at most this far apart: telling it each time costs it a wake-up more. */
const LONGEST_REPEAT_MS = 2;

/** How much earlier and later than asked for the pacer's own next wake-up may be; it takes longer than that to arrive. */
const EARLIER_MS = 0.02;
const LATER_MS = 0.1;

/**
 * The pacer thread wakes `worker`, 0.1 to 0.4 ms late. Wake-ups at even distances are asked for once: the pacer repeats the
 * last distance until it is told otherwise.
 */
export function pacerAlarm(cells: PacerCells, worker: number): AlarmMaker {
  return (wake) => {
    let listens = false;
    // What was asked for last, and what the pacer does after it by itself.
    let askedAt = -Infinity;
    let repeatMs = 0;
    let isSet = false;
    const woken = (): void => {
      listens = isSet = false;
      wake();
      if (!isSet) cells.stopRepeating(worker);
      if (!isSet) repeatMs = 0;
    };
    return {
      set(atMs) {
        // Listening comes first: no signal is missed.
        if (!listens) cells.nextSignal(worker).then(woken);
        listens = isSet = true;
        if (repeatMs > 0) {
          const passed = Math.max(0, Math.ceil((performance.now() - askedAt) / repeatMs));
          const comesAt = askedAt + passed * repeatMs;
          if (comesAt >= atMs - EARLIER_MS && comesAt <= atMs + LATER_MS) return;
        }
        const distanceMs = atMs - askedAt;
        askedAt = atMs;
        repeatMs = distanceMs > 0 && distanceMs <= LONGEST_REPEAT_MS ? distanceMs : 0;
        cells.ask(worker, performance.timeOrigin + atMs, repeatMs);
      },
    };
  };
}

/** Memory between the pacer thread and the workers that it wakes. */
export class PacerCells {
  readonly workers: number;
  readonly #cells: Int32Array;
  readonly #times: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.workers = buffer.byteLength / BYTES_PER_WORKER - 1;
    this.#cells = new Int32Array(buffer);
    this.#times = new Float64Array(buffer);
  }

  static allocate(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(BYTES_PER_WORKER * (workers + 1));
  }

  /** A worker asks to be woken, and then every `repeatMs` if that is more than 0; replaces what it has asked for before. */
  ask(worker: number, atEpochMs: number, repeatMs: number): void {
    this.#times[timeIndex(worker)] = atEpochMs;
    this.#times[timeIndex(worker) + 1] = repeatMs;
    Atomics.add(this.#cells, cellIndex(worker, Cell.asked), 1);
    Atomics.add(this.#cells, NEWS, 1);
    Atomics.notify(this.#cells, NEWS);
  }

  stopRepeating(worker: number): void {
    this.#times[timeIndex(worker) + 1] = 0;
  }

  /** Resolves when the pacer wakes `worker` from now on. */
  nextSignal(worker: number): Promise<unknown> {
    return this.#next(cellIndex(worker, Cell.signals));
  }

  /** A worker wakes another one. */
  call(worker: number): void {
    this.#wake(cellIndex(worker, Cell.calls));
  }

  /** Resolves when another worker calls from now on. */
  nextCall(worker: number): Promise<unknown> {
    return this.#next(cellIndex(worker, Cell.calls));
  }

  #next(index: number): Promise<unknown> {
    const { value } = waitAsync(this.#cells, index, Atomics.load(this.#cells, index));
    return Promise.resolve(value);
  }

  // The pacer's side.

  /** Wakes a worker. */
  signal(worker: number): void {
    this.#wake(cellIndex(worker, Cell.signals));
  }

  #wake(index: number): void {
    Atomics.add(this.#cells, index, 1);
    Atomics.notify(this.#cells, index);
  }

  /** How often a worker has asked, 0 for never; to be read before `wakeAt`. */
  asked(worker: number): number {
    return Atomics.load(this.#cells, cellIndex(worker, Cell.asked));
  }

  /** What a worker has asked for last, epoch milliseconds. */
  wakeAt(worker: number): number {
    return this.#times[timeIndex(worker)]!;
  }

  /** What comes after that; 0: nothing. */
  repeatMs(worker: number): number {
    return this.#times[timeIndex(worker) + 1]!;
  }

  /** How often all workers have asked. */
  news(): number {
    return Atomics.load(this.#cells, NEWS);
  }

  /** Blocks the thread until a worker asks after `news` times, or for `limitMs`. */
  waitForNews(news: number, limitMs: number): void {
    Atomics.wait(this.#cells, NEWS, news, limitMs);
  }
}

/** A cache line for the pacer and one for each worker, so that they don't slow one another down. */
const BYTES_PER_WORKER = 64;

const NEWS = 0;

/** A worker's cells; the times that it asks for, two float64s, come before them. */
const enum Cell {
  asked = 4,
  signals = 5,
  calls = 6,
}

function timeIndex(worker: number): number {
  return (worker + 1) * BYTES_PER_WORKER / Float64Array.BYTES_PER_ELEMENT;
}

function cellIndex(worker: number, cell: Cell): number {
  return (worker + 1) * BYTES_PER_WORKER / Int32Array.BYTES_PER_ELEMENT + cell;
}
