/** One request under way: its redirects, cookies, samples and outcome. */

import { beginAuth } from "../net/auth/authentication.ts";
import { parseChallenges } from "../net/auth/challenges.ts";
import type { AuthScheme } from "../net/auth/scheme.ts";
import { ERROR_CODES, NetError } from "../net/errors.ts";
import { copyResult, unsentResult } from "../net/http_result.ts";
import { wholeBody } from "../net/request_body.ts";
import type { HttpCompletion, HttpResult, HttpUrl } from "../net/types.ts";
import { maskCredentials, resolveReference } from "../net/url.ts";
import type { Coroutine, Resumable, Suspension } from "../script/suspension.ts";
import type { HelperClient } from "../worker/blocked_thread.ts";
import type { VirtualUser } from "../worker/virtual_user.ts";
import { decompressBody, DecompressionError } from "./compression.ts";
import { CookieJar } from "./cookies.ts";
import { getHeader, headerValues, setCookieValues } from "./headers.ts";
import { redirectRequest, type ScriptRequest, withCookies, withHeader } from "./http_request.ts";
import { Response } from "./http_response.ts";
import type { HttpSession } from "./http_session.ts";
import { session } from "./session.ts";

/** From here on an answer's status makes an error code: 1000 + status. */
const FIRST_ERROR_STATUS = 400;

/** What a call's samples carry: the virtual user itself, or what held when a call began that outlives the code around it. */
export type SampleOrigin = Pick<VirtualUser, "tags" | "metadata">;

/** One request of a virtual user at a time, with all its redirects. Reused by all calls that block. */
export class HttpCall implements Coroutine, Suspension, HttpCompletion {
  readonly #origin: SampleOrigin;
  readonly #session: HttpSession;
  /** As the script made it, before any redirect. */
  #first: ScriptRequest | null = null;
  #request: ScriptRequest | null = null;
  /** The request with the cookies that go with it. */
  #onWire: ScriptRequest | null = null;
  #hops = 0;
  /** How far this hop's authentication is; null before it has begun, and without one. */
  #auth: AuthScheme | null = null;
  /** A client of this call alone: NTLM authenticates connections. */
  #ownClient: HelperClient | null = null;
  #coroutine: Resumable | null = null;
  #begun = false;
  /** Whether the whole thread waits. */
  #blocks = false;
  /** What `HttpDebug` knows the hop by. */
  #debugId = "";
  readonly #step: IteratorResult<Suspension, unknown> = { done: false, value: this };

  constructor(session: HttpSession, origin: SampleOrigin) {
    this.#origin = origin;
    this.#session = session;
  }

  /** Gets ready to send `request`. */
  send(request: ScriptRequest): this {
    this.#first = request;
    this.#request = request;
    this.#hops = 0;
    this.#auth = null;
    this.#ownClient = null;
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
    this.start(coroutine, false);
  }

  cancel(): void {
    this.#session.client.abort();
  }

  block(): unknown {
    return this.#session.block((outcome) => this.start(outcome, true));
  }

  /** Sends the request; `coroutine` is told the outcome. `blocks`: the whole thread waits for it. */
  start(coroutine: Resumable, blocks: boolean): void {
    this.#coroutine = coroutine;
    this.#blocks = blocks;
    this.#sendHop();
  }

  /** Hot. */
  httpDone(received: HttpResult): void {
    const request = this.#request!;
    this.#session.debug?.received(this.#debugId, received);
    const result = received.hasContentEncoding && received.body !== null ? decompressed(received) : received;
    const { shared, callback: ownCallback } = this.#session;
    const callback = request.callback === undefined ? ownCallback : request.callback;
    const authorization = request.auth === null || result.status !== 401 ? null : this.#authorize(request, result);
    const expected = callback === null ? null : authorization !== null || callback.matches(result.status);
    const errorCode = result.errorCode === 0 && result.status >= FIRST_ERROR_STATUS
      ? 1000 + result.status
      : result.errorCode;
    const { tags, metadata } = this.#origin;
    shared.recorder.metadata = metadata;
    shared.series.record(
      request.tags === null ? tags : request.tags(tags),
      request.name,
      request.wire.method,
      result,
      errorCode,
      expected,
    );
    if (result.hasSetCookie) this.#keepCookies(request, result);
    if (authorization !== null) return this.#sendHop(authorization);
    if (isRedirect(result.status) && this.#follow(request, result)) return;
    this.#finish(result, errorCode);
  }

  /** `authorization` is the value of that header where an authentication has come to it. */
  #sendHop(authorization: string | null = null): void {
    let request = this.#request!;
    const { client } = this.#session;
    const jar = request.jar ?? this.#session.jar;
    if (jar !== null || request.cookies.length > 0) {
      const cookie = (jar ?? NO_COOKIES).headerFor(request.wire.url, Date.now(), request.cookies);
      request = withCookies(request, cookie);
    }
    if (authorization !== null) request = withHeader(request, "Authorization", authorization);
    this.#onWire = request;
    if (this.#session.debug !== null) this.#debugId = this.#session.debug.sending(request.wire);
    if (!this.#blocks) client.send(request.wire, this);
    else if (request.auth?.name === "ntlm") {
      (this.#ownClient ??= this.#session.openCallClient()).send(request.wire, this);
    } else this.#session.helperClient.send(request.wire, this);
  }

  /** What answers the challenge of a 401; null when that stands. */
  #authorize(request: ScriptRequest, result: HttpResult): string | null {
    const { name, credentials } = request.auth!;
    this.#auth ??= beginAuth(name, credentials);
    const { method, url: { target }, body } = request.wire;
    const challenges = parseChallenges(headerValues(result.rawHeaders, "Www-Authenticate"));
    return this.#auth.answer(challenges, { method, target, body: body && wholeBody(body) });
  }

  /** Goes on with the next hop when there is one to follow; returns whether it did. */
  #follow(request: ScriptRequest, result: HttpResult): boolean {
    const location = getHeader(result.rawHeaders, "Location") ?? "";
    if (location === "") return false;
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
    let target: HttpUrl;
    try {
      target = resolveReference(request.wire.url, location);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.#failRedirect(request, result, location, error);
      return true;
    }
    this.#hops++;
    this.#auth = null;
    this.#request = redirectRequest(this.#first!, request, result.status, location, target);
    this.#sendHop();
    return true;
  }

  /** A `Location` that is no URL ends the request; one that names nothing to dial makes one more that fails. */
  #failRedirect(request: ScriptRequest, result: HttpResult, location: string, { code, message }: NetError): void {
    const shown = maskCredentials(location);
    const { endedAtEpochMs } = result;
    if (code === ERROR_CODES.invalidUrl) {
      const reason = message.replace(/^invalid URL: /, "");
      const text = `failed to parse Location header ${JSON.stringify(shown)}: ${reason}`;
      return this.#finish(unsentResult({ code: ERROR_CODES.generic, text }, endedAtEpochMs), ERROR_CODES.generic);
    }
    const target = { ...request.wire.url, href: shown, username: "", password: "" };
    this.#request = redirectRequest(this.#first!, request, result.status, shown, target);
    this.#onWire = this.#request;
    this.httpDone(unsentResult({ code, text: message }, endedAtEpochMs));
  }

  #keepCookies({ jar: own, wire }: ScriptRequest, result: HttpResult): void {
    const jar = own ?? (this.#session.jar ??= new CookieJar());
    jar.setFromResponse(wire.url, setCookieValues(result.rawHeaders), Date.now());
  }

  #finish(result: HttpResult, errorCode: number): void {
    const coroutine = this.#coroutine!;
    const request = this.#onWire!;
    const response = new Response(result, request, this.#first!.url, result.error, errorCode);
    if (this.#ownClient !== null) this.#session.closeCallClient(this.#ownClient);
    this.#ownClient = null;
    if (result.errorCode === 0) return coroutine.resume(response);
    const description = describeFailure(request.wire.method, request.wire.url.href, result.error);
    if (request.throws) return coroutine.resumeWithError(new Error(description));
    session.log("warn", "Request Failed", { error: description });
    coroutine.resume(response);
  }
}

/** Those that Go follows. */
function isRedirect(status: number): boolean {
  return status >= 301 && status <= 308 && (status <= 303 || status >= 307);
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

/** A failed request in words, as the log and exceptions have it. */
export function describeFailure(method: string, url: string, error: string): string {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return `${verb} "${maskCredentials(url)}": ${error}`;
}

/** Never filled. */
const NO_COOKIES = new CookieJar();
