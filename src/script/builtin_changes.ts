/**
 * Changes that a script makes to JavaScript's own objects (`Array.prototype.last = …`, `Math.random = …`). All virtual
 * users of a worker share these objects; k6 gives each user its own. Here a changed property becomes an accessor that
 * shows every user what it put there itself, so only those who change something pay for it.
 *
 * Kept apart is all that init code does, in whichever way (objects are compared afterwards), and in iterations what
 * `Object.defineProperty` does and assignments whose target shows in the text (the linker marks them). `strayChange`
 * notices what else an iteration does, so that no user sees another's changes in silence.
 */

import { asyncGeneratorPrototype } from "./async_generators.ts";
import { scriptPromise } from "./promise.ts";
import { isCalledByOwnCode } from "./stack_trace.ts";

/** Who changes something: a virtual user, or the first init stage. */
export interface BuiltinUser {
  /** What it put in the place that each changed property has. Null: nothing anywhere. */
  builtinChanges: unknown[] | null;
}

/** An object and what is known of it. */
interface Watched {
  /** Where it was found: an object and its key there, or a name. */
  readonly owner: Watched | null;
  readonly key: PropertyKey;
  /** Its properties by nature, in columns. */
  readonly keys: readonly PropertyKey[];
  readonly properties: readonly PropertyDescriptor[];
  /** Those that anybody changed, and their places. */
  changed: Map<PropertyKey, Change> | null;
}

interface Change {
  readonly place: number;
  /** Shows every user its own. */
  readonly accessor: PropertyDescriptor;
}

/** Stands for the value of a property that its user left alone, */
const UNCHANGED = Symbol();
/** and of one that it took away. */
const DELETED = Symbol();

/** An accessor that a script defined. */
class OwnAccessor {
  constructor(readonly get: (() => unknown) | undefined, readonly set: ((value: unknown) => void) | undefined) {}
}

const { defineProperty, defineProperties } = Object;
const { apply, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, set } = Reflect;

/** Objects that k6d's own code does without, or can stand to see changed: who reads them need not be told apart. */
const UNGUARDED = new Set<unknown>([Math, Date]);

const watched = new Map<object, Watched>();
/** Those of them that anybody changed. */
const changedObjects: object[] = [];
const proxies = new WeakMap<object, object>();
let userOfRunningCode: () => BuiltinUser;
let places = 0;
/** Whether the next comparison is worth its while: init code has changed something. */
let initChanges = false;
let inits = 0;

/** Objects that no name leads to. */
const NAMELESS: readonly unknown[] = [
  [][Symbol.iterator](),
  ""[Symbol.iterator](),
  "".matchAll(/(?:)/g),
  new Map().entries(),
  new Set().entries(),
  function* () {},
  async function () {},
  async function* () {},
].map((value) => getPrototypeOf(value as object)).concat(asyncGeneratorPrototype);

/**
 * Begins to watch everything that can be reached from the global object, and `others` (by name); to be called when all
 * that is complete and before the script's first line runs. `currentUser` tells whose code runs.
 */
export function watchBuiltins(currentUser: () => BuiltinUser, others: Readonly<Record<string, object>>): void {
  if (watched.size > 0) return;
  userOfRunningCode = currentUser;
  replaceDefine();
  watch(scriptPromise, null, "Promise");
  watch(globalThis, null, "globalThis");
  for (const name of Object.keys(others)) {
    UNGUARDED.add(others[name]);
    watch(others[name], null, name);
  }
  for (const value of NAMELESS) watch(value, null, "an iterator's prototype");
}

/** Runs a user's init code, on pristine objects, and keeps for that user what it changes. */
export function keepInitChanges<T>(init: () => T): T {
  for (const object of changedObjects) {
    const entry = watched.get(object)!;
    for (const key of entry.changed!.keys()) restore(object, key, nativeOf(entry, key));
  }
  try {
    return init();
  } finally {
    // What one user's init code does, all others' do: when the first two change nothing, nobody looks again.
    if (initChanges || ++inits <= 2) takeOver();
    for (const object of changedObjects) {
      for (const [key, { accessor }] of watched.get(object)!.changed!) defineProperty(object, key, accessor);
    }
  }
}

/** The name of a property that was changed and could not be kept apart; undefined when there is none. */
export function strayChange(): string | undefined {
  for (const [object, entry] of watched) {
    for (const key of differences(object, entry)) {
      if (entry.changed?.has(key) !== true) return nameOf(entry, key);
    }
  }
  return undefined;
}

/** `$k.builtin(object)` in compiled text: where an assignment goes that may change one of JavaScript's own objects. */
export function builtin(object: unknown): unknown {
  if (typeof object !== "object" && typeof object !== "function" || object === null) return object;
  if (!watched.has(object)) return object;
  let proxy = proxies.get(object);
  if (proxy === undefined) {
    proxy = new Proxy(object, HANDLER);
    proxies.set(object, proxy);
  }
  return proxy;
}

const HANDLER: ProxyHandler<object> = {
  get: (object, key) => (object as Record<PropertyKey, unknown>)[key],
  set(object, key, value) {
    // An inherited setter (`__proto__`) is none of our business.
    if (getOwnPropertyDescriptor(object, key)?.set === undefined || watched.get(object)!.changed?.has(key)) {
      change(object, key, value, true);
      return true;
    }
    return set(object, key, value);
  },
  deleteProperty(object, key) {
    if (getOwnPropertyDescriptor(object, key) !== undefined) change(object, key, DELETED, false);
    return true;
  },
};

/** Puts functions in the place of `Object.defineProperty` and its kin that keep users apart. */
function replaceDefine(): void {
  const reflected = Reflect.defineProperty;
  replace(Object, "defineProperty", (object: object, key: PropertyKey, property: PropertyDescriptor) => {
    if (!watched.has(object)) return defineProperty(object, key, property);
    define(object, key, property);
    return object;
  });
  replace(Object, "defineProperties", (object: object, properties: PropertyDescriptorMap) => {
    if (!watched.has(object)) return defineProperties(object, properties);
    for (const key of ownKeys(properties)) define(object, key, properties[key as string]!);
    return object;
  });
  replace(Reflect, "defineProperty", (object: object, key: PropertyKey, property: PropertyDescriptor) => {
    if (!watched.has(object)) return reflected(object, key, property);
    define(object, key, property);
    return true;
  });
}

function replace(owner: object, name: string, value: (...args: never[]) => unknown): void {
  defineProperty(value, "name", { value: name });
  defineProperty(owner, name, { value });
}

function define(object: object, key: PropertyKey, property: PropertyDescriptor): void {
  // Throws for what is no descriptor.
  defineProperty({}, key, property);
  const isAccessor = property.get !== undefined || property.set !== undefined;
  const value = isAccessor ? new OwnAccessor(property.get, property.set) : property.value;
  change(object, typeof key === "number" ? String(key) : key, value, property.enumerable === true);
}

/** Watches an object and what can be reached from it. */
function watch(value: unknown, owner: Watched | null, key: PropertyKey): void {
  if (typeof value !== "object" && typeof value !== "function" || value === null) return;
  if (watched.has(value) || Object.isFrozen(value)) return;
  const keys = ownKeys(value);
  if (typeof value === "function" && keys.every((key) => key === "name" || key === "length")) {
    // Methods, most of them: nobody misses the freedom to give them properties.
    Object.freeze(value);
    return;
  }
  const properties: PropertyDescriptor[] = [];
  const entry: Watched = { owner, key, keys, properties, changed: null };
  watched.set(value, entry);
  for (const key of keys) {
    const property = getOwnPropertyDescriptor(value, key)!;
    properties.push(property);
    watch(property.value, entry, key);
    watch(property.get, entry, key);
    watch(property.set, entry, key);
  }
  watch(getPrototypeOf(value), entry, "__proto__");
}

/** A property as a script may write it. */
function nameOf({ owner, key: ownKey }: Watched, key: PropertyKey): string {
  if (ownKey === "globalThis") return String(key);
  const object = owner === null ? String(ownKey) : nameOf(owner, ownKey);
  return typeof key === "symbol" ? `${object}[${String(key)}]` : `${object}.${String(key)}`;
}

/** Keeps for the running user what its init code did to the objects. */
function takeOver(): void {
  for (const [object, entry] of watched) {
    for (const key of differences(object, entry)) {
      const property = getOwnPropertyDescriptor(object, key);
      if (property === undefined) keep(object, key, DELETED, false);
      else {
        const { value, get, set, enumerable } = property;
        if (get !== undefined && get === entry.changed?.get(key)?.accessor.get) continue;
        const isAccessor = get !== undefined || set !== undefined;
        keep(object, key, isAccessor ? new OwnAccessor(get, set) : value, enumerable === true);
      }
      initChanges = true;
    }
  }
}

const NONE: readonly PropertyKey[] = [];

/** Keys of the properties that are not what they are by nature. */
function differences(object: object, { keys, properties }: Watched): readonly PropertyKey[] {
  const now = ownKeys(object);
  let found: PropertyKey[] | null = null;
  let kept = 0;
  for (let i = 0; i < now.length; i++) {
    const key = now[i]!;
    const index = keys[i] === key ? i : keys.indexOf(key);
    if (index >= 0) kept++;
    // A new global of evaluated text (`var` in an indirect `eval`) can't be taken back.
    else if (object === globalThis) continue;
    if (index < 0 || differs(object, key, properties[index]!)) (found ??= []).push(key);
  }
  if (kept < keys.length) found = [...found ?? NONE, ...keys.filter((key) => !Object.hasOwn(object, key))];
  return found ?? NONE;
}

function differs(object: object, key: PropertyKey, native: PropertyDescriptor): boolean {
  const now = getOwnPropertyDescriptor(object, key)!;
  return !Object.is(now.value, native.value) || now.get !== native.get || now.set !== native.set;
}

function nativeOf({ keys, properties }: Watched, key: PropertyKey): PropertyDescriptor | undefined {
  return properties[keys.indexOf(key)];
}

function restore(object: object, key: PropertyKey, native: PropertyDescriptor | undefined): void {
  if (native === undefined) deleteProperty(object, key);
  else defineProperty(object, key, native);
}

/** Keeps a change of the running user, and shows it. */
function change(object: object, key: PropertyKey, value: unknown, enumerable: boolean): void {
  defineProperty(object, key, keep(object, key, value, enumerable).accessor);
}

function keep(object: object, key: PropertyKey, value: unknown, enumerable: boolean): Change {
  const entry = watched.get(object)!;
  if (entry.changed === null) {
    entry.changed = new Map();
    changedObjects.push(object);
  }
  const { changed } = entry;
  let change = changed.get(key);
  if (change === undefined) {
    change = accessorFor(object, key, nativeOf(entry, key), enumerable);
    changed.set(key, change);
  }
  setOwn(change.place, value);
  return change;
}

function accessorFor(
  object: object,
  key: PropertyKey,
  native: PropertyDescriptor | undefined,
  enumerable: boolean,
): Change {
  const place = places++;
  const isGuarded = object === Object.prototype || native !== undefined && !UNGUARDED.has(object);
  return {
    place,
    accessor: {
      get: function get(this: unknown): unknown {
        const own = ownValue(place);
        if (own === UNCHANGED || isGuarded && isForOwnCode(get)) {
          return native?.get === undefined ? native?.value : apply(native.get, this, []);
        }
        if (own === DELETED) return undefined;
        return own instanceof OwnAccessor ? own.get && apply(own.get, this, []) : own;
      },
      set(this: unknown, value: unknown): void {
        const own = ownValue(place);
        if (own instanceof OwnAccessor && own.set !== undefined) apply(own.set, this, [value]);
        else if (this === object || this === undefined) setOwn(place, value);
        // Of an object that inherits the property it becomes the object's own.
        else defineProperty(this as object, key, { value, writable: true, enumerable: true, configurable: true });
      },
      enumerable: native?.enumerable ?? enumerable,
      configurable: true,
    },
  };
}

let isLooking = false;

/** Whether k6d's own code reads a property: it must not run on what a script put there. */
function isForOwnCode(getter: () => unknown): boolean {
  if (isLooking) return true;
  isLooking = true;
  try {
    return isCalledByOwnCode(getter);
  } finally {
    isLooking = false;
  }
}

function ownValue(place: number): unknown {
  const own = userOfRunningCode().builtinChanges;
  return own === null || own.length <= place ? UNCHANGED : own[place];
}

function setOwn(place: number, value: unknown): void {
  const user = userOfRunningCode();
  const own = user.builtinChanges ??= [];
  while (own.length <= place) own[own.length] = UNCHANGED;
  own[place] = value;
}
