/** Data that a script hands to the API, as bytes. */

const encoder = new TextEncoder();

/**
 * The bytes of text (as UTF-8), of an ArrayBuffer or of a view; of buffers not a copy.
 *
 * @param what Names the function that wants them, in errors.
 */
export function bytesOf(input: unknown, what: string): Uint8Array {
  if (typeof input === "string") return encoder.encode(input);
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  throw new TypeError(`${what} failed: the input must be a string or an ArrayBuffer`);
}
