/** The timers of the global object: k6 has them, k6d not yet. */

import { refuseMissing } from "../script/refusal.ts";

/** Refuses to be called, with the place of the call. */
function missing(name: string): () => never {
  return function absent(): never {
    refuseMissing(`${name}()`, absent);
  };
}

/** No timer ever runs, so there is never one to clear. */
function clear(): void {}

/** Globals by name. */
export const timerGlobals: Readonly<Record<string, unknown>> = {
  setTimeout: missing("setTimeout"),
  setInterval: missing("setInterval"),
  clearTimeout: clear,
  clearInterval: clear,
};
