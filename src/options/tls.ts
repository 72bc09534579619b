/** The options that say how connections with TLS are made: `tlsVersion`, `tlsAuth`, `http2`, … */

import { isUnset } from "./kinds.ts";
import type { OptionLayer } from "./table.ts";
import type { TlsOptions, TlsVersion } from "./types.ts";

/** Reads them from checked options, and what the environment (`GODEBUG=http2client=0`, as k6 has it) says of HTTP/2. */
export function readTls(merged: OptionLayer, env: Readonly<Record<string, string>>): TlsOptions {
  const version = merged["tlsVersion"] as string | { readonly min?: string; readonly max?: string } | undefined;
  const { min, max } = typeof version === "object" ? version : { min: version, max: version };
  const auth = merged["tlsAuth"] as readonly GivenAuth[] | undefined ?? [];
  return {
    http2: merged["http2"] as boolean | undefined ?? !forbidsHttp2(env["GODEBUG"] ?? ""),
    minVersion: versionOf(min),
    maxVersion: versionOf(max),
    resumesSessions: merged["tlsSessionResumption"] === true,
    auth: auth.map(({ cert, key, password, domains }) => ({
      cert,
      key,
      password: isUnset(password) ? "" : password,
      domains: isUnset(domains) ? [] : domains,
    })),
  };
}

/** What the user should know about variables that k6 knows and k6d can't obey. */
export function tlsWarnings(env: Readonly<Record<string, string>>): string[] {
  const keyLog = env["SSLKEYLOGFILE"] ?? "";
  return keyLog === ""
    ? []
    : ["SSLKEYLOGFILE has no effect: the runtime of k6d does not tell the secrets of TLS connections"];
}

/** An entry of `tlsAuth`, checked. */
interface GivenAuth {
  readonly cert: string;
  readonly key: string;
  readonly password?: string;
  readonly domains?: readonly string[];
}

/** Null for older ones as well: connections then begin with the lowest that there is. */
function versionOf(text: string | undefined): TlsVersion | null {
  return text === "tls1.2" || text === "tls1.3" ? text : null;
}

function forbidsHttp2(settings: string): boolean {
  return settings.split(",").some((setting) => setting.trim() === "http2client=0");
}
