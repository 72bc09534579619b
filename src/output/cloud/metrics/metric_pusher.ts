/**
 * Sends the messages of flushes, off the virtual users' path: they are written in turns of the main thread, wait in a queue of
 * limited size, and are pushed by as many at a time as is set. A message that failed for what may pass waits for another try; what
 * can't be delivered in the end is counted.
 */

import { type Clock, jittered } from "../../clock.ts";
import type { OutputLog } from "../../output.ts";
import type { MessageWriter, MetricMessage } from "./metric_message.ts";
import type { MetricSet } from "./metric_sets.ts";

/** How a push fared, after all its attempts. */
export type PushOutcome = { readonly kind: "delivered" } | PushFailure;

/** A push without success. */
export interface PushFailure {
  /**
   * `unavailable`: no message would succeed now; `failing`: this one didn't, but may later; `refused`: it never will; `unwanted`: the
   * service takes no more of this run's metrics.
   */
  readonly kind: "unavailable" | "failing" | "refused" | "unwanted";
  /** For the user. */
  readonly message: string;
  /** In two or three words, for counting. */
  readonly cause: string;
}

/** What a pusher works with. */
export interface PusherOptions {
  readonly writer: Pick<MessageWriter, "write">;
  /** Never rejects; resolves soon after `signal` aborts. A message may come again. */
  readonly push: (message: MetricMessage, signal: AbortSignal) => Promise<PushOutcome>;
  /** Most pushes at the same time. */
  readonly concurrency: number;
  /** Bytes of messages that may wait; of more, the oldest are given up. Default 32 MiB. */
  readonly maxWaitingBytes?: number;
  readonly clock: Clock;
  readonly log: OutputLog;
  /** Told once, when the service takes no more; `message` says so to the user. */
  readonly onUnwanted: (message: string) => void;
}

const MAX_WAITING_BYTES = 32 * 2 ** 20;

/** No try begins so long after a message's first one: services know for ten minutes which calls they have done already. */
const LAST_TRY_MS = 5 * 60_000;

/** Waits between two tries double from the first to the last. */
const FIRST_BACKOFF_MS = 1000;
const LAST_BACKOFF_MS = 10_000;

/** While the run ends, tries begin until so long after the last success, with shorter waits. */
const END_PATIENCE_MS = 5000;
const END_BACKOFF_MS = 500;

/** Life: any number of `deliver`, then `drain`, perhaps again, then `report`. */
export class MetricPusher {
  readonly #options: PusherOptions;
  readonly #maxWaitingBytes: number;
  #waiting: WaitingMessage[] = [];
  #waitingBytes = 0;
  /** Resolves when all that was to be delivered has been written. */
  #written: Promise<void> = Promise.resolve();
  readonly #lanes = new Set<Promise<void>>();
  /** Lanes that will look for another message: one that has found none stays in `#lanes` for a moment. */
  #busyLanes = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  /** Aborts when the run ends: no more long waits between tries. */
  readonly #draining = new AbortController();
  /** Of the last message, or when the draining began. */
  #lastSuccessMs = 0;
  /** Aborts, with the cause, when nothing more is to be sent. */
  readonly #ending = new AbortController();
  /** What the user has been told, by the cause: of single messages, and of the service since the last success. */
  readonly #complaints = new Set<string>();
  readonly #outage = new Set<string>();
  #isSlow = false;
  readonly #delivered = new Tally();
  /** By the cause. */
  readonly #lost = new Map<string, Tally>();

  constructor(options: PusherOptions) {
    this.#options = options;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? MAX_WAITING_BYTES;
  }

  /** Has the messages of a flush sent; returns at once. */
  deliver(sets: Iterable<MetricSet>): void {
    this.#written = this.#written.then(() => this.#write(sets));
  }

  /** Resolves when nothing waits any more; what has not been delivered after `limitMs` is given up, and all that comes later. */
  async drain(limitMs: number): Promise<void> {
    const { clock } = this.#options;
    const drained = new AbortController();
    clock.sleep(limitMs, drained.signal).then(() => {
      if (!drained.signal.aborted) this.#giveUp("no time left");
    });
    this.#lastSuccessMs = clock.now();
    this.#draining.abort();
    await this.#written;
    await Promise.all(this.#lanes);
    drained.abort();
  }

  /** Says once what did not arrive. */
  report(): void {
    const { log } = this.#options;
    const { messages, series } = this.#delivered;
    const lost = Array.from(this.#lost.values());
    const lostMessages = lost.reduce((sum, tally) => sum + tally.messages, 0);
    if (lostMessages === 0) return log.debug(`cloud output: ${messages} batches delivered, with ${series} time series`);
    const lostSeries = lost.reduce((sum, tally) => sum + tally.series, 0);
    const causes = Array.from(this.#lost, ([cause, tally]) => `${cause}: ${tally.messages}`).join(", ");
    log.warn(
      `cloud output: ${lostMessages} of ${messages + lostMessages} batches of metrics, with ${lostSeries} of ` +
        `${series + lostSeries} time series, did not arrive (${causes}): the cloud's figures are too low`,
    );
  }

  async #write(sets: Iterable<MetricSet>): Promise<void> {
    const { writer } = this.#options;
    for (const set of sets) {
      if (this.#ending.signal.aborted) this.#lose(this.#ending.signal.reason, set.seriesCount);
      else this.#enqueue(await writer.write(set));
    }
  }

  #enqueue(message: MetricMessage): void {
    this.#waiting.push({ message, tried: null });
    this.#waitingBytes += message.bytes.length;
    this.#limitWaiting();
    if (this.#busyLanes >= this.#options.concurrency) return;
    const lane = this.#sendWaiting().finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  #limitWaiting(): void {
    while (this.#waitingBytes > this.#maxWaitingBytes && this.#waiting.length > 1) {
      this.#lose("too many waited", this.#next()!.message.series);
      if (this.#isSlow) continue;
      this.#isSlow = true;
      this.#options.log.warn(
        "cloud output: the service takes metrics slower than the test makes them: the oldest of what waits is given up " +
          `when it is more than ${this.#maxWaitingBytes / 2 ** 20} MiB`,
      );
    }
  }

  async #sendWaiting(): Promise<void> {
    this.#busyLanes++;
    try {
      for (let next; (next = this.#next()) !== undefined;) await this.#send(next);
    } finally {
      this.#busyLanes--;
    }
  }

  #next(): WaitingMessage | undefined {
    const next = this.#waiting.shift();
    if (next !== undefined) this.#waitingBytes -= next.message.bytes.length;
    return next;
  }

  async #send({ message, tried }: WaitingMessage): Promise<void> {
    const { push, log, clock } = this.#options;
    const { series, bytes, encodedBytes } = message;
    const { signal } = this.#ending;
    const { firstMs, cause } = tried ?? { firstMs: clock.now(), cause: "" };
    if (signal.aborted) return this.#lose(signal.reason, series);
    if (clock.now() - firstMs >= LAST_TRY_MS) return this.#lose(cause, series);
    log.debug(
      `cloud output: pushing ${series} time series, ${bytes.length} bytes (${encodedBytes} uncompressed), ` +
        `${this.#waiting.length} more batches wait`,
    );
    const outcome = await push(message, signal);
    if (outcome.kind === "delivered") this.#noteSuccess(series);
    else if (signal.aborted) this.#lose(signal.reason, series);
    else if (outcome.kind === "refused" || outcome.kind === "unwanted") this.#noteRefusal(series, outcome);
    else await this.#tryLater(message, firstMs, outcome);
  }

  #noteSuccess(series: number): void {
    const { log, clock } = this.#options;
    this.#delivered.add(series);
    this.#lastSuccessMs = clock.now();
    this.#backoffMs = FIRST_BACKOFF_MS;
    if (this.#outage.size > 0) log.info("cloud output: metrics arrive again");
    this.#outage.clear();
  }

  #noteRefusal(series: number, { kind, message, cause }: PushFailure): void {
    this.#lose(cause, series);
    if (kind === "refused") return this.#complain(this.#complaints, cause, message);
    this.#giveUp(cause);
    this.#options.onUnwanted(message);
  }

  /** Puts a message back, behind the others if they may fare better, and waits before the next one is tried. */
  async #tryLater(message: MetricMessage, firstMs: number, { kind, message: text, cause }: PushFailure): Promise<void> {
    const { clock } = this.#options;
    this.#complain(kind === "failing" ? this.#complaints : this.#outage, cause, `${text}; trying again`);
    const isDraining = this.#draining.signal.aborted;
    if (isDraining && clock.now() - this.#lastSuccessMs >= END_PATIENCE_MS) this.#giveUp(cause);
    if (this.#ending.signal.aborted) return this.#lose(cause, message.series);
    const waiting = { message, tried: { firstMs, cause } };
    if (kind === "failing") this.#waiting.push(waiting);
    else this.#waiting.unshift(waiting);
    this.#waitingBytes += message.bytes.length;
    this.#limitWaiting();
    if (isDraining) return await clock.sleep(jittered(END_BACKOFF_MS), this.#ending.signal);
    const waitMs = jittered(this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, LAST_BACKOFF_MS);
    await clock.sleep(waitMs, AbortSignal.any([this.#draining.signal, this.#ending.signal]));
  }

  /** Says each cause once. */
  #complain(told: Set<string>, cause: string, text: string): void {
    if (told.has(cause)) return;
    told.add(cause);
    this.#options.log.error(`cloud output: ${text}`);
  }

  /** Nothing more is sent: what waits, what is under way and what is still to come are lost. */
  #giveUp(cause: string): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(cause);
    for (let next; (next = this.#next()) !== undefined;) this.#lose(cause, next.message.series);
  }

  #lose(cause: string, series: number): void {
    this.#lost.getOrInsertComputed(cause, () => new Tally()).add(series);
  }
}

/** A message in the queue. */
interface WaitingMessage {
  readonly message: MetricMessage;
  /** When it was pushed for the first time, and why that was in vain the last time; null: it never was. */
  readonly tried: { readonly firstMs: number; readonly cause: string } | null;
}

/** A number of messages. */
class Tally {
  messages = 0;
  series = 0;

  add(series: number): void {
    this.messages++;
    this.series += series;
  }
}
