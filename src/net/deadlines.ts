/**
 * Deadlines of everything that a worker has in flight, behind one timer. Requests share few different timeouts, so
 * there is one queue per timeout: entries of a queue expire in the order in which they began, adding and removing
 * take constant time, and the timer is only touched when an earlier deadline than the next one appears.
 */

// Scripts find these gone from the global object.
const { clearTimeout, performance, setTimeout } = globalThis;

/** Something that can expire. The links belong to `Deadlines`. */
export abstract class Expiring {
  /** In `performance.now()`'s milliseconds. */
  deadline = 0;
  queue: DeadlineQueue | null = null;
  sooner: Expiring | null = null;
  later: Expiring | null = null;

  /** Called when the deadline has passed; the entry is no longer queued then. */
  abstract expire(): void;
}

/** Entries with the same timeout, the first one expiring first. */
interface DeadlineQueue {
  first: Expiring | null;
  last: Expiring | null;
}

/** The deadlines of one worker. */
export class Deadlines {
  readonly #queues = new Map<number, DeadlineQueue>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = Infinity;
  /** So many queues are a reason to look for empty ones. */
  #dropAt = 64;

  /** How many different timeouts are remembered. */
  get queues(): number {
    return this.#queues.size;
  }

  /** Makes `entry` expire `timeoutMs` after `startedAt`, now or before, unless it is removed. */
  add(entry: Expiring, startedAt: number, timeoutMs: number): void {
    let queue = this.#queues.get(timeoutMs);
    if (queue === undefined) {
      // A script may choose every timeout anew: queues that ran empty must not pile up.
      if (this.#queues.size >= this.#dropAt) this.#dropEmptyQueues();
      this.#queues.set(timeoutMs, queue = { first: null, last: null });
    }
    entry.deadline = startedAt + timeoutMs;
    entry.queue = queue;
    // Nearly always the last one; a request that is sent again began before others.
    let sooner = queue.last;
    while (sooner !== null && sooner.deadline > entry.deadline) sooner = sooner.sooner;
    entry.sooner = sooner;
    entry.later = sooner === null ? queue.first : sooner.later;
    if (sooner === null) queue.first = entry;
    else sooner.later = entry;
    if (entry.later === null) queue.last = entry;
    else entry.later.sooner = entry;
    if (entry.deadline < this.#timerAt) this.#arm(entry.deadline, performance.now());
  }

  /** Takes an entry out; does nothing when it isn't queued. */
  remove(entry: Expiring): void {
    const queue = entry.queue;
    if (queue === null) return;
    if (entry.sooner === null) queue.first = entry.later;
    else entry.sooner.later = entry.later;
    if (entry.later === null) queue.last = entry.sooner;
    else entry.later.sooner = entry.sooner;
    entry.queue = null;
    entry.sooner = null;
    entry.later = null;
  }

  /** Stops the timer; nothing expires any more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Infinity;
  }

  #arm(at: number, now: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = at;
    // Longer delays than a timer can hold are split: an early wake-up arms it again.
    this.#timer = setTimeout(() => this.#sweep(), Math.min(at - now, 2 ** 31 - 1));
  }

  #sweep(): void {
    this.#timer = null;
    this.#timerAt = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const queue of this.#queues.values()) {
      for (let entry = queue.first; entry !== null && entry.deadline <= now; entry = queue.first) {
        this.remove(entry);
        entry.expire();
      }
      if (queue.first !== null && queue.first.deadline < next) next = queue.first.deadline;
    }
    if (next < this.#timerAt) this.#arm(next, now);
  }

  #dropEmptyQueues(): void {
    for (const [timeoutMs, queue] of this.#queues) {
      if (queue.first === null) this.#queues.delete(timeoutMs);
    }
    // Twice what is in use, so that looking costs little per added queue.
    this.#dropAt = Math.max(64, 2 * this.#queues.size);
  }
}
