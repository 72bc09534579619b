/** The module `k6/data`: SharedArray. */

import { currentUser } from "../worker/virtual_user.ts";
import { session } from "./session.ts";
import { encodeSharedArray, viewSharedArray } from "./shared_array.ts";

/** `new SharedArray(name, create)`: a read-only array held once in the process, whoever made it first. */
export class SharedArray {
  constructor(name: unknown, create: unknown) {
    if (currentUser !== null && !currentUser.inInit) {
      throw new Error("new SharedArray must be called in the init context");
    }
    const text = String(name ?? "");
    if (text === "") throw new TypeError("empty name provided to SharedArray's constructor");
    if (typeof create !== "function") {
      throw new TypeError("a function is expected as the second argument of SharedArray's constructor");
    }
    return viewSharedArray(session.sharedArray(text, () => encodeSharedArray(elements(create())))) as never;
  }
}

function elements(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("only arrays can be made into SharedArray");
  return value;
}

/** The module's object. */
export const data: Readonly<Record<string, unknown>> = { SharedArray };
