/** Closed windows as the messages that are sent: values by metric and series, in batches of a limited size. */

import type { ClosedWindow } from "./time_windows.ts";
import type { CloudSeries, SeriesValue } from "./values.ts";

/** One message: no metric and no series is in it twice. */
export interface MetricSet {
  readonly metrics: readonly MetricValues[];
  readonly seriesCount: number;
}

/** Series of a message that are written without a pause: a millisecond's work, or two. */
export const PART_SERIES = 50;

/** The series of a metric that have values. */
export interface MetricValues {
  readonly metric: CloudSeries["metric"];
  readonly series: readonly SeriesValues[];
}

/** The values of a series, in the order of their windows, at least one. */
export interface SeriesValues {
  readonly labels: CloudSeries["labels"];
  readonly values: readonly SeriesValue[];
}

/**
 * Makes messages of at most `maxSeries` time series of windows in the order of their times. A series is in one message only, with a value for
 * each window. Lazy, so that other work can be done between two messages.
 */
export function* metricSets(windows: readonly ClosedWindow[], maxSeries: number): Generator<MetricSet, void> {
  let metrics: MetricValues[] = [];
  let room = maxSeries;
  for (const [metric, series] of groupByMetric(windows)) {
    for (let begin = 0; begin < series.length;) {
      const part = series.slice(begin, begin + room);
      metrics.push({ metric, series: part });
      begin += part.length;
      room -= part.length;
      if (room > 0) continue;
      yield { metrics, seriesCount: maxSeries };
      metrics = [];
      room = maxSeries;
    }
  }
  if (room < maxSeries) yield { metrics, seriesCount: maxSeries - room };
}

/** A series' values while they are collected. */
interface CollectedValues extends SeriesValues {
  readonly values: SeriesValue[];
}

function groupByMetric(windows: readonly ClosedWindow[]): Map<CloudSeries["metric"], SeriesValues[]> {
  const metrics = new Map<CloudSeries["metric"], SeriesValues[]>();
  /** By the series' id: there may be a hundred thousand, and a map would take several times as long. */
  const bySeries: (CollectedValues | undefined)[] = [];
  for (const { values } of windows) {
    for (const value of values) {
      const { series } = value;
      const collected = bySeries[series.id];
      if (collected !== undefined) {
        collected.values.push(value);
        continue;
      }
      const added = { labels: series.labels, values: [value] };
      bySeries[series.id] = added;
      const ofMetric = metrics.get(series.metric);
      if (ofMetric === undefined) metrics.set(series.metric, [added]);
      else ofMetric.push(added);
    }
  }
  return metrics;
}
