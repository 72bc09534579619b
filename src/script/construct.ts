/**
 * `new C(…)` that suspends. The body of a constructor that blocks is compiled to a private generator method, and the
 * constructor hands its coroutine out when it was called from here, and else runs it on the spot.
 */

import { runBlocking } from "./blocking_twin.ts";
import { executing, scriptPromise } from "./promise.ts";
import type { Coroutine, Suspension } from "./suspension.ts";

// deno-lint-ignore ban-types -- constructors of unknown signature
type Constructor = Function;
type Body = (...args: unknown[]) => Coroutine;

/** A construction under way: the last argument of the constructor, behind all its parameters. */
class Construction {
  readonly args: readonly unknown[];
  coroutine: Coroutine | null = null;

  constructor(args: readonly unknown[]) {
    this.args = args;
  }
}

interface Division {
  readonly parameters: number;
  readonly isDerived: boolean;
}

/** Classes whose constructor is divided. Not a suspending form: a class can't be called. */
const divisions = new WeakMap<Constructor, Division>();

/** In the class's static block. */
export function constructs(owner: Constructor, parameters: number, isDerived: boolean): void {
  divisions.set(owner, { parameters, isDerived });
}

/** `(yield* $k.construct(C, "C", …))`. */
export function* construct(
  callee: Constructor,
  text: string,
  ...args: unknown[]
): Generator<Suspension, unknown, unknown> {
  if (callee === scriptPromise) return yield* executing(args[0]);
  if (!isConstructor(callee)) throw new TypeError(`${text} is not a constructor`);
  const division = divisions.get(callee);
  if (division === undefined) return Reflect.construct(callee, args);
  const construction = new Construction(args);
  const handed = [...args];
  while (handed.length < division.parameters) handed.push(undefined);
  const object: unknown = Reflect.construct(callee, [...handed, construction]);
  const result = yield* construction.coroutine!;
  if (typeof result === "object" && result !== null || typeof result === "function") return result;
  if (division.isDerived && result !== undefined) {
    throw new TypeError("Derived constructors may only return object or undefined");
  }
  return object;
}

function isConstructor(value: unknown): value is Constructor {
  if (typeof value !== "function") return false;
  if (divisions.has(value)) return true;
  try {
    // Asks without calling it.
    Reflect.construct(Object, [], value);
    return true;
  } catch {
    return false;
  }
}

/** What a base class's constructor returns; `body` is the whole of it. */
export function constructorBody(args: ArrayLike<unknown>, self: unknown, body: Body, what: string): unknown {
  const construction = args[args.length - 1];
  if (construction instanceof Construction) {
    construction.coroutine = Reflect.apply(body, self, construction.args);
    return undefined;
  }
  return runBlocking(Reflect.apply(body, self, args), constructorBody, what, true);
}

/** What a derived class's constructor returns; `coroutine` is what comes after `super(…)`. */
export function constructorRest(args: ArrayLike<unknown>, coroutine: Coroutine, what: string): unknown {
  const construction = args[args.length - 1];
  if (construction instanceof Construction) {
    construction.coroutine = coroutine;
    return undefined;
  }
  return runBlocking(coroutine, constructorRest, what, true);
}
