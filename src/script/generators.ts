/**
 * Generators of the script that may suspend: part of `$k`. Bodies are compiled to generators that yield markers and
 * suspensions; `next`, `throw` and `return` have suspending forms.
 */

import { runBlocking } from "./blocking_twin.ts";
import { generatorFunctions } from "./generator_functions.ts";
import { closeIterator, invokeMethod, iteratorOf, type IteratorRecord, requireObject } from "./iteration.ts";
import { setSuspendingForm, type Suspension } from "./suspension.ts";
import { RETURN, ValueMarker, YIELD } from "./yield_marker.ts";

// deno-lint-ignore ban-types -- any callable, its arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);
type Kind = "next" | "throw" | "return";
type Body = Generator<Suspension | ValueMarker, unknown, unknown>;

/** What a generator that delegates was asked. */
interface Request {
  readonly kind: Kind;
  readonly value: unknown;
}

/** A delegate's answer, which is handed on as it is. */
const RESULT = new ValueMarker();

const nativePrototype = Object.getPrototypeOf(function* () {}) as object;
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(function* () {}.prototype)) as object;

/** A generator object (ECMA-262, 27.5). */
class SuspendingGenerator {
  readonly #body: Body;
  #state: "start" | "yielded" | "delegating" | "running" | "done" = "start";

  static {
    Object.setPrototypeOf(this.prototype, IteratorPrototype);
    // This class must not be reached: a body of the script's own could yield what it likes.
    Object.defineProperty(this.prototype, "constructor", {
      value: nativePrototype,
      writable: false,
      configurable: true,
    });
    Object.defineProperty(this.prototype, Symbol.toStringTag, { value: "Generator", configurable: true });
    for (const kind of ["next", "return", "throw"] as const) {
      const form = function (this: SuspendingGenerator, value: unknown): Generator<Suspension, unknown, unknown> {
        if (typeof this !== "object" || this === null || !(#state in this)) {
          throw new TypeError(`${kind} method called on incompatible receiver ${String(this)}`);
        }
        return this.#resume(kind, value);
      };
      const { method } = {
        method(this: SuspendingGenerator, value: unknown): unknown {
          return runBlocking(Reflect.apply(form, this, [value]), method, "a generator");
        },
      };
      Object.defineProperty(method, "name", { value: kind });
      setSuspendingForm(method, form);
      Object.defineProperty(this.prototype, kind, { value: method, writable: true, configurable: true });
    }
  }

  constructor(body: Body) {
    this.#body = body;
  }

  /** Runs the body until it yields or ends. */
  *#resume(kind: Kind, value: unknown): Generator<Suspension, unknown, unknown> {
    const state = this.#state;
    if (state === "running") throw new TypeError("Generator is already running");
    if (state === "start" && kind !== "next") this.#state = "done";
    if (this.#state === "done") {
      if (kind === "throw") throw value;
      return { value: kind === "return" ? value : undefined, done: true };
    }
    this.#state = "running";
    let action = kind;
    let sent = value;
    if (state === "delegating") {
      action = "next";
      sent = { kind, value } satisfies Request;
    }
    for (;;) {
      let step: IteratorResult<Suspension | ValueMarker, unknown>;
      try {
        step = this.#body[action](sent);
      } catch (error) {
        this.#state = "done";
        throw error;
      }
      if (step.done === true) {
        this.#state = "done";
        return { value: step.value, done: true };
      }
      action = "next";
      if (step.value === YIELD) {
        this.#state = "yielded";
        return { value: YIELD.value, done: false };
      } else if (step.value === RESULT) {
        this.#state = "delegating";
        return RESULT.value;
      } else if (step.value === RETURN) {
        action = "return";
        sent = RETURN.value;
      } else {
        try {
          sent = yield step.value as Suspension;
        } catch (error) {
          action = "throw";
          sent = error;
        }
      }
    }
  }
}

const functions = generatorFunctions<Body>(SuspendingGenerator, nativePrototype);

/** `(yield* $k.delegateTo(x, "x"))`: the author's `yield* x` (ECMA-262, YieldExpression). */
function* delegateTo(iterable: unknown, text: string): Body {
  const record = iteratorOf(iterable, text);
  const { iterator } = record as { iterator: { throw?: Callable; return?: Callable } };
  let request: Request = { kind: "next", value: undefined };
  for (;;) {
    const { kind, value } = request;
    const method = kind === "next" ? record.next : iterator[kind];
    if (method === undefined || method === null) {
      if (kind === "throw") yield* refuseThrow(record);
      yield RETURN.of(value);
    }
    const result = yield* invokeMethod(method as Callable, iterator, [value]);
    requireObject(result);
    if ((result as IteratorResult<unknown>).done) {
      const { value } = result as IteratorResult<unknown>;
      // The generator itself has to return now.
      if (kind === "return") yield RETURN.of(value);
      return value;
    }
    request = (yield RESULT.of(result)) as Request;
  }
}

/** The delegate can't be thrown into: it is closed, and the author told. */
function* refuseThrow(record: IteratorRecord): Generator<Suspension, never, unknown> {
  yield* closeIterator(record, false);
  throw new TypeError("The iterator does not provide a 'throw' method.");
}

/** This file's part of `$k`. */
export const generators = {
  generator: functions.start,
  declareGenerator: functions.declare,
  generatorFn: functions.expression,
  generatorMethods: functions.methods,
  delegateTo,
};
