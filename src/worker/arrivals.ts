/**
 * The open model on one worker: starts every iteration when it is due. One worker leads, so that a rate that one thread
 * can keep costs no other thread its wake-ups. The others help when the leader calls them, because it is late or out of
 * virtual users; and they look now and then whether it can't even call. Who starts an iteration claims its place in the
 * schedule first.
 */

import { type OpenSchedule } from "../executor/schedule.ts";
import type { WorkerRuntime } from "./runtime.ts";
import { MOST_ARRIVALS, ScenarioCell } from "./shared_state.ts";
import type { TimerEntry } from "./timers.ts";
import type { UserLoop } from "./user_loop.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** An iteration that is so late is a reason to call for help, and for others to help uncalled. */
const LATE_MS = 10;

/** How often a worker looks whether the leading one is stuck. */
const LOOK_MS = 50;

/** How long a worker that was called, or had to help, starts iterations as they come due; twice as long each time that this was too short. */
const SHORTEST_HELP_MS = 500;
const LONGEST_HELP_MS = 60_000;

/** How often the leader calls. */
const CALL_MS = 100;

/** Iterations that are behind are started in bursts of at most this long, then the event loop has its turn. */
const BURST_MS = 10;

/** After this long an iteration is dropped even though some worker may have a virtual user for it: it is too busy to look. */
const DROP_AFTER_MS = 50;

/** More iterations than this that are left at the end, with no virtual users for them, are dropped at once. */
const MOST_DROPPED_SINGLY = 100_000;

/** Iterations further apart than this start each at its time, to a fraction of a millisecond: the pacer wakes the thread. */
const APART_MS = 0.75;

/** Closer ones start as the plain alarm wakes, every millisecond or so; if more would start together than so many, the pacer spreads them. */
const ALARM_MS = 1;
const MOST_TOGETHER = 8;

/** So many start together then. See docs/design/pacing.md. */
const SPREAD = 6;

/** What arrivals ask their scenario for. */
export interface ArrivalsHost {
  /** A new virtual user; null when there are enough, or one can't be made. */
  unplannedUser(): UserLoop | null;
  /** The iteration that was due `delayMs` ago starts now. */
  startIteration(loop: UserLoop, delayMs: number): void;
  dropIterations(count: number): void;
}

/** One scenario's arrivals. Life: `start`, then `end` or `stop`. */
export class Arrivals {
  readonly #runtime: WorkerRuntime;
  readonly #host: ArrivalsHost;
  readonly #scenario: number;
  readonly #schedule: OpenSchedule;
  /** Of iterations in the schedule. */
  readonly #total: number;
  readonly #leads: boolean;
  /** Virtual users of the scenario on all workers of this instance, at the most. */
  readonly #mostUsers: number;
  readonly #idle: UserLoop[] = [];
  #startedAtMs = 0;
  #stopped = false;
  /** Until when this worker starts iterations beside the leading one, and for how long it set out to do so. */
  #helpsUntilMs = 0;
  #helpMs = SHORTEST_HELP_MS;
  #calledAtMs = 0;
  /** Making virtual users takes at most half of the thread's time: the next one not before this. */
  #mayCreateAtMs = 0;
  readonly #next: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#startDue(false) };
  readonly #nextTogether: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#startDue(false) };
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
    this.#total = Math.min(schedule.total, MOST_ARRIVALS);
    this.#leads = leads;
    this.#mostUsers = mostUsers;
  }

  start(startedAtMs: number, users: readonly UserLoop[]): void {
    this.#startedAtMs = startedAtMs;
    this.#idle.push(...users);
    if (!this.#leads) this.#runtime.onCall(() => this.#called());
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
    this.#runtime.timers.remove(this.#nextTogether);
    this.#runtime.timers.remove(this.#lookOut);
  }

  /** Starts every iteration that is due, then sleeps until the next. Hot. */
  #startDue(isLastCall: boolean): void {
    const schedule = this.#schedule;
    const { state, timers, pacing } = this.#runtime;
    let now = performance.now();
    const burstEndsAtMs = now + BURST_MS;
    while (!this.#stopped) {
      const place = state.nextArrival(this.#scenario);
      if (place >= this.#total) return;
      if (now >= burstEndsAtMs && !isLastCall) {
        timers.add(this.#nextTogether, now);
        return;
      }
      const dueAtMs = this.#startedAtMs + schedule.startOffsetMs(place);
      const leads = this.#leads || now < this.#helpsUntilMs;
      if (!isLastCall && now < dueAtMs + (leads ? 0 : LATE_MS)) {
        if (leads) this.#sleepUntilNext(place, dueAtMs);
        else timers.add(this.#lookOut, Math.max(dueAtMs + LATE_MS, now + LOOK_MS));
        return;
      }
      const loop = this.#idle.pop() ?? this.#unplannedUser(now);
      if (loop === null && !isLastCall && now < dueAtMs + DROP_AFTER_MS && !this.#allBusy()) {
        // Another worker has a user to spare, or one may be made soon.
        this.#callForHelp(now);
        pacing.add(this.#next, now + 1);
        return;
      }
      const hopeless = isLastCall ? this.#total - place - this.#mostUsers : 0;
      const claimed = hopeless > MOST_DROPPED_SINGLY ? hopeless : 1;
      if (!state.claimArrival(this.#scenario, place, place + claimed)) {
        if (loop !== null) this.#idle.push(loop);
        now = performance.now();
        continue;
      }
      if (now >= dueAtMs + LATE_MS) {
        if (this.#leads) this.#callForHelp(now);
        else this.#help(now);
      }
      const isOverdue = now >= dueAtMs + LATE_MS && this.#isDue(place + this.#mostUsers, now);
      if (loop === null || isOverdue || claimed > 1) this.#host.dropIterations(claimed);
      else this.#host.startIteration(loop, now - dueAtMs);
      if (loop !== null && (isOverdue || claimed > 1)) this.#idle.push(loop);
      now = performance.now();
    }
  }

  /** If so, more iterations wait than there are virtual users: the thread's processor has too much to do. */
  #isDue(place: number, now: number): boolean {
    return place < this.#total && this.#startedAtMs + this.#schedule.startOffsetMs(place) <= now;
  }

  #callForHelp(now: number): void {
    if (now < this.#calledAtMs + CALL_MS) return;
    this.#calledAtMs = now;
    this.#runtime.callOthers();
  }

  /** Somebody called; it may have been for another scenario. */
  #called(): void {
    if (this.#stopped || this.#lookOut.heapIndex < 0) return;
    this.#runtime.timers.remove(this.#lookOut);
    this.#help(performance.now());
    this.#startDue(false);
  }

  #help(now: number): void {
    if (now < this.#helpsUntilMs) return;
    const wasTooShort = now < this.#helpsUntilMs + this.#helpMs;
    this.#helpMs = wasTooShort ? Math.min(2 * this.#helpMs, LONGEST_HELP_MS) : SHORTEST_HELP_MS;
    this.#helpsUntilMs = now + this.#helpMs;
  }

  /** Sets the alarm that fits the distance of the next iterations. */
  #sleepUntilNext(place: number, dueAtMs: number): void {
    const { timers, pacing } = this.#runtime;
    const last = Math.min(place + SPREAD, this.#total) - 1;
    const lastAtMs = last > place ? this.#startedAtMs + this.#schedule.startOffsetMs(last) : Infinity;
    const gapMs = (lastAtMs - dueAtMs) / (last - place);
    if (gapMs * MOST_TOGETHER < ALARM_MS) pacing.add(this.#next, lastAtMs);
    else if (gapMs < APART_MS) timers.add(this.#nextTogether, dueAtMs);
    else pacing.add(this.#next, dueAtMs);
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
