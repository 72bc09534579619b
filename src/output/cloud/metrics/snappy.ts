/** Snappy's block format, in steps between which others may have the thread. */

import { compress } from "snappyjs";
import { varintLength, WireBuffer } from "../../wire_buffer.ts";

/** The compressor looks for repeats within this many bytes only, so that pieces of this size cost no compression. */
const PIECE_SIZE = 1 << 16;

/** The same bytes as those of `compress`. */
export function* snappyInSteps(bytes: Uint8Array<ArrayBuffer>): Generator<void, Uint8Array<ArrayBuffer>> {
  const out = new WireBuffer(bytes.length >> 1);
  out.reserve(varintLength(bytes.length));
  out.varint(bytes.length);
  for (let begin = 0; begin < bytes.length; begin += PIECE_SIZE) {
    const piece = bytes.subarray(begin, begin + PIECE_SIZE);
    // Each says its size before it is compressed, where the format has only that of the whole.
    const compressed = compress(piece).subarray(varintLength(piece.length));
    out.reserve(compressed.length);
    out.raw(compressed);
    yield;
  }
  return out.written().slice();
}
