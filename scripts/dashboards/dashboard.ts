/**
 * The Grafana dashboards of `examples/grafana`, one for each way to send Trends. From the top: the figures of the whole test, load
 * against response time, what fails; then rows for requests, checks, the load generator, the network, groups and own metrics.
 */

import { BUILTIN_METRICS } from "../../src/metrics/builtin.ts";
import { DATASOURCE, graph, heatmap, type Panel, table, tile } from "./panels.ts";
import {
  CHOSEN_TREND,
  counter,
  ratio,
  SELECTED,
  timeTrend,
  TREND_QUERIES,
  type TrendMode,
  type Window,
} from "./trend_queries.ts";

/** The dashboards and their files. */
export const DASHBOARDS: readonly { readonly mode: TrendMode; readonly file: string }[] = [
  { mode: "stats", file: "examples/grafana/k6d_stats.json" },
  { mode: "native", file: "examples/grafana/k6d_native_histograms.json" },
  { mode: "classic", file: "examples/grafana/k6d_classic_histograms.json" },
];

const TITLES: Readonly<Record<TrendMode, string>> = {
  stats: "k6d (Trends as statistics)",
  native: "k6d (Trends as native histograms)",
  classic: "k6d (Trends as classic histograms)",
};

/** A dashboard's file: JSON that Grafana imports (schema 39: Grafana 10.4 and later). */
export function dashboardText(mode: TrendMode): string {
  return `${JSON.stringify(dashboard(mode), null, 2)}\n`;
}

function dashboard(mode: TrendMode) {
  return {
    title: TITLES[mode],
    uid: `k6d-${mode}`,
    description: "Load tests of k6d that write to Prometheus.",
    tags: ["k6d", "k6", "load test"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "5s",
    time: { from: "now-15m", to: "now" },
    timezone: "browser",
    templating: { list: variables(mode) },
    annotations: { list: [] },
    links: [],
    panels: arrange([
      { title: "", height: 4, panels: tiles(mode) },
      { title: "", height: 9, panels: overview(mode) },
      { title: "Requests", height: 9, panels: requests(mode) },
      { title: "Checks and groups", height: 8, panels: checksAndGroups(mode) },
      { title: "Iterations and the load generator", height: 8, panels: iterations(mode) },
      { title: "Network", height: 7, panels: network(mode) },
      { title: "The script's own metrics", height: 8, panels: ownMetrics(mode) },
    ]),
  };
}

const RATE: Window = "$__rate_interval";
const RANGE: Window = "$__range";

/** Requests that failed. */
const FAILED = `${SELECTED}, expected_response="false"`;

/** The matchers of `vus` and `vus_max`, which belong to no scenario. */
const WHOLE_TEST = 'testid=~"$testid"';

function tiles(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  const duration = timeTrend(mode, "http_req_duration");
  return [
    tile({
      title: "Requests",
      description: "HTTP requests in the selected range of time.",
      unit: "short",
      calculation: "instant",
      query: counter("http_reqs", "", RANGE),
    }),
    tile({
      title: "Request rate",
      description: "Mean over the time in which there were requests.",
      unit: "reqps",
      calculation: "mean",
      query: counter("http_reqs", "", RATE),
    }),
    tile({
      title: "Failed requests",
      description: "Share of the requests whose response was not as expected (tag expected_response).",
      unit: "percentunit",
      calculation: "instant",
      steps: [{ from: 0.01, color: "orange" }, { from: 0.05, color: "red" }],
      query: failedShare("", RANGE),
    }),
    tile({
      title: "Response time, p95",
      description: `http_req_duration. ${trends.caveat}`,
      unit: "s",
      calculation: "instant",
      query: trends.quantile(duration, 95, "", RANGE),
    }),
    tile({
      title: "Checks passed",
      description: `Share of all checks. ${CHECKS_CAVEAT}`,
      unit: "percentunit",
      calculation: "instant",
      query: checksShare("", RANGE),
    }),
    tile({
      title: "Dropped iterations",
      description: "Iterations that were due while every virtual user was busy: the load was lower than asked for.",
      unit: "short",
      calculation: "instant",
      steps: [{ from: 1, color: "red" }],
      query: `${counter("dropped_iterations", "", RANGE)} or 0 * ${counter("iterations", "", RANGE)}`,
    }),
  ];
}

function overview(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  const duration = timeTrend(mode, "http_req_duration");
  const max = trends.max(duration, "", RATE);
  return [
    graph({
      title: "Load",
      description: "Requests started per second, and the virtual users of the whole test.",
      unit: "reqps",
      rightAxis: { legend: "virtual users", unit: "short" },
      queries: [
        { legend: "requests/s", expr: counter("http_reqs", "", RATE) },
        { legend: "virtual users", expr: `sum(k6_vus{${WHOLE_TEST}})` },
      ],
    }),
    graph({
      title: "Response time",
      description: `http_req_duration: sending, waiting and receiving. ${trends.caveat}`,
      unit: "s",
      queries: [
        { legend: "mean", expr: trends.mean(duration, "", RATE) },
        { legend: "p50", expr: trends.quantile(duration, 50, "", RATE) },
        { legend: "p95", expr: trends.quantile(duration, 95, "", RATE) },
        { legend: "p99", expr: trends.quantile(duration, 99, "", RATE) },
        ...max === null ? [] : [{ legend: "max", expr: max }],
      ],
    }),
    graph({
      title: "Failed requests",
      description: "Share of the requests whose response was not as expected, by the name of the request.",
      unit: "percentunit",
      max: 1,
      queries: [
        { legend: "all", expr: failedShare("", RATE) },
        { legend: "{{name}}", expr: failedShare("name", RATE) },
      ],
    }),
  ];
}

const PHASES = ["blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving"] as const;

function requests(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  const duration = timeTrend(mode, "http_req_duration");
  const max = trends.max(duration, "name, method", RANGE);
  const distribution = trends.distribution?.(duration);
  return [
    table({
      title: "By name",
      description: `Totals of the selected range of time. ${trends.caveat}`,
      labels: ["name", "method"],
      sortBy: "p95",
      columns: [
        { title: "requests", unit: "short", expr: counter("http_reqs", "name, method", RANGE) },
        { title: "failed", unit: "percentunit", expr: failedShare("name, method", RANGE) },
        { title: "mean", unit: "s", expr: trends.mean(duration, "name, method", RANGE) },
        { title: "p50", unit: "s", expr: trends.quantile(duration, 50, "name, method", RANGE) },
        { title: "p95", unit: "s", expr: trends.quantile(duration, 95, "name, method", RANGE) },
        { title: "p99", unit: "s", expr: trends.quantile(duration, 99, "name, method", RANGE) },
        ...max === null ? [] : [{ title: "max", unit: "s", expr: max }],
      ],
    }),
    graph({
      title: "p95 by name",
      description: `http_req_duration. ${trends.caveat}`,
      unit: "s",
      queries: [{ legend: "{{name}}", expr: trends.quantile(duration, 95, "name", RATE) }],
    }),
    graph({
      title: "Requests by name",
      description: "Requests per second.",
      unit: "reqps",
      stacked: true,
      queries: [{ legend: "{{name}}", expr: counter("http_reqs", "name", RATE) }],
    }),
    graph({
      title: "Requests by status",
      description: "Responses per second. Status 0: there was no response; error_code says why.",
      unit: "reqps",
      stacked: true,
      queries: [{ legend: "{{status}} {{error_code}}", expr: counter("http_reqs", "status, error_code", RATE) }],
    }),
    graph({
      title: "Where the time goes",
      description:
        "Mean time of each phase of a request. Blocked is the wait for a connection; waiting is the time to the first byte.",
      unit: "s",
      stacked: true,
      queries: PHASES.map((phase) => ({
        legend: phase.replace("_", " "),
        expr: trends.mean(timeTrend(mode, `http_req_${phase}`), "", RATE),
      })),
    }),
    distribution === undefined
      ? graph({
        title: "Mean response time by scenario",
        description: "http_req_duration of the requests in the moving window.",
        unit: "s",
        queries: [{ legend: "{{scenario}}", expr: trends.mean(duration, "scenario", RATE) }],
      })
      : heatmap({
        title: "Distribution of response times",
        description: "Requests per second by their http_req_duration.",
        unit: "s",
        native: mode === "native",
        query: distribution,
      }),
  ];
}

const CHECKS_CAVEAT =
  "With K6_PROMETHEUS_RW_RATE_AS_COUNTERS exact; otherwise the mean of the shares of all series since the " +
  "start of the test, in which a rare check counts as much as a frequent one.";

function checksAndGroups(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  return [
    graph({
      title: "Checks passed",
      description: `Share of each check. ${CHECKS_CAVEAT}`,
      unit: "percentunit",
      max: 1,
      queries: [{ legend: "{{check}}", expr: checksShare("check", RATE) }],
    }),
    graph({
      title: "Groups, mean duration",
      description: "group_duration of the groups that ended in the moving window.",
      unit: "s",
      queries: [{ legend: "{{group}}", expr: trends.mean(timeTrend(mode, "group_duration"), "group", RATE) }],
    }),
  ];
}

function iterations(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  const delay = timeTrend(mode, "iteration_start_delay");
  return [
    graph({
      title: "Iterations",
      description: "Iterations completed per second, and those dropped because every virtual user was busy.",
      unit: "ops",
      queries: [
        { legend: "{{scenario}}", expr: counter("iterations", "scenario", RATE) },
        {
          legend: "{{scenario}} dropped",
          expr: `${counter("dropped_iterations", "scenario", RATE)} or 0 * ${counter("iterations", "scenario", RATE)}`,
        },
      ],
    }),
    graph({
      title: "Iteration duration, p95",
      description: `iteration_duration, with its sleeps. ${trends.caveat}`,
      unit: "s",
      queries: [{
        legend: "{{scenario}}",
        expr: trends.quantile(timeTrend(mode, "iteration_duration"), 95, "scenario", RATE),
      }],
    }),
    graph({
      title: "Lateness of the load generator",
      description:
        "iteration_start_delay: how much later than its rate demands an iteration starts (arrival-rate scenarios). " +
        `Growing lateness means that the machine of the test is too small. ${trends.caveat}`,
      unit: "s",
      queries: [
        { legend: "{{scenario}} mean", expr: trends.mean(delay, "scenario", RATE) },
        { legend: "{{scenario}} p99", expr: trends.quantile(delay, 99, "scenario", RATE) },
      ],
    }),
    graph({
      title: "Virtual users",
      description: "Of the whole test; the second line is how many are allocated.",
      unit: "short",
      queries: [
        { legend: "active", expr: `sum(k6_vus{${WHOLE_TEST}})` },
        { legend: "allocated", expr: `sum(k6_vus_max{${WHOLE_TEST}})` },
      ],
    }),
  ];
}

function network(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  return [
    graph({
      title: "Data",
      description: "Bytes per second, headers included.",
      unit: "Bps",
      queries: [
        { legend: "sent", expr: counter("data_sent", "", RATE) },
        { legend: "received", expr: counter("data_received", "", RATE) },
      ],
    }),
    graph({
      title: "Making connections",
      description:
        `http_req_connecting and http_req_tls_handshaking; 0 for requests on a kept connection. ${trends.caveat}`,
      unit: "s",
      queries: [
        { legend: "connecting p99", expr: trends.quantile(timeTrend(mode, "http_req_connecting"), 99, "", RATE) },
        { legend: "TLS p99", expr: trends.quantile(timeTrend(mode, "http_req_tls_handshaking"), 99, "", RATE) },
      ],
    }),
  ];
}

function ownMetrics(mode: TrendMode): Panel[] {
  const trends = TREND_QUERIES[mode];
  return [
    graph({
      title: "Trend ${trend}",
      description: `The Trend that is chosen above, by scenario; times in seconds. ${trends.caveat}`,
      unit: "none",
      queries: [
        { legend: "{{scenario}} mean", expr: trends.mean(CHOSEN_TREND, "scenario", RATE) },
        { legend: "{{scenario}} p50", expr: trends.quantile(CHOSEN_TREND, 50, "scenario", RATE) },
        { legend: "{{scenario}} p95", expr: trends.quantile(CHOSEN_TREND, 95, "scenario", RATE) },
      ],
    }),
    graph({
      title: "Counter ${counter}",
      description: "The Counter that is chosen above, per second, by scenario.",
      unit: "none",
      queries: [{ legend: "{{scenario}}", expr: counter("${counter}", "scenario", RATE) }],
    }),
    graph({
      title: "Gauges",
      description: "The script's own Gauges: their last values, the greatest where there are several series.",
      unit: "none",
      queries: [{ legend: "{{__name__}}", expr: `max by (__name__) ({${OWN_GAUGES[mode]}, ${SELECTED}})` }],
    }),
    graph({
      title: "Rates",
      description: "The script's own Rates since the start of the test, the mean where there are several series.",
      unit: "percentunit",
      max: 1,
      queries: [{
        legend: "{{__name__}}",
        expr: `avg by (__name__) ({__name__=~"k6_.+_rate", __name__!~"k6_(${
          builtin("rate").join("|")
        })_rate", ${SELECTED}})`,
      }],
    }),
  ];
}

/** What gauges of the script are called: anything that no other kind of metric ends in. */
const OWN_GAUGES: Readonly<Record<TrendMode, string>> = {
  stats: gaugeNames("total|rate|count|sum|min|max|avg|med|p[0-9]+"),
  // A native histogram without a unit has no ending to know it by; max leaves histograms out (up to Prometheus 2.x it draws 0).
  native: gaugeNames("total|rate|seconds|bytes"),
  classic: gaugeNames("total|rate|count|sum|bucket"),
};

function gaugeNames(otherEndings: string): string {
  return `__name__=~"k6_.+", __name__!~"k6_(${builtin("gauge").join("|")}|.+_(${otherEndings}))"`;
}

function builtin(type: string): string[] {
  return BUILTIN_METRICS.filter((metric) => metric.type === type).map(({ name }) => name);
}

/** Share of failed requests; 0 rather than nothing where none fails. */
function failedShare(by: string, window: Window): string {
  const all = counter("http_reqs", by, window);
  return ratio(`(${counter("http_reqs", by, window, FAILED)} or 0 * ${all})`, all);
}

/** Share of passed checks: of their counters where there are any, otherwise of the gauges. */
function checksShare(by: string, window: Window): string {
  const counters = ratio(counter("checks_success", by, window), counter("checks", by, window));
  const grouping = by === "" ? "" : ` by (${by}) `;
  const series = (metric: string) => `k6_${metric}{${SELECTED}}${window === RANGE ? "[$__range]" : ""}`;
  const latest = (metric: string) => window === RANGE ? `last_over_time(${series(metric)})` : series(metric);
  return `${counters} or (avg${grouping}(${latest("checks_rate")}) unless sum${grouping}(${latest("checks_total")}))`;
}

function variables(mode: TrendMode) {
  const { variable } = TREND_QUERIES[mode];
  return [
    { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", current: {}, options: [] },
    labelVariable("testid", "Test", 'label_values({__name__=~"k6_vus|k6_iterations_total"}, testid)'),
    labelVariable("scenario", "Scenario", 'label_values(k6_iterations_total{testid=~"$testid"}, scenario)'),
    nameVariable("trend", "Trend", variable.query, variable.regex),
    nameVariable(
      "counter",
      "Counter",
      'label_values({__name__=~"k6_.+_total", testid=~"$testid"}, __name__)',
      "/^k6_(.+)_total$/",
    ),
    intervalVariable("push_interval", "Push interval", ["5s", "1s", "10s", "15s", "30s", "1m"]),
  ];
}

/** Several of a label's values; all of them (and none, for series without the label) at first. */
function labelVariable(name: string, label: string, query: string) {
  return {
    ...queryVariable(name, label, query),
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: ["All"], value: ["$__all"] },
  };
}

/** One of the names of metrics, the part that a pattern's first group matches. */
function nameVariable(name: string, label: string, query: string, regex: string) {
  return { ...queryVariable(name, label, query), regex, multi: false, includeAll: false, current: {} };
}

function queryVariable(name: string, label: string, query: string) {
  return {
    name,
    label,
    type: "query",
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: `variable-${name}` },
    // Again whenever the range of time changes.
    refresh: 2,
    regex: "",
    sort: 1,
    options: [],
  };
}

function intervalVariable(name: string, label: string, values: readonly string[]) {
  const options = values.map((value, index) => ({ text: value, value, selected: index === 0 }));
  return {
    name,
    label,
    description: "Not less than the test's K6_PROMETHEUS_RW_PUSH_INTERVAL: rates need several pushes.",
    type: "custom",
    query: values.join(","),
    options,
    current: options[0],
    multi: false,
    includeAll: false,
  };
}

const COLUMNS = 24;

/** Gives the panels their places: tiles in one line, others in lines of two or three; a row's title above it. */
function arrange(rows: readonly { title: string; height: number; panels: readonly Panel[] }[]) {
  const placed: (Panel & { id: number; gridPos: { x: number; y: number; w: number; h: number } })[] = [];
  let y = 0;
  const place = (panel: Panel, x: number, w: number, h: number) =>
    placed.push({ id: placed.length + 1, ...panel, gridPos: { x, y, w, h } });
  for (const { title, height, panels } of rows) {
    if (title !== "") {
      place({ type: "row", title, collapsed: false, panels: [] }, 0, COLUMNS, 1);
      y += 1;
    }
    const perLine = panels[0]?.type === "stat" ? panels.length : panels.length % 3 === 0 ? 3 : 2;
    for (let first = 0; first < panels.length; first += perLine) {
      const line = panels.slice(first, first + perLine);
      const width = COLUMNS / line.length;
      line.forEach((panel, index) => place(panel, index * width, width, height));
      y += height;
    }
  }
  return placed;
}
