/**
 * Tells the cloud which requests carried a trace id, off the virtual users' path: every push interval, and once more at the end.
 * It costs nothing until a script sets a trace id: nothing is loaded, no connection is opened. Whatever becomes of it, the run
 * goes on.
 */

import type { TimeSeries } from "../../../metrics/registry.ts";
import type { SampleBatch } from "../../../metrics/types.ts";
import type { Clock } from "../../clock.ts";
import type { OutputLog } from "../../output.ts";
import type { TracesConfig } from "../config.ts";
import type { Ingester, IngesterRefusal } from "./ingester.ts";
import { type TracedBatch, TracedRequests } from "./traced_requests.ts";

/** What the sender needs to know, and whom it reports to. */
export interface InsightsOptions {
  readonly config: TracesConfig;
  /** Sent as it is; in messages only when it is a number, as the schema has it. */
  readonly testRunId: string;
  /** Null: the service is not told who sends. */
  readonly token: string | null;
  /** The registry's own, growing array. */
  readonly series: readonly TimeSeries[];
  readonly clock: Clock;
  readonly log: OutputLog;
  readonly version: string;
  /** Makes a connection of one's own for each push at a time. Default: `GrpcIngester`, loaded when it is needed. */
  readonly connect?: () => Promise<Ingester>;
}

/** By k6's contract: attempts for one message, how long one takes, how long all of them take, and the first wait in between, which doubles. */
const MOST_ATTEMPTS = 3;
const ATTEMPT_LIMIT_MS = 30_000;
const DELIVERY_LIMIT_MS = 90_000;
const FIRST_BACKOFF_MS = 1000;
/** The part of a wait that is left to chance, up and down. */
const JITTER = 0.1;

/** How long the end of the run waits at most, and for a service that has never taken anything. */
const LAST_PUSH_LIMIT_MS = 15_000;
const STRANGER_LIMIT_MS = 5000;

/** Sends messages and retries them. Life: any number of `addSamples`, `stop`. */
export class InsightsSender {
  readonly #options: InsightsOptions;
  readonly #requests: TracedRequests;
  readonly #connect: () => Promise<Ingester>;
  /** Aborts when the run ends: no more ticks. */
  readonly #stopping = new AbortController();
  /** Aborts when `stop` has used up its time, and when nothing is sent any more. */
  readonly #overdue = new AbortController();
  /** Connections that no push uses. */
  readonly #idle: Ingester[] = [];
  /** Pushes under way. */
  readonly #pushes = new Set<Promise<void>>();
  #ticking: Promise<void> | null = null;
  #isOff: boolean;
  /** Numbers of requests. */
  #told = 0;
  #lost = 0;
  readonly #failures = new Map<string, number>();

  constructor(options: InsightsOptions) {
    this.#options = options;
    this.#requests = new TracedRequests(options.series, options.testRunId);
    this.#connect = options.connect ?? (() => connectToService(options));
    this.#isOff = !options.config.enabled;
  }

  /** Hot; costs a comparison as long as samples have no metadata. */
  addSamples(batch: SampleBatch): void {
    if (batch.metadata === null || this.#isOff) return;
    if (this.#requests.addSamples(batch)) this.#ticking ??= this.#tick();
  }

  /** Forgets what has not been sent, and all that is still to come: the cloud takes no more of this run. */
  discard(): void {
    this.#isOff = true;
    this.#requests.clear();
    this.#overdue.abort();
  }

  /** Sends what is left, for at most 15 seconds; says what did not arrive. Never rejects. */
  async stop(): Promise<void> {
    if (this.#ticking === null) return;
    const { clock } = this.#options;
    const done = new AbortController();
    const limitMs = this.#told > 0 ? LAST_PUSH_LIMIT_MS : STRANGER_LIMIT_MS;
    const watchdog = clock.sleep(limitMs, done.signal).then(() => this.#overdue.abort());
    this.#stopping.abort();
    await this.#ticking;
    this.#requests.close();
    for (this.#push(); this.#pushes.size > 0; this.#push()) await Promise.all(this.#pushes);
    done.abort();
    await watchdog;
    this.#lost += this.#requests.waiting;
    this.#requests.clear();
    for (const ingester of this.#idle) ingester.close();
    this.#summarize();
  }

  async #tick(): Promise<void> {
    const { clock, config: { pushIntervalMs } } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      await clock.sleep(pushIntervalMs, signal);
      if (signal.aborted || this.#isOff) return;
      // While messages wait, the next one had better grow.
      if (this.#requests.complete === 0) this.#requests.close();
      this.#push();
    }
  }

  /** Begins as many pushes as messages ask for and the setting allows. */
  #push(): void {
    if (this.#overdue.signal.aborted) return;
    const { pushConcurrency } = this.#options.config;
    const wanted = Math.min(this.#requests.complete, pushConcurrency - this.#pushes.size);
    for (let i = 0; i < wanted; i++) {
      const push = this.#pushAll().finally(() => this.#pushes.delete(push));
      this.#pushes.add(push);
    }
  }

  /** Delivers messages one after the other until there are none. */
  async #pushAll(): Promise<void> {
    const ingester = this.#idle.pop() ?? await this.#connect();
    const { signal } = this.#overdue;
    for (let batch = this.#requests.take(); batch !== null; batch = signal.aborted ? null : this.#requests.take()) {
      await this.#deliver(batch, ingester);
    }
    this.#idle.push(ingester);
  }

  async #deliver(batch: TracedBatch, ingester: Ingester): Promise<void> {
    const { clock, log, config } = this.#options;
    const { signal } = this.#overdue;
    const deadlineMs = clock.now() + DELIVERY_LIMIT_MS;
    let backoffMs = FIRST_BACKOFF_MS;
    for (let attempt = 1;; attempt++, backoffMs *= 2) {
      const beganMs = clock.now();
      const answer = await ingester.create(batch.body, Math.min(ATTEMPT_LIMIT_MS, deadlineMs - beganMs), signal);
      const tookMs = Math.round(clock.now() - beganMs);
      const what = `attempt ${attempt}, ${batch.requests} traced requests, ${batch.body.length} B`;
      log.debug(
        `cloud: gRPC ${config.host}: ${answer.kind === "taken" ? "taken" : answer.cause} after ${tookMs} ms (${what})`,
      );
      if (answer.kind === "taken") {
        this.#told += batch.requests;
        return;
      }
      const mayPass = answer.kind === "busy" || answer.kind === "unreachable";
      const waitMs = backoffMs * (1 + JITTER * (2 * Math.random() - 1));
      const isLast = !mayPass || attempt === MOST_ATTEMPTS || clock.now() + waitMs >= deadlineMs;
      if (!isLast) await clock.sleep(waitMs, signal);
      if (isLast || signal.aborted) return this.#lose(batch, answer);
    }
  }

  /** A message is given up. Where no other would fare better, all are. */
  #lose({ requests }: TracedBatch, { kind, cause, detail }: IngesterRefusal): void {
    this.#lost += requests;
    if (this.#isOff) return;
    const { log, config: { host } } = this.#options;
    const why = cause + (detail && `: ${detail}`);
    if (kind === "unwelcome" || kind === "unreachable" && this.#told === 0) {
      this.discard();
      log.warn(
        `cloud output: cannot tell ${host} which requests had trace ids (${why}), and does not try again in this run: ` +
          "check K6_CLOUD_TRACES_HOST and the token, or set K6_CLOUD_TRACES_ENABLED=false",
      );
      return;
    }
    const count = this.#failures.get(cause) ?? 0;
    this.#failures.set(cause, count + 1);
    if (count === 0) {
      log.warn(`cloud output: ${host} was not told of ${requests} traced request${requests === 1 ? "" : "s"}: ${why}`);
    }
  }

  #summarize(): void {
    const { log, config: { host } } = this.#options;
    const { leftOut } = this.#requests;
    const missing = this.#lost + leftOut;
    const all = this.#told + missing;
    if (this.#isOff) return;
    if (missing === 0) return log.debug(`cloud output: ${host} was told of ${all} requests with trace ids`);
    const causes = [
      ...Array.from(this.#failures, ([cause, count]) => `${cause} ×${count}`),
      ...leftOut > 0 ? [`no room for ${leftOut}`] : [],
    ];
    log.warn(
      `cloud output: ${missing} of ${all} requests with trace ids are missing at ${host} (${causes.join(", ")})`,
    );
  }
}

/** Loads the client on the way: most runs never need it. */
async function connectToService(options: InsightsOptions): Promise<Ingester> {
  const { GrpcIngester } = await import("./ingester.ts");
  return new GrpcIngester({ ...options, host: options.config.host });
}
