/**
 * The series of an `apm` block: some metrics only, with points on a fixed grid of time. What is measured goes into sinks of the
 * current slot; when the slot is over they are merged into the series' states, whose values thus stay as they are until the next
 * one, however often they are sent. So no series ever has two values at one time.
 */

import type { TimeSeries } from "../../metrics/registry.ts";
import { createSink, type Sink } from "../../metrics/sinks.ts";
import type { SampleBatch } from "../../metrics/types.ts";
import { type SeriesOptions, type SeriesState, SeriesStates } from "../prometheus/series_state.ts";

/** What a block wants of its series. Trends can't be histograms here, and there are no exemplars. */
export interface GridOptions extends SeriesOptions {
  /** Distance of the points, ms. They lie at whole multiples since the epoch. */
  readonly stepMs: number;
  /** Names of the metrics that count. */
  readonly metrics: ReadonlySet<string>;
  /** Epoch milliseconds; never goes back. */
  readonly now: () => number;
}

/** States whose news comes in slots: at most one point per series and slot. */
export class GridStates extends SeriesStates {
  readonly #series: readonly TimeSeries[];
  readonly #options: GridOptions;
  /** By series id: the sink of this slot; undefined before the slot's first sample, null for metrics that don't count. */
  readonly #slot: (Sink | null | undefined)[] = [];
  /** Ids of the series with a sink in this slot. */
  #news: number[] = [];
  /** Ids of the gauges seen so far: they have a point in every slot. */
  readonly #gauges = new Set<number>();
  /** The earliest time that points may have. */
  readonly #firstMs: number;
  /** Time of the newest points; 0 before the first. */
  #newestMs = 0;
  /** Time of the last points of all; null until the run is over. */
  #lastMs: number | null = null;

  /** `series` is the registry's own, growing array. */
  constructor(series: readonly TimeSeries[], options: GridOptions, warn: (message: string) => void) {
    super(series, options, warn);
    this.#series = series;
    this.#options = options;
    // The last points of a run that ended just now may lie up to one step ahead: stay behind them.
    this.#firstMs = this.#gridBefore(options.now()) + 2 * options.stepMs;
  }

  /** Hot, for every sample of the run: one array look-up for metrics that don't count. */
  override addSamples({ length, series, times, values }: SampleBatch): void {
    for (let i = 0; i < length; i++) {
      const id = series[i]!;
      const sink = this.#slot[id];
      if (sink === null) continue;
      const value = values[i]!;
      if (Number.isFinite(value)) (sink ?? this.#open(id))?.add(value, times[i]!);
      else if (this.#counts(id)) this.warnOfValue(id, value);
    }
  }

  /** Closes the slot if it is over, then hands over the states that have news. */
  override takeQueue(): SeriesState[] {
    const { now, stepMs } = this.#options;
    const atEpochMs = this.#lastMs ?? this.#gridBefore(now() + EARLY_TIMER_MS);
    if (atEpochMs >= this.#firstMs && atEpochMs > this.#newestMs) this.#closeSlot(atEpochMs);
    const queue = super.takeQueue();
    // What did not arrive earlier gets this slot's time. What had it already waits for the next slot, if there is one.
    const held: SeriesState[] = [];
    for (const state of queue) {
      if (state.sentMs < this.#newestMs) state.newestMs = this.#newestMs;
      else if (this.#lastMs !== null) state.newestMs = this.#gridBefore(state.sentMs) + stepMs;
      else held.push(state);
    }
    if (held.length === 0) return queue;
    this.putBack(held);
    return queue.filter((state) => state.sentMs < this.#newestMs);
  }

  /** The run is over: from now on the current slot counts as over, too. Its points lie at its end, where no others are. */
  finish(): void {
    const { stepMs, now } = this.#options;
    this.#lastMs = Math.max(this.#gridBefore(now() - 1) + stepMs, this.#newestMs + stepMs, this.#firstMs);
  }

  /** The slot's sink of a series that has none yet; null when its metric doesn't count. */
  #open(id: number): Sink | null {
    if (!this.#counts(id)) return this.#slot[id] = null;
    const { type } = this.#series[id]!.metric;
    if (type === "gauge") this.#gauges.add(id);
    this.#news.push(id);
    return this.#slot[id] = createSink(type);
  }

  #counts(id: number): boolean {
    return this.#options.metrics.has(this.#series[id]!.metric.name);
  }

  #closeSlot(atEpochMs: number): void {
    this.#newestMs = atEpochMs;
    for (const id of this.#gauges) if (this.#slot[id] === undefined) this.#open(id);
    for (const id of this.#news) {
      this.merge(id, this.#slot[id]!, atEpochMs);
      this.#slot[id] = undefined;
    }
    this.#news = [];
  }

  #gridBefore(ms: number): number {
    return Math.floor(ms / this.#options.stepMs) * this.#options.stepMs;
  }
}

/** Timers may fire that much too early. */
const EARLY_TIMER_MS = 20;
