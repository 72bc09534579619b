/** Async generators of the script: part of `$k`. Bodies are compiled to generators that yield markers. */

import { AWAIT, awaiting } from "./async_call.ts";
import { runBlocking } from "./blocking_twin.ts";
import { asyncIteratorOf, type IteratorRecord, requireObject, waitFor } from "./async_iterators.ts";
import { ForAwait } from "./for_await.ts";
import { generatorFunctions } from "./generator_functions.ts";
import { newPromise, rejectPromise, resolvePromise, type ScriptPromise } from "./promise.ts";
import { type Coroutine, setSuspendingForm, suspendingForm, type Suspension } from "./suspension.ts";
import { RETURN, type ValueMarker, YIELD, yielding } from "./yield_marker.ts";

type Marker = typeof AWAIT | ValueMarker;
type Body = Generator<Suspension | Marker, unknown, unknown>;
// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);
type Kind = "next" | "throw" | "return";

/** A call of `next`, `throw` or `return` that was not answered yet. */
interface Request {
  readonly kind: Kind;
  readonly value: unknown;
  readonly promise: ScriptPromise;
}

const nativePrototype = Object.getPrototypeOf(async function* () {}) as object;
const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype)) as object;

/** An async generator object (ECMA-262, 27.6). */
class AsyncGenerator {
  readonly #body: Body;
  #state: "start" | "yielded" | "running" | "returning" | "done" = "start";
  readonly #requests: Request[] = [];

  static {
    Object.setPrototypeOf(this.prototype, AsyncIteratorPrototype);
    // This class must not be reached: a body of the script's own could yield what it likes.
    Object.defineProperty(this.prototype, "constructor", {
      value: nativePrototype,
      writable: false,
      configurable: true,
    });
    Object.defineProperty(this.prototype, Symbol.toStringTag, { value: "AsyncGenerator", configurable: true });
    for (const kind of ["next", "throw", "return"] as const) {
      const form = function* (this: AsyncGenerator, value: unknown): Generator<Suspension, ScriptPromise> {
        const promise = newPromise();
        if (typeof this === "object" && this !== null && #state in this) yield* this.#request({ kind, value, promise });
        else rejectPromise(promise, new TypeError(`${kind} method called on incompatible receiver ${String(this)}`));
        return promise;
      };
      const { method } = {
        method(this: AsyncGenerator, value: unknown): unknown {
          return runBlocking(Reflect.apply(form, this, [value]), method, `${kind}()`);
        },
      };
      Object.defineProperty(method, "name", { value: kind });
      setSuspendingForm(method, form);
      Object.defineProperty(this.prototype, kind, { value: method, writable: true, configurable: true });
    }
  }

  constructor(body: Body) {
    this.#body = body;
  }

  *#request(request: Request): Generator<Suspension, void> {
    const { kind, value, promise } = request;
    if (this.#state === "start" && kind !== "next") this.#state = "done";
    if (this.#state === "done" && kind === "next") return resolvePromise(promise, { value: undefined, done: true });
    if (this.#state === "done" && kind === "throw") return rejectPromise(promise, value);
    this.#requests.push(request);
    if (this.#state === "done") this.#drain();
    else if (this.#state === "start" || this.#state === "yielded") yield* this.#resume();
  }

  /** Goes on with the first request. */
  *#resume(): Generator<Suspension, void> {
    const { kind, value } = this.#requests[0]!;
    const yielded = this.#state === "yielded";
    this.#state = "running";
    // At a `yield`, what is to be returned is awaited first.
    if (yielded && kind === "return") this.#await(value, "return");
    else yield* this.#run(kind, value);
  }

  /** Runs the body until it awaits, has nothing more to answer, or ends. */
  *#run(kind: Kind, value: unknown): Generator<Suspension, void> {
    let action = kind;
    let sent = value;
    for (;;) {
      let step: IteratorResult<Suspension | Marker, unknown>;
      try {
        step = this.#body[action](sent);
      } catch (error) {
        this.#complete(error, true, true);
        return this.#drain();
      }
      if (step.done === true) {
        this.#complete(step.value, false, true);
        return this.#drain();
      }
      action = "next";
      if (step.value === AWAIT) {
        return this.#await(AWAIT.value, "next");
      } else if (step.value === RETURN) {
        action = "return";
        sent = RETURN.value;
      } else if (step.value === YIELD) {
        this.#complete(YIELD.value, false, false);
        const [request] = this.#requests;
        this.#state = "yielded";
        if (request === undefined) return;
        this.#state = "running";
        if (request.kind === "return") return this.#await(request.value, "return");
        action = request.kind;
        sent = request.value;
      } else {
        try {
          sent = yield step.value as Suspension;
        } catch (error) {
          action = "throw";
          sent = error;
        }
      }
    }
  }

  /** Goes on with the body once `value` is settled: by `kind`, or by a throw. */
  #await(value: unknown, kind: Kind): void {
    const go = (settled: unknown, isError: boolean) => this.#run(isError ? "throw" : kind, settled);
    waitFor(value, go);
  }

  /** Answers the first request. */
  #complete(value: unknown, isError: boolean, done: boolean): void {
    if (done) this.#state = "done";
    const { promise } = this.#requests.shift()!;
    if (isError) rejectPromise(promise, value);
    else resolvePromise(promise, { value, done });
  }

  /** The body has ended: answers all requests. */
  #drain(): void {
    for (let [request] = this.#requests; request !== undefined; [request] = this.#requests) {
      if (request.kind === "return") {
        this.#state = "returning";
        return waitFor(request.value, (settled, isError) => {
          this.#complete(settled, isError, true);
          this.#drain();
          return null;
        });
      }
      this.#complete(request.kind === "throw" ? request.value : undefined, request.kind === "throw", true);
    }
  }
}

/** What all async generator objects of scripts inherit from. */
export const asyncGeneratorPrototype: object = AsyncGenerator.prototype;

const functions = generatorFunctions<Body>(AsyncGenerator, nativePrototype);

/** `(yield* $k.delegate(x))`: the author's `yield* x` in an async generator (ECMA-262, YieldExpression). */
class Delegate {
  readonly #record: IteratorRecord;
  #kind: Kind = "next";
  #state: "start" | "awaiting" | "yielded" | "returned" | "closing" = "start";
  /** The delegate's method, while it runs and suspends. */
  #running: Coroutine | null = null;

  constructor(iterable: unknown) {
    this.#record = asyncIteratorOf(iterable);
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(value: unknown): IteratorResult<Suspension | Marker, unknown> {
    if (this.#running !== null) return this.#run(this.#running.next(value));
    switch (this.#state) {
      case "awaiting":
        return this.#received(value);
      case "closing":
        throw new TypeError("The iterator does not provide a 'throw' method.");
      default:
        return this.#send("next", this.#record.next, value);
    }
  }

  throw(error: unknown): IteratorResult<Suspension | Marker, unknown> {
    if (this.#running !== null) return this.#run(this.#running.throw!(error));
    if (this.#state !== "yielded") throw error;
    const { iterator } = this.#record as { iterator: { throw?: Callable; return?: Callable } };
    const method = iterator.throw;
    if (method !== undefined && method !== null) return this.#send("throw", method, error);
    const close = iterator.return;
    this.#state = "closing";
    return this.#awaiting(close === undefined || close === null ? undefined : Reflect.apply(close, iterator, []));
  }

  return(value: unknown): IteratorResult<Suspension | Marker, unknown> {
    if (this.#state === "returned") return { done: true, value };
    const { iterator } = this.#record as { iterator: { return?: Callable } };
    const method = iterator.return;
    if (method !== undefined && method !== null) return this.#send("return", method, value);
    this.#kind = "return";
    this.#state = "awaiting";
    return this.#awaiting(promiseOfResult(value));
  }

  #send(kind: Kind, method: Callable, value: unknown): IteratorResult<Suspension | Marker, unknown> {
    this.#kind = kind;
    this.#state = "awaiting";
    const form = suspendingForm(method);
    if (form === undefined) return this.#awaiting(Reflect.apply(method, this.#record.iterator, [value]));
    this.#running = Reflect.apply(form, this.#record.iterator, [value]) as Coroutine;
    return this.#run(this.#running.next());
  }

  #run(step: IteratorResult<Suspension, unknown>): IteratorResult<Suspension | Marker, unknown> {
    if (step.done !== true) return step;
    this.#running = null;
    return this.#awaiting(step.value);
  }

  #awaiting(value: unknown): IteratorResult<Suspension | Marker, unknown> {
    return { done: false, value: awaiting(value) };
  }

  #received(result: unknown): IteratorResult<Suspension | Marker, unknown> {
    requireObject(result);
    const { done } = result as IteratorResult<unknown>;
    const { value } = result as IteratorResult<unknown>;
    if (!done) {
      this.#state = "yielded";
      return { done: false, value: YIELD.of(value) };
    }
    if (this.#kind !== "return") return { done: true, value };
    // The generator itself has to return now; it comes back through `return`.
    this.#state = "returned";
    return { done: false, value: RETURN.of(value) };
  }
}

/** What an iterator without `return` would have answered. */
function promiseOfResult(value: unknown): unknown {
  const promise = newPromise();
  waitFor(value, (settled, isError) => {
    if (isError) rejectPromise(promise, settled);
    else resolvePromise(promise, { value: settled, done: true });
    return null;
  });
  return promise;
}

/** This file's part of `$k`. */
export const asyncGenerators = {
  yield: yielding,
  delegate: (iterable: unknown) => new Delegate(iterable),
  forAwait: () => new ForAwait(),
  asyncGenerator: functions.start,
  declareAsyncGenerator: functions.declare,
  asyncGeneratorFn: functions.expression,
  asyncGeneratorMethods: functions.methods,
};
