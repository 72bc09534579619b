/** The module `k6/http`. */

import type { Coroutine, Suspension } from "../script/suspension.ts";
import { currentUser, requireUser } from "../worker/virtual_user.ts";
import { cookieJar, ScriptCookieJar } from "./cookie_jar.ts";
import { expectedStatuses, requireCallback } from "./expected_statuses.ts";
import { asyncRequest } from "./http_async.ts";
import { batch } from "./http_batch.ts";
import { HTTP_CONSTANTS } from "./http_constants.ts";
import { prepareRequest } from "./http_prepare.ts";
import { requestMethod } from "./http_request.ts";
import { Response } from "./http_response.ts";
import { httpOf } from "./http_session.ts";
import { file } from "./multipart.ts";
import { session } from "./session.ts";
import { blocking } from "./suspending.ts";
import { url } from "./url_template.ts";

/** A coroutine that ends at once with a value. */
class AtOnce implements Coroutine {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  [Symbol.iterator](): Coroutine {
    return this;
  }

  next(): IteratorResult<Suspension, unknown> {
    return { done: true, value: this.#value };
  }
}

/** Starts a request of the current virtual user. Hot. */
export function request(method: string, url: unknown, body: unknown, params: unknown): Coroutine {
  const user = requireUser("Making http requests");
  const http = httpOf(user);
  const prepared = prepareRequest(user, http, method, url, body, params);
  return prepared instanceof Response ? new AtOnce(prepared) : http.call.send(prepared);
}

/** A function `(url, params)`. */
function withoutBody(name: string, method: string) {
  return blocking(
    name,
    `http.${name}()`,
    (url?: unknown, params?: unknown, extra?: unknown) => {
      if (extra !== undefined) {
        session.log("warn", `http.${name}() takes a URL and params, no body; the arguments after them are ignored`);
      }
      return request(method, url, null, params);
    },
  );
}

/** A function `(url, body, params)`. */
function withBody(name: string, method: string) {
  return blocking(
    name,
    `http.${name}()`,
    (url?: unknown, body?: unknown, params?: unknown) => request(method, url, body, params),
  );
}

const custom = blocking(
  "request",
  "http.request()",
  (method?: unknown, url?: unknown, body?: unknown, params?: unknown) =>
    request(requestMethod(method), url, body, params),
);

function setResponseCallback(callback: unknown): void {
  const checked = requireCallback(callback);
  // The first init stage belongs to no virtual user; every later one repeats the call for its own.
  if (currentUser !== null) httpOf(currentUser).callback = checked;
}

/** The module's default object. */
export const http: Readonly<Record<string, unknown>> = {
  get: withoutBody("get", "GET"),
  head: withoutBody("head", "HEAD"),
  post: withBody("post", "POST"),
  put: withBody("put", "PUT"),
  patch: withBody("patch", "PATCH"),
  del: withBody("del", "DELETE"),
  options: withBody("options", "OPTIONS"),
  request: custom,
  batch: blocking("batch", "http.batch()", batch),
  asyncRequest,
  cookieJar,
  CookieJar: ScriptCookieJar,
  expectedStatuses,
  file,
  setResponseCallback,
  url,
  ...HTTP_CONSTANTS,
};
