/** The rules that a metric's definition must keep, the same in workers and in the registry. */

import type { MetricDefinition, MetricType, ValueType } from "./types.ts";

/** A metric that can't be defined; the message is for the script's author. */
export class MetricDefinitionError extends Error {
  override name = "MetricDefinitionError";
}

/** k6's rule: 2 to 129 ASCII letters, digits and underscores, not starting with a digit. */
const METRIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]{1,128}$/;

/** Throws a `MetricDefinitionError` when a script can't give this name to a metric. */
export function assertMetricName(name: string): void {
  if (!METRIC_NAME.test(name)) {
    throw new MetricDefinitionError(
      `Invalid metric name '${name}': use 2 to 129 ASCII letters, digits and underscores, starting with a letter or an underscore`,
    );
  }
}

/** Throws a `MetricDefinitionError` when `existing` is not what a second definition of its name says. */
export function assertSameMetric(existing: MetricDefinition, type: MetricType, contains: ValueType): void {
  if (existing.type !== type) {
    throw new MetricDefinitionError(
      `metric '${existing.name}' already exists but with type ${existing.type}, instead of ${type}`,
    );
  }
  if (existing.contains !== contains) {
    throw new MetricDefinitionError(
      `metric '${existing.name}' already exists but with a value type ${existing.contains}, instead of ${contains}`,
    );
  }
}
