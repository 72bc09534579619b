import { assert, assertEquals } from "@std/assert";
import { HttpClient, HttpNetwork } from "../../src/net/http_client.ts";
import { DEFAULT_SETTINGS, makeRequest, startFixedServer, startRawServer, TestClient } from "./raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

function limit(perSecond: number) {
  return { perSecond, next: new SharedArrayBuffer(8) };
}

Deno.test("requests of all threads leave at most as fast as the limit, from the first one on", async () => {
  await using server = startFixedServer(OK);
  const rateLimit = limit(100);
  using one = new TestClient({ rateLimit });
  using other = new TestClient({ rateLimit });
  const startedAt = performance.now();
  const results = await Promise.all(
    Array.from({ length: 21 }, (_, index) => (index % 2 === 0 ? one : other).send(server.url)),
  );
  assert(performance.now() - startedAt >= 200);
  assertEquals(new Set(results.map(({ status }) => status)), new Set([200]));
});

Deno.test("waiting for the limit is part of no timing", async () => {
  await using server = startFixedServer(OK);
  using client = new TestClient({ rateLimit: limit(5) });
  const startedAt = performance.now();
  const [, { status, blocked, sending, waiting, receiving }] = await Promise.all([
    client.send(server.url),
    client.send(server.url),
  ]);
  const elapsed = performance.now() - startedAt;
  assertEquals(status, 200);
  assert(elapsed - (blocked + sending + waiting + receiving) >= 199);
});

Deno.test("a limit that was not used is lost", async () => {
  await using server = startFixedServer(OK);
  const rateLimit = limit(20);
  using client = new TestClient({ rateLimit });
  await client.send(server.url);
  new BigInt64Array(rateLimit.next)[0] = 0n;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 5 }, () => client.send(server.url)));
  assert(performance.now() - startedAt >= 190);
});

Deno.test("what waits is dropped with its client", async () => {
  await using server = startFixedServer(OK);
  using client = new TestClient({ rateLimit: limit(0.001) });
  await client.send(server.url);
  let told = false;
  client.send(server.url).then(() => told = true);
  client.client.abort();
  client.client.close();
  assertEquals([told, server.connections], [false, 1]);
});

Deno.test("those who stop waiting take no places from later requests", async () => {
  await using server = startFixedServer(OK);
  const rateLimit = limit(0.01);
  const next = new BigInt64Array(rateLimit.next);
  using one = new TestClient({ rateLimit });
  await one.send(server.url);
  const free = next[0]!;
  using other = new TestClient({ rateLimit });
  for (let i = 0; i < 1000; i++) other.client.send(makeRequest(server.url), { httpDone() {} });
  assertEquals(next[0], free + 100_000_000_000n);
  other.client.abort();
  assertEquals(next[0]! - free < 1000n, true);
});

Deno.test("requests leave in the order in which they came, whoever drops out between them", async () => {
  const seen: string[] = [];
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      seen.push(/\/(\S+)/.exec(head)![1]!);
      await peer.send(OK);
    }
  });
  const network = new HttpNetwork({ ...DEFAULT_SETTINGS, rateLimit: limit(200) });
  const clients = Array.from({ length: 3 }, () => new HttpClient(network));
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < 24; i++) {
    const client = clients[i % 3]!;
    const answer = new Promise((httpDone) => client.send(makeRequest(`${server.url}/${i}`), { httpDone }));
    // The first one leaves at once: it was in flight when its client's requests were dropped.
    if (client !== clients[0]) answers.push(answer);
  }
  clients[0]!.abort();
  await Promise.all(answers);
  const others = Array.from({ length: 24 }, (_, index) => index).filter((index) => index % 3 !== 0).map(String);
  assertEquals(seen.filter((path) => path !== "0"), others);
  for (const client of clients) client.close();
  network.close();
});
