import { assertEquals } from "@std/assert";
import { startTarget } from "../support/target.ts";

Deno.test("the target answers each of its routes", async () => {
  await using target = startTarget();
  const get = async (path: string) => {
    const response = await fetch(target.url + path);
    return [response.status, (await response.bytes()).length];
  };
  assertEquals(await get("/"), [200, 26]);
  assertEquals((await get("/json"))[0], 200);
  assertEquals(await get("/status/503"), [503, 11]);
  assertEquals(await get("/status/204"), [204, 0]);
  assertEquals(await get("/delay/1"), [200, 11]);
  assertEquals(await get("/bytes/70000"), [200, 70000]);
  assertEquals((await get("/status/99"))[0], 400);
  assertEquals((await get("/bytes/x"))[0], 400);
  assertEquals((await get("/nowhere"))[0], 404);
});

Deno.test("/echo gives back method, headers and body", async () => {
  await using target = startTarget();
  const response = await fetch(`${target.url}/echo?a=1`, {
    method: "PUT",
    headers: { "X-Test": "yes" },
    body: "hello",
  });
  const echoed = await response.json();
  assertEquals(echoed.method, "PUT");
  assertEquals(echoed.url, `${target.url}/echo?a=1`);
  assertEquals(echoed.headers["x-test"], "yes");
  assertEquals(echoed.body, "hello");
});

Deno.test("disposing the target ends an answer that is still waiting", async () => {
  const target = startTarget();
  const waiting = fetch(`${target.url}/delay/600000`).then((response) => response.text(), () => "closed");
  // The target has seen the waiting request once it answers one that was sent after it.
  await (await fetch(target.url)).body?.cancel();
  await target[Symbol.asyncDispose]();
  await waiting;
});
