/** From the arguments of `http.get(url, params)` and its like to a request that is ready for the wire. */

import { encodeBase64 } from "@std/encoding/base64";
import type { TagSet } from "../metrics/tag_set.ts";
import type { AuthName } from "../net/auth/authentication.ts";
import type { Credentials } from "../net/auth/scheme.ts";
import { ERROR_CODES, NetError } from "../net/errors.ts";
import { LARGE_PIECE_BYTES, type RequestBody, wholeBody } from "../net/request_body.ts";
import type { HttpRequest, HttpUrl } from "../net/types.ts";
import { maskCredentials, parseHttpUrl, UrlError } from "../net/url.ts";
import { parseDuration } from "../options/duration.ts";
import type { Options } from "../options/types.ts";
import { compressBody, parseCodings } from "./compression.ts";
import { jarOf } from "./cookie_jar.ts";
import type { CookieJar, RequestCookie } from "./cookies.ts";
import { type ExpectedStatuses, requireCallback } from "./expected_statuses.ts";
import { encodeForm } from "./form_body.ts";
import { checkHeader, getHeader, requestHeaderPairs, setHeader } from "./headers.ts";
import { scriptTagPairs, tagText, withTagPairs } from "./k6.ts";
import { encodeMultipart, hasFile } from "./multipart.ts";
import { session } from "./session.ts";
import { isUnchangeable } from "./shared_file.ts";
import { UrlTemplate } from "./url_template.ts";

/** k6's default for `params.timeout`. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** How a response's body is handed to the script. */
export type ResponseType = "text" | "binary" | "none";

/** `params.auth` of "digest" or "ntlm", with the user of the URL. */
export interface RequestAuth {
  readonly name: AuthName;
  readonly credentials: Credentials;
}

/** A request of a script, before its first hop. */
export interface ScriptRequest {
  readonly wire: HttpRequest;
  /** The URL as the script wrote it, with what needs it escaped. */
  readonly url: string;
  /** Value of the tags `name` and `url`: the URL without credentials unless the script gave a name; null until a hop says so. */
  readonly name: string;
  /** Whether the script chose the name, which then holds for redirects too. */
  readonly named: boolean;
  /** Header pairs without Host and Content-Length, for `Response.request`. */
  readonly headers: readonly string[];
  /** For `Response.request`: text, or the bytes that it is decoded from when the script asks for it. */
  readonly body: string | RequestBody;
  readonly responseType: ResponseType;
  readonly redirects: number;
  /** Whether somebody set the number of redirects, for the request or in the options: then no warning tells of the last one. */
  readonly redirectsGiven: boolean;
  readonly throws: boolean;
  /** Undefined: the virtual user's own; null: none. */
  readonly callback: ExpectedStatuses | null | undefined;
  /** Cookies of this request alone. */
  readonly cookies: readonly RequestCookie[];
  /** The script's own jar in place of the virtual user's. */
  readonly jar: CookieJar | null;
  /** The authentication by further requests that the script asks for; null: none. */
  readonly auth: RequestAuth | null;
  /** Adds the script's tags. */
  readonly tags: ((tags: TagSet) => TagSet) | null;
}

const encoder = new TextEncoder();

/** A body of a kind that k6 doesn't send. */
export class BodyError extends NetError {
  override name = "BodyError";
}

/** A script's method; empty is GET, as in Go. */
export function requestMethod(method: unknown): string {
  return String(method) || "GET";
}

/** Builds a request; throws a `NetError` for what can't be sent, and a `TypeError` for params that make no sense. */
export function buildRequest(
  method: string,
  url: unknown,
  body: unknown,
  params: Readonly<Record<string, unknown>> | null | undefined,
  options: Options,
): ScriptRequest {
  const template = url instanceof UrlTemplate ? url : null;
  const given = template === null ? urlText(url) : template.url;
  const written = parseHttpUrl(given);
  checkMethod(method);
  const auth = authOf(params?.auth, written);
  // k6 shows the user of these nowhere but in their header.
  const text = auth === null ? given : withoutUser(given);
  const target = auth === null ? written : { ...written, href: withoutUser(written.href), username: "", password: "" };
  const headers = params?.headers === undefined || params.headers === null
    ? []
    : requestHeaderPairs(params.headers as Record<string, unknown>);
  const encoded = compressed(encodeBody(body, headers), params?.compression, headers);
  warnOfWrongLength(headers, encoded.bytes);
  addBasicAuth(headers, target);
  if (options.userAgent !== "" && getHeader(headers, "User-Agent") === undefined) {
    setHeader(headers, "User-Agent", options.userAgent);
  }
  const tags = params?.tags as Readonly<Record<string, unknown>> | null | undefined;
  const { name: tagName, ...otherTags } = tags ?? {};
  const givenName = tagText("name", tagName) ?? template?.name;
  const responseType = responseTypeOf(params?.responseType, options.discardResponseBodies);
  const redirects = params?.redirects;
  return {
    wire: {
      method,
      url: target,
      headers: headerBlock(method, target, headers, encoded.bytes),
      body: encoded.bytes,
      timeoutMs: timeoutOf(params?.timeout),
      discardBody: responseType === "none",
      http1Only: auth?.name === "ntlm",
    },
    url: target.href,
    name: givenName === undefined ? withoutCredentials(target, text) : givenName,
    named: givenName !== undefined,
    headers,
    body: encoded.shown,
    responseType,
    // NaN would be no limit at all.
    redirects: redirects === undefined || redirects === null ? options.maxRedirects : Number(redirects) || 0,
    redirectsGiven: redirects !== undefined && redirects !== null || options.asJson["maxRedirects"] !== null,
    throws: params?.throw === undefined || params.throw === null ? options.throw : Boolean(params.throw),
    callback: params?.responseCallback === undefined ? undefined : requireCallback(params.responseCallback),
    cookies: cookiesOf(params?.cookies),
    jar: params === null || params === undefined ? null : jarOf(params.jar),
    auth,
    tags: tagsOf(otherTags),
  };
}

/** The request after a redirect of `request`, which `first` began; `location` is what the answer's header says. */
export function redirectRequest(
  first: ScriptRequest,
  request: ScriptRequest,
  status: number,
  location: string,
  target: HttpUrl,
): ScriptRequest {
  const { wire } = request;
  // As Go does: 307 and 308 keep method and body, the others turn all but HEAD into GET and keep the headers even so.
  const keeps = status === 307 || status === 308;
  const method = keeps || wire.method === "GET" || wire.method === "HEAD" ? wire.method : "GET";
  const body = keeps ? wire.body : null;
  const staysOnHost = target.hostname === wire.url.hostname;
  const keepsSecrets = staysOnHost || target.hostname.endsWith(`.${wire.url.hostname}`);
  const headers = withoutHeaders(request.headers, [
    ...keepsSecrets ? [] : ["Authorization", "Cookie"],
    // The script's Host is for its own URL, and for what is relative to that.
    ...SCHEME.test(location) ? ["Host"] : [],
  ]);
  if (getHeader(first.headers, "Referer") === undefined) setReferer(headers, wire.url, target);
  addBasicAuth(headers, target);
  const http1Only = staysOnHost && wire.http1Only;
  return {
    ...request,
    wire: { ...wire, method, url: target, headers: headerBlock(method, target, headers, body), body, http1Only },
    url: target.href,
    name: request.named ? request.name : withoutCredentials(target, target.href),
    headers,
    body: keeps ? request.body : "",
    cookies: keepsSecrets ? request.cookies : [],
    auth: staysOnHost ? request.auth : null,
  };
}

/** The same request with another value of a header. */
export function withHeader(request: ScriptRequest, name: string, value: string): ScriptRequest {
  const headers = [...request.headers];
  setHeader(headers, name, value);
  const { wire } = request;
  return {
    ...request,
    headers,
    wire: { ...wire, headers: headerBlock(wire.method, wire.url, headers, wire.body) },
  };
}

/** The same request with a `Cookie` header. */
export function withCookies(request: ScriptRequest, cookie: string): ScriptRequest {
  if (cookie === "") return request;
  const own = getHeader(request.headers, "Cookie");
  return withHeader(request, "Cookie", own === undefined ? cookie : `${own}; ${cookie}`);
}

function urlText(url: unknown): string {
  if (typeof url === "string") return url;
  const kind = url === null ? "null" : typeof url;
  throw new UrlError({ code: ERROR_CODES.invalidUrl, text: `invalid URL: a string is expected, not ${kind}` });
}

/** RFC 9110, section 9.1; anything else would be more than a method on the wire. */
function checkMethod(method: string): void {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(method)) return;
  throw new NetError({ code: ERROR_CODES.generic, text: `net/http: invalid method ${JSON.stringify(method)}` });
}

/** What k6 doesn't know is as good as nothing: the URL's user is sent as ever. */
function authOf(name: unknown, { username, password }: HttpUrl): RequestAuth | null {
  if (name !== "digest" && name !== "ntlm" || username === "" && password === "") return null;
  // It stands in the header as it is.
  if (name === "digest") checkHeader("Authorization", username);
  return { name, credentials: { username, password } };
}

const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*:/;

function withoutUser(url: string): string {
  return url.replace(USER, "//");
}

interface EncodedBody {
  readonly bytes: RequestBody | null;
  /** What `Response.request` shows. */
  readonly shown: string | RequestBody;
}

/** Turns the script's body into bytes; adds a content type to `headers` where the form of the body implies one. */
function encodeBody(body: unknown, headers: string[]): EncodedBody {
  if (body === undefined || body === null) return { bytes: null, shown: "" };
  if (typeof body === "string") return { bytes: encoder.encode(body), shown: body };
  if (body instanceof ArrayBuffer) return binaryBody(new Uint8Array(body));
  if (ArrayBuffer.isView(body)) return binaryBody(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  if (typeof body !== "object") {
    throw new BodyError({ code: ERROR_CODES.generic, text: `unknown request body type ${typeof body}` });
  }
  const fields = body as Record<string, unknown>;
  if (hasFile(fields)) return multipartBody(fields, headers);
  const { body: text, warnings } = encodeForm(fields);
  for (const warning of warnings) session.log("warn", warning);
  if (getHeader(headers, "Content-Type") === undefined) {
    setHeader(headers, "Content-Type", "application/x-www-form-urlencoded");
  }
  return { bytes: encoder.encode(text), shown: text };
}

/** The body as `params.compression` wants it. */
function compressed(encoded: EncodedBody, compression: unknown, headers: string[]): EncodedBody {
  if (compression === undefined || compression === null || compression === "") return encoded;
  const codings = parseCodings(String(compression));
  if (encoded.bytes === null) return encoded;
  if (getHeader(headers, "Content-Encoding") === undefined) {
    setHeader(headers, "Content-Encoding", codings.join(", "));
  } else {
    session.log("warn", "The header Content-Encoding is sent as the script has it, though params.compression is set");
  }
  return { bytes: compressBody(codings, wholeBody(encoded.bytes)), shown: encoded.shown };
}

function warnOfWrongLength(headers: readonly string[], body: RequestBody | null): void {
  const length = getHeader(headers, "Content-Length");
  if (length === undefined || Number(length) === (body?.length ?? 0)) return;
  session.log(
    "warn",
    `The header Content-Length is left out: it says ${length}, the body has ${body?.length ?? 0} bytes`,
  );
}

function multipartBody(fields: Record<string, unknown>, headers: string[]): EncodedBody {
  const { body, contentType, warnings } = encodeMultipart(fields);
  for (const warning of warnings) session.log("warn", warning);
  if (getHeader(headers, "Content-Type") === undefined) setHeader(headers, "Content-Type", contentType);
  return { bytes: body, shown: body };
}

/**
 * A virtual user's code stands still while it waits for an answer, so that the bytes can't change before they are sent.
 * Small ones are copied all the same: `Response.request` shows them later.
 */
function binaryBody(view: Uint8Array): EncodedBody {
  const isSent = view.length >= LARGE_PIECE_BYTES && view.buffer instanceof ArrayBuffer;
  const bytes = isSent || isUnchangeable(view.buffer) ? view : view.slice();
  return { bytes, shown: bytes };
}

/** What stands first, and headers that follow from the request itself: a script's own would only contradict it. */
const LEADING: ReadonlySet<string> = new Set(["Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer"]);

/** In Go's order: those of `LEADING`, then the others by name. An empty user agent is none. */
function headerBlock(method: string, url: HttpUrl, pairs: readonly string[], body: RequestBody | null): string {
  let block = `Host: ${getHeader(pairs, "Host") || url.host}\r\n`;
  const agent = getHeader(pairs, "User-Agent") ?? "";
  if (agent !== "") block += `User-Agent: ${agent}\r\n`;
  if (body !== null && body.length > 0) block += `Content-Length: ${body.length}\r\n`;
  else if (method === "POST" || method === "PUT" || method === "PATCH") block += "Content-Length: 0\r\n";
  const others: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (!LEADING.has(pairs[i]!)) others.push(i);
  }
  if (others.length > 1) others.sort((a, b) => pairs[a]! < pairs[b]! ? -1 : 1);
  for (const i of others) block += `${pairs[i]!}: ${pairs[i + 1]!}\r\n`;
  return block;
}

function withoutHeaders(pairs: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (!names.includes(pairs[i]!)) kept.push(pairs[i]!, pairs[i + 1]!);
  }
  return kept;
}

/** Credentials of the URL, unless the script has its own. */
function addBasicAuth(headers: string[], { username, password }: HttpUrl): void {
  if (username === "" && password === "" || getHeader(headers, "Authorization") !== undefined) return;
  setHeader(headers, "Authorization", `Basic ${encodeBase64(encoder.encode(`${username}:${password}`)) as string}`);
}

/** Where a redirect comes from, as Go tells it: not from HTTPS to HTTP, and never with credentials. */
function setReferer(headers: string[], from: HttpUrl, to: HttpUrl): void {
  if (!from.secure || to.secure) setHeader(headers, "Referer", withoutUser(from.href));
}

function withoutCredentials(url: HttpUrl, text: string): string {
  return url.username === "" && url.password === "" ? text : maskCredentials(text);
}

/** A password may hold further @ signs. */
const USER = /\/\/[^/?#]*@/;

function responseTypeOf(value: unknown, discard: boolean): ResponseType {
  if (value === undefined || value === null) return discard ? "none" : "text";
  if (value === "text" || value === "binary" || value === "none") return value;
  throw new TypeError(`invalid responseType '${String(value)}': use 'text', 'binary' or 'none'`);
}

/** Taken now: the samples come when no error can be thrown at the script any more. */
function tagsOf(given: Readonly<Record<string, unknown>>): ScriptRequest["tags"] {
  const pairs = scriptTagPairs(given);
  return pairs.length === 0 ? null : (set) => withTagPairs(set, pairs);
}

function timeoutOf(value: unknown): number {
  if (value === undefined || value === null) return DEFAULT_TIMEOUT_MS;
  if (typeof value !== "number" && typeof value !== "string") {
    throw new TypeError(
      `invalid timeout value '${String(value)}': a number of milliseconds or a duration like '10s' is expected`,
    );
  }
  const timeoutMs = typeof value === "number" ? value : parseDuration(value);
  if (timeoutMs === undefined || !(timeoutMs >= 0)) {
    throw new TypeError(`invalid timeout value '${value}': write it like '10s'`);
  }
  return timeoutMs;
}

function cookiesOf(value: unknown): ScriptRequest["cookies"] {
  if (value === undefined || value === null) return [];
  return Object.entries(value as object).map(([name, cookie]) =>
    typeof cookie === "object" && cookie !== null
      ? { name, value: String(cookie.value), replace: Boolean(cookie.replace) }
      : { name, value: String(cookie), replace: false }
  );
}
