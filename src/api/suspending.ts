/** Making and calling functions with a suspending form from k6d's own code. */

import { runBlocking } from "../script/blocking_twin.ts";
import {
  type Coroutine,
  setSuspendingForm,
  type SuspendingForm,
  suspendingForm,
  type Suspension,
} from "../script/suspension.ts";

/** Gives `plain` a suspending form and the name that scripts see. */
export function suspending<Plain extends (...args: never[]) => unknown>(
  name: string,
  plain: Plain,
  form: (...args: Parameters<Plain>) => Coroutine<unknown>,
): Plain {
  Object.defineProperty(plain, "name", { value: name });
  return setSuspendingForm(plain, form as SuspendingForm);
}

/**
 * A function that blocks: it suspends where it can, and makes its whole thread wait where it can't.
 *
 * @param name The name that scripts see.
 * @param what The function in warnings, for example `http.get()`.
 */
export function blocking<Args extends unknown[]>(
  name: string,
  what: string,
  form: (...args: Args) => Coroutine<unknown>,
): (...args: Args) => unknown {
  return suspending(name, function plain(...args: Args): unknown {
    return runBlocking(form(...args), plain, what);
  }, form);
}

/** Calls a script's function in its suspending form when it has one; to be used as `yield* callSuspending(fn, …)`. */
export function* callSuspending<Args extends unknown[]>(
  fn: (...args: Args) => unknown,
  ...args: Args
): Generator<Suspension, unknown, unknown> {
  const form = suspendingForm(fn);
  return form === undefined ? fn(...args) : yield* form(...args);
}
