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
