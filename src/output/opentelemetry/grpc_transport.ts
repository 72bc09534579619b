/** OTLP over gRPC: unary calls of `MetricsService/Export` on one HTTP/2 connection, made anew when it is gone. */

import { Buffer } from "node:buffer";
import http2 from "node:http2";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { failureReason, GIVEN_UP, NO_TLS, oneLine, tlsConnectionOptions, type TlsOptions } from "../http_client.ts";
import { decodedOrAsIs } from "../url_text.ts";
import type { OtelConfig } from "./config.ts";
import { type Answer, readResponse, readStatus, type Refused, type Transport, unanswered } from "./transport.ts";

const PATH = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/** What stands before a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** The most that fits into the eight digits of a timeout: 27 hours. */
const LONGEST_TIMEOUT_MS = 99_999_999;

/** How much of a message is handed to the connection at once. */
const CHUNK_BYTES = 16 * 1024;

/** As much of an answer as is kept. */
const ANSWER_BYTES = 64 * 1024;

/** Makes calls, one at a time. */
export class GrpcTransport implements Transport {
  readonly #config: OtelConfig;
  readonly #headers: http2.OutgoingHttpHeaders;
  #connection: Connection | null = null;

  constructor(config: OtelConfig, version: string) {
    this.#config = config;
    this.#headers = {
      ...config.headers,
      ":method": "POST",
      ":path": PATH,
      "content-type": "application/grpc",
      "te": "trailers",
      "user-agent": `k6d/${version}`,
      ...config.compression === "gzip" ? { "grpc-encoding": "gzip" } : {},
    };
  }

  async send(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const compressed = this.#config.compression === "gzip";
    const message = compressed ? await promisify(gzip)(body) : body;
    if (signal.aborted) return unanswered(GIVEN_UP);
    if (this.#connection?.isUsable !== true) {
      this.#connection?.close();
      this.#connection = new Connection(this.#config);
    }
    const headers = { ...this.#headers, "grpc-timeout": `${Math.min(Math.ceil(timeoutMs), LONGEST_TIMEOUT_MS)}m` };
    const call = new Call(this.#connection, headers, messagePrefix(message.length, { compressed }), message);
    const timer = setTimeout(() => call.cancel("no answer in time"), timeoutMs);
    const onAbort = () => call.cancel(GIVEN_UP);
    signal.addEventListener("abort", onAbort);
    try {
      return await call.answer;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

function messagePrefix(length: number, { compressed }: { readonly compressed: boolean }): Uint8Array {
  const prefix = new DataView(new ArrayBuffer(PREFIX_BYTES));
  prefix.setUint8(0, compressed ? 1 : 0);
  prefix.setUint32(1, length);
  return new Uint8Array(prefix.buffer);
}

/** An HTTP/2 connection that is opened at once; what happens to it shows in its calls. */
class Connection {
  readonly #session: http2.ClientHttp2Session;
  readonly #isSecure: boolean;
  readonly #tls: TlsOptions;
  #isGone = false;
  #error: Error | null = null;

  constructor({ url, tls }: OtelConfig) {
    this.#isSecure = url.protocol === "https:";
    this.#tls = tls;
    this.#session = http2.connect(url.origin, this.#isSecure ? tlsConnectionOptions(tls) : {});
    this.#session.on("error", (error) => {
      this.#error = error;
      this.#isGone = true;
    });
    this.#session.on("goaway", () => this.#isGone = true);
    this.#session.on("close", () => this.#isGone = true);
  }

  get isUsable(): boolean {
    return !this.#isGone && !this.#session.closed && !this.#session.destroyed;
  }

  request(headers: http2.OutgoingHttpHeaders): http2.ClientHttp2Stream {
    return this.#session.request(headers);
  }

  /** What became of a call that ended without an answer, given its own error. */
  broken(callError: Error | null): Refused {
    const error = callError?.cause instanceof Error ? callError.cause : callError ?? this.#error;
    if (error === null) return unanswered("connection closed", this.#isSecure ? "" : "it may expect TLS");
    if ("code" in error && error.code === "ERR_HTTP2_ERROR") return unanswered("the server does not speak HTTP/2");
    const reset = /NGHTTP2_(\w+)$/.exec(error.message)?.[1];
    if (reset !== undefined) return unanswered(`HTTP/2 ${reset}`);
    const reason = failureReason(error, this.#tls);
    return unanswered(reason, reason === NO_TLS ? "K6_OTEL_GRPC_EXPORTER_INSECURE=true connects without it" : "");
  }

  close(): void {
    this.#session.destroy();
  }
}

/** One call on its way. Its answer is there when the receiver has ended it, or the stream is closed; before, events come in any order. */
class Call {
  readonly answer: Promise<Answer>;
  readonly #connection: Connection;
  readonly #stream: http2.ClientHttp2Stream;
  readonly #resolve: (answer: Answer) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #headers: http2.IncomingHttpHeaders = {};
  #trailers: http2.IncomingHttpHeaders = {};
  #error: Error | null = null;

  constructor(connection: Connection, headers: http2.OutgoingHttpHeaders, prefix: Uint8Array, message: Uint8Array) {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#connection = connection;
    const stream = this.#stream = connection.request(headers);
    stream.on("response", (received) => this.#headers = received);
    stream.on("trailers", (received) => this.#trailers = received);
    stream.on("data", (chunk: Uint8Array) => {
      this.#bytes += chunk.length;
      if (this.#bytes <= ANSWER_BYTES) this.#chunks.push(chunk);
    });
    stream.on("error", (error) => this.#error = error);
    stream.on("end", () => this.#end());
    stream.on("close", () => resolve(this.#outcome()));
    stream.write(prefix);
    this.#write(message);
  }

  /** The connection goes as well: what kept this call waiting would keep the next one waiting. */
  cancel(reason: string): void {
    this.#resolve(unanswered(reason));
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
    this.#connection.close();
  }

  /** Hands over no more than the connection takes: what it holds when it is cut stays in memory for good (Deno 2.9). */
  #write(message: Uint8Array): void {
    const stream = this.#stream;
    for (let at = 0; at < message.length; at += CHUNK_BYTES) {
      if (stream.write(message.subarray(at, at + CHUNK_BYTES))) continue;
      const rest = message.subarray(at + CHUNK_BYTES);
      stream.once("drain", () => this.#write(rest));
      return;
    }
    stream.end();
  }

  /** A receiver may answer before it has the whole message, and not read the rest. */
  #end(): void {
    if (this.#stream.writableEnded) return;
    this.#resolve(this.#outcome());
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  #outcome(): Answer {
    const headers = { ...this.#headers, ...this.#trailers };
    const code = headers["grpc-status"];
    if (typeof code === "string") return this.#answered(Number(code), headers);
    const status = Number(headers[":status"] ?? 200);
    if (status !== 200) return this.#answered(codesOfHttp.get(status) ?? UNKNOWN, headers);
    return this.#connection.broken(this.#error);
  }

  #answered(code: number, headers: http2.IncomingHttpHeaders): Answer {
    if (code === OK) return readResponse(Buffer.concat(this.#chunks).subarray(PREFIX_BYTES));
    const status = readStatus(binaryHeader(headers["grpc-status-details-bin"]));
    const message = oneLine(decodedOrAsIs(String(headers["grpc-message"] ?? ""))) || status.message;
    return {
      kind: "refused",
      cause: codeNames[code] ?? `gRPC status ${code}`,
      detail: [message, advice.get(code) ?? ""].filter((text) => text !== "").join("; "),
      retryable: retryableCodes.has(code) || code === RESOURCE_EXHAUSTED && status.retryAfterMs !== null,
      retryAfterMs: status.retryAfterMs,
    };
  }
}

function binaryHeader(value: string | readonly string[] | undefined): Uint8Array {
  if (typeof value !== "string") return new Uint8Array(0);
  try {
    return Uint8Array.fromBase64(value);
  } catch (error) {
    // A receiver's broken detail says nothing.
    if (error instanceof SyntaxError) return new Uint8Array(0);
    throw error;
  }
}

/** Names of status codes, by code. */
const codeNames = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

const OK = 0;
const UNKNOWN = 2;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** By the OTLP specification; RESOURCE_EXHAUSTED only when the receiver says how long to wait. */
const retryableCodes: ReadonlySet<number> = new Set([1, 4, 10, 11, UNAVAILABLE, 15]);

/** For answers of something that isn't a gRPC server, such as a proxy (gRPC's "HTTP to gRPC Status Code Mapping"). */
const codesOfHttp: ReadonlyMap<number, number> = new Map([
  [400, INTERNAL],
  [401, UNAUTHENTICATED],
  [403, PERMISSION_DENIED],
  [404, UNIMPLEMENTED],
  [429, UNAVAILABLE],
  [502, UNAVAILABLE],
  [503, UNAVAILABLE],
  [504, UNAVAILABLE],
]);

const advice: ReadonlyMap<number, string> = new Map([
  [UNIMPLEMENTED, "no OTLP receiver for metrics is there: check host and port"],
  [PERMISSION_DENIED, "check K6_OTEL_HEADERS"],
  [UNAUTHENTICATED, "check K6_OTEL_HEADERS"],
]);
