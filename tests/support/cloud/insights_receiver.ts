/** A receiver of traced requests' metadata for tests: gRPC, strict about the protocol, scripted in its answers. */

import http2 from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { decodeRequestMetadatas, type ReceivedRequestMetadata } from "./request_metadata_decoder.ts";

/** What becomes of a call; `code` is a gRPC status, `status` one of HTTP as a proxy gives it. */
export type InsightsAnswer = "accept" | "hang" | "reset" | { readonly code: number } | { readonly status: number };

const PATH = "/k6.cloud.insights.proto.v1.ingester.IngesterService/BatchCreateRequestMetadatas";

/**
 * Listens on the loopback interface until it is disposed of. Accepts everything unless told otherwise. Messages must stay below
 * 100 KB or so: the HTTP/2 server of Deno 2.9 crashes when connections end that had requests of megabytes.
 */
export class InsightsReceiver implements AsyncDisposable {
  /** Of accepted calls, in order. */
  readonly metadata: ReceivedRequestMetadata[] = [];
  /** What was wrong with any call. */
  readonly violations: string[] = [];
  /** Number of calls that came, whatever the answer, and of connections. */
  calls = 0;
  connections = 0;
  readonly #answers: InsightsAnswer[] = [];
  readonly #token: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  private constructor(token: string, tls: { readonly cert: string; readonly key: string } | undefined) {
    this.#token = token;
    const server = tls === undefined
      ? http2.createServer()
      : http2.createSecureServer({ ...tls, minVersion: "TLSv1.3" });
    server.on("stream", (stream, headers) => this.#serve(stream, headers));
    // What ends a connection shows at its client; here it only must not end the test.
    server.on("sessionError", () => {});
    this.#server = server as Server;
    this.#server.on("connection", (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Resolves when it listens; `token` is what callers must show, PEM text makes it TLS 1.3. */
  static async start(
    { token, tls }: { readonly token: string; readonly tls?: { readonly cert: string; readonly key: string } },
  ): Promise<InsightsReceiver> {
    const receiver = new InsightsReceiver(token, tls);
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  /** Host and port. */
  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The answers to the next calls, one each. */
  answer(...answers: readonly InsightsAnswer[]): void {
    this.#answers.push(...answers);
  }

  /** Resolves when the metadata of that many requests have come. */
  async takes(requests: number): Promise<void> {
    const isDone = () => this.metadata.length >= requests;
    if (!isDone()) await new Promise<void>((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    const chunks: Uint8Array[] = [];
    // A client that gives up: its test looks at the client.
    stream.on("error", () => {});
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("end", async () => {
      const answer = this.#answers.shift() ?? "accept";
      this.calls++;
      this.#take(
        answer,
        headers,
        new Uint8Array(await new Blob(chunks.map((chunk) => Uint8Array.from(chunk))).arrayBuffer()),
      );
      reply(stream, answer);
    });
  }

  #take(answer: InsightsAnswer, headers: http2.IncomingHttpHeaders, body: Uint8Array): void {
    try {
      assertHeader(headers, ":method", "POST");
      assertHeader(headers, ":path", PATH);
      assertHeader(headers, "te", "trailers");
      assertHeader(headers, "authorization", `Token ${this.#token}`);
      if (!/^application\/grpc(\+proto)?$/.test(String(headers["content-type"]))) {
        throw new Error("no gRPC content type");
      }
      const received = decodeRequestMetadatas(unframe(body));
      for (const { testRunId } of received) assertHeader(headers, "x-k6testrun-id", testRunId);
      if (answer === "accept") this.metadata.push(...received);
    } catch (error) {
      this.violations.push(error instanceof Error ? error.message : String(error));
    }
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ isDone }) => !isDone());
    for (const { isDone, resolve } of waiting) if (isDone()) resolve();
  }
}

function reply(stream: http2.ServerHttp2Stream, answer: InsightsAnswer): void {
  if (answer === "hang" || stream.destroyed) return;
  if (answer === "reset") return stream.session?.destroy();
  if (typeof answer === "object" && "status" in answer) {
    stream.respond({ ":status": answer.status }, { endStream: true });
    return;
  }
  const head = { ":status": 200, "content-type": "application/grpc" };
  if (typeof answer === "object") {
    stream.respond({ ...head, "grpc-status": String(answer.code), "grpc-message": "scripted" }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  // An empty message.
  stream.end(new Uint8Array(5));
}

/** The message of a gRPC request body that holds one, not compressed. */
function unframe(body: Uint8Array): Uint8Array {
  const head = new DataView(body.buffer, body.byteOffset, 5);
  if (head.getUint8(0) !== 0) throw new Error("a compressed message");
  if (head.getUint32(1) !== body.length - 5) throw new Error(`length ${head.getUint32(1)} of ${body.length - 5} bytes`);
  return body.subarray(5);
}

function assertHeader(headers: http2.IncomingHttpHeaders, name: string, wanted: string): void {
  if (headers[name] !== wanted) throw new Error(`header ${name}: ${headers[name]} instead of ${wanted}`);
}
