/** k6's JSON lines: one for each metric at its first sight, one for each sample. */

import type { MetricRegistry } from "../../metrics/registry.ts";
import type { SampleBatch } from "../../metrics/types.ts";

/** Thresholds as the options state them: expressions, or objects with the expression and when it aborts the test. */
export type ThresholdSources = Readonly<Record<string, readonly unknown[]>>;

/** Ends the line of a sample. */
const END = "}}\n";

/** Turns batches into JSON lines. */
export class JsonLines {
  readonly #registry: MetricRegistry;
  readonly #thresholds: ThresholdSources;
  /** By series id: what stands before the time, and what between the value and the end of the line. */
  readonly #heads: string[] = [];
  readonly #tails: string[] = [];
  /** By metric id: whether it has been introduced. */
  readonly #introduced: boolean[] = [];
  #second = NaN;
  #secondText = "";
  /** Samples left out because JSON has no NaN and no infinity. */
  unencodable = 0;

  constructor(registry: MetricRegistry, thresholds: ThresholdSources) {
    this.#registry = registry;
    this.#thresholds = thresholds;
  }

  /** The lines of a batch, each with its line feed. Hot: strings that depend on the series alone are made once. */
  encode({ length, series, times, values, metadata }: SampleBatch): string {
    let text = "";
    for (let i = 0; i < length; i++) {
      const id = series[i]!;
      const value = values[i]!;
      if (!Number.isFinite(value)) {
        this.unencodable++;
        continue;
      }
      if (this.#heads[id] === undefined) text += this.#meetSeries(id);
      const marked = metadata === null ? undefined : metadata.sets[metadata.column[i]! - 1];
      text += this.#heads[id]! + this.#time(times[i]!) + '","value":' + value + this.#tails[id]! +
        (marked === undefined ? END : `,"metadata":${JSON.stringify(Object.fromEntries(marked))}${END}`);
    }
    return text;
  }

  /** Prepares a series' strings; returns the line of its metric when that is new. */
  #meetSeries(id: number): string {
    const { metric, tags } = this.#registry.series[id]!;
    const name = JSON.stringify(metric.name);
    this.#heads[id] = `{"metric":${name},"type":"Point","data":{"time":"`;
    this.#tails[id] = `,"tags":{${tags.map(([tag, value]) => `${JSON.stringify(tag)}:${JSON.stringify(value)}`)}}`;
    if (this.#introduced[metric.id]) return "";
    this.#introduced[metric.id] = true;
    const subMetrics = metric.subMetrics.map(({ name, suffix, tags }) => ({
      name,
      suffix,
      tags: Object.fromEntries(tags),
    }));
    const data = {
      name: metric.name,
      type: metric.type,
      contains: metric.contains,
      thresholds: this.#thresholds[metric.name] ?? [],
      submetrics: subMetrics.length === 0 ? null : subMetrics,
    };
    return `${JSON.stringify({ type: "Metric", data, metric: metric.name })}\n`;
  }

  /** RFC 3339 in UTC with microseconds, without zeros at its end. */
  #time(epochMs: number): string {
    const second = Math.floor(epochMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 19);
    }
    let micros = Math.floor((epochMs - second * 1000) * 1000);
    if (micros === 0) return `${this.#secondText}Z`;
    let digits = 6;
    while (micros % 10 === 0) {
      micros /= 10;
      digits--;
    }
    return `${this.#secondText}.${String(micros).padStart(digits, "0")}Z`;
  }
}
