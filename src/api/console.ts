/** The global `console` of scripts: every line goes to k6d's log with `source=console`. */

import type { LogLevel } from "../worker/messages.ts";
import { formatConsole } from "./console_format.ts";
import { session } from "./session.ts";

const FIELDS = { source: "console" };

function line(level: LogLevel): (...args: readonly unknown[]) => void {
  return (...args) => session.log(level, formatConsole(args), FIELDS);
}

/** k6's console: five methods, `log` is `info`. */
export const scriptConsole: Readonly<Record<string, unknown>> = {
  log: line("info"),
  debug: line("debug"),
  info: line("info"),
  warn: line("warn"),
  error: line("error"),
};
