/** Content codings (RFC 9110, section 8.4) of response bodies: gzip, deflate, br and zstd, also stacked. */

import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";

const decoders: ReadonlyMap<string, (body: Uint8Array) => Uint8Array> = new Map([
  ["gzip", gunzipSync],
  ["deflate", inflateSync],
  ["br", brotliDecompressSync],
  ["zstd", zstdDecompressSync],
]);

/** A body that isn't what its `Content-Encoding` says; the message is what the script sees as `Response.error`. */
export class DecompressionError extends Error {
  override name = "DecompressionError";
  /** k6's error code. */
  readonly code = 1701;
}

/**
 * Undoes the codings of a `Content-Encoding` header, the last one first. A body with an unknown coding among them is
 * given back as it came, as k6 does; an empty one stays empty. Throws a `DecompressionError` for broken data (not for
 * all of it: Deno's br and zstd decoders give what a cut-off stream holds).
 */
export function decompressBody(contentEncoding: string, body: Uint8Array): Uint8Array {
  const codings = contentEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (!codings.every((coding) => decoders.has(coding))) return body;
  return codings.reduceRight(decompress, body);
}

/** No stream of nothing is longer than this, in any of the codings. */
const MAX_EMPTY_STREAM_BYTES = 32;

function decompress(body: Uint8Array, coding: string): Uint8Array {
  if (body.length === 0) return body;
  const output = attempt(decoders.get(coding)!, body, coding);
  if (output.length === 0 && body.length > MAX_EMPTY_STREAM_BYTES) throw broken(coding);
  return output;
}

function attempt(decoder: (body: Uint8Array) => Uint8Array, body: Uint8Array, coding: string): Uint8Array {
  try {
    const output = decoder(body);
    // A plain view over exactly the data: a Buffer's methods are none of the script's business.
    return new Uint8Array(output.buffer, output.byteOffset, output.byteLength);
  } catch (cause) {
    // Whatever the decoder throws: without `process` its own errors don't come through as such.
    throw broken(coding, cause);
  }
}

function broken(coding: string, cause?: unknown): DecompressionError {
  return new DecompressionError(`error decompressing response body: invalid ${coding} data`, { cause });
}
