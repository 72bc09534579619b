import { assertEquals, assertThrows } from "@std/assert";
import { BodyError, buildRequest, redirectRequest } from "../../src/api/http_request.ts";
import { Response } from "../../src/api/http_response.ts";
import { file } from "../../src/api/multipart.ts";
import { url } from "../../src/api/url_template.ts";
import { NetError } from "../../src/net/errors.ts";
import { wholeBody } from "../../src/net/request_body.ts";
import type { HttpResult } from "../../src/net/types.ts";
import { parseHttpUrl } from "../../src/net/url.ts";
import { consolidate } from "../../src/options/consolidate.ts";

const { options } = consolidate({ script: undefined, env: {}, flags: {}, exportedFunctions: ["default"] });

const RESULT: HttpResult = {
  status: 200,
  statusText: "OK",
  proto: "HTTP/1.1",
  rawHeaders: ["set-cookie", "a=1; Path=/x; HttpOnly", "Set-Cookie", "b=2"],
  hasSetCookie: true,
  hasContentEncoding: false,
  body: null,
  remoteIp: "127.0.0.1",
  remotePort: 80,
  tlsVersion: "",
  tlsCipherSuite: "",
  errorCode: 0,
  error: "",
  endedAtEpochMs: 0,
  blocked: 0,
  connecting: 0,
  tlsHandshaking: 0,
  sending: 0,
  waiting: 0,
  receiving: 0,
};

Deno.test("a redirect that turns POST into GET drops the body and keeps the headers", () => {
  const request = buildRequest("POST", "http://a.test/1", "text", { headers: { "Content-Type": "text/x" } }, options);
  for (const status of [301, 302, 303]) {
    const next = redirectRequest(request, request, status, "/2", parseHttpUrl("http://a.test/2"));
    assertEquals([next.wire.method, next.wire.body, next.body], ["GET", null, ""]);
    assertEquals(next.wire.headers.includes("Content-Type: text/x\r\n"), true);
    assertEquals(next.wire.headers.includes("Content-Length"), false);
  }
  const kept = redirectRequest(request, request, 307, "/2", parseHttpUrl("http://a.test/2"));
  assertEquals([kept.wire.method, kept.body], ["POST", "text"]);
});

Deno.test("credentials and cookies don't follow a redirect to another host", () => {
  const request = buildRequest(
    "GET",
    "http://u:p@a.test/",
    null,
    { headers: { Cookie: "a=1", "X-Own": "1" }, cookies: { b: "2" } },
    options,
  );
  const next = redirectRequest(request, request, 302, "http://b.test/", parseHttpUrl("http://b.test/"));
  assertEquals(next.headers.filter((_, i) => i % 2 === 0), ["X-Own", "User-Agent", "Referer"]);
  assertEquals(next.cookies, []);
  const subdomain = redirectRequest(request, request, 302, "http://b.a.test/", parseHttpUrl("http://b.a.test/"));
  assertEquals(subdomain.headers.filter((_, i) => i % 2 === 0).sort(), [
    ...["Authorization", "Cookie", "Referer", "User-Agent", "X-Own"],
  ]);
  assertEquals(subdomain.cookies, request.cookies);
});

Deno.test("a redirect says where it comes from, without credentials, but not from HTTPS to HTTP", () => {
  const refererOf = (from: string, to: string, headers = {}) => {
    const request = buildRequest("GET", from, null, { headers }, options);
    const next = redirectRequest(request, request, 302, to, parseHttpUrl(to));
    return /^Referer: (.*)\r$/m.exec(next.wire.headers)?.[1];
  };
  assertEquals(refererOf("http://u:p@a.test/x?y", "http://a.test/"), "http://a.test/x?y");
  assertEquals(refererOf("http://a.test/", "https://b.test/"), "http://a.test/");
  assertEquals(refererOf("https://a.test/", "http://a.test/"), undefined);
  assertEquals(refererOf("http://a.test/", "http://a.test/2", { referer: "own" }), "own");
  const first = buildRequest("GET", "http://a.test/1", null, null, options);
  const second = redirectRequest(first, first, 302, "/2", parseHttpUrl("http://a.test/2"));
  const third = redirectRequest(first, second, 302, "/3", parseHttpUrl("http://a.test/3"));
  assertEquals(third.wire.headers.includes("Referer: http://a.test/2\r\n"), true);
});

Deno.test("a script's Host goes along to a relative Location only; credentials of a Location are sent", () => {
  const request = buildRequest("GET", "http://a.test/", null, { headers: { Host: "own.test" } }, options);
  const hostAfter = (location: string, target: string) =>
    redirectRequest(request, request, 302, location, parseHttpUrl(target)).wire.headers.split("\r\n")[0];
  assertEquals(hostAfter("/2", "http://a.test/2"), "Host: own.test");
  assertEquals(hostAfter("http://a.test/2", "http://a.test/2"), "Host: a.test");
  const url = "http://u:p@b.test/";
  const { wire, name } = redirectRequest(request, request, 302, url, parseHttpUrl(url));
  assertEquals(wire.headers.includes("Authorization: Basic dTpw\r\n"), true);
  assertEquals(name, "http://****:****@b.test/");
});

Deno.test("NTLM keeps to HTTP/1.1, on its own host; digest does not", () => {
  const build = (auth: string) => buildRequest("GET", "https://u:p@a.test/", null, { auth }, options);
  const http1Only = [build("ntlm"), build("digest")].map(({ wire }) => wire.http1Only);
  assertEquals(http1Only, [true, false]);
  const redirected = ["https://a.test/2", "https://b.test/"].map((url) =>
    redirectRequest(build("ntlm"), build("ntlm"), 302, url, parseHttpUrl(url)).wire.http1Only
  );
  assertEquals(redirected, [true, false]);
});

Deno.test("a user can't break the header of a digest", () => {
  const build = (url: string) => buildRequest("GET", url, null, { auth: "digest" }, options);
  assertThrows(
    () => build("http://u%0D%0AX-Evil:p@a.test/"),
    NetError,
    'invalid header field value for "Authorization"',
  );
  assertEquals(build("http://u:p%0D%0A@a.test/").auth?.credentials.password, "p\r\n");
});

Deno.test("http.url groups requests under its template, which a tag name overrides", () => {
  const template = url`${"http://a.test"}/items/${7}?q=${"x y"}`;
  const request = buildRequest("GET", template, null, null, options);
  assertEquals([request.url, request.name], ["http://a.test/items/7?q=x%20y", "${}/items/${}?q=${}"]);
  assertEquals(buildRequest("GET", template, null, { tags: { name: "own" } }, options).name, "own");
  assertEquals(url`http://u:p@a.test/`.clean_url, "http://****:****@a.test/");
  assertEquals(url`http://u:p@a.test/${1}`.name, "http://****:****@a.test/${}");
  assertEquals(url`http://${"u"}:${"p"}@a.test/${1}`.name, "http://${}:${}@a.test/${}");
});

Deno.test("a method is sent as it is written", () => {
  assertEquals(buildRequest("get", "http://a.test/", null, null, options).wire.method, "get");
});

Deno.test("the body of an answer to HEAD is empty text, unless bodies are discarded", () => {
  const body = (method: string, responseType?: string): unknown => {
    const request = buildRequest(method, "http://a.test/", null, { responseType }, options);
    return new Response(RESULT, request, request.url, "", 0).body;
  };
  assertEquals([body("HEAD"), body("HEAD", "none"), body("GET")], ["", null, null]);
  assertEquals(body("HEAD", "binary"), new ArrayBuffer(0));
});

Deno.test("a response has the cookies that it sets, and an empty OCSP answer", () => {
  const request = buildRequest("GET", "http://a.test/", null, null, options);
  const response = new Response(RESULT, request, request.url, "", 0);
  assertEquals(Object.keys(response.cookies), ["a", "b"]);
  assertEquals(response.cookies.a![0]!.http_only, true);
  assertEquals([response.ocsp.status, response.ocsp.produced_at], ["", 0]);
});

Deno.test("a long body of bytes is sent from the script's buffer, a short one from a copy", () => {
  const bodyOf = (body: unknown) => wholeBody(buildRequest("POST", "http://a.test/", body, null, options).wire.body!);
  const long = new Uint8Array(2_000_000);
  assertEquals(bodyOf(long.buffer).buffer === long.buffer, true);
  assertEquals(bodyOf(long.subarray(1)).buffer === long.buffer, true);
  const short = Uint8Array.of(1, 2, 3);
  assertEquals([bodyOf(short).buffer === short.buffer, [...bodyOf(short.subarray(1))]], [false, [2, 3]]);
});

Deno.test("what params must not be throws when the request is made", () => {
  const build = (params: Record<string, unknown>) => buildRequest("GET", "http://a.test/", null, params, options);
  assertThrows(() => build({ tags: { a: {} } }), TypeError, "invalid value for metric tag 'a'");
  assertThrows(() => build({ tags: { name: [] } }), TypeError, "invalid value for metric tag 'name'");
  assertThrows(() => build({ responseCallback: () => true }), TypeError, "unsupported responseCallback");
  assertThrows(() => build({ compression: "lzw" }), TypeError, "unknown compression 'lzw'");
  assertEquals(build({ redirects: "none" }).redirects, 0);
  assertEquals(build({ tags: { a: null } }).tags, null);
});

Deno.test("what can't be sent is told in Go's words", () => {
  const build = (method: string, body: unknown, headers = {}) => () =>
    buildRequest(method, "http://a.test/", body, { headers }, options);
  assertThrows(build("A B", null), NetError, 'net/http: invalid method "A B"');
  assertThrows(build("GET", null, { "A B": "1" }), NetError, 'net/http: invalid header field name "A B"');
  for (const body of [5, true, 5n, () => 1, Symbol("x")]) {
    assertThrows(build("POST", body), BodyError, `unknown request body type ${typeof body}`);
  }
  for (const url of [undefined, null, 5, {}]) {
    const wrong = () => buildRequest("GET", url, null, null, options);
    assertThrows(wrong, NetError, "invalid URL: a string is expected, not");
  }
});

Deno.test("a script's content type stands, for files, too", () => {
  const body = { f: file("text", "a.txt") };
  const headers = { "content-type": "multipart/related" };
  const { wire } = buildRequest("POST", "http://a.test/", body, { headers }, options);
  assertEquals(/^Content-Type: (.*)\r$/m.exec(wire.headers)?.[1], "multipart/related");
});

Deno.test("headers stand in Go's order; an empty user agent is none", () => {
  const headers = { "x-b": "2", accept: "*/*", "X-A": "1" };
  const blockOf = (more: Record<string, string>) =>
    buildRequest("POST", "http://a.test/", "hi", { headers: { ...headers, ...more } }, options).wire.headers;
  const others = "Content-Length: 2\r\nAccept: */*\r\nX-A: 1\r\nX-B: 2\r\n";
  assertEquals(blockOf({ "User-Agent": "own" }), `Host: a.test\r\nUser-Agent: own\r\n${others}`);
  assertEquals(blockOf({ "User-Agent": "" }), `Host: a.test\r\n${others}`);
});

Deno.test("headers that frame a message are k6d's own", () => {
  const headers = { "transfer-encoding": "chunked", Trailer: "X", "content-length": "2", host: "", "user-agent": "x" };
  const { wire } = buildRequest("POST", "http://a.test:81/", "hi", { headers }, options);
  assertEquals(wire.headers, "Host: a.test:81\r\nUser-Agent: x\r\nContent-Length: 2\r\n");
});
