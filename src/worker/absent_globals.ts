/** Globals of browsers and Node.js that k6 has not, and what a script uses instead; docs/compatibility.md lists them. */

const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["AbortController", "the `timeout` of a request's params"],
  ["Blob", "an ArrayBuffer"],
  ["Buffer", "TextEncoder, and b64encode() and b64decode() of k6/encoding"],
  ["FormData", "an object with http.file(data, name) as the body"],
  ["Headers", "an object as the `headers` of a request's params"],
  ["URL", 'import { URL } from "https://jslib.k6.io/url/1.0.0/index.js"'],
  ["URLSearchParams", 'import { URLSearchParams } from "https://jslib.k6.io/url/1.0.0/index.js"'],
  ["atob", 'b64decode(text, "std", "s") of k6/encoding'],
  ["btoa", "b64encode(text) of k6/encoding"],
  ["fetch", "http.asyncRequest(method, url) of k6/http"],
  ["performance", "Date.now()"],
  ["process", "__ENV for environment variables"],
  ["queueMicrotask", "Promise.resolve().then(callback)"],
  ["setImmediate", "setTimeout(callback, 0)"],
  ["structuredClone", "JSON.parse(JSON.stringify(value))"],
]);

/**
 * A line for who runs into such a name, beside the error; undefined for other errors.
 *
 * @param error Its text, in the first line of which its name and message stand.
 */
export function adviceOnAbsentGlobal(error: string): string | undefined {
  const name = /^[^\n]*?\bReferenceError: (\w+) is not defined(?:\n|$)/.exec(error)?.[1];
  const instead = name === undefined ? undefined : INSTEAD.get(name);
  return instead && `k6 scripts have no ${name}; use instead: ${instead}`;
}
