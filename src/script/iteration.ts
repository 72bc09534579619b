/** Iteration that may suspend: `for … of`, spread and what else walks an iterator. Part of `$k`. */

import { LoopTurn } from "./loop_turn.ts";
import { type Coroutine, suspendingForm, type Suspension } from "./suspension.ts";

// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);

/** An iterator and its `next`, read once. */
export interface IteratorRecord {
  readonly iterator: object;
  readonly next: Callable;
}

/**
 * ECMA-262, GetIterator with kind sync.
 *
 * @param text The iterable as the script names it.
 * @throws {TypeError} For what is not iterable.
 */
export function iteratorOf(iterable: unknown, text: string): IteratorRecord {
  const iterator = openIterator(iterable, text);
  return { iterator, next: (iterator as { next: Callable }).next };
}

function openIterator(iterable: unknown, text: string): object {
  const method = iterable === undefined || iterable === null
    ? undefined
    : (iterable as { [Symbol.iterator]?: unknown })[Symbol.iterator];
  if (typeof method !== "function") throw new TypeError(`${text} is not iterable`);
  const iterator: unknown = Reflect.apply(method, iterable, []);
  if (typeof iterator === "object" ? iterator === null : typeof iterator !== "function") {
    throw new TypeError("Result of the Symbol.iterator method is not an object");
  }
  return iterator as object;
}

/** Throws for what can't be an iterator's result. */
export function requireObject(value: unknown): asserts value is object {
  if (typeof value === "object" ? value === null : typeof value !== "function") {
    throw new TypeError(`Iterator result ${String(value)} is not an object`);
  }
}

/** Calls a method of an iterator, by its suspending form if it has one. */
export function* invokeMethod(
  method: Callable,
  iterator: object,
  args: unknown[],
): Generator<Suspension, unknown, unknown> {
  const form = typeof method === "function" ? suspendingForm(method) : undefined;
  return form === undefined
    ? Reflect.apply(method, iterator, args)
    : yield* Reflect.apply(form, iterator, args as never[]) as Coroutine;
}

/** ECMA-262, IteratorClose; with `isThrowing` nothing that goes wrong here counts. */
export function* closeIterator(
  { iterator }: IteratorRecord,
  isThrowing: boolean,
): Generator<Suspension, void, unknown> {
  try {
    const method = (iterator as { return?: Callable }).return;
    if (method === undefined || method === null) return;
    const result = yield* invokeMethod(method, iterator, []);
    if (!isThrowing) requireObject(result);
  } catch (error) {
    if (!isThrowing) throw error;
  }
}

/** The iterators that V8's own objects give: nothing in them suspends, and V8 walks them best. */
const nativePrototypes = new Set<object>([
  [][Symbol.iterator](),
  new Map()[Symbol.iterator](),
  new Set()[Symbol.iterator](),
  ""[Symbol.iterator](),
  "".matchAll(/x/g),
].map((iterator) => Object.getPrototypeOf(iterator)));

/** What V8 may iterate itself, once its iterator is there. */
class Opened {
  readonly #iterator: object;

  constructor(iterator: object) {
    this.#iterator = iterator;
  }

  [Symbol.iterator](): object {
    return this.#iterator;
  }
}

/**
 * A `for … of` that may suspend: compiled to an outer loop that fetches a value and an inner `for … of` over this very
 * object, which binds that value and tells when the body leaves the loop. What V8 can iterate itself it gets at once:
 * the inner loop is then the only one.
 */
class ForOf extends LoopTurn {
  readonly isPlain: boolean = false;
  readonly #record: IteratorRecord | null;
  readonly #native: Opened | null;

  constructor(iterable: unknown, text: string) {
    super();
    const iterator = openIterator(iterable, text);
    const isNative = nativePrototypes.has(Object.getPrototypeOf(iterator));
    this.#native = isNative ? new Opened(iterator) : null;
    this.#record = isNative ? null : { iterator, next: (iterator as { next: Callable }).next };
  }

  /** Fetches the next value; gives what the inner loop walks. */
  *step(): Generator<Suspension, Iterable<unknown> | Opened, unknown> {
    // What the iterator itself throws does not close it.
    this.goesOn = false;
    if (this.#record === null) return this.#native!;
    const { iterator, next } = this.#record;
    const form = typeof next === "function" ? suspendingForm(next) : undefined;
    const result = form === undefined
      ? Reflect.apply(next, iterator, [])
      : yield* Reflect.apply(form, iterator, []) as Coroutine;
    requireObject(result);
    if ((result as IteratorResult<unknown>).done) return this;
    this.offer((result as IteratorResult<unknown>).value);
    return this;
  }

  /** Closes the iterator, as the body left the loop. */
  close(): Coroutine {
    return closeIterator(this.#record!, this.hasThrown);
  }
}

/** Of all loops over what V8 iterates itself: one turn of the outer loop. */
const PLAIN_LOOP = {
  isPlain: true,
  goesOn: false,
  isLeft: false,
  thrown: (error: unknown): unknown => error,
};

/** Begins a loop: `isPlain` when V8 should iterate the value itself. Hot. */
function loop(iterable: unknown, text: string): ForOf | typeof PLAIN_LOOP {
  return Array.isArray(iterable) || typeof iterable === "string" ? PLAIN_LOOP : new ForOf(iterable, text);
}

/** `...(yield* $k.collect(x, "x"))`: all values, or what V8 may spread itself. */
function* collect(iterable: unknown, text: string): Generator<Suspension, unknown, unknown> {
  if (Array.isArray(iterable) || typeof iterable === "string") return iterable;
  const iterator = openIterator(iterable, text);
  if (nativePrototypes.has(Object.getPrototypeOf(iterator))) return new Opened(iterator);
  const { next } = iterator as { next: Callable };
  const values: unknown[] = [];
  for (;;) {
    const result = yield* invokeMethod(next, iterator, []);
    requireObject(result);
    if ((result as IteratorResult<unknown>).done) return values;
    values.push((result as IteratorResult<unknown>).value);
  }
}

/** This file's part of `$k`. */
export const iteration = { loop, collect };
