/** The global `crypto` and the module `k6/crypto` in a script. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeAuthority } from "../support/tls_certificates.ts";
import { runK6d } from "./support/k6d.ts";

/** Runs the body of an async function once; returns its console lines. */
async function run(body: string): Promise<string[]> {
  const { code, stderr } = await runK6d({
    files: `
const { subtle } = crypto;
const hex = (data) => [...new Uint8Array(data)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text) => new TextEncoder().encode(text);
const message = bytes("message");
export default async function () {${body}}`,
    args: ["run", "--quiet", "--log-format=raw", "script.js"],
  });
  assertEquals(code, 0, stderr);
  return stderr.trim().split("\n");
}

Deno.test("keys of every kind are made, exported, imported and used", async () => {
  const lines = await run(`
  const pairs = [
    [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
    [{ name: "ECDSA", namedCurve: "P-521" }, { name: "ECDSA", hash: "SHA-512" }],
    [{ name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" }, "RSASSA-PKCS1-v1_5"],
    [{ name: "RSA-PSS", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" }, { name: "RSA-PSS", saltLength: 32 }],
  ];
  for (const [algorithm, use] of pairs) {
    const { privateKey, publicKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
    for (const [secret, open] of [["pkcs8", "spki"], ["jwk", "jwk"]]) {
      const priv = await subtle.importKey(secret, await subtle.exportKey(secret, privateKey), algorithm, false, ["sign"]);
      const pub = await subtle.importKey(open, await subtle.exportKey(open, publicKey), algorithm, false, ["verify"]);
      const signature = await subtle.sign(use, priv, message);
      console.log(algorithm.name, open, await subtle.verify(use, pub, signature, message), await subtle.verify(use, pub, signature, bytes("other")));
    }
  }
  for (const algorithm of [{ name: "AES-CBC", length: 128 }, { name: "AES-GCM", length: 256 }, { name: "AES-CTR", length: 256 }]) {
    const key = await subtle.generateKey(algorithm, true, ["encrypt", "decrypt"]);
    const again = await subtle.importKey("raw", await subtle.exportKey("raw", key), algorithm, true, ["encrypt", "decrypt"]);
    const use = { name: algorithm.name, iv: new Uint8Array(algorithm.name === "AES-GCM" ? 12 : 16), counter: new Uint8Array(16), length: 64 };
    console.log(algorithm.name, String.fromCharCode(...new Uint8Array(await subtle.decrypt(use, again, await subtle.encrypt(use, key, message)))));
  }
  const wrapping = await subtle.generateKey({ name: "AES-KW", length: 128 }, true, ["wrapKey", "unwrapKey"]);
  const mac = await subtle.importKey("raw", bytes("Jefe"), { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
  console.log(hex(await subtle.sign("HMAC", mac, bytes("what do ya want for nothing?"))));
  const aes = await subtle.generateKey({ name: "AES-CBC", length: 128 }, true, ["encrypt"]);
  const wrapped = await subtle.wrapKey("raw", aes, wrapping, "AES-KW");
  const unwrapped = await subtle.unwrapKey("raw", wrapped, wrapping, "AES-KW", "AES-CBC", true, ["encrypt"]);
  console.log(hex(await subtle.exportKey("raw", unwrapped)) === hex(await subtle.exportKey("raw", aes)), unwrapped instanceof CryptoKey);
  const password = await subtle.importKey("raw", bytes("password"), "PBKDF2", false, ["deriveKey"]);
  const derived = await subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: bytes("salt"), iterations: 1 }, password, { name: "AES-CBC", length: 256 }, true, ["encrypt"]);
  console.log(hex(await subtle.exportKey("raw", derived)));`);
  const works = (name: string): string[] => [`${name} spki true false`, `${name} jwk true false`];
  assertEquals(lines, [
    ...["ECDSA", "ECDSA", "RSASSA-PKCS1-v1_5", "RSA-PSS"].flatMap(works),
    "AES-CBC message",
    "AES-GCM message",
    "AES-CTR message",
    // RFC 4231, 4.3.
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "true true",
    // RFC 7914, section 11, its first 32 bytes hold this algorithm, too.
    "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b",
  ]);
});

Deno.test("what is wrong rejects with an error that names its kind", async () => {
  const lines = await run(`
  for (const attempt of [
    () => subtle.digest("MD5", message),
    () => subtle.importKey("raw", message, "AES-CBC", true, ["encrypt"]),
    async () => subtle.exportKey("raw", await subtle.generateKey({ name: "AES-CBC", length: 128 }, false, ["encrypt"])),
    async () => crypto.getRandomValues(new Uint8Array(65537)),
  ]) {
    try {
      await attempt();
    } catch (error) {
      console.log(error.name, error instanceof Error, error.constructor === Error, /web_crypto/.test(error.stack));
    }
  }
  console.log(await subtle.digest("MD5", message).catch((error) => error.name));`);
  assertEquals(lines, [
    "NotSupportedError true true false",
    "DataError true true false",
    "InvalidAccessError true true false",
    "QuotaExceededError true true false",
    "NotSupportedError",
  ]);
});

Deno.test("AES-GCM has tags of all lengths that k6 has", async () => {
  const lines = await run(`
  const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(12), additionalData = bytes("more");
  for (const tagLength of [96, 104, 112, 120, 128]) {
    const use = { name: "aes-gcm", iv, additionalData, tagLength };
    const sealed = new Uint8Array(await subtle.encrypt(use, key, message));
    const opening = subtle.decrypt(use, key, sealed);
    // What was handed over may be used for something else at once.
    iv[0] ^= 1;
    const open = await opening;
    iv[0] ^= 1;
    const wrong = [sealed.with(0, sealed[0] ^ 1), sealed.with(-1, sealed.at(-1) ^ 1), sealed.slice(0, 5)];
    const refused = await Promise.all(wrong.map((data) => subtle.decrypt(use, key, data).catch((error) => error.name)));
    const other = await subtle.decrypt({ ...use, additionalData: bytes("x") }, key, sealed).catch((error) => error.name);
    console.log(sealed.length - message.length, new TextDecoder().decode(open), new Set([...refused, other]).size, other);
  }
  console.log(await subtle.encrypt({ name: "AES-GCM", iv, tagLength: 100 }, key, message).catch((error) => error.name));
  const oneWay = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  console.log(await subtle.decrypt({ name: "AES-GCM", iv, tagLength: 96 }, oneWay, message).catch((error) => error.name));`);
  assertEquals(lines, [
    ...[12, 13, 14, 15, 16].map((bytes) => `${bytes} message 1 OperationError`),
    ...["OperationError", "InvalidAccessError"],
  ]);
});

Deno.test("a digest under way keeps the iteration, and its reaction comes after the code that runs", async () => {
  const { code, stderr } = await runK6d({
    files: `
import { sleep } from "k6";
export default function () {
  crypto.subtle.digest("SHA-256", new Uint8Array(8)).then((digest) => console.log("digest of", digest.byteLength));
  sleep(0.05);
  console.log("end of the function");
}`,
    args: ["run", "--quiet", "--log-format=raw", "script.js"],
  });
  assertEquals(stderr.trim().split("\n"), ["end of the function", "digest of 32"]);
  assertEquals(code, 0);
});

Deno.test("a rejection that nobody handles is named", async () => {
  const { stderr } = await runK6d({
    files: `export default async () => { await crypto.subtle.digest("MD5", new Uint8Array(1)); };`,
  });
  assertStringIncludes(stderr, "Uncaught (in promise) NotSupportedError");
});

Deno.test("k6/crypto is there in every kind of import, in several threads", async () => {
  const { code, stderr } = await runK6d({
    files: {
      "script.js": `
import all, { hmac } from "k6/crypto";
import * as namespace from "k6/crypto";
import { md5 } from "./lib.cjs";
export const options = { vus: 4, iterations: 4 };
export default function () {
  console.log(all.md5("a", "hex") === md5("a", "hex"), namespace.md5 === all.md5, hmac("sha1", "a", "b", "hex").length);
}`,
      "lib.cjs": `module.exports = require("k6/crypto");`,
    },
    args: ["run", "--quiet", "--log-format=raw", "--workers", "2", "script.js"],
  });
  assertEquals(stderr.trim().split("\n"), Array(4).fill("true true 40"));
  assertEquals(code, 0);
});

Deno.test("k6/crypto/x509 is there, and reads what a script opens", async () => {
  const { certificate } = await makeAuthority();
  const { code, stderr } = await runK6d({
    files: {
      "script.js": `
import x509, { getSubject } from "k6/crypto/x509";
const pem = open("authority.pem");
export default function () {
  console.log(getSubject(pem).commonName, x509.parse(pem).publicKey.algorithm, x509.getAltNames(pem).length);
  try {
    x509.parse("nothing");
  } catch (error) {
    console.log(error.message);
  }
}`,
      "authority.pem": certificate,
    },
    args: ["run", "--quiet", "--log-format=raw", "script.js"],
  });
  assertEquals(stderr.trim().split("\n"), [
    "test ECDSA 0",
    "parse() failed: the text holds no certificate in PEM form",
  ]);
  assertEquals(code, 0);
});
