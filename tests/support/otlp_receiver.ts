/** An OTLP receiver for tests, over gRPC or HTTP: strict about the protocol, scripted in its answers. */

import http from "node:http";
import https from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { Writer } from "protobufjs/minimal";
import { createHttp2Server, type Http2Request, type Http2Response } from "./http2_server.ts";
import {
  assertContinues,
  decodeExport,
  encodeResponse,
  type ReceivedExport,
  type ReceivedPoint,
} from "./otlp_decoder.ts";
import { concat } from "./bytes.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What the receiver does with a request; anything but `accept` and `partial` takes nothing. */
export type Answer =
  | "accept"
  | "hang"
  | "reset"
  | { readonly partial: { readonly rejectedDataPoints: number; readonly errorMessage: string } }
  /** gRPC only; `retryDelayMs` comes as a `RetryInfo`. */
  | { readonly code: number; readonly message?: string; readonly retryDelayMs?: number }
  /** An HTTP status, in gRPC as a proxy gives it. */
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array };

/** PEM text; `ca` asks clients for a certificate. */
export interface ReceiverTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** What to listen with. */
export interface ReceiverOptions {
  readonly protocol: "grpc" | "http/protobuf";
  readonly tls?: ReceiverTls;
  /** A free one unless given. */
  readonly port?: number;
}

/** Listens on the loopback interface until it is disposed of. Accepts everything unless told otherwise. */
export class OtlpReceiver implements AsyncDisposable {
  /** Accepted requests, in order; `violations` holds what was wrong with any request. */
  readonly accepted: ReceivedExport[] = [];
  readonly violations: string[] = [];
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>[] = [];
  /** Number of requests that came, whatever the answer. */
  requests = 0;
  /** Number of connections that were opened. */
  connections = 0;
  port = 0;
  readonly #answers: Answer[] = [];
  readonly #newest = new Map<string, ReceivedPoint>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  private constructor({ protocol, tls }: ReceiverOptions) {
    const options = tls === undefined ? undefined : { ...tls, requestCert: tls.ca !== undefined };
    if (protocol === "grpc") {
      this.#server = createHttp2Server(options, (request) => this.#serveGrpc(request));
    } else {
      const serve = (request: http.IncomingMessage, response: http.ServerResponse) =>
        this.#serveHttp(request, response);
      this.#server = options === undefined ? http.createServer(serve) : https.createServer(options, serve);
    }
    this.#server.on("connection", (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Resolves when it listens. */
  static async start(options: ReceiverOptions): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(options);
    await new Promise<void>((resolve) => receiver.#server.listen(options.port ?? 0, "127.0.0.1", resolve));
    receiver.port = (receiver.#server.address() as AddressInfo).port;
    return receiver;
  }

  /** Host and port. */
  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The answers to the next requests, one each. */
  answer(...answers: Answer[]): void {
    this.#answers.push(...answers);
  }

  /** Resolves when that many requests have come. */
  received(requests: number): Promise<void> {
    return this.#until(() => this.requests >= requests);
  }

  /** Resolves when that many requests were accepted. */
  takes(requests: number): Promise<void> {
    return this.#until(() => this.accepted.length >= requests);
  }

  /** The newest points of a metric, one for each stream. */
  points(metric: string): ReceivedPoint[] {
    return Array.from(this.#newest.values()).filter((point) => point.metric === metric);
  }

  /** The newest points of all metrics. */
  get allPoints(): ReceivedPoint[] {
    return Array.from(this.#newest.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #until(isDone: () => boolean): Promise<void> {
    if (!isDone()) await new Promise<void>((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  #serveGrpc({ headers, body }: Http2Request): Http2Response {
    const answer = this.#answers.shift() ?? "accept";
    this.#take(answer, headers, () => {
      assertHeader(headers, ":method", /^POST$/);
      assertHeader(headers, ":path", /^\/opentelemetry\.proto\.collector\.metrics\.v1\.MetricsService\/Export$/);
      assertHeader(headers, "content-type", /^application\/grpc(\+proto)?$/);
      assertHeader(headers, "te", /^trailers$/);
      assertHeader(headers, "grpc-timeout", /^\d{1,8}[HMSmun]$/);
      return unframe(body, headers["grpc-encoding"] === "gzip");
    });
    return grpcResponse(answer);
  }

  #serveHttp(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const answer = this.#answers.shift() ?? "accept";
      this.#take(answer, request.headers, () => {
        if (request.method !== "POST" || request.url !== "/v1/metrics") {
          throw new Error(`${request.method} ${request.url}`);
        }
        assertHeader(request.headers, "content-type", /^application\/x-protobuf$/);
        const body = concat(chunks);
        return request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      });
      answerHttp(response, answer);
    });
  }

  #take(answer: Answer, headers: Headers, readBody: () => Uint8Array): void {
    try {
      assertHeader(headers, "user-agent", /^k6d\/\S+$/);
      const received = decodeExport(readBody());
      if (answer === "accept" || typeof answer === "object" && "partial" in answer) {
        this.accepted.push(received);
        for (const point of received.points) this.#note(point);
      }
    } catch (error) {
      this.violations.push(error instanceof Error ? error.message : String(error));
    }
    this.headers.push(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])));
    this.requests++;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ isDone }) => !isDone());
    for (const { isDone, resolve } of waiting) if (isDone()) resolve();
  }

  #note(point: ReceivedPoint): void {
    const earlier = this.#newest.get(point.stream);
    this.#newest.set(point.stream, point);
    if (earlier !== undefined) assertContinues(earlier, point);
  }
}

function grpcResponse(answer: Answer): Http2Response {
  if (answer === "hang" || answer === "reset") return answer;
  if (typeof answer === "object" && "status" in answer) {
    const { status, headers, body = "" } = answer;
    return {
      headers: { ":status": String(status), ...headers },
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    };
  }
  const headers = { ":status": "200", "content-type": "application/grpc" };
  if (typeof answer === "object" && "code" in answer) {
    const { code, message = "", retryDelayMs } = answer;
    const details = retryDelayMs === undefined
      ? {}
      : { "grpc-status-details-bin": statusWithRetryInfo(code, retryDelayMs).toBase64({ omitPadding: true }) };
    const status = { "grpc-status": String(code), "grpc-message": encodeURIComponent(message), ...details };
    return { headers: { ...headers, ...status } };
  }
  const message = encodeResponse(typeof answer === "object" ? answer.partial : undefined);
  const body = concat([Uint8Array.of(0, 0, 0, 0, message.length), message]);
  return { headers, body, trailers: { "grpc-status": "0" } };
}

function answerHttp(response: http.ServerResponse, answer: Answer): void {
  if (answer === "hang") return;
  if (answer === "reset") {
    response.socket?.destroy();
    return;
  }
  if (typeof answer === "object" && "code" in answer) throw new Error("no gRPC codes over HTTP");
  if (typeof answer === "object" && "status" in answer) {
    response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
    return;
  }
  response.writeHead(200, { "content-type": "application/x-protobuf" })
    .end(encodeResponse(typeof answer === "object" ? answer.partial : undefined));
}

/** A `google.rpc.Status` whose details hold a `RetryInfo`. */
function statusWithRetryInfo(code: number, retryDelayMs: number): Uint8Array {
  const duration = new Writer().uint32(1 << 3).int64(Math.floor(retryDelayMs / 1000))
    .uint32(2 << 3).int32(retryDelayMs % 1000 * 1e6).finish();
  const retryInfo = new Writer().uint32(1 << 3 | 2).bytes(duration).finish();
  const any = new Writer().uint32(1 << 3 | 2).string("type.googleapis.com/google.rpc.RetryInfo")
    .uint32(2 << 3 | 2).bytes(retryInfo).finish();
  return new Writer().uint32(1 << 3).int32(code).uint32(3 << 3 | 2).bytes(any).finish();
}

/** The message of a gRPC request body that holds one. */
function unframe(body: Uint8Array, gzip: boolean): Uint8Array {
  const head = new DataView(body.buffer, body.byteOffset);
  const message = body.subarray(5);
  if (head.getUint32(1) !== message.length) throw new Error(`length ${head.getUint32(1)} of ${message.length} bytes`);
  if (head.getUint8(0) !== (gzip ? 1 : 0)) throw new Error("compressed flag");
  return gzip ? gunzipSync(message) : message;
}

function assertHeader(headers: Headers, name: string, pattern: RegExp): void {
  const value = String(headers[name] ?? "");
  if (!pattern.test(value)) throw new Error(`header ${name}: ${value}`);
}
