import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:tls";
import type { HttpResult } from "../../src/net/types.ts";
import { makeCertificate } from "./certificate.ts";
import { bodyText, startFixedServer, startRawServer, TestClient } from "./raw_server.ts";

const HELLO = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/** Answers `HELLO` to every request over TLS; notes the names that clients asked for. */
class TlsServer implements AsyncDisposable {
  readonly names: string[] = [];
  readonly port: number;
  readonly certificate: string;
  readonly #server: Server;

  private constructor(server: Server, port: number, certificate: string) {
    this.#server = server;
    this.port = port;
    this.certificate = certificate;
  }

  static async start(answer = HELLO): Promise<TlsServer> {
    const { certificate, key } = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
    const server = createServer({ cert: certificate, key });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const running = new TlsServer(server, port, certificate);
    server.on("secureConnection", (socket) => {
      running.names.push("servername" in socket ? String(socket.servername ?? "") : "");
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Uint8Array) => {
        const requests = new TextDecoder().decode(chunk).split("\r\n\r\n").length - 1;
        for (let i = 0; i < requests; i++) socket.write(answer);
      });
    });
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}

const failureOf = ({ status, errorCode, error }: HttpResult) => [status, errorCode, error];

Deno.test("a certificate of an unknown authority is refused, a trusted one is taken", async () => {
  await using server = await TlsServer.start();
  {
    using client = new TestClient();
    const result = await client.send(`https://127.0.0.1:${server.port}/`);
    assertEquals(failureOf(result), [0, 1310, "x509: unknown authority"]);
  }
  using client = new TestClient({ caCerts: [server.certificate] });
  const result = await client.send(`https://127.0.0.1:${server.port}/`);
  assertEquals([result.status, bodyText(result), result.error], [200, "hello", ""]);
  using added = new TestClient({ caCerts: [server.certificate] });
  assertEquals((await added.send(`https://127.0.0.1:${server.port}/`)).status, 200);
});

Deno.test("a certificate for another name is refused before its authority is looked at", async () => {
  await using server = await TlsServer.start();
  for (const caCerts of [[], [server.certificate]]) {
    using client = new TestClient({ caCerts });
    // Any address of 127.0.0.0/8 is loopback, but the certificate names only one.
    await using other = startForwarder("127.0.0.2", server.port);
    const result = await client.send(`https://127.0.0.2:${other.port}/`);
    assertEquals(failureOf(result), [0, 1311, "x509: certificate doesn't match hostname"]);
  }
});

Deno.test("insecureSkipTlsVerify takes any certificate", async () => {
  await using server = await TlsServer.start();
  using client = new TestClient({ insecureSkipTlsVerify: true });
  assertEquals((await client.send(`https://127.0.0.1:${server.port}/`)).status, 200);
});

Deno.test("version, cipher suite and handshake time are told, and the connection is kept", async () => {
  await using server = await TlsServer.start();
  using client = new TestClient({ insecureSkipTlsVerify: true });
  const first = await client.send(`https://127.0.0.1:${server.port}/`);
  const second = await client.send(`https://127.0.0.1:${server.port}/`);
  for (const result of [first, second]) {
    assertEquals([result.proto, result.tlsVersion, result.remoteIp], ["HTTP/1.1", "tls1.3", "127.0.0.1"]);
    assertMatch(result.tlsCipherSuite, /^TLS_/);
  }
  assert(first.connecting > 0 && first.tlsHandshaking > 0);
  assert(first.blocked >= first.connecting + first.tlsHandshaking);
  assertEquals([second.connecting, second.tlsHandshaking], [0, 0]);
  assertEquals(server.names.length, 1);
});

Deno.test("the server is told the name that is asked for, but no address", async () => {
  await using server = await TlsServer.start();
  using client = new TestClient({ caCerts: [server.certificate] });
  await client.send(`https://localhost:${server.port}/`);
  await client.send(`https://127.0.0.1:${server.port}/`);
  assertEquals(server.names[0], "localhost");
  assertEquals(server.names[1], "");
});

Deno.test("big bodies come whole over TLS", async () => {
  const body = "0123456789".repeat(100_000);
  await using server = await TlsServer.start(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  using client = new TestClient({ insecureSkipTlsVerify: true });
  for (let i = 0; i < 3; i++) {
    const result = await client.send(`https://127.0.0.1:${server.port}/`);
    assertEquals([result.error, bodyText(result) === body], ["", true]);
  }
  assertEquals(server.names.length, 1);
});

Deno.test("a server that doesn't speak TLS, or nothing at all, is told apart", async () => {
  await using plain = startFixedServer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  await using plainAtOnce = startRawServer((peer) => peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await using closing = startRawServer(() => Promise.resolve());
  await using silent = startRawServer((peer) => peer.closed());
  using client = new TestClient({ dialTimeoutMs: 20 });
  const https = (url: string) => url.replace("http:", "https:");
  assertEquals(failureOf(await client.send(https(plainAtOnce.url))), [
    ...[0, 1301, "tls: first record does not look like a TLS handshake"],
  ]);
  assertEquals((await client.send(https(closing.url))).status, 0);
  assertEquals(failureOf(await client.send(https(silent.url), { timeoutMs: 60 })), [0, 1050, "request timeout"]);
  assertEquals(failureOf(await client.send(https(plain.url), { timeoutMs: 60 })), [0, 1050, "request timeout"]);
});

Deno.test("a refused TLS connection has the codes of a dial", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using client = new TestClient();
  assertEquals(failureOf(await client.send(`https://127.0.0.1:${port}/`)), [0, 1212, "dial: connection refused"]);
});

/** A port on another loopback address that leads to `port` on 127.0.0.1. */
function startForwarder(hostname: string, port: number): AsyncDisposable & { readonly port: number } {
  const listener = Deno.listen({ hostname, port: 0 });
  const running = (async () => {
    const pipes: Promise<void>[] = [];
    for await (const inside of listener) {
      const outside = await Deno.connect({ hostname: "127.0.0.1", port });
      const ignoreCut = () => {};
      pipes.push(inside.readable.pipeTo(outside.writable).catch(ignoreCut));
      pipes.push(outside.readable.pipeTo(inside.writable).catch(ignoreCut));
    }
    await Promise.all(pipes);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await running;
    },
  };
}
