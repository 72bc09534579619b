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

function decode(text: string, variant: Variant): Uint8Array<ArrayBuffer> {
  const { alphabet, omitPadding } = variant;
  // Go's decoder, and so k6's, leaves out line ends but no other white space.
  const plain = text.replace(/[\r\n]+/g, "");
  const isWhole = omitPadding ? plain.length % 4 !== 1 && !plain.endsWith("=") : plain.length % 4 === 0;
  if (isWhole && WELL_FORMED[alphabet].test(plain)) return Uint8Array.fromBase64(plain, { alphabet });
  throw new Error(`illegal base64 data at input byte ${illegalAt(text, variant)}`);
}

const WELL_FORMED = { base64: /^[A-Za-z0-9+/]*={0,2}$/, base64url: /^[\w-]*={0,2}$/ } as const;
const LETTER = { base64: /[A-Za-z0-9+/]/, base64url: /[\w-]/ } as const;

/** Where Go's decoder finds fault, counted as it counts. */
function illegalAt(text: string, { alphabet, omitPadding }: Variant): number {
  /** Characters of the group of four. */
  let inGroup = 0;
  const lineEnds = (at: number): number => {
    while (text[at] === "\n" || text[at] === "\r") at++;
    return at;
  };
  for (let at = lineEnds(0); at < text.length; at = lineEnds(at + 1)) {
    if (LETTER[alphabet].test(text[at]!)) {
      inGroup = (inGroup + 1) % 4;
      continue;
    }
    if (text[at] !== "=" || omitPadding || inGroup < 2) return at;
    let end = lineEnds(at + 1);
    if (inGroup === 2) {
      if (end === text.length) return end;
      if (text[end] !== "=") return end - 1;
      end = lineEnds(end + 1);
    }
    return end;
  }
  return text.length - inGroup;
}
