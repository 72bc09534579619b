/** Both transports against a real receiver: what becomes of a request in every case that the OTLP specification knows. */

import { assertEquals, assertMatch } from "@std/assert";
import http from "node:http";
import type { AddressInfo, Server } from "node:net";
import { AttributeSet } from "../../../src/output/opentelemetry/attributes.ts";
import { type OtelConfig, readConfig } from "../../../src/output/opentelemetry/config.ts";
import { ExportRequests } from "../../../src/output/opentelemetry/export_requests.ts";
import { GrpcTransport } from "../../../src/output/opentelemetry/grpc_transport.ts";
import { HttpTransport } from "../../../src/output/opentelemetry/http_transport.ts";
import { SumStream } from "../../../src/output/opentelemetry/streams.ts";
import type { Refused, Transport } from "../../../src/output/opentelemetry/transport.ts";
import { makeCertificate } from "../../net/certificate.ts";
import { startNginx } from "../../net/nginx.ts";
import { nginx, testWithPrograms } from "../../support/debian.ts";
import { freePort } from "../../support/free_port.ts";
import { type Answer, OtlpReceiver } from "../../support/otlp_receiver.ts";

/** Long enough for any machine. */
const TIMEOUT_MS = 20_000;

const server = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
const client = await makeCertificate("k6d", "DNS:k6d");

/** A request that a strict receiver takes: one counter with one attribute. */
function exportOf(value: string): Uint8Array {
  const streams = [new SumStream(new AttributeSet([["a", value]]))];
  const requests = new ExportRequests(
    [{ name: "n", unit: "", kind: "sum", streams }],
    [["service.name", "k6"]],
    1_700_000_000_000,
  );
  return Uint8Array.from(requests.next(1_700_000_000_001)!.body);
}

const body = exportOf("b");

/** A transport that closes with its scope. */
class Client implements Disposable {
  readonly transport: Transport;

  constructor(
    protocol: OtelConfig["protocol"],
    endpoint: string,
    changes: Partial<OtelConfig> & { tls?: object } = {},
  ) {
    const prefix = protocol === "grpc" ? "grpcExporter" : "httpExporter";
    const argument = `exporterProtocol=${protocol},${prefix}Endpoint=${endpoint},${prefix}Insecure=${!changes.tls}`;
    const config = readConfig({ name: "opentelemetry", argument, env: {}, collectors: {}, version: "1.2.3" });
    const Transport = protocol === "grpc" ? GrpcTransport : HttpTransport;
    this.transport = new Transport({ ...config, ...changes }, "1.2.3");
  }

  send(timeoutMs = TIMEOUT_MS, signal = new AbortController().signal) {
    return this.transport.send(body, timeoutMs, signal);
  }

  /** Sends, and expects that it comes to nothing. */
  async sendInVain(timeoutMs = TIMEOUT_MS): Promise<Refused> {
    const answer = await this.send(timeoutMs);
    if (answer.kind === "accepted") throw new Error("it was accepted");
    return answer;
  }

  [Symbol.dispose](): void {
    this.transport.close();
  }
}

const accepted = { kind: "accepted", rejectedPoints: 0, message: "" } as const;

for (const protocol of ["grpc", "http/protobuf"] as const) {
  Deno.test(`${protocol}: requests go over one connection, and over another when it is gone`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    using client = new Client(protocol, receiver.endpoint);
    assertEquals([await client.send(), await client.send()], [accepted, accepted]);
    assertEquals(receiver.connections, 1);
    // The HTTP client tries a kept connection that is gone once more by itself.
    receiver.answer("reset", ...protocol === "grpc" ? [] : ["reset" as const]);
    assertEquals((await client.sendInVain()).retryable, true);
    assertEquals(await client.send(), accepted);
    assertEquals(receiver.violations.filter((violation) => !violation.includes("after")), []);
  });

  Deno.test(`${protocol}: bodies are compressed when that is asked for`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    using client = new Client(protocol, receiver.endpoint, { compression: "gzip" });
    assertEquals(await client.send(), accepted);
    assertEquals(receiver.violations, []);
    const [headers] = receiver.headers;
    assertEquals(headers?.[protocol === "grpc" ? "grpc-encoding" : "content-encoding"], "gzip");
  });

  Deno.test(`${protocol}: a partial success says how much was rejected, and why`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    receiver.answer({ partial: { rejectedDataPoints: 300, errorMessage: "too\nold" } });
    using client = new Client(protocol, receiver.endpoint);
    assertEquals(await client.send(), { kind: "accepted", rejectedPoints: 300, message: "too old" });
  });

  Deno.test(`${protocol}: a receiver that doesn't answer is given up after the timeout, and at the end of the run`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    receiver.answer("hang", "hang");
    using client = new Client(protocol, receiver.endpoint);
    const late = await client.sendInVain(100);
    assertEquals([late.cause, late.retryable], ["no answer in time", true]);
    const end = new AbortController();
    const sent = client.send(TIMEOUT_MS, end.signal);
    await receiver.received(2);
    end.abort();
    assertMatch((await sent as Refused).cause, /^no answer before the end of the run$/);
    assertMatch((await client.send(TIMEOUT_MS, end.signal) as Refused).cause, /^no answer before the end of the run$/);
  });

  Deno.test(`${protocol}: TLS with the receiver's authority and a client certificate`, async () => {
    const tls = { cert: server.certificate, key: server.key, ca: client.certificate };
    await using receiver = await OtlpReceiver.start({ protocol, tls });
    const trusting = { caCertificate: server.certificate, minVersion: "1.3" as const };
    const clientCertificate = { cert: client.certificate, key: client.key };
    using good = new Client(protocol, receiver.endpoint, { tls: { ...trusting, clientCertificate } });
    assertEquals(await good.send(), accepted);
    using careless = new Client(protocol, receiver.endpoint, { tls: { skipVerification: true, clientCertificate } });
    assertEquals(await careless.send(), accepted);
    using nameless = new Client(protocol, receiver.endpoint, { tls: trusting });
    assertEquals((await nameless.sendInVain()).cause, "the server asks for a client certificate");
    using strict = new Client(protocol, receiver.endpoint, { tls: { clientCertificate } });
    assertEquals((await strict.sendInVain()).cause, "the server's certificate is self-signed");
  });

  Deno.test(`${protocol}: TLS against a receiver without it says what to set`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    using client = new Client(protocol, receiver.endpoint, { tls: {} });
    const { cause, detail } = await client.sendInVain();
    assertEquals(cause, "the server does not speak TLS");
    assertMatch(detail, /^K6_OTEL_(GRPC|HTTP)_EXPORTER_INSECURE=true connects without it$/);
  });
}

/** A gRPC answer, and what becomes of it: cause, detail, whether it is tried again, and after how long. */
const grpcAnswers: readonly (readonly [Answer, string, RegExp, boolean, number | null])[] = [
  [{ code: 14, message: "é busy" }, "UNAVAILABLE", /^é busy$/, true, null],
  [{ code: 14, retryDelayMs: 1500 }, "UNAVAILABLE", /^$/, true, 1500],
  [{ code: 8, message: "too large" }, "RESOURCE_EXHAUSTED", /^too large$/, false, null],
  [{ code: 8, retryDelayMs: 250 }, "RESOURCE_EXHAUSTED", /^$/, true, 250],
  ...[[1, "CANCELLED"], [4, "DEADLINE_EXCEEDED"], [10, "ABORTED"], [11, "OUT_OF_RANGE"], [15, "DATA_LOSS"]].map(
    ([code, name]) => [{ code: code as number }, name as string, /^$/, true, null] as const,
  ),
  [{ code: 3, message: "no" }, "INVALID_ARGUMENT", /^no$/, false, null],
  [{ code: 12 }, "UNIMPLEMENTED", /check host and port/, false, null],
  [{ code: 16 }, "UNAUTHENTICATED", /check K6_OTEL_HEADERS/, false, null],
  [{ code: 99 }, "gRPC status 99", /^$/, false, null],
  [{ status: 503 }, "UNAVAILABLE", /^$/, true, null],
  [{ status: 404, body: "nothing here" }, "UNIMPLEMENTED", /check host and port/, false, null],
  [{ status: 418 }, "UNKNOWN", /^$/, false, null],
];

Deno.test("grpc: what may pass is tried again by the specification's list", async () => {
  await using receiver = await OtlpReceiver.start({ protocol: "grpc" });
  using client = new Client("grpc", receiver.endpoint);
  for (const [answer, cause, detail, retryable, retryAfterMs] of grpcAnswers) {
    receiver.answer(answer);
    const refused = await client.sendInVain();
    assertEquals([refused.cause, refused.retryable, refused.retryAfterMs], [cause, retryable, retryAfterMs]);
    assertMatch(refused.detail, detail);
  }
  assertEquals(receiver.connections, 1);
});

/** A `google.rpc.Status` with the message "no". */
const status = { headers: { "content-type": "application/x-protobuf" }, body: Uint8Array.of(2 << 3 | 2, 2, 110, 111) };

/** The same for HTTP. */
const httpAnswers: readonly (readonly [Answer, string, RegExp, boolean, number | null])[] = [
  [{ status: 429, headers: { "retry-after": "3" } }, "HTTP 429", /^$/, true, 3000],
  ...[502, 503, 504].map((status) => [{ status }, `HTTP ${status}`, /^$/, true, null] as const),
  [{ status: 500, body: "oh\nno" }, "HTTP 500", /^oh no$/, false, null],
  [{ status: 400, ...status }, "HTTP 400", /^no$/, false, null],
  [{ status: 401 }, "HTTP 401", /check K6_OTEL_HTTP_EXPORTER_USERNAME/, false, null],
  [{ status: 404 }, "HTTP 404", /check K6_OTEL_HTTP_EXPORTER_URL_PATH/, false, null],
  [{ status: 301, headers: { location: "/" } }, "HTTP 301", /^redirects are not followed/, false, null],
];

Deno.test("http/protobuf: what may pass is tried again by the specification's list", async () => {
  await using receiver = await OtlpReceiver.start({ protocol: "http/protobuf" });
  using client = new Client("http/protobuf", receiver.endpoint);
  for (const [answer, cause, detail, retryable, retryAfterMs] of httpAnswers) {
    receiver.answer(answer);
    const refused = await client.sendInVain();
    assertEquals([refused.cause, refused.retryable, refused.retryAfterMs], [cause, retryable, retryAfterMs]);
    assertMatch(refused.detail, detail);
  }
});

Deno.test("http/protobuf: an answer that is no protobuf is a success all the same", async () => {
  await using receiver = await OtlpReceiver.start({ protocol: "http/protobuf" });
  receiver.answer({ status: 200, body: "{}" });
  receiver.answer({ status: 200, headers: { "content-type": "application/x-protobuf" }, body: "\xff\xff" });
  using client = new Client("http/protobuf", receiver.endpoint);
  assertEquals([await client.send(), await client.send()], [accepted, accepted]);
});

Deno.test("grpc: a server without HTTP/2, and one that expects TLS, are named", async () => {
  await using port = await listen(http.createServer((_request, response) => response.end()));
  using plain = new Client("grpc", `127.0.0.1:${port.number}`);
  assertEquals((await plain.sendInVain()).cause, "the server does not speak HTTP/2");
  await using receiver = await OtlpReceiver.start({
    protocol: "grpc",
    tls: { cert: server.certificate, key: server.key },
  });
  using client = new Client("grpc", receiver.endpoint);
  const { cause, detail } = await client.sendInVain();
  assertEquals([cause, detail], ["connection closed", "it may expect TLS"]);
});

testWithPrograms(
  "grpc: large and small messages go through nginx, a proxy of gRPC, and so do refusals",
  [nginx],
  async () => {
    await using receiver = await OtlpReceiver.start({ protocol: "grpc" });
    const port = freePort();
    await using proxy = await startNginx(
      {},
      `server {
    listen 127.0.0.1:${port} ssl http2; client_max_body_size 0;
    location / { grpc_pass grpc://${receiver.endpoint}; }
  }`,
    );
    using client = new Client("grpc", `127.0.0.1:${port}`, { tls: { caCertificate: proxy.certificate } });
    // More than HTTP/2 lets through before the other side asks for more, and little enough for the receiver.
    const large = exportOf("x".repeat(100_000));
    const signal = new AbortController().signal;
    assertEquals(await client.transport.send(large, TIMEOUT_MS, signal), accepted);
    assertEquals(await client.send(), accepted);
    assertEquals(receiver.violations, []);
    assertEquals(receiver.accepted.map(({ bytes }) => bytes), [large.length, body.length]);
    receiver.answer({ code: 3, message: "no" });
    assertEquals((await client.sendInVain()).cause, "INVALID_ARGUMENT");
    receiver.answer("reset");
    const { cause, retryable } = await client.sendInVain();
    assertEquals([cause, retryable], ["UNAVAILABLE", true]);
  },
);

/** Makes a server listen until the port is disposed of. */
async function listen(server: Server): Promise<AsyncDisposable & { readonly number: number }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    number: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
