/** A sample's time as text, in the formats that k6's file outputs know. */

import { withoutZeros, writeSixDigits, writeText } from "./number_text.ts";

/** Names as `K6_CSV_TIME_FORMAT` takes them. */
export const TIME_FORMATS = ["unix", "unix_milli", "unix_micro", "unix_nano", "rfc3339", "rfc3339_nano"] as const;

/** A format's name. */
export type TimeFormat = typeof TIME_FORMATS[number];

/** The most that a time takes. */
const MAX_TIME_BYTES = 40;

/**
 * The text of one time at a time, in `bytes` up to `length`. Samples come in the order of time, often several with the same
 * one: what stays the same from one to the next is not written again.
 */
export class TimeText {
  /** Always of the same size: copied as a whole, of which `length` bytes count. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  readonly #format: TimeFormat;
  readonly #suffix: string;
  #epochMs = NaN;
  #second = NaN;
  /** Where the text of the second ends. */
  #secondLength = 0;
  #zone = "";

  /** `suffix` (ASCII) follows every time. */
  constructor(format: TimeFormat, suffix: string) {
    this.#format = format;
    this.#suffix = suffix;
    this.bytes = new Uint8Array(MAX_TIME_BYTES + suffix.length);
  }

  /** Hot. */
  set(epochMs: number): void {
    if (epochMs === this.#epochMs) return;
    this.#epochMs = epochMs;
    const second = Math.floor(epochMs / 1000);
    if (second !== this.#second) this.#setSecond(second);
    this.length = writeText(
      this.bytes,
      this.#writeFraction(Math.floor((epochMs - second * 1000) * 1000)),
      this.#suffix,
    );
  }

  #setSecond(second: number): void {
    this.#second = second;
    let text = String(second);
    if (this.#format === "rfc3339" || this.#format === "rfc3339_nano") {
      const offsetMinutes = -new Date(second * 1000).getTimezoneOffset();
      text = new Date((second + offsetMinutes * 60) * 1000).toISOString().slice(0, -".000Z".length);
      this.#zone = zone(offsetMinutes);
    }
    this.#secondLength = writeText(this.bytes, 0, text);
  }

  /** What follows the second. A sample's time is a double of milliseconds, which is good for microseconds and no more. */
  #writeFraction(micros: number): number {
    const at = this.#secondLength;
    switch (this.#format) {
      case "unix":
        return at;
      case "unix_milli":
        return writeSixDigits(this.bytes, at, micros) - 3;
      case "unix_micro":
        return writeSixDigits(this.bytes, at, micros);
      case "unix_nano":
        return writeText(this.bytes, writeSixDigits(this.bytes, at, micros), "000");
      case "rfc3339":
        return writeText(this.bytes, at, this.#zone);
      case "rfc3339_nano":
        return writeText(this.bytes, this.#writeDecimals(at, micros), this.#zone);
    }
  }

  #writeDecimals(at: number, micros: number): number {
    if (micros === 0) return at;
    return withoutZeros(this.bytes, writeSixDigits(this.bytes, writeText(this.bytes, at, "."), micros));
  }
}

function zone(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  return `${offsetMinutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
}
