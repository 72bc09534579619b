/** The certificates that servers get to see: k6's `tlsAuth`, made ready for the workers. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { ExitCode } from "../cli/exit_codes.ts";
import type { ClientCertificate } from "../net/types.ts";
import type { TlsAuth } from "../options/types.ts";
import { RunError } from "./run_error.ts";

/**
 * Decrypts the keys and makes sure that each belongs to its certificate: TLS would go on without one, and say nothing.
 * Throws a `RunError` that names the entry.
 */
export function clientCertificates(auth: readonly TlsAuth[]): ClientCertificate[] {
  return auth.map(({ cert, key, password, domains }, index) => {
    const privateKey = readKey(key, password, index);
    if (!readCertificate(cert, index).checkPrivateKey(privateKey)) {
      throw mistake(index, "the key is not that of the certificate");
    }
    return { certificate: cert, key: String(privateKey.export({ type: "pkcs8", format: "pem" })), domains };
  });
}

function readKey(key: string, password: string, index: number): KeyObject {
  try {
    return createPrivateKey({ key, format: "pem", passphrase: password });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isEncrypted = key.includes("ENCRYPTED");
    throw mistake(
      index,
      isEncrypted && password === ""
        ? "the key is encrypted: add its password"
        : isEncrypted
        ? "the key can't be decrypted: is that its password?"
        : "key is no private key in PEM (-----BEGIN PRIVATE KEY-----)",
    );
  }
}

function readCertificate(cert: string, index: number): X509Certificate {
  try {
    return new X509Certificate(cert);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw mistake(index, "cert is no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
}

function mistake(index: number, what: string): RunError {
  return new RunError(ExitCode.InvalidConfig, `option "tlsAuth", entry ${index + 1}: ${what}`);
}
