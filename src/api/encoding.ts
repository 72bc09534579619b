/** The module `k6/encoding`: Base64. */

import { bytesOf } from "./bytes.ts";
import { decodeText } from "./response_body.ts";

/** How a variant of Base64 (RFC 4648, sections 4 and 5) is written. */
interface Variant {
  readonly alphabet: "base64" | "base64url";
  /** Without `=` at the end. */
  readonly omitPadding: boolean;
}

const STD: Variant = { alphabet: "base64", omitPadding: false };

const VARIANTS: ReadonlyMap<unknown, Variant> = new Map([
  ["std", STD],
  ["rawstd", { alphabet: "base64", omitPadding: true }],
  ["url", { alphabet: "base64url", omitPadding: false }],
  ["rawurl", { alphabet: "base64url", omitPadding: true }],
]);

/** The functions of the module; a new object each time. */
function functions() {
  return {
    /** `b64encode(input, variant = "std")`: text or bytes to Base64. An unknown variant is `std`, as in k6. */
    b64encode(input?: unknown, variant?: unknown): string {
      return bytesOf(input, "b64encode()").toBase64(VARIANTS.get(variant) ?? STD);
    },

    /** `b64decode(input, variant = "std", format?)`: Base64 to an ArrayBuffer, or to text with the format `"s"`. */
    b64decode(input?: unknown, variant?: unknown, format?: unknown): string | ArrayBuffer {
      const bytes = decode(String(input), VARIANTS.get(variant) ?? STD);
      return format === "s" ? decodeText(bytes) : bytes.buffer;
    },
  };
}

/** The module's default object. */
export const encoding: Readonly<Record<string, unknown>> = functions();

/** Its named exports. In k6, too, they are other functions than those of the default object. */
export const encodingNames: Readonly<Record<string, unknown>> = functions();

function decode(text: string, { alphabet, omitPadding }: Variant): Uint8Array<ArrayBuffer> {
  // Go's decoder, and so k6's, leaves out line ends but no other white space.
  const plain = text.replace(/[\r\n]+/g, "");
  const bad = alphabet === "base64" ? /[^A-Za-z0-9+/=]/.exec(plain) : /[^\w=-]/.exec(plain);
  if (bad !== null) throw illegal(text.indexOf(bad[0]));
  if (omitPadding ? plain.includes("=") : plain.length % 4 !== 0) throw illegal(text.length);
  try {
    return Uint8Array.fromBase64(plain, { alphabet });
  } catch (error) {
    throw error instanceof SyntaxError ? illegal(text.length) : error;
  }
}

function illegal(at: number): Error {
  return new Error(`b64decode() failed: illegal base64 data at input byte ${at}`);
}
