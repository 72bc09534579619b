/** Async iteration (ECMA-262, 27.1): what `for await` and `yield*` walk. */

import {
  awaitValue,
  newPromise,
  promiseResolve,
  type Reaction,
  rejectPromise,
  resolvePromise,
  scriptPromise,
} from "./promise.ts";
import type { Coroutine } from "./suspension.ts";

// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);

/** An iterator and its `next`, read once. */
export interface IteratorRecord {
  readonly iterator: object;
  readonly next: Callable;
}

/** ECMA-262, GetIterator with kind async. */
export function asyncIteratorOf(iterable: unknown): IteratorRecord {
  const methods = iterable as { [Symbol.asyncIterator]?: Callable; [Symbol.iterator]?: Callable };
  const method = methods[Symbol.asyncIterator];
  if (method !== undefined && method !== null) return recordOf(Reflect.apply(method, iterable, []));
  const sync = methods[Symbol.iterator];
  if (typeof sync !== "function") throw new TypeError(`${describe(iterable)} is not async iterable`);
  return recordOf(new FromSync(recordOf(Reflect.apply(sync, iterable, []))));
}

function recordOf(iterator: unknown): IteratorRecord {
  requireObject(iterator);
  return { iterator, next: (iterator as { next: Callable }).next };
}

/** An iterator whose results may hold promises, as an async one (%AsyncFromSyncIteratorPrototype%). */
class FromSync {
  readonly #sync: IteratorRecord;

  constructor(sync: IteratorRecord) {
    this.#sync = sync;
  }

  next(...args: unknown[]): unknown {
    return this.#continue(() => Reflect.apply(this.#sync.next, this.#sync.iterator, args), true);
  }

  return(...args: unknown[]): unknown {
    const { iterator } = this.#sync as { iterator: { return?: Callable } };
    return this.#continue(() => {
      const method = iterator.return;
      if (method === undefined || method === null) return { value: args[0], done: true };
      return Reflect.apply(method, iterator, args);
    }, false);
  }

  throw(...args: unknown[]): unknown {
    const { iterator } = this.#sync as { iterator: { throw?: Callable; return?: Callable } };
    return this.#continue(() => {
      const method = iterator.throw;
      if (method !== undefined && method !== null) return Reflect.apply(method, iterator, args);
      iterator.return?.();
      throw new TypeError("The iterator does not provide a 'throw' method.");
    }, true);
  }

  #continue(step: () => unknown, closes: boolean): unknown {
    const promise = newPromise();
    try {
      const result = step();
      requireObject(result);
      const { done, value } = result as IteratorResult<unknown>;
      let settled: unknown;
      try {
        settled = promiseResolve(scriptPromise, value);
      } catch (error) {
        if (!done && closes) this.#close();
        throw error;
      }
      waitFor(settled, (value, isError) => {
        if (!isError) resolvePromise(promise, { value, done: Boolean(done) });
        else {
          if (!done && closes) this.#close();
          rejectPromise(promise, value);
        }
        return null;
      });
    } catch (error) {
      rejectPromise(promise, error);
    }
    return promise;
  }

  /** After an error, which counts more than what closing throws. */
  #close(): void {
    try {
      (this.#sync.iterator as { return?: Callable }).return?.();
    } catch {
      // The first error is reported.
    }
  }
}

/** Calls `go` in a job once `value` is settled; what `go` returns is driven to its end. */
export function waitFor(value: unknown, go: (settled: unknown, isError: boolean) => Coroutine | null): void {
  let settled: unknown;
  let failed = false;
  const reaction: Reaction = {
    settle(value, isError) {
      settled = value;
      failed = isError;
    },
    start: () => go(settled, failed),
  };
  try {
    awaitValue(value, reaction);
  } catch (error) {
    // Reading a promise's `constructor` threw.
    const promise = newPromise();
    rejectPromise(promise, error);
    awaitValue(promise, reaction);
  }
}

/** Throws for what can't be an iterator's result. */
export function requireObject(value: unknown): asserts value is object {
  if (typeof value === "object" ? value === null : typeof value !== "function") {
    throw new TypeError(`Iterator result ${describe(value)} is not an object`);
  }
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}
