import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { NetError } from "../../src/net/errors.ts";
import { Proxies, readProxySettings } from "../../src/net/proxies.ts";
import type { HttpResult } from "../../src/net/types.ts";
import { parseHttpUrl } from "../../src/net/url.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { TlsFront } from "../support/tls_front.ts";
import { makeCertificate } from "./certificate.ts";
import { bodyText, makeRequest, startFixedServer, startRawServer, TestClient } from "./raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

function isProxied(url: string, exceptions: string): boolean {
  const proxies = new Proxies({ http: "proxy:3128", https: "proxy:3129", exceptions });
  return proxies.of(parseHttpUrl(url)) !== null;
}

Deno.test("NO_PROXY: names with and without a dot, addresses, networks, ports, and this machine", () => {
  for (
    const [url, exceptions, expected] of [
      ["http://a.test/", "", true],
      ["http://a.test/", "*", false],
      ["http://a.test/", "b.test, a.test", false],
      ["http://A.TEST/", "a.Test", false],
      ["http://x.a.test/", "a.test", false],
      ["http://xa.test/", "a.test", true],
      ["http://a.test/", ".a.test", true],
      ["http://x.a.test/", ".a.test", false],
      ["http://a.test/", "*.a.test", true],
      ["http://x.y.a.test/", "*.a.test", false],
      ["http://a.test:81/", "a.test:81", false],
      ["http://a.test/", "a.test:80", false],
      ["https://a.test/", "a.test:80", true],
      ["http://10.1.2.3/", "10.0.0.0/8", false],
      ["http://11.1.2.3/", "10.0.0.0/8", true],
      ["http://10.1.2.3/", "10.1.2.3:80", false],
      ["http://10.1.2.3:81/", "10.1.2.3:80", true],
      ["http://[fd00::1]/", "fd00:0::1", false],
      ["http://[fd00::1]:8/", "[fd00::1]:8", false],
      ["http://[fd00::1]/", "fd00::/8", false],
      ["http://10.test/", "10.0.0.0/8", true],
      ["http://localhost/", "", false],
      ["http://127.9.9.9/", "", false],
      ["https://[::1]/", "", false],
      ["http://a.test/", ",,:80, ", true],
      ["http://bücher.test/", "BÜCHER.test", false],
      ["http://x.bücher.test/", "*.bücher.test", false],
      ["http://[::ffff:10.1.2.3]/", "10.0.0.0/8", false],
      ["http://10.1.2.3/", "::ffff:a01:203", false],
      ["http://[::ffff:127.0.0.1]/", "", false],
      ["http://localhost./", "", true],
    ] as const
  ) assertEquals(isProxied(url, exceptions), expected, `${url} with NO_PROXY=${exceptions}`);
});

Deno.test("NO_PROXY: a name excepts itself and all names below it, and no other", () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  fc.assert(
    fc.property(
      fc.array(label, { minLength: 1, maxLength: 3 }),
      fc.array(label, { maxLength: 2 }),
      label,
      (base, below, other) => {
        const name = [...base, "test"].join(".");
        assert(!isProxied(`http://${[...below, name].join(".")}/`, name));
        assert(isProxied(`http://${other}${name}/`, name));
        assert(isProxied(`http://${name}/`, `.${name}`));
      },
    ),
  );
});

Deno.test("the environment: capitals win, https URLs have a proxy of their own, no variable means none", () => {
  assertEquals(readProxySettings({ NO_PROXY: "x" }), undefined);
  assertEquals(readProxySettings({ http_proxy: "a", HTTP_PROXY: "b", https_proxy: "c", no_proxy: "d" }), {
    http: "b",
    https: "c",
    exceptions: "d",
  });
  const proxies = new Proxies({ http: "", https: "http://us%40er:se:cret@proxy.test:8080", exceptions: "" });
  assertEquals(proxies.of(parseHttpUrl("http://a.test/")), null);
  assertEquals(proxies.of(parseHttpUrl("https://a.test/")), {
    kind: "http",
    secure: false,
    hostname: "proxy.test",
    port: 8080,
    authorization: `Proxy-Authorization: Basic ${btoa("us@er:se:cret")}\r\n`,
  });
});

Deno.test("a proxy that can't be used fails the requests for it, without showing what was given", () => {
  for (
    const http of [
      "socks4://me:secret@p:1",
      "ftp://me:secret@p",
      "socks5://me:secret@",
      "http://me:secret@p:port",
      "me:secret@",
    ]
  ) {
    const proxies = new Proxies({ http, https: "", exceptions: "" });
    assertEquals(proxies.of(parseHttpUrl("http://localhost/")), null);
    const error = assertThrows(() => proxies.of(parseHttpUrl("http://a.test/")), NetError, "HTTP_PROXY must be");
    assert(!error.message.includes("secret"));
  }
});

Deno.test("a request that a wrong proxy or a blocked host fails is not told so from within send", async () => {
  const addressRules = { hosts: {}, blockedNames: ["a.test"], blockedNetworks: [] };
  for (
    const settings of [
      { proxies: { http: "ftp://p", https: "", exceptions: "" } },
      { proxies: { http: "p:1", https: "", exceptions: "" }, addressRules },
    ]
  ) {
    using client = new TestClient(settings);
    let isTold = false;
    const done = new Promise<HttpResult>((resolve) => {
      client.client.send(makeRequest("http://a.test/"), { httpDone: (result) => (isTold = true, resolve(result)) });
    });
    assert(!isTold);
    assertEquals((await done).status, 0);
  }
});

Deno.test("a plain request goes to the proxy with its whole URL and the user, and the connection is kept", async () => {
  const heads: string[] = [];
  await using proxy = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      heads.push(head);
      await peer.send(OK);
    }
  });
  const http = `me:pw@127.0.0.1:${proxy.port}`;
  using client = new TestClient({ proxies: { http, https: "", exceptions: "" } });
  for (let i = 0; i < 2; i++) {
    const result = await client.send("http://a.test:81/path?q=1");
    assertEquals([result.status, bodyText(result), result.remotePort], [200, "hello", proxy.port]);
  }
  const authorization = `Proxy-Authorization: Basic ${btoa("me:pw")}`;
  const head = `GET http://a.test:81/path?q=1 HTTP/1.1\r\nHost: a.test:81\r\n${authorization}\r\n\r\n`;
  assertEquals([heads, proxy.connections], [[head, head], 1]);
  // Whatever the server: to the proxy it is one connection, as in Go.
  assertEquals((await client.send("http://b.test/")).connecting, 0);
  assertEquals([heads.length, proxy.connections], [3, 1]);
});

Deno.test("an https request goes through a tunnel, by HTTP/2 where the server can, with the server's own certificate, and leaves nothing behind", async () => {
  const { certificate: cert, key } = await makeCertificate("a.test", "DNS:a.test");
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, () => new Response("secret"));
  {
    await using proxy = await HttpProxy.to(server.addr.port);
    const https = `http://me:pw@127.0.0.1:${proxy.port}`;
    using client = new TestClient({ caCerts: [cert], proxies: { http: "", https, exceptions: "" } });
    for (let i = 0; i < 2; i++) {
      const result = await client.send("https://a.test/");
      assertEquals([result.proto, bodyText(result), result.error], ["HTTP/2.0", "secret", ""]);
    }
    assertEquals(proxy.seen, [`Basic ${btoa("me:pw")} to a.test`]);
    const wrong = await client.send("https://b.test/");
    assertEquals([wrong.errorCode, wrong.error], [1311, "x509: certificate doesn't match hostname"]);
  }
  await server.shutdown();
});

Deno.test("a proxy over TLS: plain requests and tunnels, TLS inside of TLS, both certificates are checked", async () => {
  const server = await makeCertificate("a.test", "DNS:a.test");
  const front = await makeCertificate("localhost", "IP:127.0.0.1");
  const settings = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const plain = Deno.serve(settings, () => new Response("plain"));
  const secure = Deno.serve({ ...settings, cert: server.certificate, key: server.key }, () => new Response("secure"));
  {
    await using forwarder = await HttpProxy.to(plain.addr.port);
    await using tunnel = await HttpProxy.to(secure.addr.port);
    await using forwarderFront = new TlsFront(forwarder.port, front);
    await using tunnelFront = new TlsFront(tunnel.port, front);
    const proxies = {
      http: `https://me:pw@127.0.0.1:${forwarderFront.port}`,
      https: `https://me:pw@127.0.0.1:${tunnelFront.port}`,
      exceptions: "",
    };
    using client = new TestClient({ caCerts: [server.certificate, front.certificate], proxies });
    for (let i = 0; i < 2; i++) {
      const one = await client.send("http://a.test/");
      assertEquals([one.error, bodyText(one), one.tlsVersion, one.remotePort], [
        "",
        "plain",
        "tls1.3",
        forwarderFront.port,
      ]);
      const other = await client.send("https://a.test/");
      assertEquals([other.error, other.proto, bodyText(other), other.remotePort], [
        "",
        "HTTP/2.0",
        "secure",
        tunnelFront.port,
      ]);
      if (i > 0) continue;
      assert(one.connecting > 0 && one.tlsHandshaking > 0 && one.blocked >= one.connecting + one.tlsHandshaking);
      assert(other.connecting > 0 && other.blocked >= other.connecting + other.tlsHandshaking);
    }
    assertEquals([forwarderFront.connections, tunnelFront.connections], [1, 1]);
    assertEquals([forwarder.seen.length, tunnel.seen], [2, [`Basic ${btoa("me:pw")} to a.test`]]);
    const tall = "x".repeat(300_000);
    const large = await client.send("https://a.test/", { method: "POST", body: new TextEncoder().encode(tall) });
    assertEquals(large.status, 200);

    using doubting = new TestClient({ caCerts: [server.certificate], proxies });
    for (const url of ["http://a.test/", "https://a.test/"]) {
      const { errorCode, error } = await doubting.send(url);
      assertEquals([errorCode, error], [1310, "proxy: x509: unknown authority"]);
    }
    using named = new TestClient({
      caCerts: [server.certificate, front.certificate],
      addressRules: { hosts: { "proxy.test": "127.0.0.1" }, blockedNames: [], blockedNetworks: [] },
      proxies: { ...proxies, https: `https://proxy.test:${tunnelFront.port}` },
    });
    const { errorCode, error } = await named.send("https://a.test/");
    assertEquals([errorCode, error], [1311, "proxy: x509: certificate doesn't match hostname"]);
    using plainly = new TestClient({
      proxies: { http: "", https: `https://127.0.0.1:${forwarder.port}`, exceptions: "" },
    });
    assertEquals((await plainly.send("https://a.test/")).errorCode, 1301);
  }
  await Promise.all([plain.shutdown(), secure.shutdown()]);
});

Deno.test("kinds of proxies, their ports where none is given, and their users", () => {
  for (
    const [http, expected] of [
      ["proxy", "http proxy 80"],
      ["HTTPS://proxy", "https proxy 443"],
      ["socks5://u:p%40@proxy", "socks5 proxy 1080 u p@"],
      ["socks5h://proxy:80/", "socks5 proxy 80"],
      ["socks5://[::1]", "socks5 ::1 1080"],
    ] as const
  ) {
    const proxy = new Proxies({ http, https: "", exceptions: "" }).of(parseHttpUrl("http://a.test/"))!;
    const kind = proxy.secure ? "https" : proxy.kind;
    const user = proxy.kind === "socks5" ? `${proxy.username} ${proxy.password}` : "";
    assertEquals(`${kind} ${proxy.hostname} ${proxy.port} ${user}`.trim(), expected);
  }
});

Deno.test("what a proxy refuses or breaks off is an error that names it", async () => {
  for (
    const [answer, error] of [
      [
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "proxy: 407 Proxy Authentication Required",
      ],
      ["HTTP/1.1 502\r\n\r\n", "proxy: 502"],
      ["SSH-2.0-x\r\n\r\n", 'proxy: malformed HTTP response "SSH-2.0-x"'],
      ["HTTP/1.1 200 OK\r\n\r\nearly", "proxy: bytes after the answer"],
      [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`, "proxy: its answer is too long"],
      ["", "EOF"],
      ["HTTP/1.1 200 O", "unexpected EOF"],
    ] as const
  ) {
    await using proxy = startRawServer(async (peer) => {
      await peer.head();
      await peer.send(answer);
    });
    const https = `127.0.0.1:${proxy.port}`;
    using client = new TestClient({ proxies: { http: "", https, exceptions: "" } });
    const result = await client.send("https://a.test/");
    assertEquals([result.status, result.errorCode, result.error], [0, 1000, error]);
  }
});

Deno.test("a proxy that says nothing, or isn't there, is a time-out or a refusal", async () => {
  const gone = startFixedServer(OK);
  await gone[Symbol.asyncDispose]();
  const nowhere = `127.0.0.1:${gone.port}`;
  using refused = new TestClient({ proxies: { http: nowhere, https: nowhere, exceptions: "" } });
  for (const url of ["http://a.test/", "https://a.test/"]) {
    const { errorCode, error } = await refused.send(url);
    assertEquals([errorCode, error], [1212, "dial: connection refused"]);
  }
  await using silent = startRawServer((peer) => peer.closed());
  for (const scheme of ["http", "https"]) {
    const proxy = `${scheme}://127.0.0.1:${silent.port}`;
    using client = new TestClient({ proxies: { http: proxy, https: proxy, exceptions: "" } });
    for (const url of ["http://a.test/", "https://a.test/"]) {
      const { errorCode, error } = await client.send(url, { timeoutMs: 50 });
      assertEquals([errorCode, error], [1050, "request timeout"]);
    }
  }
});

Deno.test("a blocked host stays blocked behind a proxy", async () => {
  await using proxy = startFixedServer(OK);
  const addressRules = { hosts: {}, blockedNames: ["*.blocked.test"], blockedNetworks: ["10.0.0.0/8"] };
  using client = new TestClient({
    addressRules,
    proxies: { http: `127.0.0.1:${proxy.port}`, https: "", exceptions: "" },
  });
  assertEquals((await client.send("http://a.blocked.test/")).errorCode, 1111);
  assertEquals((await client.send("http://[::ffff:10.1.2.3]/")).errorCode, 1110);
  assertEquals((await client.send("http://a.test/")).status, 200);
});
