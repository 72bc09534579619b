/** A line of k6d's log, for outputs that send the log elsewhere. */

/** How serious a line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** All levels, the least serious first. */
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** One line of the log, free of secrets. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** In the order of their names. */
  readonly fields: readonly (readonly [key: string, value: string])[];
  readonly atEpochMs: number;
}

/** k6's name of a level: `warning` for `warn`. */
export function levelName(level: LogLevel): string {
  return level === "warn" ? "warning" : level;
}

/** The level that k6 calls so, in any case; `all` and `trace` stand for the least serious one. Null for none. */
export function parseLevel(name: string): LogLevel | null {
  const lowerCase = name.toLowerCase();
  if (lowerCase === "all" || lowerCase === "trace") return "debug";
  return LOG_LEVELS.find((level) => level === lowerCase || levelName(level) === lowerCase) ?? null;
}

/** Whether a level is as serious as `least`, or more. */
export function isAtLeast(least: LogLevel, level: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
