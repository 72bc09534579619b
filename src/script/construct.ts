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

/** A construction under way: the last argument of a divided constructor, behind all its parameters. */
class Construction {
  readonly owner: Constructor;
  readonly args: readonly unknown[];
  coroutine: Coroutine | null = null;
  /** That of the base class, whose body comes first. */
  base: Construction | null = null;

  constructor(owner: Constructor, args: readonly unknown[]) {
    this.owner = owner;
    this.args = args;
  }
}

/** How a class's constructor is divided. */
interface Division {
  readonly parameters: number;
  readonly isDerived: boolean;
  readonly returnsValue: boolean;
}

/** Classes whose constructor is divided; null: it has none and does nothing of its own. Not suspending forms: a class can't be called. */
const divisions = new WeakMap<Constructor, Division | null>();

/** In the class's static block. */
export function constructs(owner: Constructor, parameters: number, isDerived: boolean, returnsValue: boolean): void {
  divisions.set(owner, { parameters, isDerived, returnsValue });
}

/** In the static block of a class without a constructor. */
export function inheritsConstructor(owner: Constructor): void {
  divisions.set(owner, null);
}

/** `(yield* $k.construct(C, "C", …))`. */
export function* construct(
  callee: Constructor,
  text: string,
  ...args: unknown[]
): Generator<Suspension, unknown, unknown> {
  if (callee === scriptPromise) return yield* executing(args[0]);
  if (!isConstructor(callee)) throw new TypeError(`${text} is not a constructor`);
  const owner = dividedConstructor(callee);
  if (owner === undefined) return Reflect.construct(callee, args);
  const construction = new Construction(owner, args);
  const object: unknown = Reflect.construct(callee, handedArguments(construction));
  const result = yield* bodies(construction);
  if (typeof result === "object" && result !== null || typeof result === "function") return result;
  if (divisions.get(owner)!.isDerived && result !== undefined) {
    throw new TypeError("Derived constructors may only return object or undefined");
  }
  return object;
}

/** The class whose divided constructor makes the objects of `callee`. */
function dividedConstructor(callee: Constructor): Constructor | undefined {
  let owner: unknown = callee;
  for (;;) {
    if (typeof owner !== "function") return undefined;
    const division = divisions.get(owner);
    if (division !== null) return division === undefined ? undefined : owner;
    owner = Object.getPrototypeOf(owner);
  }
}

function handedArguments(construction: Construction): unknown[] {
  const handed = [...construction.args];
  const { parameters } = divisions.get(construction.owner)!;
  while (handed.length < parameters) handed.push(undefined);
  handed.push(construction);
  return handed;
}

function* bodies(construction: Construction): Generator<Suspension, unknown, unknown> {
  if (construction.base !== null) yield* bodies(construction.base);
  return yield* construction.coroutine!;
}

/** What a divided constructor gives to `super(…)`: the base class's body is handed out as well, when it can be. */
export function superArguments(args: ArrayLike<unknown>, given: unknown[]): unknown[] {
  const construction = args[args.length - 1];
  if (!(construction instanceof Construction)) return given;
  const owner = dividedConstructor(Object.getPrototypeOf(construction.owner));
  if (owner === undefined || divisions.get(owner)!.returnsValue) return given;
  construction.base = new Construction(owner, given);
  return handedArguments(construction.base);
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
