/** k6's error codes, each from a failure that really happens. Those of HTTP/2 have tests of their own. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { ERROR_CODES, NetError, transferFailure } from "../../src/net/errors.ts";
import { DEFAULT_DNS, Resolver } from "../../src/net/resolver.ts";
import { makeCertificate } from "../net/certificate.ts";
import { FaultyServer } from "../support/faulty_server.ts";
import { freePort } from "../support/free_port.ts";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

/** Codes that have no row below, and where they come from. */
const ELSEWHERE: Readonly<Record<number, string>> = {
  [ERROR_CODES.nonTcp]: "never: k6d's requests go over TCP only",
  [ERROR_CODES.dns]: "the test of name servers below",
  [ERROR_CODES.tcp]: "a peer that vanishes for a quarter of an hour: loopback has none",
  [ERROR_CODES.brokenPipe]: "the last test below: requests tell what was read, which is the end",
  [ERROR_CODES.unknownErrno]: "a network that breaks under a connection: loopback can't",
  [ERROR_CODES.dialTimeout]: "tests/net/http_client_test.ts, where the limit isn't 30 s",
  [ERROR_CODES.http2]: "tests/net/http2",
  [ERROR_CODES.http2GoAway]: "tests/net/http2",
  [ERROR_CODES.http2Stream]: "tests/net/http2",
  [ERROR_CODES.http2Connection]: "tests/net/http2",
};

/** An alert of TLS: fatal, handshake failure. */
const ALERT = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40);

/** A server that sends the same bytes as soon as something comes. */
class BytesServer implements Disposable {
  readonly port: number;
  readonly #listener: Deno.Listener<Deno.Conn>;
  readonly #open: Deno.Conn[] = [];

  constructor(bytes: Uint8Array, tls?: { readonly cert: string; readonly key: string }) {
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#listener = tls === undefined ? Deno.listen(address) : Deno.listenTls({ ...address, ...tls });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accept(bytes);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
  }

  async #accept(bytes: Uint8Array): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.push(connection);
      this.#serve(connection, bytes);
    }
  }

  async #serve(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
    try {
      await connection.read(new Uint8Array(4096));
      await connection.write(bytes);
    } catch (error) {
      // Clients that refuse a certificate don't say goodbye.
      if (!(error instanceof Error)) throw error;
    }
  }
}

const answering = (head: string, body: Uint8Array = new Uint8Array()) =>
  new BytesServer(
    Uint8Array.from([
      ...new TextEncoder().encode(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n`),
      ...body,
    ]),
  );

interface Row {
  readonly code: number;
  readonly name: string;
  readonly url: string;
  readonly error: RegExp;
  readonly status?: number;
}

Deno.test("every failure has k6's code and words, and the requests after it work", async () => {
  const expired = {
    cert: await Deno.readTextFile(new URL("testdata/expired_certificate.pem", import.meta.url)),
    key: await Deno.readTextFile(new URL("testdata/expired_key.pem", import.meta.url)),
  };
  const trusted = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
  const unknown = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
  const hello = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await using faulty = await FaultyServer.start();
  using trustedServer = new BytesServer(hello, { cert: trusted.certificate, key: trusted.key });
  using unknownServer = new BytesServer(hello, { cert: unknown.certificate, key: unknown.key });
  using expiredServer = new BytesServer(hello, expired);
  using plain = new BytesServer(hello);
  using alerting = new BytesServer(ALERT);
  using unzippable = answering("200 OK\r\nContent-Encoding: gzip", gzipSync("hello").subarray(0, 12));
  using statuses = Object.assign(new DisposableStack(), { ports: new Map<number, number>() });
  const codes = [400, 401, 403, 404, 418, 429, 451, 499, 500, 502, 503, 504, 599];
  for (const code of codes) statuses.ports.set(code, statuses.use(answering(`${code} x`)).port);

  const at = (port: number, scheme = "http", host = "127.0.0.1") => `${scheme}://${host}:${port}/`;
  const rows: readonly Row[] = [
    { code: 1000, name: "garbage", url: `${faulty.url}/garbage/no-http`, error: /^malformed HTTP / },
    { code: 1000, name: "an end within the body", url: `${faulty.url}/cut/length/66`, error: /^unexpected EOF$/ },
    { code: 1000, name: "no scheme", url: "127.0.0.1/x", error: /^unsupported protocol scheme ""$/ },
    { code: 1020, name: "no URL", url: "http://[::1/", error: /^invalid URL: / },
    { code: 1050, name: "no answer", url: `${faulty.url}/stall/length/0`, error: /^request timeout$/ },
    { code: 1050, name: "half an answer", url: `${faulty.url}/stall/chunked/60`, error: /^request timeout$/ },
    { code: 1101, name: "no such name", url: `http://${"a".repeat(64)}.test/`, error: /^lookup: no such host$/ },
    { code: 1110, name: "a forbidden address", url: "http://127.66.0.1/", error: /^ip is blacklisted$/ },
    { code: 1111, name: "a forbidden name", url: "http://x.forbidden.test/", error: /^hostname is blocked$/ },
    { code: 1210, name: "a port that is none", url: at(0), error: /^dial: invalid port/ },
    { code: 1212, name: "a closed port", url: at(freePort()), error: /^dial: connection refused$/ },
    { code: 1213, name: "no way to an address", url: "http://255.255.255.255/", error: /^dial: / },
    { code: 1220, name: "a reset", url: `${faulty.url}/reset/length/20`, error: /^read: connection reset by peer$/ },
    { code: 1300, name: "an alert", url: at(alerting.port, "https"), error: /^tls: / },
    { code: 1300, name: "an old certificate", url: at(expiredServer.port, "https"), error: /^x509: .*expired/ },
    { code: 1301, name: "no TLS", url: at(plain.port, "https"), error: /^tls: / },
    {
      code: 1310,
      name: "an unknown authority",
      url: at(unknownServer.port, "https"),
      error: /^x509: unknown authority$/,
    },
    {
      code: 1311,
      name: "another's certificate",
      url: at(trustedServer.port, "https", "other.test"),
      error: /^x509: certificate doesn't match hostname$/,
    },
    { code: 1701, name: "half a gzip", url: at(unzippable.port), error: /^error decompressing response body/ },
    ...codes.map((status) => ({
      code: 1000 + status,
      name: `status ${status}`,
      url: at(statuses.ports.get(status)!),
      error: /^$/,
      status,
    })),
  ];

  const covered = new Set([...rows.map(({ code }) => code), ...Object.keys(ELSEWHERE).map(Number)]);
  assertEquals(Object.values(ERROR_CODES).filter((code) => !covered.has(code)), []);

  const result = await runSuccessfully({
    files: {
      "script.js": `import http from "k6/http";
export const options = { blockHostnames: ["*.forbidden.test"], blacklistIPs: ["127.66.0.0/16"], hosts: { "other.test": "127.0.0.1" } };
const { urls, fine } = JSON.parse(open("targets.json"));
export default function () {
  for (const url of urls) {
    const timeout = url.includes("/stall/") ? 200 : "20s";
    const { status, error_code, error, body } = http.get(url, { timeout });
    const next = fine.map((each) => http.get(each).status).join();
    console.log(JSON.stringify([error_code, status, error, body === null || status >= 400, next]));
  }
}`,
      "targets.json": JSON.stringify({ urls: rows.map(({ url }) => url), fine: [`${faulty.url}/ok`] }),
      "roots.pem": trusted.certificate + expired.cert,
    },
    env: { SSL_CERT_FILE: "roots.pem" },
  });
  const seen = consoleMessages(result).map((line) => JSON.parse(line) as [number, number, string, boolean, string]);
  assertEquals(
    seen.map(([code, status, , hasNoBody, next], i) => [rows[i]?.name, code, status, hasNoBody, next]),
    rows.map(({ name, code, status = 0 }) => [name, code, status, true, "200"]),
  );
  for (const [i, { error }] of rows.entries()) assertMatch(seen[i]![2], error);
});

Deno.test("a name server that can't be asked is not a name that doesn't exist", async () => {
  // The system refuses to send to all hosts at once.
  const nameServer = { ipAddr: "255.255.255.255", port: 53 };
  const resolver = new Resolver(DEFAULT_DNS, (name, record) => Deno.resolveDns(name, record, { nameServer }));
  const error = await assertRejects(() => resolver.lookup("a.test", null), NetError, "lookup: ");
  assertEquals([error.code, /proto|os error/.test(error.text)], [1100, false]);
});

Deno.test("a write to a connection whose other end is gone is a broken pipe", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using _ = await accepted;
  await connection.closeWrite();
  const error = await connection.write(new Uint8Array(1)).then(() => null, (error: unknown) => error);
  assertEquals(transferFailure("write", error), { code: 1201, text: "write: broken pipe" });
});
