/**
 * All waiting of one worker in one binary heap behind a single alarm: ten thousand sleeping virtual users cost ten
 * thousand heap entries and one timer.
 */

import { type Alarm, type AlarmMaker, waitAlarm } from "./alarm.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Something that waits for a moment; it is in at most one heap at a time. */
export interface TimerEntry {
  /** `performance.now()` at which `timerDue` is wanted. */
  dueAtMs: number;
  /** Place in the heap, -1 outside of it. Belongs to the heap. */
  heapIndex: number;
  /** Whether it ends what virtual users do: such an entry is due even while the thread is blocked, and runs no script. */
  readonly isDeadline?: boolean;
  timerDue(): void;
}

/** A heap of timer entries, earliest first. */
export class Timers {
  readonly #heap: TimerEntry[] = [];
  readonly #deadlines = new Set<TimerEntry>();
  readonly #alarm: Alarm;
  #wakeAtMs = Infinity;

  constructor(makeAlarm: AlarmMaker = waitAlarm) {
    this.#alarm = makeAlarm(() => this.#run());
  }

  /** Adds an entry, due at `dueAtMs` (`performance.now()` time). Hot. */
  add(entry: TimerEntry, dueAtMs: number): void {
    entry.dueAtMs = dueAtMs;
    this.#siftUp(entry, this.#heap.length);
    if (entry.isDeadline === true) this.#deadlines.add(entry);
    if (dueAtMs < this.#wakeAtMs) this.#arm();
  }

  /** Takes an entry out; nothing happens when it is not in. */
  remove(entry: TimerEntry): void {
    const index = entry.heapIndex;
    if (index < 0) return;
    entry.heapIndex = -1;
    if (entry.isDeadline === true) this.#deadlines.delete(entry);
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    if (last.dueAtMs < entry.dueAtMs) this.#siftUp(last, index);
    else this.#siftDown(last, index);
  }

  /** For a blocked thread: runs the deadlines that are due; returns when the next one is, or Infinity. */
  runDeadlines(nowMs: number): number {
    let nextAtMs = Infinity;
    for (const entry of [...this.#deadlines]) {
      if (entry.heapIndex < 0) continue;
      if (entry.dueAtMs <= nowMs) {
        this.remove(entry);
        entry.timerDue();
      } else if (entry.dueAtMs < nextAtMs) {
        nextAtMs = entry.dueAtMs;
      }
    }
    return nextAtMs;
  }

  #run(): void {
    this.#wakeAtMs = Infinity;
    const now = performance.now();
    let first = this.#heap[0];
    while (first !== undefined && first.dueAtMs <= now) {
      this.remove(first);
      first.timerDue();
      first = this.#heap[0];
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueAtMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = first.dueAtMs;
    this.#alarm.set(first.dueAtMs);
  }

  #siftUp(entry: TimerEntry, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (above.dueAtMs <= entry.dueAtMs) break;
      heap[index] = above;
      above.heapIndex = index;
      index = parent;
    }
    heap[index] = entry;
    entry.heapIndex = index;
  }

  #siftDown(entry: TimerEntry, from: number): void {
    const heap = this.#heap;
    const length = heap.length;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1]!.dueAtMs < heap[child]!.dueAtMs) child++;
      const below = heap[child]!;
      if (below.dueAtMs >= entry.dueAtMs) break;
      heap[index] = below;
      below.heapIndex = index;
      index = child;
    }
    heap[index] = entry;
    entry.heapIndex = index;
  }
}
