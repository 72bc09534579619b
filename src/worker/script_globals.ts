/**
 * What a script finds on `globalThis`: JavaScript itself, k6's globals, and nothing of Deno's, the browser's or this
 * worker's. Done once, before any line of the script runs; k6d's own code keeps what it needs in module scope.
 */

import { registerHooks } from "node:module";

// Scripts find these gone from the global object.
const { Event, EventTarget } = globalThis;

/** Ends the message of the error that an `import()` in evaluated text is rejected with. */
export const IMPORT_REFUSED = "is refused: a script can't import while it runs";

/** Properties of a worker's global object that a script may see: ECMAScript, and what k6 offers. */
const KEPT = new Set([
  ..."Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp"
    .split(" "),
  ..."Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError globalThis JSON Math"
    .split(" "),
  ..."ArrayBuffer SharedArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array".split(
    " ",
  ),
  ..."Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set"
    .split(" "),
  ..."Iterator WeakMap WeakSet WeakRef Proxy Reflect decodeURI decodeURIComponent encodeURI".split(
    " ",
  ),
  ..."encodeURIComponent escape unescape eval isFinite isNaN TextEncoder TextDecoder Intl".split(" "),
]);

/** Not k6's, but Deno looks them up on the global object: to deliver messages, and to report rejections. */
const NEEDED_BY_DENO = new Set(["queueMicrotask"]);

/** Methods of event targets, which the global object is one of. */
const EVENT_METHODS = ["addEventListener", "removeEventListener", "dispatchEvent"] as const;

/**
 * Removes from the global object what a script must not reach, and adds `globals`. From then on nothing can be imported
 * in this thread: text that a script evaluates could do that with `import()`, and Deno's own modules reach far.
 * `ownGlobal` gives the running virtual user's `globalThis`, if it has asked for one.
 */
export function installScriptGlobals(
  globals: Readonly<Record<string, unknown>>,
  ownGlobal: () => object | undefined,
): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (KEPT.has(name)) materialize(name);
    else if (!NEEDED_BY_DENO.has(name)) hide(globalThis, name);
  }
  // k6 has neither, and V8's promises would not keep k6's order.
  hide(Array, "fromAsync");
  hide(Atomics, "waitAsync");
  guardEvents();
  Object.setPrototypeOf(globalThis, new Proxy(Object.getPrototypeOf(globalThis), new OwnGlobals(ownGlobal)));
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
  registerHooks({
    resolve(specifier) {
      throw new TypeError(`import() of "${specifier}" ${IMPORT_REFUSED}`);
    },
  });
}

/** Deno makes some globals when they are first asked for; behind their getters nobody would see changes of them. */
function materialize(name: string): void {
  if (Object.getOwnPropertyDescriptor(globalThis, name)?.get === undefined) return;
  const value = Reflect.get(globalThis, name);
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

function hide(object: object, name: string): void {
  if (Reflect.deleteProperty(object, name)) return;
  // What cannot be deleted can be emptied, unless it is constant, and then it is JavaScript's own.
  if (Object.getOwnPropertyDescriptor(object, name)?.writable === true) Reflect.set(object, name, undefined);
}

/**
 * The messages of the main thread are events on the global object. A script that gets hold of that object can't listen
 * to them, can't send one, and can't take k6d's listeners away.
 */
function guardEvents(): void {
  const dispatch = EventTarget.prototype.dispatchEvent;
  for (const name of EVENT_METHODS) {
    const native = EventTarget.prototype[name] as (...args: unknown[]) => unknown;
    const value = function (this: unknown, ...args: unknown[]): unknown {
      if (this === globalThis || this === undefined || this === null) {
        throw new ReferenceError(`${name} is not defined`);
      }
      return Reflect.apply(native, this, args);
    };
    Object.defineProperty(EventTarget.prototype, name, { value });
  }
  // Deno reports an unhandled rejection through this one. A script has no way to make an `Event`.
  Object.defineProperty(globalThis, "dispatchEvent", {
    value: (event: unknown) => event instanceof Event && dispatch.call(globalThis, event),
  });
  for (const key of Object.getOwnPropertySymbols(globalThis)) {
    deepFreeze((globalThis as Record<symbol, unknown>)[key]);
    Object.defineProperty(globalThis, key, { writable: false, configurable: false });
  }
  for (
    let object: object = Object.getPrototypeOf(globalThis);
    object !== Object.prototype;
    object = Object.getPrototypeOf(object)
  ) {
    Reflect.deleteProperty(object, "constructor");
    Object.freeze(object);
  }
}

/**
 * Behind the real global object: what that lacks, text that a script evaluates finds on its virtual user's own, and what
 * such text adds goes there.
 */
class OwnGlobals implements ProxyHandler<object> {
  constructor(readonly ownGlobal: () => object | undefined) {}

  has(prototype: object, name: PropertyKey): boolean {
    return this.#owner(name) !== undefined || Reflect.has(prototype, name);
  }

  get(prototype: object, name: PropertyKey): unknown {
    return Reflect.get(this.#owner(name) ?? prototype, name);
  }

  set(_prototype: object, name: PropertyKey, value: unknown, receiver: object): boolean {
    const target = this.ownGlobal() ?? receiver;
    return Reflect.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  }

  #owner(name: PropertyKey): object | undefined {
    const own = this.ownGlobal();
    return own !== undefined && Object.hasOwn(own, name) ? own : undefined;
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" && typeof value !== "function" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) deepFreeze(Reflect.getOwnPropertyDescriptor(value, key)!.value);
}
