/** What the user is told when k6d itself fails. */

import { ExitCode } from "./exit_codes.ts";
import type { Log } from "./log.ts";

/** Says in one line that k6d itself failed, and where to report it; the stack goes to the debug log. */
export function reportCrash(error: unknown, log: Pick<Log, "error" | "debug">): number {
  const what = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split("\n", 1)[0];
  log.error(
    `k6d crashed: ${what}. This is a bug in k6d; please report it with this line and the script (--verbose logs the stack)`,
  );
  if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  return ExitCode.GoPanic;
}

/** Errors that no caller can catch (in a timer, of a promise that nobody awaits) end the process as a crash does. */
export function exitOnStrayErrors(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(reportCrash(event.reason, log));
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    Deno.exit(reportCrash(event.error, log));
  });
}
