/** Node's network modules look for `Deno` on the global object, where scripts must not find it. */

const { Deno } = globalThis;

/** Runs a function with `Deno` on the global object; scripts don't run meanwhile. */
export function withDeno<T>(run: () => T): T {
  if ("Deno" in globalThis) return run();
  Object.defineProperty(globalThis, "Deno", { value: Deno, configurable: true });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(globalThis, "Deno");
  }
}
