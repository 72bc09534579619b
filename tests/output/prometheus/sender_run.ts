/** A sender whose time passes only when a test says so, and whose receiver answers as a test says. */

import { MetricRegistry } from "../../../src/metrics/registry.ts";
import { RemoteWriteSender, type SenderOptions } from "../../../src/output/prometheus/sender.ts";
import { DEFAULT_SERIES_OPTIONS, SeriesStates } from "../../../src/output/prometheus/series_state.ts";
import { type HttpResponse, TransportError } from "../../../src/output/http_client.ts";
import type { BodyFormat } from "../../../src/output/prometheus/transport.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { decodeRequestV2, decodeWriteRequest, type ReceivedSeries } from "../../support/write_request_decoder.ts";

/** What the receiver does: answer, fail with a reason, or hang until it is given up. */
export type Scripted =
  | number
  | string
  | {
    readonly status: number;
    readonly retryAfterMs?: number;
    readonly text?: string;
    readonly headers?: Record<string, string>;
  };

/** A request as the receiver saw it. */
interface Post {
  readonly atMs: number;
  readonly version: string;
  readonly series: ReceivedSeries[];
  accepted: boolean;
}

/** A sender with a fake clock; its receiver takes the next of `answers`, or what `respond` says, or stores everything. */
export class SenderRun {
  readonly clock = new FakeClock();
  readonly startMs = this.clock.nowMs;
  readonly answers: Scripted[] = [];
  readonly posts: Post[] = [];
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  readonly details: string[] = [];
  readonly sender: RemoteWriteSender;
  respond: (series: readonly ReceivedSeries[], version: string) => Scripted = () => 204;
  /** How long every answer takes. */
  delayMs = 0;
  mostInFlight = 0;
  closed = false;
  /** How far the samples' clock is ahead of the sender's. */
  sampleClockAheadMs = 0;
  readonly #registry = new MetricRegistry(() => {});
  readonly #states = new SeriesStates(this.#registry.series, { ...DEFAULT_SERIES_OPTIONS, trendStats: [] }, () => {});
  readonly #ids = new Map<string, number>();
  #inFlight = 0;

  constructor(options: Partial<SenderOptions> = {}) {
    const log = {
      debug: (message: string) => this.details.push(message),
      info: (message: string) => this.infos.push(message),
      warn: (message: string) => this.warnings.push(message),
      error: (message: string) => this.errors.push(message),
    };
    const transport = {
      post: (body: Uint8Array, timeoutMs: number, signal: AbortSignal, format?: BodyFormat) =>
        this.#post(body, timeoutMs, signal, format?.version ?? ""),
      close: () => this.closed = true,
    };
    this.sender = new RemoteWriteSender(
      this.#states,
      transport,
      {
        pushIntervalMs: 5000,
        timeoutMs: 15_000,
        protocolVersion: "1.0",
        batchSize: 1000,
        staleMarkers: true,
        metadata: false,
        receiver: "http://receiver",
        ...options,
      },
      log,
      this.clock,
    );
    this.sender.start();
  }

  /** A sample of the counter `k6_iterations_total{s="<series>"}`. */
  count(value: number, series = "0"): void {
    const metric = this.#registry.metric("iterations")!;
    const known = this.#ids.get(series);
    const id = known ?? this.#ids.size;
    this.#ids.set(series, id);
    this.#states.addSamples(this.#registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(id),
      times: Float64Array.of(this.clock.nowMs + this.sampleClockAheadMs),
      values: Float64Array.of(value),
      newMetrics: [],
      newSeries: known === undefined ? [{ id, metric: metric.id, tags: [["s", series]] }] : [],
      metadata: null,
    }));
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Ends the run, however long that takes; gives the milliseconds that it took. */
  async stop(): Promise<number> {
    const startedMs = this.clock.nowMs;
    let tookMs: number | null = null;
    const stopped = this.sender.stop().then(() => tookMs = this.clock.nowMs - startedMs);
    while (tookMs === null) await this.advance(100);
    await stopped;
    return tookMs;
  }

  accepted(): Post[] {
    return this.posts.filter(({ accepted }) => accepted);
  }

  /** The value of the first series of each request. */
  values(): (number | undefined)[] {
    return this.posts.map(({ series }) => series[0]?.samples[0]?.value);
  }

  async #post(body: Uint8Array, timeoutMs: number, signal: AbortSignal, version: string): Promise<HttpResponse> {
    const series = version === "2.0.0" ? decodeRequestV2(body, { metadata: false }) : decodeWriteRequest(body);
    const post = { atMs: this.clock.nowMs, version, series, accepted: false };
    const answer = this.answers.shift() ?? this.respond(post.series, version);
    this.posts.push(post);
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    try {
      const takesMs = answer === "hang" ? Infinity : this.delayMs;
      if (takesMs > 0) await this.clock.sleep(Math.min(takesMs, timeoutMs), signal);
      if (signal.aborted) throw new TransportError("no answer before the end of the run");
      if (takesMs > timeoutMs) throw new TransportError("no answer in time");
      if (typeof answer === "string") throw new TransportError(answer);
      const { status, retryAfterMs = null, text = "", headers = {} } = typeof answer === "number"
        ? { status: answer }
        : answer;
      post.accepted = status < 300;
      return { status, headers, retryAfterMs, text, content: new Uint8Array() };
    } finally {
      this.#inFlight--;
    }
  }
}
