/** Content codings (RFC 9110, section 8.4) of bodies: gzip, deflate, br and zstd, also stacked. */

import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";

type Decoder = (body: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ["gzip", gunzipSync],
  ["deflate", inflateSync],
  ["br", (body, options) => decodeAll(brotliDecompressSync, body, options)],
  ["zstd", (body, options) => decodeAll(zstdDecompressSync, body, options)],
]);

/** `zlib.constants.BROTLI_PARAM_QUALITY`. */
const BROTLI_QUALITY = 1;

const encoders: ReadonlyMap<string, (body: Uint8Array) => Uint8Array> = new Map([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  // Brotli's own default is for files that are compressed once: it takes many times as long.
  ["br", (body) => brotliCompressSync(body, { params: { [BROTLI_QUALITY]: 6 } })],
  ["zstd", zstdCompressSync],
]);

/** A body that isn't what its `Content-Encoding` says; the message is what the script sees as `Response.error`. */
export class DecompressionError extends Error {
  override name = "DecompressionError";
  /** k6's error code. */
  readonly code = 1701;
}

/** The codings that `params.compression` names (`gzip, br`), in the order in which they are applied. Throws for others. */
export function parseCodings(compression: string): string[] {
  const codings = compression.split(",").map((coding) => coding.trim().toLowerCase());
  const unknown = codings.find((coding) => !encoders.has(coding));
  if (unknown !== undefined) {
    throw new TypeError(`unknown compression '${unknown}': use ${[...encoders.keys()].join(", ")}, or several of them`);
  }
  return codings;
}

/** Applies codings of `parseCodings` to a request's body. */
export function compressBody(codings: readonly string[], body: Uint8Array): Uint8Array {
  return plainView(codings.reduce((bytes, coding) => encoders.get(coding)!(bytes), body));
}

/** Ten megabytes may unfold to ten gigabytes. No text can be longer than this either. */
const LONGEST_BYTES = 512 * 1024 ** 2;

/**
 * Undoes the codings of a `Content-Encoding` header, the last one first. A body with an unknown coding among them is
 * given back as it came, as k6 does; an empty one stays empty. Throws a `DecompressionError` for broken data, and when
 * more than `longest` bytes come out.
 */
export function decompressBody(contentEncoding: string, body: Uint8Array, longest = LONGEST_BYTES): Uint8Array {
  const codings = contentEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (!codings.every((coding) => decoders.has(coding))) return body;
  return codings.reduceRight((bytes, coding) => decompress(bytes, coding, longest), body);
}

function decompress(body: Uint8Array, coding: string, longest: number): Uint8Array {
  return body.length === 0 ? body : attempt(body, coding, longest);
}

/**
 * Decodes br or zstd. Deno's decoders give what a stream holds that is cut off, and nothing for much that is none; how
 * far they read when there is one byte more tells.
 */
function decodeAll(
  decode: (body: Uint8Array, options: { info: true; maxOutputLength: number }) => unknown,
  body: Uint8Array,
  options: { readonly maxOutputLength: number },
): Uint8Array {
  const withOneMore = new Uint8Array(body.length + 1);
  withOneMore.set(body);
  const { buffer, engine } = decode(withOneMore, { info: true, ...options }) as InformedOutput;
  const isShort = engine.bytesWritten < body.length;
  // The decoder of zstd doesn't always count a stream's last bytes.
  if (engine.bytesWritten > body.length || isShort && decode === brotliDecompressSync) {
    throw new Error("not one stream");
  }
  return buffer;
}

/** What decoders of `node:zlib` give with the option `info`. */
interface InformedOutput {
  readonly buffer: Uint8Array;
  /** `bytesWritten` counts what was read of the input. */
  readonly engine: { readonly bytesWritten: number };
}

function attempt(body: Uint8Array, coding: string, longest: number): Uint8Array {
  try {
    return plainView(decoders.get(coding)!(body, { maxOutputLength: longest }));
  } catch (cause) {
    if (isCode(cause, "ERR_BUFFER_TOO_LARGE")) {
      const tooLong = `error decompressing response body: it unfolds to more than ${longest} bytes`;
      throw new DecompressionError(tooLong, { cause });
    }
    // Whatever the decoder throws: without `process` its own errors don't come through as such.
    throw broken(coding, cause);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** A view over exactly the data: a Buffer's methods are none of the script's business. */
function plainView({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function broken(coding: string, cause?: unknown): DecompressionError {
  return new DecompressionError(`error decompressing response body: invalid ${coding} data`, { cause });
}
