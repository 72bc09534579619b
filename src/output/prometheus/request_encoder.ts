/** What the sender knows of a request's body; one implementation for each version of the protocol. */

import type { Exemplar, LabelSet, MetricFamily, SeriesKind } from "./exported_series.ts";
import type { NativeHistogram } from "./native_histogram.ts";

/** What a request carries beside series. */
export interface EncoderOptions {
  /** Whether receivers are told type, help and unit of metrics. */
  readonly metadata: boolean;
}

/** Collects the series of one request after another; one sample for each series. */
export interface RequestEncoder {
  /** For the header `Content-Type`. */
  readonly contentType: string;
  /** For the header `X-Prometheus-Remote-Write-Version`. */
  readonly version: string;
  /** Number of series since the last `finish`. */
  readonly length: number;

  /** Adds a series with one sample. The value must be finite. `createdMs` is the time from which a counter counts. */
  addSample(
    kind: SeriesKind,
    labels: LabelSet,
    value: number,
    atEpochMs: number,
    createdMs: number,
    exemplar: Exemplar | null,
  ): void;

  /** Adds a series with one native histogram. */
  addHistogram(
    kind: SeriesKind,
    labels: LabelSet,
    histogram: NativeHistogram,
    atEpochMs: number,
    createdMs: number,
    exemplar: Exemplar | null,
  ): void;

  /** Adds a series with the marker that says it has ended. */
  addStaleMarker(kind: SeriesKind, labels: LabelSet, atEpochMs: number): void;

  /** The request's body, compressed; the encoder is empty afterwards. */
  finish(): Uint8Array<ArrayBuffer>;

  /** A request did not arrive: what is said of metrics only now and then goes with the next one, too. */
  describeAgain(): void;
}

/** What requests of remote write 1.0 have in `X-Prometheus-Remote-Write-Version`. */
export const VERSION_1 = "0.1.0";

/** The numbers of metric types, the same in both versions. */
export const METRIC_TYPES = { counter: 1, gauge: 2, histogram: 3 } as const satisfies Record<
  MetricFamily["type"],
  number
>;

/** The value 0x7ff0000000000002, little-endian: a NaN that number arithmetic would not keep intact. */
export const STALE_MARKER = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
