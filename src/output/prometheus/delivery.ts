/** Gets the series of a batch delivered even when the receiver refuses some of them: these are found and kept apart. */

import { type Failure, isServerError } from "./answer.ts";
import type { Batch, Courier, Patience } from "./courier.ts";
import type { DeliveryReport } from "./delivery_report.ts";
import { describeState, type SeriesState, type SeriesStates } from "./series_state.ts";
import type { Timestamps } from "./timestamps.ts";

/** Most requests of a flush beyond one for each batch, when refused series are looked for. */
const MOST_EXTRA_REQUESTS = 100;
/** So many refused parts of a batch with none accepted mean that the receiver refuses everything. */
const MOST_FRUITLESS = 30;
/** Most flushes without a search after searches in vain. */
const LONGEST_REST = 64;

/** In so many flushes the receiver has newer samples only when somebody else goes on sending them. */
const FLUSHES_OF_RIVALS = 3;

/** Delivers batches; several at the same time if they have no series in common. */
export class Delivery {
  readonly #courier: Courier;
  readonly #states: SeriesStates;
  readonly #timestamps: Timestamps;
  readonly #report: DeliveryReport;
  #batchSize: number;
  #extraRequests = 0;
  /** Flushes until refused series are looked for again, and how many there will be after the next search in vain. */
  #restFlushes = 0;
  #nextRest = 1;
  /** Whether the receiver had newer samples in this flush, and in how many. */
  #hasMetRival = false;
  #rivalFlushes = 0;
  #areHistogramsRefused = false;
  /** Whether the last batch of this flush could not be delivered. */
  #isStumbling = false;
  /** Refused for good. */
  readonly #leftOut = new Set<SeriesState>();
  /** Not taken the last time, for whatever reason: sent apart from the others, after them. */
  readonly #suspects = new Set<SeriesState>();
  /** Those whose last values were refused. */
  readonly #refused = new Set<SeriesState>();
  #unmarked = 0;

  constructor(
    courier: Courier,
    states: SeriesStates,
    timestamps: Timestamps,
    report: DeliveryReport,
    batchSize: number,
  ) {
    this.#courier = courier;
    this.#states = states;
    this.#timestamps = timestamps;
    this.#report = report;
    this.#batchSize = batchSize;
  }

  /** Most time series in one request: what was asked for, less once the receiver finds that too large. */
  get batchSize(): number {
    return this.#batchSize;
  }

  /** Number of time series whose last values were refused, that are left out, and whose ends could not be told. */
  get losses(): { readonly refused: number; readonly leftOut: number; readonly unmarked: number } {
    return { refused: seriesOf(this.#refused), leftOut: seriesOf(this.#leftOut), unmarked: this.#unmarked };
  }

  /** To be called when a flush begins. */
  beginFlush(): void {
    this.#extraRequests = MOST_EXTRA_REQUESTS;
    this.#isStumbling = false;
    this.#hasMetRival = false;
    if (this.#restFlushes > 0) this.#restFlushes--;
  }

  /** Whether there are series that were not taken the last time. */
  get hasSuspects(): boolean {
    return this.#suspects.size > 0;
  }

  /** Whether a series is one of them. */
  isSuspect(state: SeriesState): boolean {
    return this.#suspects.has(state);
  }

  /** Whether a series is not to be sent any more. */
  isLeftOut(state: SeriesState): boolean {
    if (this.#areHistogramsRefused && state.sink.type === "native") this.#leftOut.add(state);
    return this.#leftOut.size > 0 && this.#leftOut.has(state);
  }

  /** Delivers what the receiver takes; false when other batches would fare no better now. What may be taken later is queued again. */
  async deliver(content: Batch["content"], states: readonly SeriesState[], patience: Patience): Promise<boolean> {
    const takenMs = states.map(({ sentMs }) => sentMs);
    if (content === "ends") this.#timestamps.forEnds(states);
    else this.#timestamps.forNews(states);
    for (const state of states) state.queued = false;
    const batch = { content, states, takenMs };
    return await this.#settle(batch, await this.#courier.send(batch, patience), patience);
  }

  /** The ends of these series will not be told. */
  leaveUnmarked(states: readonly SeriesState[]): void {
    this.#unmarked += seriesOf(states);
  }

  /** Makes the best of how a batch fared; false when others would fare no better now. */
  async #settle(batch: Batch, failure: Failure | null, patience: Patience): Promise<boolean> {
    if (failure?.kind === "out of order" || failure?.kind === "out of bounds") {
      const isOutOfOrder = failure.kind === "out of order";
      failure = await this.#sendUnderNewTimes(batch, failure, patience);
      if (isOutOfOrder && failure === null) this.#countRival();
    }
    if (failure === null) {
      this.#delivered(batch);
      return true;
    }
    if (failure.kind === "passing") {
      this.#postpone(batch);
      // It may be this batch alone that fails: the next time it comes last.
      this.#suspect(batch);
      const isFirst = !this.#isStumbling;
      this.#isStumbling = true;
      // Cut short by the end of the run: the last flush, or the last line, says how it ended.
      if (!patience.signal.aborted) this.#report.undelivered(failure);
      return isFirst && isServerError(failure);
    }
    const { length } = batch.states;
    if (failure.kind === "histograms are disabled") {
      this.#areHistogramsRefused = true;
      const rest = this.#withoutHistograms(batch);
      if (rest.states.length < length) {
        this.#report.undelivered(failure);
        return await this.#settle(rest, await this.#courier.send(rest, patience), patience);
      }
    }
    this.#learnSize(failure, length);
    if (isAboutSeries(failure) && length > 1 && this.#restFlushes === 0) {
      return await this.#isolate(batch, failure, patience);
    }
    this.#refuse(batch, failure);
    return true;
  }

  #withoutHistograms({ content, states, takenMs }: Batch): Batch {
    const kept = Array.from(states.keys()).filter((index) => !this.isLeftOut(states[index]!));
    return { content, states: kept.map((index) => states[index]!), takenMs: kept.map((index) => takenMs[index]!) };
  }

  /** Values are cumulative, so they can go out once more as of now: later than what another run, or a clock set back, left behind. */
  #sendUnderNewTimes(batch: Batch, { receiverTimeMs }: Failure, patience: Patience): Promise<Failure | null> {
    const aheadMs = receiverTimeMs === null ? 0 : this.#timestamps.follow(receiverTimeMs);
    if (aheadMs !== 0) this.#report.followed(aheadMs);
    this.#timestamps.again(batch.states, batch.takenMs);
    return this.#courier.send(batch, patience);
  }

  /** Halves a refused batch until the refused series are alone; the others arrive on the way. */
  async #isolate(batch: Batch, failure: Failure, patience: Patience): Promise<boolean> {
    const alone: { readonly part: Batch; readonly failure: Failure }[] = [];
    const parts = halves(batch);
    let stored = 0;
    let refused = 0;
    let isCutShort = false;
    const isVain = () => stored === 0 && (parts.length === 0 || refused >= MOST_FRUITLESS);
    while (parts.length > 0 && !isVain() && this.#extraRequests > 0 && !patience.signal.aborted) {
      this.#extraRequests--;
      const part = parts[0]!;
      const partFailure = await this.#courier.send(part, patience);
      if (partFailure?.kind === "passing") {
        this.#report.undelivered(partFailure);
        isCutShort = true;
        break;
      }
      parts.shift();
      if (partFailure === null) {
        stored++;
        this.#delivered(part);
      } else {
        refused++;
        this.#learnSize(partFailure, part.states.length);
        if (part.states.length > 1 && isAboutSeries(partFailure)) parts.push(...halves(part));
        else alone.push({ part, failure: partFailure });
      }
    }
    if (isVain()) {
      this.#restFlushes = this.#nextRest;
      this.#nextRest = Math.min(this.#nextRest * 2, LONGEST_REST);
      // Last the next time: the search may be worth while for others.
      this.#suspect(batch);
      this.#refuse(batch, failure);
      return true;
    }
    for (const { part, failure } of alone) this.#refuse(part, failure, stored > 0);
    for (const part of parts) this.#postpone(part);
    return !isCutShort;
  }

  /** One flush that meets newer samples follows another test closely; several of them compete with it. */
  #countRival(): void {
    if (this.#hasMetRival) return;
    this.#hasMetRival = true;
    if (++this.#rivalFlushes === FLUSHES_OF_RIVALS) this.#report.rival();
  }

  #learnSize({ kind }: Failure, length: number): void {
    if (kind === "too large") this.#batchSize = Math.max(1, Math.min(this.#batchSize, Math.floor(length / 2)));
  }

  #delivered({ states }: Batch): void {
    this.#restFlushes = 0;
    this.#nextRest = 1;
    this.#isStumbling = false;
    if (this.#refused.size === 0 && this.#suspects.size === 0) return;
    for (const state of states) {
      this.#refused.delete(state);
      this.#suspects.delete(state);
    }
  }

  /** The receiver will not take these values; series that are at fault themselves are not sent again, unless time may help. */
  #refuse(batch: Batch, failure: Failure, isAtFault = false): void {
    const timeMayHelp = failure.kind === "out of order" || failure.kind === "out of bounds";
    if (isAtFault && isAboutSeries(failure) && !timeMayHelp) {
      for (const state of batch.states) {
        this.#leftOut.add(state);
        this.#refused.delete(state);
        this.#report.leftOut(describeState(state), failure);
      }
      return;
    }
    this.#report.undelivered(failure);
    if (timeMayHelp) {
      this.#postpone(batch);
      if (isAtFault) this.#suspect(batch);
    } else if (batch.content === "values") {
      for (const state of batch.states) this.#refused.add(state);
    } else {
      this.leaveUnmarked(batch.states);
    }
  }

  #suspect({ states }: Batch): void {
    for (const state of states) this.#suspects.add(state);
  }

  #postpone({ content, states }: Batch): void {
    if (content === "values") this.#states.requeue(states);
    else this.leaveUnmarked(states);
  }
}

function isAboutSeries({ kind }: Failure): boolean {
  return kind === "bad series" || kind === "too large" || kind === "out of order" || kind === "out of bounds";
}

function halves({ content, states, takenMs }: Batch): Batch[] {
  const middle = Math.ceil(states.length / 2);
  return [[0, middle], [middle, states.length]].map(([from, to]) => ({
    content,
    states: states.slice(from, to),
    takenMs: takenMs.slice(from, to),
  }));
}

/** How many time series the states make. */
export function seriesOf(states: Iterable<SeriesState>): number {
  let series = 0;
  for (const { mapping } of states) series += mapping.size;
  return series;
}
