/** What wakes a worker's event loop at a moment: Deno's timer, cheap and up to 2 ms late, or the pacer thread, precise. See docs/design/pacing.md. */

// Scripts find these gone from the global object.
const { clearTimeout, performance, setTimeout } = globalThis;
const { waitAsync } = Atomics;

/** Wakes once at the moment that it was set to last; it may wake early. */
export interface Alarm {
  /** `atMs` is `performance.now()` time; replaces what was set before. */
  set(atMs: number): void;
}

/** Makes an alarm that calls `wake`. */
export type AlarmMaker = (wake: () => void) => Alarm;

/** A longer `setTimeout` fires at once; waking early only sets the next one. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** `setTimeout`: whole milliseconds, rounded up. */
export function timeoutAlarm(wake: () => void): Alarm {
  let timeout: ReturnType<typeof setTimeout> | undefined;
  return {
    set(atMs) {
      if (timeout !== undefined) clearTimeout(timeout);
      timeout = setTimeout(wake, Math.min(Math.max(0, atMs - performance.now()), LONGEST_TIMEOUT_MS));
    },
  };
}

/** The pacer thread wakes `worker`, 0.1 to 0.4 ms late. */
export function pacerAlarm(cells: PacerCells, worker: number): AlarmMaker {
  return (wake) => {
    let listens = false;
    const woken = (): void => {
      listens = false;
      wake();
    };
    return {
      set(atMs) {
        // Listening comes first: no signal is missed.
        if (!listens) cells.nextSignal(worker).then(woken);
        listens = true;
        cells.ask(worker, performance.timeOrigin + atMs);
      },
    };
  };
}

/** Memory between the pacer thread and the workers that it wakes. */
export class PacerCells {
  readonly workers: number;
  readonly #cells: Int32Array;
  readonly #wakeAt: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.workers = buffer.byteLength / BYTES_PER_WORKER - 1;
    this.#cells = new Int32Array(buffer);
    this.#wakeAt = new Float64Array(buffer);
  }

  static allocate(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(BYTES_PER_WORKER * (workers + 1));
  }

  /** A worker asks to be woken; replaces what it has asked for before. */
  ask(worker: number, atEpochMs: number): void {
    this.#wakeAt[wakeAtIndex(worker)] = atEpochMs;
    Atomics.add(this.#cells, cellIndex(worker, Cell.asked), 1);
    Atomics.add(this.#cells, NEWS, 1);
    Atomics.notify(this.#cells, NEWS);
  }

  /** Resolves when `worker` is signalled from now on. */
  nextSignal(worker: number): Promise<unknown> {
    const index = cellIndex(worker, Cell.signals);
    const { value } = waitAsync(this.#cells, index, Atomics.load(this.#cells, index));
    return Promise.resolve(value);
  }

  // The pacer's side.

  /** Wakes a worker. */
  signal(worker: number): void {
    const index = cellIndex(worker, Cell.signals);
    Atomics.add(this.#cells, index, 1);
    Atomics.notify(this.#cells, index);
  }

  /** How often a worker has asked, 0 for never; to be read before `wakeAt`. */
  asked(worker: number): number {
    return Atomics.load(this.#cells, cellIndex(worker, Cell.asked));
  }

  /** What a worker has asked for last, epoch milliseconds. */
  wakeAt(worker: number): number {
    return this.#wakeAt[wakeAtIndex(worker)]!;
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

/** A worker's cells; its wish, a float64, comes before them. */
const enum Cell {
  asked = 2,
  signals = 3,
}

function wakeAtIndex(worker: number): number {
  return (worker + 1) * BYTES_PER_WORKER / Float64Array.BYTES_PER_ELEMENT;
}

function cellIndex(worker: number, cell: Cell): number {
  return (worker + 1) * BYTES_PER_WORKER / Int32Array.BYTES_PER_ELEMENT + cell;
}
