/** What identifies the time series that Prometheus is sent, in the parts that many of them share. */

import type { Labels } from "./labels.ts";

/** A metric as Prometheus describes it: one for each `# TYPE` line that a scraped target would have. */
export interface MetricFamily {
  /** Dense within a run's states. */
  readonly id: number;
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** A base unit of Prometheus (`seconds`, `bytes`), or nothing. */
  readonly unit: string;
}

/** One kind of time series: all that those of different label sets have in common. */
export interface SeriesKind {
  /** Dense within a run's states: what encoders keep for a kind is indexed by it. */
  readonly id: number;
  /** The value of `__name__`. */
  readonly name: string;
  /** The label `le` of a classic histogram's buckets. */
  readonly le: string | null;
  readonly family: MetricFamily;
  /** Whether its samples are native histograms. */
  readonly isHistogram: boolean;
}

/** The labels of time series without `__name__` and `le`; one object for each distinct set. */
export interface LabelSet {
  /** Dense within a run's states: what encoders keep for a set is indexed by it. */
  readonly id: number;
  readonly labels: Labels;
}

/** A measured value that carries the id of the trace in which it was measured. */
export interface Exemplar {
  readonly traceId: string;
  /** In the unit of its time series. */
  readonly value: number;
  /** Whole epoch milliseconds. */
  readonly atEpochMs: number;
}

/** A time series in PromQL's spelling, for messages. */
export function describeSeries({ name, le }: SeriesKind, { labels }: LabelSet): string {
  const all = le === null ? labels : [...labels, ["le", le] as const];
  return `${name}{${all.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",")}}`;
}
