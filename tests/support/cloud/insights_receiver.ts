/** A receiver of traced requests' metadata for tests: gRPC, strict about the protocol, scripted in its answers. */

import type { AddressInfo, Server, Socket } from "node:net";
import { createHttp2Server, type Http2Request, type Http2Response } from "../http2_server.ts";
import { decodeRequestMetadatas, type ReceivedRequestMetadata } from "./request_metadata_decoder.ts";

/** What becomes of a call; `code` is a gRPC status, `status` one of HTTP as a proxy gives it. */
export type InsightsAnswer = "accept" | "hang" | "reset" | { readonly code: number } | { readonly status: number };

const PATH = "/k6.cloud.insights.proto.v1.ingester.IngesterService/BatchCreateRequestMetadatas";

/** Listens on the loopback interface until it is disposed of. Accepts everything unless told otherwise. */
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
    const secure = tls === undefined ? undefined : { ...tls, minVersion: "TLSv1.3" as const };
    this.#server = createHttp2Server(secure, (request) => this.#serve(request));
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

  #serve({ headers, body }: Http2Request): Http2Response {
    const answer = this.#answers.shift() ?? "accept";
    this.calls++;
    this.#take(answer, headers, body);
    return responseOf(answer);
  }

  #take(answer: InsightsAnswer, headers: Http2Request["headers"], body: Uint8Array): void {
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

function responseOf(answer: InsightsAnswer): Http2Response {
  if (answer === "hang" || answer === "reset") return answer;
  if (answer === "accept") {
    // An empty message.
    return { headers: GRPC_HEADERS, body: new Uint8Array(5), trailers: { "grpc-status": "0" } };
  }
  if ("status" in answer) return { headers: { ":status": String(answer.status) } };
  return { headers: { ...GRPC_HEADERS, "grpc-status": String(answer.code), "grpc-message": "scripted" } };
}

const GRPC_HEADERS = { ":status": "200", "content-type": "application/grpc" } as const;

/** The message of a gRPC request body that holds one, not compressed. */
function unframe(body: Uint8Array): Uint8Array {
  const head = new DataView(body.buffer, body.byteOffset, 5);
  if (head.getUint8(0) !== 0) throw new Error("a compressed message");
  if (head.getUint32(1) !== body.length - 5) throw new Error(`length ${head.getUint32(1)} of ${body.length - 5} bytes`);
  return body.subarray(5);
}

function assertHeader(headers: Http2Request["headers"], name: string, wanted: string): void {
  if (headers[name] !== wanted) throw new Error(`header ${name}: ${headers[name]} instead of ${wanted}`);
}
