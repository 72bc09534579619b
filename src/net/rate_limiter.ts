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

/** After a longer delay of its own a thread doesn't catch up: that would be a burst. */
const CATCH_UP_MS = 100;

/**
 * Gives each request its time to leave, evenly spaced, and lets it wait until then. Requests of one thread leave in the
 * order in which they came; threads in which requests wait take turns. There is no burst: what wasn't used is lost.
 *
 * Only the request that leaves next has a time reserved. So whoever stops waiting, be it 10,000 virtual users at the end
 * of their scenario, leaves nothing behind that later requests would have to wait for.
 */
export class RateLimiter {
  readonly #next: BigInt64Array;
  readonly #intervalNs: bigint;
  /** From the one that leaves first, at `#first`; those before it have left. */
  #queue: WaitingRequest[] = [];
  #first = 0;
  /** How many of the queue really wait. */
  #waiting = 0;
  readonly #ofClients = new Map<HttpClient, WaitingRequest[]>();
  /** When the next one leaves, in epoch milliseconds; null while nothing waits. */
  #dueAt: number | null = null;
  /** Times before that are lost. */
  #waitingSince = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor({ perSecond, next }: RateLimitSettings) {
    this.#next = new BigInt64Array(next);
    this.#intervalNs = BigInt(Math.round(1e9 / perSecond));
  }

  /** Lets `client` send the request in its time, which may be now. */
  send(client: HttpClient, request: HttpRequest, completion: HttpCompletion): void {
    if (this.#waiting === 0) {
      const now = nowEpochMs();
      const dueAt = this.#reserve(now);
      if (dueAt <= now) return client.sendNow(request, completion);
      this.#dueAt = dueAt;
      this.#waitingSince = now;
      this.#arm(now);
    }
    const waiting = { client, request, completion, isDropped: false };
    this.#waiting++;
    this.#queue.push(waiting);
    const others = this.#ofClients.get(client);
    if (others === undefined) this.#ofClients.set(client, [waiting]);
    else others.push(waiting);
  }

  /** Forgets what waits of a client. */
  forget(client: HttpClient): void {
    const dropped = this.#ofClients.get(client);
    if (dropped === undefined) return;
    this.#ofClients.delete(client);
    this.#waiting -= dropped.length;
    if (this.#waiting === 0) return this.close();
    for (const waiting of dropped) waiting.isDropped = true;
  }

  /** Drops all that waits, and stops the timer. */
  close(): void {
    this.#queue = [];
    this.#first = 0;
    this.#waiting = 0;
    this.#ofClients.clear();
    if (this.#dueAt !== null) this.#giveBack(this.#dueAt);
    this.#dueAt = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Takes the first place of all threads that is not before `earliestMs`; returns its time, which may have passed. */
  #reserve(earliestMs: number): number {
    const earliest = toNs(earliestMs);
    for (;;) {
      const next = Atomics.load(this.#next, 0);
      const dueAt = next > earliest ? next : earliest;
      if (Atomics.compareExchange(this.#next, 0, next, dueAt + this.#intervalNs) === next) {
        return dueAt === earliest ? earliestMs : Number(dueAt) / NS_PER_MS;
      }
    }
  }

  /** Lets others have a place, unless a later one has been taken. */
  #giveBack(dueAtMs: number): void {
    const dueAt = toNs(dueAtMs);
    const next = Atomics.load(this.#next, 0);
    // Milliseconds hold a time to a fraction of a microsecond only.
    const isLast = next - this.#intervalNs - dueAt < 1000n;
    if (isLast) Atomics.compareExchange(this.#next, 0, next, next - this.#intervalNs);
  }

  #arm(now: number): void {
    const delay = Math.max(0, Math.ceil(this.#dueAt! - now));
    // A longer one than a timer can hold is split.
    this.#timer = setTimeout(() => this.#release(), Math.min(delay, 2 ** 31 - 1));
  }

  #release(): void {
    this.#timer = null;
    const now = nowEpochMs();
    while (this.#waiting > 0) {
      this.#dueAt ??= this.#reserve(Math.max(this.#waitingSince, now - CATCH_UP_MS));
      if (this.#dueAt > now) return this.#arm(now);
      this.#dueAt = null;
      const { client, request, completion } = this.#takeFirst();
      client.sendNow(request, completion);
    }
  }

  #takeFirst(): WaitingRequest {
    let waiting = this.#queue[this.#first++]!;
    while (waiting.isDropped) waiting = this.#queue[this.#first++]!;
    if (--this.#waiting === 0 || this.#first >= COMPACT_AT) {
      this.#queue.splice(0, this.#waiting === 0 ? this.#queue.length : this.#first);
      this.#first = 0;
    }
    const others = this.#ofClients.get(waiting.client)!;
    if (others.length === 1) this.#ofClients.delete(waiting.client);
    else others.shift();
    return waiting;
  }
}

/** So many requests that have left are taken out of the queue at once. */
const COMPACT_AT = 1024;

interface WaitingRequest {
  readonly client: HttpClient;
  readonly request: HttpRequest;
  readonly completion: HttpCompletion;
  isDropped: boolean;
}

function toNs(ms: number): bigint {
  return BigInt(Math.round(ms * NS_PER_MS));
}

function nowEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
