/** Samples that wait to be sent, as the batches in which they came; bounded, so that an absent server costs no memory. */

import type { SampleBatch } from "../../metrics/types.ts";

/** What a batch takes beside its samples, in samples. */
const BATCH_OVERHEAD = 32;

/** The samples `from` up to (not with) `to` of a batch. */
export interface SampleRange {
  readonly batch: SampleBatch;
  readonly from: number;
  readonly to: number;
}

/** A queue of samples. */
export class Backlog {
  readonly #limit: number;
  #batches: SampleBatch[] = [];
  /** Where the queue begins: a batch, and a sample of it. */
  #first = 0;
  #firstSample = 0;
  #length = 0;
  /** Samples that found no place. */
  dropped = 0;

  /** `limit`: the number of samples from which on no further batch is taken in. Short batches count for more than they hold. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of samples. */
  get length(): number {
    return this.#length;
  }

  /** Takes a batch in, or drops it when there are too many already. */
  add(batch: SampleBatch): void {
    if (batch.length === 0) return;
    if (this.#length + (this.#batches.length - this.#first) * BATCH_OVERHEAD >= this.#limit) {
      this.dropped += batch.length;
      return;
    }
    this.#batches.push(batch);
    this.#length += batch.length;
  }

  /** Takes the oldest samples out, `most` at the most. */
  take(most: number): SampleRange[] {
    const ranges: SampleRange[] = [];
    for (let left = Math.min(most, this.#length); left > 0;) {
      const batch = this.#batches[this.#first]!;
      const from = this.#firstSample;
      const to = Math.min(batch.length, from + left);
      ranges.push({ batch, from, to });
      left -= to - from;
      this.#length -= to - from;
      this.#firstSample = to;
      if (to === batch.length) this.#next();
    }
    return ranges;
  }

  #next(): void {
    this.#firstSample = 0;
    this.#first++;
    // Batches that were taken are let go once they are the greater part.
    if (this.#first * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#first);
    this.#first = 0;
  }
}
