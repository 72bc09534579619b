/** Promises of the API. */

import type { Outside } from "../worker/event_loop.ts";
import { currentLoop } from "../worker/virtual_user.ts";

/**
 * A script's promise for something that goes on outside of the script, for instance a request: hand `promise` to the
 * script, and call `resolve` or `reject` when it is over, from wherever and whenever that is. The virtual user handles it
 * once its running code has ended, in the order of such calls and due timers.
 *
 * Until then the promise keeps the phase (iteration, `setup`, init code) running, whether or not the script awaits it.
 * When the phase ends before, by an exception or because it is interrupted, `cancel` is called, and `resolve` and
 * `reject` do nothing any more.
 *
 * Native promises must never reach a script: their reactions would run out of order.
 */
export function outside<T>(cancel: () => void = () => {}): Outside<T> {
  return currentLoop().outside<T>(cancel);
}

/** A script's promise for the outcome of a native promise; see `outside`. */
export function fromNative<T>(native: Promise<T>): Promise<T> {
  const outcome = outside<T>();
  native.then((value) => outcome.resolve(value), (error) => outcome.reject(error));
  return outcome.promise;
}

/** A script's promise for what `produce` returns or throws at once. */
export function settled<T>(produce: () => T): Promise<T> {
  const outcome = outside<T>();
  try {
    outcome.resolve(produce());
  } catch (error) {
    outcome.reject(error);
  }
  return outcome.promise;
}
