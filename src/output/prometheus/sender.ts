/**
 * Sends the news of all series every push interval, off the virtual users' path. Payloads are snapshots of cumulative values:
 * what waits for a retry is encoded anew instead of being queued, so a slow or absent receiver costs neither memory nor time.
 */

import type { OutputLog } from "../output.ts";
import { type Clock, ticks } from "../clock.ts";
import { type Batch, Courier, type Patience } from "./courier.ts";
import { Delivery, seriesOf } from "./delivery.ts";
import { DeliveryReport } from "./delivery_report.ts";
import type { ProtocolVersion } from "./request_encoders.ts";
import type { SeriesState, SeriesStates } from "./series_state.ts";
import { Timestamps } from "./timestamps.ts";
import type { Transport } from "./transport.ts";

/** What the sender needs of the settings. */
export interface SenderOptions {
  readonly pushIntervalMs: number;
  /** Whether flushes come at whole multiples of the interval since the epoch, instead of since the start. Default false. */
  readonly onTheClock?: boolean;
  /** How long one request may take. */
  readonly timeoutMs: number;
  /** Most time series in one request. */
  readonly batchSize: number;
  readonly staleMarkers: boolean;
  /** What requests are of at first; always 1.0 once the receiver turns out not to know better. */
  readonly protocolVersion: ProtocolVersion;
  /** Whether type, unit and help of metrics are sent. */
  readonly metadata: boolean;
  /** Names the receiver in messages; holds no secret. */
  readonly receiver: string;
}

/** Most requests at the same time. One is enough for a receiver that is near; the number grows when flushes take long. */
export const MOST_LANES = 8;

/** While the run ends, attempts begin until so long after the last success. */
const LAST_RETRIES_MS = 5000;
/** After so much of waiting the user is told for whom. */
const SILENT_END_MS = 8000;
/** All that the end of a run may take, however much arrives meanwhile. */
const LONGEST_END_MS = 60_000;
/** How often, and after which pause, the last flush is repeated for series that the receiver did not take yet for their timestamps. */
const LAST_REPEATS = 3;
const REPEAT_PAUSE_MS = 500;

/** Flushes at every push interval; series are in one request at a time, and no flush begins before the last one is over. */
export class RemoteWriteSender {
  readonly #states: SeriesStates;
  readonly #transport: Transport;
  readonly #options: SenderOptions;
  readonly #clock: Clock;
  readonly #report: DeliveryReport;
  readonly #courier: Courier;
  readonly #delivery: Delivery;
  /** Aborts when the run ends: no more ticks, no more waiting for retries of a regular flush. */
  readonly #stopping = new AbortController();
  /** Aborts when `stop` has used up its time. */
  readonly #overdue = new AbortController();
  #ticking: Promise<void> = Promise.resolve();
  #lanes = 1;
  /** Number of batches in the last flush. */
  #batches = 0;

  constructor(states: SeriesStates, transport: Transport, options: SenderOptions, log: OutputLog, clock: Clock) {
    this.#states = states;
    this.#transport = transport;
    this.#options = options;
    this.#clock = clock;
    this.#report = new DeliveryReport(log, options.receiver);
    const timestamps = new Timestamps(clock);
    const report = this.#report;
    this.#courier = new Courier({ transport, timestamps, report, clock, options, overdue: this.#overdue.signal });
    this.#delivery = new Delivery(this.#courier, states, timestamps, report, options.batchSize);
  }

  /** Begins to flush every push interval. */
  start(): void {
    this.#ticking = this.#tick();
  }

  /**
   * Flushes once more, marks all series as ended, and reports. A receiver that answers, however slowly, gets up to a minute. One
   * that was failing gets five seconds; one that begins to hang has the time of a request before. Never rejects.
   */
  async stop(): Promise<void> {
    const done = new AbortController();
    const end = new RunEnd(this.#clock, this.#courier, this.#options.timeoutMs, this.#overdue.signal);
    const watching = [this.#giveUpWhenOverdue(end, done.signal), this.#sayWhatIsWaitedFor(done.signal)];
    this.#stopping.abort();
    await this.#ticking;
    end.next();
    this.#courier.hurry();
    const isReachable = await this.#flushToTheEnd(end);
    if (isReachable && this.#options.staleMarkers && this.#report.hasStored) await this.#endSeries(end);
    done.abort();
    await Promise.all(watching);
    this.#transport.close();
    const { refused, leftOut, unmarked } = this.#delivery.losses;
    this.#report.end({ missing: refused + seriesOf(this.#states.takeQueue()), leftOut, unmarked });
  }

  async #tick(): Promise<void> {
    const { pushIntervalMs, onTheClock = false } = this.#options;
    const { signal } = this.#stopping;
    const startMs = this.#clock.now();
    const firstMs = startMs + pushIntervalMs - (onTheClock ? startMs % pushIntervalMs : 0);
    for await (const startedMs of ticks(this.#clock, firstMs, pushIntervalMs, signal)) {
      const untilMs = startedMs + pushIntervalMs;
      const { failures } = this.#courier;
      await this.#flush({ untilMs: () => untilMs, signal });
      if (this.#courier.failures === failures) this.#watchSpeed(this.#clock.now() - startedMs);
    }
  }

  /** Sends all news; false when that was cut short because the receiver can't be reached. */
  async #flush(patience: Patience): Promise<boolean> {
    // Nothing is taken from the queue before the receiver wants it, so that it gets the newest values.
    if (!await this.#courier.isWelcome(patience)) return false;
    this.#delivery.beginFlush();
    const queue = new BatchQueue(this.#states.takeQueue(), this.#delivery);
    const isReachable = await this.#sendAll("values", queue, patience);
    this.#batches = queue.handedOut;
    if (isReachable) return true;
    this.#states.putBack(queue.rest());
    return false;
  }

  /** Flushes until nothing is left that may still be taken. */
  async #flushToTheEnd(end: RunEnd): Promise<boolean> {
    for (let repeats = 0; await this.#flush(end); repeats++) {
      if (!this.#states.hasNews || repeats === LAST_REPEATS) return true;
      await this.#clock.sleep(REPEAT_PAUSE_MS, end.signal);
    }
    return false;
  }

  async #endSeries(end: RunEnd): Promise<void> {
    this.#delivery.beginFlush();
    const queue = new BatchQueue(Array.from(this.#states.sent()), this.#delivery);
    if (!await this.#sendAll("ends", queue, end)) this.#delivery.leaveUnmarked(queue.rest());
  }

  /** Sends a queue's batches, in as many lanes as there are; false when that was cut short. */
  async #sendAll(content: Batch["content"], queue: BatchQueue, patience: Patience): Promise<boolean> {
    let isReachable = true;
    const lane = async () => {
      while (isReachable) {
        const states = queue.next();
        if (states.length === 0) return;
        if (!await this.#delivery.deliver(content, states, patience)) isReachable = false;
        else if (!await this.#courier.isWelcome(patience)) isReachable = false;
      }
    };
    await Promise.all(Array.from({ length: this.#lanes }, lane));
    return isReachable;
  }

  /** A receiver that is far away gets several requests at a time when flushes would take too long else. */
  #watchSpeed(tookMs: number): void {
    const { pushIntervalMs } = this.#options;
    const moreLanesHelp = this.#lanes < Math.min(this.#batches, MOST_LANES);
    if (moreLanesHelp && tookMs > pushIntervalMs / 2) this.#lanes *= 2;
    else if (tookMs > pushIntervalMs) this.#report.slow(tookMs, pushIntervalMs);
  }

  async #sayWhatIsWaitedFor(done: AbortSignal): Promise<void> {
    await this.#clock.sleep(SILENT_END_MS, done);
    if (!done.aborted) this.#report.waiting();
  }

  async #giveUpWhenOverdue(end: RunEnd, done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      const leftMs = end.overdueMs() - this.#clock.now();
      if (leftMs <= 0) return this.#overdue.abort();
      await this.#clock.sleep(leftMs, done);
    }
  }
}

/** The states of a flush, handed out in batches; those that were not taken the last time come last, and among themselves. */
class BatchQueue {
  readonly #states: readonly SeriesState[];
  readonly #delivery: Delivery;
  /** Where those begin that come last. */
  readonly #apartFrom: number;
  /** Number of batches so far. */
  handedOut = 0;
  #next = 0;

  constructor(states: readonly SeriesState[], delivery: Delivery) {
    const apart = delivery.hasSuspects ? states.filter((state) => delivery.isSuspect(state)) : [];
    this.#states = apart.length === 0 ? states : [...states.filter((state) => !delivery.isSuspect(state)), ...apart];
    this.#apartFrom = states.length - apart.length;
    this.#delivery = delivery;
  }

  /** States for one request; none when all were handed out. */
  next(): SeriesState[] {
    const { batchSize } = this.#delivery;
    const batch: SeriesState[] = [];
    let series = 0;
    for (; this.#next < this.#states.length; this.#next++) {
      const state = this.#states[this.#next]!;
      if (this.#delivery.isLeftOut(state)) continue;
      series += state.mapping.size;
      if (batch.length > 0 && (series > batchSize || this.#next === this.#apartFrom)) break;
      batch.push(state);
    }
    if (batch.length > 0) this.handedOut++;
    return batch;
  }

  /** The states that were not handed out. */
  rest(): readonly SeriesState[] {
    return this.#states.slice(this.#next);
  }
}

/** How long the end of a run may take: first what is still under way, then the last flush and the stale markers. */
class RunEnd implements Patience {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #courier: Courier;
  readonly #timeoutMs: number;
  readonly #endsMs: number;
  #sinceMs = 0;
  #patienceMs = 0;

  constructor(clock: Clock, courier: Courier, timeoutMs: number, signal: AbortSignal) {
    this.signal = signal;
    this.#clock = clock;
    this.#courier = courier;
    this.#timeoutMs = timeoutMs;
    this.#endsMs = clock.now() + LONGEST_END_MS;
    this.next();
  }

  /** The next step begins: it has its own time, little when the receiver is failing. */
  next(): void {
    this.#sinceMs = this.#clock.now();
    this.#patienceMs = this.#courier.isFailing ? LAST_RETRIES_MS : Math.max(this.#timeoutMs, LAST_RETRIES_MS);
  }

  untilMs(): number {
    return this.#lastProgressMs() + LAST_RETRIES_MS;
  }

  /** When to give up what is under way. */
  overdueMs(): number {
    return Math.min(this.#lastProgressMs() + this.#patienceMs, this.#endsMs);
  }

  #lastProgressMs(): number {
    return Math.max(this.#sinceMs, this.#courier.lastStoredAtMs);
  }
}
