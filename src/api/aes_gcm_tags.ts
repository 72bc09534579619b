/**
 * `crypto.subtle.decrypt()` for AES-GCM with tags of less than 128 bits, which the runtime can write but not read. With a
 * key that may encrypt as well: what is encrypted twice is what it was, and its tag begins with the one that is there.
 */

import { bytesOf } from "./bytes.ts";

// Scripts find these replaced or gone.
const { crypto: { subtle }, CryptoKey, DOMException, structuredClone } = globalThis;

const WHOLE_TAG_BITS = 128;
/** NIST SP 800-38D, section 5.2.1.2. */
const SHORT_TAG_BITS: readonly unknown[] = [96, 104, 112, 120];
const NEEDED: readonly KeyUsage[] = ["encrypt", "decrypt"];

/** As the native one; rejects with an `OperationError` for what is not authentic. */
// deno-lint-ignore require-await -- What is thrown before is a rejection, too.
export async function decrypt(...args: Parameters<SubtleCrypto["decrypt"]>): Promise<ArrayBuffer> {
  const [algorithm, key, data] = args;
  const isBytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data);
  const mayBoth = key instanceof CryptoKey && NEEDED.every((use) => key.usages.includes(use));
  if (!hasShortTag(algorithm) || !isBytes || !mayBoth) return subtle.decrypt(...args);
  // Copies: the script may change what it handed over.
  const { name, iv, additionalData } = algorithm;
  const whole = structuredClone({
    ...{ name, iv, tagLength: WHOLE_TAG_BITS },
    ...(additionalData === undefined ? {} : { additionalData }),
  });
  return decryptTwice(whole, key, bytesOf(data, "decrypt()").slice(), algorithm.tagLength / 8);
}

function hasShortTag(algorithm: unknown): algorithm is AesGcmParams & { readonly tagLength: number } {
  if (typeof algorithm !== "object" || algorithm === null) return false;
  const { name, tagLength } = algorithm as { name?: unknown; tagLength?: unknown };
  return String(name).toUpperCase() === "AES-GCM" && SHORT_TAG_BITS.includes(tagLength);
}

async function decryptTwice(whole: AesGcmParams, key: CryptoKey, data: Uint8Array, tagBytes: number) {
  const length = data.length - tagBytes;
  if (length < 0) throw notAuthentic();
  const text = (await subtle.encrypt(whole, key, data.slice(0, length))).slice(0, length);
  const again = new Uint8Array(await subtle.encrypt(whole, key, text));
  let difference = 0;
  for (let i = 0; i < data.length; i++) difference |= data[i]! ^ again[i]!;
  if (difference !== 0) throw notAuthentic();
  return text;
}

function notAuthentic(): DOMException {
  return new DOMException("Decryption failed", "OperationError");
}
