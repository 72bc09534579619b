/** What goes wrong in a scripted call of the contract server, and the error bodies that the cloud's documents know. */

import { type HubRequest, type HubResponse, json } from "../../../src/hub/http.ts";
import type { ByteStream } from "../../../src/hub/server.ts";

/** What becomes of a call. */
export type Fault =
  /** Never answered. */
  | "hang"
  /** The connection ends without an answer; the call is not done. */
  | "reset"
  /** The call is done, but the connection ends without an answer. */
  | "lost"
  /** An answer that is no HTTP. */
  | "garbage"
  /** An answer for a call that is not done; `retry-after` and the like are headers. */
  | HubResponse
  /** Done and answered when the promise resolves. */
  | { readonly until: Promise<unknown> }
  /** Done and answered after some time. */
  | { readonly delayMs: number }
  /** Done, with another answer than the true one. */
  | { readonly rewrite: (answer: HubResponse) => HubResponse }
  /** The connection is the test's, for example to make a WebSocket of it. */
  | { readonly takeOver: (request: HubRequest, connection: ByteStream) => void };

/** An error in the first API's form. */
export function v1ErrorAnswer(status: number, code: number, message: string): HubResponse {
  return json({ error: { code, message, details: {}, field_errors: {}, errors: [] } }, status);
}

/** An error in the form of version 6. */
export function v6ErrorAnswer(status: number, code: string, message: string): HubResponse {
  return json({ error: { message, code, target: null, details: [] } }, status);
}

/** The order to stop sending metrics for good. */
export const STOP_SENDING = v1ErrorAnswer(403, 4, "the test run has been stopped");

/** What a proxy says that knows nothing of the API. */
export function htmlAnswer(status: number): HubResponse {
  return { status, headers: { "content-type": "text/html" }, body: `<html><body>${status}</body></html>` };
}

/** An answer that begins like JSON. */
export const MALFORMED: HubResponse = {
  status: 200,
  headers: { "content-type": "application/json" },
  body: `{"reference_id": "12`,
};
