import { assertEquals, assertThrows } from "@std/assert";
import { buildRequest, redirectRequest } from "../../src/api/http_request.ts";
import { Response } from "../../src/api/http_response.ts";
import { url } from "../../src/api/url_template.ts";
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
    const next = redirectRequest(request, status, parseHttpUrl("http://a.test/2"), "http://a.test/2");
    assertEquals([next.wire.method, next.wire.body, next.body], ["GET", null, ""]);
    assertEquals(next.wire.headers.includes("Content-Type: text/x\r\n"), true);
    assertEquals(next.wire.headers.includes("Content-Length"), false);
  }
  const kept = redirectRequest(request, 307, parseHttpUrl("http://a.test/2"), "http://a.test/2");
  assertEquals([kept.wire.method, kept.body], ["POST", "text"]);
});

Deno.test("credentials and cookies don't follow a redirect to another host", () => {
  const request = buildRequest(
    "GET",
    "http://u:p@a.test/",
    null,
    { headers: { Cookie: "a=1", "X-Own": "1" } },
    options,
  );
  const next = redirectRequest(request, 302, parseHttpUrl("http://b.test/"), "http://b.test/");
  assertEquals(next.headers.filter((_, i) => i % 2 === 0), ["X-Own", "User-Agent"]);
});

Deno.test("NTLM keeps to HTTP/1.1, on its own host; digest does not", () => {
  const build = (auth: string) => buildRequest("GET", "https://u:p@a.test/", null, { auth }, options);
  const http1Only = [build("ntlm"), build("digest")].map(({ wire }) => wire.http1Only);
  assertEquals(http1Only, [true, false]);
  const redirected = ["https://a.test/2", "https://b.test/"].map((url) =>
    redirectRequest(build("ntlm"), 302, parseHttpUrl(url), url).wire.http1Only
  );
  assertEquals(redirected, [true, false]);
});

Deno.test("http.url groups requests under its template, which a tag name overrides", () => {
  const template = url`${"http://a.test"}/items/${7}?q=${"x y"}`;
  const request = buildRequest("GET", template, null, null, options);
  assertEquals([request.url, request.name], ["http://a.test/items/7?q=x%20y", "${}/items/${}?q=${}"]);
  assertEquals(buildRequest("GET", template, null, { tags: { name: "own" } }, options).name, "own");
  assertEquals(url`http://u:p@a.test/`.clean_url, "http://****:****@a.test/");
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

Deno.test("headers that frame a message are k6d's own", () => {
  const headers = { "transfer-encoding": "chunked", Trailer: "X", "content-length": "2", host: "", "user-agent": "x" };
  const { wire } = buildRequest("POST", "http://a.test:81/", "hi", { headers }, options);
  assertEquals(wire.headers, "Host: a.test:81\r\nUser-Agent: x\r\nContent-Length: 2\r\n");
});
