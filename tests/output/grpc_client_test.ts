import { assertEquals } from "@std/assert";
import http from "node:http";
import type { AddressInfo, Server } from "node:net";
import { gunzipSync } from "node:zlib";
import {
  GrpcClient,
  type GrpcOptions,
  type GrpcOutcome,
  GrpcStatus,
  grpcStatusName,
} from "../../src/output/grpc_client.ts";
import { freePort } from "../support/free_port.ts";
import { createHttp2Server, type Http2Request, type Http2Response } from "../support/http2_server.ts";

/** Long enough for any machine. */
const TIMEOUT_MS = 20_000;

const OK_HEADERS = { ":status": "200", "content-type": "application/grpc" } as const;

/** A result of one byte. */
const TAKEN: Http2Response = {
  headers: OK_HEADERS,
  body: Uint8Array.of(0, 0, 0, 0, 1, 42),
  trailers: { "grpc-status": "0" },
};

/** A client that closes with its scope. */
class Client implements Disposable {
  readonly #client: GrpcClient;

  constructor(port: number, options: Partial<GrpcOptions> = {}) {
    const url = new URL(`http://127.0.0.1:${port}`);
    const defaults = {
      url,
      path: "/shop.Orders/Place",
      headers: {},
      tls: {},
      compression: "none",
      version: "1.2.3",
    } as const;
    this.#client = new GrpcClient({ ...defaults, ...options });
  }

  call(request = Uint8Array.of(1, 2, 3), timeoutMs = TIMEOUT_MS, signal = new AbortController().signal) {
    return this.#client.call(request, timeoutMs, signal);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Code and message of an answer, or the reason why there is none. */
function inShort(outcome: GrpcOutcome): unknown[] {
  return outcome.kind === "answered" ? [outcome.code, outcome.message] : [outcome.reason, outcome.hint];
}

Deno.test("a call has the headers and the framing of gRPC, an answer its message", async () => {
  const requests: Http2Request[] = [];
  await using port = await serve((request) => {
    requests.push(request);
    return TAKEN;
  });
  using client = new Client(port.number, { headers: { "x-shop": "a" } });
  const outcome = await client.call(undefined, 1500.2);
  assertEquals(outcome.kind === "answered" && [outcome.code, ...outcome.response], [GrpcStatus.OK, 42]);
  const [{ headers, body }] = requests as [Http2Request];
  assertEquals([...body], [0, 0, 0, 0, 3, 1, 2, 3]);
  assertEquals([headers[":method"], headers[":path"], headers["te"]], ["POST", "/shop.Orders/Place", "trailers"]);
  assertEquals([headers["content-type"], headers["x-shop"]], ["application/grpc", "a"]);
  assertEquals([headers["user-agent"], headers["grpc-timeout"]], ["k6d/1.2.3", "1501m"]);
});

Deno.test("messages are compressed when that is asked for", async () => {
  const bodies: Uint8Array[] = [];
  await using port = await serve(({ headers, body }) => {
    assertEquals(headers["grpc-encoding"], "gzip");
    bodies.push(body);
    return TAKEN;
  });
  using client = new Client(port.number, { compression: "gzip" });
  await client.call();
  const [body] = bodies as [Uint8Array];
  assertEquals([body[0], ...gunzipSync(body.subarray(5))], [1, 1, 2, 3]);
});

Deno.test("an answer is the server's status, or one that stands for the status of a proxy", async () => {
  const answers: Http2Response[] = [
    { headers: { ...OK_HEADERS, "grpc-status": "3", "grpc-message": "no%20%C3%A9" } },
    { headers: OK_HEADERS, trailers: { "grpc-status": "14", "grpc-message": "100% busy" } },
    ...[400, 401, 403, 404, 429, 502, 503, 504, 418].map((status) => ({ headers: { ":status": String(status) } })),
  ];
  await using port = await serve(() => answers.shift()!);
  using client = new Client(port.number);
  assertEquals(inShort(await client.call()), [GrpcStatus.INVALID_ARGUMENT, "no é"]);
  assertEquals(inShort(await client.call()), [GrpcStatus.UNAVAILABLE, "100% busy"]);
  const names: string[] = [];
  while (answers.length > 0) {
    const outcome = await client.call();
    names.push(outcome.kind === "answered" ? grpcStatusName(outcome.code) : outcome.reason);
  }
  assertEquals(names, [
    ...["INTERNAL", "UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"],
    ...["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNKNOWN"],
  ]);
});

Deno.test("a status code has its name, and an unknown one its number", () => {
  assertEquals([0, 1, 16, 17].map(grpcStatusName), ["OK", "CANCELLED", "UNAUTHENTICATED", "gRPC status 17"]);
});

Deno.test("after a cut, and after a call that was given up, the next one has a new connection", async () => {
  const answers: Http2Response[] = [TAKEN, "reset", TAKEN, "hang", TAKEN];
  await using port = await serve(() => answers.shift()!);
  using client = new Client(port.number);
  const outcomes = [await client.call(), await client.call(), await client.call()];
  assertEquals(outcomes.map((outcome) => inShort(outcome)[0]), [0, "connection closed", 0]);
  assertEquals(inShort(await client.call(undefined, 100)), ["no answer in time", ""]);
  assertEquals(inShort(await client.call()), [0, ""]);
  assertEquals(port.connections, 3);
});

Deno.test("a refusal that comes before the whole message was read is heard", async () => {
  const refusal = { headers: { ...OK_HEADERS, "grpc-status": "8", "grpc-message": "too large" } };
  await using port = await serve(() => refusal, "at once");
  using client = new Client(port.number);
  assertEquals(inShort(await client.call(new Uint8Array(1e6))), [GrpcStatus.RESOURCE_EXHAUSTED, "too large"]);
});

Deno.test("calls of a server that stops reading leave no memory behind", async () => {
  await using port = await serve(() => "hang", "at once");
  using client = new Client(port.number);
  const message = new Uint8Array(2e6);
  const rssBefore = Deno.memoryUsage().rss;
  for (let i = 0; i < 100; i++) await client.call(message, 10);
  const grownBytes = Deno.memoryUsage().rss - rssBefore;
  assertEquals(grownBytes < 100e6, true, `${grownBytes} bytes more`);
});

Deno.test("a port without a server and a server without HTTP/2 are named", async () => {
  using nobody = new Client(freePort());
  assertEquals(inShort(await nobody.call()), ["connection refused", ""]);
  await using port = await listen(http.createServer((_request, response) => response.end()));
  using client = new Client(port.number);
  assertEquals(inShort(await client.call()), ["the server does not speak HTTP/2", ""]);
});

interface Port extends AsyncDisposable {
  readonly number: number;
  /** How many there were. */
  readonly connections: number;
}

function serve(answer: (request: Http2Request) => Http2Response, when?: "complete" | "at once"): Promise<Port> {
  return listen(createHttp2Server(undefined, answer, when));
}

/** Makes a server listen until the port is disposed of. */
async function listen(server: Server): Promise<Port> {
  let connections = 0;
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    number: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
