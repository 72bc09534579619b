/**
 * What a virtual user has still to do besides the code that runs: promise jobs, timers, and results of what goes on
 * outside. A virtual user gets one when it first makes a promise or a timer. One thing runs at a time, to its end; all
 * jobs run before the next timer or result.
 */

import type { Job, JobQueue } from "../script/jobs.ts";
import { newPromise, rejectPromise, resolvePromise, type ScriptPromise } from "../script/promise.ts";
import { type Coroutine, suspendingForm } from "../script/suspension.ts";
import type { TimerEntry, Timers } from "./timers.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Jobs that go on and on give the worker's other users their turn after this long, as do iterations without any wait. */
const TURN_MS = 10;

/** Looking at the clock costs as much as a job. */
const JOBS_BETWEEN_LOOKS = 128;

/** A promise was rejected and nobody handled it: ends the phase. */
export class UncaughtRejection extends Error {
  override name = "UncaughtRejection";

  constructor(readonly reason: unknown) {
    super("Uncaught (in promise)");
  }
}

/** The end of something that went on outside of the script, with the promise that it settles. */
export interface Outside<T> {
  /** For the script. */
  readonly promise: Promise<T>;
  /** Fulfils the promise, unless its phase is over. May be called from anywhere, also at once. */
  resolve(value: T): void;
  /** Rejects it, unless its phase is over. */
  reject(reason: unknown): void;
}

type Callback = (...args: unknown[]) => unknown;

/** One virtual user's event loop. */
export class EventLoop implements JobQueue, TimerEntry {
  dueAtMs = 0;
  heapIndex = -1;
  /** Whether the code of the phase itself (the default function) has returned, and what. */
  isMainDone = false;
  mainResult: unknown = undefined;
  readonly #heap: Timers;
  readonly #wake: () => void;
  readonly #jobs = new Fifo<Job>();
  readonly #results = new Fifo<Result>();
  /** Rejected without a handler since the last look. */
  readonly #rejected = new Map<object, unknown>();
  /** By due time, then in the order of their making. */
  #timers: ScriptTimer[] = [];
  readonly #outside = new Set<OutsideResult>();
  #lastTimer = 0;
  /** Timers due by then run before the worker's other users get their turn. */
  #turnAtMs = 0;
  #jobsOfTurn = 0;

  /** @param wake Is called when there is something to run; a phase that waits goes on then. */
  constructor(heap: Timers, wake: () => void) {
    this.#heap = heap;
    this.#wake = wake;
  }

  push(job: Job): void {
    this.#jobs.add(job);
  }

  rejected(promise: object, reason: unknown): void {
    this.#rejected.set(promise, reason);
  }

  handled(promise: object): void {
    this.#rejected.delete(promise);
  }

  /** A promise for something that goes on outside; it keeps the phase running. `cancel` is called when that is dropped. */
  outside<T>(cancel: () => void): Outside<T> {
    const outside = new OutsideResult(cancel, (settled, value, isError) => {
      if (!this.#outside.delete(settled)) return;
      this.#results.add({ promise: settled.scriptPromise, value, isError, arrivedAtMs: performance.now() });
      this.#wake();
    });
    this.#outside.add(outside);
    return outside as unknown as Outside<T>;
  }

  /** `setTimeout` or, with an interval, `setInterval`. Returns the timer's number. */
  addTimer(callback: Callback, delayMs: number, args: readonly unknown[], isInterval: boolean): number {
    const id = ++this.#lastTimer;
    this.#insert({ id, dueAtMs: performance.now() + delayMs, intervalMs: isInterval ? delayMs : -1, callback, args });
    return id;
  }

  /** Takes a timer back; nothing happens when there is none of that number. */
  clearTimer(id: number): void {
    const index = this.#timers.findIndex((timer) => timer.id === id);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  /** A turn begins: `next` hands out what is due by now. */
  beginTurn(): void {
    this.#turnAtMs = performance.now();
    this.#jobsOfTurn = 0;
  }

  /** Whether others should have their turn first; then `wake` is called soon. */
  interruptsTurn(): boolean {
    if (++this.#jobsOfTurn % JOBS_BETWEEN_LOOKS !== 0) return false;
    const now = performance.now();
    if (now - this.#turnAtMs < TURN_MS) return false;
    this.#heap.remove(this);
    this.#heap.add(this, now);
    return true;
  }

  /** What is to run next, or null: then the turn is over. Throws `UncaughtRejection`. */
  next(): Job | null {
    const job = this.#jobs.take();
    if (job !== null) return job;
    if (this.#rejected.size > 0) {
      const [reason] = this.#rejected.values();
      this.#rejected.clear();
      throw new UncaughtRejection(reason);
    }
    const result = this.#results.first;
    const timer = this.#timers[0];
    if (timer !== undefined && timer.dueAtMs <= (result?.arrivedAtMs ?? this.#turnAtMs)) return this.#fire(timer);
    return result === null ? null : this.#settle(this.#results.take()!);
  }

  /** Whether something will happen yet; then `wake` is called for it. */
  awaitMore(): boolean {
    const [timer] = this.#timers;
    if (timer !== undefined) {
      this.#heap.remove(this);
      this.#heap.add(this, timer.dueAtMs);
    }
    return timer !== undefined || this.#outside.size > 0;
  }

  timerDue(): void {
    this.#wake();
  }

  /** The phase is over, or dropped: nothing of it happens any more. */
  clear(): void {
    this.isMainDone = false;
    this.mainResult = undefined;
    this.#jobs.clear();
    this.#results.clear();
    this.#rejected.clear();
    this.#timers = [];
    this.#heap.remove(this);
    const dropped = [...this.#outside];
    this.#outside.clear();
    for (const outside of dropped) outside.cancel();
  }

  #insert(timer: ScriptTimer): void {
    let index = this.#timers.length;
    while (index > 0 && this.#timers[index - 1]!.dueAtMs > timer.dueAtMs) index--;
    this.#timers.splice(index, 0, timer);
  }

  #fire(timer: ScriptTimer): Job {
    this.#timers.shift();
    if (timer.intervalMs >= 0) this.#insert({ ...timer, dueAtMs: performance.now() + timer.intervalMs });
    return new TimerJob(timer);
  }

  #settle({ promise, value, isError }: Result): Job {
    return {
      start() {
        if (isError) rejectPromise(promise, value);
        else resolvePromise(promise, value);
        return null;
      },
    };
  }
}

interface ScriptTimer {
  readonly id: number;
  readonly dueAtMs: number;
  /** Negative for one that fires once. */
  readonly intervalMs: number;
  readonly callback: Callback;
  readonly args: readonly unknown[];
}

interface Result {
  readonly promise: ScriptPromise;
  readonly value: unknown;
  readonly isError: boolean;
  readonly arrivedAtMs: number;
}

class TimerJob implements Job {
  readonly #timer: ScriptTimer;

  constructor(timer: ScriptTimer) {
    this.#timer = timer;
  }

  start(): Coroutine | null {
    const { callback, args } = this.#timer;
    const form = suspendingForm(callback);
    if (form !== undefined) return form(...args);
    callback(...args);
    return null;
  }
}

class OutsideResult {
  readonly scriptPromise = newPromise();
  readonly cancel: () => void;
  readonly #settled: (outside: OutsideResult, value: unknown, isError: boolean) => void;

  constructor(cancel: () => void, settled: (outside: OutsideResult, value: unknown, isError: boolean) => void) {
    this.cancel = cancel;
    this.#settled = settled;
  }

  get promise(): ScriptPromise {
    return this.scriptPromise;
  }

  resolve(value: unknown): void {
    this.#settled(this, value, false);
  }

  reject(reason: unknown): void {
    this.#settled(this, reason, true);
  }
}

/** First in, first out. */
class Fifo<T> {
  #items: T[] = [];
  #taken = 0;

  get first(): T | null {
    return this.#items[this.#taken] ?? null;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  take(): T | null {
    if (this.#taken === this.#items.length) return null;
    const item = this.#items[this.#taken++]!;
    if (this.#taken === this.#items.length) {
      this.#items.length = this.#taken = 0;
    } else if (this.#taken >= 1024) {
      // A chain of jobs that goes on and on must not keep those that ran.
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#taken = 0;
  }
}
