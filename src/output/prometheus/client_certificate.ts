/** The certificate with which k6d shows a receiver who it is (mutual TLS), read from PEM files. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { OutputError } from "../output.ts";

/** A certificate (or chain) and its private key, PEM text. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Reads and checks the pair; throws an `OutputError` when a file can't be read, is no PEM, or the two don't belong together. */
export function readClientCertificate(certificatePath: string, keyPath: string): ClientCertificate {
  const cert = read("certificate", certificatePath);
  const key = read("certificate key", keyPath);
  const certificate = parse("certificate", certificatePath, () => new X509Certificate(cert));
  const privateKey = parse("certificate key", keyPath, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new OutputError(`client certificate "${certificatePath}" and key "${keyPath}" don't belong together`);
  }
  return { cert, key };
}

function read(what: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new OutputError(`cannot read the client ${what} "${path}": ${reason(error)}`, { cause: error });
  }
}

function parse<T>(what: string, path: string, parser: () => T): T {
  try {
    return parser();
  } catch (error) {
    throw new OutputError(`the client ${what} "${path}" is not valid PEM (an encrypted key can't be used)`, {
      cause: error,
    });
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}
