/** Records samples as a worker does and gives the text that a file output makes of them. */

import { MetricRegistry } from "../../../src/metrics/registry.ts";
import { SampleRecorder } from "../../../src/metrics/sample_recorder.ts";
import { TagSet } from "../../../src/metrics/tag_set.ts";
import type { SampleBatch, TagPairs } from "../../../src/metrics/types.ts";
import { LineBuffer } from "../../../src/output/file/line_buffer.ts";
import { type LineFormat, SampleLines } from "../../../src/output/file/sample_lines.ts";

/** One sample; `http_reqs` at the epoch, without tags, unless it says otherwise. */
export interface Sample {
  readonly metric?: string;
  readonly tags?: TagPairs;
  readonly atEpochMs?: number;
  readonly value: number;
  readonly metadata?: TagPairs;
}

/** Ingested batches of samples; `own` is a trend of plain numbers. */
export function batchesOf(samples: readonly Sample[], registry: MetricRegistry): SampleBatch[] {
  const batches: SampleBatch[] = [];
  const recorder = new SampleRecorder((batch) => batches.push(registry.ingest(0, batch)));
  const root = TagSet.root();
  recorder.defineMetric("own", "trend", "default");
  for (const { metric = "http_reqs", tags = [], atEpochMs = 0, value, metadata = null } of samples) {
    recorder.metadata = metadata;
    recorder.record(recorder.series(recorder.metricByName(metric)!.id, root.withAll(tags)), atEpochMs, value);
  }
  recorder.flush();
  return batches;
}

/** What the file holds, and how many samples were left out as not finite. */
export function textOf(
  samples: readonly Sample[],
  format: LineFormat,
  registry = new MetricRegistry(),
): { text: string; nonFinite: number } {
  const lines = new SampleLines(registry, format);
  const buffer = new LineBuffer();
  const decoder = new TextDecoder();
  let text = "";
  const empty = () => {
    text += decoder.decode(buffer.bytes.subarray(0, buffer.length));
    buffer.clear();
  };
  lines.begin(buffer);
  for (const batch of batchesOf(samples, registry)) {
    for (let i = 0; i < batch.length;) {
      i = lines.encode(batch, i, batch.length, buffer);
      empty();
    }
  }
  empty();
  return { text, nonFinite: lines.nonFinite };
}
