/** Calls that clients repeat because they didn't see the answer: each is done once, and answered again. */

import { ApiError, type HubRequest, type HubResponse } from "./http.ts";

/** How long a key is remembered. */
const LIFETIME_MS = 600_000;

/** Remembers the good answers to calls with an idempotency key. */
export class Idempotency {
  /** In the order of their time. */
  readonly #calls = new Map<string, { fingerprint: string; answer: Promise<HubResponse>; untilEpochMs: number }>();

  /** The answer to the first call with the request's key. Throws an `ApiError` when that was another call. */
  async once(request: HubRequest, nowEpochMs: number, answer: () => Promise<HubResponse>): Promise<HubResponse> {
    const key = request.headers.get("k6-idempotency-key");
    if (key === null) return answer();
    const scope = `${key} ${request.headers.get("authorization")}`;
    const fingerprint = await fingerprintOf(request);
    this.#forget(nowEpochMs);
    const known = this.#calls.get(scope);
    if (known === undefined) return this.#first(scope, fingerprint, nowEpochMs, answer);
    if (known.fingerprint !== fingerprint) throw new ApiError(422, `K6-Idempotency-Key ${key} was of another call`);
    return known.answer;
  }

  async #first(
    scope: string,
    fingerprint: string,
    nowEpochMs: number,
    answer: () => Promise<HubResponse>,
  ): Promise<HubResponse> {
    const call = { fingerprint, answer: answer(), untilEpochMs: nowEpochMs + LIFETIME_MS };
    this.#calls.set(scope, call);
    try {
      return await call.answer;
    } catch (error) {
      this.#calls.delete(scope);
      throw error;
    }
  }

  #forget(nowEpochMs: number): void {
    for (const [scope, { untilEpochMs }] of this.#calls) {
      if (untilEpochMs > nowEpochMs) break;
      this.#calls.delete(scope);
    }
  }
}

async function fingerprintOf({ method, path, query, body }: HubRequest): Promise<string> {
  return `${method} ${path}?${query} ${new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex()}`;
}
