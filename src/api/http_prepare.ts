/** From a script's arguments to a request that is ready to be sent, or to its failure before that. */

import { ERROR_CODES, NetError } from "../net/errors.ts";
import type { HttpResult } from "../net/types.ts";
import { nowEpochMs } from "../worker/runtime.ts";
import type { VirtualUser } from "../worker/virtual_user.ts";
import { describeFailure } from "./http_call.ts";
import { buildRequest, maskCredentials, type ScriptRequest } from "./http_request.ts";
import { Response } from "./http_response.ts";
import type { HttpSession, SharedHttp } from "./http_session.ts";
import { withScriptTags } from "./k6.ts";
import { session } from "./session.ts";

/** Prepared requests that are kept for the next call with the same URL; beyond it the memory starts afresh. */
const PREPARED_LIMIT = 10_000;

/**
 * Prepares a request. One whose URL is wrong has its response already, or throws where the script asked for that; wrong
 * arguments throw, too. Hot.
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
    if (error.code === ERROR_CODES.generic) recordUndialled(user, http, method, String(url), given, error);
    const throws = given?.throw ?? options.throw;
    // It may quote the URL.
    const text = maskCredentials(error.message);
    const description = describeFailure(method, String(url), text);
    if (throws) throw new Error(description);
    session.log("warn", "Request Failed", { error: description });
    return new Response(null, null, String(url), text, error.code);
  }
}

type RequestParams = { readonly throw?: unknown; readonly tags?: Record<string, unknown> } | null | undefined;

/** The samples of a request that failed because its URL names nothing to dial (`example.com/x`, without a scheme). */
function recordUndialled(
  user: VirtualUser,
  http: HttpSession,
  method: string,
  url: string,
  params: RequestParams,
  { code, message }: NetError,
): void {
  const { name, ...others } = params?.tags ?? {};
  const expected = http.callback === null ? null : http.callback.matches(0);
  const result: HttpResult = { ...NOTHING_SENT, errorCode: code, error: message, endedAtEpochMs: nowEpochMs() };
  http.shared.series.record(
    withScriptTags(user.tags, others),
    name === undefined ? maskCredentials(url) : String(name),
    method,
    result,
    code,
    expected,
  );
}

const NOTHING_SENT = {
  ...{ blocked: 0, connecting: 0, tlsHandshaking: 0, sending: 0, waiting: 0, receiving: 0 },
  ...{ status: 0, statusText: "", proto: "", rawHeaders: [], hasSetCookie: false, hasContentEncoding: false },
  ...{ body: null, remoteIp: "", remotePort: 0, tlsVersion: "", tlsCipherSuite: "" },
};

function preparedRequest(
  { prepared }: SharedHttp,
  method: string,
  url: string,
  options: VirtualUser["runtime"]["options"],
): ScriptRequest {
  let byUrl = prepared.get(method);
  if (byUrl === undefined) prepared.set(method, byUrl = new Map());
  let found = byUrl.get(url);
  if (found === undefined) {
    if (byUrl.size >= PREPARED_LIMIT) byUrl.clear();
    found = buildRequest(method, url, null, null, options);
    byUrl.set(url, found);
  }
  return found;
}
