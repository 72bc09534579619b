/** Thresholds: the pass or fail criteria of a run, evaluated every two seconds while it lasts and once when it ends. */

import type { Options } from "../options/types.ts";
import type { MetricRegistry } from "./registry.ts";
import type { Sink } from "./sinks.ts";
import { isSubMetricKey, parseSubMetricKey, SubMetricError } from "./sub_metric_selector.ts";
import { METADATA_SYSTEM_TAGS } from "./system_tags.ts";
import {
  parseThresholdExpression,
  satisfies,
  THRESHOLD_METHODS,
  ThresholdError,
  type ThresholdExpression,
  thresholdValue,
} from "./threshold_expression.ts";
import type { MetricDefinition } from "./types.ts";

/** The outcome of one threshold. */
export interface ThresholdResult {
  /** The expression as the user wrote it. */
  readonly source: string;
  readonly ok: boolean;
  /** What the left side of the expression came to. */
  readonly value: number;
}

/** The thresholds of one metric or sub-metric. */
export interface MetricThresholds {
  /** The metric's name, or `metric{tag:value}`. */
  readonly name: string;
  /** Of a sub-metric: its parent. */
  readonly metric: MetricDefinition;
  readonly sink: Sink;
  /** As of the last evaluation, in the order of the options; all passed before the first. */
  readonly results: readonly ThresholdResult[];
}

/** What an evaluation found. */
export interface ThresholdVerdict {
  /** Names of the metrics and sub-metrics that failed a threshold, sorted. */
  readonly crossed: readonly string[];
  /** Whether a failed threshold asks for the run to be aborted now. */
  readonly abort: boolean;
}

/** How long the engine waits between evaluations. */
export const THRESHOLD_INTERVAL_MS = 2000;

interface Threshold {
  readonly expression: ThresholdExpression;
  readonly abortOnFail: boolean;
  readonly delayAbortEvalMs: number;
}

interface Entry extends MetricThresholds {
  readonly thresholds: readonly Threshold[];
  results: readonly ThresholdResult[];
}

/** All thresholds of a run. Has no clock: whoever evaluates says how long the run has lasted. */
export class Thresholds {
  /** What the user should know although it is no error; one line each. */
  readonly warnings: readonly string[];
  readonly #entries: readonly Entry[];

  /**
   * Checks every threshold against the registry's metrics, which must all be defined, and adds their sub-metrics to it.
   * Throws a `ThresholdError` for the first expression that is malformed or doesn't fit its metric, and for the first key
   * that is malformed or names no metric.
   */
  constructor(options: Options["thresholds"], registry: MetricRegistry) {
    this.#entries = Object.entries(options).map(([key, thresholds]) => {
      const target = findTarget(key, registry);
      return {
        ...target,
        thresholds: thresholds.map(({ expression, abortOnFail, delayAbortEvalMs }) => ({
          expression: parseFor(target, expression),
          abortOnFail,
          delayAbortEvalMs,
        })),
        results: thresholds.map(({ expression }) => ({ source: expression, ok: true, value: 0 })),
      };
    });
    this.warnings = Object.keys(options).filter(isSubMetricKey).flatMap(metadataWarnings);
  }

  /** Every metric that the options name, those with an empty list of thresholds included. */
  get metrics(): readonly MetricThresholds[] {
    return this.#entries;
  }

  /** Evaluates while the run goes on, `elapsedMs` after its start; metrics without samples are left out. */
  evaluate(elapsedMs: number): ThresholdVerdict {
    const filled = this.#entries.filter((entry) => !entry.sink.isEmpty);
    for (const entry of filled) entry.results = evaluateEntry(entry, elapsedMs);
    return verdict(filled, elapsedMs);
  }

  /**
   * Evaluates when the run has ended after `durationMs`. Without samples a Rate passes whatever it is asked, as in k6 (its
   * issue 4283); any other metric counts as 0.
   */
  evaluateAtEnd(durationMs: number): ThresholdVerdict {
    for (const entry of this.#entries) {
      const results = evaluateEntry(entry, durationMs);
      const passes = entry.sink.type === "rate" && entry.sink.isEmpty;
      entry.results = passes ? results.map((result) => ({ ...result, ok: true })) : results;
    }
    return verdict(this.#entries, durationMs);
  }
}

function findTarget(key: string, registry: MetricRegistry): Omit<MetricThresholds, "results"> {
  if (isSubMetricKey(key)) {
    try {
      const { name, parent, sink } = registry.addSubMetric(key);
      return { name, metric: parent, sink };
    } catch (error) {
      if (error instanceof SubMetricError) throw invalid(key, error.message);
      throw error;
    }
  }
  const metric = registry.metric(key);
  if (metric === undefined) throw invalid(key, `no metric name "${key}" found`);
  return { name: key, metric, sink: metric.sink };
}

function parseFor({ name, metric }: Omit<MetricThresholds, "results">, source: string): ThresholdExpression {
  let expression: ThresholdExpression;
  try {
    expression = parseThresholdExpression(source);
  } catch (error) {
    if (error instanceof ThresholdError) throw invalid(name, error.message);
    throw error;
  }
  const methods = THRESHOLD_METHODS[metric.type];
  if (methods.includes(expression.method)) return expression;
  const written = source.split(/[<>=!]/, 1)[0]!.trim();
  const usable = methods.map((method) => method === "p" ? "p(N)" : method).join(", ");
  throw invalid(name, `method ${written} in "${source}" is not for a ${metric.type}; use ${usable}`);
}

function invalid(name: string, reason: string): ThresholdError {
  return new ThresholdError(`invalid threshold defined on ${name}; reason: ${reason}`);
}

function metadataWarnings(key: string): string[] {
  return parseSubMetricKey(key).tags
    .filter(([name]) => METADATA_SYSTEM_TAGS.some((tag) => tag === name))
    .map(([name]) => `threshold "${key}": the tag ${name} is not part of time series, so no sample will match`);
}

function evaluateEntry({ sink, thresholds }: Entry, durationMs: number): ThresholdResult[] {
  return thresholds.map(({ expression }) => {
    const value = thresholdValue(sink, expression, durationMs);
    return { source: expression.source, ok: satisfies(value, expression), value };
  });
}

function verdict(entries: readonly Entry[], elapsedMs: number): ThresholdVerdict {
  const crossed = entries.filter((entry) => entry.results.some((result) => !result.ok));
  const abort = crossed.some(({ thresholds, results }) =>
    thresholds.some((threshold, i) =>
      threshold.abortOnFail && !results[i]!.ok && elapsedMs >= threshold.delayAbortEvalMs
    )
  );
  return { crossed: crossed.map((entry) => entry.name).sort(), abort };
}
