/** Authentications that take more than one request, by name. */

import { DigestScheme } from "./digest.ts";
import { NtlmScheme } from "./ntlm.ts";
import type { AuthScheme, Credentials } from "./scheme.ts";

/** Their names. */
export type AuthName = "digest" | "ntlm";

/** Begins one for a request, which is to be sent without any Authorization first. */
export function beginAuth(name: AuthName, credentials: Credentials): AuthScheme {
  return name === "digest" ? new DigestScheme(credentials) : new NtlmScheme(credentials);
}
