import { assertEquals } from "@std/assert";
import { HttpClient } from "../../src/net/http_client.ts";
import type { HttpResult } from "../../src/net/types.ts";
import { makeRequest, startRawServer, TestClient } from "./raw_server.ts";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const REQUESTS = 8;

/** Answers when all requests are there, so that all answers come together. */
function startPatientServer() {
  const all: { readonly send: (text: string) => Promise<void> }[] = [];
  return startRawServer(async (peer) => {
    while (await peer.head() !== null) {
      all.push(peer);
      if (all.length === REQUESTS) await Promise.all(all.splice(0).map((each) => each.send(ANSWER)));
    }
  });
}

Deno.test("what is done with an answer is no part of the time of those that came with it", async () => {
  await using server = startPatientServer();
  using client = new TestClient();
  const results: HttpResult[] = [];
  const handledAt: number[] = [];
  await new Promise<void>((resolve) => {
    const httpDone = (result: HttpResult) => {
      handledAt.push(performance.timeOrigin + performance.now());
      // Whatever has not come yet does meanwhile.
      const busyUntil = performance.now() + 20;
      while (performance.now() < busyUntil);
      if (results.push(result) === REQUESTS) resolve();
    };
    for (let i = 0; i < REQUESTS; i++) client.client.send(makeRequest(server.url, { timeoutMs: 60_000 }), { httpDone });
  });
  assertEquals(results.every(({ status }) => status === 200), true);
  assertEquals(results.some(({ endedAtEpochMs }, i) => i > 0 && endedAtEpochMs <= handledAt[i - 1]!), true);
});

Deno.test("nobody is told of an answer once its client has been told to drop everything", async () => {
  await using server = startPatientServer();
  using first = new TestClient();
  const others = Array.from({ length: REQUESTS - 1 }, () => new HttpClient(first.network));
  let told = 0;
  await new Promise<void>((resolve) => {
    const httpDone = () => {
      told++;
      for (const client of [first.client, ...others]) client.abort();
      resolve();
    };
    for (const client of [first.client, ...others]) {
      client.send(makeRequest(server.url, { timeoutMs: 60_000 }), { httpDone });
    }
  });
  assertEquals((await first.send(`${server.url}`, { timeoutMs: 1 })).status, 0);
  assertEquals(told, 1);
  for (const client of others) client.close();
});

Deno.test("the second request of a handshake by HTTP/1.1 goes on the first one's connection, whatever comes with its answer", async () => {
  const seen: string[] = [];
  const waiting: { readonly send: (text: string) => Promise<void> }[] = [];
  await using server = startRawServer(async (peer, index) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      seen.push(`${index} ${head.split(" ")[1]}`);
      waiting.push(peer);
      if (waiting.length === REQUESTS) await Promise.all(waiting.splice(0).map((each) => each.send(ANSWER)));
    }
  });
  using client = new TestClient();
  const options = { http1Only: true, timeoutMs: 60_000 };
  await Promise.all(Array.from({ length: REQUESTS }, (_, i) =>
    new Promise<void>((resolve) => {
      const url = `${server.url}/${i}`;
      const second = { httpDone: () => resolve() };
      client.client.send(makeRequest(url, options), {
        httpDone: () => client.client.send(makeRequest(url, options), second),
      });
    })));
  assertEquals(seen.slice(REQUESTS).toSorted(), seen.slice(0, REQUESTS).toSorted());
});
