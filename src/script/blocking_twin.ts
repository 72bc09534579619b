/**
 * The blocking twin: what a suspending form becomes where `yield*` cannot stand. The plain function drives its own
 * coroutine on the spot, and every suspension makes the whole thread wait until the operation is done.
 */

import { type BlockingSite, blockingSite } from "./stack_trace.ts";
import type { Coroutine, Suspension } from "./suspension.ts";

let report: ((site: BlockingSite) => void) | undefined;

/** Sets who is told of every call that makes the whole thread wait, before it does. */
export function onBlockedThread(callback: ((site: BlockingSite) => void) | undefined): void {
  report = callback;
}

/**
 * Runs a coroutine to its end for a plain caller.
 *
 * @param callee The plain function; warnings name the place of its call.
 * @param what The function as the script names it, for example `http.get()`; the callee's own name unless given.
 * @param inConstructor The callee stands in a constructor, and the place of the construction is named.
 */
export function runBlocking(
  coroutine: Coroutine,
  // deno-lint-ignore ban-types -- any function that may stand on the stack
  callee: Function | undefined,
  what?: string,
  inConstructor = false,
): unknown {
  const step = coroutine.next();
  if (step.done === true) return step.value;
  if (report !== undefined && step.value.endsPhase !== true) {
    const below = typeof callee === "function" ? callee : runBlocking;
    const name = below === runBlocking ? "" : below.name;
    report(blockingSite(below, what ?? (name ? `${name}()` : "a function"), inConstructor));
  }
  return drive(coroutine, step.value);
}

function drive(coroutine: Coroutine, first: Suspension): unknown {
  let suspension = first;
  for (;;) {
    const step = advance(coroutine, suspension);
    if (step.done === true) return step.value;
    suspension = step.value;
  }
}

function advance(coroutine: Coroutine, suspension: Suspension): IteratorResult<Suspension, unknown> {
  let value: unknown;
  try {
    value = suspension.block();
  } catch (error) {
    return coroutine.throw!(error);
  }
  return coroutine.next(value);
}
