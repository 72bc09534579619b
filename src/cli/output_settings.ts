/** The settings of a log output, as in `loki=http://localhost:3100,label.test=shop,allowedLabels=[level,vu]`. */

import { didYouMean } from "../options/suggest.ts";
import { UsageError } from "./args.ts";

/**
 * Takes `key=value` pairs apart at commas; a value in `[…]` or `"…"` may hold commas itself. A key that ends with `.` in
 * `known` stands for all that begin with it. Throws a `UsageError` for a key that isn't known, and for a part without a value.
 */
export function readOutputSettings(output: string, known: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [part] of output.matchAll(/(?:\[[^\]]*\]|"[^"]*"|[^,])+/g)) {
    const at = part.indexOf("=");
    const key = at < 0 ? part : part.slice(0, at);
    if (!known.some((name) => name === key || name.endsWith(".") && key.startsWith(name) && key !== name)) {
      throw new UsageError(`unknown setting ${JSON.stringify(key)} in --log-output ${output}${didYouMean(key, known)}`);
    }
    settings.set(key, at < 0 ? "" : unquote(part.slice(at + 1)));
  }
  return settings;
}

function unquote(value: string): string {
  return /^".*"$|^\[.*\]$/.test(value) ? value.slice(1, -1) : value;
}
