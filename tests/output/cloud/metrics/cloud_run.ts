/** Samples go into the windows of the cloud output, messages that an independent reader understands come out. */

import { assertEquals } from "@std/assert";
import { MetricRegistry } from "../../../../src/metrics/registry.ts";
import { SampleRecorder } from "../../../../src/metrics/sample_recorder.ts";
import { TagSet } from "../../../../src/metrics/tag_set.ts";
import type { MetricType, TagPairs, ValueType } from "../../../../src/metrics/types.ts";
import { createEncoder, type MetricSetEncoder } from "../../../../src/output/cloud/metrics/metric_set_encoder.ts";
import { type MetricSet, metricSets } from "../../../../src/output/cloud/metrics/metric_sets.ts";
import { type ClosedWindow, TimeWindows } from "../../../../src/output/cloud/metrics/time_windows.ts";
import { readJson, readProtobuf, type ReceivedSet } from "../../../support/cloud_metrics_reader.ts";

/** k6's defaults. */
export const PERIOD_MS = 3000;
export const WAIT_MS = 8000;

/** The beginning of a window. */
export const T = 1_700_000_001_000;

/** A sample: of which series, when, with which value. */
export interface CloudSample {
  /** Of a built-in metric, or one that `define` made. Default `http_reqs`. */
  readonly metric?: string;
  readonly tags?: TagPairs;
  /** Default 1. */
  readonly value?: number;
  /** Default `T`. */
  readonly atEpochMs?: number;
}

/** The message of a set, without a pause. */
export function encodeAtOnce(encoder: MetricSetEncoder, set: MetricSet): Uint8Array<ArrayBuffer> {
  const encoding = encoder.encode(set);
  for (let step = encoding.next();; step = encoding.next()) if (step.done === true) return step.value;
}

const identity = { testRunId: "123", periodSeconds: PERIOD_MS / 1000 };

export class CloudRun {
  readonly windows: TimeWindows;
  readonly warnings: string[] = [];
  readonly #tags = TagSet.root();
  readonly #recorder: SampleRecorder;
  readonly #protobuf = createEncoder("protobuf", identity);
  readonly #json = createEncoder("json", identity);

  constructor(periodMs = PERIOD_MS) {
    const registry = new MetricRegistry(() => {});
    const warn = (message: string) => this.warnings.push(message);
    this.windows = new TimeWindows(registry.series, { periodMs, waitMs: WAIT_MS }, warn);
    this.#recorder = new SampleRecorder((batch) => this.windows.addSamples(registry.ingest(0, batch)));
  }

  /** Defines a metric; a built-in one must be what it is. */
  define(name: string, type: MetricType, contains: ValueType): void {
    this.#recorder.defineMetric(name, type, contains);
  }

  add(...samples: readonly CloudSample[]): void {
    for (const { metric = "http_reqs", tags = [], value = 1, atEpochMs = T } of samples) {
      const { id } = this.#recorder.metricByName(metric)!;
      this.#recorder.record(this.#recorder.series(id, this.#tags.withAll(tags)), atEpochMs, value);
    }
    this.#recorder.flush();
  }

  /** What the messages of these windows say, in both formats alike. */
  received(windows: readonly ClosedWindow[], maxSeries = 1000): ReceivedSet[] {
    return Array.from(metricSets(windows, maxSeries), (set) => this.#receive(set));
  }

  #receive(set: MetricSet): ReceivedSet {
    const received = readProtobuf(encodeAtOnce(this.#protobuf, set));
    assertEquals(readJson(encodeAtOnce(this.#json, set)), received);
    return received;
  }
}
