/** Samples of HTTP requests as workers record them, with metadata or without. */

import { BUILTIN_METRIC_IDS } from "../../../../src/metrics/builtin.ts";
import { MetricRegistry } from "../../../../src/metrics/registry.ts";
import { SampleRecorder } from "../../../../src/metrics/sample_recorder.ts";
import { TagSet } from "../../../../src/metrics/tag_set.ts";
import type { SampleBatch, TagPairs } from "../../../../src/metrics/types.ts";

/** A request; by default a GET of "order" in no group, without metadata, that took 200 ms and ended at `END_MS`. */
export interface MadeRequest {
  readonly tags?: Readonly<Record<string, string>>;
  readonly metadata?: TagPairs | null;
  readonly durationMs?: number;
  readonly endEpochMs?: number;
}

export const END_MS = 1_700_000_001_200;

export const TAGS = { name: "order", method: "GET", status: "200", scenario: "default", group: "" } as const;

/** The metadata of a request with that trace id. */
export function traced(traceId: string): TagPairs {
  return [["trace_id", traceId]];
}

/** A trace id by number. */
export function traceIdOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

/** The samples of requests, as an output gets them. */
export class RequestSamples {
  readonly registry = new MetricRegistry(() => {});
  readonly #tags = TagSet.root();
  readonly #batches: SampleBatch[] = [];
  readonly #recorder = new SampleRecorder((batch) => this.#batches.push(this.registry.ingest(0, batch)));

  of(...requests: readonly MadeRequest[]): SampleBatch[] {
    for (const { tags = TAGS, metadata = null, durationMs = 200, endEpochMs = END_MS } of requests) {
      const recorder = this.#recorder;
      const all = this.#tags.withAll(Object.entries(tags));
      recorder.metadata = metadata;
      recorder.record(recorder.series(BUILTIN_METRIC_IDS.http_reqs, all), endEpochMs, 1);
      recorder.record(recorder.series(BUILTIN_METRIC_IDS.http_req_duration, all), endEpochMs, durationMs);
      recorder.record(recorder.series(BUILTIN_METRIC_IDS.http_req_waiting, all), endEpochMs, durationMs / 2);
    }
    this.#recorder.flush();
    return this.#batches.splice(0);
  }
}
