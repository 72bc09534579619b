/** `for await` of the script: part of `$k`. */

import { AWAIT, awaiting } from "./async_call.ts";
import { asyncIteratorOf, type IteratorRecord, requireObject } from "./async_iterators.ts";
import { LoopTurn } from "./loop_turn.ts";
import { type Coroutine, suspendingForm, type Suspension } from "./suspension.ts";

// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);
type Yield = Suspension | typeof AWAIT;

/**
 * One `for await`: compiled to an outer loop that asks for the next value and an inner `for … of` over this very object,
 * which binds that value and tells when the body leaves the loop.
 */
export class ForAwait extends LoopTurn {
  /** Whether the iterable was evaluated and asked for its iterator. */
  isOpen = false;
  #record: IteratorRecord | null = null;

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
    this.offer((result as IteratorResult<unknown>).value);
    return this;
  }

  /** Closes the iterator if the body left the loop (AsyncIteratorClose). */
  *close(): Generator<Yield, void, unknown> {
    if (!this.isLeft || this.#record === null) return;
    const iterator = this.#record.iterator as { return?: Callable };
    try {
      const method = iterator.return;
      if (method === undefined || method === null) return;
      const form = suspendingForm(method);
      const given = form === undefined
        ? Reflect.apply(method, iterator, [])
        : yield* Reflect.apply(form, iterator, []) as Coroutine;
      const result = yield awaiting(given);
      if (!this.hasThrown) requireObject(result);
    } catch (error) {
      // The body's own exception counts more.
      if (!this.hasThrown) throw error;
    }
  }
}
