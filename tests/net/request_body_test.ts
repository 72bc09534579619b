import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { BodyParts, copyBody, joinPieces, LARGE_PIECE_BYTES, partsOf, wholeBody } from "../../src/net/request_body.ts";

const bytes = (...pieces: Uint8Array[]) => pieces.flatMap((piece) => [...piece]);

Deno.test("large pieces are not copied, small ones between them are joined", () => {
  const [large, a, b] = [new Uint8Array(LARGE_PIECE_BYTES), Uint8Array.of(1), Uint8Array.of(2)];
  const body = joinPieces([a, b, large, b, a]);
  assertEquals(body.length, LARGE_PIECE_BYTES + 4);
  assertEquals(partsOf(body).map(({ length }) => length), [2, LARGE_PIECE_BYTES, 2]);
  assertEquals(partsOf(body)[1] === large, true);
  assertEquals(joinPieces([a, b]), Uint8Array.of(1, 2));
  assertEquals(partsOf(joinPieces([large])), [large]);
});

Deno.test("any stretch of a body in parts is what it is in the whole", () => {
  const part = fc.uint8Array({ minLength: 1, maxLength: 5 });
  fc.assert(fc.property(fc.array(part, { minLength: 1 }), fc.nat(), fc.nat(), fc.nat(3), (parts, from, count, at) => {
    const body = new BodyParts(parts);
    assertEquals(bytes(wholeBody(body)), bytes(...parts));
    const start = from % body.length;
    const length = count % (body.length - start + 1);
    const out = new Uint8Array(at + length + 1).fill(7);
    copyBody(body, start, length, out, at);
    assertEquals(bytes(out), [...Array(at).fill(7), ...bytes(...parts).slice(start, start + length), 7]);
  }));
});
