/**
 * HTTP header fields between scripts and the wire. Inside k6d headers are flat pairs: name, value, name, value, …
 */

import { ERROR_CODES, NetError } from "../net/errors.ts";

/** Names are few and come again with every message; a server that invents new ones can't fill memory. */
const MAX_CACHED_NAMES = 1024;
const canonicalNames = new Map<string, string>();

/**
 * The canonical form of a header name, as Go's `CanonicalMIMEHeaderKey` defines it: the first letter and each letter
 * after a hyphen in upper case, all others in lower case. A name that isn't a token stays as it is.
 *
 * ```ts
 * canonicalHeaderName("x-request-ID"); // X-Request-Id
 * ```
 */
export function canonicalHeaderName(name: string): string {
  const cached = canonicalNames.get(name);
  if (cached !== undefined) return cached;
  const canonical = TOKEN.test(name)
    ? name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
    : name;
  if (canonicalNames.size < MAX_CACHED_NAMES) canonicalNames.set(name, canonical);
  return canonical;
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** What RFC 9110, section 5.5, forbids in a value: control characters, a tab excepted. */
// deno-lint-ignore no-control-regex
const FORBIDDEN_IN_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * A script's headers (`params.headers`) as flat pairs with canonical names and trimmed values. Values become text;
 * of two spellings of one name the later wins. Throws a `NetError` for a name or value that must not go on the wire.
 */
export function requestHeaderPairs(headers: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(headers);
  if (names.length > FEW_HEADERS) return manyHeaderPairs(names, headers);
  const pairs: string[] = [];
  for (const name of names) setHeader(pairs, canonicalHeaderName(name), headerValue(name, headers));
  return pairs;
}

/** Up to here it is quickest to look through all pairs for a name. */
const FEW_HEADERS = 32;

function manyHeaderPairs(names: readonly string[], headers: Readonly<Record<string, unknown>>): string[] {
  const values = new Map<string, string>();
  for (const name of names) values.set(canonicalHeaderName(name), headerValue(name, headers));
  return [...values].flat();
}

function headerValue(name: string, headers: Readonly<Record<string, unknown>>): string {
  const value = String(headers[name]);
  checkHeader(name, value);
  return value.trim();
}

/** Throws a `NetError` in Go's words when a header can't be sent: its name isn't a token, or its value has a line break in it. */
export function checkHeader(name: string, value: string): void {
  const wrong = !TOKEN.test(name) ? "name" : FORBIDDEN_IN_VALUE.test(value) ? "value for" : null;
  if (wrong === null) return;
  const text = `net/http: invalid header field ${wrong} ${JSON.stringify(name)}`;
  throw new NetError({ code: ERROR_CODES.generic, text });
}

/** Sets a header in flat pairs: replaces the value where the (canonical) name is there already, else appends. */
export function setHeader(pairs: string[], name: string, value: string): void {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === name) {
      pairs[i + 1] = value;
      return;
    }
  }
  pairs.push(name, value);
}

/** Value of the first header with this canonical name, undefined without one. Names in `pairs` may have any case. */
export function getHeader(pairs: readonly string[], name: string): string | undefined {
  for (let i = 0; i < pairs.length; i += 2) {
    if (canonicalHeaderName(pairs[i]!) === name) return pairs[i + 1];
  }
  return undefined;
}

/**
 * `Response.headers`: canonical names; values of a repeated name joined by a comma and a space. As in Go without what
 * only says how the body came, and with one length.
 */
export function responseHeaders(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  let isChunked = false;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = canonicalHeaderName(pairs[i]!);
    const earlier = headers[name];
    if (name === "Transfer-Encoding") isChunked = true;
    else if (name === "Trailer" || name === "Content-Length" && earlier !== undefined) continue;
    else headers[name] = earlier === undefined ? pairs[i + 1]! : `${earlier}, ${pairs[i + 1]}`;
  }
  if (isChunked) delete headers["Content-Length"];
  return headers;
}

/** Values of all headers with this canonical name, in order. Names in `pairs` may have any case. */
export function headerValues(pairs: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (canonicalHeaderName(pairs[i]!) === name) values.push(pairs[i + 1]!);
  }
  return values;
}

/** Values of all `Set-Cookie` headers, in order. */
export function setCookieValues(pairs: readonly string[]): string[] {
  return headerValues(pairs, "Set-Cookie");
}

/** `Response.request.headers`: canonical names with a list of values each. */
export function requestHeadersForScript(pairs: readonly string[]): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (let i = 0; i < pairs.length; i += 2) {
    const name = canonicalHeaderName(pairs[i]!);
    const known = values.get(name);
    if (known === undefined) values.set(name, [pairs[i + 1]!]);
    else known.push(pairs[i + 1]!);
  }
  return Object.fromEntries(values);
}
