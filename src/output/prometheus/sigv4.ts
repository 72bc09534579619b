/**
 * AWS Signature Version 4 for requests to Amazon Managed Service for Prometheus, by AWS's "Create a signed AWS API request" and
 * tried against the cases of its published test suite.
 */

import { createHash, createHmac } from "node:crypto";

/** What is signed. Header names in any case, also several times; Host must be among them. */
export interface SignableRequest {
  readonly method: string;
  /** As on the wire, with percent-encoding; AWS wants it encoded once more for all services but S3. */
  readonly path: string;
  /** As on the wire, without `?`. */
  readonly query: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Lower-case hex SHA-256 of the body. */
  readonly payloadHash: string;
}

/** Who signs, and for what. */
export interface SigningScope {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** `aps` for Prometheus. */
  readonly service: string;
}

/** Lower-case hex SHA-256. */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A date as X-Amz-Date has it: `20150830T123600Z`. */
export function amzDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** The value of the Authorization header. All headers given are signed but Authorization, User-Agent, X-Amzn-Trace-Id and Expect. */
export function sigV4Authorization(request: SignableRequest, scope: SigningScope, date: string): string {
  const headers = canonicalHeaders(request.headers);
  const signedHeaders = headers.map(([name]) => name).join(";");
  const canonicalRequest = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.map(([name, value]) => `${name}:${value}\n`).join(""),
    signedHeaders,
    request.payloadHash,
  ].join("\n");

  const day = date.slice(0, 8);
  const credentialScope = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const textToSign = `AWS4-HMAC-SHA256\n${date}\n${credentialScope}\n${sha256Hex(canonicalRequest)}`;
  let key: Uint8Array = new TextEncoder().encode(`AWS4${scope.secretKey}`);
  for (const part of [day, scope.region, scope.service, "aws4_request"]) key = hmac(key, part).digest();
  const signature = hmac(key, textToSign).digest("hex");
  return `AWS4-HMAC-SHA256 Credential=${scope.accessKey}/${credentialScope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

const unsignedHeaders = new Set(["authorization", "user-agent", "x-amzn-trace-id", "expect"]);

/** Names in lower case and sorted; values trimmed, inner runs of blanks collapsed, those of one name joined. */
function canonicalHeaders(headers: SignableRequest["headers"]): [name: string, value: string][] {
  const signed = new Map<string, string>();
  for (const [name, value] of headers) {
    const lowerCase = name.toLowerCase();
    if (unsignedHeaders.has(lowerCase)) continue;
    const trimmed = value.trim().replace(/\s+/g, " ");
    const before = signed.get(lowerCase);
    signed.set(lowerCase, before === undefined ? trimmed : `${before},${trimmed}`);
  }
  return Array.from(signed).sort(byName);
}

/** Without `.`, `..` and empty segments; all but unreserved characters and `/` escaped. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(escape(segment));
  }
  const end = segments.length > 0 && path.endsWith("/") ? "/" : "";
  return `/${segments.join("/")}${end}`;
}

/** Sorted by escaped name, then by escaped value. */
function canonicalQuery(query: string): string {
  return Array.from(new URLSearchParams(query), ([name, value]) => [escape(name), escape(value)] as const)
    .sort((a, b) => byName(a, b) || (a[1] < b[1] ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Percent-encodes all but `A-Z a-z 0-9 - . _ ~`. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: Uint8Array, text: string) {
  return createHmac("sha256", key).update(text);
}
