/** The levels of log lines as clouds name them. */

/** One of k6d's own levels. */
export type LogLevelName = "debug" | "info" | "warn" | "error";

/** The level of k6d's that a word means; null for none. */
export function findLogLevel(word: string): LogLevelName | null {
  return LEVELS.get(word.toLowerCase()) ?? null;
}

const LEVELS: ReadonlyMap<string, LogLevelName> = new Map([
  ["trace", "debug"],
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warn"],
  ["warning", "warn"],
  ["error", "error"],
  ["fatal", "error"],
  ["panic", "error"],
]);
