/**
 * Cookies (RFC 6265) as k6 keeps them, in Go's cookie jar, and with the public suffix list as browsers do. Pure data; the clock is handed in
 * as epoch milliseconds.
 */

import { isPublicSuffix } from "../net/public_suffix.ts";
import type { HttpUrl } from "../net/types.ts";

/** One `Set-Cookie` value, parsed. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** As sent; empty when absent. */
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** Seconds: above 0 as sent, -1 for "now" (sent as 0 or less), 0 when absent or malformed. */
  readonly maxAge: number;
  /** Epoch milliseconds; undefined when absent or malformed. */
  readonly expiresAtMs: number | undefined;
}

/** A cookie of `Response.cookies`, with the names that scripts see. */
export interface ResponseCookie {
  name: string;
  value: string;
  domain: string;
  path: string;
  http_only: boolean;
  secure: boolean;
  max_age: number;
  /** Epoch milliseconds. */
  expires: number;
}

/** A cookie that a script gives to one request; `replace` keeps the jar's cookie of that name from being sent. */
export interface RequestCookie {
  readonly name: string;
  readonly value: string;
  readonly replace: boolean;
}

/** The fifth argument of `CookieJar.set`, as a script gives it. */
export interface CookieAttributes {
  readonly domain?: unknown;
  readonly path?: unknown;
  /** A date as in HTTP, for example `Wed, 01 Jan 2070 00:00:00 GMT`. */
  readonly expires?: unknown;
  /** Seconds. */
  readonly max_age?: unknown;
  readonly secure?: unknown;
  readonly http_only?: unknown;
}

interface StoredCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  /** Not sent to subdomains. */
  readonly hostOnly: boolean;
  /** Infinity for a session cookie. */
  readonly expiresAtMs: number;
  /** Order of creation; a cookie that is set again keeps it. */
  readonly sequence: number;
}

const NO_COOKIES: readonly never[] = [];

/** The cookies of one virtual user, or of a `new http.CookieJar()`. */
export class CookieJar {
  /** Domain to its cookies, these by name and path. */
  readonly #domains = new Map<string, Map<string, StoredCookie>>();
  #sequence = 0;

  /** Stores the cookies of an answer from `url`; malformed ones and those for foreign domains are dropped. */
  setFromResponse(url: HttpUrl, setCookieValues: readonly string[], nowMs: number): void {
    for (const value of setCookieValues) {
      const cookie = parseSetCookie(value);
      if (cookie !== undefined) this.#store(url, cookie, nowMs);
    }
  }

  /**
   * Value of the Cookie header for a request: the request's `own` cookies, then the jar's (longer paths first, then
   * older ones first), save those that an own one replaces. Empty when there is none. Hot: free while there are none.
   */
  headerFor(url: HttpUrl, nowMs: number, own: readonly RequestCookie[] = NO_COOKIES): string {
    if (this.#domains.size === 0 && own.length === 0) return "";
    let header = "";
    for (const cookie of own) header = appendPair(header, cookie);
    for (const cookie of this.#matching(url, nowMs)) {
      if (!own.some(({ name, replace }) => replace && name === cookie.name)) header = appendPair(header, cookie);
    }
    return header;
  }

  /** `jar.cookiesForURL`: names to values, the ones sent first in front. */
  cookiesForUrl(url: HttpUrl, nowMs: number): Record<string, string[]> {
    const cookies = Map.groupBy(this.#matching(url, nowMs), ({ name }) => name);
    return Object.fromEntries(cookies.entries().map(([name, list]) => [name, list.map(({ value }) => value)]));
  }

  /** `jar.set`: stores a cookie as if `url` had set it. Returns true; throws an `Error` when `expires` isn't a date. */
  set(url: HttpUrl, name: string, value: string, attributes: CookieAttributes, nowMs: number): boolean {
    const { domain, path, expires, max_age, secure, http_only } = attributes;
    const expiresAtMs = expires === undefined || expires === null || expires === ""
      ? undefined
      : parseDate(String(expires));
    if (expires && expiresAtMs === undefined) {
      throw new Error(
        `invalid "expires" of cookie "${name}": "${expires}"; write it like "Wed, 01 Jan 2070 00:00:00 GMT"`,
      );
    }
    this.#store(url, {
      name,
      value,
      domain: String(domain ?? ""),
      path: String(path ?? ""),
      secure: Boolean(secure),
      httpOnly: Boolean(http_only),
      maxAge: Math.trunc(Number(max_age ?? 0)) || 0,
      expiresAtMs,
    }, nowMs);
    return true;
  }

  /** `jar.clear`: forgets every cookie that would be sent to `url`. */
  clear(url: HttpUrl, nowMs: number): void {
    for (const cookie of this.#matching(url, nowMs)) this.#remove(cookie);
  }

  /** `jar.delete`: forgets the cookies of one name that would be sent to `url`. */
  delete(url: HttpUrl, name: string, nowMs: number): void {
    for (const cookie of this.#matching(url, nowMs)) {
      if (cookie.name === name) this.#remove(cookie);
    }
  }

  #store(url: HttpUrl, cookie: SetCookie, nowMs: number): void {
    const scope = scopeOf(url.hostname, cookie.domain);
    if (scope === undefined) return;
    const path = cookie.path.startsWith("/") ? cookie.path : defaultPath(url);
    const key = keyOf(cookie.name, path);
    const expiresAtMs = expiry(cookie, nowMs);
    const cookies = this.#domains.get(scope.domain);
    const stored: StoredCookie = {
      name: cookie.name,
      value: cookie.value,
      domain: scope.domain,
      path,
      secure: cookie.secure,
      hostOnly: scope.hostOnly,
      expiresAtMs,
      sequence: cookies?.get(key)?.sequence ?? this.#sequence++,
    };
    if (expiresAtMs <= nowMs) this.#remove(stored);
    else if (cookies) cookies.set(key, stored);
    else this.#domains.set(scope.domain, new Map([[key, stored]]));
  }

  /** The cookies to send to `url`, in order; forgets the expired ones that it meets. */
  #matching(url: HttpUrl, nowMs: number): readonly StoredCookie[] {
    if (this.#domains.size === 0) return NO_COOKIES;
    const found: StoredCookie[] = [];
    const path = pathOf(url);
    for (let domain = url.hostname; domain !== "";) {
      const cookies = this.#domains.get(domain);
      if (cookies !== undefined) {
        for (const cookie of cookies.values()) {
          if (cookie.expiresAtMs <= nowMs) this.#remove(cookie);
          else if (
            (url.secure || !cookie.secure) && (!cookie.hostOnly || domain === url.hostname) &&
            pathMatches(path, cookie.path)
          ) found.push(cookie);
        }
      }
      const dot = domain.indexOf(".");
      domain = dot < 0 ? "" : domain.slice(dot + 1);
    }
    return found.length < 2 ? found : found.sort((a, b) => b.path.length - a.path.length || a.sequence - b.sequence);
  }

  #remove({ domain, name, path }: StoredCookie): void {
    const cookies = this.#domains.get(domain);
    if (cookies?.delete(keyOf(name, path)) && cookies.size === 0) this.#domains.delete(domain);
  }
}

/** What tells the cookies of a domain apart. */
function keyOf(name: string, path: string): string {
  return `${name};${path}`;
}

/** What Go's zero time is in milliseconds: k6 shows it as `expires` of a cookie without one. */
const NO_EXPIRY_MS = -6795364578871;

/** `Response.cookies`: each name to the cookies that an answer set under it. */
export function responseCookies(setCookieValues: readonly string[]): Record<string, ResponseCookie[]> {
  const cookies = setCookieValues.map(parseSetCookie).filter((cookie) => cookie !== undefined).map(responseCookie);
  return Object.fromEntries(Map.groupBy(cookies, ({ name }) => name));
}

function responseCookie(cookie: SetCookie): ResponseCookie {
  const { name, value, domain, path, httpOnly, secure, maxAge, expiresAtMs } = cookie;
  return {
    name,
    value,
    domain,
    path,
    http_only: httpOnly,
    secure,
    max_age: maxAge,
    expires: expiresAtMs ?? NO_EXPIRY_MS,
  };
}

const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Visible ASCII and space, without quotes, semicolons and backslashes. */
const COOKIE_VALUE = /^[ !#-:<-[\]-~]*$/;

/** Parses the value of a `Set-Cookie` header as Go does; undefined when its name or value is malformed. */
export function parseSetCookie(line: string): SetCookie | undefined {
  const [pair, ...attributes] = line.split(";");
  const [name, quotedValue] = cut(pair!);
  const value = quotedValue === undefined ? undefined : unquote(quotedValue);
  if (value === undefined || !COOKIE_NAME.test(name) || !COOKIE_VALUE.test(value)) return undefined;
  let [domain, path, secure, httpOnly, maxAge] = ["", "", false, false, 0];
  let expiresAtMs: number | undefined;
  for (const attribute of attributes) {
    const [key, content = ""] = cut(attribute);
    switch (key.toLowerCase()) {
      case "domain":
        domain = content;
        break;
      case "path":
        path = content;
        break;
      case "secure":
        secure = true;
        break;
      case "httponly":
        httpOnly = true;
        break;
      case "max-age":
        if (/^[+-]?\d+$/.test(content)) maxAge = Number(content) > 0 ? Number(content) : -1;
        break;
      case "expires":
        expiresAtMs = parseDate(content);
    }
  }
  return { name, value, domain, path, secure, httpOnly, maxAge, expiresAtMs };
}

/** Text before and after the first `=`, trimmed; undefined for what isn't there. */
function cut(text: string): [before: string, after: string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function unquote(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

const HTTP_DATE = /^[A-Z][a-z]{2}, (\d{2})([ -])([A-Z][a-z]{2})\2(\d{4}) (\d{2}:\d{2}:\d{2}) [A-Z]{3,4}$/;

/** Epoch milliseconds of a date as in HTTP (RFC 1123, hyphens allowed); undefined when it isn't one. */
function parseDate(text: string): number | undefined {
  const match = HTTP_DATE.exec(text);
  if (match === null) return undefined;
  const [, day, , month, year, time] = match;
  const ms = Date.parse(`${day} ${month} ${year} ${time} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

function expiry(cookie: SetCookie, nowMs: number): number {
  if (cookie.maxAge < 0) return -Infinity;
  if (cookie.maxAge > 0) return nowMs + cookie.maxAge * 1000;
  return cookie.expiresAtMs ?? Infinity;
}

interface CookieScope {
  readonly domain: string;
  readonly hostOnly: boolean;
}

/** Where a cookie with a `Domain` attribute from `host` is valid (RFC 6265, section 5.3); undefined means nowhere. */
function scopeOf(host: string, attribute: string): CookieScope | undefined {
  if (attribute === "") return { domain: host, hostOnly: true };
  const domain = attribute.replace(/^\./, "").toLowerCase();
  if (isIp(host)) return domain === host ? { domain, hostOnly: true } : undefined;
  if (domain === host) return { domain, hostOnly: isPublicSuffix(domain) };
  return !isPublicSuffix(domain) && domain.includes(".") && !domain.startsWith(".") && host.endsWith(`.${domain}`)
    ? { domain, hostOnly: false }
    : undefined;
}

function isIp(host: string): boolean {
  return host.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

function pathOf(url: HttpUrl): string {
  const query = url.target.indexOf("?");
  return query < 0 ? url.target : url.target.slice(0, query);
}

/** RFC 6265, section 5.1.4: the directory of the request's path. */
function defaultPath(url: HttpUrl): string {
  const path = pathOf(url);
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function pathMatches(path: string, cookiePath: string): boolean {
  return path.startsWith(cookiePath) &&
    (path.length === cookiePath.length || cookiePath.endsWith("/") || path[cookiePath.length] === "/");
}

/** Adds `name=value` as Go writes it: bytes that can't stand in a cookie are left out, odd values are quoted. */
function appendPair(header: string, cookie: { readonly name: string; readonly value: string }): string {
  const name = cookie.name.replace(/[\r\n]/g, "-");
  const value = COOKIE_VALUE.test(cookie.value) ? cookie.value : cookie.value.replace(/[^ !#-:<-[\]-~]/g, "");
  const pair = /[ ,]/.test(value) ? `${name}="${value}"` : `${name}=${value}`;
  return header === "" ? pair : `${header}; ${pair}`;
}
