/** Why a call to the cloud failed: one line that says what, why, and what to check. */

import { type HttpResponse, oneLine, type TransportError } from "../../http_client.ts";
import { asObject } from "../../setting_values.ts";
import type { Authorization, CloudApi, CloudCall } from "./cloud_client.ts";

/** What became of a call that failed. */
export interface FailedCall {
  /**
   * `refused`: the service said no; `unanswered`: no answer came, also when the call was repeated; `malformed`: the answer can't be
   * understood; `given up`: the caller's signal ended the call.
   */
  readonly kind: "refused" | "unanswered" | "malformed" | "given up";
  /** HTTP status of a refusal. */
  readonly status?: number;
  /** The service's own code: digits in the first API, mostly a word in version 6. */
  readonly code?: string | null;
  /** Whether no attempt can have arrived. Default false. */
  readonly isNeverSent?: boolean;
  readonly cause?: unknown;
}

/** A call that failed, repeats included. The message is for the user. */
export class CloudApiError extends Error {
  override name = "CloudApiError";
  readonly kind: FailedCall["kind"];
  /** Null without an answer. */
  readonly status: number | null;
  /** Null for none. */
  readonly code: string | null;
  /** Whether no attempt can have arrived, so that the call can be made once more whatever it does. */
  readonly isNeverSent: boolean;

  constructor(message: string, { kind, status, code, isNeverSent = false, cause }: FailedCall) {
    super(message, { cause });
    this.kind = kind;
    this.status = status ?? null;
    this.code = code ?? null;
    this.isNeverSent = isNeverSent;
  }

  /** Of a push: whether the service takes no more metrics of the test run for good (403 with code 4). */
  get isStopOrder(): boolean {
    return this.status === 403 && this.code === "4";
  }
}

/** `error` once `undo` has taken back what the call has done nevertheless; says both when that fails, too. */
export async function takenBack(error: CloudApiError, undo: () => Promise<void>): Promise<CloudApiError> {
  try {
    await undo();
    return error;
  } catch (failure) {
    if (!(failure instanceof CloudApiError)) throw failure;
    return new CloudApiError(`${error.message}; and ${failure.message}`, { kind: error.kind, cause: error });
  }
}

/** The error of a call that the caller's signal ended. */
export function givenUp(purpose: string): CloudApiError {
  return new CloudApiError(`cannot ${purpose}: given up`, { kind: "given up" });
}

/** The error of a call without an answer; `toCheck` is what the user can look at. */
export function unanswered(
  purpose: string,
  { origin }: URL,
  cause: TransportError,
  { toCheck, isNeverSent }: { readonly toCheck: string; readonly isNeverSent: boolean },
): CloudApiError {
  return new CloudApiError(`cannot ${purpose}: ${origin}: ${cause.message}; check ${toCheck}`, {
    kind: "unanswered",
    isNeverSent,
    cause,
  });
}

/** The error of a call that the service refused: `cannot create the test run: (403/E4) stopped; …`. */
export function refusal({ purpose, adviceOn }: CloudCall, response: HttpResponse, api: CloudApi): CloudApiError {
  const { status } = response;
  const words = readErrorBody(response.content);
  // First the token: a part of it may be left where a text is cut.
  const clean = (text: string) => oneLine(hideToken(text, api.authorization));
  const code = clean(words?.code ?? "") || null;
  const label = code === null ? `(${status})` : `(${status}/${/^\d+$/.test(code) ? "E" : ""}${code})`;
  const reason = clean(words?.text ?? wordsFor(response));
  const message = [`cannot ${purpose}: ${label} ${reason}`, adviceOn?.(status, code) ?? advice(status, api)];
  return new CloudApiError(message.filter((part) => part !== "").join("; "), { kind: "refused", status, code });
}

/** What the service says of an error: in either API's form (docs: `error.field_errors` of v1, `error.details` of both). */
interface ErrorWords {
  readonly text: string;
  readonly code: string | null;
}

function readErrorBody(content: Uint8Array): ErrorWords | null {
  const error = asObject(asObject(parsed(content))?.["error"]);
  if (error === undefined) return null;
  const texts = [
    textOf(error["message"]),
    ...fieldTexts(error["field_errors"]),
    ...fieldTexts(error["details"]),
    ...listOf(error["errors"]).map(textOf),
  ].filter((text) => text !== "");
  if (texts.length === 0) return null;
  const { code } = error;
  const isCode = typeof code === "string" && code !== "" || typeof code === "number" && code !== 0;
  return { text: texts.join("; "), code: isCode ? String(code) : null };
}

function parsed(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** `{ name: ["too long"] }`, or `[{ target: "name", message: "too long" }]`. */
function fieldTexts(fields: unknown): string[] {
  if (Array.isArray(fields)) {
    return fields.map((field) => {
      const target = textOf(asObject(field)?.["target"]);
      return `${target}${target && ": "}${textOf(field)}`;
    });
  }
  return Object.entries(asObject(fields) ?? {}).flatMap(([name, texts]) =>
    listOf(texts).map((text) => `${name}: ${textOf(text)}`)
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];
}

function textOf(value: unknown): string {
  const text = asObject(value)?.["message"] ?? value;
  return typeof text === "string" ? text : "";
}

/** Of answers without the service's own words: proxies and other servers answer, too. */
function wordsFor({ status, text }: HttpResponse): string {
  if (status === 401) return "failed to authenticate with k6 Cloud";
  if (status === 403) return "not allowed to upload result to k6 Cloud";
  if (status === 413) return "too large";
  if (status === 429) return "too many requests";
  if (status >= 300 && status < 400 && text !== "") return text;
  return text === "" || text.startsWith("<") ? "unexpected answer" : `unexpected answer: ${text}`;
}

/** The service may repeat what it was shown. */
function hideToken(text: string, authorization: Authorization | null): string {
  return authorization === null ? text : text.replaceAll(authorization.token, "***");
}

/** What the user can do; empty where the service's words must do. */
function advice(status: number, { authorization, addressSource }: CloudApi): string {
  const whose = authorization?.of ?? "user";
  if (status === 401) return TOKEN_ADVICE[whose];
  if (status === 403) return RIGHTS_ADVICE[whose];
  if (status === 404) return `check ${addressSource}, and that what is asked for exists`;
  if (status === 407) return "check the proxy (HTTPS_PROXY, HTTP_PROXY): http://user:password@host:port says who asks";
  if (status === 413) return "the service takes less at once";
  if (status === 429) return "try again later";
  if (status >= 500) return "the service has failed: try again later";
  return status >= 300 && status < 400 ? `check ${addressSource}` : "";
}

const TOKEN_ADVICE = {
  user: "check the token: `k6d cloud login` stores one, K6_CLOUD_TOKEN comes before it",
  login: "check the token",
  "test run": "the test run's token is not valid (any longer)",
} as const;

const RIGHTS_ADVICE = {
  user: "check that the token may use the project (K6_CLOUD_PROJECT_ID) and the stack (K6_CLOUD_STACK_ID)",
  login: "check that the token is for this stack",
  "test run": "",
} as const;
