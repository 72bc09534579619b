/** A histogram in the form in which it is told, whatever the encoding: counts, and spans that say which buckets they belong to. */

import type { BucketColumns, CloudHistogram } from "./histogram.ts";

/** Columns that are filled again for each histogram. Of the spans only the first `spans` entries count. */
export class HistogramColumns implements BucketColumns {
  length = 0;
  indexes = new Uint16Array(256);
  counts = new Uint32Array(256);
  spans = 0;
  /** How many buckets are left out before a span: of the first, its first bucket's index. */
  readonly spanOffsets: number[] = [];
  /** How many buckets follow each other in a span. */
  readonly spanLengths: number[] = [];

  /** Fills the columns. */
  read(histogram: CloudHistogram): void {
    histogram.readBuckets(this);
    const { length, indexes, spanOffsets, spanLengths } = this;
    let spans = 0;
    let next = 0;
    for (let i = 0; i < length; i++) {
      const index = indexes[i]!;
      if (i > 0 && index === next) {
        spanLengths[spans - 1]!++;
      } else {
        spanOffsets[spans] = index - next;
        spanLengths[spans++] = 1;
      }
      next = index + 1;
    }
    this.spans = spans;
  }
}
