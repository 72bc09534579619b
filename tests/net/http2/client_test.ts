import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HttpResult, NetSettings } from "../../../src/net/types.ts";
import { Setting } from "../../../src/net/http2/frames.ts";
import { nginx, testWithPrograms } from "../../support/debian.ts";
import { freePort } from "../../support/free_port.ts";
import { createHttp2Server } from "../../support/http2_server.ts";
import { makeCertificate } from "../certificate.ts";
import { startNginx } from "../nginx.ts";
import { bodyText, makeRequest, startRawServer, TestClient } from "../raw_server.ts";
import { answer, startFrameServer } from "./frame_server.ts";
import { goAway, headers, resetStream } from "./peer.ts";

const SKIP_VERIFY: Partial<NetSettings> = { insecureSkipTlsVerify: true };
const failureOf = ({ status, errorCode, error }: HttpResult) => [status, errorCode, error];

/** Waits for something that another connection's task brings about. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((turn) => setTimeout(turn, 1));
}

testWithPrograms(
  "nginx speaks HTTP/2 on one connection, with the same facts and timings as HTTP/1.1",
  [nginx],
  async () => {
    await using server = await startNginx({ "/page": "hello" });
    using client = new TestClient({ caCerts: [server.certificate] });
    const before = await server.connections();
    const first = await client.send(`${server.http2Url}/page`);
    const second = await client.send(`${server.http2Url}/missing`);
    assertEquals([first.status, first.statusText, first.proto, bodyText(first)], [200, "OK", "HTTP/2.0", "hello"]);
    assertEquals([second.status, second.statusText, second.error], [404, "Not Found", ""]);
    assertEquals(first.rawHeaders[0], "server");
    assertEquals([first.remoteIp, first.remotePort], ["127.0.0.1", Number(new URL(server.http2Url).port)]);
    assertEquals(first.tlsVersion, "tls1.3");
    assertMatch(first.tlsCipherSuite, /^TLS_/);
    assert(first.connecting > 0 && first.tlsHandshaking > 0);
    assert(first.blocked >= first.connecting + first.tlsHandshaking);
    assertEquals([second.connecting, second.tlsHandshaking], [0, 0]);
    assert(second.waiting > 0 && second.sending >= 0 && second.receiving >= 0);
    assert(client.client.bytesSent > 0 && client.client.bytesReceived > 0);
    assertEquals(await server.connections() - before, 2);
  },
);

testWithPrograms("requests at once share one connection, from the first on", [nginx], async () => {
  await using server = await startNginx({ "/page": "hello" });
  using client = new TestClient(SKIP_VERIFY);
  const before = await server.connections();
  const results = await Promise.all(Array.from({ length: 60 }, () => client.send(`${server.http2Url}/page`)));
  assertEquals(new Set(results.map((result) => `${result.proto} ${bodyText(result)}`)), new Set(["HTTP/2.0 hello"]));
  assertEquals(results.filter(({ connecting, tlsHandshaking }) => connecting > 0 && tlsHandshaking > 0).length, 1);
  assertEquals(results.filter(({ tlsHandshaking }) => tlsHandshaking > 0).length, 1);
  // All of them waited for it.
  const slowest = Math.max(...results.map(({ connecting, tlsHandshaking }) => connecting + tlsHandshaking));
  assert(results.every(({ blocked }) => blocked >= slowest / 2));
  assertEquals(await server.connections() - before, 2);
});

testWithPrograms("long bodies come whole, or are passed over", [nginx], async () => {
  const page = "0123456789".repeat(1_000_000);
  await using server = await startNginx({ "/page": page });
  using client = new TestClient(SKIP_VERIFY);
  const [kept, discarded] = await Promise.all([
    client.send(`${server.http2Url}/page`),
    client.send(`${server.http2Url}/page`, { discardBody: true }),
  ]);
  assertEquals([kept.error, bodyText(kept) === page], ["", true]);
  assertEquals([discarded.status, discarded.body], [200, null]);
  assert(client.client.bytesReceived > 20_000_000);
});

testWithPrograms("without HTTP/2 the same server is asked by HTTP/1.1", [nginx], async () => {
  await using server = await startNginx({ "/page": "hello" });
  using client = new TestClient({ ...SKIP_VERIFY, tls: { http2: false } });
  assertEquals((await client.send(`${server.http2Url}/page`)).proto, "HTTP/1.1");
});

testWithPrograms("a request for HTTP/1.1 alone leaves the others their HTTP/2", [nginx], async () => {
  await using server = await startNginx({ "/page": "hello" });
  using client = new TestClient(SKIP_VERIFY);
  const url = `${server.http2Url}/page`;
  for (let round = 0; round < 2; round++) {
    const results = await Promise.all([
      client.send(url, { http1Only: true }),
      client.send(url),
      client.send(url),
    ]);
    assertEquals(results.map(({ proto }) => proto), ["HTTP/1.1", "HTTP/2.0", "HTTP/2.0"]);
    assertEquals(results.filter(({ connecting }) => connecting > 0).length, round === 0 ? 2 : 0);
  }
});

testWithPrograms("requests at once to a server of HTTP/1.1 have a connection each", [nginx], async () => {
  await using server = await startNginx({ "/page": "hello" });
  using client = new TestClient(SKIP_VERIFY);
  for (let round = 0; round < 2; round++) {
    const results = await Promise.all(Array.from({ length: 6 }, () => client.send(`${server.httpsUrl}/page`)));
    assertEquals(new Set(results.map((result) => `${result.proto} ${bodyText(result)}`)), new Set(["HTTP/1.1 hello"]));
    assertEquals(results.filter(({ connecting }) => connecting > 0).length, round === 0 ? 6 : 0);
  }
});

testWithPrograms(
  "the first certificate for a server's name is shown to it; versions keep to their bounds",
  [nginx],
  async () => {
    const [plain, picky] = [freePort(), freePort()];
    await using server = await startNginx(
      {},
      `ssl_verify_client optional_no_ca;
     server { listen 127.0.0.1:${plain} ssl http2; return 200 "$ssl_protocol $ssl_client_s_dn"; }
     server { listen 127.0.0.1:${picky} ssl http2; ssl_protocols TLSv1.3; return 200 "$ssl_protocol"; }`,
    );
    const one = await makeCertificate("one", "DNS:one");
    const two = await makeCertificate("two", "DNS:two");
    const clientCertificates = [{ ...one, domains: ["*.test", "LOCALHOST"] }, { ...two, domains: [] }];
    using client = new TestClient({ ...SKIP_VERIFY, tls: { clientCertificates } });
    assertEquals(bodyText(await client.send(`https://localhost:${plain}/`)), "TLSv1.3 CN=one");
    assertEquals(bodyText(await client.send(`https://127.0.0.1:${plain}/`)), "TLSv1.3 CN=two");
    using old = new TestClient({ ...SKIP_VERIFY, tls: { maxVersion: "tls1.2" } });
    const result = await old.send(`https://127.0.0.1:${plain}/`);
    assertEquals([bodyText(result), result.tlsVersion, result.proto], ["TLSv1.2 ", "tls1.2", "HTTP/2.0"]);
    assertEquals((await old.send(`https://127.0.0.1:${picky}/`)).errorCode, 1300);
    assert(server.httpUrl !== "");
  },
);

testWithPrograms("a session is resumed when that is asked for, and only then", [nginx], async () => {
  const port = freePort();
  await using _server = await startNginx(
    {},
    `ssl_session_cache shared:sessions:1m;
     server { listen 127.0.0.1:${port} ssl http2; return 200 "[$ssl_session_reused]"; }`,
  );
  for (const resumesSessions of [false, true]) {
    using client = new TestClient({ ...SKIP_VERIFY, noConnectionReuse: true, tls: { resumesSessions } });
    const answers: (string | null)[] = [];
    for (let i = 0; i < 3; i++) answers.push(bodyText(await client.send(`https://localhost:${port}/`)));
    assertEquals(answers.includes("[r]"), resumesSessions);
    assertEquals(answers[0], "[.]");
  }
});

Deno.test("another server, with compression of its own: bodies of all sizes both ways, many at a time", async () => {
  const { certificate: cert, key } = await makeCertificate("localhost", "IP:127.0.0.1");
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    async (request) => {
      const body = new Uint8Array(await request.arrayBuffer());
      const headers = { "x-length": `${body.length}`, "x-path": new URL(request.url).pathname };
      return new Response(request.method === "PUT" ? body : null, { headers });
    },
  );
  using client = new TestClient(SKIP_VERIFY);
  const header = (result: HttpResult, name: string) => result.rawHeaders[result.rawHeaders.indexOf(name) + 1];
  for (let round = 0; round < 3; round++) {
    const sizes = [0, 1, 100, 4096, 16_384, 65_536, 300_000, 2_000_000];
    await Promise.all(sizes.map(async (size, i) => {
      const body = new Uint8Array(size).map((_, at) => at * 7 + i);
      const url = `https://127.0.0.1:${server.addr.port}/${round}/${i}`;
      const result = await client.send(url, { method: "PUT", body });
      assertEquals([result.status, result.proto, header(result, "x-path")], [200, "HTTP/2.0", `/${round}/${i}`]);
      assertEquals(result.body, body);
      const posted = await client.send(url, { method: "POST", body });
      assertEquals([header(posted, "x-length"), posted.body?.length], [`${size}`, 0]);
    }));
  }
});

Deno.test("a long body is sent as the server takes it, and only then is the request sent", async () => {
  const { certificate: cert, key } = await makeCertificate("localhost", "IP:127.0.0.1");
  const server = createHttp2Server(
    { cert, key },
    ({ headers, body }) => ({
      headers: { ":status": "200" },
      body: new TextEncoder().encode(`${headers["content-length"]} ${body.length} ${body.at(-1)}`),
    }),
  );
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  try {
    using client = new TestClient(SKIP_VERIFY);
    const body = new Uint8Array(1_500_000).fill(9);
    const results = await Promise.all([
      client.send(`https://127.0.0.1:${port}/`, { method: "POST", body }),
      client.send(`https://127.0.0.1:${port}/`, { method: "PUT", body: body.subarray(0, 100) }),
    ]);
    assertEquals(results.map(bodyText), ["1500000 1500000 9", "100 100 9"]);
    assert(results[0]!.sending > 0);
  } finally {
    server.close();
  }
});

Deno.test("after a GOAWAY the next request goes to a new connection, and one that was not seen is sent again", async () => {
  await using server = await startFrameServer((connection, id, index) => {
    if (connection.index === 0 && index === 1) connection.send(goAway(id - 2, 0));
    else connection.send(answer(id, `${connection.index}`));
  });
  using client = new TestClient(SKIP_VERIFY);
  assertEquals(bodyText(await client.send(`${server.url}/`)), "0");
  const again = await client.send(`${server.url}/`, { method: "POST", body: new Uint8Array(10) });
  assertEquals([bodyText(again), again.error], ["1", ""]);
  assert(again.connecting > 0);
  assertEquals(bodyText(await client.send(`${server.url}/`)), "1");
});

Deno.test("a server that refuses every stream, or greets with errors, is told in k6's words", async () => {
  await using refusing = await startFrameServer((connection, id) => connection.send(resetStream(id, 7)));
  await using leaving = await startFrameServer((connection) => connection.send(goAway(0, 11)));
  await using failing = await startFrameServer((connection, id) => connection.send(resetStream(id, 2)));
  await using wrong = await startFrameServer((connection) => connection.send(headers(2, { ":status": "200" })));
  using client = new TestClient(SKIP_VERIFY);
  const send = async (url: string) => failureOf(await client.send(`${url}/`));
  assertEquals(await send(refusing.url), [0, 1638, "http2: stream error with http2 ErrCode REFUSED_STREAM"]);
  assertEquals(await send(leaving.url), [0, 1622, "http2: received GoAway with http2 ErrCode ENHANCE_YOUR_CALM"]);
  assertEquals(await send(failing.url), [0, 1633, "http2: stream error with http2 ErrCode INTERNAL_ERROR"]);
  assertEquals(await send(wrong.url), [0, 1652, "http2: connection error with http2 ErrCode PROTOCOL_ERROR"]);
});

Deno.test("a connection that the server closed while it was idle is replaced without an error", async () => {
  await using server = await startFrameServer((connection, id) => {
    connection.send(answer(id, `${connection.index}`));
    connection.end();
  });
  using client = new TestClient(SKIP_VERIFY);
  for (let i = 0; i < 5; i++) {
    const result = await client.send(`${server.url}/`);
    assertEquals([result.error, bodyText(result)], ["", `${i}`]);
  }
});

Deno.test("when the connection ends before the answer, only what may be is sent again, and only once", async () => {
  await using server = await startFrameServer((connection, id, index) => {
    if (index === 0) connection.send(answer(id, `${connection.index}`));
    else connection.end();
  });
  using client = new TestClient(SKIP_VERIFY);
  const body = new Uint8Array(3);
  assertEquals(bodyText(await client.send(`${server.url}/`)), "0");
  assertEquals(bodyText(await client.send(`${server.url}/`)), "1");
  assertEquals(failureOf(await client.send(`${server.url}/`, { method: "POST", body })), [0, 1000, "unexpected EOF"]);
  assertEquals(bodyText(await client.send(`${server.url}/`, { method: "POST", body })), "2");
});

Deno.test("a request that timed out is reset; the connection is kept while the server is alive", async () => {
  await using server = await startFrameServer((connection, id, index) => {
    // The first answer begins, later requests get nothing.
    if (index === 0) connection.send(headers(id, { ":status": "200" }));
    if (index === 1 || connection.index > 0) connection.send(answer(id, `${connection.index}`));
  });
  using client = new TestClient(SKIP_VERIFY);
  const timeout = [0, 1050, "request timeout"];
  assertEquals(failureOf(await client.send(`${server.url}/`, { timeoutMs: 1000 })), timeout);
  assertEquals(bodyText(await client.send(`${server.url}/`)), "0");
  const [first] = server.connections;
  assertEquals(first?.resets, [8]);
  // Nothing comes but answers to the question whether the server is there; while one comes it is not asked again.
  while (first!.pings < 3) {
    assertEquals(failureOf(await client.send(`${server.url}/`, { timeoutMs: 200 })), timeout);
  }
  assertEquals(server.connections.length, 1);
  first!.isDeaf = true;
  // The first of these asks, the second one has waited in vain for an answer to that, too.
  let timeouts = 0;
  const send = () => client.send(`${server.url}/`, { timeoutMs: timeouts < 2 ? 50 : 20_000 });
  while (bodyText(await send()) !== "1") timeouts++;
  assert(timeouts >= 2);
  assertEquals(server.connections.length, 2);
});

Deno.test("dropping requests resets their streams, tells nobody, and leaves the connection to the next one", async () => {
  let seen = 0;
  await using server = await startFrameServer((connection, id, index) => {
    seen++;
    if (index === 0 || index > 3) connection.send(answer(id));
  });
  using client = new TestClient(SKIP_VERIFY);
  await client.send(`${server.url}/`);
  const told = () => {
    throw new Error("told");
  };
  for (let i = 0; i < 3; i++) void client.send(`${server.url}/`).then(told);
  await until(() => seen === 4);
  client.client.abort();
  assertEquals(bodyText(await client.send(`${server.url}/`)), "hello");
  await until(() => server.connections[0]?.resets.length === 3);
  assertEquals(server.connections.length, 1);
});

Deno.test("without reuse each request has a connection of its own; closing idle ones is not seen by those under way", async () => {
  await using server = await startFrameServer((connection, id) => connection.send(answer(id, `${connection.index}`)));
  using single = new TestClient({ ...SKIP_VERIFY, noConnectionReuse: true });
  const results = await Promise.all([single.send(`${server.url}/`), single.send(`${server.url}/`)]);
  assertEquals(results.map(bodyText).sort(), ["0", "1"]);
  using client = new TestClient(SKIP_VERIFY);
  assertEquals(bodyText(await client.send(`${server.url}/`)), "2");
  const underWay = client.send(`${server.url}/`);
  client.client.closeIdle();
  const next = client.send(`${server.url}/`);
  assertEquals([bodyText(await underWay), bodyText(await next)], ["2", "3"]);
});

Deno.test("more requests than the server takes at once go to another connection", async () => {
  let waiting: (() => void)[] = [];
  await using server = await startFrameServer((connection, id, index) => {
    if (index === 0) return connection.send(answer(id));
    waiting.push(() => connection.send(answer(id, `${connection.index}`)));
  }, [[Setting.MaxConcurrentStreams, 2]]);
  using client = new TestClient(SKIP_VERIFY);
  await client.send(`${server.url}/`);
  const requests = [client.send(`${server.url}/`), client.send(`${server.url}/`), client.send(`${server.url}/`)];
  await until(() => waiting.length === 2);
  waiting.forEach((send) => send());
  waiting = [];
  assertEquals((await Promise.all(requests)).map(bodyText), ["0", "0", "hello"]);
  assertEquals(server.connections.length, 2);
});

Deno.test("how many requests a server takes at once is learnt, and kept to by the next connections", async () => {
  await using server = await startFrameServer((connection, id, index) => {
    // As servers do, it refuses what is too much: before that the client couldn't know.
    if (connection.index === 0 && index >= 3) connection.send(resetStream(id, 7));
    else if (index >= 3) connection.send(resetStream(id, 1));
    else held.push(() => connection.send(answer(id, `${connection.index}`)));
    if (held.length === 12) held.forEach((send) => send());
  }, [[Setting.MaxConcurrentStreams, 3]]);
  const held: (() => void)[] = [];
  using client = new TestClient(SKIP_VERIFY);
  const results = await Promise.all(Array.from({ length: 12 }, () => client.send(`${server.url}/`)));
  const bodies = results.map(bodyText).sort();
  assertEquals(bodies, ["0", "0", "0", "1", "1", "1", "2", "2", "2", "3", "3", "3"]);
  assertEquals(results.filter(({ connecting }) => connecting > 0).length, 4);
});

Deno.test("a server that takes no requests at all is asked a few times, then that is the error", async () => {
  let seen = 0;
  await using server = await startFrameServer((connection, id) => {
    seen++;
    connection.send(resetStream(id, 7));
  }, [[Setting.MaxConcurrentStreams, 0]]);
  using client = new TestClient(SKIP_VERIFY);
  const results = await Promise.all([client.send(`${server.url}/`), client.send(`${server.url}/`)]);
  assertEquals(results.map(({ errorCode }) => errorCode), [1638, 1638]);
  assertEquals(seen, 8);
});

Deno.test("a request with Connection: close is the last one of its connection", async () => {
  await using server = await startFrameServer((connection, id) => connection.send(answer(id, `${connection.index}`)));
  using client = new TestClient(SKIP_VERIFY);
  const bodies: (string | null)[] = [];
  for (const value of ["keep-alive", "x, Close", "keep-alive", "close", "closed"]) {
    bodies.push(bodyText(await client.send(`${server.url}/`, { headers: `Host: x\r\nConnection: ${value}\r\n` })));
  }
  assertEquals(bodies, ["0", "0", "1", "1", "2"]);
});

Deno.test("a dial that fails fails all that wait for it; a request that gives up leaves the others a dial of their own", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using client = new TestClient(SKIP_VERIFY);
  const refused = [0, 1212, "dial: connection refused"];
  const results = await Promise.all(Array.from({ length: 3 }, () => client.send(`https://127.0.0.1:${port}/`)));
  assertEquals(results.map(failureOf), [refused, refused, refused]);

  let dials = 0;
  await using silent = startRawServer((peer) => {
    dials++;
    return peer.closed();
  });
  const url = silent.url.replace("http:", "https:");
  const timeouts = [100, 50].map((timeoutMs) => client.send(`${url}/`, { timeoutMs }));
  void client.send(`${url}/`).then(() => {
    throw new Error("told");
  });
  assertEquals((await Promise.all(timeouts)).map(({ errorCode }) => errorCode), [1050, 1050]);
  await until(() => dials === 2);
});

Deno.test("among faults of all kinds, completions that drop, close and send, each request ends once or is dropped", async () => {
  let state = 1;
  /** A number below `limit`; the same sequence in every run. */
  const next = (limit: number) => {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    return (state >>> 16) % limit;
  };
  await using server = await startFrameServer((connection, id) => {
    const faults = [
      () => connection.send(resetStream(id, [2, 7, 8][next(3)]!)),
      () => connection.send(goAway([0, id, id - 2][next(3)]!, next(2) * 2)),
      () => connection.end(),
      () => connection.send(headers(2, { ":status": "200" })),
      () => connection.send(headers(id, { ":status": "200" })),
      () => {},
    ];
    (faults[next(14)] ?? (() => connection.send(answer(id))))();
  }, [[Setting.MaxConcurrentStreams, 5]]);

  for (let round = 0; round < 8; round++) {
    using client = new TestClient({ ...SKIP_VERIFY, noConnectionReuse: round === 7 });
    let [sent, ended, dropped] = [0, 0, 0];
    await new Promise<void>((done) => {
      const send = () => {
        sent++;
        let isOver = false;
        const httpDone = () => {
          assert(!isOver);
          isOver = true;
          ended++;
          const choice = next(20);
          if (choice === 0) {
            client.client.abort();
            dropped = sent - ended;
          } else if (choice === 1) {
            client.client.closeIdle();
          }
          for (let i = 0; i < 2 && sent < 50; i++) send();
          if (ended + dropped === sent) done();
        };
        const body = next(3) === 0 ? new Uint8Array(next(200_000)) : null;
        const method = next(2) === 0 ? "GET" : "POST";
        client.client.send(makeRequest(`${server.url}/`, { method, body, timeoutMs: 20 + next(200) }), { httpDone });
      };
      for (let i = 0; i < 6; i++) send();
    });
    assertEquals(ended + dropped, sent);
  }
});
