/** The options that say how connections with TLS are made: `tlsVersion`, `tlsAuth`, `http2`, … */

import { isUnset } from "./kinds.ts";
import type { OptionLayer } from "./table.ts";
import type { TlsOptions, TlsVersion } from "./types.ts";

/** Reads them from checked options and from what the environment says: `SSLKEYLOGFILE`, and `GODEBUG=http2client=0` as in k6. */
export function readTls(merged: OptionLayer, env: Readonly<Record<string, string>>): TlsOptions {
  return {
    http2: merged["http2"] as boolean | undefined ?? !forbidsHttp2(env["GODEBUG"] ?? ""),
    ...boundsOf(merged),
    resumesSessions: merged["tlsSessionResumption"] === true,
    cipherSuites: cipherSuitesOf(merged),
    logsSecrets: keyLogOf(env) !== "" && unloggable(merged).length === 0,
    auth: authOf(merged).map(({ cert, key, password, domains }) => ({
      cert,
      key,
      password: isUnset(password) ? "" : password,
      domains: isUnset(domains) ? [] : domains,
    })),
  };
}

/** What the user should know about options and variables that k6d can obey in part only. */
export function tlsWarnings(merged: OptionLayer, env: Readonly<Record<string, string>>): string[] {
  return [...keyLogWarnings(merged, env), ...cipherSuiteWarnings(merged), ...resumptionWarnings(merged)];
}

function keyLogWarnings(merged: OptionLayer, env: Readonly<Record<string, string>>): string[] {
  const path = keyLogOf(env);
  if (path === "") return [];
  const options = unloggable(merged);
  if (options.length > 0) {
    return [`SSLKEYLOGFILE has no effect: the runtime doesn't tell secrets of connections with ${options.join(", ")}`];
  }
  const warning = `SSLKEYLOGFILE: the secrets of TLS connections go to ${path}; responses have no tls_version`;
  const hasProxy = ["HTTPS_PROXY", "https_proxy"].some((name) => (env[name] ?? "") !== "");
  return [hasProxy ? `${warning}; connections through a proxy keep their secrets` : warning];
}

function keyLogOf(env: Readonly<Record<string, string>>): string {
  return env["SSLKEYLOGFILE"] ?? "";
}

/** The given options that only those connections obey whose secrets can't be had. */
function unloggable(merged: OptionLayer): string[] {
  const { minVersion, maxVersion } = boundsOf(merged);
  return [
    ...(merged["insecureSkipTLSVerify"] === true ? ["insecureSkipTLSVerify"] : []),
    ...(minVersion === "tls1.3" || maxVersion === "tls1.2" ? ["tlsVersion"] : []),
    ...(cipherSuitesOf(merged) === null ? [] : ["tlsCipherSuites"]),
    ...(authOf(merged).length === 0 ? [] : ["tlsAuth"]),
    ...(isUnset(merged["localIPs"]) || merged["localIPs"] === "" ? [] : ["localIPs"]),
  ];
}

function cipherSuiteWarnings(merged: OptionLayer): string[] {
  const suites = cipherSuitesOf(merged);
  if (suites === null) return [];
  const hasOne = suites.some((name) => CIPHER_SUITES_OF_RUNTIME.has(name));
  return [
    'option "tlsCipherSuites": ' +
    (hasOne
      ? "the runtime offers others as well, and connections fail when a server chooses one of those with TLS 1.2"
      : "the runtime has none of them for TLS 1.2, so that only TLS 1.3 connects"),
  ];
}

function resumptionWarnings(merged: OptionLayer): string[] {
  if (merged["tlsSessionResumption"] !== true || authOf(merged).length === 0) return [];
  return ['option "tlsSessionResumption" has no effect on connections that show a certificate of "tlsAuth"'];
}

/** Of TLS 1.2. */
const CIPHER_SUITES_OF_RUNTIME: ReadonlySet<string> = new Set(
  ["ECDSA", "RSA"].flatMap((signature) =>
    ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"].map((cipher) =>
      `TLS_ECDHE_${signature}_WITH_${cipher}`
    )
  ),
);

/** By IANA's names: Go has older ones for two of them. */
function cipherSuitesOf(merged: OptionLayer): string[] | null {
  const names = merged["tlsCipherSuites"] as readonly string[] | undefined;
  if (isUnset(names) || names.length === 0) return null;
  return names.map((name) => name.replace(/CHACHA20_POLY1305$/, "CHACHA20_POLY1305_SHA256"));
}

function boundsOf(merged: OptionLayer): Pick<TlsOptions, "minVersion" | "maxVersion"> {
  const version = merged["tlsVersion"] as string | { readonly min?: string; readonly max?: string } | undefined;
  const { min, max } = typeof version === "object" ? version : { min: version, max: version };
  return { minVersion: versionOf(min), maxVersion: versionOf(max) };
}

function authOf(merged: OptionLayer): readonly GivenAuth[] {
  return merged["tlsAuth"] as readonly GivenAuth[] | undefined ?? [];
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
