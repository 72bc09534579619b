import { assertEquals } from "@std/assert";
import { HttpClient } from "../../src/net/http_client.ts";
import type { HttpResult } from "../../src/net/types.ts";
import { makeCertificate } from "./certificate.ts";
import { bodyText, makeRequest, TestClient } from "./raw_server.ts";

/** Sends requests from an address. */
async function sendFrom(localIp: string, { network }: TestClient, ...urls: string[]): Promise<HttpResult[]> {
  const client = new HttpClient(network, localIp);
  const results: HttpResult[] = [];
  for (const url of urls) {
    results.push(await new Promise((httpDone) => client.send(makeRequest(url), { httpDone })));
  }
  client.close();
  return results;
}

Deno.test("connections come from the client's own address, plain and with TLS, and are kept", async () => {
  const { certificate: cert, key } = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
  const peers = new Set<string>();
  const answer: Deno.ServeHandler<Deno.NetAddr> = (_, { remoteAddr }) => {
    peers.add(`${remoteAddr.hostname} ${remoteAddr.port}`);
    return new Response(remoteAddr.hostname);
  };
  const settings = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const plain = Deno.serve(settings, answer);
  const secure = Deno.serve({ ...settings, cert, key }, answer);
  {
    using client = new TestClient({ caCerts: [cert] });
    for (const url of [`http://127.0.0.1:${plain.addr.port}/`, `https://127.0.0.1:${secure.addr.port}/`]) {
      const results = await sendFrom("127.0.0.7", client, url, url);
      assertEquals(results.map(bodyText), ["127.0.0.7", "127.0.0.7"]);
    }
  }
  assertEquals(peers.size, 2);
  await Promise.all([plain.shutdown(), secure.shutdown()]);
});

Deno.test("an address that this machine doesn't have is an error of the request", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response());
  using client = new TestClient();
  const url = `http://127.0.0.1:${server.addr.port}/`;
  for (
    const [localIp, code, text] of [
      ["192.0.2.1", 1213, "dial: bind: cannot assign requested address"],
      ["::1", 1210, "dial: mismatched local address type"],
      ["::ffff:127.0.0.7", 0, ""],
    ] as const
  ) {
    const [result] = await sendFrom(localIp, client, url);
    assertEquals([result!.errorCode, result!.error], [code, text]);
    // TLS goes another way; there it is the server that doesn't know it.
    const [secure] = await sendFrom(localIp, client, url.replace("http:", "https:"));
    if (code !== 0) assertEquals([secure!.errorCode, secure!.error], [code, text]);
  }
  await server.shutdown();
});
