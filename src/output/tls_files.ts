/** PEM files of outputs' TLS settings: whom k6d trusts, and the certificate with which it shows a receiver who it is (mutual TLS). */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { OutputError } from "./output.ts";

/** A certificate (or chain) and its private key, PEM text. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads and checks the pair; null when neither path is given. Throws an `OutputError` when one is missing, a file can't be read
 * or is no PEM, or the two don't belong together. `settings` names those of the two paths.
 */
export function readClientCertificate(
  certificatePath: string | undefined,
  keyPath: string | undefined,
  settings: string,
): ClientCertificate | null {
  if (certificatePath === undefined && keyPath === undefined) return null;
  if (certificatePath === undefined || keyPath === undefined) {
    throw new OutputError(`a client certificate needs both ${settings}`);
  }
  const cert = read("client certificate", certificatePath);
  const key = read("client certificate key", keyPath);
  const certificate = parse("client certificate", certificatePath, () => new X509Certificate(cert));
  const privateKey = parse("client certificate key", keyPath, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new OutputError(
      `client certificate ${JSON.stringify(certificatePath)} and key ${JSON.stringify(keyPath)} don't belong together`,
    );
  }
  return { cert, key };
}

/** Reads the certificates of authorities, PEM text; throws an `OutputError` when the file can't be read or is no PEM. */
export function readCaCertificate(path: string): string {
  const certificates = read("CA certificate", path);
  parse("CA certificate", path, () => new X509Certificate(certificates));
  return certificates;
}

function read(what: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new OutputError(`cannot read the ${what} ${JSON.stringify(path)}: ${reason(error)}`, { cause: error });
  }
}

function parse<T>(what: string, path: string, parser: () => T): T {
  try {
    return parser();
  } catch (error) {
    const hint = what.endsWith("key") ? " (an encrypted key can't be used)" : "";
    throw new OutputError(`the ${what} ${JSON.stringify(path)} is not valid PEM${hint}`, { cause: error });
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}
