/** At most so many requests per second of all threads together: k6's option `rps`. */

import type { HttpClient } from "./http_client.ts";
import type { HttpCompletion, HttpRequest } from "./types.ts";

// Scripts find these gone from the global object.
const { clearTimeout, performance, setTimeout } = globalThis;

const NS_PER_MS = 1e6;

/** The limit, and what the threads share to keep it. */
export interface RateLimitSettings {
  readonly perSecond: number;
  /** 8 bytes: when the next request may leave, in epoch nanoseconds. */
  readonly next: SharedArrayBuffer;
}

/**
 * Gives each request its time to leave, evenly spaced, and lets it wait until then. Requests of one thread leave in the
 * order in which they came. There is no burst: what wasn't used is lost.
 */
export class RateLimiter {
  readonly #next: BigInt64Array;
  readonly #intervalNs: bigint;
  /** From the one that leaves first. */
  #waiting: WaitingRequest[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor({ perSecond, next }: RateLimitSettings) {
    this.#next = new BigInt64Array(next);
    this.#intervalNs = BigInt(Math.round(1e9 / perSecond));
  }

  /** Lets `client` send the request in its time, which may be now. */
  send(client: HttpClient, request: HttpRequest, completion: HttpCompletion): void {
    const now = nowEpochMs();
    const dueAtEpochMs = this.#reserve(now);
    if (dueAtEpochMs <= now && this.#waiting.length === 0) return client.sendNow(request, completion);
    this.#waiting.push({ dueAtEpochMs, client, request, completion });
    if (this.#timer === null) this.#arm(now);
  }

  /** Forgets what waits of a client. */
  forget(client: HttpClient): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.client !== client);
  }

  /** Stops the timer: nothing leaves any more. */
  close(): void {
    this.#waiting = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Takes the next place of all threads; returns its time, which may have passed. */
  #reserve(nowMs: number): number {
    const now = BigInt(Math.round(nowMs * NS_PER_MS));
    for (;;) {
      const next = Atomics.load(this.#next, 0);
      const dueAt = next > now ? next : now;
      if (Atomics.compareExchange(this.#next, 0, next, dueAt + this.#intervalNs) === next) {
        return dueAt === now ? nowMs : Number(dueAt) / NS_PER_MS;
      }
    }
  }

  #arm(now: number): void {
    const delay = Math.max(0, Math.ceil(this.#waiting[0]!.dueAtEpochMs - now));
    // A longer one than a timer can hold is split.
    this.#timer = setTimeout(() => this.#release(), Math.min(delay, 2 ** 31 - 1));
  }

  #release(): void {
    this.#timer = null;
    const now = nowEpochMs();
    const firstLater = this.#waiting.findIndex(({ dueAtEpochMs }) => dueAtEpochMs > now);
    const due = this.#waiting.splice(0, firstLater < 0 ? this.#waiting.length : firstLater);
    for (const { client, request, completion } of due) client.sendNow(request, completion);
    if (this.#waiting.length > 0) this.#arm(now);
  }
}

interface WaitingRequest {
  readonly dueAtEpochMs: number;
  readonly client: HttpClient;
  readonly request: HttpRequest;
  readonly completion: HttpCompletion;
}

function nowEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
