/** A run for tests of outputs: one worker's samples go through a registry to an output. */

import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { TagPairs } from "../../../src/metrics/types.ts";
import type { Output, OutputContext } from "../../../src/output/output.ts";
import { createOutput } from "../../../src/output/outputs.ts";

export class OutputRun {
  readonly output: Output;
  readonly registry = new MetricRegistry(() => {});
  /** Warnings and errors, as `warn: …` and `error: …`. */
  readonly complaints: string[] = [];
  readonly #ids = new Map<string, number>();

  /** `spec` is what stands after `-o`, or makes the output. */
  constructor(spec: string | ((context: Omit<OutputContext, "name" | "argument">) => Output)) {
    const make = typeof spec === "string" ? createOutput.bind(null, spec) : spec;
    this.output = make({
      env: {},
      options: {},
      collectors: {},
      features: [],
      registry: this.registry,
      version: "1.2.3",
      log: {
        debug() {},
        info() {},
        warn: (message) => this.complaints.push(`warn: ${message}`),
        error: (message) => this.complaints.push(`error: ${message}`),
      },
    });
  }

  /** One sample of a built-in metric, as a worker would send it. */
  add(
    metricName: string,
    tags: TagPairs,
    value: number,
    atEpochMs = Date.now(),
    metadata: TagPairs | null = null,
  ): void {
    const metric = this.registry.metric(metricName);
    if (metric === undefined) throw new Error(`no metric ${metricName}`);
    const key = metricName + JSON.stringify(tags);
    const known = this.#ids.get(key);
    const id = known ?? this.#ids.size;
    this.#ids.set(key, id);
    this.output.addSamples(this.registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(id),
      times: Float64Array.of(atEpochMs),
      values: Float64Array.of(value),
      metadata: metadata === null ? null : { column: Uint32Array.of(1), sets: [metadata] },
      newMetrics: [],
      newSeries: known === undefined ? [{ id, metric: metric.id, tags }] : [],
    }));
  }
}
