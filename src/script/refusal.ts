/** What cannot be suspended yet is refused, loudly. */

import { callSite } from "./stack_trace.ts";

/** A blocking call was reached through code that k6d cannot suspend yet. */
export class Refusal extends Error {
  override name = "Refusal";
}

let report: ((refusal: Refusal) => void) | undefined;

/** Sets who is told of every refusal, whether or not the script catches it: the worker, which aborts the test. */
export function onRefusal(callback: ((refusal: Refusal) => void) | undefined): void {
  report = callback;
}

/** Refuses a call of what k6 has and k6d has not yet; `what` and `callee` as in `refuse`. */
// deno-lint-ignore ban-types -- any function that may stand on the stack
export function refuseMissing(what: string, callee: Function): never {
  const refusal = new Refusal(`${callSite(callee).position}: ${what} is not supported by k6d yet`);
  report?.(refusal);
  throw refusal;
}

/**
 * Refuses a blocking call that was made plainly. For the plain form of a blocking built-in, and for compiled functions.
 *
 * @param what The blocking function as the script names it, for example `http.get`.
 * @param callee The function that was called; the refusal names the place of that call.
 */
// deno-lint-ignore ban-types -- any function that may stand on the stack
export function refuse(what: string, callee: Function = refuse): never {
  const { position, through } = callSite(callee);
  const refusal = new Refusal(
    `${position}: ${what} blocks here, where k6d cannot suspend yet (${through}); move the call out of it`,
  );
  report?.(refusal);
  throw refusal;
}
