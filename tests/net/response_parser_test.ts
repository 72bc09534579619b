import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { ReadBuffers } from "../../src/net/read_buffers.ts";
import { ResponseParser } from "../../src/net/response_parser.ts";

/** What a test looks at in a parsed answer. */
interface Parsed {
  readonly status: number;
  readonly minorVersion: number;
  readonly keepAlive: boolean;
  readonly head: string;
  readonly body: string | null;
  /** Bytes of the stream that were read before the answer was complete. */
  readonly read: number;
}

const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const toBytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Parses a stream that arrives in pieces that end at `cuts`, then ends. */
function parse(
  stream: string,
  cuts: readonly number[] = [],
  options: { head?: boolean; discard?: boolean } = {},
): Parsed {
  const bytes = toBytes(stream);
  const parser = new ResponseParser(new ReadBuffers());
  parser.start(options.head ?? false, options.discard ?? false);
  let at = 0;
  let complete = false;
  while (at < bytes.length && !complete) {
    const window = parser.window();
    const cut = Math.min(cuts.find((position) => position > at) ?? bytes.length, at + window.length, bytes.length);
    window.set(bytes.subarray(at, cut));
    complete = parser.advance(cut - at);
    at = cut;
  }
  if (!complete) parser.endOfStream();
  const { status, minorVersion, keepAlive } = parser;
  const result = {
    status,
    minorVersion,
    keepAlive,
    head: latin1(parser.head),
    body: parser.body === null ? null : latin1(parser.body),
    read: at,
  };
  parser.release();
  return result;
}

const ok = (headers: string, body = "") => `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;

const ANSWERS: Readonly<Record<string, { stream: string; body: string | null; keepAlive: boolean; status?: number }>> =
  {
    "content-length": { stream: ok("Content-Length: 5\r\n", "hello"), body: "hello", keepAlive: true },
    "names in any case": { stream: ok("cOnTeNt-LeNgTh:5\r\n", "hello"), body: "hello", keepAlive: true },
    "bare line feeds": { stream: "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", body: "hi", keepAlive: true },
    "equal lengths twice": {
      stream: ok("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"),
      body: "hi",
      keepAlive: true,
    },
    "an empty body": { stream: ok("Content-Length: 0\r\n"), body: "", keepAlive: true },
    "chunks": {
      stream: ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
      body: "abc0123456789",
      keepAlive: true,
    },
    "chunk extensions and trailers": {
      stream: ok(
        "Transfer-Encoding: chunked\r\n",
        '1;a=b;c="d"\r\nx\r\n2 \r\nyz\r\n000\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n',
      ),
      body: "xyz",
      keepAlive: true,
    },
    "chunked wins over a length": {
      stream: ok("Content-Length: 99\r\nTransfer-Encoding: Chunked\r\n", "1\r\nx\r\n0\r\n\r\n"),
      body: "x",
      keepAlive: true,
    },
    "until close": { stream: ok("X: y\r\n", "to the end"), body: "to the end", keepAlive: false },
    "connection close": {
      stream: ok("Content-Length: 2\r\nConnection: foo, Close\r\n", "hi"),
      body: "hi",
      keepAlive: false,
    },
    "HTTP/1.0": { stream: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", body: "hi", keepAlive: false },
    "HTTP/1.0 kept alive": {
      stream: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
      body: "hi",
      keepAlive: true,
    },
    "no content": {
      stream: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
      body: null,
      keepAlive: true,
      status: 204,
    },
    "not modified": {
      stream: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
      body: null,
      keepAlive: true,
      status: 304,
    },
    "interim answers": {
      stream: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: x\r\n\r\n" +
        ok("Content-Length: 2\r\n", "hi"),
      body: "hi",
      keepAlive: true,
    },
    "tabs and any reason": {
      stream: "HTTP/1.1 200 O\x01\0K\r\nX:\ta\tb\r\nContent-Length:\t2\r\n\r\nhi",
      body: "hi",
      keepAlive: true,
    },
    "status 000": { stream: "HTTP/1.1 000 ?\r\nContent-Length: 0\r\n\r\n", body: "", keepAlive: true, status: 0 },
    "status 99": { stream: "HTTP/1.1 099 ?\r\nContent-Length: 0\r\n\r\n", body: "", keepAlive: true, status: 99 },
    "status 999": { stream: "HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", body: "", keepAlive: true, status: 999 },
    "500 headers": {
      stream: ok(`${"X: y\r\n".repeat(500)}Content-Length: 2\r\n`, "hi"),
      body: "hi",
      keepAlive: true,
    },
    "chunks of a byte": {
      stream: ok("Transfer-Encoding: chunked\r\n", `${"1\r\nx\r\n".repeat(500)}0\r\n\r\n`),
      body: "x".repeat(500),
      keepAlive: true,
    },
    "a length of HTTP/1.0 that names a coding": {
      stream: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi",
      body: "hi",
      keepAlive: false,
    },
    "no reason": { stream: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", body: "hi", keepAlive: true },
    "a head longer than a read buffer": {
      stream: ok(`X-Long: ${"v".repeat(20_000)}\r\nContent-Length: 2\r\n`, "hi"),
      body: "hi",
      keepAlive: true,
    },
    "a body longer than a read buffer": {
      stream: ok("Content-Length: 30000\r\n", "b".repeat(30_000)),
      body: "b".repeat(30_000),
      keepAlive: true,
    },
    "chunks longer than a read buffer": {
      stream: ok("Transfer-Encoding: chunked\r\n", `7530\r\n${"b".repeat(30_000)}\r\n0\r\n\r\n`),
      body: "b".repeat(30_000),
      keepAlive: true,
    },
  };

for (const [name, { stream, body, keepAlive, status }] of Object.entries(ANSWERS)) {
  Deno.test(`an answer is read to its end: ${name}`, () => {
    const parsed = parse(stream);
    assertEquals(parsed.status, status ?? 200);
    assertEquals(parsed.body, body);
    assertEquals(parsed.keepAlive, keepAlive);
    assertEquals(parsed.read, stream.length);
  });
}

Deno.test("any cut of the stream gives the same answer", () => {
  for (const { stream } of Object.values(ANSWERS)) {
    const whole = parse(stream);
    const limit = Math.min(stream.length, 400);
    for (let cut = 1; cut < limit; cut++) assertEquals(parse(stream, [cut]), whole);
  }
});

Deno.test("any number of cuts, wherever they are, gives the same answer", () => {
  const streams = Object.values(ANSWERS).map(({ stream }) => stream);
  fc.assert(fc.property(
    fc.constantFrom(...streams),
    fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 40 }),
    fc.boolean(),
    (stream: string, cuts: number[], discard: boolean) => {
      const sorted = cuts.toSorted((a, b) => a - b);
      assertEquals(parse(stream, sorted, { discard }), parse(stream, [], { discard }));
    },
  ));
});

Deno.test("any body comes back from any chunking", () => {
  fc.assert(fc.property(
    fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 300 }), { maxLength: 20 }),
    fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 10 }),
    (chunks: string[], cuts: number[]) => {
      const coded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
      const stream = ok("Transfer-Encoding: chunked\r\n", `${coded}0\r\n\r\n`);
      assertEquals(parse(stream, cuts.toSorted((a, b) => a - b)).body, chunks.join(""));
    },
  ));
});

Deno.test("any bytes end in an answer or in a NetError, however they are cut alike", () => {
  const outcome = (stream: string, cuts: number[]): unknown => {
    try {
      return parse(stream, cuts);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "NetError") throw error;
      return error.message;
    }
  };
  fc.assert(
    fc.property(
      fc.constantFrom("", "HTTP/1.1 200 OK\r\n", ok("Transfer-Encoding: chunked\r\n"), "HTTP/1.1 2"),
      fc.array(
        fc.constantFrom(
          "\r\n",
          "\n",
          "\r",
          ":",
          " ",
          "0",
          "5",
          "a",
          "zz",
          ";",
          "HTTP/1.1",
          "200",
          "\xff",
          "Content-Length",
          "chunked",
          "Transfer-Encoding: ",
        ),
        { maxLength: 30 },
      ),
      fc.integer({ min: 1, max: 60 }),
      (start: string, pieces: string[], cut: number) => {
        const stream = start + pieces.join("");
        // An error may come before the end of what was read; the outcome must be the same all the same.
        const whole = outcome(stream, []);
        const cutOutcome = outcome(stream, [cut]);
        if (typeof whole === "string") assertEquals(cutOutcome, whole);
        else {assertEquals({ ...(cutOutcome as Parsed), read: 0, keepAlive: true }, {
            ...(whole as Parsed),
            read: 0,
            keepAlive: true,
          });}
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("an answer with any bytes changed, cut anywhere, is an answer or a NetError, and the same one", () => {
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) });
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(ANSWERS).map(({ stream }) => stream.slice(0, 2000))),
      fc.array(edit, { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 12 }),
      fc.boolean(),
      (answer: string, edits: readonly { at: number; byte: number }[], cuts: number[], discard: boolean) => {
        const bytes = toBytes(answer);
        for (const { at, byte } of edits) bytes[Math.floor(at * bytes.length)] = byte;
        const outcome = (cuts: readonly number[]): unknown => {
          try {
            // How much is read before an error, or after the end, depends on the cuts.
            return { ...parse(latin1(bytes), cuts, { discard }), read: 0, keepAlive: true };
          } catch (error) {
            if (!(error instanceof Error) || error.name !== "NetError") throw error;
            return error.message;
          }
        };
        assertEquals(outcome(cuts.toSorted((a, b) => a - b)), outcome([]));
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("the answer to HEAD has no body, whatever its length says", () => {
  const parsed = parse(ok("Content-Length: 5\r\n"), [], { head: true });
  assertEquals([parsed.body, parsed.keepAlive], [null, true]);
});

Deno.test("a discarded body is read but not kept", () => {
  for (const { stream, keepAlive } of Object.values(ANSWERS)) {
    const parsed = parse(stream, [], { discard: true });
    assertEquals([parsed.body, parsed.keepAlive, parsed.read], [null, keepAlive, stream.length]);
  }
});

Deno.test("bytes after the end of an answer end the connection's reuse", () => {
  for (const headers of ["Content-Length: 2\r\n", "Content-Length: 0\r\n"]) {
    assertEquals(parse(ok(headers, "hi and more")).keepAlive, false);
  }
  assertEquals(parse(ok("Transfer-Encoding: chunked\r\n", "0\r\n\r\nmore")).keepAlive, false);
  // A part of the body came with the head, the rest of it and more in one piece.
  const stream = ok("Content-Length: 2\r\n", "hi and more");
  assertEquals(parse(stream, [stream.indexOf("i and")], { discard: true }).keepAlive, false);
});

const MALFORMED: Readonly<Record<string, [stream: string, error: string]>> = {
  "not HTTP": ["THIS IS NOT HTTP\r\n\r\n", 'malformed HTTP status code "IS"'],
  "a status that is no number": ["HTTP/1.1 abc Hello\r\n\r\n", 'malformed HTTP status code "abc"'],
  "bytes of TLS": ["\x15\x03\x03\x00\x02\x022", 'malformed HTTP response "\\x15\\x03\\x03\\x00\\x02\\x022"'],
  "another version": ["HTTP/2.0 200 OK\r\n\r\n", 'malformed HTTP version "HTTP/2.0"'],
  "nothing": ["", "EOF"],
  "a cut status line": ["HTTP/1.1 200 O", "unexpected EOF"],
  "a cut head": ["HTTP/1.1 200 OK\r\nContent-Type: te", "unexpected EOF"],
  "a cut body": [ok("Content-Length: 100\r\n", "only this"), "unexpected EOF"],
  "a cut chunk": [ok("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\nff\r\nshort"), "unexpected EOF"],
  "a header without colon": [ok("nonsense\r\n"), "malformed MIME header line: nonsense"],
  "a bad length": [ok("Content-Length: -1\r\n"), 'bad Content-Length "-1"'],
  "a length beyond all bounds": [
    ok("Content-Length: 99999999999999999999\r\n"),
    'bad Content-Length "99999999999999999999"',
  ],
  "different lengths": [
    ok("Content-Length: 1\r\nContent-Length: 2\r\n"),
    'http: message cannot contain multiple Content-Length headers; got ["1" "2"]',
  ],
  "an unknown coding": [ok("Transfer-Encoding: gzip, chunked\r\n"), 'unsupported transfer encoding: "gzip, chunked"'],
  "a bad chunk size": [ok("Transfer-Encoding: chunked\r\n", "zz\r\n"), "invalid byte in chunk length"],
  "an empty chunk size": [ok("Transfer-Encoding: chunked\r\n", "\r\n"), "empty hex number for chunk length"],
  "a huge chunk size": [ok("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), "http chunk length too large"],
  "a chunk that ends in something else": [
    ok("Transfer-Encoding: chunked\r\n", "1\r\nxZ\n0\r\n\r\n"),
    "malformed chunked encoding",
  ],
  "a chunk's line that ends early": [
    ok("Transfer-Encoding: chunked\r\n", "1\nx\r\n"),
    "chunked line ends with bare LF",
  ],
  "a carriage return in a chunk's line": [
    ok("Transfer-Encoding: chunked\r\n", "1;a=\rb\r\nx\r\n"),
    "invalid CR in chunked line",
  ],
  "chunks that are mostly extensions": [
    ok("Transfer-Encoding: chunked\r\n", `1;${"e".repeat(4000)}\r\nx\r\n`.repeat(5)),
    "chunked encoding contains too much non-data",
  ],
  "a long extension": [ok("Transfer-Encoding: chunked\r\n", `1;${"e".repeat(5000)}\r\n`), "header line too long"],
  "a folded first line": [ok(" folded: x\r\n"), "malformed MIME header initial line:  folded: x"],
  "a NUL in a value": [ok("X: a\0b\r\n"), "malformed MIME header line: X: a\0b"],
  "a carriage return in a value": [
    ok("X: a\rSet-Cookie: b=c\r\n"),
    "malformed MIME header line: X: a\rSet-Cookie: b=c",
  ],
  "a control character in a name": [ok("X\x01: a\r\n"), "malformed MIME header line: X\x01: a"],
  "no name": [ok(": a\r\n"), "malformed MIME header line: : a"],
  "trailers without end": [
    ok("Transfer-Encoding: chunked\r\n", `0\r\n${"X: y\r\n".repeat(12_000)}`),
    "trailer header too large",
  ],
  "a chunk longer than it says": [ok("Transfer-Encoding: chunked\r\n", "1\r\nabc\r\n"), "malformed chunked encoding"],
  "a head without end": [
    ok(`X: ${"y".repeat(300_000)}\r\n`),
    "net/http: server response headers exceeded 262144 bytes; aborted",
  ],
  "switching protocols": ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "unexpected 101 Switching Protocols response"],
  "interim answers without end": [
    "HTTP/1.1 100 Continue\r\n\r\n".repeat(6),
    "net/http: too many 1xx informational responses",
  ],
};

for (const [name, [stream, error]] of Object.entries(MALFORMED)) {
  Deno.test(`malformed answers are refused in Go's words: ${name}`, () => {
    assertThrows(() => parse(stream), Error, error);
    if (stream.length < 1000) assertThrows(() => parse(stream, Array.from(stream, (_, at) => at + 1)), Error, error);
  });
}
