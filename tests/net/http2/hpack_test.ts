import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { Http2ConnectionError } from "../../../src/net/http2/error_codes.ts";
import { HpackDecoder } from "../../../src/net/http2/hpack_decoder.ts";
import { encodeField, HpackEncoder } from "../../../src/net/http2/hpack_encoder.ts";
import { concat } from "../../support/bytes.ts";
import { HpackDecoder as IndependentDecoder } from "../../support/hpack.ts";

const LIMIT = 65_536;

function decodeHex(decoder: HpackDecoder, hex: string): string[] {
  const fields: string[] = [];
  decoder.decode(Uint8Array.fromHex(hex.replaceAll(" ", "")), fields, LIMIT);
  return fields;
}

const REQUESTS: readonly (readonly string[])[] = [
  [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"],
  [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com", "cache-control", "no-cache"],
  [
    ...[":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
    ...["custom-key", "custom-value"],
  ],
];

const DATES = ["Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"] as const;
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const LOCATION = ["location", "https://www.example.com"] as const;
const RESPONSES: readonly (readonly string[])[] = [
  [":status", "302", "cache-control", "private", "date", DATES[0], ...LOCATION],
  [":status", "307", "cache-control", "private", "date", DATES[0], ...LOCATION],
  [
    ...[":status", "200", "cache-control", "private", "date", DATES[1], ...LOCATION],
    ...["content-encoding", "gzip", "set-cookie", COOKIE],
  ],
];

Deno.test("the requests of RFC 7541, appendix C.3 and C.4, are decoded", () => {
  const plain = new HpackDecoder();
  assertEquals(decodeHex(plain, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"), REQUESTS[0]);
  assertEquals(decodeHex(plain, "8286 84be 5808 6e6f 2d63 6163 6865"), REQUESTS[1]);
  const third = "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65";
  assertEquals(decodeHex(plain, third), REQUESTS[2]);
  const compressed = new HpackDecoder();
  assertEquals(decodeHex(compressed, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), REQUESTS[0]);
  assertEquals(decodeHex(compressed, "8286 84be 5886 a8eb 1064 9cbf"), REQUESTS[1]);
  assertEquals(decodeHex(compressed, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"), REQUESTS[2]);
});

Deno.test("the responses of RFC 7541, appendix C.6, are decoded while a table of 256 bytes loses its oldest fields", () => {
  const decoder = new HpackDecoder();
  const first = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad" +
    " 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
  const third = "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2" +
    " e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07";
  // The examples have a table of that size from the start.
  assertEquals(decodeHex(decoder, `3fe1 01 ${first}`), RESPONSES[0]);
  assertEquals(decodeHex(decoder, "4883 640e ffc1 c0bf"), RESPONSES[1]);
  assertEquals(decodeHex(decoder, third), RESPONSES[2]);
});

Deno.test("fields that no name and value may have are told, and the list has a limit", () => {
  const decoder = new HpackDecoder();
  assertEquals(decodeHex(decoder, "0003 583a 31 01 61"), ["X:1", "a"]);
  assert(decoder.isMalformed);
  assertEquals(decodeHex(decoder, "0001 78 01 61"), ["x", "a"]);
  assert(!decoder.isMalformed);
  const fields: string[] = [];
  assertEquals(decoder.decode(Uint8Array.fromHex("000178016188"), fields, 40), 34 + 42);
  assertEquals(fields, ["x", "a"]);
});

Deno.test("what breaks the compression is refused", () => {
  const wrong = [
    ...["80", "be", "ff00", "ffffffffffff7f", "40", "4001", "400178", "400178ff"],
    // Texts beyond the end of the block: of a name, of a value.
    ...["400578", "4001780561", "4001788507"],
    // A table of 4097 bytes, and one that is resized after a field.
    ...["3fe21f", "8220"],
  ];
  for (const hex of wrong) assertThrows(() => decodeHex(new HpackDecoder(), hex), Http2ConnectionError, "COMPRESSION");
});

Deno.test("a field that is larger than the table empties it, and isn't in it", () => {
  const decoder = new HpackDecoder();
  const small = "40 01 78 01 79";
  const large = `40 01 78 7f 81 1f ${"61".repeat(4096)}`;
  assertEquals(decodeHex(decoder, `${small} be`), ["x", "y", "x", "y"]);
  assertEquals(decodeHex(decoder, large), ["x", "a".repeat(4096)]);
  assertThrows(() => decodeHex(decoder, "be"), Http2ConnectionError, "COMPRESSION");
  assertEquals(decodeHex(decoder, `${small} be`), ["x", "y", "x", "y"]);
});

const fieldNames = fc.constantFrom(":path", ":authority", "cookie", "x-id", "user-agent", "content-length", "accept");
const fieldValues = fc.oneof(
  fc.constantFrom("", "/", "a", "value", "0123456789".repeat(30)),
  fc.string({ maxLength: 60 }).filter((text) => /^[ -\x7e]*$/.test(text) && !text.includes("\\")),
);
const requests = fc.array(fc.array(fc.tuple(fieldNames, fieldValues), { maxLength: 8 }), {
  minLength: 1,
  maxLength: 30,
});

Deno.test("what the encoder writes, other decoders read, whatever limits of the table come between", () => {
  const steps = fc.array(fc.tuple(fc.option(fc.constantFrom(0, 50, 100, 300, 4096, 65_536)), fc.nat(9)), {
    maxLength: 40,
  });
  fc.assert(fc.property(requests, steps, (lists, order) => {
    const prepared = lists.map((list) => list.map(([name, value]) => encodeField(name, value)));
    const encoder = new HpackEncoder();
    const own = new HpackDecoder();
    const independent = new IndependentDecoder();
    for (const [limit, pick] of order) {
      if (limit !== null) encoder.limitTable(limit);
      const at = pick % lists.length;
      const block = encoder.encode(prepared[at]!);
      const fields: string[] = [];
      own.decode(block, fields, LIMIT);
      assertEquals(fields, lists[at]!.flat());
      assertEquals(independent.decode(block).flat(), lists[at]!.flat());
    }
  }));
});

Deno.test("a request that repeats itself takes a byte a field, and its block is made once", () => {
  const fields = [[":method", "GET"], [":path", "/"], [":authority", "localhost:8443"], ["user-agent", "k6d"]]
    .map(([name, value]) => encodeField(name!, value!));
  const encoder = new HpackEncoder();
  assert(encoder.encode(fields).length > 4);
  const second = encoder.encode(fields);
  assertEquals(second.length, 4);
  assert(encoder.encode(fields) === second);
});

Deno.test("texts beyond ASCII are taken as UTF-8", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  for (const value of ["é", "日本".repeat(200)]) {
    const fields: string[] = [];
    decoder.decode(encoder.encode([encodeField("x-text", value)]), fields, LIMIT);
    assertEquals(fields, ["x-text", value]);
  }
});

Deno.test("arbitrary bytes are decoded or refused, and leave the table within its size", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (blocks) => {
      const decoder = new HpackDecoder();
      for (const block of blocks) {
        try {
          decoder.decode(block, [], LIMIT);
        } catch (error) {
          assert(error instanceof Http2ConnectionError);
          return;
        }
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("a table that many fields pass keeps the newest", () => {
  const decoder = new HpackDecoder();
  const literal = (i: number) => Uint8Array.of(0x40, 1, 120, 4, ...new TextEncoder().encode(String(1000 + i)));
  for (let i = 0; i < 2000; i++) decoder.decode(literal(i), [], LIMIT);
  const fields: string[] = [];
  // As many fields of 37 bytes as 4096 bytes hold: 110.
  decoder.decode(concat([Uint8Array.of(0x80 + 62), Uint8Array.of(0xff, 61 + 110 - 127)]), fields, LIMIT);
  assertEquals(fields, ["x", "2999", "x", "2890"]);
  assertThrows(() => decoder.decode(Uint8Array.of(0xff, 61 + 111 - 127), [], LIMIT), Http2ConnectionError);
});

Deno.test("texts that come again are the same, however many others come between", () => {
  const encoder = new HpackEncoder();
  encoder.limitTable(0);
  const decoder = new HpackDecoder();
  for (let i = 0; i < 10_000; i++) {
    // Some come again and again, some never; all are compressed.
    const value = `value ${i % 3 === 0 ? i % 7 : i} ${"long".repeat(i % 20)}`;
    const fields: string[] = [];
    const size = decoder.decode(encoder.encode([encodeField("etag", value)]), fields, LIMIT);
    assertEquals([fields[1], size], [value, 4 + value.length + 32]);
  }
});
