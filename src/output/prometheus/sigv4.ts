/** AWS Signature Version 4 for requests to Amazon Managed Service for Prometheus. */

import { createHash, createHmac } from "node:crypto";

/** What is signed. Header names in any case; Host must be among them. */
export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
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
    escapePath(request.url.pathname),
    canonicalQuery(request.url),
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

/** Names in lower case and sorted; values trimmed, inner runs of blanks collapsed. */
function canonicalHeaders(headers: SignableRequest["headers"]): [name: string, value: string][] {
  const signed: [string, string][] = [];
  for (const [name, value] of headers) {
    const lowerCase = name.toLowerCase();
    if (!unsignedHeaders.has(lowerCase)) signed.push([lowerCase, value.trim().replace(/\s+/g, " ")]);
  }
  return signed.sort(([a], [b]) => a < b ? -1 : 1);
}

/** Escapes all but unreserved characters and `/`, over the path as it is on the wire. */
function escapePath(path: string): string {
  return path.split("/").map(escape).join("/");
}

function canonicalQuery(url: URL): string {
  return Array.from(url.searchParams, ([name, value]) => [escape(name), escape(value)] as const)
    .sort(([a, x], [b, y]) => a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1)
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** Percent-encodes all but `A-Z a-z 0-9 - . _ ~`. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: Uint8Array, text: string) {
  return createHmac("sha256", key).update(text);
}
