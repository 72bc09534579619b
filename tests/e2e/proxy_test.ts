/** Proxies as a user has them: by variables of the environment. */

import { assert, assertEquals } from "@std/assert";
import { makeCertificate } from "../net/certificate.ts";
import { microsocks, testWithPrograms, tinyproxy } from "../support/debian.ts";
import { freePort } from "../support/free_port.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { TlsFront } from "../support/tls_front.ts";
import { waitForPort } from "../support/wait_for_port.ts";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

/** Requests each of the URLs, also where the whole thread waits for it. */
const SCRIPT = `import http from "k6/http";
export const options = { insecureSkipTLSVerify: true };
export default function () {
  for (const url of __ENV.URLS.split(" ")) {
    const { status, body, error } = http.get(url);
    console.log(status, body, error);
    [2, 1].sort(() => (console.log("blocked", http.get(url).status), 0));
  }
}`;

/** A plain server and one with TLS, on loopback, until the returned function is called. */
async function startServers(): Promise<AsyncDisposable & { readonly plain: number; readonly secure: number }> {
  const { certificate: cert, key } = await makeCertificate("a.test", "DNS:a.test");
  const settings = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const plain = Deno.serve(settings, () => new Response("plain"));
  const secure = Deno.serve({ ...settings, cert, key }, () => new Response("secure"));
  return {
    plain: plain.addr.port,
    secure: secure.addr.port,
    async [Symbol.asyncDispose]() {
      await Promise.all([plain.shutdown(), secure.shutdown()]);
    },
  };
}

Deno.test("HTTP_PROXY, HTTPS_PROXY and NO_PROXY say which requests go through a proxy; nothing shows its password", async () => {
  await using servers = await startServers();
  await using forwarder = await HttpProxy.to(servers.plain);
  await using tunnel = await HttpProxy.to(servers.secure);
  const { stderr, stdout } = await runSuccessfully({
    files: SCRIPT,
    env: {
      URLS: `http://a.test/ https://b.test/ http://127.0.0.1:${servers.plain}/`,
      HTTP_PROXY: `http://me:hunter2@127.0.0.1:${forwarder.port}`,
      https_proxy: `me:hunter2@127.0.0.1:${tunnel.port}`,
      NO_PROXY: "c.test",
      // Deno's own request, which a compiled k6d doesn't make.
      DENO_NO_UPDATE_CHECK: "1",
    },
    args: ["run", "--quiet", "--verbose", "script.js"],
  });
  assertEquals(consoleMessages({ stderr }), [
    ...["200 plain ", "blocked 200", "200 secure ", "blocked 200", "200 plain ", "blocked 200"],
  ]);
  const user = `Basic ${btoa("me:hunter2")}`;
  assertEquals(forwarder.seen, [`${user} to a.test`, `${user} to a.test`]);
  assertEquals(tunnel.seen, [`${user} to b.test`, `${user} to b.test`]);
  assert(!`${stdout}${stderr}`.includes("hunter2"));
});

Deno.test("a proxy of a kind that k6d doesn't speak to fails the requests for it, in one line without its password", async () => {
  const { stderr } = await runSuccessfully({
    files: SCRIPT,
    env: { URLS: "http://a.test/", HTTP_PROXY: "socks4://me:hunter2@127.0.0.1:9" },
  });
  assertEquals(
    consoleMessages({ stderr })[0],
    "0 null proxy: HTTP_PROXY must be an address such as http://proxy:3128, https://proxy:443 or socks5://proxy:1080",
  );
  assert(!stderr.includes("hunter2"));
});

Deno.test("a proxy may be called over TLS", async () => {
  const { certificate, key } = await makeCertificate("localhost", "DNS:localhost");
  await using servers = await startServers();
  await using forwarder = await HttpProxy.to(servers.plain);
  await using tunnel = await HttpProxy.to(servers.secure);
  await using http = new TlsFront(forwarder.port, { certificate, key });
  await using https = new TlsFront(tunnel.port, { certificate, key });
  const { stderr, stdout } = await runSuccessfully({
    files: SCRIPT,
    env: {
      URLS: "http://a.test/ https://b.test/",
      http_proxy: `https://me:hunter2@localhost:${http.port}`,
      HTTPS_PROXY: `https://me:hunter2@localhost:${https.port}`,
      DENO_NO_UPDATE_CHECK: "1",
    },
    args: ["run", "--quiet", "--verbose", "--http-debug=full", "script.js"],
  });
  assertEquals(consoleMessages({ stderr }), ["200 plain ", "blocked 200", "200 secure ", "blocked 200"]);
  assertEquals([forwarder.seen.length, tunnel.seen.length], [2, 2]);
  assert(!`${stdout}${stderr}`.includes("hunter2"));
  assert(!`${stdout}${stderr}`.includes(btoa("me:hunter2")));
});

testWithPrograms("a real SOCKS proxy: plain requests and TLS", [microsocks], async (program) => {
  await using servers = await startServers();
  const port = freePort();
  const child = new Deno.Command(program!, {
    args: ["-i", "127.0.0.1", "-p", String(port), "-u", "me", "-P", "hunter2"],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await waitForPort(port);
    const proxy = `socks5://me:hunter2@127.0.0.1:${port}`;
    // Linux takes 0.0.0.0 for this machine, but the rules of proxies don't.
    const env = {
      URLS: `http://0.0.0.0:${servers.plain}/ https://0.0.0.0:${servers.secure}/`,
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
    };
    const { stderr, stdout } = await runSuccessfully({
      files: SCRIPT,
      env,
      args: ["run", "--quiet", "--verbose", "--local-ips", "127.0.0.3", "script.js"],
    });
    assertEquals(consoleMessages({ stderr }), ["200 plain ", "blocked 200", "200 secure ", "blocked 200"]);
    assert(!`${stdout}${stderr}`.includes("hunter2"));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

testWithPrograms(
  "a real proxy: plain requests, tunnels, its user, and what it refuses",
  [tinyproxy],
  async (program) => {
    await using servers = await startServers();
    const folder = await Deno.makeTempDir({ prefix: "k6d-tinyproxy-" });
    const port = freePort();
    const config = [
      "Listen 127.0.0.1",
      `Port ${port}`,
      "BasicAuth me secret",
      `ConnectPort ${servers.secure}`,
      "LogLevel Error",
    ];
    await Deno.writeTextFile(`${folder}/proxy.conf`, `${config.join("\n")}\n`);
    const child = new Deno.Command(program!, {
      args: ["-d", "-c", `${folder}/proxy.conf`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await waitForPort(port);
      // Linux takes 0.0.0.0 for this machine, but the rules of proxies don't.
      const urls = [servers.plain, servers.secure, 1].map((port, index) =>
        `http${index > 0 ? "s" : ""}://0.0.0.0:${port}/`
      );
      const messagesOf = async (user: string): Promise<string[]> => {
        const proxy = `http://${user}@127.0.0.1:${port}`;
        const env = { URLS: urls.join(" "), HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
        return consoleMessages(await runSuccessfully({ files: SCRIPT, env })).filter((text) =>
          !text.startsWith("blocked")
        );
      };
      const messages = await messagesOf("me:secret");
      assertEquals(messages.slice(0, 2), ["200 plain ", "200 secure "]);
      assert(messages[2]!.startsWith("0 null proxy: 403 "), messages[2]);
      const refused = await messagesOf("me:wrong");
      assert(refused[0]!.startsWith("40"), refused[0]);
      assert(/^0 null proxy: 40[17] /.test(refused[1]!), refused[1]);
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
);
