/** `http.url`: a URL from a template, whose samples share one name. */

import { maskCredentials } from "../net/url.ts";

/** A URL with the name under which its samples are grouped: the template with `${}` in the place of each value. */
export class UrlTemplate {
  readonly name: string;
  readonly url: string;
  /** Without user and password. */
  readonly clean_url: string;

  constructor(name: string, url: string) {
    this.name = CREDENTIALS_OF_VALUES.test(name) ? name : maskCredentials(name);
    this.url = url;
    this.clean_url = maskCredentials(url);
  }

  toString(): string {
    return this.url;
  }
}

/** Nothing of a user or password stands in the template itself. */
const CREDENTIALS_OF_VALUES = /\/\/\$\{\}:\$\{\}@/;

/** The template tag: ``http.url`https://example.com/items/${id}` ``. */
export function url(parts: unknown, ...values: readonly unknown[]): UrlTemplate {
  if (!Array.isArray(parts) || typeof parts[0] !== "string") {
    throw new TypeError("http.url is for templates: http.url`https://example.com/${id}`");
  }
  const texts = parts as readonly string[];
  const whole = values.reduce<string>((text, value, i) => `${text}${value}${texts[i + 1]}`, texts[0]!);
  return new UrlTemplate(texts.join("${}"), whole);
}
