/**
 * What a script finds on `globalThis`: JavaScript itself, k6's globals, and nothing of Deno's, the browser's or this
 * worker's. Done once, before any line of the script runs; k6d's own code keeps what it needs in module scope.
 */

/** Properties of a worker's global object that a script may see: ECMAScript, and what k6 offers. */
const KEPT = new Set([
  ..."Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp"
    .split(" "),
  ..."Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError globalThis JSON Math"
    .split(" "),
  ..."ArrayBuffer SharedArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array".split(
    " ",
  ),
  ..."Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set"
    .split(" "),
  ..."Iterator WeakMap WeakSet WeakRef FinalizationRegistry Proxy Reflect decodeURI decodeURIComponent encodeURI".split(
    " ",
  ),
  ..."encodeURIComponent escape unescape eval isFinite isNaN TextEncoder TextDecoder Intl".split(" "),
]);

/** Not k6's, but Deno looks it up on the global object when it delivers messages. */
const NEEDED_BY_DENO = new Set(["queueMicrotask"]);

/** Inherited by the global object, and still of use to Deno there: covered rather than removed. */
const COVERED = ["addEventListener", "removeEventListener"];

/** Removes from the global object what a script must not reach, and adds `globals`. */
export function installScriptGlobals(globals: Readonly<Record<string, unknown>>): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!KEPT.has(name) && !NEEDED_BY_DENO.has(name)) hide(globalThis, name);
  }
  const covers = Object.fromEntries(COVERED.map((name) => [name, undefined]));
  for (const [name, value] of Object.entries({ ...covers, ...globals })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

function hide(object: object, name: string): void {
  if (Reflect.deleteProperty(object, name)) return;
  // What cannot be deleted can be emptied, unless it is constant, and then it is JavaScript's own.
  if (Object.getOwnPropertyDescriptor(object, name)?.writable === true) Reflect.set(object, name, undefined);
}
