import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import http from "node:http";
import https from "node:https";
import { HttpClient, TransportError } from "../../src/output/http_client.ts";
import { OutputError } from "../../src/output/output.ts";
import { readProxyEnv } from "../../src/output/proxy_env.ts";
import { HttpProxy, ListeningServer } from "../support/http_proxy.ts";

Deno.test("no variable is no proxy", () => {
  assertEquals(readProxyEnv({ HTTP_PROXY: "", NO_PROXY: "a" }), null);
});

Deno.test("proxies may be named in either case and without a scheme; a name stands for those below it", () => {
  assertEquals(
    readProxyEnv({ http_proxy: "proxy:3128", HTTPS_PROXY: "https://u:p@p", no_proxy: "a.example, .b,10.0.0.1" }),
    {
      HTTP_PROXY: "http://proxy:3128/",
      HTTPS_PROXY: "https://u:p@p/",
      NO_PROXY: "localhost,127.0.0.0-127.255.255.255,::1,[::1],a.example,.a.example,.b,10.0.0.1",
    },
  );
});

for (const address of ["socks5://user:word@proxy", "http://", "http://user:word@a b"]) {
  Deno.test(`refused as a proxy: ${address}`, () => {
    const { message } = assertThrows(() => readProxyEnv({ HTTPS_PROXY: address }), OutputError);
    assertEquals(message, "HTTPS_PROXY must be the address of an HTTP proxy, for example http://proxy:3128");
  });
}

const [cert, key] = ["certificate.pem", "key.pem"].map((file) =>
  Deno.readTextFileSync(new URL(`prometheus/testdata/${file}`, import.meta.url))
) as [string, string];

const LIMIT_MS = 20_000;

for (const protocol of ["http", "https"] as const) {
  Deno.test(`requests to ${protocol} addresses go through the proxy with its credentials, over kept connections`, async () => {
    await using target = await ListeningServer.of(
      protocol === "http" ? http.createServer(answer) : https.createServer({ cert, key }, answer),
    );
    await using proxy = await HttpProxy.to(target.port);
    const client = new HttpClient({
      tls: { skipVerification: true },
      proxies: readProxyEnv({ [`${protocol.toUpperCase()}_PROXY`]: `http://user:word@127.0.0.1:${proxy.port}` }),
    });
    try {
      for (const path of ["/a?b=c", "/d"]) {
        const body = new TextEncoder().encode("hello");
        const url = new URL(`${protocol}://cloud.invalid${path}`);
        const { status, text } = await client.send({ url, headers: {}, body, timeoutMs: LIMIT_MS, isSentOnce: true });
        assertEquals([status, text], [200, `POST ${path} hello`]);
      }
      assertEquals(proxy.connections, 1);
      assertEquals(new Set(proxy.seen), new Set([`Basic ${btoa("user:word")} to cloud.invalid`]));
    } finally {
      client.close();
    }
  });
}

Deno.test("certificates are checked behind a proxy, and a proxy that refuses is named", async () => {
  await using target = await ListeningServer.of(https.createServer({ cert, key }, answer));
  await using proxy = await HttpProxy.to(target.port);
  const client = new HttpClient({ proxies: readProxyEnv({ https_proxy: `127.0.0.1:${proxy.port}` }) });
  const failure = async () => {
    const request = { url: new URL("https://cloud.invalid/"), headers: {}, timeoutMs: LIMIT_MS };
    return (await assertRejects(() => client.send(request), TransportError)).message;
  };
  try {
    assertEquals(await failure(), "the server's certificate is self-signed");
    proxy.refuses = true;
    assertEquals(await failure(), "the proxy does not let it through");
  } finally {
    client.close();
  }
});

Deno.test("this machine and what NO_PROXY names are not behind the proxy", async () => {
  await using target = await ListeningServer.of(http.createServer(answer));
  await using proxy = await HttpProxy.to(target.port);
  const client = new HttpClient({
    proxies: readProxyEnv({ http_proxy: `127.0.0.1:${proxy.port}`, NO_PROXY: "invalid" }),
  });
  try {
    const url = new URL(`http://127.0.0.1:${target.port}/`);
    assertEquals((await client.send({ url, headers: {}, timeoutMs: LIMIT_MS })).status, 200);
    const outside = { url: new URL("http://cloud.invalid/"), headers: {}, timeoutMs: LIMIT_MS };
    assertEquals((await assertRejects(() => client.send(outside), TransportError)).message, "host not found");
    assertEquals(proxy.connections, 0);
  } finally {
    client.close();
  }
});

async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const chunks = await Array.fromAsync(request as AsyncIterable<Uint8Array>);
  response.end(`${request.method} ${request.url} ${chunks.map((chunk) => new TextDecoder().decode(chunk)).join("")}`);
}
