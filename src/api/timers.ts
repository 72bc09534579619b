/** `setTimeout` and its like: the module `k6/timers`, and globals. */

import { currentLoop } from "../worker/virtual_user.ts";

function setTimeout(callback: unknown, delay?: unknown, ...args: unknown[]): number {
  return currentLoop().addTimer(requireCallback("setTimeout", callback), milliseconds(delay), args, false);
}

function setInterval(callback: unknown, delay?: unknown, ...args: unknown[]): number {
  return currentLoop().addTimer(requireCallback("setInterval", callback), milliseconds(delay), args, true);
}

function clearTimeout(id?: unknown): void {
  currentLoop().clearTimer(Number(id));
}

function clearInterval(id?: unknown): void {
  currentLoop().clearTimer(Number(id));
}

/** The module's object, and the globals by name. */
export const timers: Readonly<Record<string, unknown>> = { setTimeout, clearTimeout, setInterval, clearInterval };

function requireCallback(name: string, callback: unknown): (...args: unknown[]) => unknown {
  if (typeof callback !== "function") throw new TypeError(`${name}'s callback isn't a callable function`);
  return callback as (...args: unknown[]) => unknown;
}

/** What is no positive number is no delay. */
function milliseconds(delay: unknown): number {
  const ms = Number(delay);
  return ms > 0 ? ms : 0;
}
