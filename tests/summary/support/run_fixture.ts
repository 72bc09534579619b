/** A run without workers: samples go through a recorder and the registry to the summary collector. */

import { MetricRegistry } from "../../../src/metrics/registry.ts";
import { SampleRecorder } from "../../../src/metrics/sample_recorder.ts";
import { TagSet } from "../../../src/metrics/tag_set.ts";
import { Thresholds } from "../../../src/metrics/thresholds.ts";
import type { MetricType } from "../../../src/metrics/types.ts";
import { SummaryCollector } from "../../../src/summary/collect.ts";
import type { SummaryInput, SummaryOptions } from "../../../src/summary/summary_input.ts";

export class RunFixture {
  readonly registry = new MetricRegistry();
  readonly #thresholds: Thresholds;
  readonly #collector: SummaryCollector;
  readonly #recorder = new SampleRecorder((batch) => this.#collector.addSamples(this.registry.ingest(0, batch)));
  readonly #tags = TagSet.root();

  /** `custom` are metrics besides the built-in ones; `thresholds` are expressions by metric or sub-metric. */
  constructor(
    readonly mode: SummaryOptions["mode"],
    custom: Record<string, MetricType> = {},
    thresholds: Record<string, string[]> = {},
  ) {
    for (const [name, type] of Object.entries(custom)) {
      this.#recorder.defineMetric(name, type, "default");
      this.registry.define(name, type, "default");
    }
    const options = Object.entries(thresholds).map(([key, expressions]) =>
      [
        key,
        expressions.map((expression) => ({ expression, abortOnFail: false, delayAbortEvalMs: 0 })),
      ] as const
    );
    this.#thresholds = new Thresholds(Object.fromEntries(options), this.registry);
    this.#collector = new SummaryCollector(this.registry, mode);
  }

  add(metricName: string, tags: Record<string, string>, value: number): void {
    const { id } = this.#recorder.metricByName(metricName)!;
    this.#recorder.record(this.#recorder.series(id, this.#tags.withAll(Object.entries(tags))), 0, value);
  }

  /** Ends the run, which took two seconds. */
  finish(options: Partial<SummaryOptions> = {}): SummaryInput {
    this.#recorder.flush();
    this.#thresholds.evaluateAtEnd(2000);
    return this.#collector.collect({
      durationMs: 2000,
      thresholds: this.#thresholds.metrics,
      options: { mode: this.mode, trendStats: [], timeUnit: "", color: false, ...options },
    });
  }
}
