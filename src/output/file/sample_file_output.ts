/** An output that writes a line for each sample to a file: what `json` and `csv` have in common. */

import type { SampleBatch } from "../../metrics/types.ts";
import { nextTurn } from "../clock.ts";
import { type Output, type OutputContext, OutputError, type OutputLog } from "../output.ts";
import { systemReason } from "../system_reason.ts";
import { isStandardOutput, openDestination } from "./destination.ts";
import { FileSink } from "./file_sink.ts";
import { type LineFormat, SampleLines } from "./sample_lines.ts";

/** What sets one such output apart. */
export interface SampleFileSettings {
  /** The output's name in messages. */
  readonly name: string;
  /** The file; one that ends in `.gz` is compressed; nothing or `-` is standard output. */
  readonly path: string;
  readonly flushIntervalMs: number;
  readonly format: LineFormat;
}

/** Samples that wait may take this much memory: 3 million of them. What comes beyond is left out. */
export const BACKLOG_BYTES = 64 * 2 ** 20;

/** What a batch takes beside its samples. */
const BATCH_BYTES = 1024;
const SAMPLE_BYTES = 20;

/** Encoding gives the main thread back after this long. */
const SLICE_MS = 8;
/** A look at the clock after these; a sample of a series that is seen for the first time costs some microseconds. */
const SAMPLES_AT_A_TIME = 512;

/** How long the end of a test may wait for the file. */
const STOP_TIMEOUT_MS = 20_000;

/** Batches wait as they come, ten times smaller than their text; the text is made when there is a buffer for it. */
export class SampleFileOutput implements Output {
  readonly description: string;
  readonly #settings: SampleFileSettings;
  /** The file's name for messages. */
  readonly #file: string;
  readonly #log: OutputLog;
  readonly #lines: SampleLines;
  readonly #stopTimeoutMs: number;
  #sink: FileSink | null = null;
  /** Whether writing has failed: nothing more is taken. */
  #hasFailed = false;
  #batches: SampleBatch[] = [];
  /** The first sample of the first batch that is not encoded yet. */
  #position = 0;
  #waitingBytes = 0;
  /** All samples that should stand in the file. */
  #samples = 0;
  #hasDropped = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #flushing: Promise<void> | null = null;

  constructor(settings: SampleFileSettings, { registry, log }: OutputContext, stopTimeoutMs = STOP_TIMEOUT_MS) {
    const { name, path, format } = settings;
    this.#settings = settings;
    this.description = isStandardOutput(path) ? `${name}(stdout)` : `${name} (${path})`;
    this.#file = isStandardOutput(path) ? "standard output" : `"${path}"`;
    this.#log = log;
    this.#lines = new SampleLines(registry, format);
    this.#stopTimeoutMs = stopTimeoutMs;
  }

  async start(): Promise<void> {
    const { name, path, flushIntervalMs } = this.#settings;
    try {
      this.#sink = new FileSink(await openDestination(path));
    } catch (error) {
      throw new OutputError(`${name} output: can't write to ${this.#file}: ${systemReason(error as Error)}`);
    }
    this.#timer = setInterval(() => this.#flush(), flushIntervalMs);
    this.#flush();
  }

  addSamples(batch: SampleBatch): void {
    const { length } = batch;
    this.#samples += length;
    if (this.#hasFailed || length === 0) return;
    const bytes = batchBytes(batch);
    if (this.#waitingBytes + bytes > BACKLOG_BYTES) return this.#warnOfDrops();
    this.#batches.push(batch);
    this.#waitingBytes += bytes;
  }

  async stop(): Promise<void> {
    const sink = this.#sink;
    clearInterval(this.#timer);
    if (sink === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#fail(new Error(`it took more than ${this.#stopTimeoutMs / 1000} s at the end of the test`));
        resolve();
      }, this.#stopTimeoutMs);
    });
    await Promise.race([this.#finish(sink), timeout]);
    clearTimeout(timer);
    this.#reportMissing(sink.samplesWritten);
  }

  /** Begins to encode and write what waits, unless that is going on. */
  #flush(): void {
    this.#flushing ??= this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#encodeAll(this.#sink!);
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#flushing = null;
  }

  async #encodeAll(sink: FileSink): Promise<void> {
    let buffer = await sink.take();
    this.#lines.begin(buffer);
    let sliceEndsAt = performance.now() + SLICE_MS;
    for (let batch = this.#batches[0]; batch !== undefined && !this.#hasFailed; batch = this.#batches[0]) {
      const to = Math.min(this.#position + SAMPLES_AT_A_TIME, batch.length);
      this.#position = this.#lines.encode(batch, this.#position, to, buffer);
      if (this.#position < to) {
        sink.write();
        buffer = await sink.take();
      } else if (to === batch.length) {
        this.#batches.shift();
        this.#waitingBytes -= batchBytes(batch);
        this.#position = 0;
      }
      if (performance.now() > sliceEndsAt) {
        await nextTurn();
        sliceEndsAt = performance.now() + SLICE_MS;
      }
    }
    if (buffer.length > 0) sink.write();
    this.#reportNonFinite();
  }

  async #finish(sink: FileSink): Promise<void> {
    await this.#flushing;
    if (!this.#hasFailed) await this.#run();
    if (this.#hasFailed) return;
    try {
      await sink.close();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The first failure ends the output: one line, and the test goes on. */
  #fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#batches = [];
    clearInterval(this.#timer);
    this.#log.error(`${this.#settings.name} output: stopped, can't write to ${this.#file}: ${systemReason(error)}`);
  }

  #warnOfDrops(): void {
    if (this.#hasDropped) return;
    this.#hasDropped = true;
    const { name } = this.#settings;
    this.#log.warn(`${name} output: samples come faster than ${this.#file} takes them; some are left out`);
  }

  #reportNonFinite(): void {
    const { nonFinite } = this.#lines;
    if (nonFinite === 0) return;
    this.#lines.nonFinite = 0;
    this.#samples -= nonFinite;
    const { name } = this.#settings;
    this.#log.error(`${name} output: left out ${nonFinite} samples that are NaN or infinite, which JSON can't hold`);
  }

  #reportMissing(written: number): void {
    const { name, path } = this.#settings;
    // What a gzip file that ends early still holds can't be told.
    const missing = this.#hasFailed && path.endsWith(".gz") ? this.#samples : this.#samples - written;
    if (missing === 0) return;
    // The last piece that was written may have been cut anywhere.
    const number = this.#hasFailed ? `up to ${missing}` : missing;
    this.#log.error(`${name} output: ${number} of ${this.#samples} samples are missing in ${this.#file}`);
  }
}

function batchBytes({ length }: SampleBatch): number {
  return BATCH_BYTES + length * SAMPLE_BYTES;
}
