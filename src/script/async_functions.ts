/** What compiled scripts call for their `async` functions: part of `$k`. */

import { AsyncCall, awaiting, type BodyFunction } from "./async_call.ts";
import { runBlocking } from "./blocking_twin.ts";
import { type Coroutine, setSuspendingForm, type SuspendingForm } from "./suspension.ts";

// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);

/** What `Object.prototype.toString`, `constructor` and the like tell of an `async` function. */
const asyncPrototype = Object.getPrototypeOf(async () => {}) as object;

/** Whether the script's function is an `async` one. */
export function isAsyncFunction(value: unknown): boolean {
  return typeof value === "function" && Object.getPrototypeOf(value) === asyncPrototype;
}

/** Set for the next `call`: its caller wants the coroutine. */
let isCoroutineWanted = false;

/** Calls a body for a plain caller, who gets the promise; blocks the thread for what blocks before the first `await`. */
function call(body: BodyFunction, thisArg: unknown, args: ArrayLike<unknown>): unknown {
  const started = new AsyncCall(body, thisArg, args);
  if (isCoroutineWanted) {
    isCoroutineWanted = false;
    return started;
  }
  return runBlocking(started, undefined, "an async function");
}

/** `(yield* $k.callPrivate(o.#m, o, …))`: an `async` private method, whose body is nothing but a `call`. */
function callPrivate(method: Callable, receiver: unknown, _text: string, ...args: unknown[]): Coroutine {
  isCoroutineWanted = true;
  return Reflect.apply(method, receiver, args) as Coroutine;
}

/** Makes a declared function, whose body is a `call`, an `async` one. */
function declareAsync(plain: Callable, body: BodyFunction): void {
  if (typeof plain === "function") finish(plain, body);
}

/** The author's function for a body that is an `async` function expression or method. */
function asyncFn(body: BodyFunction, length: number, name: string): Callable {
  const plain: Callable = {
    method(...args: unknown[]) {
      return call(body, this, args);
    },
  }.method;
  return named(finish(plain, body), length, name);
}

/** The same for an arrow; `self` gives its `this`, if it uses that. */
function asyncArrow(body: BodyFunction, length: number, name: string, self?: () => unknown): Callable {
  const plain: Callable = (...args: unknown[]) => call(body, self?.(), args);
  Object.setPrototypeOf(plain, asyncPrototype);
  setSuspendingForm(plain, (...args: unknown[]) => new AsyncCall(body, self?.(), args));
  return named(plain, length, name);
}

type Methods = Record<string, BodyFunction & { readonly length: number }>;

/** Puts `async` methods in front of the bodies that a class was compiled with. */
function asyncMethods(owner: { prototype: Methods }, names: readonly string[], statics: readonly string[]): void {
  for (const name of names) wrapMethod(owner.prototype, name);
  for (const name of statics) wrapMethod(owner as unknown as Methods, name);
}

function wrapMethod(holder: Methods, name: string): void {
  const body = holder[name]!;
  const value = asyncFn(body, body.length, name);
  Object.defineProperty(holder, name, { value, writable: true, enumerable: false, configurable: true });
}

function finish(plain: Callable, body: BodyFunction): Callable {
  Object.setPrototypeOf(plain, asyncPrototype);
  return setSuspendingForm(plain, function (this: unknown, ...args: unknown[]) {
    return new AsyncCall(body, this, args);
  } as SuspendingForm);
}

function named(plain: Callable, length: number, name: string): Callable {
  Object.defineProperty(plain, "length", { value: length, configurable: true });
  Object.defineProperty(plain, "name", { value: name, configurable: true });
  return plain;
}

/** This file's part of `$k`. */
export const asyncFunctions = {
  await: awaiting,
  async: call,
  callPrivate,
  declareAsync,
  asyncFn,
  asyncArrow,
  asyncMethods,
};
