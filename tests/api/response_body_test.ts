import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeText } from "../../src/api/response_body.ts";

const decode = (...bytes: number[]) => decodeText(Uint8Array.from(bytes));

Deno.test("text decodes to itself", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const wellFormed = text.toWellFormed();
    assertEquals(decodeText(new TextEncoder().encode(wellFormed)), wellFormed);
  }));
});

Deno.test("each invalid byte becomes one replacement character", () => {
  assertEquals(decode(0x61, 0xff, 0x62), "a\ufffdb");
  assertEquals(decode(0xe2, 0x82, 0x61), "\ufffd\ufffda");
  assertEquals(decode(0xed, 0xa0, 0x80), "\ufffd\ufffd\ufffd");
  assertEquals(decode(0xf4, 0x90, 0x80, 0x80), "\ufffd".repeat(4));
  assertEquals(decode(0xc0, 0x80, 0xf0, 0x9f, 0x90, 0xa2, 0xc5), "\ufffd\ufffd🐢\ufffd");
  assertEquals(decode(...Array(256).keys()).length, 256);
});

Deno.test("valid text around invalid bytes is kept", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (before, after) => {
    const [head, tail] = [before.toWellFormed(), after.toWellFormed()];
    const encoder = new TextEncoder();
    const bytes = new Uint8Array([...encoder.encode(head), 0xff, ...encoder.encode(tail)]);
    assertEquals(decodeText(bytes), `${head}\ufffd${tail}`);
  }));
});

Deno.test("a byte order mark stays", () => {
  assertEquals(decode(0xef, 0xbb, 0xbf, 0x61), "\ufeffa");
  assertEquals(decode(0xef, 0xbb, 0xbf, 0xff), "\ufeff\ufffd");
  assertEquals(decode(), "");
});
