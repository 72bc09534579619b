/** The module `k6/http`, as far as it goes: requests one at a time, redirects, cookies, response callbacks. */

import { HttpClient } from "../net/http_client.ts";
import { copyResult } from "../net/http_result.ts";
import type { HttpCompletion, HttpResult, HttpUrl } from "../net/types.ts";
import { ERROR_CODES, NetError } from "../net/errors.ts";
import { resolveReference } from "../net/url.ts";
import { refuseMissing } from "../script/refusal.ts";
import type { Coroutine, Resumable, Suspension } from "../script/suspension.ts";
import { BlockedOutcome, type HelperClient } from "../worker/blocked_thread.ts";
import { nowEpochMs, type WorkerRuntime } from "../worker/runtime.ts";
import { currentUser, requireUser, type UserHttp, type VirtualUser } from "../worker/virtual_user.ts";
import { decompressBody, DecompressionError } from "./compression.ts";
import { CookieJar } from "./cookies.ts";
import { DEFAULT_EXPECTED_STATUSES, ExpectedStatuses, expectedStatuses } from "./expected_statuses.ts";
import { getHeader, setCookieValues } from "./headers.ts";
import { buildRequest, maskCredentials, redirectRequest, type ScriptRequest, withCookies } from "./http_request.ts";
import { Response } from "./http_response.ts";
import { HTTP_CONSTANTS } from "./http_constants.ts";
import { HttpSeriesCache } from "./http_series.ts";
import { file } from "./multipart.ts";
import { withScriptTags } from "./k6.ts";
import { session } from "./session.ts";
import { blocking } from "./suspending.ts";
import { url } from "./url_template.ts";

/** From here on an answer's status makes an error code: 1000 + status. */
const FIRST_ERROR_STATUS = 400;

/** Prepared requests that are kept for the next call with the same URL; beyond it the memory starts afresh. */
const PREPARED_LIMIT = 10_000;

/** A virtual user's HTTP state. */
class HttpSession implements UserHttp {
  readonly client: HttpClient;
  readonly call: HttpCall;
  readonly shared: SharedHttp;
  jar: CookieJar | null = null;
  callback: ExpectedStatuses | null = DEFAULT_EXPECTED_STATUSES;
  readonly #keepsCookies: boolean;
  readonly #user: VirtualUser;
  #helperClient: HelperClient | null = null;

  constructor(user: VirtualUser) {
    this.#keepsCookies = user.runtime.options.noCookiesReset;
    this.#user = user;
    this.shared = sharedHttp(user.runtime);
    this.client = new HttpClient(user.runtime.network);
    this.call = new HttpCall(user, this);
  }

  get bytesSent(): number {
    return this.client.bytesSent;
  }

  set bytesSent(value: number) {
    this.client.bytesSent = value;
  }

  get bytesReceived(): number {
    return this.client.bytesReceived;
  }

  set bytesReceived(value: number) {
    this.client.bytesReceived = value;
  }

  /** The client for requests that the whole thread waits for. */
  get helperClient(): HelperClient {
    return this.#helperClient ??= this.#user.runtime.blocked.createClient(this.client);
  }

  /** Cookies don't outlive an iteration, unless the option `noCookiesReset` says so. */
  phaseBegins(): void {
    if (!this.#keepsCookies) this.jar = null;
  }

  closeIdle(): void {
    this.client.closeIdle();
    this.#helperClient?.closeIdle();
  }

  close(): void {
    this.client.close();
    this.#helperClient?.close();
  }
}

/** What all virtual users of a worker share. */
interface SharedHttp {
  readonly series: HttpSeriesCache;
  /** Requests without parameters or body, by method and URL. */
  readonly prepared: Map<string, Map<string, ScriptRequest>>;
}

let shared: SharedHttp | null = null;

function sharedHttp(runtime: WorkerRuntime): SharedHttp {
  return shared ??= { series: new HttpSeriesCache(runtime), prepared: new Map() };
}

function httpOf(user: VirtualUser): HttpSession {
  return (user.http ??= new HttpSession(user)) as HttpSession;
}

/** One request of a virtual user with all its redirects; reused by all its calls. */
class HttpCall implements Coroutine, Suspension, HttpCompletion {
  readonly #user: VirtualUser;
  readonly #session: HttpSession;
  #request: ScriptRequest | null = null;
  /** The request with the cookies that go with it. */
  #onWire: ScriptRequest | null = null;
  #sent = "";
  #hops = 0;
  #coroutine: Resumable | null = null;
  #begun = false;
  /** Whether the whole thread waits. */
  #blocks = false;
  readonly #step: IteratorResult<Suspension, unknown> = { done: false, value: this };

  constructor(user: VirtualUser, session: HttpSession) {
    this.#user = user;
    this.#session = session;
  }

  /** Gets ready to send `request`. */
  send(request: ScriptRequest): this {
    this.#request = request;
    this.#sent = request.url;
    this.#hops = 0;
    this.#begun = false;
    return this;
  }

  [Symbol.iterator](): Coroutine {
    return this;
  }

  next(value: unknown): IteratorResult<Suspension, unknown> {
    if (!this.#begun) {
      this.#begun = true;
      return this.#step;
    }
    // Not a reused object: it would keep the response alive until the user's next request.
    return { done: true, value };
  }

  throw(error: unknown): IteratorResult<Suspension, unknown> {
    // Only now is the script's own code on the stack.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }

  begin(coroutine: Resumable): void {
    this.#coroutine = coroutine;
    this.#sendHop();
  }

  cancel(): void {
    this.#session.client.abort();
  }

  block(): unknown {
    this.#user.requireRunning();
    const outcome = new BlockedOutcome();
    this.#coroutine = outcome;
    this.#blocks = true;
    try {
      this.#sendHop();
      return this.#user.runtime.blocked.waitFor(this.#user, outcome);
    } finally {
      this.#blocks = false;
      if (!outcome.isThere) this.#session.helperClient.abort();
    }
  }

  /** Hot. */
  httpDone(received: HttpResult): void {
    const request = this.#request!;
    const result = received.hasContentEncoding && received.body !== null ? decompressed(received) : received;
    const { shared, callback: ownCallback } = this.#session;
    const callback = request.callback === undefined ? ownCallback : request.callback;
    const expected = callback === null ? null : callback.matches(result.status);
    const errorCode = result.errorCode === 0 && result.status >= FIRST_ERROR_STATUS
      ? 1000 + result.status
      : result.errorCode;
    const { tags, metadata, runtime } = this.#user;
    runtime.recorder.metadata = metadata;
    shared.series.record(
      request.tags === null ? tags : request.tags(tags),
      request.name,
      request.wire.method,
      result,
      errorCode,
      expected,
    );
    if (result.hasSetCookie) this.#keepCookies(request.wire.url, result);
    if (result.status >= 300 && result.status < 400 && this.#follow(request, result)) return;
    this.#finish(new Response(result, this.#onWire!, this.#sent, result.error, errorCode), result, request);
  }

  #sendHop(): void {
    const { jar, client } = this.#session;
    let request = this.#request!;
    if (jar !== null || request.cookies.length > 0) {
      const cookie = (jar ?? NO_COOKIES).headerFor(request.wire.url, Date.now(), request.cookies);
      request = withCookies(request, cookie);
    }
    this.#onWire = request;
    if (this.#blocks) this.#session.helperClient.send(request.wire, this);
    else client.send(request.wire, this);
  }

  /** Sends the next hop when `result` is a redirect to follow; returns whether it did. */
  #follow(request: ScriptRequest, result: HttpResult): boolean {
    if (result.status === 304 || result.status === 300 || result.status > 308) return false;
    const location = getHeader(result.rawHeaders, "Location");
    if (location === undefined) return false;
    if (this.#hops >= request.redirects) {
      if (!request.redirectsGiven) {
        session.log(
          "warn",
          `Stopped after ${this.#hops} redirects and returned the redirection; pass { redirects: n } in request params or set global maxRedirects to silence this`,
          {
            url: request.name,
          },
        );
      }
      return false;
    }
    const target = resolve(request.wire.url, location);
    if (target === null) return false;
    this.#hops++;
    this.#request = redirectRequest(request, result.status, target, target.href);
    this.#sendHop();
    return true;
  }

  #keepCookies(url: HttpUrl, result: HttpResult): void {
    const jar = this.#session.jar ??= new CookieJar();
    jar.setFromResponse(url, setCookieValues(result.rawHeaders), Date.now());
  }

  #finish(response: Response, result: HttpResult, request: ScriptRequest): void {
    const coroutine = this.#coroutine!;
    if (result.errorCode === 0) return coroutine.resume(response);
    const description = describeFailure(request.wire.method, request.wire.url.href, result.error);
    if (request.throws) return coroutine.resumeWithError(new Error(description));
    session.log("warn", "Request Failed", { error: description });
    coroutine.resume(response);
  }
}

/** The result with its body decoded; a failure, without the answer's protocol, when that can't be done. */
function decompressed(result: HttpResult): HttpResult {
  try {
    const body = decompressBody(getHeader(result.rawHeaders, "Content-Encoding") ?? "", result.body!);
    return copyResult(result, { hasContentEncoding: false, body });
  } catch (failure) {
    if (!(failure instanceof DecompressionError)) throw failure;
    const { code: errorCode, message: error } = failure;
    return copyResult(result, { hasContentEncoding: false, status: 0, proto: "", body: null, errorCode, error });
  }
}

function resolve(base: HttpUrl, location: string): HttpUrl | null {
  try {
    return resolveReference(base, location);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    session.log("warn", "Redirect not followed", {
      error: maskCredentials(error.message),
      url: maskCredentials(base.href),
    });
    return null;
  }
}

/** A failed request in words, as the log and exceptions have it. */
function describeFailure(method: string, url: string, error: string): string {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return `${verb} "${maskCredentials(url)}": ${error}`;
}

/** Never filled. */
const NO_COOKIES = new CookieJar();

/** A coroutine that ends at once with a value. */
class AtOnce implements Coroutine {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  [Symbol.iterator](): Coroutine {
    return this;
  }

  next(): IteratorResult<Suspension, unknown> {
    return { done: true, value: this.#value };
  }
}

/** Starts a request of the current virtual user. Hot. */
function request(method: string, url: unknown, body: unknown, params: unknown): Coroutine {
  const user = requireUser("Making http requests");
  const http = httpOf(user);
  const { options } = user.runtime;
  const plain = typeof url === "string" && (body === undefined || body === null) &&
    (params === undefined || params === null);
  try {
    const prepared = plain
      ? preparedRequest(http.shared, method, url, options)
      : buildRequest(method, url, body, params as Record<string, unknown> | null | undefined, options);
    return http.call.send(prepared);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    const given = params as RequestParams;
    if (error.code === ERROR_CODES.generic) recordUndialled(user, http, method, String(url), given, error);
    const throws = given?.throw ?? options.throw;
    // It may quote the URL.
    const text = maskCredentials(error.message);
    const description = describeFailure(method, String(url), text);
    if (throws) throw new Error(description);
    session.log("warn", "Request Failed", { error: description });
    return new AtOnce(new Response(null, null, String(url), text, error.code));
  }
}

type RequestParams = { readonly throw?: unknown; readonly tags?: Record<string, unknown> } | null | undefined;

/** The samples of a request that failed because its URL names nothing to dial (`example.com/x`, without a scheme). */
function recordUndialled(
  user: VirtualUser,
  http: HttpSession,
  method: string,
  url: string,
  params: RequestParams,
  { code, message }: NetError,
): void {
  const { name, ...others } = params?.tags ?? {};
  const expected = http.callback === null ? null : http.callback.matches(0);
  const result: HttpResult = { ...NOTHING_SENT, errorCode: code, error: message, endedAtEpochMs: nowEpochMs() };
  http.shared.series.record(
    withScriptTags(user.tags, others),
    name === undefined ? maskCredentials(url) : String(name),
    method,
    result,
    code,
    expected,
  );
}

const NOTHING_SENT = {
  ...{ blocked: 0, connecting: 0, tlsHandshaking: 0, sending: 0, waiting: 0, receiving: 0 },
  ...{ status: 0, statusText: "", proto: "", rawHeaders: [], hasSetCookie: false, hasContentEncoding: false },
  ...{ body: null, remoteIp: "", remotePort: 0, tlsVersion: "", tlsCipherSuite: "" },
};

function preparedRequest(
  { prepared }: SharedHttp,
  method: string,
  url: string,
  options: VirtualUser["runtime"]["options"],
): ScriptRequest {
  let byUrl = prepared.get(method);
  if (byUrl === undefined) prepared.set(method, byUrl = new Map());
  let found = byUrl.get(url);
  if (found === undefined) {
    if (byUrl.size >= PREPARED_LIMIT) byUrl.clear();
    found = buildRequest(method, url, null, null, options);
    byUrl.set(url, found);
  }
  return found;
}

/** A function `(url, params)`. */
function withoutBody(name: string, method: string) {
  return blocking(
    name,
    `http.${name}()`,
    (url?: unknown, params?: unknown) => request(method, url, null, params),
  );
}

/** A function `(url, body, params)`. */
function withBody(name: string, method: string) {
  return blocking(
    name,
    `http.${name}()`,
    (url?: unknown, body?: unknown, params?: unknown) => request(method, url, body, params),
  );
}

const custom = blocking(
  "request",
  "http.request()",
  (method?: unknown, url?: unknown, body?: unknown, params?: unknown) => request(String(method), url, body, params),
);

/** A function of k6's that k6d has not yet. */
function missing(name: string): () => never {
  return function absent(): never {
    refuseMissing(`http.${name}`, absent);
  };
}

function setResponseCallback(callback: unknown): void {
  if (callback !== null && !(callback instanceof ExpectedStatuses)) {
    throw new TypeError("unsupported responseCallback: use http.expectedStatuses() or null");
  }
  // The first init stage belongs to no virtual user; every later one repeats the call for its own.
  if (currentUser !== null) httpOf(currentUser).callback = callback;
}

/** The module's default object. */
export const http: Readonly<Record<string, unknown>> = {
  get: withoutBody("get", "GET"),
  head: withoutBody("head", "HEAD"),
  post: withBody("post", "POST"),
  put: withBody("put", "PUT"),
  patch: withBody("patch", "PATCH"),
  del: withBody("del", "DELETE"),
  options: withBody("options", "OPTIONS"),
  request: custom,
  expectedStatuses,
  file,
  setResponseCallback,
  url,
  ...HTTP_CONSTANTS,
  ...Object.fromEntries(["asyncRequest", "batch", "cookieJar", "CookieJar"].map((name) => [name, missing(name)])),
};
