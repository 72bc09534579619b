/** The module `k6/execution`: what a running test tells its script, and how the script ends it. */

import type { Coroutine, Suspension } from "../script/suspension.ts";
import { nowEpochMs } from "../worker/runtime.ts";
import { WorkerCell } from "../worker/shared_state.ts";
import { currentUser, type ScenarioContext, type VirtualUser } from "../worker/virtual_user.ts";
import { session } from "./session.ts";
import { suspending } from "./suspending.ts";

/** What `exec.test.abort()` throws where it can't suspend; the engine ends the test. */
export class TestAborted extends Error {
  override name = "TestAborted";
}

function requirePhase(what: string): VirtualUser {
  if (currentUser === null || currentUser.inInit) {
    throw new Error(`getting ${what} information in the init context is not supported`);
  }
  return currentUser;
}

function requireScenario(): ScenarioContext {
  const { context } = requirePhase("scenario");
  if (context === null) throw new Error("getting scenario information outside of the VU context is not supported");
  return context;
}

function abortMessage(reason: unknown): string {
  return reason === undefined ? "test aborted" : `test aborted: ${String(reason)}`;
}

function abortTest(reason?: unknown): never {
  const message = abortMessage(reason);
  session.abort(message);
  throw new TestAborted(message);
}

/** Suspends for good: whoever waits for it is dropped, and none of its `catch` and `finally` runs. */
const NEVER_RESUMED: Suspension = {
  endsPhase: true,
  begin: () => {},
  block() {
    throw new TestAborted("test aborted");
  },
};
const NEVER_STEP: IteratorResult<Suspension, unknown> = { done: false, value: NEVER_RESUMED };
const NEVER: Coroutine = {
  next: () => NEVER_STEP,
  throw(error) {
    throw error;
  },
  [Symbol.iterator]: () => NEVER,
};

const instance = {
  get currentTestRunDuration(): number {
    const { testStartedAtEpochMs } = requirePhase("instance").runtime;
    return testStartedAtEpochMs === 0 ? 0 : nowEpochMs() - testStartedAtEpochMs;
  },
  get iterationsCompleted(): number {
    return requirePhase("instance").runtime.state.total(WorkerCell.iterationsCompleted);
  },
  get iterationsInterrupted(): number {
    return requirePhase("instance").runtime.state.total(WorkerCell.iterationsInterrupted);
  },
  get vusActive(): number {
    return requirePhase("instance").runtime.state.total(WorkerCell.vusActive);
  },
  get vusInitialized(): number {
    return requirePhase("instance").runtime.state.total(WorkerCell.vusInitialized);
  },
};

const scenario = {
  get name(): string {
    return requireScenario().scenario.name;
  },
  get executor(): string {
    return requireScenario().scenario.executor;
  },
  get startTime(): number {
    return Math.floor(requireScenario().startedAtEpochMs);
  },
  get progress(): number {
    return requireScenario().progress();
  },
  get iterationInInstance(): number {
    requireScenario();
    return requirePhase("scenario").iterationInInstance;
  },
  get iterationInTest(): number {
    requireScenario();
    const { runtime, iterationInInstance } = requirePhase("scenario");
    return runtime.segment.item(iterationInInstance);
  },
};

const test = {
  abort: suspending("abort", abortTest, (reason?: unknown) => {
    // In the init stage there is nothing to suspend.
    if (currentUser === null || currentUser.inInit) return abortTest(reason);
    session.abort(abortMessage(reason));
    return NEVER;
  }),
  fail(reason?: unknown): void {
    session.markFailed(reason === undefined ? "test marked as failed" : `test marked as failed: ${String(reason)}`);
  },
  get options(): unknown {
    const options = session.testOptions();
    if (options === undefined) throw new Error("getting test options in the init context is not supported");
    return options;
  },
};

/** How `exec.vu.metrics.tags` and `exec.vu.metrics.metadata` keep what a script puts there. */
interface UserRecord {
  readonly kind: "tag" | "metadata";
  get(user: VirtualUser, name: string): string | undefined;
  set(user: VirtualUser, name: string, value: string | undefined): void;
  names(user: VirtualUser): Iterable<string>;
}

/** An object whose properties go with all further samples of the virtual user. */
function recordOf({ kind, get, set, names }: UserRecord): Record<string, unknown> {
  const valueOf = (name: string | symbol): string | undefined =>
    typeof name === "string" ? get(requirePhase("vu"), name) : undefined;
  return new Proxy<Record<string, unknown>>({}, {
    get: (_, name) => valueOf(name),
    has: (_, name) => valueOf(name) !== undefined,
    set(_, name, value) {
      const user = requirePhase("vu");
      if (typeof name !== "string") return false;
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
        set(user, name, String(value));
        return true;
      }
      throw new TypeError(
        `the ${kind} '${name}' can't be set: only String, Boolean and Number types are accepted as a metric ${kind} value`,
      );
    },
    deleteProperty(_, name) {
      if (typeof name === "string") set(requirePhase("vu"), name, undefined);
      return true;
    },
    defineProperty: () => false,
    preventExtensions: () => false,
    ownKeys: () => [...names(requirePhase("vu"))],
    getOwnPropertyDescriptor(_, name) {
      const value = valueOf(name);
      return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true };
    },
  });
}

const tags = recordOf({
  kind: "tag",
  get: (user, name) => user.tags.get(name),
  set: (user, name, value) => user.setTag(name, value),
  names: (user) => user.tags.toPairs().map(([name]) => name),
});

const metadata = recordOf({
  kind: "metadata",
  get: (user, name) => user.addedMetadata?.get(name),
  set: (user, name, value) => user.setMetadata(name, value),
  names: (user) => user.addedMetadata?.keys() ?? [],
});

const vu = {
  get idInInstance(): number {
    return requirePhase("vu").id;
  },
  get idInTest(): number {
    const { runtime, id } = requirePhase("vu");
    return id === 0 ? 0 : runtime.segment.item(id - 1) + 1;
  },
  get iterationInInstance(): number {
    return Math.max(0, requirePhase("vu").iterations - 1);
  },
  get iterationInScenario(): number {
    return Math.max(0, requirePhase("vu").iterationInScenario - 1);
  },
  get tags(): typeof tags {
    return tags;
  },
  metrics: {
    get tags(): typeof tags {
      return tags;
    },
    get metadata(): typeof metadata {
      return metadata;
    },
  },
};

/** The module's default object. */
export const execution: Readonly<Record<string, unknown>> = { instance, scenario, test, vu };
