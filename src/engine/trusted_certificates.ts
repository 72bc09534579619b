/** Which certificates the user trusts. */

import { X509Certificate } from "node:crypto";
import { ExitCode } from "../cli/exit_codes.ts";
import { RunError } from "./run_error.ts";

/**
 * The roots for TLS: those of the file that `SSL_CERT_FILE` names (PEM), as in Go programs; empty without: then Mozilla's
 * count. Throws a `RunError` when the file can't be read, or has no certificate.
 */
export function trustedCertificates(env: Readonly<Record<string, string>>): string[] {
  const path = env.SSL_CERT_FILE;
  if (path === undefined || path === "") return [];
  const text = read(path);
  if (!hasCertificate(text)) {
    throw new RunError(ExitCode.Failure, `SSL_CERT_FILE names ${path}, which holds no certificate in PEM`);
  }
  return [text];
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new RunError(ExitCode.Failure, `SSL_CERT_FILE names ${path}, which can't be read: ${error.message}`);
  }
}

/** Whether at least one can be used; TLS passes over the others. */
function hasCertificate(text: string): boolean {
  const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return pems.some((pem) => {
    try {
      return new X509Certificate(pem).subject !== undefined;
    } catch (error) {
      if (error instanceof Error) return false;
      throw error;
    }
  });
}
