import { assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import type { Socket as NodeSocket } from "node:net";
import { Duplex } from "node:stream";
import { NetError } from "../../src/net/errors.ts";
import { openSocksTunnel } from "../../src/net/socks_tunnel.ts";
import { microsocks, testWithPrograms } from "../support/debian.ts";
import { freePort } from "../support/free_port.ts";
import { waitForPort } from "../support/wait_for_port.ts";
import { makeCertificate } from "./certificate.ts";
import { bodyText, type Peer, startFixedServer, startRawServer, TestClient } from "./raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/** What a proxy says when it lets everybody in, and when it is connected. */
const WELCOME = "\x05\x00";
const CONNECTED = "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34";

function clientOf(port: number, user = ""): TestClient {
  const proxy = `socks5://${user}127.0.0.1:${port}`;
  return new TestClient({ proxies: { http: proxy, https: proxy, exceptions: "" } });
}

/** The error of a request through a proxy that answers with these texts, each after so many bytes. */
async function errorAfter(answers: readonly (readonly [awaited: number, text: string])[], user = ""): Promise<string> {
  await using proxy = startRawServer(async (peer) => {
    for (const [awaited, text] of answers) {
      await peer.body(awaited);
      await peer.send(text);
    }
  });
  using client = clientOf(proxy.port, user);
  const { status, errorCode, error } = await client.send("http://a.test/");
  assertEquals([status, errorCode], [0, 1000]);
  return error;
}

Deno.test("the proxy gets the server's name or address and port, then the request as a server gets it", async () => {
  const seen: string[] = [];
  await using proxy = startRawServer(async (peer: Peer) => {
    await peer.body(3);
    await peer.send(WELCOME);
    const [, , , type = ""] = await peer.body(4);
    const length = type === "\x03" ? (await peer.body(1)).charCodeAt(0) : type === "\x01" ? 4 : 16;
    seen.push(await peer.body(length + 2));
    // An address of each kind as that of the proxy's own end.
    const own = { 1: "\x01\x7f\x00\x00\x01", 2: `\x04${"\x00".repeat(16)}`, 3: "\x03\x02ab" }[seen.length];
    await peer.send(`\x05\x00\x00${own}\x12\x34`);
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      seen.push(head);
      await peer.send(OK);
    }
  });
  for (const [host, address] of [["a.test:258", "a.test\x01\x02"], ["10.0.0.1", "\x0a\x00\x00\x01\x00P"]] as const) {
    using client = clientOf(proxy.port);
    seen.length = 0;
    for (let i = 0; i < 2; i++) {
      const result = await client.send(`http://${host}/path`);
      assertEquals([result.status, bodyText(result), result.remotePort], [200, "hello", proxy.port]);
    }
    const head = `GET /path HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    assertEquals(seen, [address, head, head]);
  }
  using client = clientOf(proxy.port);
  seen.length = 0;
  assertEquals((await client.send("http://[fd00::1:2]:80/")).status, 200);
  assertEquals(seen[0], `\xfd${"\x00".repeat(12)}\x01\x00\x02\x00P`);
});

Deno.test("a user and a password are shown to a proxy that asks for them, and to no other", async () => {
  const refused = "proxy: SOCKS: it refuses the user or the password";
  assertEquals(await errorAfter([[4, "\x05\x02"], [8, "\x01\x01"]], "us:p%40s@"), refused);
  let shown = "";
  await using proxy = startRawServer(async (peer) => {
    assertEquals(await peer.body(4), "\x05\x02\x00\x02");
    await peer.send("\x05\x02");
    shown = await peer.body(8);
    await peer.send("\x01\x00");
    await peer.body(13);
    await peer.send(CONNECTED);
    while (await peer.head() !== null) await peer.send(OK);
  });
  using client = clientOf(proxy.port, "us:p%40s@");
  assertEquals((await client.send("http://a.test/")).status, 200);
  assertEquals(shown, "\x01\x02us\x03p@s");
  const long = "proxy: SOCKS: a password can have 255 bytes only";
  assertEquals(await errorAfter([[4, "\x05\x02"]], `u:${"x".repeat(256)}@`), long);
});

Deno.test("what a proxy refuses, or says wrongly, is an error that names it", async () => {
  for (
    const [welcome, reply, error] of [
      ["\x05\xff", "", "proxy: SOCKS: it asks for a user and a password"],
      ["\x05\x02", "", "proxy: SOCKS: it asks for a user and a password"],
      ["\x04\x00", "", "proxy: it doesn't speak SOCKS, version 5"],
      ["H", "", "proxy: it doesn't speak SOCKS, version 5"],
      [WELCOME, "\x05\x01\x00\x01", "proxy: SOCKS: general failure"],
      [WELCOME, "\x05\x02", "proxy: SOCKS: connection not allowed by its rules"],
      [WELCOME, "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", "proxy: SOCKS: host unreachable"],
      [WELCOME, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "proxy: SOCKS: connection refused"],
      [WELCOME, "\x05\x63", "proxy: SOCKS: error 99"],
      [WELCOME, "HTTP/1.1 400 Bad Request\r\n\r\n", "proxy: it doesn't speak SOCKS, version 5"],
      [WELCOME, `${CONNECTED}early`, "proxy: bytes after the answer"],
      [WELCOME, CONNECTED.slice(0, 7), "unexpected EOF"],
      [WELCOME, "", "EOF"],
      ["", "", "EOF"],
      ["\x05", "", "unexpected EOF"],
    ] as const
  ) {
    assertEquals(await errorAfter([[3, welcome], ...(reply === "" ? [] : [[13, reply] as const])]), error);
  }
  assertEquals(await errorAfter([[4, "\x05\xff"]], "u:p@"), "proxy: SOCKS: it accepts no user and password");
});

/** A connection whose other side has said all that it ever will, in these pieces. */
function connectionWith(pieces: readonly Uint8Array[]): NodeSocket {
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  for (const piece of pieces) if (piece.length > 0) connection.push(piece);
  connection.push(null);
  return connection as unknown as NodeSocket;
}

const proxy = { kind: "socks5", secure: false, hostname: "p", port: 1080, username: "u", password: "p" } as const;
const server = { hostname: "a.test", port: 80 };

Deno.test("answers may come in any pieces", async () => {
  const answers = Uint8Array.from(`\x05\x02\x01\x00${CONNECTED}`, (character) => character.charCodeAt(0));
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(answers.length), { maxLength: 5 }), async (cuts) => {
    const ends = [0, ...cuts.toSorted((a, b) => a - b), answers.length];
    const pieces = ends.slice(1).map((end, index) => answers.slice(ends[index], end));
    await openSocksTunnel(connectionWith(pieces), server, proxy);
  }));
});

Deno.test("whatever a proxy says, the tunnel is open or an error", async () => {
  const likely = fc.constantFrom(0, 1, 2, 3, 4, 5, 255);
  const bytes = fc.array(fc.oneof(likely, fc.nat(255)), { maxLength: 40 }).map((values) => Uint8Array.from(values));
  await fc.assert(fc.asyncProperty(fc.array(bytes, { maxLength: 4 }), async (pieces) => {
    try {
      await openSocksTunnel(connectionWith(pieces), server, proxy);
    } catch (error) {
      assertInstanceOf(error, NetError);
    }
  }));
});

Deno.test("a proxy that stalls is a time-out, and one that isn't there a refusal", async () => {
  for (const answers of ["", WELCOME, `${WELCOME}${CONNECTED.slice(0, 5)}`]) {
    await using proxy = startRawServer(async (peer) => {
      await peer.send(answers);
      await peer.closed();
    });
    using client = clientOf(proxy.port);
    const { errorCode, error } = await client.send("https://a.test/", { timeoutMs: 50 });
    assertEquals([errorCode, error], [1050, "request timeout"]);
  }
  const gone = startFixedServer(OK);
  await gone[Symbol.asyncDispose]();
  using client = clientOf(gone.port);
  assertEquals((await client.send("http://a.test/")).errorCode, 1212);
});

testWithPrograms(
  "a real proxy: plain requests, TLS, HTTP/2, its user, and what it can't reach",
  [microsocks],
  async (program) => {
    const { certificate: cert, key } = await makeCertificate("localhost", "DNS:localhost,IP:0.0.0.0");
    const settings = { hostname: "127.0.0.1", port: 0, onListen() {} };
    const plain = Deno.serve(settings, () => new Response("plain"));
    const secure = Deno.serve({ ...settings, cert, key }, () => new Response("secure"));
    const port = freePort();
    const child = new Deno.Command(program!, {
      args: ["-i", "127.0.0.1", "-p", String(port), "-u", "me", "-P", "secret"],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await waitForPort(port);
      // Linux takes 0.0.0.0 for this machine, but the rules of proxies don't.
      const urls = [`http://0.0.0.0:${plain.addr.port}/`, `https://0.0.0.0:${secure.addr.port}/`];
      const proxy = `socks5h://me:secret@127.0.0.1:${port}`;
      using client = new TestClient({ caCerts: [cert], proxies: { http: proxy, https: proxy, exceptions: "" } });
      for (const [url, expected] of [[urls[0]!, "HTTP/1.1 plain"], [urls[1]!, "HTTP/2.0 secure"]] as const) {
        const result = await client.send(url);
        assertEquals(result.error, "");
        assertEquals(`${result.proto} ${bodyText(result)}`, expected);
        assertEquals([result.remotePort, result.connecting > 0], [port, true]);
      }
      assertEquals((await client.send("http://0.0.0.0:1/")).error, "proxy: SOCKS: connection refused");
      using stranger = clientOf(port, "me:wrong@");
      assertEquals((await stranger.send(urls[0]!)).error, "proxy: SOCKS: it refuses the user or the password");
      using nobody = clientOf(port);
      assertEquals((await nobody.send(urls[0]!)).error, "proxy: SOCKS: it asks for a user and a password");
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await Promise.all([plain.shutdown(), secure.shutdown()]);
    }
  },
);
