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
 * each window. Lazy, so that other work can be done between two messages. At the end it gives up the windows: a message is good until
 * the next one is asked for.
 */
export function* metricSets(windows: readonly ClosedWindow[], maxSeries: number): Generator<MetricSet, void> {
  let metrics: MetricValues[] = [];
  let room = maxSeries;
  for (const [metric, values] of firstValues(windows)) {
    for (let begin = 0; begin < values.length;) {
      const series = values.slice(begin, begin + room).map((value) => seriesValues(value.series, windows));
      metrics.push({ metric, series });
      begin += series.length;
      room -= series.length;
      if (room > 0) continue;
      yield { metrics, seriesCount: maxSeries };
      metrics = [];
      room = maxSeries;
    }
  }
  if (room < maxSeries) yield { metrics, seriesCount: maxSeries - room };
  for (const window of windows) window.giveUp();
}

/** The first value of each series, by metric. Goes through all values before the first message, and so makes nothing of them. */
function firstValues(windows: readonly ClosedWindow[]): Map<CloudSeries["metric"], SeriesValue[]> {
  const metrics = new Map<CloudSeries["metric"], SeriesValue[]>();
  for (const [i, { values }] of windows.entries()) {
    const earlier = windows.slice(0, i);
    for (const value of values) {
      const { series } = value;
      if (earlier.some((window) => window.valueOf(series) !== undefined)) continue;
      const ofMetric = metrics.get(series.metric);
      if (ofMetric === undefined) metrics.set(series.metric, [value]);
      else ofMetric.push(value);
    }
  }
  return metrics;
}

function seriesValues(series: CloudSeries, windows: readonly ClosedWindow[]): SeriesValues {
  const values = windows.map((window) => window.valueOf(series)).filter((value) => value !== undefined);
  return { labels: series.labels, values };
}
