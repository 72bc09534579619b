/**
 * A response's fields are accessors of its class, so that what nobody reads costs nothing. `Object.keys`, `values` and
 * `entries` list them all the same, as they do in k6.
 */

import { Response } from "./http_response.ts";

const FIELDS: readonly (keyof Response)[] = [
  "remote_ip",
  "remote_port",
  "url",
  "status",
  "status_text",
  "proto",
  "headers",
  "cookies",
  "body",
  "timings",
  "tls_version",
  "tls_cipher_suite",
  "ocsp",
  "error",
  "error_code",
  "request",
  "clickLink",
  "html",
  "json",
  "submitForm",
];

const { defineProperty, entries, getOwnPropertyDescriptor, keys, values } = Object;

/** Makes scripts find the fields, in `for … in` loops too, and set them. Once a worker, before the script's first line. */
export function listResponseFields(): void {
  for (const name of FIELDS) {
    const property = getOwnPropertyDescriptor(Response.prototype, name);
    if (property !== undefined) defineProperty(Response.prototype, name, settable(name, property));
  }
  replace("keys", (object) => object instanceof Response ? [...fieldsOf(object)] : keys(object as object));
  replace(
    "values",
    (object) => object instanceof Response ? fieldsOf(object).map((name) => object[name]) : values(object as object),
  );
  replace(
    "entries",
    (object) =>
      object instanceof Response ? fieldsOf(object).map((name) => [name, object[name]]) : entries(object as object),
  );
}

/** A value that a script gives to a field takes the place of its getter. */
function settable(name: string, property: PropertyDescriptor): PropertyDescriptor {
  if (property.get === undefined || property.set !== undefined) return { ...property, enumerable: true };
  const set = function (this: Response, value: unknown): void {
    defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  };
  return { ...property, set, enumerable: true };
}

/** Those of its class, and what the script added. */
function fieldsOf(response: Response): (keyof Response)[] {
  const added = keys(response).filter((name) => !(FIELDS as readonly string[]).includes(name));
  return [...FIELDS, ...added as (keyof Response)[]];
}

function replace(name: "keys" | "values" | "entries", value: (object: unknown) => unknown): void {
  defineProperty(value, "name", { value: name });
  defineProperty(Object, name, { value });
}
