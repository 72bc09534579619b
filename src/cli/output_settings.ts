/** The settings of a log output, as in `loki=http://localhost:3100,label.test=shop,allowedLabels=[level,vu]`. */

import { didYouMean } from "../options/suggest.ts";
import { type LogLevel, parseLevel } from "../output/log_line.ts";
import { UsageError } from "./args.ts";

/**
 * Takes `key=value` pairs apart at commas; a value in `[…]` or `"…"` may hold commas itself. A key that ends with `.` in
 * `known` stands for all that begin with it; `output` is for messages. Throws a `UsageError` for a key that isn't known.
 */
export function readOutputSettings(
  text: string,
  known: readonly string[],
  output: string = text,
): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [part] of text.matchAll(/(?:\[[^\]]*\]|"[^"]*"|[^,])+/g)) {
    const at = part.indexOf("=");
    const key = at < 0 ? part : part.slice(0, at);
    if (!known.some((name) => name === key || name.endsWith(".") && key.startsWith(name) && key !== name)) {
      throw new UsageError(`unknown setting ${JSON.stringify(key)} in --log-output ${output}${didYouMean(key, known)}`);
    }
    settings.set(key, at < 0 ? "" : unquote(part.slice(at + 1)));
  }
  return settings;
}

/** The level that `text` names; every line without one. Throws a `UsageError`. */
export function readLevel(text: string | undefined, output: string): LogLevel {
  const level = text === undefined ? "debug" : parseLevel(text);
  if (level === null) {
    throw new UsageError(
      `unknown level ${JSON.stringify(text)} in --log-output ${output}; use debug, info, warn or error`,
    );
  }
  return level;
}

function unquote(value: string): string {
  return /^".*"$|^\[.*\]$/.test(value) ? value.slice(1, -1) : value;
}
