/** What was measured of one time series in one window of time: what the cloud is told of it. */

import type { Metric } from "../../../metrics/registry.ts";
import { CloudHistogram } from "./histogram.ts";
import type { LabelSet } from "./labels.ts";
import type { TableMemory } from "./table_memory.ts";

/** A metric with a label set: what the cloud takes for one time series. */
export interface CloudSeries {
  /** Dense, from 0. */
  readonly id: number;
  readonly metric: Pick<Metric, "name" | "type">;
  readonly labels: LabelSet;
}

/** The measurements of a series in a window; of those of before and after it knows nothing. */
export type SeriesValue = CounterValue | GaugeValue | RateValue | TrendValue;

/** An empty value for the window that begins at `startSeconds` since the epoch; `memory` is that window's. */
export function newValue(series: CloudSeries, startSeconds: number, memory?: TableMemory): SeriesValue {
  switch (series.metric.type) {
    case "counter":
      return new CounterValue(series, startSeconds);
    case "gauge":
      return new GaugeValue(series, startSeconds);
    case "rate":
      return new RateValue(series, startSeconds);
    case "trend":
      return new TrendValue(series, startSeconds, memory);
  }
}

/** The sum. */
export class CounterValue {
  readonly type = "counter";
  sum = 0;

  constructor(readonly series: CloudSeries, readonly startSeconds: number) {}

  /** Takes in a finite value. Hot, as in the other classes. */
  add(value: number, _atEpochMs: number): void {
    this.sum += value;
  }
}

/** The newest value, and the spread of all. */
export class GaugeValue {
  readonly type = "gauge";
  last = 0;
  min = Infinity;
  max = -Infinity;
  sum = 0;
  count = 0;
  #lastEpochMs = -Infinity;

  constructor(readonly series: CloudSeries, readonly startSeconds: number) {}

  add(value: number, atEpochMs: number): void {
    // Samples of several workers don't arrive in the order of their times.
    if (atEpochMs >= this.#lastEpochMs) {
      this.last = value;
      this.#lastEpochMs = atEpochMs;
    }
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.sum += value;
    this.count++;
  }
}

/** How many values there were, and how many of them were not zero. */
export class RateValue {
  readonly type = "rate";
  nonzero = 0;
  total = 0;

  constructor(readonly series: CloudSeries, readonly startSeconds: number) {}

  add(value: number, _atEpochMs: number): void {
    if (value !== 0) this.nonzero++;
    this.total++;
  }
}

/** The distribution. */
export class TrendValue {
  readonly type = "trend";
  readonly histogram: CloudHistogram;

  constructor(readonly series: CloudSeries, readonly startSeconds: number, memory?: TableMemory) {
    this.histogram = new CloudHistogram(memory);
  }

  add(value: number, _atEpochMs: number): void {
    this.histogram.add(value);
  }
}
