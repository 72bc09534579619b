import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  canonicalHeaderName,
  checkHeader,
  getHeader,
  requestHeaderPairs,
  requestHeadersForScript,
  responseHeaders,
  setHeader,
} from "../../src/api/headers.ts";
import { NetError } from "../../src/net/errors.ts";

Deno.test("header names become canonical, what is no token stays", () => {
  const cases = [
    ["x-lower", "X-Lower"],
    ["X-MiXed-case", "X-Mixed-Case"],
    ["CONTENT-TYPE", "Content-Type"],
    ["etag", "Etag"],
    ["www-authenticate", "Www-Authenticate"],
    ["x--a_b.c", "X--A_b.c"],
    ["with space", "with space"],
    ["żółw", "żółw"],
    ["", ""],
  ] as const;
  for (const [name, canonical] of cases) assertEquals(canonicalHeaderName(name), canonical);
});

Deno.test("a canonical name is its own canonical name and differs in case only", () => {
  fc.assert(fc.property(fc.string(), (name) => {
    const canonical = canonicalHeaderName(name);
    assertEquals(canonicalHeaderName(canonical), canonical);
    assertEquals(canonical.toLowerCase(), name.toLowerCase());
  }));
});

Deno.test("any number of headers becomes pairs, each name in its first place with its last value", () => {
  const spelling = fc.constantFrom("x-a", "X-A", "X-a", "x-B", "X-b");
  const names = fc.array(fc.oneof(spelling, fc.stringMatching(/^[a-z]{1,6}$/)), { maxLength: 80 });
  fc.assert(fc.property(names, (names) => {
    const headers = Object.fromEntries(names.map((name, i) => [name, i]));
    const pairs: string[] = [];
    for (const [name, value] of Object.entries(headers)) setHeader(pairs, canonicalHeaderName(name), String(value));
    assertEquals(requestHeaderPairs(headers), pairs);
  }));
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x-${i}`, i]));
  assertEquals(requestHeaderPairs(many).length, 200_000);
});

Deno.test("a script's header values become text and the later spelling of a name wins", () => {
  assertEquals(
    requestHeaderPairs({ "x-number": 5, "X-Bool": true, "X-Empty": "", "X-NUMBER": " six " }),
    ["X-Number", "six", "X-Bool", "true", "X-Empty", ""],
  );
});

Deno.test("a header that would break the message is refused in Go's words", () => {
  const value = 'net/http: invalid header field value for "X-A"';
  assertThrows(() => requestHeaderPairs({ "X-A": "v\r\nX-Evil: 1" }), NetError, value);
  assertThrows(() => requestHeaderPairs({ "X-A": "v\0" }), NetError, value);
  assertThrows(() => requestHeaderPairs({ "X A": "v" }), NetError, 'net/http: invalid header field name "X A"');
  assertThrows(() => requestHeaderPairs({ "": "v" }), NetError, 'field name ""');
  assertThrows(() => requestHeaderPairs({ "X:\n": "v" }), NetError, 'field name "X:\\n"');
  checkHeader("X-Tab", "a\tb ż");
});

Deno.test("no accepted header can start another line", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
    try {
      checkHeader(name, value);
    } catch (error) {
      assertEquals(error instanceof NetError && error.message.startsWith("net/http: invalid header field "), true);
      return;
    }
    assertEquals(/[\r\n\0]/.test(name + value), false);
  }));
});

Deno.test("what says how a body came is not among the headers of a response", () => {
  assertEquals(responseHeaders(["transfer-encoding", "chunked", "Content-Length", "1", "Trailer", "X-T", "X", "1"]), {
    X: "1",
  });
  assertEquals(responseHeaders(["Content-Length", "3", "content-length", "3"]), { "Content-Length": "3" });
});

Deno.test("repeated response headers are joined", () => {
  assertEquals(responseHeaders(["x-thing", "one", "Content-Type", "text/html", "X-Thing", "two"]), {
    "X-Thing": "one, two",
    "Content-Type": "text/html",
  });
});

Deno.test("a header named like an object's inheritance does no harm", () => {
  assertEquals(responseHeaders(["__proto__", "a", "constructor", "b"]).Constructor, "b");
  assertEquals(requestHeadersForScript(["__proto__", "a", "valueOf", "b"]).Valueof, ["b"]);
});

Deno.test("request headers are shown as lists of values", () => {
  assertEquals(requestHeadersForScript(["User-Agent", "own", "cookie", "a=1", "Cookie", "b=2"]), {
    "User-Agent": ["own"],
    "Cookie": ["a=1", "b=2"],
  });
});

Deno.test("headers are found in any case and set in place", () => {
  const pairs = ["content-length", "5", "X-One", "1"];
  assertEquals(getHeader(pairs, "Content-Length"), "5");
  assertEquals(getHeader(pairs, "X-Two"), undefined);
  setHeader(pairs, "X-One", "2");
  setHeader(pairs, "X-Two", "3");
  assertEquals(pairs, ["content-length", "5", "X-One", "2", "X-Two", "3"]);
});
