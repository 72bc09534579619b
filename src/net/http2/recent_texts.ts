/**
 * Compressed texts that came lately, decompressed: servers say the same again and again. One for all connections of a
 * thread; a text has one place, which the next one with the same hash takes over.
 */

/** Longer texts are as good as never the same. */
export const RECENT_TEXT_BYTES = 64;
const PLACES = 512;

const compressed = new Uint8Array(PLACES * RECENT_TEXT_BYTES);
const lengths = new Uint8Array(PLACES);
const texts: string[] = Array(PLACES).fill("");
/** Bytes of each text when it is decompressed; 0 where there is none. */
const textBytes = new Uint16Array(PLACES);

/** The place for the text `bytes[from, to)`, of at most `RECENT_TEXT_BYTES`. */
export function placeOfText(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from;
  for (let i = from; i < to; i++) hash = Math.imul(hash, 31) + bytes[i]!;
  return (hash ^ (hash >>> 9)) & (PLACES - 1);
}

/** How many bytes the text `bytes[from, to)` has when it is decompressed, 0 when its place has another one. Hot. */
export function recentTextBytes(place: number, bytes: Uint8Array, from: number, to: number): number {
  if (lengths[place] !== to - from) return 0;
  for (let i = from, at = place * RECENT_TEXT_BYTES; i < to; i++, at++) {
    if (bytes[i] !== compressed[at]) return 0;
  }
  return textBytes[place]!;
}

/** The text at a place. */
export function recentText(place: number): string {
  return texts[place]!;
}

/** Puts the text `bytes[from, to)`, which is `text`, in its place. */
export function keepText(
  place: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  text: string,
  length: number,
): void {
  for (let i = from, at = place * RECENT_TEXT_BYTES; i < to; i++, at++) compressed[at] = bytes[i]!;
  lengths[place] = to - from;
  texts[place] = text;
  textBytes[place] = length;
}
