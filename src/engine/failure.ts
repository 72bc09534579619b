/** What the errors of a test mean: a line of the log and an exit code. */

import { ExitCode } from "../cli/exit_codes.ts";
import type { Log } from "../cli/log.ts";
import { OptionsError } from "../options/options_error.ts";
import { ScriptError } from "../script/program.ts";
import { RunError } from "./run_error.ts";

/** Logs an error of the test and returns its exit code; throws any other error again. */
export function reportFailure(error: unknown, log: Log): number {
  if (error instanceof RunError) {
    if (error.message !== "") log.write("error", error.message, error.fields);
    return error.code;
  }
  if (error instanceof OptionsError) {
    log.error(error.message);
    return ExitCode.InvalidConfig;
  }
  if (error instanceof ScriptError) {
    log.error(error.message);
    return error.isMissingScript ? ExitCode.Failure : ExitCode.ScriptException;
  }
  throw error;
}
