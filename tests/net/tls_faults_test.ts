/** Servers that break TLS in every way: what the client says, that nothing stays open, and that the next request works. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { NetSettings } from "../../src/net/types.ts";
import { alert, FaultyTlsServer, type TlsFault } from "../support/faulty_tls.ts";
import { makeAuthority } from "../support/tls_certificates.ts";
import { bodyText, TestClient } from "./raw_server.ts";

const LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const TIMEOUT_MS = 20_000;

const authority = await makeAuthority();
const certificate = await authority.issue("DNS:localhost");
const caCerts = [authority.certificate];

/** The two kinds of TLS connections that there are. */
const KINDS: Readonly<Record<string, Partial<NetSettings>>> = {
  usual: { caCerts },
  logged: { caCerts, tls: { logsSecrets: true } },
};

/** Sends a request that meets a fault, and one after it. */
async function fail(client: TestClient, server: FaultyTlsServer, fault: TlsFault, timeoutMs = TIMEOUT_MS) {
  const url = `https://localhost:${server.port}/`;
  server.faultOf = () => fault;
  const failed = await client.send(url, { timeoutMs });
  server.faultOf = () => null;
  const next = await client.send(url, { timeoutMs: TIMEOUT_MS });
  assertEquals([next.status, next.error, bodyText(next)], [200, "", "hello"], JSON.stringify(fault));
  client.client.closeIdle();
  return failed;
}

/** How many bytes the server sends for a handshake and an answer. */
async function lengthOfWhole(client: TestClient, server: FaultyTlsServer): Promise<number> {
  assertEquals((await client.send(`https://localhost:${server.port}/`)).status, 200);
  client.client.closeIdle();
  await allClosed(server);
  return server.lastSentBytes;
}

async function allClosed(server: FaultyTlsServer): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  while (server.openConnections > 0 && performance.now() < giveUpAt) {
    await new Promise((retry) => setTimeout(retry, 5));
  }
  assertEquals(server.openConnections, 0);
}

/** The first bytes one by one, then some of them. */
function someOffsets(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i).filter((i) => i < 6 || i % 83 === 0 || i === end - 1);
}

for (const [kind, settings] of Object.entries(KINDS)) {
  Deno.test(`${kind}: a handshake or an answer that is cut off, reset or garbled anywhere is an error`, async () => {
    await using server = await FaultyTlsServer.start(certificate, LENGTH);
    using client = new TestClient(settings);
    // The last record is the server's goodbye, after the answer; signatures are some bytes longer or shorter.
    const end = await lengthOfWhole(client, server) - 32;
    for (const after of someOffsets(end)) {
      for (const how of ["end", "reset", "garbage"] as const) {
        const { status, errorCode, error, body } = await fail(client, server, { how, after });
        assertEquals([status, body], [0, null], `${how} ${after}`);
        const pattern = how === "garbage"
          ? /^130[01] tls: (?!.*SSL routines)/
          : how === "end"
          ? /^1000 (?:unexpected )?EOF$/
          // The usual kind can't tell it from an end.
          : /^(?:1000 (?:unexpected )?EOF|1220 read: connection reset by peer)$/;
        assertMatch(`${errorCode} ${error}`, pattern, `${how} ${after}`);
      }
    }
    await allClosed(server);
  });

  Deno.test(`${kind}: a server that stalls in the handshake is given up after the request's timeout`, async () => {
    await using server = await FaultyTlsServer.start(certificate, LENGTH);
    // The dial's own timeout ends with the TCP connection.
    using client = new TestClient({ ...settings, dialTimeoutMs: 20 });
    for (const after of [0, 3, 5, 100, 400, 800]) {
      const { errorCode, error } = await fail(client, server, { how: "stall", after }, 100);
      assertEquals([errorCode, error], [1050, "request timeout"], `${after}`);
    }
    // Deno's own TLS keeps such a connection until the server leaves.
    if (kind === "usual") await allClosed(server);
  });

  Deno.test(`${kind}: each alert is told by its name`, async () => {
    await using server = await FaultyTlsServer.start(certificate, LENGTH);
    using client = new TestClient(settings);
    const alerts = {
      HandshakeFailure: 40,
      CertificateExpired: 45,
      UnknownCA: 48,
      ProtocolVersion: 70,
      InternalError: 80,
      UnrecognisedName: 112,
      CertificateRequired: 116,
      NoApplicationProtocol: 120,
      "AlertDescription(0xc8)": 200,
    };
    for (const [name, number] of Object.entries(alerts)) {
      const { errorCode, error } = await fail(client, server, { how: "garbage", after: 0, bytes: alert(number) });
      assertEquals([errorCode, error], [1300, `tls: received fatal alert: ${name}`]);
    }
    await allClosed(server);
  });

  Deno.test(`${kind}: certificates that aren't good are told apart`, async () => {
    await using server = await FaultyTlsServer.start(certificate, LENGTH);
    const url = `https://localhost:${server.port}/`;
    const expired = {
      certificate: await Deno.readTextFile(new URL("../e2e/testdata/expired_certificate.pem", import.meta.url)),
      key: await Deno.readTextFile(new URL("../e2e/testdata/expired_key.pem", import.meta.url)),
    };
    await using old = await FaultyTlsServer.start(expired, LENGTH);
    const outcome = async (settings: Partial<NetSettings>, url: string) => {
      using client = new TestClient(settings);
      const { errorCode, error } = await client.send(url);
      return [errorCode, error];
    };
    const other = await makeAuthority();
    assertEquals(await outcome({ ...settings, caCerts: [other.certificate] }, url), [1310, "x509: unknown authority"]);
    assertEquals(await outcome(settings, url.replace("localhost", "127.0.0.1")), [
      ...[1311, "x509: certificate doesn't match hostname"],
    ]);
    const [code, error] = await outcome(
      { ...settings, caCerts: [expired.certificate] },
      `https://localhost:${old.port}/`,
    );
    assertEquals(code, 1300);
    assertMatch(String(error), kind === "usual" ? /^x509: certificate has expired/ : /expired|CaUsedAsEndEntity/);
  });
}

Deno.test("a dropped request in the middle of a handshake leaves no connection behind", async () => {
  await using server = await FaultyTlsServer.start(certificate, LENGTH);
  for (const after of [0, 5, 200]) {
    using client = new TestClient({ caCerts });
    server.faultOf = () => ({ how: "stall", after });
    let isDone = false;
    client.send(`https://localhost:${server.port}/`).then(() => isDone = true);
    while (server.openConnections === 0) await new Promise((retry) => setTimeout(retry, 1));
    client.client.abort();
    await allClosed(server);
    assert(!isDone);
  }
});

Deno.test("the end of a connection without TLS's goodbye is the end of a body without a length", async () => {
  await using server = await FaultyTlsServer.start(certificate, "HTTP/1.1 200 OK\r\n\r\nhello");
  using client = new TestClient({ caCerts });
  const request = client.send(`https://localhost:${server.port}/`, { timeoutMs: TIMEOUT_MS });
  while (client.client.bytesReceived === 0) await new Promise((retry) => setTimeout(retry, 1));
  server.endAll();
  const result = await request;
  assertEquals([result.status, bodyText(result)], [200, "hello"]);
});
