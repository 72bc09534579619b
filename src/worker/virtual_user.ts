/**
 * One virtual user: its instance of the script, and the driver of its phases (its init code, iterations, `setup`,
 * `teardown`).
 */

import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import type { TagSet } from "../metrics/tag_set.ts";
import type { TagPairs } from "../metrics/types.ts";
import type { Scenario } from "../options/types.ts";
import type { BuiltinUser } from "../script/builtin_changes.ts";
import type { ProgramGlobals } from "../script/program.ts";
import { AsyncCall } from "../script/async_call.ts";
import type { Instantiation } from "../script/instantiate.ts";
import { setSuspendingForm, type Suspension } from "../script/suspension.ts";
import type { EventLoop } from "./event_loop.ts";
import { PhaseDriver, type PhaseFunction } from "./phase_driver.ts";
import type { WorkerRuntime } from "./runtime.ts";
import { Timers } from "./timers.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Is told when a phase that suspended has ended. */
export interface PhaseListener {
  phaseEnded(user: VirtualUser): void;
}

/** What a virtual user is doing for a scenario. */
export interface ScenarioContext {
  /** Place of the scenario in the plan. */
  readonly index: number;
  readonly scenario: Scenario;
  readonly tags: TagSet;
  readonly startedAtEpochMs: number;
  /** Part of the scenario that is done, 0 to 1. */
  progress(): number;
}

/** A virtual user's HTTP state, as far as its driver cares. */
export interface UserHttp {
  /** Bytes that passed its sockets since the counters were last set to 0. */
  bytesSent: number;
  bytesReceived: number;
  /** A new iteration, `setup` or `teardown` begins. */
  phaseBegins(): void;
  closeIdle(): void;
  close(): void;
}

/** What a blocking call throws in a phase that was dropped while its thread was blocked: a plain stack can only be unwound. */
export class PhaseDropped extends Error {
  override name = "PhaseDropped";

  constructor() {
    super("the iteration was interrupted");
  }
}

/** The virtual user whose code runs; null in the first init stage, and while none's does. */
export let currentUser: VirtualUser | null = null;

/** Drives the first init stage, which belongs to no virtual user. */
export class FirstInit extends PhaseDriver {
  exports: Readonly<Record<string, unknown>> = {};
  protected override readonly timers = new Timers();

  /** Runs the init code; `done` is called at its end, at once unless it awaits. `failed` and `error` tell how it ended. */
  init(instantiate: () => Instantiation, done: () => void): void {
    const phaseEnded = (): void => {
      this.exports = this.exportsOfInit() ?? {};
      done();
    };
    if (this.drive(initPhase(instantiate), undefined, { phaseEnded })) phaseEnded();
  }

  protected override entering(): void {
    firstInit = this;
  }

  protected override leaving(): void {
    firstInit = null;
  }
}

let firstInit: FirstInit | null = null;

/** The event loop of the code that runs. */
export function currentLoop(): EventLoop {
  const driver = currentUser ?? firstInit;
  if (driver === null) throw new Error("no code of the script runs");
  return driver.loop;
}

/** The virtual user whose code runs; throws outside of one's code. Hot. */
export function requireUser(what: string): VirtualUser {
  if (currentUser === null || currentUser.inInit) throw new Error(`${what} in the init context is not supported`);
  return currentUser;
}

/** A virtual user. 10,000 of them are common: a field here is 80 kB there. */
export class VirtualUser extends PhaseDriver implements BuiltinUser {
  /** Counts from 1 in this instance; 0 for `setup` and `teardown`. */
  readonly id: number;
  readonly runtime: WorkerRuntime;
  /** `__ENV` without a scenario's additions. */
  readonly env: Record<string, string>;
  readonly globals: { -readonly [name in keyof ProgramGlobals]: ProgramGlobals[name] };
  exports: Readonly<Record<string, unknown>> = {};
  /** Whether the init code runs, where most of the API is forbidden. */
  inInit = true;
  context: ScenarioContext | null = null;
  /** Iterations begun in this life, and in this scenario; the running one's number among all of the scenario here. */
  iterations = 0;
  iterationInScenario = 0;
  iterationInInstance = 0;
  /** Tags of samples outside of any group: the phase's own, and those that the script added. */
  baseTags: TagSet;
  /** Tags of samples right now, the group's included. */
  tags: TagSet;
  /** `::outer::inner`, or empty outside of all groups; a value that no group has until the first phase. */
  group = "\0";
  /** Tags that the script set through `exec.vu.metrics.tags`. */
  addedTags: Map<string, string> | null = null;
  /** Metadata that the script set through `exec.vu.metrics.metadata`. */
  addedMetadata: Map<string, string> | null = null;
  /** That, and what the system tags `vu` and `iter` ask for. Null: nothing. */
  metadata: TagPairs | null = null;
  http: UserHttp | null = null;
  builtinChanges: unknown[] | null = null;
  /** Random numbers after `randomSeed`. */
  random: (() => number) | null = null;
  phaseStartedAtMs = 0;
  #dataSeries: DataSeries | null = null;

  constructor(id: number, runtime: WorkerRuntime, env: Record<string, string>) {
    super();
    this.id = id;
    this.runtime = runtime;
    this.env = env;
    this.globals = { __VU: id, __ITER: undefined, __ENV: env };
    this.baseTags = runtime.rootTags;
    this.tags = runtime.rootTags;
  }

  /**
   * Runs the init code in this user's name; `done` is called at its end, at once unless it awaits. `failed` and `error`
   * tell how it ended.
   */
  init(instantiate: (user: VirtualUser) => Instantiation, done: (user: VirtualUser) => void): void {
    const phaseEnded = (): void => {
      this.inInit = false;
      this.exports = this.exportsOfInit() ?? {};
      done(this);
    };
    if (this.drive(initPhase(() => instantiate(this)), undefined, { phaseEnded })) phaseEnded();
  }

  /** Goes back to a phase's own tags (and those that the script added for good), outside of all groups. Hot. */
  enter(tags: TagSet, group = ""): void {
    const base = this.addedTags === null ? tags : tags.withAll([...this.addedTags]);
    if (base === this.baseTags && group === this.group) return;
    this.baseTags = base;
    this.group = "\0";
    this.setGroup(group);
  }

  /** Moves to a group (`""` is outside of all). */
  setGroup(group: string): void {
    if (group === this.group) return;
    this.group = group;
    this.tags = this.runtime.systemTags.has("group") ? this.baseTags.with("group", group) : this.baseTags;
  }

  /** Adds a tag to all further samples of this user, or takes it away (undefined). */
  setTag(name: string, value: string | undefined): void {
    this.addedTags ??= new Map();
    if (value === undefined) this.addedTags.delete(name);
    else this.addedTags.set(name, value);
    this.enter(this.context?.tags ?? this.runtime.rootTags, this.group);
  }

  /** Runs a phase; as `drive`. Hot. */
  run(fn: PhaseFunction, argument: unknown, listener: PhaseListener): boolean {
    this.phaseStartedAtMs = performance.now();
    if (this.runtime.marksSamples) this.#refreshMetadata();
    this.http?.phaseBegins();
    return this.drive(fn, argument, listener);
  }

  /** Throws when the running phase was dropped: for blocking calls of what is left on the stack. */
  requireRunning(): void {
    if (this.dropped) throw new PhaseDropped();
  }

  /** Emits what the sockets counted since the last call. */
  recordData(atEpochMs: number): void {
    const { recorder } = this.runtime;
    let series = this.#dataSeries;
    if (series === null || series.tags !== this.tags) {
      series = this.#dataSeries = {
        tags: this.tags,
        sent: recorder.series(BUILTIN_METRIC_IDS.data_sent, this.tags),
        received: recorder.series(BUILTIN_METRIC_IDS.data_received, this.tags),
      };
    }
    const http = this.http;
    recorder.record(series.sent, atEpochMs, http === null ? 0 : http.bytesSent);
    recorder.record(series.received, atEpochMs, http === null ? 0 : http.bytesReceived);
    if (http !== null) http.bytesSent = http.bytesReceived = 0;
  }

  /** Closes the sockets. */
  close(): void {
    this.drop();
    this.http?.close();
    this.http = null;
  }

  /** Adds metadata to all further samples of this user, or takes it away (undefined). */
  setMetadata(name: string, value: string | undefined): void {
    this.addedMetadata ??= new Map();
    if (value === undefined) this.addedMetadata.delete(name);
    else this.addedMetadata.set(name, value);
    this.#refreshMetadata();
  }

  #refreshMetadata(): void {
    const { systemTags, recorder } = this.runtime;
    const pairs: [string, string][] = [...this.addedMetadata ?? []];
    if (systemTags.has("iter")) pairs.push(["iter", String(this.globals.__ITER ?? 0)]);
    if (systemTags.has("vu")) pairs.push(["vu", String(this.id)]);
    this.metadata = pairs.length === 0 ? null : pairs;
    recorder.metadata = this.metadata;
  }

  protected override entering(): void {
    const { recorder, state, worker } = this.runtime;
    currentUser = this;
    recorder.metadata = this.metadata;
    state.enterCode(worker, this.id, this.iterationInScenario, this.context?.index ?? -1);
  }

  /** From here on nobody runs: not even a callback that evaluated text gave to a promise of V8's own. */
  protected override leaving(): void {
    currentUser = null;
  }

  protected override get timers(): Timers {
    return this.runtime.timers;
  }
}

/** Init code as a phase: its result are the exports. */
function initPhase(instantiate: () => Instantiation): PhaseFunction {
  const form = function* (): Generator<Suspension, unknown, unknown> {
    const started = instantiate();
    return started instanceof AsyncCall ? yield* started : started;
  };
  return setSuspendingForm(() => {}, form);
}

interface DataSeries {
  readonly tags: TagSet;
  readonly sent: number;
  readonly received: number;
}
