/** What the schema can't say of a metric set: every rule that a correct sender keeps, found broken one line each. */

import type {
  GaugeValue,
  MetricSet,
  PushedMetric,
  PushedSeries,
  RateValue,
  Samples,
  TrendValue,
  WindowStart,
} from "./metric_set.ts";
import { bucketOf, bucketsOf, LAST_BUCKET, RESOLUTION } from "./trend_buckets.ts";

/** What a push must fit to. */
export interface PushTerms {
  readonly testRunId: string;
  /** Null for any. */
  readonly aggregationPeriodSeconds: number | null;
  /** Null for any number. */
  readonly maxSeriesInBatch: number | null;
}

/** All broken rules; none for a good set. */
export function brokenRules(set: MetricSet, terms: PushTerms): string[] {
  const broken: string[] = [];
  const say = (rule: string) => broken.push(rule);
  if (set.testRunId !== terms.testRunId) say(`test_run_id ${set.testRunId} in a push for ${terms.testRunId}`);
  const period = set.aggregationPeriodSeconds;
  if (period === 0) say("no aggregation_period");
  if (terms.aggregationPeriodSeconds !== null && period !== terms.aggregationPeriodSeconds) {
    say(`aggregation_period ${period} instead of ${terms.aggregationPeriodSeconds}`);
  }
  const count = set.metrics.reduce((sum, { series }) => sum + series.length, 0);
  if (count === 0) say("a push without a time series");
  if (terms.maxSeriesInBatch !== null && count > terms.maxSeriesInBatch) {
    say(`${count} time series in a batch of ${terms.maxSeriesInBatch}`);
  }
  const names = new Set<string>();
  for (const metric of set.metrics) {
    if (names.has(metric.name)) say(`metric ${metric.name} twice in one push`);
    names.add(metric.name);
    checkMetric(metric, period, say);
  }
  return broken;
}

/** Identity of a series within its metric; labels have no order. */
export function labelKey(labels: readonly (readonly [string, string])[]): string {
  return JSON.stringify(labels.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
}

type Say = (rule: string) => void;

function checkMetric({ name, type, series }: PushedMetric, periodSeconds: number, say: Say): void {
  if (!/^[\p{L}_][\p{L}\p{N}_]{0,127}$/u.test(name)) say(`invalid metric name ${JSON.stringify(name)}`);
  if (type === "unspecified") say(`metric ${name} has no type`);
  if (series.length === 0) say(`metric ${name} has no time series`);
  const keys = new Set<string>();
  for (const each of series) {
    const key = labelKey(each.labels);
    const place = `${name}${key}`;
    if (keys.has(key)) say(`${place} twice in one push`);
    keys.add(key);
    checkLabels(each, place, say);
    if (each.samples === null) say(`${place} has no samples`);
    else if (each.samples.type !== type) say(`${place}: a ${type} with samples of a ${each.samples.type}`);
    else checkSamples(each.samples, periodSeconds, (rule) => say(`${place}: ${rule}`));
  }
}

function checkLabels({ labels }: PushedSeries, place: string, say: Say): void {
  const names = labels.map(([name]) => name);
  for (const name of names) {
    if (name === "") say(`${place}: a label without a name`);
    if (name.startsWith("__") || name === "test_run_id") say(`${place}: reserved label ${name}`);
  }
  if (new Set(names).size < names.length) say(`${place}: a label twice`);
}

function checkSamples(samples: Samples, periodSeconds: number, say: Say): void {
  if (samples.values.length === 0) say("no values");
  for (const { time } of samples.values) checkTime(time, periodSeconds, say);
  switch (samples.type) {
    case "counter":
      for (const { value } of samples.values) if (!Number.isFinite(value)) say(`a counter's sum of ${value}`);
      break;
    case "gauge":
      for (const value of samples.values) checkGauge(value, say);
      break;
    case "rate":
      for (const value of samples.values) checkRate(value, say);
      break;
    case "trend":
      for (const value of samples.values) checkTrend(value, say);
  }
}

function checkTime({ seconds, nanos }: WindowStart, periodSeconds: number, say: Say): void {
  if (nanos !== 0) say(`a time with ${nanos} ns`);
  if (seconds <= 0 || seconds % periodSeconds !== 0) say(`time ${seconds} is no start of ${periodSeconds} s windows`);
}

function checkGauge({ last, count, min, max, avg }: GaugeValue, say: Say): void {
  if (count === 0) say("a gauge of no samples");
  if (![last, min, max, avg].every(Number.isFinite)) say("a gauge's figure is not finite");
  if (last < min || last > max) say(`a gauge's last value ${last} is not in ${min} … ${max}`);
  // The average is a quotient of a rounded sum.
  const slack = 1e-9 * Math.max(Math.abs(min), Math.abs(max));
  if (avg < min - slack || avg > max + slack) say(`a gauge's average ${avg} is not in ${min} … ${max}`);
}

function checkRate({ nonzeroCount, totalCount }: RateValue, say: Say): void {
  if (totalCount === 0) say("a rate of no samples");
  if (nonzeroCount > totalCount) say(`${nonzeroCount} of ${totalCount} samples`);
}

function checkTrend(trend: TrendValue, say: Say): void {
  const { counters, spans, sum, count, min, max, extraLow, extraHigh } = trend;
  if (trend.minResolution !== RESOLUTION) say(`min_resolution ${trend.minResolution}`);
  if (trend.significantDigits !== null) say("significant_digits is set");
  if (count === 0) say("a trend of no samples");
  if (![sum, min, max].every(Number.isFinite)) say("a trend's figure is not finite");
  if (extraLow === 0 || extraHigh === 0) say("an extra counter of 0");
  if (counters.includes(0)) say("a bucket of no samples");
  checkSpans(trend, say);
  const total = counters.reduce((all, counter) => all + counter, 0) + (extraLow ?? 0) + (extraHigh ?? 0);
  if (total !== count) say(`${total} samples in the buckets of ${count}`);
  const slack = 1e-9 * count * Math.max(Math.abs(min), Math.abs(max));
  if (sum < count * min - slack || sum > count * max + slack) {
    say(`the sum ${sum} of ${count} values between ${min} and ${max}`);
  }
  const buckets = [...bucketsOf({ spans, counters }).keys()];
  if (min >= 0 && extraLow === null && extraHigh !== count && bucketOf(min) !== buckets[0]) {
    say(`the smallest value ${min} belongs to bucket ${bucketOf(min)}, the first one is ${buckets[0]}`);
  }
  if (max >= 0 && extraHigh === null && extraLow !== count && bucketOf(max) !== buckets.at(-1)) {
    say(`the largest value ${max} belongs to bucket ${bucketOf(max)}, the last one is ${buckets.at(-1)}`);
  }
  if (min < 0 !== (extraLow !== null)) say(`the smallest value is ${min}, and ${extraLow ?? 0} are below 0`);
}

function checkSpans({ spans, counters }: TrendValue, say: Say): void {
  let end = 0;
  let length = 0;
  for (const [index, span] of spans.entries()) {
    if (span.length === 0) say("a span of no buckets");
    if (index > 0 && span.offset === 0) say("a span that continues the last one");
    end += span.offset + span.length;
    length += span.length;
  }
  if (length !== counters.length) say(`${counters.length} counters for ${length} buckets`);
  if (end > LAST_BUCKET + 1) say(`bucket ${end - 1} is beyond the last one, ${LAST_BUCKET}`);
}
