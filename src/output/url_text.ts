/** The texts in and about URLs that outputs send to. */

import { type BasicIdentity, passwordSecrets, secretsAmong } from "./secrets.ts";

/** A URL for messages: without credentials and without query, which may hold a token. */
export function describeUrl({ protocol, host, pathname, search }: URL): string {
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}${search === "" ? "" : "?…"}`;
}

/** The user name and the password in a URL as they were meant; empty where it has none. */
export function identityOf({ username, password }: URL): BasicIdentity {
  return { username: decodedOrAsIs(username), password: decodedOrAsIs(password) };
}

/** The password in an address, in all forms, and its parameters that are named like secrets; none in what is no address. */
export function secretsInUrl(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return [];
  const password = url.password === "" ? [] : [url.password];
  return [...new Set([...password, ...passwordSecrets(identityOf(url)), ...secretsAmong(url.searchParams)])];
}

/** Percent-decodes a text; one that isn't encoded properly is taken as it is. */
export function decodedOrAsIs(text: string): string {
  return percentDecoded(text) ?? text;
}

/** Percent-decodes a text; null when it isn't encoded properly. */
export function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
