/** The module `k6/metrics`: Counter, Gauge, Rate, Trend. */

import { assertMetricName } from "../metrics/metric_definition.ts";
import type { MetricType } from "../metrics/types.ts";
import { nowEpochMs } from "../worker/runtime.ts";
import { currentUser, requireUser } from "../worker/virtual_user.ts";
import { withScriptTags } from "./k6.ts";
import { session } from "./session.ts";

/** What `new Counter(…)` and the others give: as in k6 a plain object, whose `add` needs no `this`. */
interface Metric {
  readonly name: string;
  /** Adds a value, with further tags for this sample; false (with a warning) when it is no number. */
  readonly add: (value: unknown, tags?: unknown) => boolean;
}

function createMetric(type: MetricType, givenName: unknown, isTime: unknown): Metric {
  if (currentUser !== null && !currentUser.inInit) throw new Error("metrics must be declared in the init context");
  const name = givenName === undefined || givenName === null ? "" : String(givenName);
  assertMetricName(name);
  const id = session.recorder.defineMetric(name, type, isTime === true ? "time" : "default");
  return { name, add: adders[id] ??= adderOf(id, name, type) };
}

/** By metric; one serves all virtual users of a worker. */
const adders: Metric["add"][] = [];

function adderOf(id: number, name: string, type: MetricType): Metric["add"] {
  // Hot.
  const add: Metric["add"] = (value, tags) => {
    const user = requireUser("Adding values to metrics");
    const number = typeof value === "number" ? value : toNumber(value);
    if (Number.isNaN(number)) return reject(value, name, type, user.runtime.options.throw);
    const { recorder } = user.runtime;
    const all = tags === undefined || tags === null ? user.tags : withScriptTags(user.tags, tags);
    recorder.record(recorder.series(id, all), nowEpochMs(), number);
    return true;
  };
  return Object.freeze(add);
}

/** As k6: what is true and has no number of its own (`true`, `[]`, `"0"`) counts as 1. */
function toNumber(value: unknown): number {
  if (value === null || value === undefined || typeof value === "symbol") return NaN;
  const number = Number(value);
  return number === 0 && Boolean(value) ? 1 : number;
}

function reject(value: unknown, metric: string, type: MetricType, throws: boolean): false {
  const shown = value === null || value === undefined ? "an empty value" : `'${String(value)}'`;
  const message = `${shown} is an invalid value for metric '${metric}', a number or a boolean value is expected`;
  if (throws) throw new TypeError(message);
  session.log("warn", message, { metric, type });
  return false;
}

/** Adds up. */
export class Counter {
  constructor(name: unknown, isTime?: unknown) {
    return createMetric("counter", name, isTime);
  }
}

/** Keeps the last value, the smallest and the greatest. */
export class Gauge {
  constructor(name: unknown, isTime?: unknown) {
    return createMetric("gauge", name, isTime);
  }
}

/** Share of values that are not zero. */
export class Rate {
  constructor(name: unknown, isTime?: unknown) {
    return createMetric("rate", name, isTime);
  }
}

/** Statistics over all values. */
export class Trend {
  constructor(name: unknown, isTime?: unknown) {
    return createMetric("trend", name, isTime);
  }
}

/** The module's object. */
export const metrics: Readonly<Record<string, unknown>> = { Counter, Gauge, Rate, Trend };
