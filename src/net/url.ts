/** Absolute `http(s)` URLs, cut and escaped as k6 does (Go's `net/url`): what was written is sent, only what may not stand in a request line is escaped. */

import { ERROR_CODES, NetError } from "./errors.ts";
import type { HttpUrl } from "./types.ts";

// Scripts find these gone from the global object.
const { URL } = globalThis;

/** A URL that can't be requested. Its code is k6's: 1020 when it can't be parsed, 1000 when there is nothing to dial. */
export class UrlError extends NetError {
  override name = "UrlError";
}

/** A URL as it may be shown: `****:****` in place of a user and password. Not only for valid URLs. */
export function maskCredentials(url: string): string {
  return url.replace(CREDENTIALS, "$1****:****@");
}

/** A password may hold further @ signs; one with an unescaped `/`, `?` or `#` stands where a port should. */
const CREDENTIALS = /(^|\/\/)(?:[^/?#]*@|[^/?#@:[]*:(?!\d*[/?#])[^@\s]*@)/;

/**
 * Cuts an absolute URL into what a request needs. `href` keeps what was written (escaped, with credentials and
 * fragment), `target` and `host` are ready for the wire.
 *
 * @throws {UrlError} for what Go's parser or transport refuses
 */
export function parseHttpUrl(text: string): HttpUrl {
  // deno-lint-ignore no-control-regex -- the characters that Go refuses
  if (/[\x00-\x1f\x7f]/.test(text)) throw invalid(text, "invalid control character in URL");
  const fragmentAt = text.indexOf("#");
  const fragment = fragmentAt < 0 ? "" : text.slice(fragmentAt);
  const whole = fragmentAt < 0 ? text : text.slice(0, fragmentAt);

  const scheme = schemeOf(text, whole);
  if (scheme !== "http" && scheme !== "https") {
    throw new UrlError({ code: ERROR_CODES.generic, text: `unsupported protocol scheme "${scheme}"` });
  }
  const afterScheme = whole.slice(scheme.length + 1);
  const queryAt = afterScheme.indexOf("?");
  const hierarchy = queryAt < 0 ? afterScheme : afterScheme.slice(0, queryAt);
  const query = queryAt < 0 ? "" : escape(afterScheme.slice(queryAt));
  if (!hierarchy.startsWith("//")) throw noHost();
  const pathAt = hierarchy.indexOf("/", 2);
  const authority = pathAt < 0 ? hierarchy.slice(2) : hierarchy.slice(2, pathAt);
  const path = pathAt < 0 ? "" : hierarchy.slice(pathAt);
  checkEscapes(text, path);

  const credentialsEnd = authority.lastIndexOf("@");
  const credentials = credentialsEnd < 0 ? "" : authority.slice(0, credentialsEnd);
  const colon = credentials.indexOf(":");
  const { hostname, written, port: writtenPort } = splitHost(text, authority.slice(credentialsEnd + 1));
  const secure = scheme === "https";
  const defaultPort = secure ? 443 : 80;
  const port = writtenPort ?? defaultPort;
  const host = port === defaultPort ? written : `${written}:${port}`;
  const writtenHost = writtenPort === null ? written : `${written}:${writtenPort}`;
  const origin = `${scheme}://${credentialsEnd < 0 ? "" : `${credentials}@`}${writtenHost}`;
  const escapedPath = escape(path);
  return {
    href: origin + escapedPath + query + escape(fragment),
    secure,
    hostname,
    port,
    host,
    target: (escapedPath === "" ? "/" : escapedPath) + query,
    username: unescapeUser(text, colon < 0 ? credentials : credentials.slice(0, colon)),
    password: unescapeUser(text, colon < 0 ? "" : credentials.slice(colon + 1)),
  };
}

/**
 * The URL that a `Location` means, seen from `base` (RFC 3986 section 5.2).
 *
 * @throws {UrlError} when it can't be parsed or dialled
 */
export function resolveReference(base: HttpUrl, location: string): HttpUrl {
  const fragmentAt = location.indexOf("#");
  const scheme = schemeOf(location, fragmentAt < 0 ? location : location.slice(0, fragmentAt));
  if (scheme !== "") return parseHttpUrl(location);
  if (location.startsWith("//")) return parseHttpUrl((base.secure ? "https:" : "http:") + location);

  const parts = /^(https?:\/\/[^/?#]*)([^?#]*)(\?[^#]*)?/.exec(base.href);
  const origin = parts?.[1] ?? "";
  const basePath = parts?.[2] ?? "";
  const reference = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(location);
  const path = reference?.[1] ?? "";
  const fragment = reference?.[3] ?? "";
  if (path === "") return parseHttpUrl(origin + basePath + (reference?.[2] ?? parts?.[3] ?? "") + fragment);
  const merged = path.startsWith("/") ? path : basePath.slice(0, basePath.lastIndexOf("/") + 1) + path;
  return parseHttpUrl(origin + removeDotSegments(merged) + (reference?.[2] ?? "") + fragment);
}

/**
 * A host name of a rule as it stands in URLs: in lower case, international names in Punycode. A dot or `*.` may stand
 * before it. What is no name stays as it is.
 */
export function asciiHostname(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase();
  const [, before = "", rest = ""] = /^(\*?\.?)(.*)$/s.exec(name) ?? [];
  const url = URL.parse(`http://${rest}/`);
  return url === null ? name.toLowerCase() : before + url.hostname;
}

const ASCII = /^[\x21-\x7e]*$/;

function schemeOf(text: string, whole: string): string {
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(whole);
  if (match !== null) return match[1]!.toLowerCase();
  if (whole.startsWith(":")) throw invalid(text, "missing protocol scheme");
  if (/^[^/?]*:/.test(whole)) throw invalid(text, "first path segment in URL cannot contain colon");
  return "";
}

interface Host {
  /** As dialled: lower case. */
  readonly hostname: string;
  /** As it stands in URLs and in the Host header. */
  readonly written: string;
  readonly port: number | null;
}

/** Host and port of an authority without its credentials. */
function splitHost(text: string, host: string): Host {
  if (host.startsWith("[") && !host.includes("]")) throw invalid(text, "missing ']' in host");
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(host);
  if (match === null) throw invalid(text, `invalid port in host "${host}"`);
  const name = match[1]!;
  const portText = match[2] ?? "";
  if (!/^[0-9]*$/.test(portText)) throw invalid(text, `invalid port ":${portText}" after host`);
  const port = portText === "" ? null : Number(portText);
  if (port !== null && port > 65535) throw invalid(text, `invalid port ":${portText}" after host`);
  if (name === "") throw noHost();
  if (name.startsWith("[")) {
    if (!/^\[[0-9a-fA-F:.]+(%25[^\]]+)?\]$/.test(name)) throw invalid(text, `invalid IPv6 address ${name}`);
    const hostname = name.slice(1, -1).replace("%25", "%").toLowerCase();
    return { hostname, written: `[${hostname}]`, port };
  }
  const bad = /[\s"<>\\^`{|}%]/.exec(name);
  if (bad !== null) throw invalid(text, `invalid character "${bad[0]}" in host name`);
  const written = asciiName(text, name);
  return { hostname: written.toLowerCase(), written, port };
}

/** A host name with international ones in Punycode. */
function asciiName(text: string, name: string): string {
  if (ASCII.test(name)) return name;
  const url = URL.parse(`http://${name}/`);
  if (url === null) throw invalid(text, `invalid host name "${name}"`);
  return url.hostname;
}

function checkEscapes(text: string, path: string): void {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(path);
  if (bad !== null) throw invalid(text, `invalid URL escape "${bad[0]}"`);
}

function unescapeUser(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(text, "invalid userinfo");
  }
}

/** Escapes what may not stand in a request line; a `%` stays as it was written. */
function escape(part: string): string {
  return part.toWellFormed().replace(/[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+/g, encodeURIComponent);
}

function removeDotSegments(path: string): string {
  const segments: string[] = [];
  const parts = path.split("/");
  parts.forEach((part, index) => {
    const last = index === parts.length - 1;
    if (part === ".." && segments.length > 1) segments.pop();
    if (part !== "." && part !== "..") segments.push(part);
    else if (last) segments.push("");
  });
  const joined = segments.join("/");
  return joined.startsWith("/") ? joined : `/${joined}`;
}

function invalid(text: string, reason: string): UrlError {
  const shown = JSON.stringify(maskCredentials(text));
  return new UrlError({ code: ERROR_CODES.invalidUrl, text: `invalid URL: parse ${shown}: ${reason}` });
}

function noHost(): UrlError {
  return new UrlError({ code: ERROR_CODES.generic, text: "http: no Host in request URL" });
}
