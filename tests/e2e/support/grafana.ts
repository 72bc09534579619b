/** What Grafana does with a dashboard: it fills in the variables and asks Prometheus. */

/** The part of a dashboard's JSON that tests look at. */
export interface Dashboard {
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly DashboardPanel[];
}

/** A variable; only those of the type `query` ask Prometheus. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly regex?: string;
}

/** A panel; rows have no targets. */
export interface DashboardPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}

/** One query of a panel. */
export interface Target {
  readonly expr: string;
  readonly legendFormat: string;
  readonly interval: string;
  readonly instant: boolean;
}

/** The range of time that a user looks at, and the values of the variables. */
export interface View {
  readonly fromMs: number;
  readonly toMs: number;
  readonly values: Readonly<Record<string, string>>;
}

/** A series of an answer; native histograms count with their sums. */
export interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

/** Text with all variables filled in; throws on a variable that doesn't exist. */
export function interpolate(text: string, view: View, stepSeconds: number): string {
  const values: Record<string, string> = {
    ...view.values,
    __interval: `${stepSeconds}s`,
    // As documented: the larger of interval + step and 4 steps; here the interval is the step.
    __rate_interval: `${4 * stepSeconds}s`,
    __range: `${Math.round((view.toMs - view.fromMs) / 1000)}s`,
  };
  return text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, plain) => {
    const value = values[braced ?? plain];
    if (value === undefined) throw new Error(`no variable ${braced ?? plain}: ${text}`);
    return value;
  });
}

/** The values that a variable of the type `query` offers. */
export async function variableValues(base: string, variable: Variable, view: View): Promise<string[]> {
  const definition = typeof variable.query === "string" ? variable.query : variable.query.query;
  const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(interpolate(definition, view, 1)) ?? [];
  if (selector === undefined || label === undefined) throw new Error(`${variable.name}: ${definition}`);
  const values = await ask<string[]>(base, `label/${label}/values`, { "match[]": selector, ...range(view) });
  const [, pattern = ".*"] = /^\/(.*)\/$/.exec(variable.regex ?? "") ?? [];
  return values.flatMap((value) => {
    const match = RegExp(pattern).exec(value);
    return match === null ? [] : [match[1] ?? match[0]];
  });
}

/** What a panel's query shows. */
export async function evaluate(base: string, target: Target, view: View): Promise<Line[]> {
  const stepSeconds = Number(interpolate(target.interval, view, 1).replace(/s$/, ""));
  const query = interpolate(target.expr, view, stepSeconds);
  const { result } = target.instant
    ? await ask<Answer>(base, "query", { query, time: String(view.toMs / 1000) })
    : await ask<Answer>(base, "query_range", { query, step: String(stepSeconds), ...range(view) });
  return result.map(({ metric, value, values = [], histograms = [] }) => ({
    labels: metric,
    values: [
      ...[...value === undefined ? [] : [value], ...values].map(([, text]) => Number(text)),
      ...histograms.map(([, histogram]) => Number(histogram.sum)),
    ],
  }));
}

interface Answer {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value?: readonly [number, string];
    readonly values?: readonly (readonly [number, string])[];
    readonly histograms?: readonly (readonly [number, { readonly sum: string }])[];
  }[];
}

/** Asks Prometheus's API; throws with its message when it refuses. */
export async function ask<T>(
  base: string,
  path: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const { data, error } = await response.json() as { data: T; error?: string };
  if (error !== undefined) throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
  return data;
}

function range({ fromMs, toMs }: View) {
  return { start: String(fromMs / 1000), end: String(toMs / 1000) };
}
