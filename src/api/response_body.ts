/** Body bytes to the string that a script sees as `Response.body`. */

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const utf16 = new TextDecoder("utf-16le", { ignoreBOM: true });

/** V8's limit is in characters; the decoder takes no more bytes than that. */
const LONGEST_TEXT_BYTES = 2 ** 29 - 24;

/**
 * Decodes UTF-8. A byte order mark is kept. Each byte that can't be decoded becomes one U+FFFD, as in Go (the
 * platform's decoder would give one for several), so lengths agree with k6.
 * Throws a `RangeError` for more bytes than a text can hold.
 */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > LONGEST_TEXT_BYTES) {
    throw new RangeError(
      `a body of ${bytes.length} bytes is longer than a text can be; ask for it with responseType: "binary" or "none"`,
    );
  }
  const text = utf8.decode(bytes);
  // The search is free for text in a one-byte representation, ASCII among it.
  return text.includes("\ufffd") ? decodeInvalid(bytes) : text;
}

const REPLACEMENT = 0xfffd;

function decodeInvalid(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length;) {
    const size = sequenceLength(bytes, i);
    if (size === 0) {
      units[length++] = REPLACEMENT;
      i++;
      continue;
    }
    const codePoint = codePointAt(bytes, i, size);
    if (codePoint > 0xffff) {
      units[length++] = 0xd800 + ((codePoint - 0x10000) >> 10);
      units[length++] = 0xdc00 + (codePoint & 0x3ff);
    } else {
      units[length++] = codePoint;
    }
    i += size;
  }
  return utf16.decode(units.subarray(0, length));
}

/** Bytes of the well-formed sequence at `i` (Unicode 16, table 3-7); 0 when there is none. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const lead = bytes[i]!;
  if (lead < 0x80) return 1;
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size === 0 || i + size > bytes.length) return 0;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (bytes[i + 1]! < lowest || bytes[i + 1]! > highest) return 0;
  for (let k = 2; k < size; k++) {
    if ((bytes[i + k]! & 0xc0) !== 0x80) return 0;
  }
  return size;
}

function codePointAt(bytes: Uint8Array, i: number, size: number): number {
  if (size === 1) return bytes[i]!;
  let codePoint = bytes[i]! & (0x7f >> size);
  for (let k = 1; k < size; k++) codePoint = codePoint << 6 | bytes[i + k]! & 0x3f;
  return codePoint;
}
