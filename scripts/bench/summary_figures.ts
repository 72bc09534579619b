/** Reads figures out of the end-of-test summary text, which k6 and k6d write in the same layout. */

/** Figures of a summary by metric; sub-metrics are left out. */
export interface SummaryFigures {
  /** Total of a counter, 0 when the summary lacks it. */
  count(metric: string): number;
  /** Per second of a counter, 0 when the summary lacks it. */
  rate(metric: string): number;
  /** How many samples of a rate were true, 0 when the summary lacks it. */
  trues(metric: string): number;
  /** A statistic of a trend of durations, for example `p(99)`, in milliseconds; NaN when the summary lacks it. */
  milliseconds(metric: string, statistic: string): number;
}

/** Reads a summary. */
export function readSummary(text: string): SummaryFigures {
  const rows = new Map<string, string>();
  for (const [, metric = "", values = ""] of text.matchAll(/^ +([a-zA-Z_]\w*)\.+: (.*)$/gm)) rows.set(metric, values);
  return {
    count: (metric) => Number(rows.get(metric)?.split(/\s+/)[0] ?? 0),
    rate: (metric) => Number(/([\d.]+)\/s/.exec(rows.get(metric) ?? "")?.[1] ?? 0),
    trues: (metric) => Number(/(\d+) out of/.exec(rows.get(metric) ?? "")?.[1] ?? 0),
    milliseconds: (metric, statistic) => {
      const values = rows.get(metric)?.trim().split(/\s+/) ?? [];
      const value = values.find((each) => each.startsWith(`${statistic}=`));
      return value === undefined ? NaN : durationMs(value.slice(statistic.length + 1));
    },
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  µs: 1e-3,
  us: 1e-3,
  ns: 1e-6,
};

/** Milliseconds of a duration as the summary writes it: `1m2s`, `1.23s`, `4.56ms`, `7.89µs`, `0s`. */
export function durationMs(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(h|ms|m|s|µs|us|ns)/g)];
  if (parts.length === 0) return NaN;
  return parts.reduce((sum, [, value, unit = ""]) => sum + Number(value) * (UNITS_MS[unit] ?? NaN), 0);
}
