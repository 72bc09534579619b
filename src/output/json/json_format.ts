/** k6's JSON lines: one for each metric at its first sight, one for each sample. */

import type { Metric, TimeSeries } from "../../metrics/registry.ts";
import type { TagPairs } from "../../metrics/types.ts";
import { writeMilliseconds, type WriteNumber, writeShortest } from "../file/number_text.ts";
import type { LineFormat } from "../file/sample_lines.ts";

/** Thresholds by metric as the options state them: expressions, or objects with `threshold`, `abortOnFail`, `delayAbortEval`. */
export type ThresholdSources = Readonly<Record<string, readonly ThresholdSource[]>>;

type ThresholdSource = string | { readonly threshold: string; readonly abortOnFail: boolean };

/** Lines of JSON, keys in k6's order. JSON has no NaN and no infinities. */
export class JsonFormat implements LineFormat {
  readonly timeFormat = "rfc3339_nano";
  readonly beforeValue = '","value":';
  readonly end = "}}\n";
  readonly header = "";
  readonly hasNonFinite = false;
  readonly #thresholds: ThresholdSources;

  constructor(thresholds: ThresholdSources) {
    this.#thresholds = thresholds;
  }

  introduction({ name, type, contains, subMetrics }: Metric): string {
    const submetrics = subMetrics.map(({ name, suffix, tags }) => ({ name, suffix, tags: Object.fromEntries(tags) }));
    const data = {
      name,
      type,
      contains,
      thresholds: (this.#thresholds[name] ?? []).map(asWritten),
      submetrics: submetrics.length === 0 ? null : submetrics,
    };
    return `${JSON.stringify({ type: "Metric", data, metric: name })}\n`;
  }

  beforeTime({ name }: Metric): string {
    return `{"metric":${JSON.stringify(name)},"type":"Point","data":{"time":"`;
  }

  afterValue({ tags }: TimeSeries): string {
    return `,"tags":${objectOf(tags)}`;
  }

  metadata(pairs: TagPairs): string {
    return `,"metadata":${objectOf(pairs)}`;
  }

  writeValue({ contains }: Metric): WriteNumber {
    return contains === "time" ? writeMilliseconds : writeShortest;
  }
}

/** k6 writes a threshold as an object only where it can end the test. */
function asWritten(source: ThresholdSource): ThresholdSource {
  return typeof source === "string" || source.abortOnFail ? source : source.threshold;
}

/** An object with the pairs in their order, which an object of JavaScript would not keep for names like `1`. */
function objectOf(pairs: TagPairs): string {
  return `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`;
}
