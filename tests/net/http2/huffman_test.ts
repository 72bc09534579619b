import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { Http2ConnectionError } from "../../../src/net/http2/error_codes.ts";
import { huffmanDecode, huffmanEncode, huffmanLength } from "../../../src/net/http2/huffman.ts";

function compress(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length * 4 + 4);
  return out.subarray(0, huffmanEncode(bytes, out, 0));
}

function decompress(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length * 2);
  return out.subarray(0, huffmanDecode(bytes, 0, bytes.length, out));
}

/** RFC 7541, appendix C.4 and C.6. */
const EXAMPLES: readonly (readonly [text: string, hex: string])[] = [
  ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
  ["no-cache", "a8eb10649cbf"],
  ["custom-value", "25a849e95bb8e8b4bf"],
  ["private", "aec3771a4b"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
  ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
  [
    "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
  ],
];

Deno.test("texts are compressed as in the examples of RFC 7541", () => {
  for (const [text, hex] of EXAMPLES) {
    const bytes = new TextEncoder().encode(text);
    assertEquals(compress(bytes).toHex(), hex);
    assertEquals(decompress(Uint8Array.fromHex(hex)), bytes);
  }
});

Deno.test("any bytes come back as they were", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const compressed = compress(bytes);
    assertEquals(compressed.length, huffmanLength(bytes));
    assertEquals(decompress(compressed), bytes);
  }));
});

Deno.test("padding of a whole byte, of zeros, and the end of text in a text are refused", () => {
  // "0" is 00000, then padding.
  assertEquals(decompress(Uint8Array.of(0b00000_111)), Uint8Array.of(48));
  for (const wrong of [[0b00000_111, 0xff], [0b00000_000], [0b00000_110], [0xff, 0xff, 0xff, 0xff]]) {
    assertThrows(() => decompress(Uint8Array.from(wrong)), Http2ConnectionError);
  }
});
