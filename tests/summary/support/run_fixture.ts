/** A run without workers and registry: metrics and samples as the summary collector meets them. */

import { createSink } from "../../../src/metrics/sinks.ts";
import type { MetricDefinition, MetricType, SampleBatch, TagPairs } from "../../../src/metrics/types.ts";

export type RunFixture = ReturnType<typeof runFixture>;

/** A stand-in for the registry, and the samples to feed: `add(metric, tags, value)`. */
export function runFixture(types: Record<string, MetricType>) {
  const metrics = Object.entries(types).map(([name, type], id) => ({
    id,
    name,
    type,
    contains: "default" as const,
    sink: createSink(type),
    subMetrics: [] as { name: string; sink: ReturnType<typeof createSink> }[],
  }));
  const series: { metric: MetricDefinition; tags: TagPairs }[] = [];
  const samples: { series: number; value: number }[] = [];
  return {
    metrics,
    series,
    add(name: string, tags: Record<string, string>, value: number): void {
      const metric = metrics.find((metric) => metric.name === name)!;
      const pairs = Object.entries(tags).sort(([a], [b]) => a < b ? -1 : 1);
      let id = series.findIndex((one) => one.metric === metric && JSON.stringify(one.tags) === JSON.stringify(pairs));
      if (id === -1) id = series.push({ metric, tags: pairs }) - 1;
      samples.push({ series: id, value });
      metric.sink.add(value, 0);
    },
    batch(): SampleBatch {
      return {
        // One more place than is in use: the columns of a batch may be longer than it is.
        length: samples.length,
        series: Uint32Array.from([...samples.map((sample) => sample.series), 99]),
        times: new Float64Array(samples.length + 1),
        values: Float64Array.from([...samples.map((sample) => sample.value), 99]),
        newMetrics: [],
        newSeries: [],
      };
    },
  };
}
