/** Bodies of the type application/x-www-form-urlencoded, in the bytes that k6 sends. */

/** An encoded form and what the user should be told about it. */
export interface EncodedForm {
  readonly body: string;
  /** One line for each field that could not be sent as given. */
  readonly warnings: readonly string[];
}

/**
 * Encodes an object given as a request's body: keys in order, one pair per array element, null and undefined as
 * empty values. An object inside is sent empty, with a warning.
 *
 * ```ts
 * encodeForm({ b: "two words", a: [1, 2] }).body; // a=1&a=2&b=two+words
 * ```
 */
export function encodeForm(fields: Readonly<Record<string, unknown>>): EncodedForm {
  const warnings: string[] = [];
  let body = "";
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name];
    const prefix = queryEscape(name) + "=";
    for (const item of Array.isArray(value) ? value : [value]) {
      if (body !== "") body += "&";
      body += prefix + queryEscape(formValue(name, item, warnings));
    }
  }
  return { body, warnings };
}

/** The text of one form value; a value that has none is empty and adds a line to `warnings`. */
export function formValue(name: string, value: unknown, warnings: string[]): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol") return String(value);
  warnings.push(
    `form field "${name}" is sent empty because its value is neither text, number nor boolean; ` +
      "turn it into text first, for example with JSON.stringify",
  );
  return "";
}

const UNRESERVED = /^[\w.~-]*$/;
const LEFT_BY_ENCODE_URI_COMPONENT = /[!'()*]|%20/g;

/** Escapes text for a query as Go's `url.QueryEscape` does: all but letters, digits and `-_.~`; a space becomes `+`. */
export function queryEscape(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()).replace(
    LEFT_BY_ENCODE_URI_COMPONENT,
    (found) => found === "%20" ? "+" : "%" + found.charCodeAt(0).toString(16).toUpperCase(),
  );
}
