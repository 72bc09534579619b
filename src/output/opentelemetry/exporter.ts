/**
 * Exports all streams every export interval and once more at the end, one request after another, off the virtual users' path.
 * Values are cumulative, so an export that fails loses nothing: the next one says the same and more, and nothing is queued.
 */

import { GIVEN_UP } from "../http_client.ts";
import type { OutputLog } from "../output.ts";
import { type Clock, jittered, ticks } from "../clock.ts";
import type { ExportRequests } from "./export_requests.ts";
import type { Accepted, Refused, Transport } from "./transport.ts";

/** What the exporter needs of the settings. */
export interface ExporterOptions {
  readonly exportIntervalMs: number;
  /** How long one request may take, and the end of the run wait. */
  readonly timeoutMs: number;
  /** Names the receiver in messages; holds no secret. */
  readonly receiver: string;
}

/** How long the end of the run waits at most, and for a receiver that has never taken anything. */
const LAST_EXPORT_LIMIT_MS = 25_000;
const STRANGER_LIMIT_MS = 5000;
/** Waits between attempts double from the first to the last. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5000;

/** How a request fared: taken, refused for good, or given up although a later attempt may succeed. */
type Delivery = "taken" | "refused" | "given up";

/** Sends export requests and retries what the OTLP specification allows. */
export class Exporter {
  readonly #requests: ExportRequests;
  readonly #transport: Transport;
  readonly #options: ExporterOptions;
  readonly #log: OutputLog;
  readonly #clock: Clock;
  /** Aborts when the run ends: no more ticks, no more waiting for retries of a regular export. */
  readonly #stopping = new AbortController();
  /** Aborts when `stop` has used up its time. */
  readonly #overdue = new AbortController();
  #ticking: Promise<void> = Promise.resolve();
  /** The receiver asked not to be bothered before this time. */
  #notBeforeMs = 0;
  #everTaken = false;
  #exports = 0;
  #failedExports = 0;
  #lastExport: "complete" | "incomplete" = "complete";
  #rejectedPoints = 0;
  readonly #failures = new Map<string, number>();
  readonly #said = new Set<string>();

  constructor(
    requests: ExportRequests,
    transport: Transport,
    options: ExporterOptions,
    log: OutputLog,
    clock: Clock,
  ) {
    this.#requests = requests;
    this.#transport = transport;
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
  }

  /** Begins to export every interval. */
  start(): void {
    this.#ticking = this.#tick();
  }

  /** Exports once more, within the timeout; says how many exports failed. Never rejects. */
  async stop(): Promise<void> {
    const limitMs = Math.min(this.#options.timeoutMs, this.#everTaken ? LAST_EXPORT_LIMIT_MS : STRANGER_LIMIT_MS);
    const deadlineMs = this.#clock.now() + limitMs;
    const done = new AbortController();
    const watchdog = this.#clock.sleep(limitMs, done.signal).then(() => this.#overdue.abort());
    this.#stopping.abort();
    await this.#ticking;
    await this.#export(deadlineMs, this.#overdue.signal);
    done.abort();
    await watchdog;
    this.#transport.close();
    this.#summarize();
  }

  async #tick(): Promise<void> {
    const { exportIntervalMs } = this.#options;
    const { signal } = this.#stopping;
    const firstMs = this.#clock.now() + exportIntervalMs;
    for await (const startedMs of ticks(this.#clock, firstMs, exportIntervalMs, signal)) {
      await this.#export(startedMs + exportIntervalMs, signal);
    }
  }

  /** Sends every stream once; ends early when the receiver does not answer by `deadlineMs`, or `signal` aborts. */
  async #export(deadlineMs: number, signal: AbortSignal): Promise<void> {
    if (!await this.#pause(this.#notBeforeMs - this.#clock.now(), deadlineMs, signal)) {
      this.#lastExport = "incomplete";
      return;
    }
    this.#requests.restart();
    let request = this.#requests.next(this.#clock.now());
    if (request === null) return;
    this.#exports++;
    this.#lastExport = "complete";
    for (; request !== null; request = this.#requests.next(this.#clock.now())) {
      const delivery = await this.#deliver(request.body, deadlineMs, signal);
      if (delivery !== "taken") this.#lastExport = "incomplete";
      // A regular export that the end of the run cuts short is no failure: the last one follows at once.
      if (delivery === "given up" || signal.aborted) break;
    }
    if (this.#lastExport === "incomplete") this.#failedExports++;
  }

  /** Sends a body; after a failure that may pass, again, with growing, jittered waits in between. */
  async #deliver(body: Uint8Array, deadlineMs: number, signal: AbortSignal): Promise<Delivery> {
    let failure: Refused | null = null;
    for (let backoffMs = FIRST_BACKOFF_MS;; backoffMs = Math.min(2 * backoffMs, LAST_BACKOFF_MS)) {
      const answer = await this.#transport.send(body, this.#options.timeoutMs, this.#overdue.signal);
      if (answer.kind === "accepted") {
        this.#everTaken = true;
        this.#noteRejected(answer);
        return "taken";
      }
      const waitMs = answer.retryAfterMs ?? jittered(backoffMs);
      if (answer.retryAfterMs !== null) this.#notBeforeMs = this.#clock.now() + answer.retryAfterMs;
      // That the end of the run cut an attempt short says less than how the one before failed.
      failure = answer.cause === GIVEN_UP ? failure ?? answer : answer;
      if (!answer.retryable || !await this.#pause(waitMs, deadlineMs, signal)) {
        this.#report(failure);
        return answer.retryable ? "given up" : "refused";
      }
    }
  }

  /** Waits; false when that would last to the deadline, or `signal` ends it. */
  async #pause(ms: number, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    if (ms <= 0) return true;
    if (this.#clock.now() + ms >= deadlineMs) return false;
    await this.#clock.sleep(ms, signal);
    return !signal.aborted;
  }

  /** Says each cause once and counts it from then on. */
  #report({ cause, detail }: Refused): void {
    this.#failures.set(cause, (this.#failures.get(cause) ?? 0) + 1);
    const { receiver } = this.#options;
    this.#sayOnce(cause, "error", `cannot export metrics to ${receiver}: ${cause}${detail && `: ${detail}`}`);
  }

  #noteRejected({ rejectedPoints, message }: Accepted): void {
    this.#rejectedPoints += rejectedPoints;
    if (rejectedPoints === 0 && message === "") return;
    const what = rejectedPoints > 0 ? `rejected ${rejectedPoints} data points` : "says";
    const why = message === "" ? "" : `: ${message}`;
    this.#sayOnce(rejectedPoints > 0 ? "rejected" : "said", "warn", `${this.#options.receiver} ${what}${why}`);
  }

  #sayOnce(key: string, level: "warn" | "error", message: string): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#log[level](`OpenTelemetry output: ${message}`);
  }

  #summarize(): void {
    const { receiver } = this.#options;
    if (this.#failedExports > 0) {
      const causes = Array.from(this.#failures, ([cause, count]) => `${cause} ×${count}`).join(", ");
      const result = this.#lastExport === "complete"
        ? "the last one succeeded, so the totals there are complete"
        : "the totals there are incomplete";
      const failed = `${this.#failedExports} of ${this.#exports} exports to ${receiver} failed (${causes})`;
      this.#log.warn(`OpenTelemetry output: ${failed}; ${result}`);
    }
    if (this.#rejectedPoints > 0) {
      this.#log.warn(`OpenTelemetry output: ${receiver} rejected ${this.#rejectedPoints} data points in all`);
    }
  }
}
