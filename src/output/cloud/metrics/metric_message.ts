/** Metric sets as they are sent: encoded in the format that the service takes, and compressed. */

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { nextTurn } from "../../clock.ts";
import { newIdempotencyKey } from "../api/cloud_client.ts";
import type { MetricsPush } from "../api/metrics_api.ts";
import { createEncoder, type EncoderOptions, type MetricSetEncoder, type MetricsFormat } from "./metric_set_encoder.ts";
import type { MetricSet } from "./metric_sets.ts";
import { snappyInSteps } from "./snappy.ts";

/** A message, ready to be sent. */
export interface MetricMessage extends MetricsPush {
  /** Size before it was compressed. */
  readonly encodedBytes: number;
  /** Time series in it. */
  readonly series: number;
}

/** How long encoding goes on before other work has its turn. */
const TURN_MS = 5;

/** What all messages of a run have in common. */
export interface MessageOptions extends EncoderOptions {
  readonly format: MetricsFormat;
  readonly compressed: boolean;
}

/** Makes the messages of a run, one after the other. */
export class MessageWriter {
  readonly #encoder: MetricSetEncoder;
  readonly #encoding: MetricMessage["contentEncoding"];

  constructor({ format, compressed, ...identity }: MessageOptions) {
    this.#encoder = createEncoder(format, identity);
    this.#encoding = compressed ? ENCODINGS[format] : null;
  }

  /** Begins in a turn of the main thread of its own, and takes some milliseconds of each. One at a time. */
  async write(set: MetricSet): Promise<MetricMessage> {
    const encoded = await inTurns(this.#encoder.encode(set));
    return {
      bytes: this.#encoding === null ? encoded.slice() : await COMPRESS[this.#encoding](encoded),
      encodedBytes: encoded.length,
      contentType: this.#encoder.contentType,
      contentEncoding: this.#encoding,
      idempotencyKey: newIdempotencyKey(),
      series: set.seriesCount,
    };
  }
}

const ENCODINGS = { protobuf: "snappy", json: "gzip" } as const satisfies Record<MetricsFormat, string>;

/** Does what comes in steps, in turns of its own. */
async function inTurns<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (;;) {
    await nextTurn();
    const untilMs = performance.now() + TURN_MS;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < untilMs);
  }
}

const gzipped = promisify<Uint8Array, { readonly level: number }, Uint8Array>(gzip);

const COMPRESS = {
  snappy: (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> => inTurns(snappyInSteps(bytes)),
  /**
   * Level 3 takes a quarter of the time of the usual level, and makes a seventh more bytes. Deno does all of it in one turn of the thread
   * that asks.
   */
  async gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    await nextTurn();
    return await gzipped(bytes, { level: 3 });
  },
};
