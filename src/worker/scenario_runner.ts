/** One worker's part of one scenario: lets virtual users begin iterations when the schedule says so. */

import {
  type ClosedSchedule,
  createSchedule,
  type OpenSchedule,
  scenarioVus,
  type Schedule,
} from "../executor/schedule.ts";
import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import type { TagSet } from "../metrics/tag_set.ts";
import type { Scenario } from "../options/types.ts";
import type { ScenarioPart } from "./messages.ts";
import { nowEpochMs, type WorkerRuntime } from "./runtime.ts";
import { ScenarioCell, WorkerCell } from "./shared_state.ts";
import type { TimerEntry } from "./timers.ts";
import type { PhaseFunction, PhaseListener, ScenarioContext, VirtualUser } from "./virtual_user.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Open models: how late an iteration has to be for another worker than the leading one to start it. */
const HELP_AFTER_MS = 4;

/** How often a worker looks whether the leading one is late. */
const HELP_CHECK_MS = 10;

/** How long a worker that had to help goes on starting iterations as they come due. */
const HELP_MS = 1000;

/** After this long an iteration is dropped even though some worker may have a virtual user for it: it is too busy to look. */
const DROP_AFTER_MS = 50;

/** Iterations that never suspend run in bursts of at most this long, so that the thread stays responsive. */
const BURST_MS = 10;

/** Where a runner gets its virtual users and what it tells. */
export interface ScenarioHost {
  /** A free virtual user, or null when there is none left that was planned. */
  takeUser(): VirtualUser | null;
  /** A virtual user that nobody planned; null when its init code fails, which ends the test. */
  createUser(): VirtualUser | null;
  returnUser(user: VirtualUser): void;
  /** Result of `setup` as JSON. */
  setupJson(): string | undefined;
  /** An iteration ended with an exception. */
  iterationFailed(user: VirtualUser, error: unknown): void;
  scenarioDone(index: number, interrupted: boolean): void;
  /** Calls `task` soon, after what waits in the event loop. */
  soon(task: () => void): void;
}

/** Runs a scenario's part. Life: `start` once, `stop` at any time; the host is told once when all is over. */
export class ScenarioRunner implements ScenarioContext {
  readonly index: number;
  readonly scenario: Scenario;
  readonly tags: TagSet;
  startedAtEpochMs = 0;
  readonly #runtime: WorkerRuntime;
  readonly #host: ScenarioHost;
  readonly #schedule: Schedule;
  readonly #part: ScenarioPart;
  readonly #env: Readonly<Record<string, string>> | null;
  readonly #loops: UserLoop[] = [];
  readonly #idle: UserLoop[] = [];
  readonly #iterationSeries: number;
  readonly #durationSeries: number;
  #startedAtMs = 0;
  #running = 0;
  #stopping = false;
  #interrupted = false;
  #done = false;
  /** Until when this worker starts iterations beside the leading one. */
  #helpsUntilMs = 0;
  #warnedInsufficient = false;
  /** Number of the iteration that was taken last. */
  #taken = 0;
  readonly #pacer: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#pace() };
  readonly #end: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#regularEnd() };
  readonly #grace: TimerEntry = { dueAtMs: 0, heapIndex: -1, isDeadline: true, timerDue: () => this.#interrupt(null) };

  constructor(
    runtime: WorkerRuntime,
    host: ScenarioHost,
    index: number,
    scenario: Scenario,
    part: ScenarioPart,
  ) {
    this.#runtime = runtime;
    this.#host = host;
    this.index = index;
    this.scenario = scenario;
    this.#schedule = createSchedule(scenario, () => this.#taken = runtime.state.takeIteration(index));
    this.#part = part;
    this.#env = Object.keys(scenario.env).length > 0 ? scenario.env : null;
    this.tags = runtime.tagsFor(scenario.name, scenario.tags);
    const tags = runtime.systemTags.has("group") ? this.tags.with("group", "") : this.tags;
    this.#iterationSeries = runtime.recorder.series(BUILTIN_METRIC_IDS.iterations, tags);
    this.#durationSeries = runtime.recorder.series(BUILTIN_METRIC_IDS.iteration_duration, tags);
  }

  get setupJson(): string | undefined {
    return this.#host.setupJson();
  }

  get runtime(): WorkerRuntime {
    return this.#runtime;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** `progress` of k6/execution: by iterations where their number is known, else by time. */
  progress(): number {
    const { scenario } = this;
    const { state } = this.#runtime;
    if (scenario.executor === "shared-iterations" || scenario.executor === "per-vu-iterations") {
      const total = scenario.executor === "shared-iterations"
        ? scenario.iterations
        : scenario.iterations * scenario.vus;
      return Math.min(1, state.scenarioTotal(this.index, ScenarioCell.iterationsEnded) / total);
    }
    return Math.min(1, this.elapsedMs() / this.#schedule.regularDurationMs);
  }

  /** Starts the scenario; `startedAtMs` is `performance.now()` time, now or a little earlier. */
  start(startedAtMs: number): void {
    this.#startedAtMs = startedAtMs;
    this.startedAtEpochMs = performance.timeOrigin + startedAtMs;
    for (let i = 0; i < this.#part.initialVus; i++) this.#adoptOne();
    const { timers } = this.#runtime;
    const endsAtMs = startedAtMs + this.#schedule.regularDurationMs;
    timers.add(this.#end, endsAtMs);
    timers.add(this.#grace, endsAtMs + this.scenario.gracefulStopMs);
    if (this.#schedule.model === "open") {
      this.#idle.push(...this.#loops);
      this.#pace();
    } else {
      this.#running = this.#loops.length;
      this.activeChanged(this.#running);
      if (this.#running === 0) this.#finish();
      else for (const loop of [...this.#loops]) loop.next();
    }
  }

  /**
   * Ends the scenario at once: nothing begins any more, what runs is interrupted; save that the iteration of `aborter`,
   * which ended the test itself, counts as complete.
   */
  stop(aborter: VirtualUser | null): void {
    if (this.#done) return;
    this.#interrupt(aborter);
  }

  /** Closed model: whether `loop` may begin another iteration; otherwise it is over. Hot. */
  mayBegin(loop: UserLoop): boolean {
    if (this.#stopping) return false;
    const begun = loop.user.iterationInScenario;
    if ((this.#schedule as ClosedSchedule).mayBegin(begun, this.elapsedMs())) return true;
    const dropped = (this.#schedule as ClosedSchedule).leftOver(begun);
    if (dropped > 0) this.#recordDropped(dropped);
    return false;
  }

  get isOpen(): boolean {
    return this.#schedule.model === "open";
  }

  /** A loop of a closed model will begin nothing more. */
  loopOver(): void {
    this.activeChanged(-1);
    if (--this.#running === 0) this.#finish();
  }

  /** A virtual user of an open model is free again. */
  userFree(loop: UserLoop): void {
    this.#running--;
    this.#idle.push(loop);
    // An open scenario lasts for its whole duration, even when its last iteration is over.
    if (this.#running === 0 && this.#stopping) this.#finish();
  }

  /** Prepares `user` for an iteration. Hot. */
  enter(user: VirtualUser): void {
    user.enter(this.tags);
    const numbered = this.isOpen || this.scenario.executor === "shared-iterations";
    user.iterationInTest = numbered ? this.#taken : this.#runtime.state.takeIteration(this.index);
  }

  /** Counts an iteration that came to its end. Hot. */
  iterationEnded(user: VirtualUser, endedAtMs: number): void {
    const { recorder, state, worker } = this.#runtime;
    const at = performance.timeOrigin + endedAtMs;
    const duration = endedAtMs - user.phaseStartedAtMs;
    user.setGroup("");
    const plain = user.baseTags === this.tags;
    recorder.record(
      plain ? this.#durationSeries : recorder.series(BUILTIN_METRIC_IDS.iteration_duration, user.tags),
      at,
      duration,
    );
    recorder.record(plain ? this.#iterationSeries : recorder.series(BUILTIN_METRIC_IDS.iterations, user.tags), at, 1);
    user.recordData(at);
    state.addToWorker(worker, WorkerCell.iterationsCompleted, 1);
    state.addToScenario(worker, this.index, ScenarioCell.iterationsEnded, 1);
    if (user.failed) this.#host.iterationFailed(user, user.error);
  }

  iterationInterrupted(user: VirtualUser): void {
    user.setGroup("");
    user.recordData(nowEpochMs());
    this.#runtime.state.addToWorker(this.#runtime.worker, WorkerCell.iterationsInterrupted, 1);
    this.#interrupted = true;
  }

  /** A closed model's virtual users are active until their loop is over, an open one's while they run an iteration. */
  activeChanged(amount: number): void {
    const { state, worker } = this.#runtime;
    state.addToWorker(worker, WorkerCell.vusActive, amount);
    state.addToScenario(worker, this.index, ScenarioCell.vusActive, amount);
  }

  soon(task: () => void): void {
    this.#host.soon(task);
  }

  #adoptOne(): UserLoop | null {
    const user = this.#host.takeUser() ?? this.#host.createUser();
    if (user === null) return null;
    user.context = this;
    user.iterationInScenario = 0;
    user.globals.__ENV = this.#env === null ? user.env : { ...user.env, ...this.#env };
    const exported = user.exports[this.scenario.exec] as PhaseFunction;
    const loop = new UserLoop(this, user, exported);
    this.#loops.push(loop);
    this.#runtime.state.addToScenario(this.#runtime.worker, this.index, ScenarioCell.vusHeld, 1);
    return loop;
  }

  /**
   * Starts every iteration that is due, then sleeps until the next. One worker leads, so that a rate that one thread can
   * keep costs no other thread its wake-ups; the others look now and then, and help while they find the leader late or
   * out of virtual users. Who starts an iteration claims its number first.
   */
  #pace(isLastCall = false): void {
    const schedule = this.#schedule as OpenSchedule;
    const { timers, state } = this.#runtime;
    while (!this.#stopping) {
      const next = state.iterationsTaken(this.index);
      if (next >= schedule.total) return;
      const now = performance.now();
      const dueAtMs = this.#startedAtMs + schedule.startOffsetMs(next);
      const leads = this.#part.leads || now < this.#helpsUntilMs;
      if (!isLastCall && now < dueAtMs + (leads ? 0 : HELP_AFTER_MS)) {
        timers.add(this.#pacer, leads ? dueAtMs : Math.max(dueAtMs + HELP_AFTER_MS, now + HELP_CHECK_MS));
        return;
      }
      const loop = this.#idle.pop() ?? this.#unplanned();
      if (loop === null && !isLastCall && now < dueAtMs + DROP_AFTER_MS && !this.#allBusy()) {
        // Another worker has a user to spare.
        timers.add(this.#pacer, now + 1);
        return;
      }
      if (!state.claimIteration(this.index, next)) {
        if (loop !== null) this.#idle.push(loop);
        continue;
      }
      if (now >= dueAtMs + HELP_AFTER_MS) this.#helpsUntilMs = now + HELP_MS;
      if (loop === null) this.#drop();
      else this.#startIteration(loop, next);
    }
  }

  #startIteration(loop: UserLoop, number: number): void {
    this.#taken = number;
    this.#running++;
    loop.next();
  }

  #unplanned(): UserLoop | null {
    return this.#loops.length < this.#part.maxVus ? this.#adoptOne() : null;
  }

  /** Whether no worker has a virtual user left for this scenario. */
  #allBusy(): boolean {
    return this.#runtime.state.scenarioTotal(this.index, ScenarioCell.vusActive) >= scenarioVus(this.scenario).max;
  }

  #drop(): void {
    this.#recordDropped(1);
    if (this.#warnedInsufficient) return;
    this.#warnedInsufficient = true;
    this.#warnInsufficient();
  }

  #warnInsufficient(): void {
    const { runtime, scenario } = this;
    if (!runtime.state.claimVusWarning(this.index)) return;
    const { max } = scenarioVus(scenario);
    runtime.log("warn", `Insufficient VUs, reached ${max} active VUs and cannot initialize more`, {
      executor: scenario.executor,
      scenario: scenario.name,
    });
  }

  #recordDropped(count: number): void {
    const { recorder } = this.#runtime;
    recorder.record(recorder.series(BUILTIN_METRIC_IDS.dropped_iterations, this.tags), nowEpochMs(), count);
  }

  #regularEnd(): void {
    if (this.#done) return;
    // What is due by now starts, or counts as dropped: no iteration of an open model is just forgotten.
    if (this.isOpen && this.#part.leads) this.#pace(true);
    this.#stopping = true;
    if (this.#running === 0) this.#finish();
  }

  #interrupt(aborter: VirtualUser | null): void {
    if (this.#done) return;
    this.#stopping = true;
    for (const loop of this.#loops) loop.drop(loop.user === aborter);
    this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    const { timers, state, worker } = this.#runtime;
    timers.remove(this.#pacer);
    timers.remove(this.#end);
    timers.remove(this.#grace);
    state.addToScenario(worker, this.index, ScenarioCell.vusHeld, -this.#loops.length);
    for (const loop of this.#loops) {
      loop.user.context = null;
      this.#host.returnUser(loop.user);
    }
    this.#host.scenarioDone(this.index, this.#interrupted);
  }
}

/** A virtual user in a scenario: begins iterations and sees them end. */
class UserLoop implements PhaseListener, TimerEntry {
  readonly user: VirtualUser;
  dueAtMs = 0;
  heapIndex = -1;
  readonly #runner: ScenarioRunner;
  readonly #exported: PhaseFunction;
  #inIteration = false;
  #over = false;

  constructor(runner: ScenarioRunner, user: VirtualUser, exported: PhaseFunction) {
    this.#runner = runner;
    this.user = user;
    this.#exported = exported;
  }

  /** Begins the next iteration, and further ones for as long as they end without suspending. Hot. */
  next(): void {
    const runner = this.#runner;
    const burstEndsAtMs = performance.now() + BURST_MS;
    for (;;) {
      if (this.#over) return;
      if (!runner.isOpen && !runner.mayBegin(this)) return this.#end();
      if (!this.#begin()) return;
      if (!this.#ended()) return;
      if (runner.isOpen) return;
      if (performance.now() >= burstEndsAtMs) {
        runner.soon(() => this.next());
        return;
      }
    }
  }

  phaseEnded(): void {
    if (this.#ended() && !this.#runner.isOpen) this.next();
  }

  /** Drops a running iteration, as complete or as interrupted, or the waiting for a minimum duration. */
  drop(isComplete: boolean): void {
    const runner = this.#runner;
    runner.runtime.timers.remove(this);
    if (this.#inIteration || (!runner.isOpen && !this.#over)) runner.activeChanged(-1);
    this.#over = true;
    if (!this.#inIteration) return;
    this.#inIteration = false;
    this.user.drop();
    if (isComplete) runner.iterationEnded(this.user, performance.now());
    else runner.iterationInterrupted(this.user);
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
  #ended(): boolean {
    if (!this.#inIteration) return false;
    const runner = this.#runner;
    const now = performance.now();
    this.#inIteration = false;
    if (runner.isOpen) runner.activeChanged(-1);
    runner.iterationEnded(this.user, now);
    const { minIterationDurationMs, noVuConnectionReuse } = runner.runtime.options;
    if (noVuConnectionReuse) this.user.http?.closeIdle();
    const minimumEndMs = this.user.phaseStartedAtMs + minIterationDurationMs;
    if (minIterationDurationMs > 0 && minimumEndMs > now && !runner.isStopping) {
      runner.runtime.timers.add(this, minimumEndMs);
      return false;
    }
    if (runner.isOpen) runner.userFree(this);
    return true;
  }

  #end(): void {
    this.#over = true;
    this.#runner.loopOver();
  }
}
