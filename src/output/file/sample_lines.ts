/** Batches of samples as lines of text, whatever their format: all that depends on the series alone is encoded once. */

import type { Metric, MetricRegistry, TimeSeries } from "../../metrics/registry.ts";
import type { SampleBatch, TagPairs } from "../../metrics/types.ts";
import type { LineBuffer } from "./line_buffer.ts";
import { MAX_NUMBER_BYTES, type WriteNumber } from "./number_text.ts";
import { type TimeFormat, TimeText } from "./time_text.ts";

/** A sample's line: `beforeTime`, time, `beforeValue`, value, `afterValue`, metadata, `end`. */
export interface LineFormat {
  readonly timeFormat: TimeFormat;
  /** ASCII. */
  readonly beforeValue: string;
  readonly end: string;
  /** Stands at the head of the file; may be empty. */
  readonly header: string;
  /** Whether it has words for NaN and infinities; otherwise such samples are left out. */
  readonly hasNonFinite: boolean;
  /** The lines that come before a metric's first sample; may be empty. */
  introduction(metric: Metric): string;
  beforeTime(metric: Metric): string;
  afterValue(series: TimeSeries): string;
  /** Of a sample that has any. */
  metadata(pairs: TagPairs): string;
  writeValue(metric: Metric): WriteNumber;
}

/** What is the same for all samples of a metric. */
interface MetricLine {
  readonly beforeTime: Uint8Array;
  readonly writeValue: WriteNumber;
}

/** Encodes batches into buffers. */
export class SampleLines {
  readonly #registry: MetricRegistry;
  readonly #format: LineFormat;
  readonly #time: TimeText;
  readonly #end: Uint8Array;
  readonly #texts = new TextArena();
  /** By metric id. */
  readonly #metrics: MetricLine[] = [];
  /** By series id: its metric's line, and what follows the value, to the end of a line without metadata. */
  readonly #metricOf: MetricLine[] = [];
  readonly #tails: Uint8Array[] = [];
  /** Lines that must come before the next sample. */
  #introduction: Uint8Array | null = null;
  #metadata: TagPairs | null = null;
  #metadataText: Uint8Array = new Uint8Array();
  /** Samples left out because the format has no word for NaN and infinities. */
  nonFinite = 0;

  constructor(registry: MetricRegistry, format: LineFormat) {
    this.#registry = registry;
    this.#format = format;
    this.#time = new TimeText(format.timeFormat, format.beforeValue);
    this.#end = encoder.encode(format.end);
    if (format.header !== "") this.#introduction = encoder.encode(format.header);
  }

  /** Adds what must stand in the file even when no sample comes. Returns false when the buffer is full. */
  begin(out: LineBuffer): boolean {
    if (this.#introduction === null) return true;
    if (!out.hasRoom(this.#introduction.length)) return false;
    out.add(this.#introduction);
    this.#introduction = null;
    return true;
  }

  /**
   * Adds the lines of a batch's samples from index `from` to, without it, `to`. Returns the index of the first sample that
   * found no room, or `to`. Hot: no allocation for a sample of a known series.
   */
  encode({ series, times, values, metadata }: SampleBatch, from: number, to: number, out: LineBuffer): number {
    const { hasNonFinite } = this.#format;
    const time = this.#time;
    const fixedSize = time.bytes.length + MAX_NUMBER_BYTES;
    for (let i = from; i < to; i++) {
      const id = series[i]!;
      const value = values[i]!;
      if (!hasNonFinite && !Number.isFinite(value)) {
        this.nonFinite++;
        continue;
      }
      const tail = this.#tails[id] ?? this.#meetSeries(id);
      if (this.#introduction !== null && !this.begin(out)) return i;
      const { beforeTime, writeValue } = this.#metricOf[id]!;
      const marked = metadata === null ? undefined : metadata.sets[metadata.column[i]! - 1];
      const extra = marked === undefined ? 0 : this.#metadataSize(marked);
      if (!out.hasRoom(fixedSize + beforeTime.length + tail.length + extra)) return i;
      const { bytes } = out;
      bytes.set(beforeTime, out.length);
      let at = out.length + beforeTime.length;
      time.set(times[i]!);
      bytes.set(time.bytes, at);
      at = writeValue(bytes, at + time.length, value);
      bytes.set(tail, at);
      at += tail.length;
      if (marked !== undefined) at = this.#insertMetadata(bytes, at);
      out.length = at;
      out.samples++;
    }
    return to;
  }

  #meetSeries(id: number): Uint8Array {
    const series = this.#registry.series[id]!;
    this.#metricOf[id] = this.#metrics[series.metric.id] ??= this.#meetMetric(series.metric);
    return this.#tails[id] = this.#texts.add(this.#format.afterValue(series) + this.#format.end);
  }

  #meetMetric(metric: Metric): MetricLine {
    const introduction = this.#format.introduction(metric);
    if (introduction !== "") {
      const lines = encoder.encode(introduction);
      this.#introduction = this.#introduction === null ? lines : joined(this.#introduction, lines);
    }
    return { beforeTime: encoder.encode(this.#format.beforeTime(metric)), writeValue: this.#format.writeValue(metric) };
  }

  #metadataSize(pairs: TagPairs): number {
    if (pairs !== this.#metadata) {
      this.#metadata = pairs;
      this.#metadataText = encoder.encode(this.#format.metadata(pairs) + this.#format.end);
    }
    return this.#metadataText.length;
  }

  /** Puts the metadata of the sample at hand before the end of the line that ends at `at`. */
  #insertMetadata(bytes: Uint8Array, at: number): number {
    const start = at - this.#end.length;
    bytes.set(this.#metadataText, start);
    return start + this.#metadataText.length;
  }
}

const encoder = new TextEncoder();

/** Texts that stay, many in one piece of memory: a hundred thousand series must not mean as many buffers. */
class TextArena {
  #piece = new Uint8Array();
  #used = 0;

  add(text: string): Uint8Array {
    const bytes = encoder.encode(text);
    if (this.#used + bytes.length > this.#piece.length) {
      this.#piece = new Uint8Array(Math.max(ARENA_PIECE, bytes.length));
      this.#used = 0;
    }
    const place = this.#piece.subarray(this.#used, this.#used += bytes.length);
    place.set(bytes);
    return place;
  }
}

const ARENA_PIECE = 64 * 1024;

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
