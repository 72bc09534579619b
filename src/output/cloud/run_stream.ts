/** What a run tells the cloud while it goes on: its metrics, and which requests had trace ids. */

import type { SampleBatch } from "../../metrics/types.ts";
import type { Clock } from "../clock.ts";
import type { OutputContext } from "../output.ts";
import type { CloudClient } from "./api/cloud_client.ts";
import { CloudApiError } from "./api/cloud_error.ts";
import { MetricsApi } from "./api/metrics_api.ts";
import { type CloudConfig, metricsFormat } from "./config.ts";
import { InsightsSender } from "./insights/insights_sender.ts";
import type { StartedRun } from "./life_cycle.ts";
import { MetricFlushes } from "./metrics/metric_flushes.ts";
import { MessageWriter, type MetricMessage } from "./metrics/metric_message.ts";
import { MetricPusher, type PushFailure, type PushOutcome } from "./metrics/metric_pusher.ts";

/** At the end: for what was under way, then once more for what had not been flushed. */
const DRAIN_MS = 15_000;

/** Statuses of services that can't do anything at the moment: too many requests, and what proxies say of servers. */
const UNAVAILABLE = [429, 502, 503, 504];

/** The longest that `stop` takes. */
export const STREAM_STOP_MS = 2 * DRAIN_MS;

/** Life: samples, then `stop`. */
export class RunStream {
  readonly #client: CloudClient;
  readonly #api: MetricsApi;
  readonly #pusher: MetricPusher;
  readonly #flushes: MetricFlushes;
  readonly #insights: InsightsSender;

  /** `client` is the stream's own: it closes it. */
  constructor(
    { id, push }: StartedRun,
    config: CloudConfig,
    client: CloudClient,
    context: OutputContext,
    clock: Clock,
  ) {
    const { log, registry, version } = context;
    this.#client = client;
    this.#api = push === null ? MetricsApi.ofUser(client, config, id) : MetricsApi.ofTestRun(client, push);
    this.#pusher = new MetricPusher({
      writer: new MessageWriter({
        testRunId: id,
        periodSeconds: config.aggregationPeriodMs / 1000,
        format: metricsFormat(config, this.#api.url),
        compressed: !config.noCompress,
      }),
      push: (message, signal) => this.#push(message, signal),
      concurrency: config.metricPushConcurrency,
      clock,
      log,
      onUnwanted: (reason) => this.#end(reason, config, context),
    });
    this.#flushes = new MetricFlushes(registry.series, {
      periodMs: config.aggregationPeriodMs,
      waitMs: config.aggregationWaitPeriodMs,
      pushIntervalMs: config.metricPushIntervalMs,
      maxSeries: config.maxTimeSeriesInBatch,
      clock,
      warn: (message) => log.warn(`cloud output: ${message}`),
      deliver: (sets) => this.#pusher.deliver(sets),
    });
    this.#flushes.start();
    const { traces, token } = config;
    const { series } = registry;
    this.#insights = new InsightsSender({ config: traces, testRunId: id, token, series, clock, log, version });
  }

  /** Hot. */
  addSamples(batch: SampleBatch): void {
    this.#flushes.addSamples(batch);
    this.#insights.addSamples(batch);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#stopMetrics(), this.#insights.stop()]);
    this.#client.close();
  }

  async #stopMetrics(): Promise<void> {
    await this.#flushes.stop();
    await this.#pusher.drain(DRAIN_MS);
    this.#pusher.deliver(this.#flushes.takeRest());
    await this.#pusher.drain(DRAIN_MS);
    this.#pusher.report();
  }

  async #push(message: MetricMessage, signal: AbortSignal): Promise<PushOutcome> {
    try {
      await this.#api.push(message, signal);
      return { kind: "delivered" };
    } catch (error) {
      if (!(error instanceof CloudApiError)) throw error;
      const { message: text, status, code } = error;
      const cause = status === null ? "no answer" : `status ${status}${code === null ? "" : `, code ${code}`}`;
      return { kind: this.#kindOf(error), message: text, cause };
    }
  }

  #kindOf({ isStopOrder, isNeverSent, status }: CloudApiError): PushFailure["kind"] {
    if (isStopOrder) return "unwanted";
    // Without a key, what may have arrived could count twice.
    if (!this.#api.isKeyed && !isNeverSent) return "refused";
    if (status === null || UNAVAILABLE.includes(status)) return "unavailable";
    return status >= 500 ? "failing" : "refused";
  }

  /** The service takes no more. */
  #end(reason: string, { stopOnError }: CloudConfig, { log, stopRun }: OutputContext): void {
    this.#flushes.discard();
    this.#insights.discard();
    if (stopOnError) stopRun(`cloud output: ${reason} (stopOnError)`);
    else log.warn(`cloud output: ${reason}: the test goes on without sending metrics`);
  }
}
