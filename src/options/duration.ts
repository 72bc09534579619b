/** Durations as k6 writes them: Go's `1h2m3.5s`, with a day unit in front (`1d2h`) and bare milliseconds. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const WHOLE = /^([-+]?)(?:(\d+(?:\.\d*)?|\.\d+)|(?:\d+d)?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*)$/;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/g;

/**
 * Milliseconds of a duration in text, `undefined` when it is malformed. A number without a unit is milliseconds.
 *
 * @example
 * ```ts
 * import { parseDuration } from "./duration.ts";
 * parseDuration("1m30s"); // 90000
 * parseDuration("1d2h"); // 93600000
 * parseDuration("250"); // 250
 * ```
 */
export function parseDuration(text: string): number | undefined {
  const match = WHOLE.exec(text);
  if (match === null || text === "" || text === "-" || text === "+") return undefined;
  const sign = match[1] === "-" ? -1 : 1;
  if (match[2] !== undefined) return sign * Number(match[2]);
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * UNIT_MS[unit!]!;
  return sign * roundToNanoseconds(ms);
}

/** Like {@linkcode parseDuration}, but the unit is mandatory, as on k6's command line; `0` alone is fine. */
export function parseDurationWithUnit(text: string): number | undefined {
  return /[a-zµμ]$/.test(text) || /^[-+]?0$/.test(text) ? parseDuration(text) : undefined;
}

/**
 * A duration in Go's format; fractions below a nanosecond are rounded away.
 *
 * @example
 * ```ts
 * import { formatDuration } from "./duration.ts";
 * formatDuration(90_000); // "1m30s"
 * formatDuration(1.5); // "1.5ms"
 * ```
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const ns = Math.round(ms * 1e6);
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${decimal(ns, 3)}µs`;
  if (ns < 1e9) return `${decimal(ns, 6)}ms`;
  const minutes = Math.floor(ns / 60e9);
  const seconds = `${decimal(ns - minutes * 60e9, 9)}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** `value / 10 ** places`, exact, without trailing zeros. */
function decimal(value: number, places: number): string {
  const scale = 10 ** places;
  const fraction = String(value % scale).padStart(places, "0").replace(/0+$/, "");
  const whole = Math.floor(value / scale);
  return fraction === "" ? `${whole}` : `${whole}.${fraction}`;
}

function roundToNanoseconds(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}
