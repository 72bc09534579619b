/** What can be wrong with the options that name hosts, networks and TLS settings; each check returns the mistake, if any. */

import { BlockList, isIP } from "node:net";
import { isUnset } from "./kinds.ts";

/** `blacklistIPs`: addresses and networks (`10.0.0.0/8`). */
export function checkNetworks(value: readonly string[]): string | undefined {
  const wrong = value.find((item) => isIP(item) === 0 && !isNetwork(item));
  return wrong === undefined ? undefined : `${quote(wrong)} is neither an IP address nor a network such as 10.0.0.0/8`;
}

/** `userAgent`: what RFC 9110, section 5.5, allows in a header's value. */
export function checkHeaderValue(value: string): string | undefined {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  const isAllowed = !/[\x00-\x08\x0a-\x1f\x7f]/.test(value);
  return isAllowed ? undefined : `${JSON.stringify(value)} has a line break or another control character in it`;
}

/** `blockHostnames`: names, the first part of which may be `*`. */
export function checkHostPatterns(value: readonly string[]): string | undefined {
  const wrong = value.find((item) => !PATTERN.test(item));
  return wrong === undefined ? undefined : `${quote(wrong)} is no host name; * may stand at its beginning only`;
}

/** `hosts`: a name, `name:port` or `*.name` to an address, which may have a port. */
export function checkHosts(value: Readonly<Record<string, string>>): string | undefined {
  for (const [host, address] of Object.entries(value)) {
    if (!PATTERN.test(host.replace(/:\d+$/, ""))) {
      return `${quote(host)} is no host name; * may stand at its beginning only`;
    }
    if (!isAddress(address)) {
      return `${quote(address)}, given for ${quote(host)}, is no IP address (with or without a port)`;
    }
  }
  return undefined;
}

/** `localIPs`: addresses, ranges (`10.0.0.1-10.0.0.9`) and networks, separated by commas. */
export function checkLocalIps(value: string): string | undefined {
  if (value === "") return undefined;
  const wrong = value.split(",").find((item) => isIP(item) === 0 && !isNetwork(item) && !isRange(item));
  return wrong === undefined
    ? undefined
    : `${quote(wrong)} is no IP address, range (10.0.0.1-10.0.0.9) or network (10.0.0.0/24)`;
}

/** `tlsVersion`: one version, or the least and the greatest. */
export function checkTlsVersion(value: string | Readonly<Record<string, unknown>>): string | undefined {
  const given = typeof value === "string" ? [value] : [value["min"], value["max"]];
  const wrong = given.find((version) =>
    !isUnset(version) && version !== "" && !TLS_VERSIONS.includes(version as string)
  );
  if (wrong !== undefined) return `unknown TLS version ${quote(wrong)}; use one of ${TLS_VERSIONS.join(", ")}`;
  const [least, greatest = least] = given.map((version) => TLS_VERSIONS.indexOf(version as string));
  if (greatest! >= 0 && greatest! < least!) return `${quote(given[0])} is above ${quote(given[1])}`;
  const isTooOld = greatest! >= 0 && greatest! < TLS_VERSIONS.indexOf("tls1.2");
  return isTooOld ? `k6d has no version below tls1.2, so that it can't connect by ${quote(given.at(-1))}` : undefined;
}

/** `tlsCipherSuites`: names of IANA's registry. */
export function checkCipherSuites(value: readonly string[]): string | undefined {
  const wrong = value.find((name) => !CIPHER_SUITES.has(name));
  return wrong === undefined ? undefined : `unknown cipher suite ${quote(wrong)}`;
}

/** `tlsAuth`: certificates with their keys. */
export function checkTlsAuth(value: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  for (const { cert, key, password, domains } of value) {
    if (typeof cert !== "string" || typeof key !== "string") return "each entry needs cert and key, both PEM texts";
    if (!isUnset(password) && typeof password !== "string") return "password must be a string";
    const isList = Array.isArray(domains) && domains.every((domain) => typeof domain === "string");
    if (!isUnset(domains) && !isList) return "domains must be an array of strings";
  }
  return undefined;
}

const PATTERN = /^(?:\*|\*?[\p{L}\d_.-]+)$/u;

const TLS_VERSIONS: readonly string[] = ["tls1.0", "tls1.1", "tls1.2", "tls1.3"];

const CIPHER_SUITES: ReadonlySet<string> = new Set([
  "TLS_RSA_WITH_RC4_128_SHA",
  "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
  "TLS_RSA_WITH_AES_128_CBC_SHA",
  "TLS_RSA_WITH_AES_256_CBC_SHA",
  "TLS_RSA_WITH_AES_128_CBC_SHA256",
  "TLS_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
  "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
]);

function isNetwork(text: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d+)$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

function isRange(text: string): boolean {
  const [first = "", last = "", ...more] = text.split("-");
  return more.length === 0 && isIP(first) !== 0 && isIP(first) === isIP(last) && isInOrder(first, last);
}

function isInOrder(first: string, last: string): boolean {
  try {
    new BlockList().addRange(first, last, isIP(first) === 4 ? "ipv4" : "ipv6");
    return true;
  } catch (error) {
    if (error instanceof TypeError && "code" in error && error.code === "ERR_INVALID_ARG_VALUE") return false;
    throw error;
  }
}

function isAddress(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, four, six, port = "0"] = /^(?:([\d.]+)|\[([^\]]+)\])(?::(\d+))?$/.exec(text) ?? [];
  return Number(port) <= 65_535 && isIP(four ?? six ?? "") === (four === undefined ? 6 : 4);
}

function quote(value: unknown): string {
  return JSON.stringify(value);
}
