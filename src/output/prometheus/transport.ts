/** The HTTP exchange of remote write: one POST at a time over a kept connection, with the headers of the protocol. */

import http from "node:http";
import https from "node:https";
import { amzDate, sha256Hex, sigV4Authorization } from "./sigv4.ts";
import type { RemoteWriteConfig } from "./config.ts";

/** What a receiver answered. */
export interface PushResponse {
  readonly status: number;
  /** From the Retry-After header; null without one. */
  readonly retryAfterMs: number | null;
  /** The beginning of the body, in one line. */
  readonly text: string;
}

/** No answer came: the message says why in few words, for example `connection refused`. */
export class TransportError extends Error {
  override name = "TransportError";
}

const TOO_LATE = "no answer before the end of the run";

/** Delivers request bodies. */
export interface Transport {
  /** Resolves with any answer; rejects with a `TransportError` after `timeoutMs`, when `signal` aborts, or on a network failure. */
  post(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<PushResponse>;
  close(): void;
}

/** node:http(s) rather than `fetch`: only it can skip certificate checks and set the least TLS version, and it knows no proxy (as k6). */
export class HttpTransport implements Transport {
  readonly #config: RemoteWriteConfig;
  readonly #headers: readonly (readonly [name: string, value: string])[];
  readonly #agent: http.Agent | https.Agent;

  constructor(config: RemoteWriteConfig, version: string) {
    this.#config = config;
    this.#headers = [
      ...config.headers,
      ...authorization(config),
      ["Content-Encoding", "snappy"],
      ["Content-Type", "application/x-protobuf"],
      ["User-Agent", `k6d/${version}`],
      ["X-Prometheus-Remote-Write-Version", "0.1.0"],
    ];
    const connections = { keepAlive: true, maxSockets: 1 };
    this.#agent = config.url.protocol === "http:" ? new http.Agent(connections) : new https.Agent({
      ...connections,
      rejectUnauthorized: !config.insecureSkipTlsVerify,
      minVersion: config.tlsMinVersion === "1.2" ? "TLSv1.2" : "TLSv1.3",
      ...config.clientCertificate,
    });
  }

  post(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<PushResponse> {
    if (signal.aborted) return Promise.reject(new TransportError(TOO_LATE));
    const { promise, resolve, reject } = Promise.withResolvers<PushResponse>();
    const { url } = this.#config;
    const send = url.protocol === "http:" ? http.request : https.request;
    const request = send(url, {
      method: "POST",
      agent: this.#agent,
      headers: Object.fromEntries(this.#requestHeaders(body)),
    });
    const cancel = (reason: string) => {
      reject(new TransportError(reason));
      request.destroy();
    };
    const timer = setTimeout(() => cancel("no answer in time"), timeoutMs);
    const onAbort = () => cancel(TOO_LATE);
    signal.addEventListener("abort", onAbort);
    request.on("error", (error) => reject(new TransportError(failureReason(error), { cause: error })));
    request.on("response", (response) => readResponse(response, resolve, reject));
    request.end(body);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #requestHeaders(body: Uint8Array): (readonly [name: string, value: string])[] {
    const { authentication, url } = this.#config;
    const headers = [...this.#headers, ["Content-Length", String(body.length)] as const];
    if (authentication.kind !== "sigv4") return headers;
    const date = amzDate(Date.now());
    const payloadHash = sha256Hex(body);
    headers.push(["Host", url.host], ["X-Amz-Date", date], ["X-Amz-Content-Sha256", payloadHash]);
    const signable = { method: "POST", url, headers, payloadHash };
    headers.push(["Authorization", sigV4Authorization(signable, { ...authentication, service: "aps" }, date)]);
    return headers;
  }
}

/** Milliseconds to wait by a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); null when there is none. */
export function parseRetryAfterMs(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

function authorization({ authentication }: RemoteWriteConfig): [name: string, value: string][] {
  switch (authentication.kind) {
    case "basic": {
      const credentials = new TextEncoder().encode(`${authentication.username}:${authentication.password}`);
      return [["Authorization", `Basic ${credentials.toBase64()}`]];
    }
    case "bearer":
      return [["Authorization", `Bearer ${authentication.token}`]];
    case "none":
    case "sigv4":
      return [];
  }
}

/** As much of an answer's body as a message can use. */
const TEXT_BYTES = 300;

/** Reads the body to its end, so that the connection can be used again, but keeps only its beginning. */
function readResponse(
  response: http.IncomingMessage,
  resolve: (response: PushResponse) => void,
  reject: (error: TransportError) => void,
): void {
  const decoder = new TextDecoder();
  let text = "";
  response.on("data", (chunk: Uint8Array) => {
    if (text.length < TEXT_BYTES) text += decoder.decode(chunk.subarray(0, TEXT_BYTES), { stream: true });
  });
  response.on("end", () =>
    resolve({
      status: response.statusCode ?? 0,
      retryAfterMs: parseRetryAfterMs(response.headers["retry-after"], Date.now()),
      text: text.slice(0, TEXT_BYTES).replace(/[\s\p{Cc}]+/gu, " ").trim(),
    }));
  response.on("error", (error) => reject(new TransportError(failureReason(error), { cause: error })));
}

function failureReason(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  return failureReasons.get(code) ?? error.message;
}

const failureReasons: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["EPIPE", "connection reset"],
  ["ENOTFOUND", "host not found"],
  ["EAI_AGAIN", "host not found"],
  ["EHOSTUNREACH", "host unreachable"],
  ["ENETUNREACH", "network unreachable"],
  ["ETIMEDOUT", "connecting timed out"],
]);
