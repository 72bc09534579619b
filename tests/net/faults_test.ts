/** Servers that break in every way that HTTP leaves them: what the client says, and that the next request works. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { ANSWERS, FaultyServer, GARBAGE } from "../support/faulty_server.ts";
import { makeCertificate } from "./certificate.ts";
import { HTTP2_FAULTS } from "./http2/faults.ts";
import { answer as answerHttp2, startFrameServer } from "./http2/frame_server.ts";
import { bodyText, TestClient } from "./raw_server.ts";
import type { FaultStormResult } from "./fault_storm.ts";

/** The next request of the same client. */
async function assertWorks(client: TestClient, { url }: FaultyServer): Promise<void> {
  const { status, error, errorCode } = await client.send(`${url}/ok`, { timeoutMs: 20_000 });
  assertEquals([status, errorCode, error], [200, 0, ""]);
}

for (const [name, answer] of Object.entries(ANSWERS)) {
  Deno.test(`an answer (${name}) that is cut off or reset at any byte is an error, and the next request works`, async () => {
    await using server = await FaultyServer.start();
    using client = new TestClient();
    for (let length = 0; length < answer.length; length++) {
      const cut = await client.send(`${server.url}/cut/${name}/${length}`);
      assertEquals([cut.status, cut.errorCode, cut.body], [0, 1000, null], `cut at ${length}`);
      assertMatch(cut.error, length === 0 ? /^EOF$/ : length < 12 ? /^malformed HTTP / : /^unexpected EOF$/);
      await assertWorks(client, server);
      const reset = await client.send(`${server.url}/reset/${name}/${length}`);
      assertEquals([reset.status, reset.body], [0, null], `reset at ${length}`);
      assertEquals([reset.errorCode, reset.error], [1220, "read: connection reset by peer"], `reset at ${length}`);
      await assertWorks(client, server);
    }
    const whole = await client.send(`${server.url}/cut/${name}/${answer.length}`);
    assertEquals([whole.status, bodyText(whole)], [200, "hello"]);
  });
}

Deno.test("a server that stalls anywhere is given up after the timeout", async () => {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  const stalls = Object.entries(ANSWERS).flatMap(([name, answer]) =>
    [0, 1, 12, 17, 30, answer.length - 3, answer.length - 1].map((length) => `/stall/${name}/${length}`)
  );
  const results = await Promise.all(stalls.map((path) => client.send(server.url + path, { timeoutMs: 100 })));
  for (const { status, errorCode, error } of results) {
    assertEquals([status, errorCode, error], [0, 1050, "request timeout"]);
  }
  await assertWorks(client, server);
});

Deno.test("requests that are given up while they connect leave no connection behind", async () => {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  let sent = 0;
  const send = async () => {
    while (sent++ < 1000) await client.send(`${server.url}/stall/length/20`, { timeoutMs: 0.1 + (sent % 20) / 10 });
  };
  await Promise.all(Array.from({ length: 32 }, send));
  const giveUpAt = performance.now() + 20_000;
  while (server.openConnections > 0 && performance.now() < giveUpAt) await new Promise((turn) => setTimeout(turn, 10));
  assertEquals(server.openConnections, 0);
});

Deno.test("what is no HTTP is told as such, and its connection is not used again", async () => {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  for (const name of Object.keys(GARBAGE)) {
    const { status, errorCode, error, body } = await client.send(`${server.url}/garbage/${name}`);
    assertEquals([status, errorCode, body], [0, 1000, null], `${name}: ${error}`);
    assert(error !== "", name);
    await assertWorks(client, server);
  }
});

Deno.test("heads and interim answers without end are ended by limits", async () => {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  const interim = await client.send(`${server.url}/interim`, { timeoutMs: 20_000 });
  assertEquals([interim.errorCode, interim.error], [1000, "net/http: too many 1xx informational responses"]);
  await assertWorks(client, server);
  const head = await client.send(`${server.url}/head`, { timeoutMs: 20_000 });
  assertEquals([head.errorCode, head.error], [
    1000,
    "net/http: server response headers exceeded 262144 bytes; aborted",
  ]);
  await assertWorks(client, server);
});

Deno.test("bytes after an answer end its connection, and are nobody's answer", async () => {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  for (let i = 1; i <= 5; i++) {
    assertEquals(bodyText(await client.send(`${server.url}/extra`)), "hello");
    assertEquals(server.connections, i);
  }
  await assertWorks(client, server);
});

Deno.test("connections that servers close between requests are replaced", async () => {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  for (let i = 1; i <= 20; i++) {
    for (const method of ["GET", "POST"]) {
      const { status, error } = await client.send(`${server.url}/leave`, { method });
      // A POST that the server may have seen is not sent twice.
      assert(status === 200 || method === "POST" && /EOF|reset|broken pipe/.test(error), `${method} ${error}`);
    }
  }
});

Deno.test("an answer over TLS that is cut off at any byte is an error, garbage and limits are told, and the next request works", async () => {
  const { certificate: cert, key } = await makeCertificate("localhost", "IP:127.0.0.1");
  await using server = await FaultyServer.start({ cert, key });
  using client = new TestClient({ insecureSkipTlsVerify: true });
  for (const [name, answer] of Object.entries(ANSWERS)) {
    for (let length = 0; length < answer.length; length++) {
      const { status, errorCode, error, body } = await client.send(`${server.url}/cut/${name}/${length}`);
      assertEquals([status, errorCode, body], [0, 1000, null], `cut at ${length}`);
      assertMatch(error, length === 0 ? /^EOF$/ : length < 12 ? /^malformed HTTP / : /^unexpected EOF$/);
      await assertWorks(client, server);
    }
  }
  for (const path of [...Object.keys(GARBAGE).map((name) => `/garbage/${name}`), "/interim", "/head"]) {
    const { status, errorCode, error } = await client.send(server.url + path, { timeoutMs: 20_000 });
    assertEquals([status, errorCode], [0, 1000], `${path}: ${error}`);
    await assertWorks(client, server);
  }
  const stalled = await client.send(`${server.url}/stall/length/30`, { timeoutMs: 50 });
  assertEquals([stalled.errorCode, stalled.error], [1050, "request timeout"]);
  assertEquals(bodyText(await client.send(`${server.url}/extra`)), "hello");
  await assertWorks(client, server);
});

Deno.test("what comes over TLS while a connection is idle ends it", async () => {
  const { certificate: cert, key } = await makeCertificate("localhost", "IP:127.0.0.1");
  await using server = await FaultyServer.start({ cert, key });
  using client = new TestClient({ insecureSkipTlsVerify: true });
  await using other = await FaultyServer.start({ cert, key });
  assertEquals(bodyText(await client.send(`${server.url}/more`)), "hello");
  const giveUpAt = performance.now() + 20_000;
  while (server.unasked === 0 && performance.now() < giveUpAt) await new Promise((turn) => setTimeout(turn, 5));
  // By the time that others were answered it is here.
  for (let i = 0; i < 3; i++) await assertWorks(client, other);
  const { status, error } = await client.send(`${server.url}/cut/chunked/${ANSWERS.chunked.length}`, {
    method: "POST",
  });
  assertEquals([status, error, server.connections], [200, "", 2]);
});

Deno.test("every fault of HTTP/2 is an error, and the next request works", async () => {
  const faults = Object.entries(HTTP2_FAULTS);
  await using server = await startFrameServer((connection, id, _index, path) => {
    if (path === "/ok") connection.send(answerHttp2(id));
    else faults[Number(path.slice(1))]![1](connection, id);
  });
  using client = new TestClient({ insecureSkipTlsVerify: true });
  for (const [i, [name]] of faults.entries()) {
    const { status, errorCode, error, body } = await client.send(`${server.url}/${i}`, { method: "POST" });
    assertEquals([status, errorCode >= 1000, body], [0, true, null], `${name}: ${error}`);
    const next = await client.send(`${server.url}/ok`);
    assertEquals([next.status, next.error, bodyText(next)], [200, "", "hello"], `after ${name}`);
  }
});

for (const [protocol, faults] of [["HTTP/1.1", 10_000], ["HTTP/2", 1500]] as const) {
  Deno.test(`${faults} faults of ${protocol} leave no socket, no timer and no memory behind`, async () => {
    const args = [`${ROOT}tests/net/fault_storm.ts`, String(faults), ...(protocol === "HTTP/2" ? ["http2"] : [])];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", ...args],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const result: FaultStormResult = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals([result.faults, result.openConnections, result.newFiles], [faults, 0, 0]);
    assert(result.heapGrowthBytes < 2_000_000, `the heap grew by ${result.heapGrowthBytes} bytes`);
  });
}
