/** gRPC for outputs: unary calls of one method on one HTTP/2 connection, made anew when it is gone. */

import { Buffer } from "node:buffer";
import http2 from "node:http2";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { failureReason, GIVEN_UP, oneLine, tlsConnectionOptions, type TlsOptions } from "./http_client.ts";
import { decodedOrAsIs } from "./url_text.ts";

/** Whom a client calls, and how. */
export interface GrpcOptions {
  /** Without a path; `https:` stands for TLS. */
  readonly url: URL;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** By lower-case names; none of those that gRPC needs itself. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** Of messages that are sent. */
  readonly compression: "none" | "gzip";
  /** Of k6d. */
  readonly version: string;
}

/** What became of a call. */
export type GrpcOutcome = GrpcAnswer | GrpcFailure;

/** The server, or something before it, ended the call. */
export interface GrpcAnswer {
  readonly kind: "answered";
  /** See `GrpcStatus`. */
  readonly code: number;
  /** The server's own words in one line; mostly empty. */
  readonly message: string;
  /** A `google.rpc.Status`; mostly empty. */
  readonly details: Uint8Array;
  /** The method's result, when there is one. */
  readonly response: Uint8Array;
}

/** No answer came. */
export interface GrpcFailure {
  readonly kind: "unanswered";
  /** Few fixed words, for example `connection refused`. */
  readonly reason: string;
  /** What the cause may be; mostly empty. */
  readonly hint: string;
}

/** Codes that end a call. */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** A status code in words. */
export function grpcStatusName(code: number): string {
  return codeNames[code] ?? `gRPC status ${code}`;
}

const codeNames = Object.keys(GrpcStatus);

/** What stands before a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** The most that fits into the eight digits of a timeout: 27 hours. */
const LONGEST_TIMEOUT_MS = 99_999_999;

/** How much of a message is handed to the connection at once. */
const CHUNK_BYTES = 16 * 1024;

/** As much of an answer as is kept. */
const ANSWER_BYTES = 64 * 1024;

/** Makes calls, one at a time; connects when the first needs it. */
export class GrpcClient {
  readonly #options: GrpcOptions;
  readonly #headers: http2.OutgoingHttpHeaders;
  #connection: Connection | null = null;

  constructor(options: GrpcOptions) {
    this.#options = options;
    this.#headers = {
      ...options.headers,
      ":method": "POST",
      ":path": options.path,
      "content-type": "application/grpc",
      "te": "trailers",
      "user-agent": `k6d/${options.version}`,
      ...options.compression === "gzip" ? { "grpc-encoding": "gzip" } : {},
    };
  }

  /** Resolves with what became of the call, after `timeoutMs` or when `signal` aborts at the latest; never rejects. */
  async call(request: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<GrpcOutcome> {
    const compressed = this.#options.compression === "gzip";
    const message = compressed ? await promisify(gzip)(request) : request;
    if (signal.aborted) return unanswered(GIVEN_UP);
    if (this.#connection?.isUsable !== true) {
      this.#connection?.close();
      this.#connection = new Connection(this.#options);
    }
    const headers = { ...this.#headers, "grpc-timeout": `${Math.min(Math.ceil(timeoutMs), LONGEST_TIMEOUT_MS)}m` };
    const call = new Call(this.#connection, headers, messagePrefix(message.length, { compressed }), message);
    const timer = setTimeout(() => call.cancel("no answer in time"), timeoutMs);
    const onAbort = () => call.cancel(GIVEN_UP);
    signal.addEventListener("abort", onAbort);
    try {
      return await call.outcome;
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

function unanswered(reason: string, hint = ""): GrpcFailure {
  return { kind: "unanswered", reason, hint };
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

  constructor({ url, tls }: GrpcOptions) {
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
  broken(callError: Error | null): GrpcFailure {
    const error = callError?.cause instanceof Error ? callError.cause : callError ?? this.#error;
    if (error === null) return unanswered("connection closed", this.#isSecure ? "" : "it may expect TLS");
    if ("code" in error && error.code === "ERR_HTTP2_ERROR") return unanswered("the server does not speak HTTP/2");
    const reset = /NGHTTP2_(\w+)$/.exec(error.message)?.[1];
    if (reset !== undefined) return unanswered(`HTTP/2 ${reset}`);
    return unanswered(failureReason(error, this.#tls));
  }

  close(): void {
    this.#session.destroy();
  }
}

/** One call on its way. Its outcome is there when the receiver has ended it, or the stream is closed; before, events come in any order. */
class Call {
  readonly outcome: Promise<GrpcOutcome>;
  readonly #connection: Connection;
  readonly #stream: http2.ClientHttp2Stream;
  readonly #resolve: (outcome: GrpcOutcome) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #headers: http2.IncomingHttpHeaders = {};
  #trailers: http2.IncomingHttpHeaders = {};
  #error: Error | null = null;

  constructor(connection: Connection, headers: http2.OutgoingHttpHeaders, prefix: Uint8Array, message: Uint8Array) {
    const { promise, resolve } = Promise.withResolvers<GrpcOutcome>();
    this.outcome = promise;
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

  #outcome(): GrpcOutcome {
    const headers = { ...this.#headers, ...this.#trailers };
    const code = headers["grpc-status"];
    if (typeof code === "string") return this.#answered(Number(code), headers);
    const status = Number(headers[":status"] ?? 200);
    if (status !== 200) return this.#answered(codesOfHttp.get(status) ?? GrpcStatus.UNKNOWN, headers);
    return this.#connection.broken(this.#error);
  }

  #answered(code: number, headers: http2.IncomingHttpHeaders): GrpcAnswer {
    return {
      kind: "answered",
      code,
      message: oneLine(decodedOrAsIs(String(headers["grpc-message"] ?? ""))),
      details: binaryHeader(headers["grpc-status-details-bin"]),
      response: Buffer.concat(this.#chunks).subarray(PREFIX_BYTES),
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

/** For answers of something that isn't a gRPC server, such as a proxy (gRPC's "HTTP to gRPC Status Code Mapping"). */
const codesOfHttp: ReadonlyMap<number, number> = new Map([
  [400, GrpcStatus.INTERNAL],
  [401, GrpcStatus.UNAUTHENTICATED],
  [403, GrpcStatus.PERMISSION_DENIED],
  [404, GrpcStatus.UNIMPLEMENTED],
  [429, GrpcStatus.UNAVAILABLE],
  [502, GrpcStatus.UNAVAILABLE],
  [503, GrpcStatus.UNAVAILABLE],
  [504, GrpcStatus.UNAVAILABLE],
]);
