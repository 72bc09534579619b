/** A request's body, which may lie in several places: what is large is sent from where it is, not copied to be joined. */

/** A body in one piece or in several. */
export type RequestBody = Uint8Array | BodyParts;

/** Pieces from here on are not copied. */
export const LARGE_PIECE_BYTES = 1024 * 1024;

/** Pieces that are sent one after the other; none is empty. */
export class BodyParts {
  readonly parts: readonly Uint8Array[];
  /** Of all together. */
  readonly length: number;

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts;
    this.length = totalLength(parts);
  }
}

/** Puts a body together: small pieces are joined, large ones stay where they are. */
export function joinPieces(pieces: readonly Uint8Array[]): RequestBody {
  const parts: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  for (const piece of pieces) {
    if (piece.length < LARGE_PIECE_BYTES) {
      small.push(piece);
    } else {
      if (small.length > 0) parts.push(concat(small));
      small = [];
      parts.push(piece);
    }
  }
  const last = concat(small);
  return parts.length === 0 ? last : new BodyParts(last.length === 0 ? parts : [...parts, last]);
}

/** The body's pieces. */
export function partsOf(body: RequestBody): readonly Uint8Array[] {
  return body instanceof BodyParts ? body.parts : [body];
}

/** The body in one piece: itself, or a copy. */
export function wholeBody(body: RequestBody): Uint8Array {
  return body instanceof BodyParts ? concat(body.parts) : body;
}

/** Copies `length` bytes of the body, from `start` on, to `out` at `at`. */
export function copyBody(body: RequestBody, start: number, length: number, out: Uint8Array, at: number): void {
  for (const part of partsOf(body)) {
    if (length === 0) return;
    if (start < part.length) {
      const piece = part.subarray(start, start + length);
      out.set(piece, at);
      at += piece.length;
      length -= piece.length;
    }
    start = Math.max(0, start - part.length);
  }
}

function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(totalLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function totalLength(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
