/** The file that `SSLKEYLOGFILE` names. */

import { ExitCode } from "../cli/exit_codes.ts";
import { RunError } from "./run_error.ts";

/** Makes sure that it can be written to: TLS itself would go on without it. Throws a `RunError`. */
export function checkKeyLogFile(path: string): void {
  try {
    Deno.openSync(path, { append: true, create: true }).close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new RunError(ExitCode.Failure, `SSLKEYLOGFILE names ${path}, which can't be written to: ${error.message}`);
  }
}
