/** A virtual user in a scenario: begins iterations and sees them end. */

import type { PhaseFunction } from "./phase_driver.ts";
import type { ScenarioRunner } from "./scenario_runner.ts";
import type { TimerEntry } from "./timers.ts";
import type { PhaseListener, VirtualUser } from "./virtual_user.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Iterations that never suspend run in bursts of at most this long, so that others get their turn. */
const BURST_MS = 1;

/** Loops for a closed model, or does single iterations for an open one. */
export class UserLoop implements PhaseListener, TimerEntry {
  readonly user: VirtualUser;
  dueAtMs = 0;
  heapIndex = -1;
  readonly #runner: ScenarioRunner;
  readonly #exported: PhaseFunction;
  /** Closed model: whether it shall loop. */
  #wanted = false;
  /** Closed model: between its first iteration and the end of its last one. */
  #loops = false;
  #inIteration = false;
  #isQueued = false;
  /** The end of the grace for an iteration that nobody wants any more. */
  #rampDown: TimerEntry | null = null;

  constructor(runner: ScenarioRunner, user: VirtualUser, exported: PhaseFunction) {
    this.#runner = runner;
    this.user = user;
    this.#exported = exported;
  }

  /** Whether `next` is called soon anyway. */
  get isQueued(): boolean {
    return this.#isQueued;
  }

  /** Closed model: it shall loop. Returns whether it stood still, and `next` has to be called. */
  want(): boolean {
    this.#wanted = true;
    if (!this.#loops) return this.#loops = true;
    // It was finishing its last iteration.
    if (this.#rampDown !== null) this.#runner.runtime.timers.remove(this.#rampDown);
    return false;
  }

  /** Closed model: it shall stop, and its iteration, if one runs, shall end within `graceMs`. */
  unwant(graceMs: number): void {
    this.#wanted = false;
    if (!this.#loops) return;
    const { timers } = this.#runner.runtime;
    if (!this.#inIteration) {
      timers.remove(this);
      this.#stopLooping();
    } else if (graceMs === Infinity) {
      return;
    } else if (graceMs > 0) {
      this.#rampDown ??= { dueAtMs: 0, heapIndex: -1, isDeadline: true, timerDue: () => this.drop(false) };
      timers.add(this.#rampDown, performance.now() + graceMs);
    } else {
      this.drop(false);
    }
  }

  /** Begins the next iteration, and further ones of a closed model for as long as they end without suspending. Hot. */
  next(): void {
    const runner = this.#runner;
    this.#isQueued = false;
    let now = performance.now();
    const burstEndsAtMs = now + BURST_MS;
    for (;;) {
      if (!runner.isOpen) {
        // It may have been stopped while it waited for its turn.
        if (!this.#loops || this.#inIteration) return;
        if (!this.#wanted || !runner.mayBegin(this, now)) return this.#stopLooping();
      }
      if (!this.#begin()) return;
      now = performance.now();
      if (!this.#ended(now) || runner.isOpen) return;
      if (now >= burstEndsAtMs) return this.queue();
    }
  }

  /** Closed model: `next` is called soon. */
  queue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#runner.soon(this);
  }

  phaseEnded(): void {
    if (this.#ended(performance.now()) && !this.#runner.isOpen) this.next();
  }

  /** Drops a running iteration, as complete or as interrupted, or the waiting for a minimum duration. */
  drop(isComplete: boolean): void {
    const runner = this.#runner;
    runner.runtime.timers.remove(this);
    if (this.#rampDown !== null) runner.runtime.timers.remove(this.#rampDown);
    if (this.#inIteration) {
      this.#inIteration = false;
      this.user.drop();
      if (runner.isOpen) runner.activeChanged(-1);
      if (isComplete) runner.iterationEnded(this.user, performance.now());
      else runner.iterationInterrupted(this.user);
    }
    if (!runner.isOpen && this.#loops) this.#stopLooping();
  }

  /** The minimum duration is over. */
  timerDue(): void {
    if (this.#runner.isOpen) this.#runner.userFree(this);
    else this.next();
  }

  /** Returns whether the iteration ended at once. */
  #begin(): boolean {
    const { user } = this;
    this.#runner.enter(user);
    user.globals.__ITER = user.iterations++;
    user.iterationInScenario++;
    this.#inIteration = true;
    if (this.#runner.isOpen) this.#runner.activeChanged(1);
    const { setupJson } = this.#runner;
    // As in k6, what an iteration does to the data is gone with it.
    return user.run(this.#exported, setupJson === undefined ? undefined : JSON.parse(setupJson), this);
  }

  /** Books the iteration; returns whether the user is free for the next one. */
  #ended(now: number): boolean {
    if (!this.#inIteration) return false;
    const runner = this.#runner;
    const { timers, options } = runner.runtime;
    this.#inIteration = false;
    if (this.#rampDown !== null) timers.remove(this.#rampDown);
    if (runner.isOpen) runner.activeChanged(-1);
    runner.iterationEnded(this.user, now);
    if (options.noVuConnectionReuse) this.user.http?.closeIdle();
    const { minIterationDurationMs } = options;
    if (minIterationDurationMs > 0 && !runner.isStopping && (this.#wanted || runner.isOpen)) {
      const minimumEndMs = this.user.phaseStartedAtMs + minIterationDurationMs;
      if (minimumEndMs > now) {
        timers.add(this, minimumEndMs);
        return false;
      }
    }
    if (runner.isOpen) runner.userFree(this);
    return true;
  }

  #stopLooping(): void {
    this.#loops = false;
    this.#runner.loopOver(this);
  }
}
