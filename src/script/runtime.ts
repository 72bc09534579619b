/** What compiled scripts call: `$k` in their text. Everything here is hot. */

import { asyncFunctions } from "./async_functions.ts";
import { asyncGenerators } from "./async_generators.ts";
import { generators } from "./generators.ts";
import { iteration as iterations } from "./iteration.ts";
import { builtin } from "./builtin_changes.ts";
import { type Coroutine, setSuspendingForm, suspendingForm, type Suspension } from "./suspension.ts";
import {
  construct,
  constructorBody,
  constructorRest,
  constructs,
  inheritsConstructor,
  superArguments,
} from "./construct.ts";
import { runBlocking } from "./blocking_twin.ts";

// deno-lint-ignore ban-types -- callables of unknown signature: their arguments are the script's own affair
type Callable = Function & ((...args: unknown[]) => unknown);
type Generator = (...args: unknown[]) => Coroutine;

/** A coroutine that is done at once. One object serves all calls: `yield*` reads the result before anything else runs. */
class Immediate implements Coroutine {
  readonly #result = { done: true as const, value: undefined as unknown };

  of(value: unknown): this {
    this.#result.value = value;
    return this;
  }

  next(): IteratorResult<Suspension> {
    return this.#result as IteratorResult<Suspension>;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

const immediate = new Immediate();

/** `(yield* $k.call(f, "f", …))`: calls a function that may have a suspending form. */
function call(callee: Callable, text: string, ...args: unknown[]): Coroutine {
  if (typeof callee !== "function") throw new TypeError(`${text} is not a function`);
  const suspending = suspendingForm(callee);
  return suspending === undefined ? immediate.of(callee(...args)) : suspending(...args);
}

/** `(yield* $k.invoke(o.m, o, "o.m", …))`: the same for a method. */
function invoke(callee: Callable, receiver: unknown, text: string, ...args: unknown[]): Coroutine {
  if (typeof callee !== "function") throw new TypeError(`${text} is not a function`);
  const suspending = suspendingForm(callee);
  return suspending === undefined
    ? immediate.of(Reflect.apply(callee, receiver, args))
    : Reflect.apply(suspending, receiver, args) as Coroutine;
}

/** The author's function for a suspending form that is a function expression. */
function fn(generator: Generator, length: number, name: string): Callable {
  return finish(
    function plain(this: unknown, ...args: unknown[]) {
      return runBlocking(generator.apply(this, args), plain);
    },
    generator,
    length,
    name,
  );
}

/** The same for an arrow; the generator is bound to `this` if it uses it. */
function arrow(generator: Generator, length: number, name: string): Callable {
  const plain: Callable = (...args: unknown[]) => runBlocking(generator(...args), plain);
  return finish(plain, generator, length, name);
}

/** The same for a method. */
function method(generator: Generator, length: number, name: string): Callable {
  const plain: Callable = {
    method(...args: unknown[]) {
      return runBlocking(generator.apply(this, args), plain);
    },
  }.method;
  return finish(plain, generator, length, name);
}

function finish(plain: Callable, generator: Generator, length: number, name: string): Callable {
  Object.defineProperty(plain, "length", { value: length, configurable: true });
  Object.defineProperty(plain, "name", { value: name, configurable: true });
  return setSuspendingForm(plain, generator);
}

type Methods = Record<string, Generator>;

/** Puts the author's methods in front of the suspending forms that a class was compiled with. */
function methods(owner: { prototype: Methods }, names: readonly string[], statics: readonly string[]): void {
  for (const name of names) wrapMethod(owner.prototype, name);
  for (const name of statics) wrapMethod(owner as unknown as Methods, name);
}

function wrapMethod(holder: Methods, name: string): void {
  const generator = holder[name]!;
  const value = method(generator, generator.length, name);
  Object.defineProperty(holder, name, { value, writable: true, enumerable: false, configurable: true });
}

const privateMethods = new WeakMap<Generator, Callable>();

/** The author's method for a private one that is used as a value. */
function privateMethod(generator: Generator): Callable {
  let plain = privateMethods.get(generator);
  if (!plain) {
    plain = method(generator, generator.length, generator.name);
    privateMethods.set(generator, plain);
  }
  return plain;
}

/** `(yield* $k.call(tag, "tag", ...$k.template`…`))`: the arguments of a tagged template's call. */
function template(strings: TemplateStringsArray, ...values: unknown[]): unknown[] {
  return [strings, ...values];
}

/** Stands for `super` in what is compiled to a function of its own. */
function superObject(get: (key: PropertyKey) => unknown, set: (key: PropertyKey, value: unknown) => void): object {
  return new Proxy({}, {
    get: (_, key) => get(key),
    set: (_, key, value) => {
      set(key, value);
      return true;
    },
  });
}

/** `__ITER`: unknown in the init stage. */
function iteration(value: number | undefined): number {
  if (value === undefined) throw new ReferenceError("__ITER is not defined");
  return value;
}

/** A default function that its author gave no name is called `default`. */
function defaultName(fn: Callable): void {
  Object.defineProperty(fn, "name", { value: "default", configurable: true });
}

/** What a default import of a built-in module means. */
function defaultOf(builtin: Readonly<Record<string, unknown>>): unknown {
  return "default" in builtin ? builtin.default : builtin;
}

/** A module's exports as an `import * as` object: nothing can be added, taken away or assigned. */
function namespace(exports: object): object {
  if (!Object.isExtensible(exports)) return exports;
  Object.defineProperty(exports, Symbol.toStringTag, { value: "Module" });
  return Object.seal(exports);
}

/** A module's exports with the names of the built-in modules that it hands on by `export *`; its own names win. */
function withStars(exports: object, ...builtins: Readonly<Record<string, unknown>>[]): object {
  const all: Record<string, PropertyDescriptor> = Object.getOwnPropertyDescriptors(exports);
  for (const builtin of builtins) {
    for (const name of Object.keys(builtin)) {
      if (name !== "default") all[name] ??= { get: () => builtin[name], enumerable: true, configurable: true };
    }
  }
  const sorted = Object.keys(all).sort().map((name) => [name, all[name]!]);
  return Object.create(null, Object.fromEntries(sorted));
}

/** A name that an ES module imports from a CommonJS module that has run. */
function commonJsExport(exports: Readonly<Record<string, unknown>>, name: string, specifier: string): unknown {
  if (name in exports) return exports[name];
  throw new SyntaxError(`The requested module '${specifier}' does not provide an export named '${name}'`);
}

/** `$k` of compiled texts. */
export const runtime = {
  call,
  invoke,
  /** Runs a suspending form for a plain caller. */
  block: runBlocking,
  fn,
  arrow,
  method,
  methods,
  privateMethod,
  template,
  superObject,
  construct,
  constructorBody,
  constructorRest,
  constructs,
  inheritsConstructor,
  superArguments,
  /** Gives a declared function its suspending form. */
  attach: setSuspendingForm,
  /** The suspending form of a function that certainly has one. */
  form: suspendingForm,
  builtin,
  ...asyncFunctions,
  ...asyncGenerators,
  ...generators,
  ...iterations,
  iteration,
  defaultName,
  defaultOf,
  namespace,
  withStars,
  commonJsExport,
  /** Stands for an imported name that the script assigns to. */
  set constant(_value: unknown) {
    throw new TypeError("Assignment to constant variable.");
  },
};
