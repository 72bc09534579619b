/** One worker's part of one scenario: lets virtual users begin iterations when the schedule says so. */

import { VuRamp } from "../executor/ramp.ts";
import { type ClosedSchedule, createSchedule, scenarioVus, type Schedule } from "../executor/schedule.ts";
import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import type { TagSet } from "../metrics/tag_set.ts";
import type { Scenario } from "../options/types.ts";
import { Arrivals, type ArrivalsHost } from "./arrivals.ts";
import type { ScenarioPart } from "./messages.ts";
import type { PhaseFunction } from "./phase_driver.ts";
import { nowEpochMs, type WorkerRuntime } from "./runtime.ts";
import { scriptEnv } from "./script_env.ts";
import { ScenarioCell, WorkerCell } from "./shared_state.ts";
import type { TimerEntry } from "./timers.ts";
import type { Turn } from "./turns.ts";
import { UserLoop } from "./user_loop.ts";
import type { ScenarioContext, VirtualUser } from "./virtual_user.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Virtual users begin in bursts of at most this long, so that the thread stays responsive. */
const BURST_MS = 10;

/** How often to look whether a virtual user whose init code awaits is there. */
const INIT_CHECK_MS = 10;

/** Virtual users of the whole test. */
export interface VuControl {
  readonly vus: number;
  readonly maxVus: number;
}

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
  /** Gives `turn` its turn soon, after what waits in the event loop. */
  soon(turn: Turn): void;
}

/** Runs a scenario's part. Life: `start` once, `stop` at any time; the host is told once when all is over. */
export class ScenarioRunner implements ScenarioContext, ArrivalsHost {
  readonly index: number;
  readonly scenario: Scenario;
  readonly tags: TagSet;
  startedAtEpochMs = 0;
  readonly runtime: WorkerRuntime;
  /** Whether iterations start at times of their own. */
  readonly isOpen: boolean;
  readonly #host: ScenarioHost;
  readonly #schedule: Schedule;
  readonly #part: ScenarioPart;
  readonly #env: Readonly<Record<string, string>> | null;
  readonly #loops: UserLoop[] = [];
  readonly #arrivals: Arrivals | null;
  /** How the number of virtual users changes, where it does so by plan. */
  readonly #ramp: VuRamp | null;
  /** What was asked for last, where the number is controlled from outside. */
  #control: VuControl | null;
  readonly #iterationSeries: number;
  readonly #durationSeries: number;
  readonly #delaySeries: number;
  #startedAtMs = 0;
  /** Closed model: virtual users that shall loop, the first of `#loops`. */
  #wanted = 0;
  /** Closed model: loops that are not over; open model: iterations that run, and waits for a minimum duration. */
  #running = 0;
  #stopping = false;
  #isStopped = false;
  #interrupted = false;
  #done = false;
  #warnedInsufficient = false;
  /** Number of the iteration that was taken last. */
  #taken = 0;
  readonly #nextStep: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#changeVus() };
  readonly #end: TimerEntry = { dueAtMs: 0, heapIndex: -1, timerDue: () => this.#regularEnd() };
  readonly #grace: TimerEntry = { dueAtMs: 0, heapIndex: -1, isDeadline: true, timerDue: () => this.#interrupt(null) };

  constructor(
    runtime: WorkerRuntime,
    host: ScenarioHost,
    index: number,
    scenario: Scenario,
    part: ScenarioPart,
  ) {
    const { state, recorder, segment, vuShare } = runtime;
    this.runtime = runtime;
    this.#host = host;
    this.index = index;
    this.scenario = scenario;
    this.#part = part;
    const schedule = createSchedule(scenario, segment, () => this.#taken = state.takeIteration(index));
    this.#schedule = schedule;
    this.isOpen = schedule.model === "open";
    this.#arrivals = schedule.model === "open"
      ? new Arrivals(runtime, this, index, schedule, part.leads, segment.count(scenarioVus(scenario).max))
      : null;
    this.#ramp = scenario.executor === "ramping-vus" ? new VuRamp(scenario.startVus, scenario.stages, vuShare) : null;
    this.#control = scenario.executor === "externally-controlled" ? scenario : null;
    this.#env = Object.keys(scenario.env).length > 0 ? scenario.env : null;
    this.tags = runtime.tagsFor(scenario.name, scenario.tags);
    const tags = runtime.systemTags.has("group") ? this.tags.with("group", "") : this.tags;
    this.#iterationSeries = recorder.series(BUILTIN_METRIC_IDS.iterations, tags);
    this.#durationSeries = recorder.series(BUILTIN_METRIC_IDS.iteration_duration, tags);
    this.#delaySeries = this.isOpen ? recorder.series(BUILTIN_METRIC_IDS.iteration_start_delay, tags) : -1;
  }

  get setupJson(): string | undefined {
    return this.#host.setupJson();
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  /** `progress` of k6/execution: by iterations where their number is known, else by time. */
  progress(): number {
    const { scenario } = this;
    const { state, segment } = this.runtime;
    if (scenario.executor === "shared-iterations" || scenario.executor === "per-vu-iterations") {
      const total = scenario.executor === "shared-iterations"
        ? segment.count(scenario.iterations)
        : scenario.iterations * segment.count(scenario.vus);
      return Math.min(1, state.scenarioTotal(this.index, ScenarioCell.iterationsEnded) / total);
    }
    return Math.min(1, (performance.now() - this.#startedAtMs) / this.#schedule.regularDurationMs);
  }

  /** Starts the scenario; `startedAtMs` is `performance.now()` time, now or a little earlier. */
  start(startedAtMs: number): void {
    this.#startedAtMs = startedAtMs;
    this.startedAtEpochMs = performance.timeOrigin + startedAtMs;
    for (let i = 0; i < this.#part.initialVus; i++) this.#adoptOne();
    const { timers } = this.runtime;
    const endsAtMs = startedAtMs + this.#schedule.regularDurationMs;
    timers.add(this.#end, endsAtMs);
    timers.add(this.#grace, endsAtMs + this.scenario.gracefulStopMs);
    if (this.#arrivals !== null) this.#arrivals.start(startedAtMs, this.#loops);
    else if (this.#lastsItsTime) this.#changeVus();
    else if (this.#loops.length > 0) this.#want(this.#loops.length);
    else this.#finish();
  }

  /** Changes the whole test's number of virtual users of an externally controlled scenario. */
  control(control: VuControl): void {
    if (this.#control === null) return;
    this.#control = control;
    if (this.#startedAtMs > 0 && !this.#stopping) this.#changeVus();
  }

  /**
   * Ends the scenario at once: nothing begins any more, what runs is interrupted; save that the iteration of `aborter`,
   * which ended the test itself, counts as complete.
   */
  stop(aborter: VirtualUser | null): void {
    this.#isStopped = true;
    this.#interrupt(aborter);
  }

  /** Closed model: whether `loop` may begin another iteration; otherwise it is over. Hot. */
  mayBegin(loop: UserLoop, now: number): boolean {
    return !this.#stopping &&
      (this.#schedule as ClosedSchedule).mayBegin(loop.user.iterationInScenario, now - this.#startedAtMs);
  }

  /** A loop of a closed model will begin nothing more, for now. */
  loopOver(loop: UserLoop): void {
    // A test that was stopped has dropped none.
    const dropped = this.#isStopped ? 0 : (this.#schedule as ClosedSchedule).leftOver(loop.user.iterationInScenario);
    if (dropped > 0) this.#recordDropped(dropped);
    this.activeChanged(-1);
    if (--this.#running === 0 && (this.#stopping || !this.#lastsItsTime)) this.#finish();
  }

  /** A virtual user of an open model is free again. */
  userFree(loop: UserLoop): void {
    this.#running--;
    this.#arrivals!.userFree(loop);
    // An open scenario lasts for its whole duration, even when its last iteration is over.
    if (this.#running === 0 && this.#stopping) this.#finish();
  }

  /** Prepares `user` for an iteration. Hot. */
  enter(user: VirtualUser): void {
    user.enter(this.tags);
    // The schedule of shared iterations has taken the number before.
    user.iterationInInstance = this.scenario.executor === "shared-iterations"
      ? this.#taken
      : this.runtime.state.takeIteration(this.index);
  }

  /** Counts an iteration that came to its end. Hot. */
  iterationEnded(user: VirtualUser, endedAtMs: number): void {
    const { recorder, state, worker } = this.runtime;
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
    this.runtime.state.addToWorker(this.runtime.worker, WorkerCell.iterationsInterrupted, 1);
    this.#interrupted = true;
  }

  /** A closed model's virtual users are active until their loop is over, an open one's while they run an iteration. */
  activeChanged(amount: number): void {
    const { state, worker } = this.runtime;
    state.addToWorker(worker, WorkerCell.vusActive, amount);
    state.addToScenario(worker, this.index, ScenarioCell.vusActive, amount);
  }

  soon(loop: UserLoop): void {
    this.#host.soon(loop);
  }

  // What arrivals ask for.

  startIteration(loop: UserLoop, delayMs: number): void {
    this.runtime.recorder.metadata = null;
    this.runtime.recorder.record(this.#delaySeries, nowEpochMs(), delayMs);
    this.#running++;
    loop.next();
  }

  unplannedUser(): UserLoop | null {
    return this.#loops.length < this.#part.maxVus ? this.#adoptOne() : null;
  }

  dropIterations(count: number): void {
    this.#recordDropped(count);
    if (this.#warnedInsufficient) return;
    this.#warnedInsufficient = true;
    const { runtime, scenario } = this;
    if (!runtime.state.claimVusWarning(this.index)) return;
    const most = runtime.segment.count(scenarioVus(scenario).max);
    runtime.log("warn", `Insufficient VUs, reached ${most} active VUs and cannot initialize more`, {
      executor: scenario.executor,
      scenario: scenario.name,
    });
  }

  /** Whether the scenario goes on although no virtual user loops: more may come. */
  get #lastsItsTime(): boolean {
    return this.#ramp !== null || this.#control !== null;
  }

  #adoptOne(): UserLoop | null {
    const user = this.#host.takeUser() ?? this.#host.createUser();
    if (user === null) return null;
    user.context = this;
    user.iterationInScenario = 0;
    user.globals.__ENV = this.#env === null ? user.env : scriptEnv(user.env, this.#env, this.runtime.options);
    const exported = user.exports[this.scenario.exec] as PhaseFunction;
    const loop = new UserLoop(this, user, exported);
    this.#loops.push(loop);
    this.runtime.state.addToScenario(this.runtime.worker, this.index, ScenarioCell.vusHeld, 1);
    return loop;
  }

  /** Closed model: the first `count` virtual users shall loop, the others not. */
  #want(count: number): void {
    const graceMs = this.scenario.executor === "ramping-vus" ? this.scenario.gracefulRampDownMs : Infinity;
    while (this.#wanted > count) this.#loops[--this.#wanted]!.unwant(graceMs);
    const begin: UserLoop[] = [];
    for (; this.#wanted < Math.min(count, this.#loops.length); this.#wanted++) {
      const loop = this.#loops[this.#wanted]!;
      if (loop.want()) begin.push(loop);
    }
    if (begin.length === 0) return;
    // All count as active before the first of them begins, so that the first iteration sees them all.
    this.#running += begin.length;
    this.activeChanged(begin.length);
    const burstEndsAtMs = performance.now() + BURST_MS;
    for (const loop of begin) {
      if (!loop.isQueued && performance.now() < burstEndsAtMs) loop.next();
      else loop.queue();
    }
  }

  #changeVus(): void {
    if (this.#ramp !== null) this.#followRamp(this.#ramp);
    else if (this.#control !== null) this.#followControl(this.#control);
  }

  #followControl({ vus, maxVus }: VuControl): void {
    const { vuShare, timers } = this.runtime;
    for (let missing = vuShare.count(maxVus) - this.#loops.length; missing > 0; missing--) {
      if (this.#adoptOne() !== null) continue;
      // Init code that awaits takes its time.
      timers.remove(this.#nextStep);
      timers.add(this.#nextStep, performance.now() + INIT_CHECK_MS);
      break;
    }
    this.#want(vuShare.count(vus));
  }

  #followRamp(ramp: VuRamp): void {
    const now = performance.now();
    let count = this.#wanted;
    let hasMore = true;
    while (hasMore && this.#startedAtMs + ramp.atMs <= now) {
      count = ramp.vus;
      hasMore = ramp.advance();
    }
    if (hasMore) this.runtime.timers.add(this.#nextStep, this.#startedAtMs + ramp.atMs);
    this.#want(count);
  }

  #recordDropped(count: number): void {
    const { recorder } = this.runtime;
    recorder.metadata = null;
    recorder.record(recorder.series(BUILTIN_METRIC_IDS.dropped_iterations, this.tags), nowEpochMs(), count);
  }

  #regularEnd(): void {
    if (this.#done) return;
    this.#arrivals?.end();
    this.#stopping = true;
    if (this.#running === 0) this.#finish();
  }

  #interrupt(aborter: VirtualUser | null): void {
    if (this.#done) return;
    this.#stopping = true;
    this.#arrivals?.stop();
    // The last of them may well finish the scenario.
    for (const loop of [...this.#loops]) loop.drop(loop.user === aborter);
    this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#stopping = true;
    const { timers } = this.runtime;
    this.#arrivals?.stop();
    timers.remove(this.#nextStep);
    timers.remove(this.#end);
    timers.remove(this.#grace);
    for (const loop of this.#loops) {
      loop.user.context = null;
      this.#host.returnUser(loop.user);
    }
    this.#host.scenarioDone(this.index, this.#interrupted);
  }
}
