/**
 * Samples added up in windows of time, per time series. A window is closed some time after it began, so that late samples find it
 * open; a sample that is later still opens its window once more, and the cloud adds up what it is told of the same window.
 */

import type { Metric, TimeSeries } from "../../../metrics/registry.ts";
import type { SampleBatch } from "../../../metrics/types.ts";
import { type LabelSet, LabelSets } from "./labels.ts";
import { MemoryPieces, TableMemory } from "./table_memory.ts";
import { type CloudSeries, newValue, type SeriesValue } from "./values.ts";

/** How long windows are, and how long they stay open. */
export interface WindowOptions {
  /** Whole seconds. Windows begin at multiples of it since the epoch. */
  readonly periodMs: number;
  /** From a window's beginning to the end of waiting for its samples. */
  readonly waitMs: number;
}

/** What was measured in a window: at least one value, one for each series that had samples. */
export interface ClosedWindow {
  /** Seconds since the epoch. */
  readonly startSeconds: number;
  /** In the order of their first samples. */
  readonly values: readonly SeriesValue[];
  /** That of one series; undefined when it has none. */
  valueOf(series: CloudSeries): SeriesValue | undefined;
  /** Lets later windows have the memory of the values, which must not be used any more. */
  giveUp(): void;
}

/** The windows of a run that are open. Series whose tags are the same to the cloud are one series. */
export class TimeWindows {
  readonly #series: readonly TimeSeries[];
  readonly #periodMs: number;
  readonly #waitMs: number;
  readonly #warn: (message: string) => void;
  readonly #labelSets: LabelSets;
  /** By metric id, then by label set. */
  readonly #byMetric: Map<LabelSet, CloudSeries>[] = [];
  readonly #cloudSeries: CloudSeries[] = [];
  /** By the registry's series id: the id of the series that the cloud sees. */
  readonly #cloudIds: number[] = [];
  /** By the number of periods since the epoch. */
  readonly #open = new Map<number, TimeWindow>();
  readonly #pieces = new MemoryPieces();
  /** The window of the last sample; one that holds no time when there is none. */
  #current: TimeWindow = NO_WINDOW;
  readonly #warned = new Set<Metric>();

  /** `series` is the registry's own, growing array. */
  constructor(
    series: readonly TimeSeries[],
    { periodMs, waitMs }: WindowOptions,
    warn: (message: string) => void,
  ) {
    this.#series = series;
    this.#periodMs = periodMs;
    this.#waitMs = waitMs;
    this.#warn = warn;
    this.#labelSets = new LabelSets(warn);
  }

  /**
   * Hot, for every sample of the run: two compares, two array look-ups and one call. It only allocates for a series that is new
   * in its window.
   */
  addSamples({ length, series, times, values }: SampleBatch): void {
    let current = this.#current;
    for (let i = 0; i < length; i++) {
      const id = series[i]!;
      const time = times[i]!;
      const value = values[i]!;
      if (!Number.isFinite(value)) {
        this.#warnOfValue(id, value);
        continue;
      }
      if (time < current.startMs || time >= current.endMs) current = this.#windowOf(time);
      const cloudId = this.#cloudIds[id] ?? this.#addSeries(id);
      const place = current.places[cloudId];
      const found = place === undefined || place === 0
        ? current.add(this.#cloudSeries[cloudId]!)
        : current.values[place - 1]!;
      found.add(value, time);
    }
    this.#current = current;
  }

  /** Takes out the windows for whose samples the wait is over at that time (epoch milliseconds), in the order of their times. */
  takeClosed(nowMs: number): ClosedWindow[] {
    return this.#take(Math.floor((nowMs - this.#waitMs) / this.#periodMs));
  }

  /** Takes out all windows, without waiting for more of their samples. */
  takeAll(): ClosedWindow[] {
    return this.#take(Infinity);
  }

  #take(lastIndex: number): ClosedWindow[] {
    const indexes = Array.from(this.#open.keys()).filter((index) => index <= lastIndex).sort((a, b) => a - b);
    if (indexes.length > 0) this.#current = NO_WINDOW;
    return indexes.map((index) => {
      const window = this.#open.get(index)!;
      this.#open.delete(index);
      return window;
    });
  }

  #windowOf(time: number): TimeWindow {
    let index = Math.floor(time / this.#periodMs);
    // The quotient may have been rounded up to the next window.
    if (index * this.#periodMs > time) index--;
    let window = this.#open.get(index);
    if (window === undefined) {
      const startMs = index * this.#periodMs;
      window = new TimeWindow(startMs, startMs + this.#periodMs, this.#cloudSeries.length, this.#pieces);
      this.#open.set(index, window);
    }
    return window;
  }

  #addSeries(id: number): number {
    const { metric, tags } = this.#series[id]!;
    const labels = this.#labelSets.of(tags);
    const byLabels = this.#byMetric[metric.id] ??= new Map();
    let series = byLabels.get(labels);
    if (series === undefined) {
      series = { id: this.#cloudSeries.length, metric, labels };
      byLabels.set(labels, series);
      this.#cloudSeries.push(series);
    }
    return this.#cloudIds[id] = series.id;
  }

  #warnOfValue(id: number, value: number): void {
    const { metric } = this.#series[id]!;
    if (this.#warned.has(metric)) return;
    this.#warned.add(metric);
    this.#warn(`metric "${metric.name}": a value is ${value}: such values are left out`);
  }
}

/** A window, first open, then closed. */
class TimeWindow implements ClosedWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly startSeconds: number;
  readonly values: SeriesValue[] = [];
  /** By the series' id: 1 + the place of its value; 0, or nothing: it has none. */
  places: Uint32Array;
  /** Of its histograms. */
  readonly #memory: TableMemory;

  /** `series` is the number of those that are known. */
  constructor(startMs: number, endMs: number, series: number, pieces: MemoryPieces) {
    this.startMs = startMs;
    this.endMs = endMs;
    this.startSeconds = startMs / 1000;
    this.places = new Uint32Array(Math.max(FEW_SERIES, series));
    this.#memory = new TableMemory(pieces);
  }

  /** An empty value for a series that has none. */
  add(series: CloudSeries): SeriesValue {
    const { id } = series;
    if (id >= this.places.length) {
      const places = new Uint32Array(2 * id);
      places.set(this.places);
      this.places = places;
    }
    const value = newValue(series, this.startSeconds, this.#memory);
    this.places[id] = this.values.push(value);
    return value;
  }

  valueOf({ id }: CloudSeries): SeriesValue | undefined {
    const place = this.places[id] ?? 0;
    return place === 0 ? undefined : this.values[place - 1];
  }

  giveUp(): void {
    this.#memory.giveUp();
  }
}

/** How many series a window has room for at least. */
const FEW_SERIES = 64;

/** Its time is over before it begins. */
const NO_WINDOW = new TimeWindow(Infinity, -Infinity, 0, new MemoryPieces());
