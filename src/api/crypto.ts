/** The module `k6/crypto`: digests, HMAC and random bytes. Loaded only for scripts that import it. */

import { type BinaryToTextEncoding, createHash, type Hash, hash, randomBytes as nodeRandomBytes } from "node:crypto";
import { bytesOf } from "./bytes.ts";

interface Algorithm {
  /** OpenSSL's name. */
  readonly name: string;
  readonly blockBytes: number;
}

/** By k6's names. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ["md4", { name: "md4", blockBytes: 64 }],
  ["md5", { name: "md5", blockBytes: 64 }],
  ["sha1", { name: "sha1", blockBytes: 64 }],
  ["sha256", { name: "sha256", blockBytes: 64 }],
  ["sha384", { name: "sha384", blockBytes: 128 }],
  ["sha512", { name: "sha512", blockBytes: 128 }],
  ["sha512_224", { name: "sha512-224", blockBytes: 128 }],
  ["sha512_256", { name: "sha512-256", blockBytes: 128 }],
  ["ripemd160", { name: "ripemd160", blockBytes: 64 }],
]);

/** What k6's output encodings are made of. */
const NODE_ENCODINGS: ReadonlyMap<unknown, BinaryToTextEncoding | "buffer"> = new Map([
  ["hex", "hex"],
  ["base64", "base64"],
  ["base64url", "base64"],
  ["base64rawurl", "base64url"],
  ["binary", "buffer"],
]);

/** As many as Node.js gives at once. */
const MAX_RANDOM_BYTES = 0x7fffffff;

/** A hash or an HMAC that is fed piece by piece. */
export class Hasher {
  readonly #hash: Hash;
  /** The second hash of an HMAC, which has begun with the key; null without a key. */
  readonly #outer: Hash | null = null;

  /** @param key Of an HMAC; null for a plain hash. */
  constructor(algorithm: Algorithm, key: Uint8Array | null) {
    this.#hash = createHash(algorithm.name);
    if (key === null) return;
    this.#hash.update(keyBlock(algorithm, key, INNER_PAD));
    this.#outer = createHash(algorithm.name).update(keyBlock(algorithm, key, OUTER_PAD));
  }

  update(input?: unknown): void {
    this.#hash.update(bytesOf(input, "update()"));
  }

  /** The digest of all that was fed so far; more may follow. */
  digest(encoding?: unknown): string | ArrayBuffer {
    const nodeEncoding = nodeEncodingOf(encoding);
    let last = this.#hash.copy();
    if (this.#outer !== null) last = this.#outer.copy().update(last.digest());
    return output(nodeEncoding === "buffer" ? last.digest() : last.digest(nodeEncoding), encoding);
  }
}

/** The module's object. */
export const exports: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(Array.from(ALGORITHMS, ([name, algorithm]) => [name, digestFunction(name, algorithm)])),
  createHash(algorithm?: unknown): Hasher {
    return new Hasher(algorithmOf(algorithm), null);
  },
  createHMAC(algorithm?: unknown, secret?: unknown): Hasher {
    return new Hasher(algorithmOf(algorithm), bytesOf(secret, "createHMAC()"));
  },
  /** Hot. */
  hmac(algorithm?: unknown, secret?: unknown, input?: unknown, encoding?: unknown): string | ArrayBuffer {
    const known = algorithmOf(algorithm);
    const key = bytesOf(secret, "hmac()");
    const data = bytesOf(input, "hmac()");
    const nodeEncoding = nodeEncodingOf(encoding);
    const inner = hash(known.name, keyBlock(known, key, INNER_PAD, data), "buffer");
    return output(hash(known.name, keyBlock(known, key, OUTER_PAD, inner), nodeEncoding), encoding);
  },
  hexEncode(input?: unknown): string {
    return bytesOf(input, "hexEncode()").toHex();
  },
  randomBytes(size?: unknown): ArrayBuffer {
    const length = Math.trunc(Number(size));
    if (length >= 1 && length <= MAX_RANDOM_BYTES) return new Uint8Array(nodeRandomBytes(length)).buffer;
    throw new RangeError(`randomBytes() failed: the size must be from 1 to ${MAX_RANDOM_BYTES}, not ${String(size)}`);
  },
};

/** Classes that scripts get instances of. */
export const classes: readonly unknown[] = [Hasher];

/** `sha256(input, encoding)` and its like. Hot. */
function digestFunction(name: string, algorithm: Algorithm) {
  const nodeName = algorithm.name;
  const digest = (input?: unknown, encoding?: unknown): string | ArrayBuffer => {
    const data = typeof input === "string" ? input : bytesOf(input, `${name}()`);
    return output(hash(nodeName, data, nodeEncodingOf(encoding)), encoding);
  };
  return Object.defineProperty(digest, "name", { value: name });
}

function algorithmOf(name: unknown): Algorithm {
  const algorithm = ALGORITHMS.get(String(name));
  if (algorithm !== undefined) return algorithm;
  throw new Error(`unknown hash algorithm "${String(name)}": use ${[...ALGORITHMS.keys()].join(", ")}`);
}

function nodeEncodingOf(encoding: unknown): BinaryToTextEncoding | "buffer" {
  const known = NODE_ENCODINGS.get(encoding);
  if (known !== undefined) return known;
  throw new Error(`unknown output encoding "${String(encoding)}": use ${[...NODE_ENCODINGS.keys()].join(", ")}`);
}

/** Turns what Node.js made of a digest into what k6 makes of it. */
function output(digest: string | Uint8Array, encoding: unknown): string | ArrayBuffer {
  if (typeof digest !== "string") return new Uint8Array(digest).buffer;
  return encoding === "base64url" ? digest.replaceAll("+", "-").replaceAll("/", "_") : digest;
}

// RFC 2104, section 2.
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const NOTHING = new Uint8Array(0);

/** What an HMAC's hash is fed first: the key, filled up and padded; `data` follows. */
function keyBlock(
  { name, blockBytes }: Algorithm,
  key: Uint8Array,
  pad: number,
  data: Uint8Array = NOTHING,
): Uint8Array {
  const block = new Uint8Array(blockBytes + data.length);
  block.set(key.length > blockBytes ? hash(name, key, "buffer") : key);
  for (let i = 0; i < blockBytes; i++) block[i]! ^= pad;
  block.set(data, blockBytes);
  return block;
}
