/**
 * A call of an `async` function of the script, whose body is compiled to a generator. As a coroutine it runs until its
 * first `await`, passes what blocks on the way up to whoever drives the caller, and ends with the promise. After an
 * `await` it goes on as a job of its virtual user.
 */

import { awaitValue, newPromise, type Reaction, rejectPromise, resolvePromise } from "./promise.ts";
import type { Coroutine, Suspension } from "./suspension.ts";

/** What compiled bodies yield for `await`. Read at once by who drives the body, so one object serves all. */
class AwaitMarker {
  value: unknown = undefined;
}

/** The marker. */
export const AWAIT = new AwaitMarker();

/** `(yield $k.await(x))`: the marker, holding what is awaited. */
export function awaiting(value: unknown): typeof AWAIT {
  AWAIT.value = value;
  return AWAIT;
}

/** A compiled body with `await`: yields the marker, and suspensions. */
export type AsyncBody = Generator<Suspension | AwaitMarker, unknown, unknown>;
/** A compiled body before its call. */
export type BodyFunction = (...args: never[]) => AsyncBody;
/** What one step of a body gives: a marker, a suspension, or its result. */
export type AsyncStep = IteratorResult<Suspension | AwaitMarker, unknown>;

/** A running call. */
export class AsyncCall implements Coroutine, Reaction {
  readonly #promise = newPromise();
  readonly #body: AsyncBody | null;
  /** What a promise that was awaited gives, until the job for it runs. */
  #settled: "no" | "fulfilled" | "rejected" = "no";
  #value: unknown = undefined;

  /** @param generator The compiled body; calling it throws when a parameter's default does. */
  constructor(generator: BodyFunction, thisArg: unknown, args: ArrayLike<unknown>) {
    let body: AsyncBody | null = null;
    try {
      body = Reflect.apply(generator, thisArg, args) as AsyncBody;
    } catch (error) {
      rejectPromise(this.#promise, error);
    }
    this.#body = body;
  }

  settle(value: unknown, isError: boolean): void {
    this.#value = value;
    this.#settled = isError ? "rejected" : "fulfilled";
  }

  start(): Coroutine {
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(value?: unknown): IteratorResult<Suspension> {
    if (this.#settled === "no") return this.#step(value, false);
    const isError = this.#settled === "rejected";
    const settled = this.#value;
    this.#settled = "no";
    this.#value = undefined;
    return this.#step(settled, isError);
  }

  throw(error: unknown): IteratorResult<Suspension> {
    return this.#step(error, true);
  }

  #step(value: unknown, isError: boolean): IteratorResult<Suspension> {
    const body = this.#body;
    const done = { done: true as const, value: this.#promise };
    if (body === null) return done;
    try {
      let step = isError ? body.throw!(value) : body.next(value);
      while (step.done !== true) {
        if (step.value !== AWAIT) return step as IteratorYieldResult<Suspension>;
        const awaited = AWAIT.value;
        AWAIT.value = undefined;
        const failure = this.#await(awaited);
        if (failure === null) return done;
        step = body.throw!(failure.error);
      }
      resolvePromise(this.#promise, step.value);
    } catch (error) {
      rejectPromise(this.#promise, error);
    }
    return done;
  }

  /** Null, or what reading the value's `constructor` threw. */
  #await(value: unknown): { error: unknown } | null {
    try {
      awaitValue(value, this);
      return null;
    } catch (error) {
      return { error };
    }
  }
}
