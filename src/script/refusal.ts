/** What k6 has and k6d has not yet is refused, loudly. */

import { callPosition } from "./stack_trace.ts";

/** The script used what k6d has not yet. */
export class Refusal extends Error {
  override name = "Refusal";
}

let report: ((refusal: Refusal) => void) | undefined;

/** Sets who is told of every refusal, whether or not the script catches it: the worker, which aborts the test. */
export function onRefusal(callback: ((refusal: Refusal) => void) | undefined): void {
  report = callback;
}

/** Refuses a call of what k6 has and k6d has not yet; `callee` is the function that was called: its call's place is named. */
// deno-lint-ignore ban-types -- any function that may stand on the stack
export function refuseMissing(what: string, callee: Function): never {
  const refusal = new Refusal(`${callPosition(callee)}: ${what} is not supported by k6d yet`);
  report?.(refusal);
  throw refusal;
}
