/** The Huffman code of header texts (RFC 7541, section 5.2 and appendix B). */

import { ErrorCode, Http2ConnectionError } from "./error_codes.ts";

/** Bytes that `text`, given as bytes, takes when it is compressed. */
export function huffmanLength(bytes: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) bits += LENGTHS[bytes[i]!]!;
  return (bits + 7) >>> 3;
}

/** Compresses `bytes` into `out` from `at` on; returns where it ends. */
export function huffmanEncode(bytes: Uint8Array, out: Uint8Array, at: number): number {
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < bytes.length; i++) {
    const symbol = bytes[i]!;
    // At most 7 bits wait and a code has at most 30: more than a 32-bit integer holds.
    pending = pending * 2 ** LENGTHS[symbol]! + CODES[symbol]!;
    pendingBits += LENGTHS[symbol]!;
    while (pendingBits >= 8) {
      pendingBits -= 8;
      const rest = 2 ** pendingBits;
      out[at++] = pending / rest;
      pending %= rest;
    }
  }
  if (pendingBits > 0) out[at++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return at;
}

/**
 * Decompresses `bytes[from, to)` into `out`, which has room for two bytes for each of them; returns their number. Hot.
 *
 * @throws {Http2ConnectionError} when they aren't the code of a text
 */
export function huffmanDecode(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  let length = 0;
  let state = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = STEPS[(state << 4) | ((byte >>> shift) & 15)]!;
      if (step < 0) throw new Http2ConnectionError(ErrorCode.CompressionError);
      if (step & EMITS) out[length++] = step & 0xff;
      state = step >>> STATE_SHIFT;
    }
  }
  if (PADDING_STATES[state] === 0) throw new Http2ConnectionError(ErrorCode.CompressionError);
  return length;
}

/** All symbols by the length of their codes, which count upwards in this order. */
const SYMBOLS: readonly (readonly [bits: number, symbols: readonly number[]])[] = [
  [5, ascii("012aceiost")],
  [6, ascii(" %-./3456789=A_bdfghlmnpru")],
  [7, ascii(":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz")],
  [8, ascii("&*,;XZ")],
  [10, ascii('!"()?')],
  [11, ascii("'+|")],
  [12, ascii("#>")],
  [13, ascii("\0$@[]~")],
  [14, ascii("^}")],
  [15, ascii("<`{")],
  [19, [92, 195, 208]],
  [20, [128, 130, 131, 162, 184, 194, 224, 226]],
  [21, [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]],
  [22, [
    ...[129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196],
    ...[198, 228, 232, 233],
  ]],
  [23, [
    ...[1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180],
    ...[182, 183, 188, 191, 197, 231, 239],
  ]],
  [24, [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]],
  [25, [199, 207, 234, 235]],
  [26, [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]],
  [27, [203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254]],
  [28, [
    ...[2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220],
    249,
  ]],
  // The last one ends a text, and must not stand in one.
  [30, [10, 13, 22, 256]],
];

const LENGTHS = new Uint8Array(257);
const CODES = new Uint32Array(257);
{
  let code = 0;
  let bits = 0;
  for (const [length, symbols] of SYMBOLS) {
    code *= 2 ** (length - bits);
    bits = length;
    for (const symbol of symbols) {
      LENGTHS[symbol] = length;
      CODES[symbol] = code++;
    }
  }
}

const EMITS = 0x100;
const STATE_SHIFT = 9;
const END_OF_TEXT = 256;

/**
 * What four more bits do in each state: the next state, and the symbol that they end, if any (codes have at least five
 * bits). A state is a place in the tree of codes.
 */
const STEPS = new Int32Array(256 * 16);
/** In which states a text may end: after at most seven bits of padding, all of them 1. */
const PADDING_STATES = new Uint8Array(256);
{
  /** Children of each place: a place, or a symbol as its complement. */
  const tree: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol <= END_OF_TEXT; symbol++) {
    let place = 0;
    for (let bit = LENGTHS[symbol]! - 1; bit >= 0; bit--) {
      const side = (CODES[symbol]! >>> bit) & 1;
      if (bit === 0) tree[place]![side] = ~symbol;
      else if (tree[place]![side] === 0) place = tree[place]![side] = tree.push([0, 0]) - 1;
      else place = tree[place]![side]!;
    }
  }
  for (let state = 0; state < tree.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) STEPS[(state << 4) | nibble] = stepOf(tree, state, nibble);
  }
  for (let bits = 0, state = 0; bits < 8; bits++, state = tree[state]![1]!) PADDING_STATES[state] = 1;
}

function stepOf(tree: readonly (readonly [number, number])[], state: number, nibble: number): number {
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = tree[state]![(nibble >>> bit) & 1]!;
    if (next >= 0) {
      state = next;
      continue;
    }
    if (~next === END_OF_TEXT) return -1;
    emitted = EMITS | ~next;
    state = 0;
  }
  return (state << STATE_SHIFT) | emitted;
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
