/** HTTP/2 and TLS as scripts choose and see them. */

import { assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../net/certificate.ts";
import { answer, startFrameServer } from "../net/http2/frame_server.ts";
import { goAway, headers, resetStream } from "../net/http2/peer.ts";
import { startNginx } from "../net/nginx.ts";
import { startRawServer } from "../net/raw_server.ts";
import { nginx, testWithPrograms } from "../support/debian.ts";
import { freePort } from "../support/free_port.ts";
import { consoleMessages, type K6dResult, logEntries, runK6d, runSuccessfully } from "./support/k6d.ts";

const INSECURE = { insecureSkipTLSVerify: true };

/** A script with these options and this iteration. */
function script(url: string, body: string, options: Readonly<Record<string, unknown>> = {}): string {
  return `import http from "k6/http";
export const options = ${JSON.stringify({ ...INSECURE, ...options })};
const url = ${JSON.stringify(url)};
export default async function () {
${body}
}`;
}

const errors = (result: K6dResult) => logEntries(result.stderr).filter(({ level }) => level === "error");

Deno.test("a batch, async requests and blocked ones go over one connection for each virtual user, and say HTTP/2.0", async () => {
  await using server = await startFrameServer((connection, id) => connection.send(answer(id, `${connection.index}`)));
  const result = await runSuccessfully({
    files: script(
      server.url,
      `const facts = ({ proto, tls_version, body }) => [proto, tls_version, body].join(" ");
console.log(http.batch([url, url + "/b", url + "/c"]).map(facts).join());
console.log((await Promise.all([http.asyncRequest("GET", url), http.asyncRequest("POST", url, "x")])).map(facts).join());
console.log(facts(http.get(url)), http.get(url).timings.tls_handshaking, http.get(url).status_text);
const blocked = { get response() { return http.get(url); } };
console.log(facts(blocked.response));`,
    ),
  });
  const over = (connection: number, count: number) => Array(count).fill(`HTTP/2.0 tls1.3 ${connection}`).join();
  assertEquals(consoleMessages(result), [over(0, 3), over(0, 2), `${over(0, 1)} 0 200 OK`, over(1, 1)]);
});

Deno.test("redirects lead from HTTP/2 to HTTP/1.1 and back", async () => {
  await using plain = startRawServer(async (peer) => {
    while (await peer.head() !== null) {
      await peer.send(`HTTP/1.1 302 Found\r\nLocation: ${secure.url}/end\r\nContent-Length: 0\r\n\r\n`);
    }
  });
  await using secure = await startFrameServer((connection, id, _index, path) => {
    if (path === "/end") connection.send(answer(id, "the end"));
    else connection.send(headers(id, { ":status": "302", location: `${plain.url}/` }, true));
  });
  const result = await runSuccessfully({
    files: script(
      secure.url,
      `const { proto, body } = http.get(url);
console.log(proto, body, http.get(url, { redirects: 1 }).proto, http.get(url, { redirects: 0 }).proto);`,
    ),
  });
  assertEquals(consoleMessages(result), ["HTTP/2.0 the end HTTP/1.1 HTTP/2.0"]);
  assertEquals([secure.connections.length, plain.connections], [1, 1]);
});

testWithPrograms("HTTP/1.1 is chosen by option, flag, variable, and as for Go's programs", [nginx], async () => {
  await using server = await startNginx({ "/page": "hello" });
  const protocolWith = async (
    { options = {}, env = {}, args = [] }: {
      options?: Record<string, unknown>;
      env?: Record<string, string>;
      args?: string[];
    },
  ) =>
    consoleMessages(
      await runSuccessfully({
        files: script(`${server.http2Url}/page`, "console.log(http.get(url).proto);", options),
        args: ["run", "--quiet", ...args, "script.js"],
        env,
      }),
    );
  assertEquals(await protocolWith({}), ["HTTP/2.0"]);
  assertEquals(await protocolWith({ options: { http2: false } }), ["HTTP/1.1"]);
  assertEquals(await protocolWith({ env: { K6D_HTTP2: "false" } }), ["HTTP/1.1"]);
  assertEquals(await protocolWith({ env: { GODEBUG: "x=1,http2client=0" } }), ["HTTP/1.1"]);
  assertEquals(await protocolWith({ env: { GODEBUG: "http2client=0" }, args: ["--http2=true"] }), ["HTTP/2.0"]);
});

Deno.test("what a server does to a stream or a connection has k6's code, and the next request works", async () => {
  await using server = await startFrameServer((connection, id, index) => {
    if (connection.index === 0 && index === 0) connection.send(resetStream(id, 2));
    else if (connection.index === 0 && index === 1) connection.send(goAway(id, 2)), connection.end();
    else connection.send(answer(id));
  });
  const result = await runSuccessfully({
    files: script(
      server.url,
      `for (let i = 0; i < 3; i++) {
  const { status, error_code, error } = http.get(url);
  console.log(status, error_code, error);
}`,
    ),
  });
  assertEquals(consoleMessages(result), [
    "0 1633 http2: stream error with http2 ErrCode INTERNAL_ERROR",
    "0 1613 http2: received GoAway with http2 ErrCode INTERNAL_ERROR",
    "200 0 ",
  ]);
});

testWithPrograms("tlsAuth shows its certificate, tlsVersion keeps to one", [nginx], async () => {
  const port = freePort();
  await using _server = await startNginx(
    {},
    `ssl_verify_client optional_no_ca; server { listen 127.0.0.1:${port} ssl; return 200 "$ssl_protocol $ssl_client_s_dn"; }`,
  );
  const { certificate: cert, key } = await makeCertificate("somebody", "DNS:somebody");
  const encrypted = await encrypt(key, "secret");
  const result = await runSuccessfully({
    files: script(`https://127.0.0.1:${port}/`, `console.log(http.get(url).body);`, {
      tlsVersion: { min: "tls1.0", max: "tls1.2" },
      tlsAuth: [{ cert, key, domains: ["example.com"] }, { cert, key: encrypted, password: "secret" }],
    }),
  });
  assertEquals(consoleMessages(result), ["TLSv1.2 CN=somebody"]);
});

Deno.test("client certificates that can't be used, and versions that there aren't, end the run with one line", async () => {
  const { certificate: cert, key } = await makeCertificate("one", "DNS:one");
  const other = await makeCertificate("two", "DNS:two");
  const encrypted = await encrypt(key, "secret");
  const cases: readonly (readonly [options: Record<string, unknown>, message: RegExp])[] = [
    [{ tlsAuth: [{ cert, key: "x" }] }, /option "tlsAuth", entry 1: key is no private key in PEM/],
    [{ tlsAuth: [{ cert: "x", key }] }, /option "tlsAuth", entry 1: cert is no certificate in PEM/],
    [{ tlsAuth: [{ cert, key }, { cert, key: other.key }] }, /entry 2: the key is not that of the certificate$/],
    [{ tlsAuth: [{ cert, key: encrypted }] }, /the key is encrypted: add its password$/],
    [{ tlsAuth: [{ cert, key: encrypted, password: "no" }] }, /can't be decrypted: is that its password\?$/],
    [{ tlsVersion: "tls1.1" }, /no version below tls1.2, so that it can't connect by "tls1.1"$/],
    [{ tlsVersion: { min: "tls1.3", max: "tls1.2" } }, /option "tlsVersion": "tls1.3" is above "tls1.2"$/],
  ];
  for (const [options, message] of cases) {
    const result = await runK6d({ files: script("https://127.0.0.1", "", options) });
    assertEquals([result.code, errors(result).length], [104, 1], result.stderr);
    assertMatch(errors(result)[0]!.msg!, message);
  }
});

/** A key with a password. */
async function encrypt(key: string, password: string): Promise<string> {
  const child = new Deno.Command("openssl", {
    args: ["pkcs8", "-topk8", "-passout", `pass:${password}`],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await new Response(key).body!.pipeTo(child.stdin);
  return await new Response(child.stdout).text();
}
