/** HTTP as scripts use it, end to end, and the series that it makes. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { decompressBody } from "../../src/api/compression.ts";
import { type RawServer, startRawServer } from "../net/raw_server.ts";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { startTarget } from "../support/target.ts";
import { consoleMessages, runSuccessfully, summaryRow } from "./support/k6d.ts";

/** Runs an iteration's body against a server; returns what it logged. */
async function logOf(url: string, body: string, ...args: string[]): Promise<string[]> {
  const result = await runSuccessfully({
    files: `import http from "k6/http";\nconst url = ${JSON.stringify(url)};\nexport default function () {\n${body}\n}`,
    args: ["run", "--quiet", ...args, "script.js"],
  });
  return consoleMessages(result);
}

/** Redirects `/302/rest` with that status to `/rest`, sets a cookie on the way, and keeps each request as `METHOD path cookies body`. */
function startRedirectingServer(): { readonly server: RawServer; readonly seen: readonly string[] } {
  const seen: string[] = [];
  const server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const [method, path] = head.split(" ", 2) as [string, string];
      const body = await peer.body(Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0));
      const cookie = /cookie: (.*)\r/i.exec(head)?.[1];
      seen.push([method, path, cookie, body].filter((part) => part).join(" "));
      const [, status, target] = /^\/(\d+)\/(.*)$/.exec(path) ?? [];
      const answer = status === undefined
        ? "HTTP/1.1 200 OK\r\n"
        : `HTTP/1.1 ${status} Moved\r\nLocation: /${target}\r\nSet-Cookie: seen=${status}; Path=/\r\n`;
      await peer.send(`${answer}Content-Length: 2\r\n\r\nok`);
    }
  });
  return { server, seen };
}

Deno.test("redirects: 302 becomes a GET, 307 keeps method and body, cookies go along, each hop is a request", async () => {
  const { server, seen } = startRedirectingServer();
  await using _ = server;
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export default function () {
  console.log(http.post(__ENV.URL + "/302/end", "body").url);
  console.log(http.post(__ENV.URL + "/307/end", "body").request.method);
  console.log(http.get(__ENV.URL + "/301/302/end", { redirects: 1 }).status);
  console.log(http.get(__ENV.URL + "/301/end", { redirects: 0 }).headers.Location);
}`,
    env: { URL: server.url },
  });
  assertEquals(consoleMessages(result), [`${server.url}/end`, "POST", "302", "/end"]);
  assertEquals(seen, [
    "POST /302/end body",
    "GET /end seen=302",
    "POST /307/end seen=302 body",
    "POST /end seen=307 body",
    "GET /301/302/end seen=307",
    "GET /302/end seen=301",
    "GET /301/end seen=302",
  ]);
  assertMatch(summaryRow(result, "http_reqs")!, /^7 /);
});

Deno.test("cookies last for an iteration", async () => {
  const { server, seen } = startRedirectingServer();
  await using _ = server;
  await logOf(server.url, 'http.get(url + "/302/a"); http.get(url + "/b", { cookies: { own: "1" } });', "-i", "2");
  const iteration = ["GET /302/a", "GET /a seen=302", "GET /b own=1; seen=302"];
  assertEquals(seen, [...iteration, ...iteration]);
});

Deno.test("bodies: text, JSON, a form, bytes; headers of the script win", async () => {
  await using target = startTarget();
  const messages = await logOf(
    `${target.url}/echo`,
    `const echo = (...args) => {
  const { method, headers, body } = http.request(...args).json();
  console.log(method, headers["content-type"], headers["user-agent"], body);
};
echo("POST", url, "ü");
echo("PUT", url, { b: "x y", a: ["1", "2"] });
echo("PATCH", url, JSON.stringify({ a: 1 }), { headers: { "content-type": "application/json", "User-Agent": "me" } });
echo("DELETE", url, new Uint8Array([104, 105]).buffer);`,
    "--user-agent",
    "tester",
  );
  assertEquals(messages, [
    "POST undefined tester ü",
    "PUT application/x-www-form-urlencoded tester a=1&a=2&b=x+y",
    'PATCH application/json me {"a":1}',
    "DELETE undefined tester hi",
  ]);
});

Deno.test("responseType and discardResponseBodies say what becomes of a body", async () => {
  await using target = startTarget();
  const body =
    `const show = ({ body }) => console.log(body === null ? "null" : typeof body, body && (body.length || body.byteLength));
show(http.get(url));
show(http.get(url, { responseType: "text" }));
show(http.get(url, { responseType: "binary" }));
show(http.get(url, { responseType: "none" }));`;
  const url = `${target.url}/bytes/5`;
  assertEquals(await logOf(url, body), ["string 5", "string 5", "object 5", "null null"]);
  assertEquals(await logOf(url, body, "--discard-response-bodies"), ["null null", "string 5", "object 5", "null null"]);
});

Deno.test("credentials in the URL become basic authentication and reach neither log, tags nor summary", async () => {
  await using target = startTarget();
  await using receiver = new RemoteWriteReceiver();
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export default function () {
  const url = __ENV.URL.replace("//", "//me:top%40secret@");
  console.log(http.get(url + "/echo").json("headers.authorization"));
  http.get(url.replace(/:\\d+$/, ":1"));
}`,
    args: ["run", "--summary-mode", "full", "script.js", "-o", `prometheus-rw=${receiver.url}`],
    env: { URL: target.url },
  });
  assertEquals(consoleMessages(result), [`Basic ${btoa("me:top@secret")}`]);
  assert(!/top(%40|@)secret/.test(result.stdout + result.stderr), result.stderr);
  const urls = new Set(receiver.samples("k6_http_reqs_total").map(({ labels }) => labels.url));
  assertEquals([...urls].sort(), [
    "http://****:****@127.0.0.1:1",
    `${target.url.replace("//", "//****:****@")}/echo`,
  ]);
});

Deno.test("tags of requests, virtual users, groups, checks and the run meet in the series", async () => {
  await using target = startTarget();
  await using receiver = new RemoteWriteReceiver();
  await runSuccessfully({
    files: `import http from "k6/http";
import exec from "k6/execution";
import { check, group } from "k6";
import { Counter } from "k6/metrics";
const found = new Counter("found");
export default function () {
  exec.vu.metrics.tags.step = "one";
  group("outer", () => group("inner", () => {
    const response = http.get(__ENV.URL + "/status/404", { tags: { page: "home", step: "two" } });
    check(response, { "is there": (r) => r.status === 200 }, { page: "check" });
    found.add(2, { shelf: "low" });
  }));
}`,
    args: ["run", "-q", "--tag", "run=7", "-o", `prometheus-rw=${receiver.url}`, "script.js"],
    env: { URL: target.url },
  });
  const labels = (name: string) => receiver.samples(name)[0]?.labels;
  const common = { run: "7", scenario: "default" };
  assertEquals(labels("k6_http_reqs_total"), {
    ...common,
    group: "::outer::inner",
    page: "home",
    step: "two",
    method: "GET",
    name: `${target.url}/status/404`,
    url: `${target.url}/status/404`,
    proto: "HTTP/1.1",
    status: "404",
    error_code: "1404",
    expected_response: "false",
  });
  const inGroup = { ...common, step: "one", group: "::outer::inner" };
  assertEquals(labels("k6_checks_rate"), { ...inGroup, check: "is there", page: "check" });
  assertEquals(labels("k6_found_total"), { ...inGroup, shelf: "low" });
  const groups = receiver.samples("k6_group_duration_p99").map((sample) => sample.labels.group);
  assertEquals([...new Set(groups)].sort(), ["::outer", "::outer::inner"]);
});

Deno.test("TLS: an unknown certificate is refused with its code, and accepted when the user says so", async () => {
  const testdata = `${ROOT}tests/output/prometheus/testdata`;
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    cert: Deno.readTextFileSync(`${testdata}/certificate.pem`),
    key: Deno.readTextFileSync(`${testdata}/key.pem`),
    onListen() {},
  }, () => new Response("secure"));
  try {
    const body = `const r = http.get(url);
console.log(r.status, r.error_code, r.body, r.tls_version);`;
    const url = `https://localhost:${server.addr.port}/`;
    assertEquals(await logOf(url, body), ["0 1310 null "]);
    assertEquals(await logOf(url, body, "--insecure-skip-tls-verify"), ["200 0 secure tls1.3"]);
  } finally {
    stop.abort();
    await server.finished;
  }
});

Deno.test("cookie jars: the user's own, for one iteration, and a script's for params.jar", async () => {
  const { server, seen } = startRedirectingServer();
  await using _ = server;
  const result = await runSuccessfully({
    args: ["run", "--quiet", "--iterations", "2", "script.js"],
    files: `import http from "k6/http";
const own = new http.CookieJar();
own.set(${JSON.stringify(server.url)}, "mine", "1", { path: "/own" });
export default function () {
  const url = ${JSON.stringify(server.url)};
  const jar = http.cookieJar();
  jar.set(url, "a", "1");
  jar.set(url, "b", "2");
  jar.delete(url, "b");
  http.get(url + "/users");
  http.batch([["GET", url + "/302/own", null, { jar: own }]]);
  console.log(JSON.stringify(jar.cookiesForURL(url)), JSON.stringify(own.cookiesForURL(url + "/own")));
  jar.clear(url);
  own.delete(url + "/", "seen");
  http.get(url + "/none", { jar: {} });
}`,
  });
  const iteration = ["GET /users a=1", "GET /302/own", "GET /own mine=1; seen=302", "GET /none"];
  assertEquals(seen, [...iteration, ...iteration]);
  assertEquals(consoleMessages(result), Array(2).fill('{"a":["1"]} {"mine":["1"],"seen":["302"]}'));
});

Deno.test("hosts, blockHostnames and blacklistIPs hold for every request, blocking ones and redirects included", async () => {
  const { server, seen } = startRedirectingServer();
  await using _ = server;
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export const options = {
  hosts: { "Good.test": "127.0.0.1:${server.port}", "*.bad.test": "127.0.0.2" },
  blockHostnames: ["*.blocked.test"],
  blacklistIPs: ["127.0.0.2/31"],
};
const page = { get code() { return http.get("http://x.blocked.test/").error_code; } };
export default function () {
  const { url, status } = http.get("http://GOOD.test/302/end");
  const codes = ["http://a.bad.test/", "http://127.0.0.3/", "http://x.Blocked.test"].map((url) => http.get(url).error_code);
  console.log(url, status, codes.join(), page.code);
}`,
  });
  assertEquals(consoleMessages(result), ["http://GOOD.test/end 200 1110,1110,1111 1111"]);
  assertEquals(seen, ["GET /302/end", "GET /end seen=302"]);
});

Deno.test("compression: bodies of all kinds go out encoded, with the headers that say so", async () => {
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const body = await peer.body(Number(/^Content-Length: (\d+)/m.exec(head)?.[1] ?? 0));
      const encoding = /^Content-Encoding: (.*)\r/m.exec(head)?.[1] ?? "none";
      const type = /^Content-Type: ([^;\r]*)/m.exec(head)?.[1] ?? "none";
      const bytes = Uint8Array.from(body, (character) => character.charCodeAt(0));
      const text = new TextDecoder().decode(decompressBody(encoding, bytes)).slice(0, 12);
      const answer = `${encoding}; ${type}; ${body.length < 400 ? "short" : "long"}; ${text}`;
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
    }
  });
  const log = await logOf(
    server.url,
    `const text = "k6d ".repeat(200);
    const send = (body, compression, headers = {}) => console.log(http.post(url, body, { compression, headers }).body);
    for (const each of ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd,gzip,deflate"]) send(text, each);
    send({ a: text }, "gzip");
    send(new TextEncoder().encode(text).buffer, "br");
    send({ f: http.file(text, "f.txt") }, "gzip");
    send(null, "gzip");
    send(text, "");
    send(text, "gzip", { "content-encoding": "x-own", "content-length": "7" });
    console.log(http.post(url, text, { compression: "gzip" }).request.body === text);
    try { send(text, "lzw") } catch (error) { console.log(error.message) }`,
  );
  assertEquals(log, [
    "gzip; none; short; k6d k6d k6d ",
    "deflate; none; short; k6d k6d k6d ",
    "br; none; short; k6d k6d k6d ",
    "zstd; none; short; k6d k6d k6d ",
    "gzip, br; none; short; k6d k6d k6d ",
    "zstd, gzip, deflate; none; short; k6d k6d k6d ",
    "gzip; application/x-www-form-urlencoded; short; a=k6d+k6d+k6",
    "br; none; short; k6d k6d k6d ",
    log[8],
    "none; none; short; ",
    "none; none; long; k6d k6d k6d ",
    log[11],
    "true",
    "unknown compression 'lzw': use gzip, deflate, br, zstd, or several of them",
  ]);
  assertMatch(log[8]!, /^gzip; multipart\/form-data; short; --/);
  assertMatch(log[11]!, /^x-own; none; short; /);
});

Deno.test("Expect: 100-continue: interim answers are passed over, and a refusal needs no body to be taken", async () => {
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      assertMatch(head, /^Expect: 100-continue\r$/m);
      if (head.startsWith("POST /refused")) {
        await peer.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
      }
      await peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
      const body = await peer.body(Number(/^Content-Length: (\d+)/m.exec(head)?.[1]));
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  });
  const log = await logOf(
    server.url,
    `const params = { headers: { Expect: "100-continue" } };
    for (const path of ["/", "/", "/refused"]) {
      const { status, body, headers } = http.post(url + path, "hello", params);
      console.log(status, body, Object.keys(headers).join());
    }`,
  );
  assertEquals(log, ["200 hello Content-Length", "200 hello Content-Length", "417  Content-Length,Connection"]);
});

Deno.test("what a script writes to its buffer after asyncRequest is not sent", async () => {
  await using server = startRawServer(async (peer) => {
    const head = await peer.head();
    const body = await peer.body(Number(/^Content-Length: (\d+)/m.exec(head ?? "")?.[1] ?? 0));
    const answer = body.replaceAll("x", "").length === 0 ? "all x" : "changed";
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
  });
  const log = await logOf(
    server.url,
    `const bytes = new Uint8Array(3000000).fill(120);
    http.asyncRequest("POST", url, bytes.buffer).then((response) => {
      const { body } = response.request;
      console.log(response.body, body.length, body.slice(-3));
    });
    bytes.fill(0);`,
  );
  assertEquals(log, ["all x 3000000 xxx"]);
});

/** Answers each connection's request with the text that its URL asks for: `/?` and the escaped answer. */
function startAskedServer(): RawServer {
  return startRawServer(async (peer) => {
    const head = await peer.head() ?? "";
    await peer.send(decodeURIComponent(head.split(" ")[1]!.slice(2)));
  });
}

Deno.test("redirects: those of Go, to where a Location leads, or a failure that says why not", async () => {
  await using server = startAskedServer();
  const log = await logOf(
    server.url,
    `const hop = (status, location) => {
      const head = "HTTP/1.1 " + status + " X\\r\\nContent-Length: 0\\r\\n" + location + "\\r\\n";
      const { status: end, error, error_code } = http.get(url + "?" + encodeURIComponent(head));
      console.log(end, error_code, error);
    };
    for (const status of [300, 304, 305, 306]) hop(status, "Location: /?HTTP/1.1%20200%20OK%0D%0A%0D%0A\\r\\n");
    for (const status of [301, 302, 303, 307, 308]) hop(status, "Location: /?HTTP/1.1%20200%20OK%0D%0A%0D%0A\\r\\n");
    hop(302, "");
    hop(302, "Location:\\r\\n");
    hop(302, "Location: :x\\r\\n");
    hop(302, "Location: http://a:b@c d/\\r\\n");
    hop(302, "Location: ftp://a:b@c/\\r\\n");`,
  );
  assertEquals(log, [
    ...["300 0 ", "304 0 ", "305 0 ", "306 0 ", "200 0 ", "200 0 ", "200 0 ", "200 0 ", "200 0 ", "302 0 ", "302 0 "],
    '0 1000 failed to parse Location header ":x": parse ":x": missing protocol scheme',
    '0 1000 failed to parse Location header "http://****:****@c d/": parse "http://****:****@c d/": ' +
    'invalid character " " in host name',
    '0 1000 unsupported protocol scheme "ftp"',
  ]);
});

Deno.test("what can't be sent fails as Go would have it fail: a line, a response, and samples of what is a request", async () => {
  const result = await runSuccessfully({
    files: `import http from "k6/http";
const url = "http://127.0.0.1:1/";
export const options = { thresholds: { "http_reqs{name:example.com}": ["count==1"] } };
const show = ({ status, error_code, error }) => console.log(status, error_code, error);
export default async function () {
  show(http.post(url, 5));
  show(http.get());
  show(http.get("http://a b/"));
  show(http.get("example.com", { tags: { name: null } }));
  show(http.get(url, { headers: { "X-A": "1\\n2" } }));
  show(http.request("A B", url));
  http.batch([["POST", url, true], ["GET", url, null, { headers: { "A B": 1 } }]]).forEach(show);
  show(await http.asyncRequest("POST", url, 5n));
  for (const send of [() => http.post(url, 5, { throw: true }), () => http.get(url, { headers: { "": 1 }, throw: true })]) {
    try {
      send();
    } catch (error) {
      console.log(error.message);
    }
  }
  http.get(url, {}, {});
}`,
  });
  assertEquals(consoleMessages(result), [
    "0 1000 unknown request body type number",
    "0 1020 invalid URL: a string is expected, not undefined",
    '0 1020 invalid URL: parse "http://a b/": invalid character " " in host name',
    '0 1000 unsupported protocol scheme ""',
    '0 1000 net/http: invalid header field value for "X-A"',
    '0 1000 net/http: invalid method "A B"',
    "0 1000 unknown request body type boolean",
    '0 1000 net/http: invalid header field name "A B"',
    "0 1000 unknown request body type bigint",
    "unknown request body type number",
    'Get "http://127.0.0.1:1/": net/http: invalid header field name ""',
  ]);
  assertMatch(result.stderr, /http\.get\(\) takes a URL and params, no body/);
  assertMatch(summaryRow(result, "http_reqs")!, /^6 /);
});

Deno.test("cookie jars know no cookies of what is no HTTP URL, and refuse what is no URL", async () => {
  const log = await logOf(
    "",
    `const jar = http.cookieJar();
    for (const url of ["example.com", "ftp://example.com/"]) {
      console.log(jar.set(url, "a", "1"), JSON.stringify(jar.cookiesForURL(url)), jar.delete(url, "a"), jar.clear(url));
    }
    try {
      jar.set("http://a b/", "a", "1");
    } catch (error) {
      console.log(error.message);
    }`,
  );
  const nothing = "true {} undefined undefined";
  assertEquals(log, [nothing, nothing, 'invalid URL: parse "http://a b/": invalid character " " in host name']);
});

Deno.test("a warning tells of redirects that are not followed, unless somebody has set their number", async () => {
  const { server } = startRedirectingServer();
  await using _ = server;
  const warnings = async (params: string, ...args: string[]) => {
    const { stderr } = await runSuccessfully({
      files: `import http from "k6/http";
export default function () { http.get("${server.url}/302/302/302/302/302/302/302/302/302/302/302/end", ${params}); }`,
      args: ["run", "--quiet", ...args, "script.js"],
    });
    return stderr.split("\n").filter((line) => line.includes("Stopped after 10 redirects")).length;
  };
  assertEquals(await warnings("null"), 1);
  assertEquals(await warnings("{ redirects: 10 }"), 0);
  assertEquals(await warnings("null", "--max-redirects", "10"), 0);
});

Deno.test("a script may set the fields of a response", async () => {
  await using target = startTarget();
  const log = await logOf(
    target.url,
    `const response = http.get(url);
    const names = Object.keys(response).filter((name) => typeof response[name] !== "function");
    for (const name of names) response[name] = name;
    console.log(names.length, names.every((name) => response[name] === name));
    console.log(Object.keys(response).length, JSON.parse(JSON.stringify(response)).headers);
    console.log(http.get(url).headers["Content-Type"]);`,
  );
  assertEquals(log, ["16 true", "20 headers", "text/plain;charset=UTF-8"]);
});
