/** What a script throws may be anything, even what runs code or throws in turn as soon as it is looked at. */

import { withoutOwnFrames } from "../script/stack_trace.ts";

/** `instanceof`; false for what can't be asked: a Proxy may have a trap for it. */
export function isThrown<T extends Error>(thrown: unknown, kind: abstract new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof kind;
  } catch {
    return false;
  }
}

/** What is logged of it: the stack of an error, without the frames of k6d, or the value as text. */
export function thrownText(thrown: unknown): string {
  try {
    const stack = isThrown(thrown, Error) ? thrown.stack : undefined;
    return withoutOwnFrames(String(stack ?? thrown));
  } catch {
    return `a thrown ${typeof thrown} that can't be turned into text`;
  }
}
