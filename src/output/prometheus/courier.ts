/** Posts batches of series, tries again what may pass, and falls back to version 1.0 of the protocol. */

import { type Failure, failureOf, failureWithoutAnswer, writtenOf } from "./answer.ts";
import { type Clock, jittered } from "../clock.ts";
import { TransportError } from "../http_client.ts";
import type { DeliveryReport } from "./delivery_report.ts";
import { type EncoderOptions, type RequestEncoder, VERSION_1 } from "./request_encoder.ts";
import { createRequestEncoder, type ProtocolVersion } from "./request_encoders.ts";
import { encodeEnd, encodeState, type SeriesState } from "./series_state.ts";
import type { Timestamps } from "./timestamps.ts";
import type { Transport } from "./transport.ts";

/** Series that go out in one request, under the timestamps that they have got. */
export interface Batch {
  /** Their values, or the markers that say they have ended. */
  readonly content: "values" | "ends";
  readonly states: readonly SeriesState[];
  /** By the states' index: the last timestamp that the receiver may have stored. */
  readonly takenMs: number[];
}

/** How long it is worth trying again. */
export interface Patience {
  /** No further attempt begins after that time. */
  untilMs(): number;
  /** Ends the waiting between two attempts. */
  readonly signal: AbortSignal;
}

/** What posting needs of the settings. */
export interface CourierOptions extends EncoderOptions {
  /** How long one request may take. */
  readonly timeoutMs: number;
  readonly protocolVersion: ProtocolVersion;
}

/** What posting needs. */
export interface CourierParts {
  readonly transport: Transport;
  readonly timestamps: Timestamps;
  readonly report: DeliveryReport;
  readonly clock: Clock;
  readonly options: CourierOptions;
  /** Gives up what is under way. */
  readonly overdue: AbortSignal;
}

/** Waits between attempts double from the first to the last, as in Prometheus. */
const FIRST_BACKOFF_MS = 30;
const LAST_BACKOFF_MS = 5000;
/** When there is little time left. */
const LAST_BACKOFF_IN_A_HURRY_MS = 500;

/** Takes batches to the receiver; several at the same time if they have no series in common. */
export class Courier {
  readonly #parts: CourierParts;
  #encoder: RequestEncoder;
  /** Whether the receiver has shown that it knows the version of the requests. */
  #isVersionProven = false;
  /** The receiver asked (Retry-After) not to be bothered before this time. */
  #notBeforeMs = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #lastBackoffMs = LAST_BACKOFF_MS;
  #isFailing = false;
  #failures = 0;
  #lastStoredAtMs = 0;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    const { options } = parts;
    this.#encoder = createRequestEncoder(options.protocolVersion, options);
  }

  /** Whether the last attempt failed for a reason that may pass. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Number of attempts that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Time of the last request that was stored; 0 before the first. */
  get lastStoredAtMs(): number {
    return this.#lastStoredAtMs;
  }

  /** The run ends: what failed is tried again soon. */
  hurry(): void {
    this.#backoffMs = FIRST_BACKOFF_MS;
    this.#lastBackoffMs = LAST_BACKOFF_IN_A_HURRY_MS;
  }

  /** Waits as long as the receiver asked for; false when that is too long. */
  async isWelcome(patience: Patience): Promise<boolean> {
    const { clock } = this.#parts;
    const { signal } = patience;
    const waitMs = this.#notBeforeMs - clock.now();
    if (waitMs > 0) {
      if (this.#notBeforeMs >= patience.untilMs()) return false;
      await clock.sleep(waitMs, signal);
    }
    return !signal.aborted;
  }

  /** Posts a batch until it is stored (null), refused, or patience is at its end. Values are those of the attempt, not of the call. */
  async send(batch: Batch, patience: Patience): Promise<Failure | null> {
    const { clock, report } = this.#parts;
    for (let backoffMs = this.#backoffMs;;) {
      const failure = await this.#attempt(batch);
      this.#isFailing = failure?.kind === "passing";
      if (failure === null) {
        this.#backoffMs = FIRST_BACKOFF_MS;
        this.#lastStoredAtMs = clock.now();
        return null;
      }
      this.#failures++;
      report.failed(failure);
      this.#encoder.describeAgain();
      if (failure.kind === "unknown version") {
        this.#fallBack(failure);
        continue;
      }
      if (failure.kind !== "passing") return failure;
      for (const [index, { sentMs }] of batch.states.entries()) batch.takenMs[index] = sentMs;
      const waitMs = Math.max(failure.retryAfterMs ?? 0, jittered(backoffMs));
      if (failure.retryAfterMs !== null) this.#notBeforeMs = clock.now() + waitMs;
      this.#backoffMs = backoffMs = Math.min(backoffMs * 2, this.#lastBackoffMs);
      if (clock.now() + waitMs >= patience.untilMs()) return failure;
      await clock.sleep(waitMs, patience.signal);
      if (patience.signal.aborted) return failure;
    }
  }

  /** Null when everything was stored that ever will be. */
  async #attempt(batch: Batch): Promise<Failure | null> {
    const { transport, options: { timeoutMs }, overdue, report } = this.#parts;
    const encoder = this.#encoder;
    this.#encode(batch);
    const { length } = encoder;
    if (length === 0) return null;
    try {
      const response = await transport.post(encoder.finish(), timeoutMs, overdue, encoder);
      const failure = failureOf(response, encoder.version, this.#isVersionProven);
      const written = writtenOf(response);
      this.#isVersionProven ||= written !== null;
      if (failure === null) report.stored(length);
      if (failure?.kind !== "partly stored") return failure;
      report.stored(written ?? 0, length - (written ?? 0));
      report.failed(failure);
      report.undelivered(failure);
      return null;
    } catch (error) {
      const isPassing = error instanceof TransportError;
      return failureWithoutAnswer(
        isPassing ? "passing" : "refused",
        error instanceof Error ? error.message : String(error),
      );
    }
  }

  #fallBack(failure: Failure): void {
    // Another request may have been under way.
    if (this.#encoder.version === VERSION_1) return;
    this.#encoder = createRequestEncoder("1.0", this.#parts.options);
    this.#parts.report.fellBack(failure);
  }

  /** Series with news since their timestamp was chosen get a new one; the others repeat what may have been stored already. */
  #encode({ content, states }: Batch): void {
    if (content === "ends") {
      for (const state of states) encodeEnd(state, this.#encoder);
      return;
    }
    this.#parts.timestamps.forNews(states.filter(({ queued }) => queued));
    for (const state of states) encodeState(state, this.#encoder);
  }
}
