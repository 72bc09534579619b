/** Writes buffers to a destination one after the other, while the next ones are filled. */

import type { Destination } from "./destination.ts";
import { LineBuffer } from "./line_buffer.ts";

/** As many may be filled or under way at a time: text takes ten times the memory of the samples that it tells of. */
const BUFFERS = 4;

/** A buffer and when it is free. */
interface Slot {
  readonly buffer: LineBuffer;
  written: Promise<void>;
}

/** A destination with a few buffers, used in turn. */
export class FileSink {
  readonly #destination: Destination;
  readonly #slots: Slot[] = [];
  #next = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: Error | null = null;
  /** Samples whose lines are written. */
  samplesWritten = 0;

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /** The buffer to fill next, the same until it is written. Waits while all are under way; rejects once writing has failed. */
  async take(): Promise<LineBuffer> {
    const slot = this.#slots[this.#next] ??= { buffer: new LineBuffer(), written: Promise.resolve() };
    await slot.written;
    this.#throwFailure();
    return slot.buffer;
  }

  /** Hands over the buffer that `take` gave. */
  write(): void {
    const slot = this.#slots[this.#next]!;
    this.#next = (this.#next + 1) % BUFFERS;
    this.#last = slot.written = this.#writeAfter(this.#last, slot.buffer);
  }

  /** Waits for all writing and closes the destination. Rejects when any of it failed. */
  async close(): Promise<void> {
    await this.#last;
    this.#throwFailure();
    await this.#destination.close();
  }

  async #writeAfter(previous: Promise<void>, buffer: LineBuffer): Promise<void> {
    await previous;
    if (this.#failure !== null) return;
    try {
      await this.#destination.write(buffer.bytes.subarray(0, buffer.length));
      this.samplesWritten += buffer.samples;
      buffer.clear();
    } catch (error) {
      // Whoever takes the next buffer, or closes, is told.
      this.#failure = error as Error;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
