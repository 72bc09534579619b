/**
 * The protocol between compiled scripts, blocking functions and the driver of a virtual user.
 *
 * A function that may suspend is compiled to a generator (its *suspending form*). It hangs under the private symbol
 * `SUSPEND` of the author's function, which stays a plain, synchronous function. A compiled call that may suspend is
 * `(yield* …)`: it delegates to the callee's suspending form when there is one, else it calls the plain function. What
 * reaches the driver through all the delegation are `Suspension`s: the driver begins one and resumes the coroutine
 * when it is done. A coroutine that nobody resumes is simply dropped: no `catch` sees it and no `finally` runs.
 */

/** Property of a function that holds its suspending form: same `this` and arguments, returns a `Coroutine`. */
export const SUSPEND: unique symbol = Symbol("k6d.suspend");

/** One blocking operation in flight. */
export interface Suspension {
  /** Starts the operation; it later calls `resume` or `resumeWithError` exactly once, never from within `begin`. */
  begin(coroutine: Resumable): void;
  /** Gives the operation up, because the coroutine is dropped: it must not resume any more. */
  cancel?(): void;
  /**
   * Runs the operation to its end on the spot, instead of `begin`, while the whole thread waits (blocking_twin.ts).
   * Returns or throws what the coroutine is to be resumed with.
   */
  block(): unknown;
}

/** Who waits for a suspension: the driver of a virtual user. */
export interface Resumable {
  resume(value: unknown): void;
  resumeWithError(error: unknown): void;
}

/** A running suspending form. A native blocking function may return a reusable object of this shape instead of a generator. */
export interface Coroutine<T = unknown> extends Iterator<Suspension, T, unknown> {
  [Symbol.iterator](): Coroutine<T>;
}

/** A function with a suspending form. */
export interface SuspendingFunction {
  (...args: never[]): unknown;
  readonly [SUSPEND]?: (...args: never[]) => Coroutine;
}
