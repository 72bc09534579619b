/** `http.asyncRequest`: a request that goes on while the script does, and the script's promise of its response. */

import { withoutFrames } from "../script/stack_trace.ts";
import type { Resumable } from "../script/suspension.ts";
import type { Outside } from "../worker/event_loop.ts";
import { requireUser } from "../worker/virtual_user.ts";
import { HttpCall } from "./http_call.ts";
import { prepareRequest } from "./http_prepare.ts";
import { requestMethod } from "./http_request.ts";
import { Response } from "./http_response.ts";
import { httpOf } from "./http_session.ts";
import { outside, settled } from "./outside.ts";

/**
 * Sends a request; any number may be under way. The promise is fulfilled with the `Response`; wrong arguments reject it,
 * and failures where `throw` asks for that. Samples carry the tags of the moment of the call.
 */
export function asyncRequest(method?: unknown, url?: unknown, body?: unknown, params?: unknown): Promise<Response> {
  const user = requireUser("Making http requests");
  const http = httpOf(user);
  let prepared;
  try {
    prepared = prepareRequest(user, http, requestMethod(method), url, ownBytes(body), params);
  } catch (error) {
    return settled(() => {
      throw error;
    });
  }
  if (prepared instanceof Response) {
    const response = prepared;
    return settled(() => response);
  }
  // What is cancelled is cancelled as a whole, with all requests of the phase.
  const outcome = outside<Response>(() => http.client.abort());
  const { tags, metadata } = user;
  new HttpCall(http, { tags, metadata }).send(prepared).begin(new AsyncOutcome(outcome));
  return outcome.promise;
}

/** A copy of a body of bytes: the script goes on, and may write to its buffer, before they are sent. */
function ownBytes(body: unknown): unknown {
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (!ArrayBuffer.isView(body)) return body;
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
}

/** Settles the promise. */
class AsyncOutcome implements Resumable {
  readonly #outcome: Outside<Response>;

  constructor(outcome: Outside<Response>) {
    this.#outcome = outcome;
  }

  resume(response: unknown): void {
    this.#outcome.resolve(response as Response);
  }

  resumeWithError(error: unknown): void {
    // No code of the script is on the stack.
    this.#outcome.reject(error instanceof Error ? withoutFrames(error) : error);
  }
}
