/**
 * The cloud output: makes a test run known to a k6 cloud, streams its metrics there, and says how it ended. Who makes and finishes the
 * run is the life cycle's business.
 */

import type { SampleBatch } from "../../metrics/types.ts";
import { type Clock, systemClock } from "../clock.ts";
import { LONGEST_TIMER_MS } from "../duration.ts";
import { type Output, type OutputContext, OutputError } from "../output.ts";
import type { RemoteRun, RunEnding } from "../run_facts.ts";
import { longEnough } from "../secrets.ts";
import { CloudApiError } from "./api/cloud_error.ts";
import { CloudClient } from "./api/cloud_client.ts";
import { ClockCheck } from "./clock_check.ts";
import { assertLimits, type CloudConfig, pageOfRun, readConfig } from "./config.ts";
import { type LifeCycle, type LifeCycleFactory, type NewTest, RunAbandoned, type StartedRun } from "./life_cycle.ts";
import { localLifeCycle } from "./local_life_cycle.ts";
import { RunStream, STREAM_STOP_MS } from "./run_stream.ts";
import type { CloudSources } from "./setting_sources.ts";
import { checkStart } from "./start_checks.ts";
import { v1LifeCycle } from "./v1_life_cycle.ts";

/** For making a run, beside the time of the calls, each of which has its limit: a service may take a while to be ready. */
const START_MS = 300_000;
/** How long a run that was stopped while it was being made waits for the service's answer, so that it can be finished there. */
const STOPPED_START_MS = 5000;
/** For telling the end, repeats included. */
const FINISH_MS = 60_000;

/** After so long the user is told what is waited for. */
const SLOW_MS = 5000;

/** Marks the lines that the service wants to have shown. */
const SERVICE_FIELDS = { source: "grafana-k6-cloud" };

/** Makes the output from its settings (see `config.ts`); throws an `OutputError` when they are wrong, or the test can't be taken. */
export function createCloudOutput(
  context: OutputContext,
  lifeCycleOf: LifeCycleFactory = context.launch.isLocalExecution ? localLifeCycle : v1LifeCycle,
  clock: Clock = systemClock,
): Output {
  return new CloudOutput(context, lifeCycleOf, clock);
}

class CloudOutput implements Output {
  readonly remoteRun: Promise<RemoteRun>;
  readonly limits: { readonly startMs: number; readonly stopMs: number };
  readonly secrets: readonly string[];
  readonly #context: OutputContext;
  readonly #clock: Clock;
  readonly #clockCheck: ClockCheck;
  readonly #test: NewTest;
  readonly #client: CloudClient;
  readonly #lifeCycle: LifeCycle;
  readonly #becomesKnown: (run: RemoteRun) => void;
  /** As the service has changed it, once it has. */
  #config: CloudConfig;
  #starting: Promise<void> = Promise.resolve();
  /** Aborts when a run that is being made is waited for no longer. */
  readonly #startOverdue = new AbortController();
  #run: StartedRun | null = null;
  #stream: RunStream | null = null;

  constructor(context: OutputContext, lifeCycleOf: LifeCycleFactory, clock: Clock) {
    const config = readConfig(sourcesOf(context));
    this.#context = context;
    this.#clock = clock;
    this.#clockCheck = new ClockCheck(clock, context.log);
    this.#config = config;
    this.secrets = config.secrets;
    this.#test = newTest(config, context);
    for (const warning of config.warnings) context.log.warn(`cloud output: ${warning}`);
    this.#client = this.#newClient(config);
    this.#lifeCycle = lifeCycleOf(config, this.#client, context);
    this.limits = {
      startMs: Math.min(10 * config.timeoutMs + START_MS, LONGEST_TIMER_MS),
      stopMs: STOPPED_START_MS + STREAM_STOP_MS + FINISH_MS + 10_000,
    };
    const { promise, resolve } = Promise.withResolvers<RemoteRun>();
    this.remoteRun = promise;
    this.#becomesKnown = resolve;
  }

  get description(): string {
    return this.#run === null ? "cloud" : `cloud (${this.#pageOf(this.#run)})`;
  }

  async start(): Promise<void> {
    this.#starting = this.#start();
    await this.#starting;
  }

  addSamples(batch: SampleBatch): void {
    this.#stream?.addSamples(batch);
  }

  async stop(ending: RunEnding): Promise<void> {
    await this.#startIsOver();
    const run = this.#run;
    if (run !== null) {
      await this.#patiently(this.#stopRun(run, ending), "takes the last metrics and the end of the test run");
      this.#context.log.info(`cloud output: the test run is at ${this.#pageOf(run)}`);
    }
    this.#client.close();
  }

  async #stopRun(run: StartedRun, ending: RunEnding): Promise<void> {
    await this.#stream?.stop();
    await this.#finish(run, ending);
  }

  async #start(): Promise<void> {
    const run = await this.#patiently(this.#make(), "makes the test run");
    // From now on `stop` finishes the run, also when its settings turn out to be unusable.
    this.#run = run;
    const { redact } = this.#context;
    longEnough([run.push?.testRunToken ?? "", run.secrets?.token ?? ""]).forEach(redact);
    for (const { level, message } of run.messages) this.#echo(level, message);
    if (run.override !== undefined) this.#config = overridden(this.#context, run.override);
    this.#config.secrets.forEach(redact);
    // A client of its own: the service may have changed what the first one was made from.
    const client = this.#newClient(this.#config);
    this.#stream = new RunStream(run, this.#config, client, this.#context, this.#clock);
    this.#becomesKnown({ id: run.id, secrets: run.secrets });
  }

  async #make(): Promise<StartedRun> {
    try {
      return await this.#lifeCycle.start(this.#test, this.#startOverdue.signal);
    } catch (error) {
      if (error instanceof CloudApiError) throw new OutputError(`cloud output: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** Says what is waited for, once that takes long. */
  async #patiently<T>(work: Promise<T>, what: string): Promise<T> {
    const over = new AbortController();
    this.#clock.sleep(SLOW_MS, over.signal).then(() => {
      if (!over.signal.aborted) this.#context.log.info(`cloud output: waiting until the service ${what}`);
    });
    try {
      return await work;
    } finally {
      over.abort();
    }
  }

  /** A line that the service wants the user to see. */
  #echo(level: string, message: string): void {
    const { log } = this.#context;
    const known = level === "warning" ? "warn" : level;
    log[known === "debug" || known === "info" || known === "warn" ? known : "error"](message, SERVICE_FIELDS);
  }

  /** A run that is being made when the test is stopped is waited for: nobody else could finish it. */
  async #startIsOver(): Promise<void> {
    const over = new AbortController();
    this.#clock.sleep(STOPPED_START_MS, over.signal).then(() => {
      if (!over.signal.aborted) this.#startOverdue.abort();
    });
    // Who started it is told when it failed.
    const [start] = await Promise.allSettled([this.#starting]);
    over.abort();
    const isAbandoned = start.status === "rejected" && start.reason instanceof RunAbandoned;
    if (isAbandoned || !this.#startOverdue.signal.aborted) return;
    this.#context.log.warn(
      "cloud output: no answer to the creation of the test run before the end: the cloud may have a run that nobody finishes",
    );
  }

  async #finish(run: StartedRun, ending: RunEnding): Promise<void> {
    const limit = new AbortController();
    const finished = new AbortController();
    this.#clock.sleep(FINISH_MS, finished.signal).then(() => limit.abort());
    try {
      await this.#lifeCycle.finish(run, ending, limit.signal);
    } catch (error) {
      if (!(error instanceof CloudApiError || error instanceof OutputError)) throw error;
      this.#context.log.warn(`cloud output: ${error.message}; the cloud may show the run as if it went on`);
    } finally {
      finished.abort();
    }
  }

  #newClient({ timeoutMs, metricPushConcurrency }: CloudConfig): CloudClient {
    return new CloudClient({
      version: this.#context.version,
      log: this.#context.log,
      env: this.#context.env,
      timeoutMs,
      connections: metricPushConcurrency,
      clock: this.#clock,
      onServerTime: (serverEpochMs) => this.#clockCheck.compare(serverEpochMs),
    });
  }

  #pageOf({ id, pageUrl }: StartedRun): string {
    return pageOfRun(this.#config, id, pageUrl);
  }
}

function newTest(config: CloudConfig, { test }: OutputContext): NewTest {
  return {
    name: checkStart(config, test),
    projectId: config.projectId,
    maxVus: test.maxVus,
    durationSeconds: Math.ceil(test.durationMs / 1000),
    thresholds: test.thresholds,
    archive: config.noArchiveUpload ? null : () => packed(test.archive),
  };
}

function packed(archive: () => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  try {
    return archive();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const advice = "--no-archive-upload runs the test without sending it to the cloud";
    throw new OutputError(`cloud output: cannot pack the test: ${error.message}; ${advice}`, { cause: error });
  }
}

/** The settings with what the service has changed. Throws an `OutputError` when that makes no sense. */
function overridden(context: OutputContext, override: unknown): CloudConfig {
  try {
    const config = readConfig({ ...sourcesOf(context), override });
    assertLimits(config);
    return config;
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    throw new OutputError(`${error.message}; ask those who run the service`, { cause: error });
  }
}

function sourcesOf({ noArchiveUpload, ...context }: OutputContext): CloudSources {
  return { ...context, flags: noArchiveUpload === undefined ? {} : { noArchiveUpload } };
}
