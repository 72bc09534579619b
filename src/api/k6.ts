/** The module `k6`: check, group, fail, sleep, randomSeed. */

import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import type { TagPairs } from "../metrics/types.ts";
import { isAsyncFunction } from "../script/async_functions.ts";
import type { Coroutine, Resumable, Suspension } from "../script/suspension.ts";
import { nowEpochMs } from "../worker/runtime.ts";
import type { TimerEntry } from "../worker/timers.ts";
import { currentUser, requireUser, type VirtualUser } from "../worker/virtual_user.ts";
import { blocking, callSuspending, suspending } from "./suspending.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Divides the names in a group's path, so no name may hold it. */
const GROUP_SEPARATOR = "::";

/** Waiting of one virtual user; reused by all its `sleep` calls. */
class Sleep implements Coroutine, Suspension, TimerEntry {
  dueAtMs = 0;
  heapIndex = -1;
  readonly #user: VirtualUser;
  #coroutine: Resumable | null = null;
  #waited = false;
  readonly #step: IteratorResult<Suspension, undefined> = { done: false, value: this };

  constructor(user: VirtualUser) {
    this.#user = user;
  }

  /** Gets ready to wait until `dueAtMs`. */
  until(dueAtMs: number): this {
    this.dueAtMs = dueAtMs;
    this.#waited = false;
    return this;
  }

  [Symbol.iterator](): Coroutine {
    return this;
  }

  next(): IteratorResult<Suspension, undefined> {
    if (this.#waited) return AT_ONCE_STEP;
    this.#waited = true;
    return this.#step;
  }

  begin(coroutine: Resumable): void {
    this.#coroutine = coroutine;
    this.#user.runtime.timers.add(this, this.dueAtMs);
  }

  cancel(): void {
    this.#user.runtime.timers.remove(this);
  }

  block(): void {
    this.#user.runtime.blocked.sleepUntil(this.#user, this.dueAtMs);
  }

  throw(error: unknown): never {
    throw error;
  }

  timerDue(): void {
    this.#coroutine!.resume(undefined);
  }
}

const AT_ONCE_STEP: IteratorResult<Suspension, undefined> = { done: true, value: undefined };

/** What a blocking call returns that need not block. */
const AT_ONCE: Coroutine = {
  next: () => AT_ONCE_STEP,
  [Symbol.iterator]: () => AT_ONCE,
};

const sleeps = new WeakMap<VirtualUser, Sleep>();

/** `sleep(seconds)`: the virtual user waits; a negative number doesn't. */
export const sleep = blocking(
  "sleep",
  "sleep()",
  function (seconds: unknown): Coroutine {
    const ms = Number(seconds) * 1000;
    if (!(ms > 0)) return AT_ONCE;
    const user = currentUser;
    if (user === null || user.inInit) {
      sleepInInit(ms);
      return AT_ONCE;
    }
    let pause = sleeps.get(user);
    if (pause === undefined) {
      pause = new Sleep(user);
      sleeps.set(user, pause);
    }
    return pause.until(performance.now() + ms);
  },
);

/** In the init stage nothing else runs on this thread that could suffer. */
function sleepInInit(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** `group(name, fn)`: samples of `fn` carry the group; its duration is a sample of `group_duration`. */
export const group = suspending(
  "group",
  function (name: unknown, fn: unknown): unknown {
    const user = requireUser("Using group()");
    const outer = enterGroup(user, name, fn);
    const startedAtMs = performance.now();
    try {
      return (fn as () => unknown)();
    } finally {
      leaveGroup(user, outer, startedAtMs);
    }
  },
  function* (name: unknown, fn: unknown): Generator<Suspension, unknown, unknown> {
    const user = requireUser("Using group()");
    const outer = enterGroup(user, name, fn);
    const startedAtMs = performance.now();
    try {
      return yield* callSuspending(fn as () => unknown);
    } finally {
      leaveGroup(user, outer, startedAtMs);
    }
  },
);

function enterGroup(user: VirtualUser, name: unknown, fn: unknown): string {
  const text = String(name);
  if (text.includes(GROUP_SEPARATOR)) {
    throw new Error(`group and check names may not contain '${GROUP_SEPARATOR}'`);
  }
  if (typeof fn !== "function") throw new TypeError("group() requires a callback as a second argument");
  refuseAsync("group", fn);
  const outer = user.group;
  // As in k6, a group without a name in none is none.
  if (outer !== "" || text !== "") user.setGroup(outer + GROUP_SEPARATOR + text);
  return outer;
}

/** Its promise would be taken for its result. */
function refuseAsync(what: string, fn: unknown): void {
  if (isAsyncFunction(fn)) throw new TypeError(`${what}() can't wait for an async function; give it a plain one`);
}

function leaveGroup(user: VirtualUser, outer: string, startedAtMs: number): void {
  // What was interrupted is unwound where it can't just be forgotten.
  if (user.dropped) return;
  const { recorder } = user.runtime;
  recorder.record(
    recorder.series(BUILTIN_METRIC_IDS.group_duration, user.tags),
    nowEpochMs(),
    performance.now() - startedAtMs,
  );
  user.setGroup(outer);
}

/** `check(value, {name: function or value}, tags?)`: records the truth of each; true when all hold. */
export const check = suspending(
  "check",
  function (value: unknown, sets: unknown, tags?: unknown): boolean {
    const user = requireUser("Using check()");
    const checks = checksOf(sets);
    const base = checkTags(user, tags);
    let all = true;
    for (const name in checks) {
      // What somebody added to `Object.prototype` is no check.
      if (!Object.hasOwn(checks, name)) continue;
      let held: unknown = checks[name];
      if (typeof held === "function") {
        refuseAsync("check", held);
        try {
          held = held(value);
        } catch (error) {
          recordCheck(user, base, name, false);
          throw error;
        }
      }
      if (!recordCheck(user, base, name, Boolean(held))) all = false;
    }
    return all;
  },
  function* (value: unknown, sets: unknown, tags?: unknown): Generator<Suspension, boolean, unknown> {
    const user = requireUser("Using check()");
    const checks = checksOf(sets);
    const base = checkTags(user, tags);
    let all = true;
    for (const name in checks) {
      // What somebody added to `Object.prototype` is no check.
      if (!Object.hasOwn(checks, name)) continue;
      let held: unknown = checks[name];
      if (typeof held === "function") {
        refuseAsync("check", held);
        try {
          held = yield* callSuspending(held as (value: unknown) => unknown, value);
        } catch (error) {
          recordCheck(user, base, name, false);
          throw error;
        }
      }
      if (!recordCheck(user, base, name, Boolean(held))) all = false;
    }
    return all;
  },
);

type Checks = Readonly<Record<string, unknown>>;

function checksOf(sets: unknown): Checks {
  if (sets === null || sets === undefined) throw new TypeError("no checks provided to `check`");
  return sets as Checks;
}

function checkTags(user: VirtualUser, tags: unknown): VirtualUser["tags"] {
  return tags === undefined || tags === null ? user.tags : withScriptTags(user.tags, tags);
}

/** `tags` with those of a script's object on top. */
export function withScriptTags(tags: VirtualUser["tags"], added: unknown): VirtualUser["tags"] {
  return withTagPairs(tags, scriptTagPairs(added as object));
}

/** The tags of a script's object. Throws for values that k6 doesn't take. Hot: allocates the entries only. */
export function scriptTagPairs(given: object): TagPairs {
  const entries: [string, unknown][] = Object.entries(given);
  let kept = 0;
  for (const entry of entries) {
    const text = entry[1] = tagText(entry[0], entry[1]);
    if (text !== null) entries[kept++] = entry;
  }
  entries.length = kept;
  return entries as [string, string][];
}

/** `tags` with others on top. Hot. */
export function withTagPairs(tags: VirtualUser["tags"], pairs: TagPairs): VirtualUser["tags"] {
  // A text in the place of an object has any number of them, and each step on the way would be a set.
  if (pairs.length > FEW_TAGS) return tags.withAll(pairs);
  let all = tags;
  for (const [name, value] of pairs) all = all.with(name, value);
  return all;
}

const FEW_TAGS = 100;

/** A script's value of a tag; null where there is none. Throws for what k6 doesn't take. */
export function tagText(name: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "object" || typeof value === "function") {
    throw new TypeError(
      `invalid value for metric tag '${name}': only String, Boolean and Number types are accepted as a metric tag values`,
    );
  }
  return String(value);
}

/** Hot. */
function recordCheck(user: VirtualUser, base: VirtualUser["tags"], name: string, held: boolean): boolean {
  if (name.includes(GROUP_SEPARATOR)) {
    throw new Error(`group and check names may not contain '${GROUP_SEPARATOR}'`);
  }
  const { recorder, systemTags } = user.runtime;
  const tags = systemTags.has("check") ? base.with("check", name) : base;
  recorder.record(recorder.series(BUILTIN_METRIC_IDS.checks, tags), nowEpochMs(), held ? 1 : 0);
  return held;
}

/** `fail(message)`: ends the iteration with an exception. */
export function fail(message?: unknown): never {
  throw new Error(message === undefined ? "" : String(message));
}

/** `randomSeed(seed)`: from now on `Math.random` of this virtual user repeats the sequence of that seed. */
export function randomSeed(seed: unknown): void {
  const random = mulberry32(Number(seed));
  if (currentUser === null) initRandom = random;
  else currentUser.random = random;
}

let initRandom: (() => number) | null = null;
const nativeRandom = Math.random;

/** `Math.random` of scripts: the virtual user's own sequence once it is seeded. */
export function scriptRandom(): number {
  const random = currentUser === null ? initRandom : currentUser.random;
  return random === null ? nativeRandom() : random();
}

/** A small generator of good quality for 32-bit seeds (Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 0x100000000;
  };
}

/** The module's object; it has no default export but itself. */
export const k6: Readonly<Record<string, unknown>> = { check, fail, group, randomSeed, sleep };
