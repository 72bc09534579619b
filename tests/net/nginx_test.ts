import { assertEquals } from "@std/assert";
import { nginx, testWithPrograms } from "../support/debian.ts";
import { startNginx } from "./nginx.ts";
import { bodyText, TestClient } from "./raw_server.ts";

testWithPrograms("against nginx: a client keeps one connection for all of its requests", [nginx], async () => {
  await using server = await startNginx({ "/small": "hello", "/big": "x".repeat(500_000) });
  const before = await server.connections();
  using client = new TestClient({ caCerts: [server.certificate] });
  for (let i = 0; i < 20; i++) {
    assertEquals(bodyText(await client.send(`${server.httpUrl}/small`)), "hello");
    assertEquals((await client.send(`${server.httpUrl}/big`)).body?.length, 500_000);
    assertEquals((await client.send(`${server.httpUrl}/missing`)).status, 404);
    assertEquals((await client.send(`${server.httpUrl}/small`, { method: "HEAD" })).body, null);
  }
  // One is ours, one asks for the number.
  assertEquals(await server.connections() - before, 2);

  for (let i = 0; i < 5; i++) assertEquals((await client.send(`${server.httpsUrl}/big`)).body?.length, 500_000);
  assertEquals(await server.connections() - before, 4);
});

testWithPrograms("against nginx: a connection that it closes after each request is dialled anew", [nginx], async () => {
  await using server = await startNginx({});
  using client = new TestClient();
  for (let i = 0; i < 5; i++) assertEquals(bodyText(await client.send(`${server.httpUrl}/one-request`)), "once");
});
