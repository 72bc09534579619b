/** PromQL for Trends, which are stored in one of three shapes; `docs/outputs/prometheus-rw.md` describes them. */

/** How remote write sends Trends: a gauge for each statistic, native histograms, or histograms with given buckets. */
export type TrendMode = "stats" | "native" | "classic";

/** The label matchers of every query but those of series without a scenario. */
export const SELECTED = 'testid=~"$testid", scenario=~"$scenario"';

/** A time window: a moving one for graphs, the dashboard's whole range for totals. */
export type Window = "$__rate_interval" | "$__range";

/** The queries for Trends of one mode. `by` is a list of labels, empty for one figure of all series. */
export interface TrendQueries {
  /** What quantiles and the maximum mean in this mode, for the descriptions of panels. */
  readonly caveat: string;
  /** The p-quantile of a Trend's values. Seconds for a Trend of times. */
  quantile(trend: string, percent: number, by: string, window: Window): string;
  /** The greatest value, or what is known of it; null where the mode doesn't tell. */
  max(trend: string, by: string, window: Window): string | null;
  /** The mean of all values. */
  mean(trend: string, by: string, window: Window): string;
  /** For a heat map of the values' distribution; null where the mode has none. */
  readonly distribution: ((trend: string) => string) | null;
  /** The variable that lists all Trends, as a query and a pattern whose first group is the name for the functions above. */
  readonly variable: { readonly query: string; readonly regex: string };
}

/** What the functions above call a Trend of times. */
export function timeTrend(mode: TrendMode, name: string): string {
  return mode === "stats" ? name : `${name}_seconds`;
}

/** What they call the Trend that is chosen at the top of the dashboard. */
export const CHOSEN_TREND = "${trend}";

const stats: TrendQueries = {
  caveat: "Percentiles and the maximum are those of the slowest series since the start of the test: statistics of " +
    "several series can't be combined. The mean is that of all values in the window of time.",
  quantile: (trend, percent, by, window) => `max${grouping(by)}(${stat(trend, percentile(percent), window)})`,
  max: (trend, by, window) => `max${grouping(by)}(${stat(trend, "max", window)})`,
  mean: (trend, by, window) => ratio(sumOf(`${trend}_sum`, by, window), sumOf(`${trend}_count`, by, window)),
  distribution: null,
  variable: { query: 'label_values({__name__=~"k6_.+_p95", testid=~"$testid"}, __name__)', regex: "/^k6_(.+)_p95$/" },
};

const native: TrendQueries = {
  caveat: "Percentiles are those of all values in the window of time, within 9 % of the true value.",
  quantile: (trend, percent, by, window) => `histogram_quantile(${percent / 100}, ${histogram(trend, by, window)})`,
  max: (trend, by, window) => `histogram_quantile(1, ${histogram(trend, by, window)})`,
  mean: (trend, by, window) =>
    ratio(`histogram_sum(${histogram(trend, by, window)})`, `histogram_count(${histogram(trend, by, window)})`),
  distribution: (trend) => histogram(trend, "", "$__rate_interval"),
  variable: {
    query:
      'label_values({__name__=~"k6_.+", __name__!~"k6_(.+_(total|rate)|vus|vus_max)", testid=~"$testid"}, __name__)',
    regex: "/^k6_(.+)$/",
  },
};

const classic: TrendQueries = {
  caveat: "Percentiles are those of all values in the window of time, interpolated between the buckets' bounds.",
  quantile: (trend, percent, by, window) =>
    `histogram_quantile(${percent / 100}, ${sumOf(`${trend}_bucket`, withLe(by), window)})`,
  max: () => null,
  mean: (trend, by, window) => ratio(sumOf(`${trend}_sum`, by, window), sumOf(`${trend}_count`, by, window)),
  distribution: (trend) => sumOf(`${trend}_bucket`, "le", "$__rate_interval"),
  variable: {
    query: 'label_values({__name__=~"k6_.+_bucket", testid=~"$testid"}, __name__)',
    regex: "/^k6_(.+)_bucket$/",
  },
};

/** The queries of each mode. */
export const TREND_QUERIES: Readonly<Record<TrendMode, TrendQueries>> = { stats, native, classic };

/** What a Counter has counted: per second in the moving window, in all within the whole range. */
export function counter(name: string, by: string, window: Window, matchers = SELECTED): string {
  return sumOf(`${name}_total`, by, window, matchers);
}

/** A quotient that is absent, not NaN, where nothing happened. */
export function ratio(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** The sum of cumulative series. In the whole range it is what they have reached, without the loss at the edges that `increase` has. */
function sumOf(series: string, by: string, window: Window, matchers = SELECTED): string {
  return `sum${grouping(by)}(${
    window === "$__range" ? "last_over_time" : "rate"
  }(k6_${series}{${matchers}}[${window}]))`;
}

function grouping(by: string): string {
  return by === "" ? "" : ` by (${by}) `;
}

function withLe(by: string): string {
  return by === "" ? "le" : `le, ${by}`;
}

function percentile(percent: number): string {
  return percent === 50 ? "med" : `p${percent}`;
}

function stat(trend: string, suffix: string, window: Window): string {
  const series = `k6_${trend}_${suffix}{${SELECTED}}`;
  return window === "$__range" ? `last_over_time(${series}[$__range])` : series;
}

/** For the whole range `increase`, because Prometheus 2.42 has no `last_over_time` for histograms: what the first push brought is missing. */
function histogram(trend: string, by: string, window: Window): string {
  const perWindow = window === "$__range" ? "increase" : "rate";
  return `sum${grouping(by)}(${perWindow}(k6_${trend}{${SELECTED}}[${window}]))`;
}
