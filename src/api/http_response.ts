/** What `http.get` and its like return. Everything that costs is made when the script asks for it. */

import { wholeBody } from "../net/request_body.ts";
import type { HttpResult } from "../net/types.ts";
import type { Selection } from "./html/selection.ts";
import { type ResponseCookie, responseCookies } from "./cookies.ts";
import { requestHeadersForScript, responseHeaders, setCookieValues } from "./headers.ts";
import type { ScriptRequest } from "./http_request.ts";
import { parseJsonBody, selectJson } from "./json_selector.ts";
import { decodeText } from "./response_body.ts";

const NO_HEADERS: readonly string[] = [];
const NO_BYTES = new Uint8Array(0);
const NO_OCSP = { produced_at: 0, this_update: 0, next_update: 0, revoked_at: 0, revocation_reason: "" } as const;

/** `Response.timings`, in milliseconds. */
export interface Timings {
  readonly duration: number;
  readonly blocked: number;
  /** Always 0: looking a name up is part of `blocked`. */
  readonly looking_up: number;
  readonly connecting: number;
  readonly tls_handshaking: number;
  readonly sending: number;
  readonly waiting: number;
  readonly receiving: number;
}

/** A response of k6/http. Hot to construct: a handful of stores. */
export class Response {
  status: number;
  url: string;
  error: string;
  error_code: number;
  // Of pages; response_page.ts adds them to the prototype.
  declare html: (selector?: unknown) => Selection;
  declare submitForm: (options?: unknown) => unknown;
  declare clickLink: (options?: unknown) => unknown;
  readonly #result: HttpResult | null;
  readonly #request: ScriptRequest | null;
  readonly #sent: string;
  #body: unknown = undefined;
  #json: unknown = undefined;
  #headers: Record<string, string> | undefined;
  #timings: Timings | undefined;
  #cookies: Record<string, ResponseCookie[]> | undefined;

  /** `result` is null when the request could not even be sent. */
  constructor(
    result: HttpResult | null,
    request: ScriptRequest | null,
    sent: string,
    error: string,
    errorCode: number,
  ) {
    this.#result = result;
    this.#request = request;
    this.#sent = sent;
    this.status = result === null ? 0 : result.status;
    this.url = request === null ? sent : request.url;
    this.error = error;
    this.error_code = errorCode;
  }

  /** Text, an ArrayBuffer, or null: as `params.responseType` says. */
  get body(): unknown {
    if (this.#body === undefined) this.#body = this.#decode();
    return this.#body;
  }

  set body(value: unknown) {
    this.#body = value;
    this.#json = undefined;
  }

  get headers(): Record<string, string> {
    return this.#headers ??= responseHeaders(this.#result?.rawHeaders ?? NO_HEADERS);
  }

  get status_text(): string {
    const result = this.#result;
    return result === null || result.status === 0 ? "" : `${result.status} ${result.statusText}`;
  }

  get proto(): string {
    return this.#result?.proto ?? "";
  }

  get remote_ip(): string {
    return this.#result?.remoteIp ?? "";
  }

  get remote_port(): number {
    return this.#result?.remotePort ?? 0;
  }

  get tls_version(): string {
    return this.#result?.tlsVersion ?? "";
  }

  get tls_cipher_suite(): string {
    return this.#result?.tlsCipherSuite ?? "";
  }

  /** Cookies that the answer set, by name. */
  get cookies(): Record<string, ResponseCookie[]> {
    return this.#cookies ??= responseCookies(setCookieValues(this.#result?.rawHeaders ?? NO_HEADERS));
  }

  /** Nobody asks an OCSP responder: the fields are there, and empty. */
  get ocsp(): Readonly<Record<string, unknown>> {
    return { ...NO_OCSP, status: this.tls_version === "" ? "" : "unknown" };
  }

  get timings(): Timings {
    return this.#timings ??= timingsOf(this.#result);
  }

  get request(): Readonly<Record<string, unknown>> {
    const request = this.#request;
    return {
      method: request?.wire.method ?? "",
      url: request === null ? this.url : this.#sent,
      headers: requestHeadersForScript(request?.headers ?? NO_HEADERS),
      body: request === null
        ? ""
        : typeof request.body === "string"
        ? request.body
        : decodeText(wholeBody(request.body)),
      cookies: Object.fromEntries(
        (request?.cookies ?? []).map((cookie) => [cookie.name, [cookie]]),
      ),
    };
  }

  /** The body parsed as JSON, or the part of it that a selector in gjson's syntax names. */
  json(selector?: unknown): unknown {
    const text = this.#text();
    if (selector === undefined || selector === null) return parseJsonBody(text);
    if (this.#json === undefined) {
      try {
        this.#json = parseJsonBody(text);
      } catch (error) {
        // k6 finds nothing in what is no JSON; only the call without a selector throws.
        if (error instanceof Error) return undefined;
        throw error;
      }
    }
    return selectJson(this.#json, String(selector));
  }

  /** So that `JSON.stringify` shows a response as k6 does. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { remote_ip, remote_port, url, status, status_text, proto, headers, cookies, body, timings } = this;
    const { tls_version, tls_cipher_suite, ocsp, error, error_code, request } = this;
    return {
      remote_ip,
      remote_port,
      url,
      status,
      status_text,
      proto,
      headers,
      cookies,
      body,
      timings,
      tls_version,
      tls_cipher_suite,
      ocsp,
      error,
      error_code,
      request,
    };
  }

  #decode(): unknown {
    const bytes = this.#bytes();
    if (bytes === null) return null;
    if (this.#request?.responseType !== "binary") return decodeText(bytes);
    return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }

  #bytes(): Uint8Array | null {
    const result = this.#result;
    const request = this.#request;
    if (result === null || result.body !== null || request === null) return result?.body ?? null;
    const isEmpty = request.wire.method === "HEAD" && result.status !== 0 && request.responseType !== "none";
    return isEmpty ? NO_BYTES : null;
  }

  #text(): string {
    const { body } = this;
    if (typeof body === "string") return body;
    if (body instanceof ArrayBuffer) return decodeText(new Uint8Array(body));
    throw new Error(
      "the body is null so we can't transform it to JSON - this likely was because of a request error getting the response",
    );
  }
}

function timingsOf(result: HttpResult | null): Timings {
  if (result === null) {
    return {
      duration: 0,
      blocked: 0,
      looking_up: 0,
      connecting: 0,
      tls_handshaking: 0,
      sending: 0,
      waiting: 0,
      receiving: 0,
    };
  }
  return {
    duration: result.sending + result.waiting + result.receiving,
    blocked: result.blocked,
    looking_up: 0,
    connecting: result.connecting,
    tls_handshaking: result.tlsHandshaking,
    sending: result.sending,
    waiting: result.waiting,
    receiving: result.receiving,
  };
}
