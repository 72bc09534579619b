/** The module `k6/metrics`: Counter, Gauge, Rate, Trend. */

import { assertMetricName } from "../metrics/metric_definition.ts";
import type { MetricType } from "../metrics/types.ts";
import { nowEpochMs } from "../worker/runtime.ts";
import { currentUser, requireUser } from "../worker/virtual_user.ts";
import { withScriptTags } from "./k6.ts";
import { session } from "./session.ts";

/** What the four kinds have in common. */
abstract class CustomMetric {
  declare readonly name: string;
  readonly #id: number;
  readonly #type: MetricType;

  constructor(type: MetricType, name: unknown, isTime: unknown) {
    if (currentUser !== null && !currentUser.inInit) {
      throw new Error("metrics must be declared in the init context");
    }
    const text = name === undefined || name === null ? "" : String(name);
    assertMetricName(text);
    this.#type = type;
    this.#id = session.recorder.defineMetric(text, type, isTime === true ? "time" : "default");
    Object.defineProperty(this, "name", { value: text, enumerable: true });
  }

  /** Adds a value, with further tags for this sample; false (with a warning) when it is no number. Hot. */
  add(value: unknown, tags?: unknown): boolean {
    const user = requireUser("Adding values to metrics");
    const number = typeof value === "number" ? value : toNumber(value);
    if (Number.isNaN(number)) return this.#reject(value, user.runtime.options.throw);
    const { recorder } = user.runtime;
    const all = tags === undefined || tags === null ? user.tags : withScriptTags(user.tags, tags);
    recorder.record(recorder.series(this.#id, all), nowEpochMs(), number);
    return true;
  }

  #reject(value: unknown, throws: boolean): false {
    const shown = value === null || value === undefined ? "an empty value" : `'${String(value)}'`;
    const message = `${shown} is an invalid value for metric '${this.name}', a number or a boolean value is expected`;
    if (throws) throw new TypeError(message);
    session.log("warn", message, { metric: this.name, type: this.#type });
    return false;
  }
}

function toNumber(value: unknown): number {
  if (value === null || value === undefined) return NaN;
  return typeof value === "symbol" ? NaN : Number(value);
}

/** Adds up. */
export class Counter extends CustomMetric {
  constructor(name: unknown, isTime?: unknown) {
    super("counter", name, isTime);
  }
}

/** Keeps the last value, the smallest and the greatest. */
export class Gauge extends CustomMetric {
  constructor(name: unknown, isTime?: unknown) {
    super("gauge", name, isTime);
  }
}

/** Share of values that are not zero. */
export class Rate extends CustomMetric {
  constructor(name: unknown, isTime?: unknown) {
    super("rate", name, isTime);
  }
}

/** Statistics over all values. */
export class Trend extends CustomMetric {
  constructor(name: unknown, isTime?: unknown) {
    super("trend", name, isTime);
  }
}

/** The module's object. */
export const metrics: Readonly<Record<string, unknown>> = { Counter, Gauge, Rate, Trend };
