/**
 * Sends the news of all series every push interval, one request after another, off the virtual users' path.
 * Payloads are snapshots of cumulative values: what waits for a retry is encoded anew instead of being queued, so a slow or absent
 * receiver costs neither memory nor time.
 */

import type { OutputLog } from "../output.ts";
import type { Clock } from "./clock.ts";
import type { RequestEncoder } from "./request_encoder.ts";
import { createRequestEncoder } from "./request_encoders.ts";
import { encodeEnd, encodeState, type SeriesState, type SeriesStates } from "./series_state.ts";
import { Timestamps } from "./timestamps.ts";
import { type Transport, TransportError } from "./transport.ts";

/** What the sender needs of the settings. */
export interface SenderOptions {
  readonly pushIntervalMs: number;
  /** Whether flushes come at whole multiples of the interval since the epoch, instead of since the start. Default false. */
  readonly onTheClock?: boolean;
  /** Most time series in one request. */
  readonly batchSize: number;
  readonly staleMarkers: boolean;
  /** Whether type, unit and help of metrics are sent. */
  readonly metadata: boolean;
  /** Names the receiver in messages; holds no secret. */
  readonly receiver: string;
}

/** How long one request may take, as in k6. */
const REQUEST_TIMEOUT_MS = 5000;
/** How long `stop` may take: what is still under way, the last flush and the stale markers together. */
const STOP_TIMEOUT_MS = 5000;
/** Waits between attempts double from the first to the last, as in Prometheus. */
const FIRST_BACKOFF_MS = 30;
const LAST_BACKOFF_MS = 5000;

/** How a payload fared: accepted, refused for good, or given up although a later attempt may succeed. */
type Delivery = "accepted" | "refused" | "given up";

/** Sends write requests, one at a time, and retries what the specification allows. */
export class RemoteWriteSender {
  readonly #states: SeriesStates;
  readonly #transport: Transport;
  readonly #options: SenderOptions;
  readonly #log: OutputLog;
  readonly #clock: Clock;
  readonly #timestamps: Timestamps;
  readonly #encoder: RequestEncoder;
  /** Aborts when the run ends: no more ticks, no more waiting for retries of a regular flush. */
  readonly #stopping = new AbortController();
  /** Aborts when `stop` has used up its time. */
  readonly #overdue = new AbortController();
  #ticking: Promise<void> = Promise.resolve();
  /** The receiver asked (Retry-After) not to be bothered before this time. */
  #notBeforeMs = 0;
  #everAccepted = false;
  #flushes = 0;
  #failedFlushes = 0;
  #warnedOfSlowness = false;
  readonly #failures = new Map<string, number>();

  constructor(states: SeriesStates, transport: Transport, options: SenderOptions, log: OutputLog, clock: Clock) {
    this.#states = states;
    this.#transport = transport;
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
    this.#timestamps = new Timestamps(clock);
    this.#encoder = createRequestEncoder("1.0", options);
  }

  /** Begins to flush every push interval. */
  start(): void {
    this.#ticking = this.#tick();
  }

  /** Flushes once more and marks all series as ended, within five seconds; says how many flushes failed. Never rejects. */
  async stop(): Promise<void> {
    const deadlineMs = this.#clock.now() + STOP_TIMEOUT_MS;
    const done = new AbortController();
    const watchdog = this.#clock.sleep(STOP_TIMEOUT_MS, done.signal).then(() => this.#overdue.abort());
    this.#stopping.abort();
    await this.#ticking;
    const flushed = await this.#flush(deadlineMs, this.#overdue.signal);
    if (flushed && this.#options.staleMarkers && this.#everAccepted) await this.#sendStaleMarkers(deadlineMs);
    done.abort();
    await watchdog;
    this.#transport.close();
    this.#reportFailures();
  }

  /** Ticks that a long flush overlaps are left out. */
  async #tick(): Promise<void> {
    const { pushIntervalMs, onTheClock = false } = this.#options;
    const startMs = this.#clock.now();
    let dueMs = startMs + pushIntervalMs - (onTheClock ? startMs % pushIntervalMs : 0);
    for (;;) {
      await this.#clock.sleep(Math.max(0, dueMs - this.#clock.now()), this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      const startedMs = this.#clock.now();
      await this.#flush(startedMs + pushIntervalMs, this.#stopping.signal);
      const tookMs = this.#clock.now() - startedMs;
      if (tookMs > pushIntervalMs) this.#warnOfSlowness(tookMs);
      dueMs += pushIntervalMs * Math.max(1, Math.ceil((this.#clock.now() - dueMs) / pushIntervalMs));
    }
  }

  /** Sends all news; false when some could not be delivered by `deadlineMs` or before `signal` ended the waiting for retries. */
  async #flush(deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    const waitMs = this.#notBeforeMs - this.#clock.now();
    if (waitMs > 0) {
      if (this.#clock.now() + waitMs >= deadlineMs) return false;
      await this.#clock.sleep(waitMs, signal);
      if (signal.aborted) return false;
    }
    const queue = this.#states.takeQueue();
    if (queue.length === 0) return true;
    this.#flushes++;
    let deliveries: "all" | "some" | "cut short" = "all";
    for (let next = 0; next < queue.length;) {
      const batch: SeriesState[] = [];
      next = this.#fill(queue, next, batch);
      if (this.#encoder.length === 0) continue;
      const delivery = await this.#deliver(this.#encoder.finish(), () => this.#encodeAgain(batch), deadlineMs, signal);
      if (delivery === "refused") deliveries = "some";
      if (delivery === "given up") {
        deliveries = "cut short";
        this.#states.requeue(batch);
        this.#states.putBack(queue.slice(next));
        break;
      }
    }
    if (deliveries !== "all") this.#failedFlushes++;
    return deliveries !== "cut short";
  }

  /** Encodes queued states from `next` on until the batch is full; returns where the next batch begins. */
  #fill(queue: readonly SeriesState[], next: number, batch: SeriesState[]): number {
    for (; next < queue.length; next++) {
      const state = queue[next]!;
      if (batch.length > 0 && this.#encoder.length + state.mapping.size > this.#options.batchSize) break;
      this.#timestamps.forNews(state);
      encodeState(state, this.#encoder);
      state.queued = false;
      batch.push(state);
    }
    return next;
  }

  /** The same series once more, with the values that they have now. */
  #encodeAgain(batch: readonly SeriesState[]): Uint8Array {
    for (const state of batch) {
      if (state.queued) this.#timestamps.forNews(state);
      encodeState(state, this.#encoder);
    }
    return this.#encoder.finish();
  }

  /** Posts a body; after a failure that may pass, the body of `again` follows, with growing, jittered waits in between. */
  async #deliver(
    body: Uint8Array,
    again: () => Uint8Array,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<Delivery> {
    for (let backoffMs = FIRST_BACKOFF_MS;; backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS)) {
      const failure = await this.#post(body);
      if (failure === null) {
        this.#everAccepted = true;
        return "accepted";
      }
      if (!failure.retryable) {
        this.#report(failure);
        return "refused";
      }
      const nowMs = this.#clock.now();
      const waitMs = failure.retryAfterMs ?? backoffMs * (0.5 + Math.random() / 2);
      if (failure.retryAfterMs !== null) this.#notBeforeMs = nowMs + failure.retryAfterMs;
      if (nowMs + waitMs >= deadlineMs || signal.aborted) {
        this.#report(failure);
        return "given up";
      }
      await this.#clock.sleep(waitMs, signal);
      if (signal.aborted) {
        this.#report(failure);
        return "given up";
      }
      body = again();
    }
  }

  async #post(body: Uint8Array): Promise<Failure | null> {
    try {
      const response = await this.#transport.post(body, REQUEST_TIMEOUT_MS, this.#overdue.signal);
      const { status, text } = response;
      if (status >= 200 && status < 300) return null;
      const retryable = status >= 500 || status === 429;
      const retryAfterMs = retryable ? response.retryAfterMs : null;
      return { cause: `HTTP ${status}`, detail: text, advice: advice.get(status) ?? "", retryable, retryAfterMs };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return { cause, detail: "", advice: "", retryable: error instanceof TransportError, retryAfterMs: null };
    }
  }

  /** Counts as a flush of its own. */
  async #sendStaleMarkers(deadlineMs: number): Promise<void> {
    this.#flushes++;
    let failed = false;
    const send = async () => {
      const body = this.#encoder.finish();
      const delivery = await this.#deliver(body, () => body, deadlineMs, this.#overdue.signal);
      failed ||= delivery !== "accepted";
      return delivery !== "given up";
    };
    let goOn = true;
    for (const state of this.#states.sent()) {
      if (this.#encoder.length > 0 && this.#encoder.length + state.mapping.size > this.#options.batchSize) {
        goOn = await send();
        if (!goOn) break;
      }
      this.#timestamps.forEnd(state);
      encodeEnd(state, this.#encoder);
    }
    if (goOn && this.#encoder.length > 0) await send();
    if (failed) this.#failedFlushes++;
  }

  /** Says each cause once and counts it from then on. */
  #report({ cause, detail, advice }: Failure): void {
    const count = this.#failures.get(cause) ?? 0;
    this.#failures.set(cause, count + 1);
    if (count > 0) return;
    const explanation = [detail, advice].filter((text) => text !== "").join("; ");
    this.#log.error(
      `Failed to send the time series data to ${this.#options.receiver}: ${cause}${explanation && `: ${explanation}`}`,
    );
  }

  #reportFailures(): void {
    if (this.#failures.size === 0) return;
    const causes = Array.from(this.#failures, ([cause, count]) => `${cause} ×${count}`).join(", ");
    this.#log.warn(
      `${this.#failedFlushes} of ${this.#flushes} flushes to ${this.#options.receiver} failed (${causes}): ` +
        "values there may be incomplete",
    );
  }

  #warnOfSlowness(tookMs: number): void {
    if (this.#warnedOfSlowness) return;
    this.#warnedOfSlowness = true;
    const seconds = (ms: number) => `${Math.round(ms) / 1000} s`;
    this.#log.warn(
      `sending the time series data to ${this.#options.receiver} took ${
        seconds(tookMs)
      }, longer than the push interval of ` +
        `${seconds(this.#options.pushIntervalMs)}: values arrive less often; use a longer interval or fewer tags`,
    );
  }
}

/** An attempt that did not succeed. */
interface Failure {
  /** Few fixed words: what failures are counted by. */
  readonly cause: string;
  /** The receiver's own words. */
  readonly detail: string;
  readonly advice: string;
  /** By the specification: network failures, 5xx and 429. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
}

const advice: ReadonlyMap<number, string> = new Map([
  [401, "check the user name and password or token"],
  [403, "check what the user or token is allowed to do"],
  [404, "check the URL's path; Prometheus needs --web.enable-remote-write-receiver"],
]);
