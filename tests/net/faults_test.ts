/** Servers that break in every way that HTTP/1.1 leaves them: what the client says, and that the next request works. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { ANSWERS, FaultyServer, GARBAGE } from "../support/faulty_server.ts";
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

Deno.test("20,000 faults leave no socket, no timer and no memory behind", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", `${ROOT}tests/net/fault_storm.ts`, "20000"],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const result: FaultStormResult = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals([result.faults, result.openConnections, result.newFiles], [20_000, 0, 0]);
  assert(result.heapGrowthBytes < 2_000_000, `the heap grew by ${result.heapGrowthBytes} bytes`);
});
