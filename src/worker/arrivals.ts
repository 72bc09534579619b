/**
 * The open model on one worker: starts every iteration when it is due. One worker leads, so that a rate that one thread
 * can keep costs no other thread its wake-ups; the others look now and then, and help while they find the leader late or
 * out of virtual users. Who starts an iteration claims its place in the schedule first.
 */

import { type OpenSchedule } from "../executor/schedule.ts";
import type { WorkerRuntime } from "./runtime.ts";
import { ScenarioCell } from "./shared_state.ts";
import type { TimerEntry } from "./timers.ts";
import type { UserLoop } from "./user_loop.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** How late an iteration has to be for another worker than the leading one to start it. */
const HELP_AFTER_MS = 4;

/** How often a worker looks whether the leading one is late. */
const HELP_CHECK_MS = 10;

/** How long a worker that had to help goes on starting iterations as they come due. */
const HELP_MS = 1000;

/** After this long an iteration is dropped even though some worker may have a virtual user for it: it is too busy to look. */
const DROP_AFTER_MS = 50;

/** Iterations that are less than this apart are started together, at most so many; see docs/design/pacing.md. */
const TICK_MS = 1;
const MOST_IN_TICK = 4.5;

/** What arrivals ask their scenario for. */
export interface ArrivalsHost {
  /** A new virtual user; null when there are enough, or one can't be made. */
  unplannedUser(): UserLoop | null;
  /** The iteration that was due `delayMs` ago starts now. */
  startIteration(loop: UserLoop, delayMs: number): void;
  dropIteration(): void;
}

/** One scenario's arrivals. Life: `start`, then `end` or `stop`. */
export class Arrivals {
  readonly #runtime: WorkerRuntime;
  readonly #host: ArrivalsHost;
  readonly #scenario: number;
  readonly #schedule: OpenSchedule;
  readonly #leads: boolean;
  /** Virtual users of the scenario on all workers of this instance, at the most. */
  readonly #mostUsers: number;
  readonly #idle: UserLoop[] = [];
  #startedAtMs = 0;
  #stopped = false;
  /** Until when this worker starts iterations beside the leading one. */
  #helpsUntilMs = 0;
  /** Making virtual users takes at most half of the thread's time: the next one not before this. */
  #mayCreateAtMs = 0;
  readonly #next: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#startDue(false) };
  readonly #lookOut: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#startDue(false) };

  constructor(
    runtime: WorkerRuntime,
    host: ArrivalsHost,
    scenario: number,
    schedule: OpenSchedule,
    leads: boolean,
    mostUsers: number,
  ) {
    this.#runtime = runtime;
    this.#host = host;
    this.#scenario = scenario;
    this.#schedule = schedule;
    this.#leads = leads;
    this.#mostUsers = mostUsers;
  }

  start(startedAtMs: number, users: readonly UserLoop[]): void {
    this.#startedAtMs = startedAtMs;
    this.#idle.push(...users);
    this.#startDue(false);
  }

  /** A virtual user has nothing to do. */
  userFree(loop: UserLoop): void {
    this.#idle.push(loop);
  }

  /** The regular time is over: what is due by now starts, or counts as dropped; nothing is just forgotten. */
  end(): void {
    if (this.#leads) this.#startDue(true);
    this.stop();
  }

  /** Nothing starts any more. */
  stop(): void {
    this.#stopped = true;
    this.#runtime.pacing.remove(this.#next);
    this.#runtime.timers.remove(this.#lookOut);
  }

  /** Starts every iteration that is due, then sleeps until the next. Hot. */
  #startDue(isLastCall: boolean): void {
    const schedule = this.#schedule;
    const { state, timers, pacing } = this.#runtime;
    while (!this.#stopped) {
      const place = state.nextArrival(this.#scenario);
      if (place >= schedule.total) return;
      const now = performance.now();
      const dueAtMs = this.#startedAtMs + schedule.startOffsetMs(place);
      const leads = this.#leads || now < this.#helpsUntilMs;
      if (!isLastCall && now < dueAtMs + (leads ? 0 : HELP_AFTER_MS)) {
        if (leads) pacing.add(this.#next, this.#tickAtMs(place, dueAtMs));
        else timers.add(this.#lookOut, Math.max(dueAtMs + HELP_AFTER_MS, now + HELP_CHECK_MS));
        return;
      }
      const loop = this.#idle.pop() ?? this.#unplannedUser(now);
      if (loop === null && !isLastCall && now < dueAtMs + DROP_AFTER_MS && !this.#allBusy()) {
        // Another worker has a user to spare, or one may be made soon.
        pacing.add(this.#next, now + 1);
        return;
      }
      if (!state.claimArrival(this.#scenario, place)) {
        if (loop !== null) this.#idle.push(loop);
        continue;
      }
      if (now >= dueAtMs + HELP_AFTER_MS) this.#helpsUntilMs = now + HELP_MS;
      if (loop === null) this.#host.dropIteration();
      else this.#host.startIteration(loop, now - dueAtMs);
    }
  }

  /**
   * When to wake for the iteration at `place`: at its time, or a little later together with those that follow closely. A
   * wake-up costs about as much as ten iterations, so a tick is as short as it can be without doubling their cost.
   */
  #tickAtMs(place: number, dueAtMs: number): number {
    if (place + 1 >= this.#schedule.total) return dueAtMs;
    const gapMs = this.#startedAtMs + this.#schedule.startOffsetMs(place + 1) - dueAtMs;
    return gapMs >= TICK_MS ? dueAtMs : dueAtMs + Math.min(TICK_MS, MOST_IN_TICK * gapMs) - gapMs;
  }

  #unplannedUser(now: number): UserLoop | null {
    if (now < this.#mayCreateAtMs) return null;
    const loop = this.#host.unplannedUser();
    if (loop !== null) {
      const done = performance.now();
      this.#mayCreateAtMs = done + (done - now);
    }
    return loop;
  }

  /** Whether no worker has a virtual user left for this scenario. */
  #allBusy(): boolean {
    return this.#runtime.state.scenarioTotal(this.#scenario, ScenarioCell.vusActive) >= this.#mostUsers;
  }
}
