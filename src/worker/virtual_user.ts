/**
 * One virtual user: its instance of the script, and the driver of the coroutine that runs in it. At most one phase
 * (an iteration, `setup`, `teardown`) runs at a time.
 */

import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import type { TagSet } from "../metrics/tag_set.ts";
import type { Scenario } from "../options/types.ts";
import type { ProgramGlobals } from "../script/program.ts";
import { type Coroutine, type Resumable, SUSPEND, type Suspension } from "../script/suspension.ts";
import type { WorkerRuntime } from "./runtime.ts";

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

/** A script function as the driver sees it. */
export type PhaseFunction = ((...args: unknown[]) => unknown) & {
  readonly [SUSPEND]?: (...args: unknown[]) => Coroutine;
};

/** What a blocking call throws in a phase that was dropped while its thread was blocked: a plain stack can only be unwound. */
export class PhaseDropped extends Error {
  override name = "PhaseDropped";

  constructor() {
    super("the iteration was interrupted");
  }
}

/** The virtual user whose code runs, or ran last; null in the first init stage. */
export let currentUser: VirtualUser | null = null;

/** The virtual user whose code runs; throws outside of one's code. Hot. */
export function requireUser(what: string): VirtualUser {
  if (currentUser === null || currentUser.inInit) throw new Error(`${what} in the init context is not supported`);
  return currentUser;
}

/** A virtual user. 10,000 of them are common: a field here is 80 kB there. */
export class VirtualUser implements Resumable {
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
  /** Iterations begun in this life, in this scenario; of the whole test and of this instance for the running one. */
  iterations = 0;
  iterationInScenario = 0;
  iterationInTest = 0;
  /** Tags of samples outside of any group: the phase's own, and those that the script added. */
  baseTags: TagSet;
  /** Tags of samples right now, the group's included. */
  tags: TagSet;
  /** `::outer::inner`, or empty outside of all groups; a value that no group has until the first phase. */
  group = "\0";
  /** Tags that the script set through `exec.vu.metrics.tags`. */
  addedTags: Map<string, string> | null = null;
  http: UserHttp | null = null;
  /** Random numbers after `randomSeed`. */
  random: (() => number) | null = null;
  /** How the last phase ended. */
  result: unknown = undefined;
  error: unknown = undefined;
  failed = false;
  /** Whether the phase that runs, or ran last, was dropped. */
  dropped = false;
  phaseStartedAtMs = 0;
  #listener: PhaseListener | null = null;
  #coroutine: Coroutine | null = null;
  #pending: Suspension | null = null;
  #dataSeries: DataSeries | null = null;

  constructor(id: number, runtime: WorkerRuntime, env: Record<string, string>) {
    this.id = id;
    this.runtime = runtime;
    this.env = env;
    this.globals = { __VU: id, __ITER: undefined, __ENV: env };
    this.baseTags = runtime.rootTags;
    this.tags = runtime.rootTags;
  }

  /** Runs the init code in this user's name. */
  init(instantiate: (user: VirtualUser) => Readonly<Record<string, unknown>>): void {
    currentUser = this;
    try {
      this.exports = instantiate(this);
    } finally {
      this.inInit = false;
    }
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

  /**
   * Runs a phase. Returns true when it ended at once (then `listener` is not called), false when it suspended.
   * `result`, `error` and `failed` tell the outcome either way. Hot.
   */
  run(fn: PhaseFunction, argument: unknown, listener: PhaseListener): boolean {
    currentUser = this;
    this.phaseStartedAtMs = performance.now();
    this.result = this.error = undefined;
    this.failed = false;
    this.dropped = false;
    this.http?.phaseBegins();
    const suspending = fn[SUSPEND];
    if (suspending === undefined) {
      try {
        this.result = fn(argument);
      } catch (error) {
        this.#fail(error);
      }
      return true;
    }
    this.#listener = listener;
    this.#coroutine = suspending.call(undefined, argument);
    return this.#advance(undefined, false);
  }

  resume(value: unknown): void {
    if (this.#advance(value, false)) this.#listener!.phaseEnded(this);
  }

  resumeWithError(error: unknown): void {
    if (this.#advance(error, true)) this.#listener!.phaseEnded(this);
  }

  /** Drops the running phase: nothing of it is ever resumed, no `catch` or `finally` of the script runs. */
  drop(): void {
    this.dropped = true;
    this.#coroutine = null;
    const pending = this.#pending;
    this.#pending = null;
    pending?.cancel?.();
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

  #advance(value: unknown, isError: boolean): boolean {
    const coroutine = this.#coroutine;
    if (coroutine === null) return false;
    currentUser = this;
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
    return true;
  }

  #fail(error: unknown): void {
    this.error = error;
    this.failed = true;
  }
}

interface DataSeries {
  readonly tags: TagSet;
  readonly sent: number;
  readonly received: number;
}
