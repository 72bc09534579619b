/**
 * The script's `Promise` (ECMA-262, 27.2). V8's own would run its reactions while a blocking call of their virtual user
 * waits; this one queues them as jobs of the virtual user (jobs.ts), and a reaction that blocks suspends.
 */

import { currentJobQueue, type Job } from "./jobs.ts";
import { withoutFrames } from "./stack_trace.ts";
import { type Coroutine, setSuspendingForm, suspendingForm, type Suspension } from "./suspension.ts";

/** What waits for a promise, and the job that runs once it is settled. It waits for one promise at a time. */
export interface Reaction extends Job {
  /** How the promise was settled; the job follows. */
  settle(value: unknown, isError: boolean): void;
}

/** Where a promise stands. */
export type PromiseStatus =
  | { readonly state: "pending" }
  | { readonly state: "fulfilled" | "rejected"; readonly value: unknown };

type Resolver = (value?: unknown) => void;
type Executor = (resolve: Resolver, reject: Resolver) => void;
type Constructor = new (executor: Executor) => unknown;
// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function;

/** A promise and the functions that settle it (ECMA-262, PromiseCapability). */
interface Capability {
  readonly promise: unknown;
  readonly resolve: Resolver;
  readonly reject: Resolver;
}

/** V8's own: its reactions would run while whoever's code runs. */
const NativePromise = Promise;

const enum State {
  pending,
  fulfilled,
  rejected,
}

/** For promises that k6d itself settles. */
const NO_EXECUTOR: Executor = () => {};

// What this room may do with a promise; set where its private fields can be reached.
let isOwn: (value: object) => value is ScriptPromise;
let settle: (promise: ScriptPromise, state: State.fulfilled | State.rejected, value: unknown) => void;
let react: (promise: ScriptPromise, reaction: Reaction) => void;
let statusOf: (promise: ScriptPromise) => PromiseStatus;
let enqueue: (promise: ScriptPromise, job: Job) => void;

/** A promise of a script, `Promise` in its eyes; its reactions are jobs of the virtual user that made it. */
class ScriptPromise {
  #state = State.pending;
  #isHandled = false;
  #value: unknown = undefined;
  #reactions: Reaction | Reaction[] | null = null;
  readonly #queue = currentJobQueue();

  static {
    isOwn = (value): value is ScriptPromise => #state in value;
    settle = (promise, state, value) => {
      const reactions = promise.#reactions;
      const queue = promise.#queue;
      promise.#state = state;
      promise.#value = value;
      promise.#reactions = null;
      const isError = state === State.rejected;
      if (isError && !promise.#isHandled) queue.rejected(promise, value);
      if (reactions === null) return;
      for (const reaction of Array.isArray(reactions) ? reactions : [reactions]) {
        reaction.settle(value, isError);
        queue.push(reaction);
      }
    };
    react = (promise, reaction) => {
      if (promise.#state === State.pending) {
        if (promise.#reactions === null) promise.#reactions = reaction;
        else if (Array.isArray(promise.#reactions)) promise.#reactions.push(reaction);
        else promise.#reactions = [promise.#reactions, reaction];
      } else {
        const isError = promise.#state === State.rejected;
        if (isError && !promise.#isHandled) promise.#queue.handled(promise);
        reaction.settle(promise.#value, isError);
        promise.#queue.push(reaction);
      }
      promise.#isHandled = true;
    };
    statusOf = (promise) =>
      promise.#state === State.pending
        ? { state: "pending" }
        : { state: promise.#state === State.fulfilled ? "fulfilled" : "rejected", value: promise.#value };
    enqueue = (promise, job) => promise.#queue.push(job);
    Object.defineProperty(this, "name", { value: "Promise", configurable: true });
    Object.defineProperty(this.prototype, Symbol.toStringTag, { value: "Promise", configurable: true });
  }

  constructor(executor: Executor) {
    if (executor === NO_EXECUTOR) return;
    if (typeof executor !== "function") throw new TypeError(`Promise resolver ${describe(executor)} is not a function`);
    const { resolve, reject } = resolversOf(this);
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  then(onFulfilled?: unknown, onRejected?: unknown): unknown {
    if (!isPromise(this)) throw incompatible("Promise.prototype.then", this);
    const constructor = speciesOf(this);
    const reaction = constructor === ScriptPromise
      ? new Then(onFulfilled, onRejected, new ScriptPromise(NO_EXECUTOR), null)
      : new Then(onFulfilled, onRejected, null, newCapability(constructor));
    react(this, reaction);
    return reaction.derived;
  }

  catch(onRejected?: unknown): unknown {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: unknown): unknown {
    if (!isObject(this)) throw incompatible("Promise.prototype.finally", this);
    const constructor = speciesOf(this);
    if (typeof onFinally !== "function") return this.then(onFinally, onFinally);
    return this.then(
      afterwards(onFinally, constructor, (value) => () => value),
      afterwards(onFinally, constructor, (reason) => () => {
        throw reason;
      }),
    );
  }

  static resolve(value?: unknown): unknown {
    if (!isObject(this)) throw incompatible("PromiseResolve", this);
    return promiseResolve(this, value);
  }

  static reject(reason?: unknown): unknown {
    const capability = newCapability(this);
    capability.reject(reason);
    return capability.promise;
  }

  static withResolvers(): Capability {
    const { promise, resolve, reject } = newCapability(this);
    return { promise, resolve, reject };
  }

  static try(callback: Callable, ...args: unknown[]): unknown {
    const capability = newCapability(this);
    try {
      capability.resolve(callback(...args));
    } catch (error) {
      capability.reject(error);
    }
    return capability.promise;
  }

  static all(iterable: Iterable<unknown>): unknown {
    return combine(this, iterable, (capability, all) => ({
      onFulfilled: (index) => once((value) => all.set(index, value)),
      onRejected: () => capability.reject,
      done: (values) => capability.resolve(values),
    }));
  }

  static allSettled(iterable: Iterable<unknown>): unknown {
    return combine(this, iterable, (capability, all) => {
      // Of the two functions of an element only the first to be called counts.
      let isCalled = { value: false };
      return {
        onFulfilled: (index) =>
          once((value) => all.set(index, { status: "fulfilled", value }), isCalled = { value: false }),
        onRejected: (index) => once((reason) => all.set(index, { status: "rejected", reason }), isCalled),
        done: (values) => capability.resolve(values),
      };
    });
  }

  static any(iterable: Iterable<unknown>): unknown {
    return combine(this, iterable, (capability, all) => ({
      onFulfilled: () => capability.resolve,
      onRejected: (index) => once((reason) => all.set(index, reason)),
      done: (reasons) => capability.reject(withoutFrames(new AggregateError(reasons, "All promises were rejected"))),
    }));
  }

  static race(iterable: Iterable<unknown>): unknown {
    return combine(this, iterable, (capability) => ({
      onFulfilled: () => capability.resolve,
      onRejected: () => capability.reject,
      done: () => {},
    }));
  }

  static get [Symbol.species](): unknown {
    return this;
  }
}

/** What scripts find as `Promise`. */
export const scriptPromise = ScriptPromise as unknown as PromiseConstructor;

/** Whether a value is a script's promise (ECMA-262, IsPromise). */
export function isPromise(value: unknown): value is ScriptPromise {
  return isObject(value) && isOwn(value);
}

/** `new Promise(executor)` with an executor that may suspend. */
export function* executing(executor: unknown): Generator<Suspension, unknown> {
  const form = typeof executor === "function" ? suspendingForm(executor) : undefined;
  if (form === undefined) return new ScriptPromise(executor as Executor);
  const promise = newPromise();
  const { resolve, reject } = resolversOf(promise);
  try {
    yield* form(resolve, reject);
  } catch (error) {
    reject(error);
  }
  return promise;
}

/** A promise for k6d to settle, with `resolvePromise` or `rejectPromise`, once. */
export function newPromise(): ScriptPromise {
  return new ScriptPromise(NO_EXECUTOR);
}

/** Rejects a promise of `newPromise`. */
export function rejectPromise(promise: ScriptPromise, reason: unknown): void {
  settle(promise, State.rejected, reason);
}

/** Resolves a promise of `newPromise`; to what it becomes, if `resolution` is a thenable (Promise Resolve Functions). */
export function resolvePromise(promise: ScriptPromise, resolution: unknown): void {
  if (!isObject(resolution)) return settle(promise, State.fulfilled, resolution);
  if (resolution === promise) {
    const error = new TypeError("Chaining cycle detected for promise #<Promise>");
    return settle(promise, State.rejected, withoutFrames(error));
  }
  if (resolution instanceof NativePromise) {
    const error = new TypeError("an async function in text given to eval or new Function can't be awaited");
    return settle(promise, State.rejected, withoutFrames(error));
  }
  let then: unknown;
  try {
    then = (resolution as { then?: unknown }).then;
  } catch (error) {
    return settle(promise, State.rejected, error);
  }
  if (typeof then !== "function") return settle(promise, State.fulfilled, resolution);
  enqueue(promise, new ResolveThenable(promise, resolution, then));
}

/** Lets `reaction` wait for `value` as `await` does. Throws what the value's `constructor` getter throws. */
export function awaitValue(value: unknown, reaction: Reaction): void {
  react(promiseResolve(ScriptPromise, value) as ScriptPromise, reaction);
}

/** Lets `reaction` wait for a promise. */
export function reactTo(promise: ScriptPromise, reaction: Reaction): void {
  react(promise, reaction);
}

/** Where a promise stands, without handling it. */
export function promiseStatus(promise: ScriptPromise): PromiseStatus {
  return statusOf(promise);
}

export type { ScriptPromise };

/** ECMA-262, PromiseResolve. */
export function promiseResolve(constructor: unknown, value: unknown): unknown {
  if (isPromise(value) && value.constructor === constructor) return value;
  if (constructor === ScriptPromise) {
    const promise = new ScriptPromise(NO_EXECUTOR);
    resolvePromise(promise, value);
    return promise;
  }
  const capability = newCapability(constructor);
  capability.resolve(value);
  return capability.promise;
}

/** Runs a handler of `then` and settles the promise that `then` gave out (NewPromiseReactionJob). */
class Then implements Reaction {
  readonly #onFulfilled: Callable | null;
  readonly #onRejected: Callable | null;
  /** One of the two is null. */
  readonly #own: ScriptPromise | null;
  readonly #capability: Capability | null;
  #value: unknown = undefined;
  #isError = false;

  constructor(onFulfilled: unknown, onRejected: unknown, own: ScriptPromise | null, capability: Capability | null) {
    this.#onFulfilled = typeof onFulfilled === "function" ? onFulfilled : null;
    this.#onRejected = typeof onRejected === "function" ? onRejected : null;
    this.#own = own;
    this.#capability = capability;
  }

  get derived(): unknown {
    return this.#own ?? this.#capability!.promise;
  }

  settle(value: unknown, isError: boolean): void {
    this.#value = value;
    this.#isError = isError;
  }

  start(): Coroutine | null {
    const handler = this.#isError ? this.#onRejected : this.#onFulfilled;
    if (handler === null) {
      this.#end(this.#value, this.#isError);
      return null;
    }
    const form = suspendingForm(handler);
    if (form !== undefined) return this.#suspending(form);
    let result: unknown;
    try {
      result = handler(this.#value);
    } catch (error) {
      this.#end(error, true);
      return null;
    }
    this.#end(result, false);
    return null;
  }

  *#suspending(form: Callable): Generator<Suspension, undefined> {
    let result: unknown;
    try {
      result = yield* form(this.#value);
    } catch (error) {
      return this.#end(error, true);
    }
    this.#end(result, false);
  }

  #end(value: unknown, isError: boolean): undefined {
    if (this.#own !== null) {
      if (isError) settle(this.#own, State.rejected, value);
      else resolvePromise(this.#own, value);
    } else if (isError) this.#capability!.reject(value);
    else this.#capability!.resolve(value);
  }
}

/** Calls a thenable's `then` with what settles a promise (NewPromiseResolveThenableJob). */
class ResolveThenable implements Job {
  readonly #promise: ScriptPromise;
  readonly #thenable: object;
  readonly #then: Callable;

  constructor(promise: ScriptPromise, thenable: object, then: Callable) {
    this.#promise = promise;
    this.#thenable = thenable;
    this.#then = then;
  }

  start(): Coroutine | null {
    const { resolve, reject } = resolversOf(this.#promise);
    const form = suspendingForm(this.#then);
    if (form !== undefined) return this.#suspending(form, resolve, reject);
    try {
      Reflect.apply(this.#then, this.#thenable, [resolve, reject]);
    } catch (error) {
      reject(error);
    }
    return null;
  }

  *#suspending(form: Callable, resolve: Resolver, reject: Resolver): Generator<Suspension, undefined> {
    try {
      yield* Reflect.apply(form, this.#thenable, [resolve, reject]);
    } catch (error) {
      reject(error);
    }
  }
}

/** The functions that an executor gets; the first call of either counts. */
function resolversOf(promise: ScriptPromise): { resolve: Resolver; reject: Resolver } {
  let isResolved = false;
  // In an array, so that they have no names.
  const [resolve, reject] = [
    (value?: unknown): void => {
      if (isResolved) return;
      isResolved = true;
      resolvePromise(promise, value);
    },
    (reason?: unknown): void => {
      if (isResolved) return;
      isResolved = true;
      settle(promise, State.rejected, reason);
    },
  ] as const;
  return { resolve, reject };
}

/** ECMA-262, NewPromiseCapability. */
function newCapability(constructor: unknown): Capability {
  if (constructor === ScriptPromise) {
    const promise = new ScriptPromise(NO_EXECUTOR);
    return { promise, ...resolversOf(promise) };
  }
  if (!isConstructor(constructor)) throw new TypeError(`${describe(constructor)} is not a constructor`);
  let given: unknown[] | undefined;
  const promise = new constructor((...args) => {
    if (given !== undefined && (given[0] !== undefined || given[1] !== undefined)) {
      throw new TypeError("Promise executor has already been invoked with non-undefined arguments");
    }
    given = args;
  });
  const [resolve, reject] = given ?? [];
  if (typeof resolve !== "function" || typeof reject !== "function") {
    throw new TypeError("Promise resolve or reject function is not callable");
  }
  return { promise, resolve: resolve as Resolver, reject: reject as Resolver };
}

/** ECMA-262, SpeciesConstructor with `Promise` as the default. */
function speciesOf(promise: object): unknown {
  const { constructor } = promise as { constructor: unknown };
  if (constructor === undefined) return ScriptPromise;
  if (!isObject(constructor)) throw new TypeError("The .constructor property is not an object");
  const species = (constructor as { [Symbol.species]?: unknown })[Symbol.species];
  if (species === undefined || species === null) return ScriptPromise;
  if (!isConstructor(species)) throw new TypeError("object.constructor[Symbol.species] is not a constructor");
  return species;
}

/** A handler that `finally` registers: calls the script's function, waits for its result, goes on as before. */
function afterwards(onFinally: Callable, constructor: unknown, outcome: (value: unknown) => () => unknown): Callable {
  const goOn = (result: unknown, value: unknown): unknown =>
    (promiseResolve(constructor, result) as ScriptPromise).then(outcome(value));
  const [handler] = [(value: unknown): unknown => goOn(onFinally(), value)];
  const form = suspendingForm(onFinally);
  if (form === undefined) return handler!;
  return setSuspendingForm(handler!, function* (value: unknown): Generator<Suspension, unknown> {
    return goOn(yield* form(), value);
  });
}

/** The outcomes of a combinator's elements. */
interface Outcomes {
  set(index: number, value: unknown): void;
}

interface Combination {
  onFulfilled(index: number): Resolver;
  onRejected(index: number): Resolver;
  /** All outcomes were set. */
  done(outcomes: unknown[]): void;
}

/** What `all`, `allSettled`, `any` and `race` have in common. */
function combine(
  constructor: unknown,
  iterable: Iterable<unknown>,
  combination: (capability: Capability, outcomes: Outcomes) => Combination,
): unknown {
  const capability = newCapability(constructor);
  const outcomes: unknown[] = [];
  // One more than elements are waited for, until all are known.
  let missing = 1;
  const set = (index: number, value: unknown): void => {
    outcomes[index] = value;
    if (--missing === 0) done(outcomes);
  };
  const { onFulfilled, onRejected, done } = combination(capability, { set });
  try {
    const { resolve } = constructor as { resolve: unknown };
    if (typeof resolve !== "function") throw new TypeError("Promise resolve or reject function is not callable");
    if (typeof iterable?.[Symbol.iterator] !== "function") throw new TypeError(`${describe(iterable)} is not iterable`);
    let index = 0;
    for (const item of iterable) {
      outcomes.push(undefined);
      missing++;
      const promise = Reflect.apply(resolve, constructor, [item]);
      promise.then(onFulfilled(index), onRejected(index));
      index++;
    }
    if (--missing === 0) done(outcomes);
  } catch (error) {
    capability.reject(error);
  }
  return capability.promise;
}

function once(resolver: (value: unknown) => void, isCalled = { value: false }): Resolver {
  const [guarded] = [(value: unknown): void => {
    if (isCalled.value) return;
    isCalled.value = true;
    resolver(value);
  }];
  return guarded as Resolver;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" ? value !== null : typeof value === "function";
}

/** Tells without calling it. */
function isConstructor(value: unknown): value is Constructor {
  if (typeof value !== "function") return false;
  try {
    Reflect.construct(Object, [], value);
    return true;
  } catch {
    // Only an argument that is no constructor is refused there.
    return false;
  }
}

function incompatible(method: string, receiver: unknown): TypeError {
  return new TypeError(`Method ${method} called on incompatible receiver ${describe(receiver)}`);
}

function describe(value: unknown): string {
  return isObject(value) ? Object.prototype.toString.call(value) : String(value);
}
