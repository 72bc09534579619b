/** Numbers as the summary and the terminal write them: durations, bytes, percentages, plain numbers. */

import type { ValueType } from "../metrics/types.ts";
import type { SummaryOptions } from "./summary_input.ts";

/** A value in the unit of its metric: `12.34ms`, `5.6 kB`, `1.5`. */
export function formatValue(value: number, contains: ValueType, timeUnit: SummaryOptions["timeUnit"]): string {
  switch (contains) {
    case "time":
      return timeUnit === "" ? formatDuration(value) : formatInUnit(value, timeUnit);
    case "data":
      return formatBytes(value);
    case "default":
      return formatNumber(value);
  }
}

/** At most six decimals, without trailing zeros. */
export function formatNumber(value: number): string {
  return trimZeros(value.toFixed(6));
}

/** Decimal multiples: under 10 bytes as they are, otherwise one decimal under 10 of a unit and none from there on. */
export function formatBytes(bytes: number): string {
  const magnitude = Math.abs(bytes);
  if (magnitude < 10) return `${bytes} B`;
  let unit = 0;
  let scale = 1;
  while (unit < BYTE_UNITS.length - 1 && magnitude >= scale * 1000) {
    scale *= 1000;
    unit++;
  }
  const scaled = Math.round(bytes / scale * 10) / 10;
  return `${scaled.toFixed(Math.abs(scaled) < 10 ? 1 : 0)} ${BYTE_UNITS[unit]}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** The share as a percentage, cut (not rounded) to two decimals; an empty whole gives `0.00%`. */
export function formatPercent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : hundredths(part * 100 / whole) / 100).toFixed(2)}%`;
}

/** Milliseconds in the fitting unit, cut to two decimals: `12ns`, `3.4µs`, `5.67ms`, `8.9s`, `1m2s`, `3h0m1s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 0.001) return `${Math.trunc(ms * 1_000_000)}ns`;
  if (ms < 1) return `${cut(ms * 1000)}µs`;
  if (ms < 1000) return `${cut(ms)}ms`;
  if (ms < 60_000) return `${cut(ms / 1000)}s`;
  return formatWholeSeconds(Math.trunc(ms / 1000));
}

/** Milliseconds as options and plans write them, exact: `1h0m0s`, `10m30s`, `1.5s`, `500ms`, `0s`. */
export function formatPlanDuration(ms: number): string {
  if (ms !== 0 && ms < 1000) return `${formatNumber(ms)}ms`;
  const wholeSeconds = Math.trunc(ms / 1000);
  const rest = trimZeros((ms / 1000 - wholeSeconds).toFixed(6)).slice(1);
  return formatWholeSeconds(wholeSeconds).replace(/s$/, `${rest}s`);
}

function formatWholeSeconds(seconds: number): string {
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 0) return `${seconds}s`;
  const hours = Math.trunc(minutes / 60);
  return `${hours === 0 ? "" : `${hours}h`}${minutes % 60}m${seconds % 60}s`;
}

function formatInUnit(ms: number, unit: "s" | "ms" | "us"): string {
  switch (unit) {
    case "s":
      return `${(ms / 1000).toFixed(2)}s`;
    case "ms":
      return `${ms.toFixed(2)}ms`;
    case "us":
      return `${(ms * 1000).toFixed(2)}µs`;
  }
}

/** Cuts to two decimals, without trailing zeros. */
function cut(value: number): string {
  return trimZeros((hundredths(value) / 100).toFixed(2));
}

/** Whole hundredths of a value. Fifteen digits first, because 2.01 * 100 is 200.99999999999997. */
function hundredths(value: number): number {
  return Math.trunc(Number((value * 100).toPrecision(15)));
}

function trimZeros(decimal: string): string {
  return decimal.replace(/\.?0+$/, "");
}
