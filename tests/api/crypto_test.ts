import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHash, createHmac } from "node:crypto";
import { exports, type Hasher } from "../../src/api/crypto.ts";

type Digest = (input?: unknown, encoding?: unknown) => string | ArrayBuffer;
const crypto = exports as unknown as Record<string, Digest> & {
  createHash(algorithm?: unknown): Hasher;
  createHMAC(algorithm?: unknown, secret?: unknown): Hasher;
  hmac(algorithm?: unknown, secret?: unknown, input?: unknown, encoding?: unknown): string | ArrayBuffer;
  hexEncode(input?: unknown): string;
  randomBytes(size?: unknown): ArrayBuffer;
};

/** Node.js has all of them but an HMAC of MD4. */
const NODE_NAMES: Readonly<Record<string, string>> = {
  md4: "md4",
  md5: "md5",
  sha1: "sha1",
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
  sha512_224: "sha512-224",
  sha512_256: "sha512-256",
  ripemd160: "ripemd160",
};

const bytes = fc.uint8Array({ maxLength: 300 });

for (const [name, nodeName] of Object.entries(NODE_NAMES)) {
  Deno.test(`${name} agrees with OpenSSL's, at once and in pieces`, () => {
    fc.assert(
      fc.property(bytes, bytes, (head, tail) => {
        const expected = createHash(nodeName).update(head).update(tail).digest("hex");
        const hasher = crypto.createHash(name);
        hasher.update(head);
        assertEquals(hasher.digest("hex"), crypto[name]!(head, "hex"));
        hasher.update(tail);
        assertEquals(hasher.digest("hex"), expected);
        assertEquals(crypto[name]!(new Uint8Array([...head, ...tail]).buffer, "hex"), expected);
      }),
      { numRuns: 30 },
    );
  });
}

for (const [name, nodeName] of Object.entries(NODE_NAMES).filter(([name]) => name !== "md4")) {
  Deno.test(`an HMAC of ${name} agrees with Node.js's, whatever the length of its key`, () => {
    fc.assert(
      fc.property(bytes, bytes, (key, data) => {
        const expected = createHmac(nodeName, key).update(data).digest("hex");
        assertEquals(crypto.hmac(name, key, data, "hex"), expected);
        const hasher = crypto.createHMAC(name, key);
        for (const byte of data) hasher.update(Uint8Array.of(byte));
        assertEquals(hasher.digest("hex"), expected);
        assertEquals(hasher.digest("hex"), expected);
      }),
      { numRuns: 20 },
    );
  });
}

Deno.test("known digests and HMACs", () => {
  // RFC 1320, A.5; the RIPEMD-160 page of its authors; RFC 4231, 4.3.
  assertEquals(crypto.md4!("abc", "hex"), "a448017aaf21d8525fc10ae87aa6729d");
  assertEquals(crypto.ripemd160!("abc", "hex"), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
  assertEquals(
    crypto.hmac("sha256", "Jefe", "what do ya want for nothing?", "hex"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  // Both forms of the one that Node.js lacks.
  const hasher = crypto.createHMAC("md4", "key");
  hasher.update("text");
  assertEquals(hasher.digest("hex"), crypto.hmac("md4", "key", "text", "hex"));
});

Deno.test("output encodings", () => {
  // Its digest has a plus and a slash in Base64.
  const input = "żółw";
  const digest = crypto.md5!(input, "binary") as ArrayBuffer;
  assertEquals(crypto.md5!(input, "hex"), crypto.hexEncode(digest));
  assertEquals(crypto.md5!(input, "base64"), "GolZmBp/KK3RbszHa4WdwQ==");
  assertEquals(crypto.md5!(input, "base64url"), "GolZmBp_KK3RbszHa4WdwQ==");
  assertEquals(crypto.md5!(input, "base64rawurl"), "GolZmBp_KK3RbszHa4WdwQ");
  assertEquals(digest.byteLength, 16);
});

Deno.test("wrong arguments are refused by name", () => {
  assertThrows(() => crypto.md5!("a"), Error, 'unknown output encoding "undefined": use hex, base64');
  assertThrows(() => crypto.md5!("a", "rot13"), Error, 'unknown output encoding "rot13"');
  assertThrows(() => crypto.sha256!(5, "hex"), TypeError, "sha256() failed: the input must be a string");
  assertThrows(() => crypto.createHash("sha3"), Error, 'unknown hash algorithm "sha3": use md4, md5');
  assertThrows(() => crypto.hmac("sha256", null, "a", "hex"), TypeError, "hmac() failed");
  for (const size of [0, 0.5, -1, 1e12, Infinity, "many", undefined]) {
    assertThrows(() => crypto.randomBytes(size), RangeError, "the size must be from 1 to 2147483647, not");
  }
});

Deno.test("randomBytes gives as many bytes as asked, others each time", () => {
  assertEquals(crypto.randomBytes(3).byteLength, 3);
  assertEquals(crypto.randomBytes(100_000).byteLength, 100_000);
  assertNotEquals(new Uint8Array(crypto.randomBytes(32)), new Uint8Array(crypto.randomBytes(32)));
});
