import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { compressBody, decompressBody, DecompressionError, parseCodings } from "../../src/api/compression.ts";

const encoders = {
  gzip: (data: Uint8Array) => gzipSync(data),
  deflate: (data: Uint8Array) => deflateSync(data),
  br: (data: Uint8Array) => brotliCompressSync(data),
  zstd: (data: Uint8Array) => zstdCompressSync(data),
};
type Coding = keyof typeof encoders;

Deno.test("any stack of codings is undone", () => {
  const codings = fc.array(fc.constantFrom<Coding>("gzip", "deflate", "br", "zstd"), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(codings, fc.uint8Array({ maxLength: 2000 }), (stack, data) => {
      const body = stack.reduce<Uint8Array>((bytes, coding) => encoders[coding](bytes), data);
      const decoded = decompressBody(stack.join(", ").toUpperCase(), body);
      assertEquals([...decoded], [...data]);
      assertEquals(decoded.constructor, Uint8Array);
    }),
    { numRuns: 50 },
  );
});

Deno.test("params.compression: what it names is applied in order, and undone by the reader", () => {
  const codings = fc.array(fc.constantFrom("gzip", "deflate", "br", "zstd"), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(codings, fc.uint8Array({ maxLength: 2000 }), (stack, data) => {
      const parsed = parseCodings(stack.join(" ,").toUpperCase());
      assertEquals(parsed, stack);
      const body = compressBody(parsed, data);
      assertEquals(body.constructor, Uint8Array);
      assertEquals([...decompressBody(stack.join(","), body)], [...data]);
    }),
    { numRuns: 30 },
  );
  for (const wrong of ["rot13", "gzip,", "gzip br"]) {
    assertThrows(() => parseCodings(wrong), TypeError, "unknown compression");
  }
});

Deno.test("an unknown coding leaves the body alone", () => {
  const body = Uint8Array.of(1, 2, 3);
  assertEquals(decompressBody("rot13", body), body);
  assertEquals(decompressBody("gzip, rot13", body), body);
  assertEquals(decompressBody("identity", body), body);
});

Deno.test("broken data is an error with k6's code", () => {
  const notGzip = new TextEncoder().encode("notgzip!");
  const cut = gzipSync(new Uint8Array(1000)).subarray(0, 15);
  for (const [coding, body] of [["gzip", notGzip], ["deflate", notGzip], ["zstd", notGzip], ["gzip", cut]] as const) {
    const error = assertThrows(() => decompressBody(coding, body), DecompressionError, `invalid ${coding} data`);
    assertEquals(error.code, 1701);
  }
  const wrong = ["abc", "not brotli", "hello world", "<html></html>", '{"a":1}'].map((text) =>
    new TextEncoder().encode(text)
  );
  for (const body of [...wrong, new Uint8Array(50).fill(200)]) {
    assertThrows(() => decompressBody("br", body), DecompressionError, "invalid br data");
  }
});

Deno.test("a body that is cut off anywhere is an error", () => {
  const bodies = fc.tuple(fc.constantFrom<Coding>("gzip", "deflate", "br", "zstd"), fc.uint8Array(), fc.nat());
  fc.assert(fc.property(bodies, ([coding, data, random]) => {
    const whole = new Uint8Array(encoders[coding](data));
    const cut = whole.subarray(0, 1 + random % whole.length);
    if (cut.length === whole.length) assertEquals(decompressBody(coding, cut), data);
    else assertThrows(() => decompressBody(coding, cut), DecompressionError);
  }));
});

Deno.test("an empty body stays empty", () => {
  assertEquals(decompressBody("gzip", new Uint8Array()).length, 0);
});

Deno.test("a body that unfolds beyond the limit is an error, at whatever depth", () => {
  for (const coding of ["gzip", "deflate", "br", "zstd"] as const) {
    const bomb = encoders[coding](new Uint8Array(1_000_001));
    assertEquals(decompressBody(coding, bomb, 1_000_001).length, 1_000_001);
    const error = assertThrows(() => decompressBody(coding, bomb, 1_000_000), DecompressionError, "more than 1000000");
    assertEquals(error.code, 1701);
    assertThrows(() => decompressBody(`${coding}, gzip`, gzipSync(bomb), 1_000_000), DecompressionError, "unfolds");
  }
});
