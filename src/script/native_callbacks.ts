/** Suspending forms of the native functions that call back: same semantics, one callback after the other. */

import {
  type Coroutine,
  setSuspendingForm,
  type SuspendingForm,
  suspendingForm,
  type Suspension,
} from "./suspension.ts";
import { runtime } from "./runtime.ts";

// deno-lint-ignore ban-types -- any callable
type Callback = Function;
type List = ArrayLike<unknown>;
type Form = (this: never, ...args: never[]) => Coroutine;

let installed = false;

/** Hangs the suspending forms under the natives, once a worker. */
export function installNativeCallbacks(): void {
  if (installed) return;
  installed = true;
  const attach = (owner: object, forms: Record<string, Form>) => {
    for (const [name, form] of Object.entries(forms)) {
      setSuspendingForm((owner as Record<string, () => unknown>)[name]!, form);
    }
  };
  attach(Array.prototype, arrayForms as unknown as Record<string, Form>);
  attach(Array, { from } as unknown as Record<string, Form>);
  attach(Map.prototype, { forEach: collectionForEach } as unknown as Record<string, Form>);
  attach(Set.prototype, { forEach: collectionForEach } as unknown as Record<string, Form>);
  attach(Function.prototype, { call: callForm, apply: applyForm } as unknown as Record<string, Form>);
  attach(Reflect, { apply: reflectApply } as unknown as Record<string, Form>);
  const TypedArray = Object.getPrototypeOf(Uint8Array) as { prototype: object };
  const { flatMap: _, ...shared } = arrayForms;
  attach(TypedArray.prototype, { ...shared, ...typedArrayForms } as unknown as Record<string, Form>);
  attach(TypedArray, { from: typedArrayFrom } as unknown as Record<string, Form>);
  carrySuspendThroughBind();
}

/** Calls back as compiled code would. */
function run(callback: Callback, thisArg: unknown, ...args: unknown[]): Coroutine {
  return runtime.invoke(callback as never, thisArg, "callback", ...args);
}

function callable(callback: unknown): asserts callback is Callback {
  // The native says what is wrong.
  if (typeof callback !== "function") [].forEach(callback as never);
}

/** The receiver as an object, and its length as the natives read it. */
function listOf(value: unknown): { list: List; length: number } {
  if (value === null || value === undefined) throw new TypeError("Array.prototype method called on null or undefined");
  const list = Object(value) as List;
  const length = Math.min(Math.max(Math.trunc(Number(list.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
  return { list, length };
}

const arrayForms = {
  *map(this: unknown, callback: unknown, thisArg?: unknown) {
    const { list, length } = listOf(this);
    callable(callback);
    const result = new Array(length);
    for (let i = 0; i < length; i++) if (i in list) result[i] = yield* run(callback, thisArg, list[i], i, list);
    return result;
  },
  *forEach(this: unknown, callback: unknown, thisArg?: unknown) {
    const { list, length } = listOf(this);
    callable(callback);
    for (let i = 0; i < length; i++) if (i in list) yield* run(callback, thisArg, list[i], i, list);
  },
  *filter(this: unknown, callback: unknown, thisArg?: unknown) {
    const { list, length } = listOf(this);
    callable(callback);
    const result = [];
    for (let i = 0; i < length; i++) {
      if (!(i in list)) continue;
      const item = list[i];
      if (yield* run(callback, thisArg, item, i, list)) result.push(item);
    }
    return result;
  },
  *reduce(this: unknown, callback: unknown, ...initial: unknown[]) {
    const { list, length } = listOf(this);
    callable(callback);
    let i = 0;
    let result = initial[0];
    if (initial.length === 0) {
      while (i < length && !(i in list)) i++;
      if (i >= length) throw new TypeError("Reduce of empty array with no initial value");
      result = list[i++];
    }
    for (; i < length; i++) if (i in list) result = yield* run(callback, undefined, result, list[i], i, list);
    return result;
  },
  *reduceRight(this: unknown, callback: unknown, ...initial: unknown[]) {
    const { list, length } = listOf(this);
    callable(callback);
    let i = length - 1;
    let result = initial[0];
    if (initial.length === 0) {
      while (i >= 0 && !(i in list)) i--;
      if (i < 0) throw new TypeError("Reduce of empty array with no initial value");
      result = list[i--];
    }
    for (; i >= 0; i--) if (i in list) result = yield* run(callback, undefined, result, list[i], i, list);
    return result;
  },
  *some(this: unknown, callback: unknown, thisArg?: unknown) {
    const { list, length } = listOf(this);
    callable(callback);
    for (let i = 0; i < length; i++) if (i in list && (yield* run(callback, thisArg, list[i], i, list))) return true;
    return false;
  },
  *every(this: unknown, callback: unknown, thisArg?: unknown) {
    const { list, length } = listOf(this);
    callable(callback);
    for (let i = 0; i < length; i++) if (i in list && !(yield* run(callback, thisArg, list[i], i, list))) return false;
    return true;
  },
  *find(this: unknown, callback: unknown, thisArg?: unknown) {
    return (yield* search(this, callback, thisArg, 1)).item;
  },
  *findIndex(this: unknown, callback: unknown, thisArg?: unknown) {
    return (yield* search(this, callback, thisArg, 1)).index;
  },
  *findLast(this: unknown, callback: unknown, thisArg?: unknown) {
    return (yield* search(this, callback, thisArg, -1)).item;
  },
  *findLastIndex(this: unknown, callback: unknown, thisArg?: unknown) {
    return (yield* search(this, callback, thisArg, -1)).index;
  },
  *flatMap(this: unknown, callback: unknown, thisArg?: unknown) {
    const { list, length } = listOf(this);
    callable(callback);
    const result: unknown[] = [];
    for (let i = 0; i < length; i++) {
      if (!(i in list)) continue;
      const item = yield* run(callback, thisArg, list[i], i, list);
      if (!Array.isArray(item)) result.push(item);
      else for (let j = 0; j < item.length; j++) if (j in item) result.push(item[j]);
    }
    return result;
  },
};

type TypedArray = Uint8Array & { constructor: { from(items: Iterable<unknown>): TypedArray } };

/** Where typed arrays make new ones. */
const typedArrayForms = {
  *map(this: TypedArray, callback: unknown, thisArg?: unknown) {
    return this.constructor.from(yield* Reflect.apply(arrayForms.map, this, [callback, thisArg]));
  },
  *filter(this: TypedArray, callback: unknown, thisArg?: unknown) {
    return this.constructor.from(yield* Reflect.apply(arrayForms.filter, this, [callback, thisArg]));
  },
};

function* typedArrayFrom(this: TypedArray["constructor"], items: unknown, callback?: unknown, thisArg?: unknown) {
  const values = yield* Reflect.apply(from, Array, [items, callback, thisArg]) as Generator<Suspension, unknown[]>;
  return this.from(values);
}

function reflectApply(target: unknown, thisArg: unknown, args: ArrayLike<unknown>): Coroutine {
  // The native says what is wrong.
  if (typeof target !== "function") return Reflect.apply(target as never, thisArg, args);
  return runtime.invoke(target as never, thisArg, "Reflect.apply target", ...Array.from(args));
}

/** The `find` family visits holes, too. */
function* search(value: unknown, callback: unknown, thisArg: unknown, step: 1 | -1) {
  const { list, length } = listOf(value);
  callable(callback);
  for (let i = step > 0 ? 0 : length - 1; i >= 0 && i < length; i += step) {
    const item = list[i];
    if (yield* run(callback, thisArg, item, i, list)) return { item, index: i };
  }
  return { item: undefined, index: -1 };
}

function* from(this: unknown, items: unknown, callback?: unknown, thisArg?: unknown) {
  const construct = typeof this === "function" ? this as ArrayConstructor : Array;
  if (callback === undefined) return Reflect.apply(Array.from, construct, [items]);
  callable(callback);
  const iterable = items as Iterable<unknown> & ArrayLike<unknown>;
  if (iterable?.[Symbol.iterator] !== undefined) {
    const result = new construct<unknown>();
    let i = 0;
    for (const item of iterable) result[i] = yield* run(callback, thisArg, item, i++);
    result.length = i;
    return result;
  }
  const { list, length } = listOf(items);
  const result = new construct<unknown>(length);
  for (let i = 0; i < length; i++) result[i] = yield* run(callback, thisArg, list[i], i);
  result.length = length;
  return result;
}

/** Map and Set: a live walk, as the natives do it. */
function* collectionForEach(this: Map<unknown, unknown> | Set<unknown>, callback: unknown, thisArg?: unknown) {
  callable(callback);
  for (const [key, value] of this.entries()) yield* run(callback, thisArg, value, key, this);
}

function callForm(this: Callback, thisArg: unknown, ...args: unknown[]): Coroutine {
  return runtime.invoke(this as never, thisArg, "call", ...args);
}

function applyForm(this: Callback, thisArg: unknown, args?: ArrayLike<unknown> | null): Coroutine {
  return runtime.invoke(this as never, thisArg, "apply", ...Array.from(args ?? []));
}

/** A bound function is as suspending as its target. */
function carrySuspendThroughBind(): void {
  const native = Function.prototype.bind;
  const bind = {
    bind(this: Callback & (() => unknown), ...args: unknown[]) {
      const bound = Reflect.apply(native, this, args);
      const form = suspendingForm(this);
      return form === undefined ? bound : setSuspendingForm(bound, Reflect.apply(native, form, args) as SuspendingForm);
    },
  }.bind;
  Object.defineProperty(bind, "length", { value: 1, configurable: true });
  Object.defineProperty(Function.prototype, "bind", { value: bind, writable: true, configurable: true });
}
