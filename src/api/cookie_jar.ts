/** `http.CookieJar` and `http.cookieJar()`: cookie jars as scripts see them. */

import { ERROR_CODES } from "../net/errors.ts";
import type { HttpUrl } from "../net/types.ts";
import { parseHttpUrl, UrlError } from "../net/url.ts";
import { requireUser } from "../worker/virtual_user.ts";
import { type CookieAttributes, CookieJar } from "./cookies.ts";
import { httpOf } from "./http_session.ts";

let wrap: (jar: CookieJar) => ScriptCookieJar;

/** The jar behind a script's `http.CookieJar`; null for anything else. */
export let jarOf: (value: unknown) => CookieJar | null;

/** A jar of cookies: of a virtual user, or a script's own for `params.jar`. */
export class ScriptCookieJar {
  static {
    wrap = (jar) => {
      const wrapped = new ScriptCookieJar();
      wrapped.#jar = jar;
      return wrapped;
    };
    jarOf = (value) =>
      typeof value === "object" && value !== null && #jar in value ? (value as ScriptCookieJar).#jar : null;
    Object.defineProperty(this, "name", { value: "CookieJar" });
  }

  #jar = new CookieJar();

  /** Names to values of the cookies that would be sent to a URL. */
  cookiesForURL(url?: unknown): Record<string, string[]> {
    const parsed = cookieUrl(url);
    return parsed === null ? {} : this.#jar.cookiesForUrl(parsed, Date.now());
  }

  /** Stores a cookie as if an answer from the URL had set it; returns true. */
  set(url?: unknown, name?: unknown, value?: unknown, attributes?: unknown): boolean {
    const given = (attributes ?? {}) as CookieAttributes;
    const parsed = cookieUrl(url);
    return parsed === null || this.#jar.set(parsed, String(name), String(value), given, Date.now());
  }

  /** Forgets all cookies that would be sent to a URL. */
  clear(url?: unknown): void {
    const parsed = cookieUrl(url);
    if (parsed !== null) this.#jar.clear(parsed, Date.now());
  }

  /** Forgets the cookies of one name that would be sent to a URL. */
  delete(url?: unknown, name?: unknown): void {
    const parsed = cookieUrl(url);
    if (parsed !== null) this.#jar.delete(parsed, String(name), Date.now());
  }
}

/** Null for a URL without an HTTP scheme or host: as in Go there are no cookies for it. Throws when it is no URL at all. */
function cookieUrl(url: unknown): HttpUrl | null {
  try {
    return parseHttpUrl(String(url));
  } catch (error) {
    if (error instanceof UrlError && error.code === ERROR_CODES.generic) return null;
    throw error;
  }
}

/** `http.cookieJar()`: the jar of the current virtual user, until its iteration ends. */
export function cookieJar(): ScriptCookieJar {
  const http = httpOf(requireUser("Getting the cookie jar"));
  return wrap(http.jar ??= new CookieJar());
}
