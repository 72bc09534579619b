/** Requests to the fields of HTTP/2 (RFC 9113, section 8.3.1). */

import { closesConnection } from "../request_encoder.ts";
import type { HttpRequest } from "../types.ts";
import { type EncodedField, encodeField } from "./hpack_encoder.ts";

/** How many requests, and how many header lists, are remembered. */
const REMEMBERED = 1024;
/** What speaks of the connection, which is the protocol's own business now. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  ...["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"],
]);

/** A request as HTTP/2 sees it. */
export interface PreparedRequest {
  readonly method: string;
  readonly headers: string;
  readonly fields: readonly EncodedField[];
  /** Whether its own headers ask for the end of its connection, which the protocol has no field for. */
  readonly closesConnection: boolean;
}

interface PreparedHeaders {
  readonly authority: EncodedField;
  readonly fields: readonly EncodedField[];
  readonly closesConnection: boolean;
}

/**
 * Makes fields; remembers the last ones of each target, because virtual users repeat themselves and each other, and
 * those of header lists, because many requests differ in their target alone.
 */
export class RequestFields {
  readonly #requests = new Map<string, PreparedRequest>();
  readonly #headers = new Map<string, PreparedHeaders>();

  /** A request's fields, the same object for the same request. Hot. */
  of({ method, url, headers }: HttpRequest): PreparedRequest {
    const known = this.#requests.get(url.target);
    if (known !== undefined && known.headers === headers && known.method === method) return known;
    const { authority, fields: others, closesConnection } = this.#prepareHeaders(headers);
    const fields = [methodField(method), SCHEME, authority, encodeField(":path", url.target), ...others];
    const prepared = { method, headers, fields, closesConnection };
    remember(this.#requests, url.target, prepared);
    return prepared;
  }

  #prepareHeaders(headers: string): PreparedHeaders {
    const known = this.#headers.get(headers);
    if (known !== undefined) return known;
    const prepared = prepareHeaders(headers);
    remember(this.#headers, headers, prepared);
    return prepared;
  }
}

const SCHEME = encodeField(":scheme", "https");
const GET = encodeField(":method", "GET");
const POST = encodeField(":method", "POST");

function methodField(method: string): EncodedField {
  return method === "GET" ? GET : method === "POST" ? POST : encodeField(":method", method);
}

function prepareHeaders(headers: string): PreparedHeaders {
  let authority = "";
  const fields: EncodedField[] = [];
  for (const line of headers.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "host") authority = value;
    if (OF_THE_CONNECTION.has(name) || (name === "te" && value !== "trailers")) continue;
    // Section 8.2.3: each for itself, so that those which stay the same need not be sent again.
    if (name === "cookie") fields.push(...value.split(/; */).map((crumb) => encodeField(name, crumb)));
    else fields.push(encodeField(name, value));
  }
  return { authority: encodeField(":authority", authority), fields, closesConnection: closesConnection(headers) };
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= REMEMBERED) map.clear();
  map.set(key, value);
}
