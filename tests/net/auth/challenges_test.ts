import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Challenge, parseChallenges } from "../../../src/net/auth/challenges.ts";

function plain(challenges: readonly Challenge[]): unknown {
  return challenges.map(({ scheme, token, parameters }) => [scheme, token, Object.fromEntries(parameters)]);
}

Deno.test("challenges are taken apart, several in a header among them", () => {
  assertEquals(
    plain(parseChallenges(['Basic realm="a, b", Digest realm="c \\"d\\"", qop="auth,auth-int", stale=TRUE'])),
    [
      ["basic", "", { realm: "a, b" }],
      ["digest", "", { realm: 'c "d"', qop: "auth,auth-int", stale: "TRUE" }],
    ],
  );
  assertEquals(plain(parseChallenges(["Negotiate", "NTLM TlRMTVNTUAAC==", "Bearer"])), [
    ["negotiate", "", {}],
    ["ntlm", "TlRMTVNTUAAC==", {}],
    ["bearer", "", {}],
  ]);
  assertEquals(plain(parseChallenges(["Digest  Realm = x ,, nonce=y"])), [["digest", "", { realm: "x", nonce: "y" }]]);
});

Deno.test("any text is taken apart without an exception, and in linear time", () => {
  const text = fc.array(fc.constantFrom("Digest", " ", ",", "=", '"', "\\", "a", "nonce", "==", "\t"), {
    maxLength: 40,
  });
  fc.assert(fc.property(text, (parts) => Array.isArray(parseChallenges([parts.join("")]))));
  parseChallenges([`Digest ${'a="\\'.repeat(20_000)}`, "a ".repeat(50_000), "=".repeat(100_000)]);
});

Deno.test("parameters come back as they were quoted", () => {
  fc.assert(fc.property(fc.string({ unit: "binary-ascii" }), (value) => {
    const quoted = value.replace(/[\\"]/g, "\\$&");
    // A header holds no line breaks.
    fc.pre(!/[\r\n]/.test(value));
    assertEquals(plain(parseChallenges([`Digest a="${quoted}", b=c`])), [["digest", "", { a: value, b: "c" }]]);
  }));
});
