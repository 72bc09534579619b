import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseChallenges } from "../../../src/net/auth/challenges.ts";
import { NtlmScheme, ntlmV2Response, parseChallengeMessage, responseKey } from "../../../src/net/auth/ntlm.ts";
import { challengeMessage, verifyAuthenticateMessage } from "../../support/ntlm_server.ts";

const CREDENTIALS = { username: "Domain\\User", password: "Password" };

/** MS-NLMP, section 4.2.4: names of a domain and a computer. */
const TARGET_INFO = Uint8Array.fromHex(
  "02000c0044006f006d00610069006e0001000c005300650072007600650072000000" + "0000",
);

Deno.test("MS-NLMP, section 4.2.4: the key and the proof of version 2", () => {
  const key = responseKey("User", "Password", "Domain");
  assertEquals(key.toHex(), "0c868a403bfd7a93a3001ef22ef02e3f");
  const challenge = { nonce: Uint8Array.fromHex("0123456789abcdef"), targetInfo: TARGET_INFO };
  const response = ntlmV2Response(key, challenge, new Uint8Array(8).fill(0xaa), new Uint8Array(8));
  assertEquals(response.subarray(0, 16).toHex(), "68cd0ab851e51c96aabc927bebef6a1c");
});

Deno.test("three messages: an offer, the server's challenge, and an answer that a server accepts", () => {
  for (const name of ["NTLM", "Negotiate"]) {
    const scheme = new NtlmScheme(CREDENTIALS);
    const offer = scheme.answer(parseChallenges([name, 'Basic realm="x"']))!;
    assertEquals(offer.split(" ")[0], name);
    assertEquals(new DataView(Uint8Array.fromBase64(offer.split(" ")[1]!).buffer).getUint32(8, true), 1);
    const nonce = crypto.getRandomValues(new Uint8Array(8));
    const answer = scheme.answer(parseChallenges([`${name} ${challengeMessage(nonce).toBase64()}`]))!;
    const message = Uint8Array.fromBase64(answer.split(" ")[1]!);
    assertEquals(verifyAuthenticateMessage(message, nonce, "Password"), "Domain\\User");
    assertEquals(verifyAuthenticateMessage(message, nonce, "password"), null);
    assertEquals(scheme.answer(parseChallenges([name])), null, "a refusal is final");
  }
});

Deno.test("a server that doesn't offer NTLM, or answers something else, is not answered", () => {
  assertEquals(new NtlmScheme(CREDENTIALS).answer(parseChallenges(['Basic realm="x"'])), null);
  for (const token of ["", "AAAA", new Uint8Array(60).toBase64(), "%%%"]) {
    const scheme = new NtlmScheme(CREDENTIALS);
    scheme.answer(parseChallenges(["NTLM"]));
    assertEquals(scheme.answer(parseChallenges([`NTLM ${token}`])), null);
  }
});

Deno.test("no server's message makes an exception", () => {
  const valid = challengeMessage(new Uint8Array(8));
  fc.assert(fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, byte, length) => {
    const message = valid.slice(0, length);
    if (at < length) message[at] = byte;
    const scheme = new NtlmScheme(CREDENTIALS);
    scheme.answer(parseChallenges(["NTLM"]));
    const answer = scheme.answer(parseChallenges([`NTLM ${message.toBase64()}`]));
    assertEquals(answer === null, parseChallengeMessage(message.toBase64()) === null);
  }));
});
