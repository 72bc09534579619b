import { assertEquals } from "@std/assert";
import { ProxiedPostClient } from "../../../src/output/influxdb/proxied_post.ts";

Deno.test("of an answer that has no end only the beginning is read", async () => {
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("no ".repeat(10_000))),
  });
  const { status, text } = await postThrough(() => new Response(endless, { status: 500 }));
  assertEquals([status, text.slice(0, 5), text.length <= 300], [500, "no no", true]);
});

Deno.test("a redirect is not followed: it would turn the samples into a request without a body", async () => {
  const headers = { location: "http://elsewhere/write" };
  const { status, text } = await postThrough(() => new Response("moved", { status: 302, headers }));
  assertEquals(status, 302);
  assertEquals(text, "redirects are not followed; if http://elsewhere/write is right, use that address");
});

/** What a client gets through a proxy that answers by itself. */
async function postThrough(answer: () => Response) {
  await using proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  const client = new ProxiedPostClient(new URL(`http://127.0.0.1:${proxy.addr.port}`));
  try {
    return await client.send({
      url: new URL("http://influx.example/write"),
      headers: {},
      body: new Uint8Array(3),
      timeoutMs: 20_000,
    });
  } finally {
    client.close();
  }
}
