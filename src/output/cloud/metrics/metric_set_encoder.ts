/** The two ways in which the cloud can be told metrics; the messages are the same (docs/outputs/cloud/metrics.proto). */

import { JsonEncoder } from "./json_encoder.ts";
import type { MetricSet } from "./metric_sets.ts";
import { ProtobufEncoder } from "./protobuf_encoder.ts";

/** How messages are written: protobuf, or its canonical JSON. */
export type MetricsFormat = "protobuf" | "json";

/** What every message of a run says. */
export interface EncoderOptions {
  /** The test run's reference. */
  readonly testRunId: string;
  /** The length of the windows, whole seconds. */
  readonly periodSeconds: number;
}

/** Writes messages; keeps what is the same in all of them, such as labels, so there must be one only for a run. */
export interface MetricSetEncoder {
  /** For the header Content-Type. */
  readonly contentType: string;
  /**
   * Returns the message, not compressed: a view, good until the next one is begun. Yields now and then (`PART_SERIES`), so that other work can be done
   * meanwhile, but no other message begun.
   */
  encode(set: MetricSet): Generator<void, Uint8Array<ArrayBuffer>>;
}

/** An encoder of the format that is asked for. */
export function createEncoder(format: MetricsFormat, options: EncoderOptions): MetricSetEncoder {
  return format === "protobuf" ? new ProtobufEncoder(options) : new JsonEncoder(options);
}
