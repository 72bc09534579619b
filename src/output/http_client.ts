/**
 * The HTTP client of outputs: requests over kept connections, with TLS settings, a time limit and errors of few words.
 * On node:http(s) rather than `fetch`: only these can skip certificate checks, set the least TLS version and show a client
 * certificate.
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { getCACertificates, type SecureContextOptions } from "node:tls";
import { type Clock, systemClock } from "./clock.ts";
import type { ProxyEnv } from "./proxy_env.ts";
import type { ClientCertificate } from "./tls_files.ts";

/** How a client behaves towards a server; all of it optional. */
export interface HttpClientOptions {
  /** Most connections to a server at the same time; further requests wait. Default 1. */
  readonly connections?: number;
  /** For https URLs. Default: any TLS version from 1.2, certificates are checked against the system's authorities. */
  readonly tls?: TlsOptions;
  /** What measures the time limits. Default: the system's. */
  readonly clock?: Clock;
  /** Default: no proxies, whatever the environment says. */
  readonly proxies?: ProxyEnv | null;
}

/** TLS settings, with the files already read. */
export interface TlsOptions {
  /** Accept any certificate. Default false. */
  readonly skipVerification?: boolean;
  /** Default 1.2. */
  readonly minVersion?: "1.2" | "1.3";
  /** PEM text of the authorities to trust instead of the system's. */
  readonly caCertificate?: string | null;
  readonly clientCertificate?: ClientCertificate | null;
}

/** One request. */
export interface HttpRequest {
  /** Default POST. */
  readonly method?: "GET" | "POST" | "PUT";
  /** http or https; without user name and password. */
  readonly url: URL;
  /** Content-Length is added. */
  readonly headers: Readonly<Record<string, string>>;
  /** Default none. */
  readonly body?: Uint8Array;
  /** Time from the call to the end of the answer, waiting for a connection included. */
  readonly timeoutMs: number;
  /** Gives the request up. */
  readonly signal?: AbortSignal;
  /** The most of the answer's body, for requests that need it whole: a larger one is a failure. Default: only the first 4 KiB are kept. */
  readonly maxContentBytes?: number;
  /** The caller counts attempts: the request fails when the kept connection that it met was closed meanwhile. */
  readonly isSentOnce?: true;
}

/** An answer, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** From the Retry-After header; null without one. */
  readonly retryAfterMs: number | null;
  /** The body, or its beginning: what is beyond 4 KiB is left out unless `maxContentBytes` was set. */
  readonly content: Uint8Array;
  /** The first 300 characters of it, in one line; of a redirect, which is not followed, what the user can do. */
  readonly text: string;
}

/** No answer came: the message says why in few words, for example `connection refused`. */
export class TransportError extends Error {
  override name = "TransportError";

  /** Whether there was no connection, so that the request can't have arrived. */
  get isNeverSent(): boolean {
    return this.cause instanceof Error && CONNECT_FAILURES.includes(codeOf(this.cause));
  }
}

/** Sends requests; knows nothing of what they mean. */
export class HttpClient {
  readonly #connections: number;
  readonly #tls: TlsOptions;
  readonly #clock: Clock;
  readonly #proxies: ProxyEnv | null;
  /** By the URL's protocol; made when the first request needs one. */
  readonly #agents = new Map<string, http.Agent | https.Agent>();

  constructor({ connections = 1, tls = {}, clock = systemClock, proxies = null }: HttpClientOptions = {}) {
    this.#connections = connections;
    this.#tls = tls;
    this.#clock = clock;
    this.#proxies = proxies;
  }

  /** Resolves with any answer; rejects with a `TransportError` after `timeoutMs`, when `signal` aborts, or on a network failure. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { timeoutMs, signal } = request;
    if (signal?.aborted) throw new TransportError(GIVEN_UP);
    const exchange = new Exchange(request, this.#agent(request.url.protocol), this.#tls);
    const onAbort = () => exchange.cancel(GIVEN_UP);
    signal?.addEventListener("abort", onAbort);
    const answered = new AbortController();
    this.#clock.sleep(timeoutMs, answered.signal).then(() => {
      if (!answered.signal.aborted) exchange.cancel("no answer in time");
    });
    try {
      return await exchange.response;
    } finally {
      answered.abort();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Closes the connections; what is under way fails. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agent(protocol: string): http.Agent | https.Agent {
    let agent = this.#agents.get(protocol);
    if (agent === undefined) {
      const pool = {
        keepAlive: true,
        maxSockets: this.#connections,
        ...this.#proxies === null ? {} : { proxyEnv: { ...this.#proxies } },
      };
      agent = protocol === "http:"
        ? new http.Agent(pool)
        : new https.Agent({ ...pool, ...tlsConnectionOptions(this.#tls) });
      this.#agents.set(protocol, agent);
    }
    return agent;
  }
}

/** Milliseconds to wait by a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); null when there is none. */
export function parseRetryAfterMs(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

/** What the name of a header is made of (RFC 9110, 5.6.2). */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** As much of a receiver's words as a message can use, 300 characters, in one line. */
export function oneLine(text: string): string {
  return text.slice(0, 300).replace(/[\s\p{Cc}]+/gu, " ").trim();
}

/** The settings in node's terms. Where the system has no list of authorities, Mozilla's applies. */
export function tlsConnectionOptions(
  { skipVerification, minVersion, caCertificate, clientCertificate }: TlsOptions,
): SecureContextOptions & { readonly rejectUnauthorized: boolean } {
  const trusted = caCertificate ? [caCertificate] : systemAuthorities();
  return {
    rejectUnauthorized: skipVerification !== true,
    minVersion: minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
    ...trusted.length > 0 ? { ca: [...trusted] } : {},
    ...clientCertificate,
  };
}

/** The certificates of the system's list, PEM text; none where it has no list, or one that can't be read. */
function systemAuthorities(): readonly string[] {
  try {
    return getCACertificates("system");
  } catch (error) {
    // `SSL_CERT_DIR` names a folder that isn't there, for example. Go programs take that for an empty list, too.
    if (error instanceof Error) return [];
    throw error;
  }
}

/** Why a connection failed, in few words; `tls` are the settings it was to be made with. */
export function failureReason(error: Error, tls: TlsOptions): string {
  const code = codeOf(error);
  // The codes of node's parser.
  if (code.startsWith("HPE_")) return "the answer is not HTTP";
  return failureReasons.get(code) ?? handshakeFailure(error.message, tls) ?? error.message;
}

/** The reason for requests that are aborted. */
export const GIVEN_UP = "no answer before the end of the run";

/** A request on its way; it is sent a second time only when the first met a kept connection that the server had closed meanwhile. */
class Exchange {
  readonly response: Promise<HttpResponse>;
  readonly #request: HttpRequest;
  readonly #agent: http.Agent | https.Agent;
  readonly #tls: TlsOptions;
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (error: TransportError) => void;
  #sent: http.ClientRequest;
  #isCancelled = false;

  constructor(request: HttpRequest, agent: http.Agent | https.Agent, tls: TlsOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    this.response = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#request = request;
    this.#agent = agent;
    this.#tls = tls;
    this.#sent = this.#send({ again: false });
  }

  cancel(reason: string): void {
    this.#isCancelled = true;
    this.#reject(new TransportError(reason));
    this.#sent.destroy();
  }

  #send({ again }: { readonly again: boolean }): http.ClientRequest {
    const { method = "POST", url, headers, body, maxContentBytes, isSentOnce = false } = this.#request;
    const send = url.protocol === "http:" ? http.request : https.request;
    const sent = send(url, {
      method,
      agent: this.#agent,
      headers: { ...headers, ...body === undefined ? {} : { "Content-Length": String(body.length) } },
    });
    let isKeptConnection = false;
    sent.on("socket", () => {
      isKeptConnection = sent.reusedSocket;
      // Or Deno 2.9 sends it a second time of its own accord, even when it was cancelled (denoland/deno#36786).
      sent.reusedSocket = false;
    });
    const fail = (error: Error) => this.#fail(error);
    sent.on("response", (response) => {
      if (maxContentBytes === undefined) readBeginning(response, url, this.#resolve, fail);
      else readWhole(response, url, maxContentBytes, this.#resolve, fail);
    });
    sent.on("error", (error) => {
      const wasStale = isKeptConnection && !again && !isSentOnce && isDisconnect(error);
      if (wasStale && !this.#isCancelled) this.#sent = this.#send({ again: true });
      else this.#fail(error);
    });
    sent.end(body);
    return sent;
  }

  #fail(error: Error): void {
    this.#reject(new TransportError(failureReason(error, this.#tls), { cause: error }));
  }
}

/** As much of an answer's body as is kept. */
export const CONTENT_BYTES = 4096;

/** Reads the body to its end, so that the connection can be used again, but keeps only its beginning. */
function readBeginning(response: http.IncomingMessage, url: URL, resolve: Resolve, fail: Fail): void {
  const buffer = new Uint8Array(CONTENT_BYTES);
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    const part = chunk.subarray(0, CONTENT_BYTES - length);
    buffer.set(part, length);
    length += part.length;
  });
  response.on("end", () => resolve(answerOf(response, url, buffer.subarray(0, length))));
  response.on("error", fail);
}

/** Reads the whole body, and gives it up once it is larger than `maxBytes`. */
function readWhole(response: http.IncomingMessage, url: URL, maxBytes: number, resolve: Resolve, fail: Fail): void {
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    else response.destroy(new Error(`the answer is larger than ${maxBytes >> 20} MB`));
  });
  response.on("end", () => resolve(answerOf(response, url, Buffer.concat(chunks))));
  response.on("error", fail);
}

type Resolve = (response: HttpResponse) => void;
type Fail = (error: Error) => void;

function answerOf({ statusCode = 0, headers }: http.IncomingMessage, url: URL, content: Uint8Array): HttpResponse {
  const { location } = headers;
  return {
    status: statusCode,
    headers: joinHeaders(headers),
    // By the server's clock, which need not be ours.
    retryAfterMs: parseRetryAfterMs(headers["retry-after"], Date.parse(headers.date ?? "") || Date.now()),
    content,
    text: statusCode >= 300 && statusCode < 400 && location !== undefined
      ? redirectText(location, url)
      : oneLine(new TextDecoder().decode(content.subarray(0, CONTENT_BYTES))),
  };
}

/** Where a redirect leads, without what may be secret: credentials and query. */
export function redirectText(location: string, from: URL): string {
  const target = URL.parse(location, from);
  if (target === null) return "redirects are not followed";
  return `redirects are not followed; if ${target.origin}${target.pathname} is right, use that address`;
}

function joinHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function isDisconnect(error: Error): boolean {
  return failureReasons.get(codeOf(error)) === CONNECTION_RESET;
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "";
}

/** Errors that only connecting has. */
const CONNECT_FAILURES: readonly string[] = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

const CONNECTION_RESET = "connection reset";

const failureReasons: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", CONNECTION_RESET],
  ["EPIPE", CONNECTION_RESET],
  ["ENOTFOUND", "host not found"],
  ["EAI_AGAIN", "host not found"],
  ["EHOSTUNREACH", "host unreachable"],
  ["ENETUNREACH", "network unreachable"],
  ["ETIMEDOUT", "connecting timed out"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "the server's certificate is self-signed"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "no trusted authority has signed the server's certificate"],
  ["UNABLE_TO_GET_ISSUER_CERT", "no trusted authority has signed the server's certificate"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "no trusted authority has signed the server's certificate"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "no trusted authority has signed the server's certificate"],
  ["ERR_PROXY_TUNNEL", "the proxy does not let it through"],
  ["CERT_HAS_EXPIRED", "the server's certificate has expired"],
]);

/** The reason when a server answers a TLS handshake with something else. */
export const NO_TLS = "the server does not speak TLS";

/** What the end of a TLS handshake asks of the user; undefined for what says enough itself. */
function handshakeFailure(message: string, { minVersion = "1.2", clientCertificate }: TlsOptions): string | undefined {
  if (message.includes("wrong version number")) return NO_TLS;
  const alert = /received fatal alert: (\w+)/.exec(message)?.[1];
  if (alert === "ProtocolVersion") return `the server does not offer TLS ${minVersion}, the least version that is set`;
  if (alert === "CertificateRequired" || (alert === "BadCertificate" && !clientCertificate)) {
    return "the server asks for a client certificate";
  }
  if (alert !== undefined && /certificate|UnknownCa/i.test(alert)) return "the server refuses the client certificate";
  return undefined;
}
