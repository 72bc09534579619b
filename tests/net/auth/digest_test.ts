import { assertEquals } from "@std/assert";
import { parseChallenges } from "../../../src/net/auth/challenges.ts";
import type { AuthRequest } from "../../../src/net/auth/scheme.ts";
import { digestAuthorization, DigestScheme } from "../../../src/net/auth/digest.ts";

const MUFASA = { username: "Mufasa", password: "Circle of Life" };
const GET = { method: "GET", target: "/dir/index.html", body: null };

function answer(header: string, credentials = MUFASA, request: AuthRequest = GET, cnonce = "0a4f113b"): string {
  const [challenge] = parseChallenges([header]);
  return digestAuthorization(challenge!, credentials, request, cnonce);
}

function field(authorization: string, name: string): string | undefined {
  return parseChallenges([authorization])[0]?.parameters.get(name);
}

Deno.test("RFC 7616, section 3.9.1: MD5 and SHA-256", () => {
  const parameters = 'realm="http-auth@example.org", qop="auth, auth-int", ' +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  const md5 = answer(`Digest ${parameters}, algorithm=MD5`, MUFASA, GET, cnonce);
  assertEquals(field(md5, "response"), "8ca523f5e9506fed4657c9700eebdbec");
  const sha = answer(`Digest ${parameters}, algorithm=SHA-256`, MUFASA, GET, cnonce);
  assertEquals(field(sha, "response"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  assertEquals(field(sha, "opaque"), "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
  assertEquals([field(sha, "qop"), field(sha, "nc"), field(sha, "uri")], ["auth", "00000001", "/dir/index.html"]);
});

Deno.test("RFC 7616, section 3.9.2: SHA-512-256 with the user's name hashed", () => {
  const authorization = answer(
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
      'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
      'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    { username: "Jäsøn Doe", password: "Secret, or not?" },
    { method: "GET", target: "/doe.json", body: null },
    "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
  );
  assertEquals(field(authorization, "username"), "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
  assertEquals(field(authorization, "userhash"), "true");
});

Deno.test("RFC 2617, section 3.5, and RFC 2069: MD5 with and without qop", () => {
  const challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"';
  const credentials = { username: "Mufasa", password: "Circle Of Life" };
  assertEquals(
    field(answer(`${challenge}, qop="auth,auth-int"`, credentials), "response"),
    "6629fae49393a05397450978507c4ef1",
  );
  const old = answer(challenge, credentials);
  assertEquals(field(old, "response"), "670fd8c2df070c60b045671b8b24ff02");
  assertEquals([field(old, "qop"), field(old, "cnonce"), field(old, "algorithm")], [undefined, undefined, undefined]);
});

Deno.test("the body is signed where the server wants nothing else, and the session's key is made of the nonces", () => {
  const request = { method: "POST", target: "/", body: new TextEncoder().encode("body") };
  const signed = answer('Digest realm="r", nonce="n", qop="auth-int", algorithm=MD5-sess', MUFASA, request, "c");
  assertEquals(field(signed, "qop"), "auth-int");
  // printf of the formula of RFC 7616, section 3.4, through md5sum
  assertEquals(field(signed, "response"), "5218c792155e1237b52ab9d98f3fb10c");
});

Deno.test("a challenge is answered once, and a stale nonce once more", () => {
  const fresh = parseChallenges(['Digest realm="r", nonce="1"']);
  const stale = parseChallenges(['Digest realm="r", nonce="2", stale=true']);
  const refused = new DigestScheme(MUFASA);
  assertEquals(field(refused.answer(fresh, GET)!, "nonce"), "1");
  assertEquals(refused.answer(fresh, GET), null);
  const renewed = new DigestScheme(MUFASA);
  renewed.answer(fresh, GET);
  assertEquals(field(renewed.answer(stale, GET)!, "nonce"), "2");
  assertEquals(renewed.answer(stale, GET), null);
});

Deno.test("what can't be answered is left alone, and the first challenge that can is answered", () => {
  const scheme = () => new DigestScheme(MUFASA);
  assertEquals(scheme().answer(parseChallenges(['Basic realm="r"']), GET), null);
  assertEquals(scheme().answer(parseChallenges(['Digest realm="r", nonce="n", algorithm=SHA-3']), GET), null);
  assertEquals(scheme().answer(parseChallenges(['Digest realm="r", nonce="n", qop="other"']), GET), null);
  const both = parseChallenges(['Digest nonce="1", algorithm=X', 'Digest nonce="2", algorithm=SHA-256']);
  assertEquals(field(scheme().answer(both, GET)!, "nonce"), "2");
});
