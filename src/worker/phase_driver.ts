/**
 * Drives the code of one phase (init code, an iteration, `setup`, `teardown`): the coroutine that runs, and what is to
 * run after it, one thing at a time.
 */

import { isPromise, promiseStatus } from "../script/promise.ts";
import { withoutFrames } from "../script/stack_trace.ts";
import { type Coroutine, type Resumable, suspendingForm, type Suspension } from "../script/suspension.ts";
import { EventLoop, UncaughtRejection } from "./event_loop.ts";
import { isThrown } from "./thrown.ts";
import type { Timers } from "./timers.ts";

/** Is told when a phase that did not end at once has ended. */
export interface DriverListener {
  phaseEnded(driver: PhaseDriver): void;
}

/** A script function as the driver sees it. */
export type PhaseFunction = (...args: unknown[]) => unknown;

/** Runs phases, one at a time. */
export abstract class PhaseDriver implements Resumable {
  /** How the last phase ended. A promise stands for what it was fulfilled with. */
  result: unknown = undefined;
  error: unknown = undefined;
  failed = false;
  /** Whether the phase that runs, or ran last, was dropped. */
  dropped = false;
  #listener: DriverListener | null = null;
  #coroutine: Coroutine | null = null;
  #pending: Suspension | null = null;
  /** Made when the script first makes a promise or a timer: a script without them pays one null test. */
  #loop: EventLoop | null = null;
  /** Nothing runs, but something will: a timer or an answer from outside is waited for. */
  #isWaiting = false;

  /** This driver's code is about to run. Hot. */
  protected abstract entering(): void;

  /** No code of this driver runs any more, until the next `entering`. Hot. */
  protected abstract leaving(): void;

  /** The timers of this worker. */
  protected abstract get timers(): Timers;

  /** Promise jobs and timers of the phase that runs. */
  get loop(): EventLoop {
    return this.#loop ??= new EventLoop(this.timers, () => this.#wake());
  }

  /**
   * Runs a phase. Returns true when it ended at once (then `listener` is not called), false when it did not.
   * `result`, `error` and `failed` tell the outcome either way. Hot.
   */
  protected drive(fn: PhaseFunction, argument: unknown, listener: DriverListener): boolean {
    const isOver = this.#begin(fn, argument, listener);
    this.leaving();
    return isOver;
  }

  #begin(fn: PhaseFunction, argument: unknown, listener: DriverListener): boolean {
    this.entering();
    this.result = this.error = undefined;
    this.failed = false;
    this.dropped = false;
    this.#listener = listener;
    const suspending = suspendingForm(fn);
    if (suspending === undefined) {
      try {
        this.result = fn(argument);
      } catch (error) {
        this.#fail(error);
      }
      if (this.#loop !== null) return this.#turn();
      return true;
    }
    this.#coroutine = suspending.call(undefined, argument);
    return this.#advance(undefined, false);
  }

  resume(value: unknown): void {
    const isOver = this.#advance(value, false);
    this.leaving();
    if (isOver) this.#listener!.phaseEnded(this);
  }

  resumeWithError(error: unknown): void {
    const isOver = this.#advance(error, true);
    this.leaving();
    if (isOver) this.#listener!.phaseEnded(this);
  }

  /**
   * Drops the running phase: nothing of it is ever resumed, no `catch` or `finally` of the script runs, and its jobs,
   * timers and what it waits for are given up.
   */
  drop(): void {
    this.dropped = true;
    this.#coroutine = null;
    this.#isWaiting = false;
    const pending = this.#pending;
    this.#pending = null;
    pending?.cancel?.();
    this.#loop?.clear();
  }

  #advance(value: unknown, isError: boolean): boolean {
    const coroutine = this.#coroutine;
    if (coroutine === null) return false;
    this.entering();
    this.#pending = null;
    try {
      const step = isError ? coroutine.throw!(value) : coroutine.next(value);
      if (step.done !== true) {
        // The script may have ended its own phase (`exec.test.abort()`): then nothing more is begun.
        if (this.#coroutine === null) return false;
        this.#pending = step.value;
        step.value.begin(this);
        return false;
      }
      this.result = step.value;
    } catch (error) {
      if (this.#coroutine === null) return false;
      this.#fail(error);
    }
    this.#coroutine = null;
    if (this.#loop !== null) return this.#turn();
    return true;
  }

  /** The code that ran has ended: runs what comes after it. Returns whether the phase is over. */
  #turn(): boolean {
    const loop = this.#loop!;
    if (this.dropped) {
      loop.clear();
      return false;
    }
    if (!loop.isMainDone) {
      loop.isMainDone = true;
      loop.mainResult = this.result;
    }
    loop.beginTurn();
    try {
      for (let job = this.failed ? null : loop.next(); job !== null; job = loop.next()) {
        if (this.#suspends(job.start()) || this.dropped) return false;
        if (loop.interruptsTurn()) {
          this.#isWaiting = true;
          return false;
        }
      }
    } catch (error) {
      this.#coroutine = null;
      this.#fail(error);
    }
    if (this.dropped) return false;
    if (!this.failed && loop.awaitMore()) {
      this.#isWaiting = true;
      return false;
    }
    this.#settleResult(loop.mainResult);
    loop.clear();
    return true;
  }

  /** The result of a phase that was init code; fails the phase when it awaits what never comes. */
  protected exportsOfInit(): Readonly<Record<string, unknown>> | undefined {
    // To await it is all that anybody can do about a promise of the init code.
    if (isThrown(this.error, UncaughtRejection)) this.error = this.error.reason;
    if (!this.failed && this.result === undefined) {
      this.#fail(withoutFrames(new Error("the init code awaits a promise that nothing will ever settle")));
    }
    return this.result as Readonly<Record<string, unknown>> | undefined;
  }

  #settleResult(result: unknown): void {
    this.result = result;
    if (!isPromise(result)) return;
    const status = promiseStatus(result);
    this.result = status.state === "fulfilled" ? status.value : undefined;
    if (status.state === "rejected" && !this.failed) this.#fail(new UncaughtRejection(status.value));
  }

  /** Begins a job's coroutine; returns whether it has not come to its end. */
  #suspends(coroutine: Coroutine | null): boolean {
    if (coroutine === null) return false;
    this.#coroutine = coroutine;
    const step = coroutine.next();
    if (this.#coroutine === null) return true;
    if (step.done === true) {
      this.#coroutine = null;
      return false;
    }
    this.#pending = step.value;
    step.value.begin(this);
    return true;
  }

  #wake(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.entering();
    const isOver = this.#turn();
    this.leaving();
    if (isOver) this.#listener!.phaseEnded(this);
  }

  #fail(error: unknown): void {
    this.error = error;
    this.failed = true;
  }
}
