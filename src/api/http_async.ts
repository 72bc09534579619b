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
import { FileData, hasFile } from "./multipart.ts";
import { outside, settled } from "./outside.ts";
import { isUnchangeable } from "./shared_file.ts";

/**
 * Sends a request; any number may be under way. The promise is fulfilled with the `Response`; wrong arguments reject it,
 * and failures where `throw` asks for that. Samples carry the tags of the moment of the call.
 */
export function asyncRequest(method?: unknown, url?: unknown, body?: unknown, params?: unknown): Promise<Response> {
  const user = requireUser("Making http requests");
  const http = httpOf(user);
  let prepared;
  try {
    prepared = prepareRequest(user, http, requestMethod(method), url, ownBody(body), params);
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

/** The body with a copy of all bytes in it: the script goes on, and may write to its buffers, before they are sent. */
function ownBody(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return ownBytes(body);
  if (!hasFile(body as Record<string, unknown>)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, field]) => [name, Array.isArray(field) ? field.map(ownFile) : ownFile(field)]),
  );
}

function ownFile(field: unknown): unknown {
  if (!(field instanceof FileData) || typeof field.data === "string") return field;
  return new FileData(ownBytes(field.data), field.filename, field.content_type);
}

function ownBytes(data: ArrayBuffer | ArrayBufferView): ArrayBuffer | Uint8Array {
  if (data instanceof ArrayBuffer) return isUnchangeable(data) ? data : data.slice(0);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
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
