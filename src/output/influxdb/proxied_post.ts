/** POST through an HTTP proxy: by `fetch`, because node:http knows none. */

import {
  CONTENT_BYTES,
  GIVEN_UP,
  type HttpRequest,
  type HttpResponse,
  oneLine,
  parseRetryAfterMs,
  redirectText,
  TransportError,
} from "../http_client.ts";
import { identityOf } from "../url_text.ts";

/** What is needed of an answer. */
export type PostAnswer = Pick<HttpResponse, "status" | "retryAfterMs" | "text">;

/** Posts requests through one proxy. */
export class ProxiedPostClient {
  readonly #client: Deno.HttpClient;

  /** `proxy` may hold a user name and password. */
  constructor(proxy: URL) {
    const url = new URL(proxy);
    url.username = url.password = "";
    this.#client = Deno.createHttpClient({
      proxy: { url: url.href, ...proxy.username === "" ? {} : { basicAuth: identityOf(proxy) } },
    });
  }

  /** Resolves with any answer; rejects with a `TransportError` after `timeoutMs`, when `signal` aborts, or on a network failure. */
  async send({ url, headers, body, timeoutMs, signal }: HttpRequest): Promise<PostAnswer> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        // Node's types of bytes and fetch's differ.
        body: body === undefined ? null : new Uint8Array(body),
        client: this.#client,
        redirect: "manual",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const beginning = await beginningOf(response);
      const location = response.headers.get("location");
      return {
        status: response.status,
        retryAfterMs: parseRetryAfterMs(response.headers.get("retry-after") ?? undefined, Date.now()),
        text: location === null ? oneLine(beginning) : redirectText(location, url),
      };
    } catch (error) {
      const reason = signal?.aborted
        ? GIVEN_UP
        : timeout.aborted
        ? "no answer in time"
        : "the proxy can't be reached, or can't reach the server";
      throw new TransportError(reason, { cause: error });
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** As much of an answer's body as a message can use; what comes beyond it, perhaps without end, is never read. */
async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk.subarray(0, CONTENT_BYTES), { stream: true });
    if (text.length >= CONTENT_BYTES) break;
  }
  return text;
}
