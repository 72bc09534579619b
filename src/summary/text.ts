/** The end-of-test summary as text, in k6's layout. */

import type { ThresholdResult } from "../metrics/thresholds.ts";
import { formatPercent, formatValue } from "./format.ts";
import { type Style, styleFor } from "./style.ts";
import type {
  MetricValues,
  SummaryCheck,
  SummaryInput,
  SummaryMetric,
  SummaryOptions,
  SummaryPart,
  ThresholdedMetric,
} from "./summary_input.ts";

/**
 * Renders the sections THRESHOLDS (when there are any), TOTAL RESULTS and, in full mode, one for each group and scenario.
 * The text begins with an empty line and ends with one; k6 prints it as `"\n" + text + "\n\n"`.
 */
export function renderSummary(input: SummaryInput): string {
  const context: Context = {
    options: input.options,
    style: styleFor(input.options.color),
    durationMs: input.durationMs,
  };
  const thresholds = renderThresholds(context, input.thresholds);
  const sections = thresholds === "" ? [] : [section(context, "THRESHOLDS", thresholds)];
  const total: SummaryPart = { ...input.total, groups: [] };
  sections.push(section(context, "TOTAL RESULTS", renderPart(context, total, UNIT + UNIT)));
  if (input.options.mode === "full") {
    for (const group of input.total.groups.filter((group) => !PHASE_GROUPS.has(group.name))) {
      sections.push(section(context, `GROUP: ${group.name}`, renderPart(context, group, UNIT + UNIT)));
    }
    for (const scenario of [...input.scenarios].sort((a, b) => COLLATOR.compare(a.name, b.name))) {
      sections.push(section(context, `SCENARIO: ${scenario.name}`, renderPart(context, scenario, UNIT + UNIT)));
    }
  }
  return sections.join("");
}

interface Context {
  readonly options: SummaryOptions;
  readonly style: Style;
  readonly durationMs: number;
}

const UNIT = "  ";
const COLLATOR = new Intl.Collator("en");
/** Groups that k6 makes for its own phases; they have no section. */
const PHASE_GROUPS = new Set(["setup", "teardown"]);

function section(context: Context, title: string, body: string): string {
  return `\n${UNIT}█ ${context.style.bold(title)} \n\n${body}\n\n`;
}

// Thresholds

function renderThresholds(context: Context, thresholds: readonly ThresholdedMetric[]): string {
  const shown = thresholds.filter((entry) => entry.results.length > 0)
    .sort((a, b) => compareMetricNames(a.metric.name, b.metric.name));
  const parents = new Set(shown.map((entry) => entry.metric.name));
  return shown.map(({ metric, results }) => {
    const [parent, selector] = splitName(metric.name);
    const nested = selector !== "" && parents.has(parent);
    const indent = nested ? UNIT.repeat(3) : UNIT.repeat(2);
    const rows = results.map((result) => `${indent}${thresholdRow(context, metric, result)}`);
    return [`${indent}${nested ? selector : metric.name}`, ...rows].join("\n");
  }).join("\n\n");
}

function thresholdRow(
  { style, options }: Context,
  metric: SummaryMetric,
  { source, ok, value }: ThresholdResult,
): string {
  const aggregation = source.split(/[<>=!]/, 1)[0]!.trim();
  const mark = ok ? style.green("✓") : style.red("✗");
  const shown = style.cyan(aggregateValue(metric, aggregation, value, options));
  return `${mark} '${source}' ${style.faint(`${aggregation}=`)}${shown}`;
}

function aggregateValue(metric: SummaryMetric, aggregation: string, value: number, options: SummaryOptions): string {
  if (metric.values.type === "rate") return formatPercent(value, 1);
  const shown = formatValue(value, metric.contains, options.timeUnit);
  return metric.values.type === "counter" && aggregation === "rate" ? `${shown}/s` : shown;
}

// Parts

/** Check totals, checks, metrics and groups of a part: blocks with an empty line between them. */
function renderPart(context: Context, part: SummaryPart, indent: string): string {
  const blocks: string[][] = [];
  if (part.checks.length > 0) {
    blocks.push(checkTotals(context, part.checks), part.checks.flatMap((check) => checkRows(context, check)));
  }
  blocks.push(...metricBlocks(context, part.metrics));
  const rendered = blocks.map((rows) => rows.map((row) => indent + row).join("\n"));
  for (const group of part.groups) {
    rendered.push(`${indent}↳ ${context.style.bold(`GROUP: ${group.name}`)}`);
    const inner = renderPart(context, group, indent + UNIT);
    if (inner !== "") rendered.push(inner);
  }
  return rendered.join("\n\n");
}

function checkTotals(context: Context, checks: readonly SummaryCheck[]): string[] {
  let passes = 0;
  let fails = 0;
  for (const check of checks) {
    passes += check.passes;
    fails += check.fails;
  }
  const total = passes + fails;
  const rate = context.durationMs === 0 ? 0 : total / (context.durationMs / 1000);
  return renderRows(context, [
    {
      label: "checks_total",
      cells: [formatValue(total, "default", ""), `${formatValue(rate, "default", "")}/s`],
    },
    { label: "checks_succeeded", cells: [formatPercent(passes, total), `${passes} out of ${total}`] },
    { label: "checks_failed", cells: [formatPercent(fails, total), `${fails} out of ${total}`] },
  ]);
}

function checkRows({ style }: Context, { name, passes, fails }: SummaryCheck): string[] {
  if (fails === 0) return [style.green(`✓ ${name}`)];
  const percent = Math.floor(100 * passes / (passes + fails));
  return [style.red(`✗ ${name}`), style.red(`${UNIT}↳  ${percent}% — ✓ ${passes} / ✗ ${fails}`)];
}

// Metrics

/** The titled groups of metrics in the order in which they are shown; what no name fits is CUSTOM. */
const METRIC_GROUPS: readonly (readonly [title: string, prefixes: readonly string[]])[] = [
  ["HTTP", [
    "http_req_blocked",
    "http_req_connecting",
    "http_req_duration",
    "http_req_failed",
    "http_req_receiving",
    "http_req_sending",
    "http_req_tls_handshaking",
    "http_req_waiting",
    "http_reqs",
  ]],
  ["EXECUTION", ["vus", "vus_max", "iterations", "iteration_duration", "iteration_start_delay", "dropped_iterations"]],
  ["NETWORK", ["data_sent", "data_received"]],
  ["BROWSER", ["browser_data_sent", "browser_data_received", "browser_http_req_"]],
  ["WEB_VITALS", ["browser_web_vital_"]],
  ["GRPC", ["grpc_req_duration", "grpc_streams"]],
  ["WEBSOCKET", ["ws_sessions", "ws_msgs_", "ws_ping", "ws_session_duration", "ws_connecting"]],
];

/** Prefixes of the metrics that the check lines stand for, or that only the full mode shows. */
const HIDDEN: Record<SummaryOptions["mode"], readonly string[]> = {
  full: ["checks", "group_duration"],
  compact: [
    "checks",
    "group_duration",
    "http_req_blocked",
    "http_req_connecting",
    "http_req_receiving",
    "http_req_sending",
    "http_req_tls_handshaking",
    "http_req_waiting",
  ],
};

/** The metrics that a mode shows, by name. */
export function shownMetrics(metrics: readonly SummaryMetric[], mode: SummaryOptions["mode"]): SummaryMetric[] {
  return metrics.filter(({ name }) => !hasPrefix(name, HIDDEN[mode])).sort((a, b) =>
    compareMetricNames(a.name, b.name)
  );
}

/** One block for each group of metrics; all are aligned with one another. */
function metricBlocks(context: Context, metrics: readonly SummaryMetric[]): string[][] {
  const shown = shownMetrics(metrics, context.options.mode);
  const rows = renderRows(context, shown.map((metric) => metricRow(metric, context.options)));
  const blocks = new Map<string, string[]>([["CUSTOM", []]]);
  for (const [title] of METRIC_GROUPS) blocks.set(title, []);
  shown.forEach((metric, index) => blocks.get(groupOf(metric.name))!.push(rows[index]!));
  return [...blocks].filter(([, rows]) => rows.length > 0)
    .map(([title, rows]) => [context.style.bold(title), ...rows]);
}

function groupOf(metricName: string): string {
  return METRIC_GROUPS.find(([, prefixes]) => hasPrefix(metricName, prefixes))?.[0] ?? "CUSTOM";
}

function hasPrefix(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}

function metricRow(metric: SummaryMetric, options: SummaryOptions): Row {
  const [parent, selector] = splitName(metric.name);
  const label = selector === "" ? parent : `${UNIT}{ ${selector.slice(1, -1)} }`;
  const { values, contains } = metric;
  if (values.type !== "trend") return { label, cells: plainCells(values, contains, options) };
  const stats = options.trendStats.map((name): readonly [string, string] => {
    const value = values.stat(name);
    return [name, name === "count" ? `${value}` : formatValue(value, contains, options.timeUnit)];
  });
  return { label, stats };
}

function plainCells(
  values: Exclude<MetricValues, { type: "trend" }>,
  contains: SummaryMetric["contains"],
  { timeUnit }: SummaryOptions,
): string[] {
  const format = (value: number) => formatValue(value, contains, timeUnit);
  switch (values.type) {
    case "counter":
      return [format(values.count), `${format(values.rate)}/s`];
    case "gauge":
      return [format(values.value), `min=${format(values.min)}`, `max=${format(values.max)}`];
    case "rate": {
      const total = values.passes + values.fails;
      return [formatPercent(values.passes, total), `${values.passes} out of ${total}`];
    }
  }
}

// Alignment

/** A line before alignment: a label with either a value and its extras, or the statistics of a trend. */
type Row =
  | { readonly label: string; readonly cells: readonly string[] }
  | { readonly label: string; readonly stats: readonly (readonly [name: string, value: string])[] };

/** Aligns rows: dots up to three past the longest label, then the columns of values, which trends have to themselves. */
function renderRows({ style }: Context, rows: readonly Row[]): string[] {
  let labelWidth = 0;
  const cellWidths: number[] = [];
  const statWidths: number[] = [];
  for (const row of rows) {
    labelWidth = Math.max(labelWidth, row.label.length);
    if ("cells" in row) row.cells.forEach((cell, i) => widen(cellWidths, i, cell.length));
    else row.stats.forEach(([name, value], i) => widen(statWidths, i, name.length + 1 + value.length));
  }
  return rows.map((row) => {
    const head = `${row.label}${style.faint(`${".".repeat(labelWidth + 3 - row.label.length)}:`)}`;
    const columns = "cells" in row
      ? row.cells.map((cell, i) => {
        const padding = i === row.cells.length - 1 ? "" : " ".repeat(cellWidths[i]! - cell.length);
        return (i === 0 ? style.cyan(cell) : style.faintCyan(cell)) + padding;
      })
      : row.stats.map(([name, value], i) => {
        const padding = " ".repeat(statWidths[i]! - name.length - 1 - value.length);
        return `${name}=${style.cyan(value)}${padding}`;
      });
    return `${head} ${columns.join(" ")}`;
  });
}

function widen(widths: number[], column: number, width: number): void {
  widths[column] = Math.max(widths[column] ?? 0, width);
}

// Names

/** `name{selector}` to its two parts, the second with its braces or empty. */
function splitName(name: string): readonly [parent: string, selector: string] {
  const brace = name.indexOf("{");
  return brace === -1 ? [name, ""] : [name.slice(0, brace), name.slice(brace)];
}

/** By the metric's name, then by the selector. */
function compareMetricNames(a: string, b: string): number {
  const [parentA, selectorA] = splitName(a);
  const [parentB, selectorB] = splitName(b);
  return COLLATOR.compare(parentA, parentB) || COLLATOR.compare(selectorA, selectorB);
}
