/** The metrics that k6d itself emits. Their ids are the same in every worker and in the registry, so none is ever announced. */

import type { MetricDefinition, MetricType, ValueType } from "./types.ts";

const TABLE = {
  vus: ["gauge", "default"],
  vus_max: ["gauge", "default"],
  iterations: ["counter", "default"],
  iteration_duration: ["trend", "time"],
  iteration_start_delay: ["trend", "time"],
  dropped_iterations: ["counter", "default"],
  checks: ["rate", "default"],
  group_duration: ["trend", "time"],
  http_reqs: ["counter", "default"],
  http_req_failed: ["rate", "default"],
  http_req_duration: ["trend", "time"],
  http_req_blocked: ["trend", "time"],
  http_req_connecting: ["trend", "time"],
  http_req_tls_handshaking: ["trend", "time"],
  http_req_sending: ["trend", "time"],
  http_req_waiting: ["trend", "time"],
  http_req_receiving: ["trend", "time"],
  data_sent: ["counter", "data"],
  data_received: ["counter", "data"],
} as const satisfies Record<string, readonly [MetricType, ValueType]>;

/** The name of a built-in metric. */
export type BuiltinMetricName = keyof typeof TABLE;

/** Every built-in metric; `id` is its index. */
export const BUILTIN_METRICS: readonly MetricDefinition[] = Object.entries(TABLE).map(
  ([name, [type, contains]], id) => ({ id, name, type, contains }),
);

/** The id of each built-in metric, by name. */
export const BUILTIN_METRIC_IDS = Object.fromEntries(
  BUILTIN_METRICS.map(({ name, id }) => [name, id]),
) as Readonly<Record<BuiltinMetricName, number>>;
