import { assert, assertEquals } from "@std/assert";
import { startFixedServer, TestClient } from "./raw_server.ts";

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
