import { assertEquals, assertRejects } from "@std/assert";
import { createServer as createPlainServer } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { HttpClient, parseRetryAfterMs, type TlsOptions, TransportError } from "../../src/output/http_client.ts";

const LIMIT_MS = 20_000;

Deno.test("an answer has its status, its headers and the beginning of its body in one line", async () => {
  await using server = new Server((request) => {
    assertEquals(request.headers.get("x-scope"), "a");
    assertEquals(request.headers.get("content-length"), "3");
    return [`429 Slow down`, `Retry-After: 7\r\nX-Written: 5`, `too\n\tmuch ${"x".repeat(1000)}`];
  });
  using client = new Client();
  const { status, headers, retryAfterMs, text } = await client.post(server.url, { "X-Scope": "a" });
  assertEquals([status, headers["x-written"], retryAfterMs], [429, "5", 7000]);
  assertEquals(text, `too much ${"x".repeat(300 - "too\n\tmuch ".length)}`);
});

Deno.test("a date to wait for is by the server's clock, however far that is from this one's", async () => {
  const headers = "Date: Thu, 01 Jan 2037 00:00:10 GMT\r\nRetry-After: Thu, 01 Jan 2037 00:00:15 GMT";
  await using server = new Server(() => ["503 Not now", headers, ""]);
  using client = new Client();
  assertEquals((await client.post(server.url)).retryAfterMs, 5000);
});

Deno.test("a redirect is not followed, but where it leads is said, without credentials and query", async () => {
  await using server = new Server(() => ["308 Permanent Redirect", "Location: https://u:p@h:1/new?token=x", "moved"]);
  using client = new Client();
  const { status, text } = await client.post(server.url);
  assertEquals(status, 308);
  assertEquals(text, "redirects are not followed; if https://h:1/new is right, use that address");
});

Deno.test("an answer that is not HTTP is named so", async () => {
  await using server = new Server(() => ["what is this?", "", ""]);
  using client = new Client();
  assertEquals(await client.failure(server.url), "the answer is not HTTP");
});

Deno.test("requests one after another share a connection, parallel ones have as many as allowed", async () => {
  await using server = new Server();
  using client = new Client({ connections: 2 });
  await client.post(server.url);
  await client.post(server.url);
  assertEquals(server.connections, 1);
  await Promise.all([1, 2, 3, 4].map(() => client.post(server.url)));
  assertEquals(server.connections, 2);
});

Deno.test("a kept connection that the server has closed meanwhile costs no request", async () => {
  await using server = new Server(() => ["204 No Content", "", ""], { thenClose: true });
  using client = new Client();
  for (let i = 0; i < 3; i++) {
    assertEquals((await client.post(server.url)).status, 204);
    await server.closed();
  }
  assertEquals(server.connections, 3);
});

Deno.test("a request that is to be sent once fails with its kept connection, and nobody sends it again", async () => {
  let requests = 0;
  const { promise: closing, resolve: close } = Promise.withResolvers<void>();
  const server = createPlainServer((request, response) => {
    request.resume();
    if (++requests === 2) response.destroy();
    else response.writeHead(204).end();
  });
  server.on("close", close);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new HttpClient();
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const send = () => client.send({ url, headers: {}, body: new Uint8Array(3), timeoutMs: LIMIT_MS, isSentOnce: true });
  try {
    assertEquals((await send()).status, 204);
    assertEquals((await assertRejects(send, TransportError)).message, "connection reset");
    assertEquals((await send()).status, 204);
    assertEquals(requests, 3);
  } finally {
    client.close();
    server.close();
    await closing;
  }
});

Deno.test("an answer is read whole when it is wanted whole, as far as it may be", async () => {
  await using server = new Server(() => ["200 OK", "", "x".repeat(2 << 20)]);
  const client = new HttpClient();
  const get = (maxContentBytes: number) =>
    client.send({
      method: "PUT",
      url: server.url,
      headers: {},
      body: new Uint8Array(3),
      timeoutMs: LIMIT_MS,
      maxContentBytes,
    });
  try {
    assertEquals((await get(2 << 20)).content.length, 2 << 20);
    assertEquals((await assertRejects(() => get(1 << 20), TransportError)).message, "the answer is larger than 1 MB");
  } finally {
    client.close();
  }
});

Deno.test("an answer that is cut is a failure", async () => {
  await using server = new Server(() => ["200 OK", "content-length: 100", "ab"], { thenClose: true });
  using client = new Client();
  assertEquals(await client.failure(server.url), "connection reset");
});

Deno.test("a server that doesn't answer is given up after the time limit, or when the signal says so", async () => {
  await using server = new Server(() => null);
  using client = new Client();
  assertEquals(await client.failure(server.url, { timeoutMs: 30 }), "no answer in time");
  const abort = new AbortController();
  const failure = client.failure(server.url, { signal: abort.signal });
  abort.abort();
  assertEquals(await failure, "no answer before the end of the run");
  assertEquals(await client.failure(server.url, { signal: abort.signal }), "no answer before the end of the run");
});

Deno.test("a request that was given up is not sent again, though its connection was a kept one", async () => {
  const abort = new AbortController();
  let requests = 0;
  await using server = new Server(() => {
    if (++requests !== 2) return ["204 No Content", "", ""];
    abort.abort();
    return null;
  });
  using client = new Client();
  await client.post(server.url);
  assertEquals(await client.failure(server.url, { signal: abort.signal }), "no answer before the end of the run");
  // With one connection at a time, a second attempt would go out before this one.
  await client.post(server.url);
  assertEquals([requests, server.connections], [3, 2]);
});

Deno.test("a host that nobody has is named as such", async () => {
  using client = new Client();
  assertEquals(await client.failure(new URL("http://nowhere.invalid/w")), "host not found");
});

Deno.test("Retry-After holds seconds or a date", () => {
  assertEquals(parseRetryAfterMs("3", 0), 3000);
  assertEquals(parseRetryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6000);
  assertEquals(parseRetryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 40_000), 0);
  assertEquals(parseRetryAfterMs("soon", 0), null);
  assertEquals(parseRetryAfterMs(undefined, 0), null);
});

const [cert, key] = ["certificate.pem", "key.pem"].map((file) =>
  Deno.readTextFileSync(new URL(`prometheus/testdata/${file}`, import.meta.url))
) as [string, string];
const mutual: ServerOptions = { requestCert: true, rejectUnauthorized: true, ca: cert };

const handshakes: [what: string, server: ServerOptions, client: TlsOptions, expected: string][] = [
  ["a certificate of an unknown authority is refused", {}, {}, "the server's certificate is self-signed"],
  ["any certificate will do when checks are skipped", {}, { skipVerification: true }, "204"],
  ["a certificate of an authority that is given is accepted", {}, { caCertificate: cert }, "204"],
  [
    "a server with too old a TLS version is refused",
    { maxVersion: "TLSv1.2" },
    { caCertificate: cert, minVersion: "1.3" },
    "the server does not offer TLS 1.3, the least version that is set",
  ],
  ["TLS 1.2 is enough by default", { maxVersion: "TLSv1.2" }, { caCertificate: cert }, "204"],
  ["a client certificate is shown", mutual, { caCertificate: cert, clientCertificate: { cert, key } }, "204"],
  [
    "a missing client certificate is named",
    mutual,
    { caCertificate: cert },
    "the server asks for a client certificate",
  ],
  [
    "a missing client certificate is named, also with TLS 1.2",
    { ...mutual, maxVersion: "TLSv1.2" },
    { caCertificate: cert },
    "the server asks for a client certificate",
  ],
];

for (const [what, serverOptions, tls, expected] of handshakes) {
  Deno.test(what, async () => {
    const server = createServer({ cert, key, ...serverOptions }, (request, response) => {
      request.resume();
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      using client = new Client({ tls });
      const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const outcome = expected === "204" ? String((await client.post(url)).status) : await client.failure(url);
      assertEquals(outcome, expected);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

/** The client under test with short calls; disposing of it closes it. */
class Client {
  readonly #client: HttpClient;

  constructor(options: { connections?: number; tls?: TlsOptions } = {}) {
    this.#client = new HttpClient(options);
  }

  post(url: URL, headers: Record<string, string> = {}, { timeoutMs = LIMIT_MS, signal }: Limits = {}) {
    return this.#client.send({ url, headers, body: new Uint8Array(3), timeoutMs, ...signal ? { signal } : {} });
  }

  async failure(url: URL, limits: Limits = {}): Promise<string> {
    return (await assertRejects(() => this.post(url, {}, limits), TransportError)).message;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

interface Limits {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

type Answer = [status: string, headers: string, body: string];

/** A server of few bytes; null is no answer. */
class Server implements AsyncDisposable {
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  #lastClosed = Promise.resolve();

  constructor(
    answer: (request: { headers: Headers }) => Answer | null = () => ["204 No Content", "", ""],
    { thenClose = false } = {},
  ) {
    this.#serving = this.#accept(answer, thenClose);
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/w`);
  }

  /** Resolves when the newest connection is closed. */
  closed(): Promise<void> {
    return this.#lastClosed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#serving;
  }

  async #accept(answer: (request: { headers: Headers }) => Answer | null, thenClose: boolean): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.connections++;
      this.#open.add(connection);
      this.#lastClosed = this.#serve(connection, answer, thenClose);
      served.push(this.#lastClosed);
    }
    await Promise.all(served);
  }

  async #serve(
    connection: Deno.Conn,
    answer: (request: { headers: Headers }) => Answer | null,
    thenClose: boolean,
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let text = "";
    for (;;) {
      const read = await connection.read(buffer).catch(endOfConnection);
      if (read === null) return;
      text += new TextDecoder("latin1").decode(buffer.subarray(0, read));
      // All bodies of these tests have three bytes.
      const end = text.indexOf("\r\n\r\n");
      if (end === -1 || text.length < end + 7) continue;
      const lines = text.slice(0, end).split("\r\n").slice(1);
      text = text.slice(end + 7);
      const said = answer({ headers: new Headers(lines.map((line) => line.split(": ", 2) as [string, string])) });
      if (said === null) continue;
      const [status, headers, body] = said;
      const length = /^204|content-length/.test(status + headers) ? "" : `content-length: ${body.length}\r\n`;
      const bytes = `HTTP/1.1 ${status}\r\n${length}${headers === "" ? "" : `${headers}\r\n`}\r\n${body}`;
      await connection.write(new TextEncoder().encode(bytes));
      if (!thenClose) continue;
      this.#open.delete(connection);
      connection.close();
      return;
    }
  }
}

/** A connection that the client cut, or that the test's end closed, has nothing more to read. */
function endOfConnection(error: unknown): null {
  const kinds = [Deno.errors.ConnectionReset, Deno.errors.BadResource, Deno.errors.Interrupted];
  if (kinds.some((kind) => error instanceof kind)) return null;
  throw error;
}
