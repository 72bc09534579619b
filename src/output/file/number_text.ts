/** Numbers as text, written straight into a buffer: a sample's value must not cost a string. */

const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;

/** The fast paths take what is smaller: six decimals and it have at most 15 digits, which every double tells apart. */
const FAST_LIMIT = 1e9;

/** What a difference of two clock readings in milliseconds may be away from a whole number of nanoseconds. */
const CLOCK_NOISE_NS = 1e-3;

/** The most that any function here writes. */
export const MAX_NUMBER_BYTES = 320;

/** Writes a number at `at` and returns where it ends. */
export type WriteNumber = (bytes: Uint8Array, at: number, value: number) => number;

/** The shortest text that reads back as the same number, as in JSON. Finite numbers only. Hot. */
export function writeShortest(bytes: Uint8Array, at: number, value: number): number {
  const size = Math.abs(value);
  if (size < FAST_LIMIT) {
    const millionths = Math.round(size * 1e6);
    if (millionths / 1e6 === size) return writeMillionths(bytes, value < 0 ? writeMinus(bytes, at) : at, millionths);
  }
  return writeText(bytes, at, String(value));
}

/** Like `writeShortest` for milliseconds of a clock that counts nanoseconds: the noise of computing with doubles is left out. Hot. */
export function writeMilliseconds(bytes: Uint8Array, at: number, value: number): number {
  const nanoseconds = value * 1e6;
  const rounded = Math.round(nanoseconds);
  if (value >= 0 && value < FAST_LIMIT && Math.abs(nanoseconds - rounded) < CLOCK_NOISE_NS) {
    return writeMillionths(bytes, at, rounded);
  }
  return writeShortest(bytes, at, value);
}

/** Six decimals, as C and Go print `%f`. Hot. */
export function writeSixDecimals(bytes: Uint8Array, at: number, value: number): number {
  const size = Math.abs(value);
  if (size < FAST_LIMIT) {
    const exact = size * 1e6;
    const millionths = Math.round(exact);
    // Near the middle of two results the rounding of the product itself would decide.
    if (Math.abs(exact - millionths) < 0.49) {
      const whole = Math.floor(millionths / 1e6);
      const end = writeDigits(bytes, isNegative(value) ? writeMinus(bytes, at) : at, whole);
      bytes[end] = POINT;
      return writeSixDigits(bytes, end + 1, millionths - whole * 1e6);
    }
  }
  return writeText(bytes, at, sixDecimals(value));
}

/** A whole number from 0 to 2³² − 1. Hot. */
export function writeDigits(bytes: Uint8Array, at: number, value: number): number {
  let end = at + 1;
  for (let limit = 10; value >= limit; limit *= 10) end++;
  for (let i = end - 1, rest = value >>> 0; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    bytes[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

/** Six digits, with zeros in front. */
export function writeSixDigits(bytes: Uint8Array, at: number, value: number): number {
  for (let i = at + 5, rest = value | 0; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    bytes[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + 6;
}

/** Where a text of digits ends without the zeros at its end. */
export function withoutZeros(bytes: Uint8Array, end: number): number {
  while (bytes[end - 1] === ZERO) end--;
  return end;
}

/** Text of ASCII characters. */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** A number of millionths as a decimal without zeros at its end. */
function writeMillionths(bytes: Uint8Array, at: number, millionths: number): number {
  const whole = Math.floor(millionths / 1e6);
  const fraction = millionths - whole * 1e6;
  const end = writeDigits(bytes, at, whole);
  if (fraction === 0) return end;
  bytes[end] = POINT;
  return withoutZeros(bytes, writeSixDigits(bytes, end + 1, fraction));
}

function writeMinus(bytes: Uint8Array, at: number): number {
  bytes[at] = MINUS;
  return at + 1;
}

function isNegative(value: number): boolean {
  return value < 0 || Object.is(value, -0);
}

function sixDecimals(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  const rounded = value.toFixed(6);
  // An exact tie is an odd multiple of 2⁻⁷, with seven decimals: `toFixed` rounds it up, `%f` to the even digit.
  if (!Number.isInteger(value * 128) || Number.isInteger(value * 64)) return rounded;
  const down = value.toFixed(7).slice(0, -1);
  return Number(down.at(-1)) % 2 === 0 ? down : rounded;
}
