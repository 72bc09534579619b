import { assert, assertEquals } from "@std/assert";
import { createServer } from "node:net";
import type { HttpResult } from "../../src/net/types.ts";
import { bodyText, makeRequest, startFixedServer, startRawServer, TestClient } from "./raw_server.ts";

const HELLO = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/** Waits for something that another connection's task brings about. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((turn) => setTimeout(turn, 1));
}

Deno.test("an answer comes back with its status, headers, body and peer", async () => {
  await using server = startFixedServer(
    "HTTP/1.1 404 Not Here\r\nX-One: a\r\nx-two:  b c \r\nX-Folded: d\r\n  e\r\nSet-Cookie: f=g\r\nContent-Length: 5\r\n\r\nhello",
  );
  using client = new TestClient();
  const result = await client.send(`${server.url}/`);
  assertEquals([result.status, result.statusText, result.proto, bodyText(result)], [
    404,
    "Not Here",
    "HTTP/1.1",
    "hello",
  ]);
  assertEquals(result.rawHeaders, [
    ...["X-One", "a", "x-two", "b c", "X-Folded", "d e", "Set-Cookie", "f=g", "Content-Length", "5"],
  ]);
  assertEquals([result.hasSetCookie, result.hasContentEncoding], [true, false]);
  assertEquals([result.remoteIp, result.remotePort, result.tlsVersion], ["127.0.0.1", server.port, ""]);
  assertEquals([result.errorCode, result.error], [0, ""]);
});

Deno.test("a request goes out as it was given, its body after its head", async () => {
  const seen: string[] = [];
  await using server = startRawServer(async (peer) => {
    seen.push(await peer.head() ?? "", await peer.body(7));
    await peer.send(HELLO);
    await peer.closed();
  });
  using client = new TestClient();
  const body = new TextEncoder().encode("payload");
  await client.send(`${server.url}/a%20b?c=d`, { method: "POST", body });
  assertEquals(seen, [
    `POST /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 7\r\n\r\n`,
    "payload",
  ]);
});

Deno.test("a connection is kept for the next request to its origin", async () => {
  await using server = startFixedServer(HELLO);
  await using other = startFixedServer(HELLO);
  using client = new TestClient();
  const first = await client.send(`${server.url}/1`);
  await client.send(`${other.url}/`);
  const second = await client.send(`${server.url}/2`);
  assertEquals([server.connections, other.connections], [1, 1]);
  assert(first.connecting > 0 && first.blocked >= first.connecting);
  assertEquals([second.connecting, second.tlsHandshaking], [0, 0]);
});

Deno.test("a connection is not kept when the answer says so, or the settings", async () => {
  await using closing = startFixedServer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  using client = new TestClient();
  for (let i = 0; i < 3; i++) assertEquals((await client.send(`${closing.url}/`)).status, 200);
  assertEquals(closing.connections, 3);

  const heads: string[] = [];
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      heads.push(head);
      await peer.send(HELLO);
    }
  });
  using fresh = new TestClient({ noConnectionReuse: true });
  for (let i = 0; i < 2; i++) await fresh.send(`${server.url}/`);
  assertEquals(server.connections, 2);
  assert(heads.every((head) => head.includes("\r\nConnection: close\r\n")));
});

Deno.test("a connection is not kept when the request asked for that, whatever the answer says", async () => {
  await using server = startFixedServer(HELLO);
  using client = new TestClient();
  for (const value of ["close", "keep-alive, Close", "keep-alive", "closed"]) {
    await client.send(`${server.url}/`, { headers: `Host: x\r\nConnection: ${value}\r\n` });
  }
  assertEquals(server.connections, 3);
});

Deno.test("what a server sends on an idle connection is nobody's answer", async () => {
  /** Each connection answers, then says more while it is idle. */
  const startTalkative = (more: string, hasSaid: () => void) =>
    startRawServer(async (peer) => {
      await peer.head();
      await peer.send(HELLO);
      // Only when the client has the whole answer; what comes before that is told by its length.
      await new Promise((over) => setTimeout(over, 20));
      await peer.send(more);
      hasSaid();
      await peer.closed();
    });
  await using other = startFixedServer(HELLO);
  for (
    const [more, method, error] of [
      ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "GET", ""],
      ["HTTP/1.1 200 OK\r\n", "POST", "Unsolicited response received on idle HTTP channel"],
      ["HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", "POST", ""],
    ] as const
  ) {
    let said = 0;
    await using server = startTalkative(more, () => said++);
    using client = new TestClient();
    assertEquals(bodyText(await client.send(`${server.url}/`)), "hello");
    await until(() => said === 1);
    // By the time that others were answered it is here.
    for (let i = 0; i < 3; i++) await client.send(`${other.url}/`);
    const result = await client.send(`${server.url}/`, { method });
    assertEquals([result.error, bodyText(result)], [error, error === "" ? "hello" : null]);
  }
});

Deno.test("requests in flight at once each get a connection, which are all kept", async () => {
  await using server = startFixedServer(HELLO);
  using client = new TestClient();
  for (let round = 0; round < 2; round++) {
    const results = await Promise.all(Array.from({ length: 5 }, () => client.send(`${server.url}/`)));
    assertEquals(results.map(bodyText), Array(5).fill("hello"));
  }
  assertEquals(server.connections, 5);
});

Deno.test("an idle connection that the server closed is replaced without an error", async () => {
  await using server = startRawServer(async (peer) => {
    if (await peer.head() !== null) await peer.send(HELLO);
  });
  await using other = startFixedServer(HELLO);
  for (const method of ["GET", "POST"]) {
    using client = new TestClient();
    assertEquals((await client.send(`${server.url}/`, { method })).status, 200);
    // By the time that others were answered the end of the first connection is here: POST needs to see it before it is sent.
    for (let i = 0; i < 3; i++) await client.send(`${other.url}/`);
    assertEquals((await client.send(`${server.url}/`, { method })).status, 200);
  }
  assertEquals(server.connections, 4);
});

Deno.test("a request is not sent twice when that could do harm", async () => {
  let requests = 0;
  await using server = startRawServer(async (peer) => {
    await peer.head();
    requests++;
    await peer.send(HELLO);
    if (await peer.head() !== null) requests++;
  });
  using client = new TestClient();
  await client.send(`${server.url}/`, { method: "POST" });
  const second = await client.send(`${server.url}/`, { method: "POST" });
  assertEquals([second.status, second.errorCode, second.error, requests], [0, 1000, "EOF", 2]);

  const again = await client.send(`${server.url}/`);
  const idempotent = await client.send(`${server.url}/`);
  assertEquals([again.status, idempotent.status], [200, 200]);
});

const EARLY_ENDS: readonly [name: string, sent: string, error: string][] = [
  ["before the answer", "", "EOF"],
  ["in the head", "HTTP/1.1 200 OK\r\nContent-", "unexpected EOF"],
  ["in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "unexpected EOF"],
  ["in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "unexpected EOF"],
];
for (const [name, sent, error] of EARLY_ENDS) {
  Deno.test(`a connection that ends ${name} is an error`, async () => {
    await using server = startRawServer(async (peer) => {
      await peer.head();
      await peer.send(sent);
    });
    using client = new TestClient();
    const result = await client.send(`${server.url}/`);
    assertEquals([result.status, result.errorCode, result.error, result.body], [0, 1000, error, null]);
    assertEquals([result.proto, result.remoteIp], ["", "127.0.0.1"]);
  });
}

Deno.test("a reset connection, a refused one and an unknown name have k6's codes and words", async () => {
  const resetting = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.resetAndDestroy());
  });
  await new Promise<void>((listening) => resetting.listen(0, "127.0.0.1", listening));
  const address = resetting.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  using client = new TestClient();
  const failureOf = ({ status, errorCode, error }: HttpResult) => [status, errorCode, error];

  assertEquals(failureOf(await client.send(`http://127.0.0.1:${port}/`)), [0, 1220, "read: connection reset by peer"]);
  await new Promise<void>((closed) => resetting.close(() => closed()));
  assertEquals(failureOf(await client.send(`http://127.0.0.1:${port}/`)), [0, 1212, "dial: connection refused"]);
  const name = `${"a".repeat(64)}.test`;
  assertEquals(failureOf(await client.send(`http://${name}/`)), [0, 1101, "lookup: no such host"]);
});

Deno.test("names are resolved", async () => {
  await using server = startFixedServer(HELLO);
  using client = new TestClient();
  const result = await client.send(`http://localhost:${server.port}/`);
  assertEquals([result.status, result.remoteIp], [200, "127.0.0.1"]);
});

Deno.test("IPv6 addresses are dialled", async () => {
  const listener = Deno.listen({ hostname: "::1", port: 0 });
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(1000));
    await conn.write(new TextEncoder().encode(HELLO));
  })();
  using client = new TestClient();
  const result = await client.send(`http://[::1]:${listener.addr.port}/`);
  assertEquals([result.status, result.remoteIp], [200, "::1"]);
  await serving;
  listener.close();
});

Deno.test("the timeout ends an exchange wherever it stands, and its connection", async () => {
  let closed = 0;
  await using server = startRawServer(async (peer) => {
    const head = await peer.head();
    if (head?.startsWith("GET /head")) await peer.send("HTTP/1.1 200 OK\r\n");
    if (head?.startsWith("GET /body")) await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await peer.closed();
    closed++;
  });
  using client = new TestClient();
  for (const path of ["/nothing", "/head", "/body"]) {
    const result = await client.send(server.url + path, { timeoutMs: 40 });
    assertEquals([result.status, result.errorCode, result.error, result.body], [0, 1050, "request timeout", null]);
    const duration = result.sending + result.waiting + result.receiving;
    assert(duration >= 30 && duration < 5_000, `duration ${duration}`);
  }
  await until(() => closed === 3);
});

Deno.test("timeouts of requests in flight end each in its own time", async () => {
  await using server = startRawServer((peer) => peer.closed());
  using client = new TestClient();
  const order: number[] = [];
  await Promise.all([90, 30, 60].map(async (timeoutMs) => {
    await client.send(`${server.url}/`, { timeoutMs });
    order.push(timeoutMs);
  }));
  assertEquals(order, [30, 60, 90]);
});

Deno.test("sending, waiting and receiving are taken at the socket", async () => {
  const pause = (ms: number) => new Promise((over) => setTimeout(over, ms));
  await using server = startRawServer(async (peer) => {
    await peer.head();
    await pause(40);
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    await pause(60);
    await peer.send("b");
    await peer.closed();
  });
  using client = new TestClient();
  const startedAt = performance.timeOrigin + performance.now();
  const result = await client.send(`${server.url}/`);
  assert(result.sending >= 0 && result.sending < 30, `sending ${result.sending}`);
  assert(result.waiting >= 38, `waiting ${result.waiting}`);
  assert(result.receiving >= 58, `receiving ${result.receiving}`);
  const sum = result.blocked + result.sending + result.waiting + result.receiving;
  assert(Math.abs(startedAt + sum - result.endedAtEpochMs) < 5, "the timings add up to the end");
});

Deno.test("interim answers are skipped", async () => {
  await using server = startFixedServer(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${HELLO}`);
  using client = new TestClient();
  const result = await client.send(`${server.url}/`);
  assertEquals([result.status, bodyText(result), result.rawHeaders], [200, "hello", ["Content-Length", "5"]]);
});

Deno.test("a body doesn't wait for the 100 that its request expects, and a refusal without it counts", async () => {
  const body = new TextEncoder().encode("payload");
  const headers = "Host: x\r\nContent-Length: 7\r\nExpect: 100-continue\r\n";
  await using server = startRawServer(async (peer) => {
    await peer.head();
    assertEquals(await peer.body(7), "payload");
    await peer.send(`HTTP/1.1 100 Continue\r\n\r\n${HELLO}`);
    await peer.head();
    await peer.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    await peer.closed();
  });
  using client = new TestClient();
  const answers = [
    await client.send(`${server.url}/`, { method: "POST", body, headers }),
    await client.send(`${server.url}/`, { method: "POST", body, headers }),
  ];
  assertEquals(answers.map(({ status, error }) => [status, error]), [[200, ""], [417, ""]]);
});

Deno.test("HEAD leaves the connection ready", async () => {
  await using server = startRawServer(async (peer) => {
    await peer.head();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    await peer.head();
    await peer.send(HELLO);
    await peer.closed();
  });
  using client = new TestClient();
  assertEquals((await client.send(`${server.url}/`, { method: "HEAD" })).body, null);
  assertEquals(bodyText(await client.send(`${server.url}/`)), "hello");
  assertEquals(server.connections, 1);
});

Deno.test("a body without length ends with the connection", async () => {
  await using server = startRawServer(async (peer) => {
    await peer.head();
    await peer.send("HTTP/1.0 200 OK\r\n\r\nuntil ");
    await peer.send("close");
  });
  using client = new TestClient();
  const result = await client.send(`${server.url}/`);
  assertEquals([result.proto, bodyText(result)], ["HTTP/1.0", "until close"]);
});

Deno.test("big bodies go both ways whole, of known length and in chunks, kept or discarded", async () => {
  const size = 3_000_000;
  const text = "0123456789".repeat(size / 10);
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      assertEquals((await peer.body(length)).length, length);
      if (head.includes("/chunked")) {
        await peer.send(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
        );
      } else {
        await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${text}`);
      }
    }
  });
  using client = new TestClient();
  const body = new TextEncoder().encode(text);
  for (const path of ["/length", "/chunked"]) {
    const kept = await client.send(server.url + path, { method: "POST", body });
    assertEquals([kept.errorCode, bodyText(kept) === text], [0, true]);
    const discarded = await client.send(server.url + path, { discardBody: true });
    assertEquals([discarded.status, discarded.body], [200, null]);
  }
  assertEquals(server.connections, 1);
});

Deno.test("bytes are counted at the socket, heads included", async () => {
  await using server = startFixedServer(HELLO);
  using client = new TestClient();
  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`;
  await client.send(`${server.url}/`);
  await client.send(`${server.url}/`);
  assertEquals([client.client.bytesSent, client.client.bytesReceived], [2 * request.length, 2 * HELLO.length]);
});

Deno.test("abort drops what is in flight: sockets are closed and nobody is told", async () => {
  let requests = 0;
  let closed = 0;
  await using server = startRawServer(async (peer) => {
    await peer.head();
    requests++;
    await peer.closed();
    closed++;
  });
  using client = new TestClient();
  const told: HttpResult[] = [];
  const completion = { httpDone: (result: HttpResult) => void told.push(result) };
  for (let i = 0; i < 3; i++) client.client.send(makeRequest(`${server.url}/`, { timeoutMs: 50 }), completion);
  await until(() => requests === 3);
  // This one is still being dialled.
  client.client.send(makeRequest(`${server.url}/`, { timeoutMs: 50 }), completion);
  client.client.abort();
  await until(() => closed >= 3);
  const later = await client.send(`${server.url}/`, { timeoutMs: 60 });
  assertEquals([later.error, told], ["request timeout", []]);
});

Deno.test("a closed client fails requests, and not from within send", async () => {
  using client = new TestClient();
  client.client.close();
  let told = false;
  const done = new Promise<HttpResult>((resolve) => {
    client.client.send(makeRequest("http://127.0.0.1:1/"), { httpDone: (result) => (told = true, resolve(result)) });
  });
  assertEquals(told, false);
  assertEquals((await done).error, "the client is closed");
});

Deno.test("a request may be sent from within the completion of another", async () => {
  await using server = startFixedServer(HELLO);
  using client = new TestClient();
  const request = makeRequest(`${server.url}/`);
  let left = 200;
  await new Promise<void>((resolve) => {
    const completion = {
      httpDone(result: HttpResult) {
        assertEquals(result.status, 200);
        if (--left === 0) resolve();
        else client.client.send(request, completion);
      },
    };
    client.client.send(request, completion);
  });
  assertEquals(server.connections, 1);
});

Deno.test("an answer before the whole request is sent counts, and ends the connection", async () => {
  await using server = startRawServer(async (peer) => {
    await peer.head();
    await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    await peer.closed();
  });
  using client = new TestClient();
  const result = await client.send(`${server.url}/`, { method: "POST", body: new Uint8Array(50_000_000) });
  assertEquals([result.status, bodyText(result)], [413, "big"]);
});

Deno.test("a dial that takes too long fails as such", async () => {
  // Nobody accepts: once the listener's backlog is full, further connects get no answer.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const full = new AbortController();
  const waiting: Deno.Conn[] = [];
  for (let connected = true; connected;) {
    const timer = setTimeout(() => full.abort(), 200);
    await Deno.connect({ hostname: "127.0.0.1", port, signal: full.signal })
      .then((conn) => waiting.push(conn), () => connected = false);
    clearTimeout(timer);
  }
  using client = new TestClient({ dialTimeoutMs: 50 });
  const result = await client.send(`http://127.0.0.1:${port}/`);
  assertEquals([result.status, result.errorCode, result.error], [0, 1211, "dial: i/o timeout"]);
  const request = await client.send(`http://127.0.0.1:${port}/`, { timeoutMs: 30 });
  assertEquals([request.errorCode, request.error], [1050, "request timeout"]);
  for (const conn of waiting) conn.close();
});
