/** The globals `crypto` and `CryptoKey`: Web Cryptography, with promises that keep k6's order. */

import { decrypt } from "./aes_gcm_tags.ts";
import { fromNative } from "./outside.ts";
import { isUnchangeable } from "./shared_file.ts";

// Scripts find these replaced or gone.
const { crypto: native, CryptoKey, DOMException } = globalThis;

/** The methods of `crypto.subtle`. */
const SUBTLE_METHODS = [
  "decrypt",
  "deriveBits",
  "deriveKey",
  "digest",
  "encrypt",
  "exportKey",
  "generateKey",
  "importKey",
  "sign",
  "unwrapKey",
  "verify",
  "wrapKey",
] as const;

const subtle = Object.fromEntries(SUBTLE_METHODS.map((name) => [name, subtleMethod(name)]));

const scriptCrypto: Readonly<Record<string, unknown>> = {
  subtle,
  getRandomValues,
  randomUUID(): string {
    return native.randomUUID();
  },
};

/** The globals, by name. */
export const webCrypto: Readonly<Record<string, unknown>> = { crypto: scriptCrypto, CryptoKey };

/** A method that takes its arguments in before it returns, as the native one does. */
function subtleMethod(name: typeof SUBTLE_METHODS[number]) {
  const call = (name === "decrypt" ? decrypt : native.subtle[name]) as (...args: unknown[]) => Promise<unknown>;
  const method = (...args: unknown[]): Promise<unknown> =>
    fromNative(
      Reflect.apply(call, native.subtle, args.map(ownMemory)).catch((error) => {
        const plain = plainError(error);
        // Nothing of the script's is on the stack any more.
        if (plain !== error) plain.stack = `${plain.name}: ${plain.message}`;
        throw plain;
      }),
    );
  return Object.defineProperty(method, "name", { value: name });
}

/** The native methods take no shared memory. */
function ownMemory(argument: unknown): unknown {
  return argument instanceof ArrayBuffer && isUnchangeable(argument) ? argument.slice() : argument;
}

function getRandomValues(array?: unknown): unknown {
  try {
    return native.getRandomValues(array as Uint8Array<ArrayBuffer>);
  } catch (error) {
    throw plainError(error);
  }
}

/** In place of a `DOMException`, which k6 has not, an error of the same name. */
function plainError(error: unknown): Error {
  if (!(error instanceof DOMException)) return error as Error;
  return Object.defineProperty(new Error(error.message), "name", { value: error.name });
}
