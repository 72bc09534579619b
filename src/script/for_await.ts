/** `for await` of the script: part of `$k`. */

import { AWAIT, awaiting } from "./async_call.ts";
import { asyncIteratorOf, type IteratorRecord, requireObject } from "./async_iterators.ts";
import { type Coroutine, suspendingForm, type Suspension } from "./suspension.ts";

// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);
type Yield = Suspension | typeof AWAIT;

/**
 * One `for await`: compiled to an outer loop that asks for the next value and an inner `for … of` over this very object,
 * which binds that value and tells when the body leaves the loop.
 */
export class ForAwait {
  /** Whether the iterable was evaluated and asked for its iterator. */
  isOpen = false;
  /** Whether the outer loop goes on. */
  goesOn = true;
  #record: IteratorRecord | null = null;
  #value: unknown = undefined;
  #hasValue = false;
  #hasThrown = false;
  /** Whether the body left the loop before its end. */
  #isLeft = false;

  open(iterable: unknown): void {
    this.isOpen = true;
    this.#record = asyncIteratorOf(iterable);
  }

  /** Fetches the next value. */
  *step(): Generator<Yield, this, unknown> {
    const { iterator, next } = this.#record!;
    // What the iterator itself throws does not close it.
    this.goesOn = false;
    const form = suspendingForm(next);
    const given = form === undefined
      ? Reflect.apply(next, iterator, [])
      : yield* Reflect.apply(form, iterator, []) as Coroutine;
    const result = yield awaiting(given);
    requireObject(result);
    const { done } = result as IteratorResult<unknown>;
    if (done) {
      this.#record = null;
      return this;
    }
    this.#value = (result as IteratorResult<unknown>).value;
    this.#hasValue = this.goesOn = true;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<unknown, undefined> {
    if (!this.#hasValue) return { done: true, value: undefined };
    this.#hasValue = false;
    return { done: false, value: this.#value };
  }

  /** The body left the loop. */
  return(): IteratorResult<unknown, undefined> {
    this.goesOn = false;
    this.#isLeft = true;
    return { done: true, value: undefined };
  }

  /** An exception passes; returns it. */
  thrown(error: unknown): unknown {
    this.#hasThrown = true;
    return error;
  }

  /** Closes the iterator if the body left the loop (AsyncIteratorClose). */
  *close(): Generator<Yield, void, unknown> {
    if (!this.#isLeft || this.#record === null) return;
    const iterator = this.#record.iterator as { return?: Callable };
    try {
      const method = iterator.return;
      if (method === undefined || method === null) return;
      const form = suspendingForm(method);
      const given = form === undefined
        ? Reflect.apply(method, iterator, [])
        : yield* Reflect.apply(form, iterator, []) as Coroutine;
      const result = yield awaiting(given);
      if (!this.#hasThrown) requireObject(result);
    } catch (error) {
      // The body's own exception counts more.
      if (!this.#hasThrown) throw error;
    }
  }
}
