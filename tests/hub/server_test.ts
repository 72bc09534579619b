import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "node:net";
import { HubServer, type RequestHandler } from "../../src/hub/server.ts";

Deno.test("a request comes whole, and its answer goes back", async () => {
  await using server = await start((request) => {
    const { method, path, query, headers, body, origin } = request;
    const seen = [method, path, query.get("a"), headers.get("x-b"), new TextDecoder().decode(body), origin];
    return Promise.resolve({ status: 201, headers: { "x-c": "3" }, body: JSON.stringify(seen) });
  });
  const answer = await fetch(`${server.origin}/p/q?a=1&b=%20`, { method: "PUT", headers: { "x-b": "2" }, body: "né" });
  assertEquals([answer.status, answer.headers.get("x-c")], [201, "3"]);
  assertEquals(await answer.json(), ["PUT", "/p/q", "1", "2", "né", server.origin]);
});

Deno.test("a handler that fails is answered for, and told of", async () => {
  const errors: unknown[] = [];
  const failure = new Error("broken");
  await using server = await start(() => Promise.reject(failure), errors);
  const answer = await fetch(server.origin);
  assertEquals([answer.status, await answer.text()], [500, ""]);
  assertEquals(errors, [failure]);
});

Deno.test("a client that goes away in the middle of its request is no error", async () => {
  const errors: unknown[] = [];
  const paths: string[] = [];
  await using server = await start(({ path }) => {
    paths.push(path);
    return Promise.resolve({ status: 204 });
  }, errors);
  const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write("POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345", () => socket.destroy());
  await closed;
  assertEquals((await fetch(`${server.origin}/whole`)).status, 204);
  assertEquals([paths, errors], [["/whole"], []]);
});

Deno.test("a port that is taken is an error of the start", async () => {
  const handler = () => Promise.resolve({ status: 204 });
  await using server = await start(handler);
  const port = Number(new URL(server.origin).port);
  await assertRejects(() => HubServer.start(handler, { port, onError: () => {} }), Error, "EADDRINUSE");
});

function start(handler: RequestHandler, errors: unknown[] = []): Promise<HubServer> {
  return HubServer.start(handler, { onError: (error) => errors.push(error) });
}
