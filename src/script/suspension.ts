/**
 * The protocol between compiled scripts, blocking functions and the driver of a virtual user.
 *
 * A function that may suspend is compiled to a generator (its *suspending form*). It belongs to the
 * author's function, which stays a plain, synchronous function. A compiled call that may suspend is
 * `(yield* …)`: it delegates to the callee's suspending form when there is one, else it calls the plain function. What
 * reaches the driver through all the delegation are `Suspension`s: the driver begins one and resumes the coroutine
 * when it is done. A coroutine that nobody resumes is simply dropped: no `catch` sees it and no `finally` runs.
 */

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
  /** The phase is over: nothing is waited for, wherever the script is. */
  readonly endsPhase?: true;
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

/** Any function. */
type Callable<Args extends unknown[]> = (...args: Args) => unknown;
/** A function that, called as its owner would be, returns the coroutine to delegate to. */
export type SuspendingForm<Args extends unknown[] = never[]> = (...args: Args) => Coroutine;

/** The suspending form of a function; undefined when it has none. Hot. */
export function suspendingForm<Args extends unknown[]>(fn: Callable<Args>): SuspendingForm<Args> | undefined;
// deno-lint-ignore ban-types -- callables of unknown signature
export function suspendingForm(fn: Function): SuspendingForm<unknown[]> | undefined;
// deno-lint-ignore ban-types -- as above
export function suspendingForm(fn: Function): SuspendingForm | undefined {
  return Suspending.formOf(fn);
}

/** Gives a function a suspending form, which takes the same `this` and arguments; returns the function. */
export function setSuspendingForm<Fn extends Callable<never[]>>(fn: Fn, form: SuspendingForm): Fn {
  Suspending.give(fn, form);
  return fn;
}

/**
 * A private field on functions. Unlike a property it can't be copied to another function (`Object.assign`), inherited
 * from one (`class A extends B`) or asked of a proxy's target, whose form would leave out the trap.
 */
class Suspending extends (function (fn: object) {
  return fn;
} as unknown as new (fn: object) => object) {
  #form: SuspendingForm;

  private constructor(fn: object, form: SuspendingForm) {
    super(fn);
    this.#form = form;
  }

  static give(fn: object, form: SuspendingForm): void {
    if (#form in fn) (fn as Suspending).#form = form;
    else new Suspending(fn, form);
  }

  static formOf(fn: object): SuspendingForm | undefined {
    return #form in fn ? (fn as Suspending).#form : undefined;
  }
}
