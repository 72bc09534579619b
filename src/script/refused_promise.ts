/** The `Promise` that scripts see until k6d runs promise reactions in k6's order: it is there, and refused when used. */

import { refuseMissing } from "./refusal.ts";

const refusals = new Map<string | symbol, () => never>();

/** Stands for `Promise`: `typeof` and `instanceof` work; making a promise in any way is refused with its place. */
export const refusedPromise: PromiseConstructor = new Proxy(Promise, {
  construct: function construct(): never {
    refuseMissing("new Promise", construct);
  },
  get(target, key, receiver) {
    const value: unknown = Reflect.get(target, key, receiver);
    if (typeof value !== "function" || !Object.hasOwn(target, key)) return value;
    let refusal = refusals.get(key);
    if (refusal === undefined) {
      refusal = function refused(): never {
        refuseMissing(`Promise.${String(key)}`, refused);
      };
      refusals.set(key, refusal);
    }
    return refusal;
  },
});
