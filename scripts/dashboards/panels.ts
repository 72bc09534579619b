/** Grafana's panels as JSON, with k6d's taste: one look, tables as legends, units everywhere. */

/** One query of a panel. */
export interface Query {
  readonly expr: string;
  /** The name of its lines; `{{label}}` is a label's value. */
  readonly legend: string;
}

/** What panels have in common. */
export interface PanelText {
  readonly title: string;
  /** Shown at the panel's corner: what the figures mean and what to look out for. */
  readonly description: string;
  /** Grafana's name of a unit: `s`, `reqps`, `percentunit`, `bytes`, … */
  readonly unit: string;
}

/** A panel without its place. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly [key: string]: unknown;
}

/** Where all panels read from: the variable `datasource`. */
export const DATASOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** A value from which a tile changes its colour. */
export interface Step {
  readonly from: number;
  readonly color: "green" | "orange" | "red";
}

/** One figure; `calculation` makes it of the points of a graph, which is drawn behind it. */
export function tile(
  { query, calculation, steps = [], ...text }: PanelText & {
    readonly query: string;
    /** `instant`: the query gives one figure for the whole range, without a graph. */
    readonly calculation: "mean" | "max" | "instant";
    readonly steps?: readonly Step[];
  },
): Panel {
  const instant = calculation === "instant";
  return {
    type: "stat",
    ...common(text, {
      color: { mode: "thresholds" },
      thresholds: {
        mode: "absolute",
        steps: [
          { color: steps.length === 0 ? "blue" : "green", value: null },
          ...steps.map(({ from, color }) => ({ color, value: from })),
        ],
      },
    }),
    options: {
      colorMode: "value",
      graphMode: instant ? "none" : "area",
      justifyMode: "auto",
      orientation: "auto",
      reduceOptions: { calcs: [instant ? "lastNotNull" : calculation], fields: "", values: false },
      textMode: "value",
    },
    targets: targets([{ expr: query, legend: text.title }], instant),
  };
}

/** Lines over time. */
export function graph(
  { queries, stacked = false, rightAxis, max, ...text }: PanelText & {
    readonly queries: readonly Query[];
    readonly stacked?: boolean;
    /** The legend and unit of a query whose lines have an axis of their own. */
    readonly rightAxis?: { readonly legend: string; readonly unit: string };
    readonly max?: number;
  },
): Panel {
  const overrides = rightAxis === undefined ? [] : [{
    matcher: { id: "byName", options: rightAxis.legend },
    properties: [
      { id: "unit", value: rightAxis.unit },
      { id: "custom.axisPlacement", value: "right" },
      { id: "custom.lineInterpolation", value: "stepAfter" },
      { id: "custom.fillOpacity", value: 0 },
      { id: "color", value: { mode: "fixed", fixedColor: "text" } },
    ],
  }];
  return {
    type: "timeseries",
    ...common(text, {
      color: { mode: "palette-classic" },
      min: 0,
      ...max === undefined ? {} : { max },
      custom: {
        drawStyle: "line",
        lineWidth: 1,
        fillOpacity: stacked ? 40 : 5,
        showPoints: "never",
        spanNulls: false,
        stacking: { mode: stacked ? "normal" : "none", group: "A" },
      },
    }, overrides),
    options: {
      legend: { calcs: ["mean", "max", "lastNotNull"], displayMode: "table", placement: "bottom", showLegend: true },
      tooltip: { mode: "multi", sort: "desc" },
    },
    targets: targets(queries, false),
  };
}

/** How many values fall where, over time. `native` says that the query gives native histograms, otherwise buckets. */
export function heatmap(
  { query, native, ...text }: PanelText & { readonly query: string; readonly native: boolean },
): Panel {
  return {
    type: "heatmap",
    ...common(text, {}),
    options: {
      calculate: false,
      cellGap: 0,
      cellValues: { unit: "reqps" },
      color: {
        mode: "scheme",
        scheme: "Oranges",
        steps: 64,
        exponent: 0.5,
        scale: "exponential",
        reverse: false,
        fill: "dark-orange",
      },
      exemplars: { color: "rgba(255, 0, 255, 0.7)" },
      legend: { show: true },
      rowsFrame: { layout: "auto" },
      showValue: "never",
      tooltip: { mode: "single", yHistogram: true, showColorScale: true },
      yAxis: { unit: text.unit, axisPlacement: "left", reverse: false },
    },
    targets: targets([{ expr: query, legend: native ? "requests" : "{{le}}" }], false).map((target) => ({
      ...target,
      format: native ? "time_series" : "heatmap",
    })),
  };
}

/** A row for each set of labels, a column for each of the queries (two at least), all over the whole range. */
export function table(
  { labels, columns, sortBy, ...text }: Omit<PanelText, "unit"> & {
    readonly labels: readonly string[];
    readonly columns: readonly { readonly title: string; readonly unit: string; readonly expr: string }[];
    readonly sortBy: string;
  },
): Panel {
  const queries = targets(columns.map(({ expr }) => ({ expr, legend: "" })), true);
  const valueOf = (index: number) => `Value #${queries[index]!.refId}`;
  return {
    type: "table",
    ...common(
      { ...text, unit: "short" },
      { custom: { align: "auto", cellOptions: { type: "auto" }, filterable: true } },
      columns.map(({ title, unit }) => ({
        matcher: { id: "byName", options: title },
        properties: [{ id: "unit", value: unit }],
      })),
    ),
    options: { cellHeight: "sm", showHeader: true, sortBy: [{ displayName: sortBy, desc: true }] },
    targets: queries.map((query) => ({ ...query, format: "table" })),
    transformations: [
      { id: "merge", options: {} },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries(
            [...labels, ...columns.map((_, index) => valueOf(index))].map((name, index) => [name, index]),
          ),
          renameByName: Object.fromEntries(columns.map(({ title }, index) => [valueOf(index), title])),
        },
      },
    ],
  };
}

function common({ title, description, unit }: PanelText, defaults: Record<string, unknown>, overrides: unknown[] = []) {
  return { title, description, datasource: DATASOURCE, fieldConfig: { defaults: { unit, ...defaults }, overrides } };
}

function targets(queries: readonly Query[], instant: boolean) {
  return queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode("A".charCodeAt(0) + index),
    datasource: DATASOURCE,
    editorMode: "code",
    expr,
    legendFormat: legend,
    // The least step, from which Grafana also derives $__rate_interval.
    interval: "$push_interval",
    instant,
    range: !instant,
  }));
}
