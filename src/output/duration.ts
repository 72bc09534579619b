/** Durations as k6 writes them: Go's notation plus days, or a bare number of milliseconds. */

/**
 * Milliseconds of `"1h30m"`, `"2.5s"`, `"1d2h"`, `"500"` or `500`; null when the text is no duration.
 * A bare number means milliseconds, as everywhere in k6's options.
 */
export function parseDurationMs(value: string | number): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  const [, sign, number, units] = WHOLE.exec(value) ?? [];
  const direction = sign === "-" ? -1 : 1;
  if (number !== undefined) return direction * Number(number);
  if (units === undefined || units === "") return null;
  let milliseconds = 0;
  for (const [, amount, unit] of units.matchAll(PART)) {
    milliseconds += Number(amount) * (millisecondsPer[unit ?? ""] ?? NaN);
  }
  return direction * milliseconds;
}

/**
 * Milliseconds of a setting for which a timer waits; null when it is no duration, or not above zero. What timers can't wait, less
 * than a millisecond or more than 24 days, becomes the nearest that they can.
 */
export function parseIntervalMs(value: unknown): number | null {
  const durationMs = typeof value === "string" || typeof value === "number" ? parseDurationMs(value) : null;
  return durationMs !== null && durationMs > 0 ? Math.min(Math.max(durationMs, 1), LONGEST_TIMER_MS) : null;
}

/** 24 days, in whole seconds: beyond 2^31 ms timers fire at once. */
export const LONGEST_TIMER_MS = 2_147_483_000;

const WHOLE = /^([-+]?)(?:(\d+\.?\d*|\.\d+)|((?:\d+d)?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*))$/;
const PART = /(\d+\.?\d*|\.\d+)(d|h|ms|m|s|us|µs|μs|ns)/g;

const millisecondsPer: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ns: 1e-6,
};
