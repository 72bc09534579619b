/** Which certificates the user trusts. */

import { ExitCode } from "../cli/exit_codes.ts";
import { RunError } from "./run_error.ts";

/**
 * The roots for TLS: those of the file that `SSL_CERT_FILE` names (PEM), as in Go programs; empty without: then Mozilla's
 * count. Throws a `RunError` when the file can't be read.
 */
export function trustedCertificates(env: Readonly<Record<string, string>>): string[] {
  const path = env.SSL_CERT_FILE;
  if (path === undefined || path === "") return [];
  try {
    return [Deno.readTextFileSync(path)];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new RunError(ExitCode.Failure, `SSL_CERT_FILE names ${path}, which can't be read: ${error.message}`);
  }
}
