/** Requests and answers of the service, as its operations see them: whole, and apart from any server. */

/** A request that has come completely. */
export interface HubRequest {
  readonly method: string;
  /** Without the query, as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** How the client reached the service: `http://127.0.0.1:8080`. Addresses in answers begin with it. */
  readonly origin: string;
}

/** An answer. */
export interface HubResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** An answer in JSON. */
export function json(value: unknown, status = 200): HubResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

/** The answer without a body. */
export const NO_CONTENT: HubResponse = { status: 204 };

/** Something that the service refuses; the API's own error body is made of it. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  /** A number that clients may act on; 0 for none. */
  readonly code: number;
  /** What is wrong with which field. */
  readonly fields: Readonly<Record<string, readonly string[]>>;

  constructor(
    status: number,
    message: string,
    { code = 0, fields = {} }: { code?: number; fields?: Readonly<Record<string, readonly string[]>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

/** The body of an error in the first API. */
export function v1Error({ status, code, message, fields }: ApiError): HubResponse {
  return json({ error: { code, message, details: {}, field_errors: fields, errors: [] } }, status);
}

/** The body of an error in version 6 and in provisioning. */
export function v6Error({ status, code, message, fields }: ApiError): HubResponse {
  const details = Object.entries(fields).flatMap(([target, messages]) =>
    messages.map((message) => ({ message, code: "invalid", target }))
  );
  return json({ error: { message, code: code === 0 ? "error" : String(code), target: null, details } }, status);
}
