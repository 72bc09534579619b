/** From a script's arguments to a request that is ready to be sent, or to its failure before that. */

import { ERROR_CODES, NetError } from "../net/errors.ts";
import { unsentResult } from "../net/http_result.ts";
import { maskCredentials } from "../net/url.ts";
import { nowEpochMs } from "../worker/runtime.ts";
import type { VirtualUser } from "../worker/virtual_user.ts";
import { describeFailure } from "./http_call.ts";
import { BodyError, buildRequest, type ScriptRequest } from "./http_request.ts";
import { Response } from "./http_response.ts";
import type { HttpSession, SharedHttp } from "./http_session.ts";
import { tagText, withScriptTags } from "./k6.ts";
import { session } from "./session.ts";
import { UrlTemplate } from "./url_template.ts";

/** Prepared requests of a method that are kept for the next call with the same URL; beyond it the memory starts afresh. */
const PREPARED_LIMIT = 10_000;

/** The same for methods: a script may make them up. */
const METHODS_LIMIT = 16;

/**
 * Prepares a request. What can't be sent (a wrong URL, header or kind of body) has its response already, or throws
 * where the script asked for that; params that make no sense throw in any case. Hot.
 */
export function prepareRequest(
  user: VirtualUser,
  http: HttpSession,
  method: string,
  url: unknown,
  body: unknown,
  params: unknown,
): ScriptRequest | Response {
  const { options } = user.runtime;
  const plain = typeof url === "string" && (body === undefined || body === null) &&
    (params === undefined || params === null);
  try {
    return plain
      ? preparedRequest(http.shared, method, url, options)
      : buildRequest(method, url, body, params as Record<string, unknown> | null | undefined, options);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    const given = params as RequestParams;
    const written = url instanceof UrlTemplate ? url.url : typeof url === "string" ? url : "";
    const text = error.message;
    let description = text;
    // The others are no requests at all, and have no samples.
    if (error.code === ERROR_CODES.generic && !(error instanceof BodyError)) {
      recordUnsent(user, http, method, url instanceof UrlTemplate ? url.name : maskCredentials(written), given, error);
      description = describeFailure(method, written, text);
    }
    if (given?.throw ?? options.throw) throw new Error(description);
    session.log("warn", "Request Failed", { error: description });
    return new Response(null, null, written, text, error.code);
  }
}

type RequestParams = { readonly throw?: unknown; readonly tags?: Record<string, unknown> } | null | undefined;

/** The samples of a request that Go would have refused to send, such as one to `example.com/x`, without a scheme. */
function recordUnsent(
  user: VirtualUser,
  http: HttpSession,
  method: string,
  urlName: string,
  params: RequestParams,
  failure: NetError,
): void {
  const { name, ...others } = params?.tags ?? {};
  http.shared.series.record(
    withScriptTags(user.tags, others),
    tagText("name", name) ?? urlName,
    method,
    unsentResult(failure, nowEpochMs()),
    failure.code,
    http.callback === null ? null : http.callback.matches(0),
  );
}

function preparedRequest(
  { prepared }: SharedHttp,
  method: string,
  url: string,
  options: VirtualUser["runtime"]["options"],
): ScriptRequest {
  let byUrl = prepared.get(method);
  if (byUrl === undefined) {
    if (prepared.size >= METHODS_LIMIT) prepared.clear();
    prepared.set(method, byUrl = new Map());
  }
  let found = byUrl.get(url);
  if (found === undefined) {
    if (byUrl.size >= PREPARED_LIMIT) byUrl.clear();
    found = buildRequest(method, url, null, null, options);
    byUrl.set(url, found);
  }
  return found;
}
