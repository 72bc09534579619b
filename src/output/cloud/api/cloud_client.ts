/**
 * The HTTP client that all calls to a cloud go through: it says who calls, repeats what failed, and makes errors of few words of
 * what was refused. The API's own shapes are in `v1_api.ts`, `v6_api.ts`, `metrics_api.ts` and `provisioning_api.ts`.
 */

import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "../../clock.ts";
import { HttpClient, type HttpRequest, type HttpResponse, TransportError } from "../../http_client.ts";
import type { OutputLog } from "../../output.ts";
import { readProxyEnv } from "../../proxy_env.ts";
import { describeUrl } from "../../url_text.ts";
import { Answer } from "./answer.ts";
import { givenUp, refusal, unanswered } from "./cloud_error.ts";

/** What a client needs of the run or command that it belongs to. */
export interface CloudClientOptions {
  /** Of k6d, for User-Agent. */
  readonly version: string;
  /** Of one attempt, from the call to the end of the answer; also the most that is waited for a Retry-After. */
  readonly timeoutMs: number;
  /** Most connections to a host, and so most calls at a time; further ones wait. Default 1. */
  readonly connections?: number;
  /** Gets a line for each attempt. */
  readonly log: Pick<OutputLog, "debug">;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** The environment, whose proxies calls go through, as k6's. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Is told the service's time, to the second, with each answer that has it. */
  readonly onServerTime?: (serverEpochMs: number) => void;
}

/** What the calls of one API have in common. */
export interface CloudApi {
  /** To which a call's path is added. Credentials in it count as none. */
  readonly address: string;
  /** Where the address comes from, for messages: `K6_CLOUD_HOST`. */
  readonly addressSource: string;
  /** Null: calls don't say who makes them. */
  readonly authorization: Authorization | null;
  /** In every call, besides Authorization, User-Agent and those of the body. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeats: RepeatRules;
}

/** Who calls. */
export interface Authorization {
  /** As this API spells it. */
  readonly scheme: "Token" | "Bearer";
  readonly token: string;
  /** Whose token it is, for messages: the user's, one that is just being tried, or one for a test run alone, which the service has given. */
  readonly of: "user" | "login" | "test run";
}

/** When a call is made again: after a failure of the network or a status from 500 on, after a pause of 500 ms or as Retry-After says. */
export interface RepeatRules {
  /** With the first one. */
  readonly attempts: number;
  /** Also after 429 (too many requests). */
  readonly after429: boolean;
}

/** Of the first API: creating and finishing test runs, and metrics sent with the user's token. */
export const V1_REPEATS: RepeatRules = { attempts: 3, after429: true };
/** Of version 6 and provisioning. */
export const V6_REPEATS: RepeatRules = { attempts: 4, after429: true };
/** Of calls with a test run's own token, or with an address that is the permission: archives, metrics. */
export const SCOPED_REPEATS: RepeatRules = { attempts: 3, after429: false };

/** One call. */
export interface CloudCall {
  /** Completes "cannot …", for messages: `create the test run`. */
  readonly purpose: string;
  readonly method: "GET" | "POST" | "PUT";
  /** With a slash at its beginning, and with the query if there is one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: CloudBody;
  /** The service does calls with the same K6-Idempotency-Key once; all attempts at this call get one. */
  readonly isKeyed?: boolean;
  /** That key, for a call that was made before. Default: a new one. */
  readonly idempotencyKey?: string | undefined;
  /** What the user can do about a refusal with that status and code, where that is other than usual; null: the usual. */
  readonly adviceOn?: (status: number, code: string | null) => string | null;
  /** The most that an answer may have. Default 1 MiB. */
  readonly maxAnswerBytes?: number;
  /** Gives the call up, whatever it waits for. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call sends. */
export interface CloudBody {
  /** For the header Content-Type. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** A body in JSON; what is undefined is left out. */
export function jsonBody(value: unknown): CloudBody {
  return { contentType: "application/json", bytes: new TextEncoder().encode(JSON.stringify(value)) };
}

/** A form (RFC 7578) with texts and, as the last field, a file. Names of fields and files are plain words. */
export function formBody(
  texts: Readonly<Record<string, string>>,
  file: { readonly field: string; readonly name: string; readonly bytes: Uint8Array } | null,
): CloudBody {
  const boundary = `k6d-${crypto.randomUUID()}`;
  const encoder = new TextEncoder();
  const head = (field: string, more = "") =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"${more}\r\n\r\n`;
  const parts: Uint8Array[] = Object.entries(texts).map(([name, text]) => encoder.encode(`${head(name)}${text}\r\n`));
  if (file !== null) {
    const type = "\r\nContent-Type: application/octet-stream";
    parts.push(
      encoder.encode(head(file.field, `; filename="${file.name}"${type}`)),
      file.bytes,
      encoder.encode("\r\n"),
    );
  }
  parts.push(encoder.encode(`--${boundary}--\r\n`));
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes: Buffer.concat(parts) };
}

/** Calls clouds over kept connections. */
export class CloudClient {
  readonly #http: HttpClient;
  readonly #hasProxies: boolean;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #log: Pick<OutputLog, "debug">;
  readonly #userAgent: string;
  readonly #onServerTime: (serverEpochMs: number) => void;

  /** Throws an `OutputError` for a proxy that can't be one. */
  constructor(options: CloudClientOptions) {
    const { version, timeoutMs, connections = 1, log, clock = systemClock, env = {}, onServerTime = () => {} } =
      options;
    const proxies = readProxyEnv(env);
    this.#http = new HttpClient({ connections, clock, proxies });
    this.#hasProxies = proxies !== null;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
    this.#userAgent = `k6d/${version}`;
    this.#onServerTime = onServerTime;
  }

  /** Makes a call whose answer doesn't matter. Rejects with a `CloudApiError`. */
  async send(api: CloudApi, call: CloudCall): Promise<void> {
    await this.#call(api, call);
  }

  /** Makes a call that is answered in JSON. Rejects with a `CloudApiError`. */
  async ask(api: CloudApi, call: CloudCall): Promise<Answer> {
    const { content } = await this.#call(api, call);
    return Answer.parse(content, { purpose: call.purpose, addressSource: api.addressSource });
  }

  /** Closes the connections; what is under way fails. */
  close(): void {
    this.#http.close();
  }

  async #call(api: CloudApi, call: CloudCall): Promise<HttpResponse> {
    const { attempts } = api.repeats;
    const { signal = NEVER } = call;
    const request = this.#request(api, call);
    let isNeverSent = true;
    for (let attempt = 1;; attempt++) {
      const startedMs = this.#clock.now();
      const outcome = await this.#attempt(request);
      isNeverSent &&= outcome instanceof TransportError && outcome.isNeverSent;
      const pauseMs = attempt < attempts && !signal.aborted ? this.#pauseBeforeRepeat(outcome, api.repeats) : null;
      this.#say(request, outcome, startedMs, pauseMs === null ? "" : `, attempt ${attempt + 1} in ${pauseMs} ms`);
      if (pauseMs === null) return this.#acceptedOrThrow(api, call, request, outcome, isNeverSent);
      await this.#clock.sleep(pauseMs, signal);
      if (signal.aborted) throw givenUp(call.purpose);
    }
  }

  #request({ address, authorization, headers }: CloudApi, call: CloudCall): HttpRequest & { readonly method: string } {
    const url = new URL(address + call.path);
    url.username = url.password = "";
    return {
      method: call.method,
      url,
      headers: {
        "User-Agent": this.#userAgent,
        ...authorization === null ? {} : { "Authorization": `${authorization.scheme} ${authorization.token}` },
        ...call.body === undefined ? {} : { "Content-Type": call.body.contentType },
        ...call.isKeyed === true ? { "K6-Idempotency-Key": call.idempotencyKey ?? newIdempotencyKey() } : {},
        ...headers,
        ...call.headers,
      },
      ...call.body === undefined ? {} : { body: call.body.bytes },
      timeoutMs: this.#timeoutMs,
      ...call.signal === undefined ? {} : { signal: call.signal },
      maxContentBytes: call.maxAnswerBytes ?? 1 << 20,
      isSentOnce: true,
    };
  }

  async #attempt(request: HttpRequest): Promise<HttpResponse | TransportError> {
    try {
      const response = await this.#http.send(request);
      const serverEpochMs = Date.parse(response.headers["date"] ?? "");
      if (!Number.isNaN(serverEpochMs)) this.#onServerTime(serverEpochMs);
      return response;
    } catch (error) {
      if (error instanceof TransportError) return error;
      throw error;
    }
  }

  /** Null: the outcome is final. */
  #pauseBeforeRepeat(outcome: HttpResponse | TransportError, { after429 }: RepeatRules): number | null {
    if (outcome instanceof TransportError) return PAUSE_MS;
    const { status, retryAfterMs } = outcome;
    if (status < 500 && !(status === 429 && after429)) return null;
    return Math.max(PAUSE_MS, Math.min(retryAfterMs ?? 0, this.#timeoutMs));
  }

  #say(
    { method, url, body }: HttpRequest,
    outcome: HttpResponse | TransportError,
    startedMs: number,
    next: string,
  ): void {
    const isAnswer = !(outcome instanceof TransportError);
    const tookMs = Math.round(this.#clock.now() - startedMs);
    const sizes = `${body?.length ?? 0} B sent${isAnswer ? `, ${outcome.content.length} B received` : ""}`;
    const what = isAnswer ? outcome.status : outcome.message;
    this.#log.debug(`cloud: ${method} ${describeUrl(url)}: ${what} after ${tookMs} ms (${sizes})${next}`);
  }

  #acceptedOrThrow(
    api: CloudApi,
    call: CloudCall,
    { url }: HttpRequest,
    outcome: HttpResponse | TransportError,
    isNeverSent: boolean,
  ): HttpResponse {
    if (outcome instanceof TransportError) {
      if (call.signal?.aborted) throw givenUp(call.purpose);
      const network = this.#hasProxies ? "the network, the proxy (HTTPS_PROXY, HTTP_PROXY)" : "the network";
      throw unanswered(call.purpose, url, outcome, { toCheck: `${network} and ${api.addressSource}`, isNeverSent });
    }
    if (outcome.status >= 200 && outcome.status < 300) return outcome;
    throw refusal(call, outcome, api);
  }
}

/** Between attempts, unless the service asks for more. */
const PAUSE_MS = 500;

const NEVER = new AbortController().signal;

/** A key that no other call has. */
export function newIdempotencyKey(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}
