/**
 * The life of a run whose load comes from here, as the cloud's provisioning has it (`cloud run --local-execution`): it is made with
 * addresses and a token of its own for metrics, logs and secrets, and the cloud is told when the script has been executed.
 */

import { type Clock, systemClock } from "../clock.ts";
import { parseLevel } from "../log_line.ts";
import { type OutputContext, OutputError } from "../output.ts";
import type { EndReason, RunEnding } from "../run_facts.ts";
import type { CloudClient } from "./api/cloud_client.ts";
import { CloudApiError } from "./api/cloud_error.ts";
import {
  type LocalExecutionEnd,
  type ProvisionedLogs,
  type ProvisionedMetrics,
  ProvisioningApi,
  type StartedLocalExecution,
} from "./api/provisioning_api.ts";
import { V6Api } from "./api/v6_api.ts";
import type { CloudConfig, LogsPushConfig } from "./config.ts";
import { JoinedRun, ownSecrets } from "./joined_life_cycle.ts";
import { type LifeCycle, type NewTest, RunAbandoned, runOfId, type StartedRun } from "./life_cycle.ts";
import { loadTestIdentity } from "./load_test_identity.ts";
import { LogPush } from "./logs/log_push.ts";

/** The life cycle that the settings ask for; throws an `OutputError` when they don't say who asks. */
export function localLifeCycle(config: CloudConfig, client: CloudClient, context: OutputContext): LifeCycle {
  return config.pushRefId === null
    ? new LocalRun(config, client, context)
    : new JoinedRun(config.pushRefId, config, context);
}

/** A run that this instance makes and finishes. */
export class LocalRun implements LifeCycle {
  readonly #config: CloudConfig;
  readonly #context: OutputContext;
  readonly #clock: Clock;
  readonly #v6: V6Api;
  readonly #provisioning: ProvisioningApi;
  #token = "";
  #logs: LogPush | null = null;

  constructor(config: CloudConfig, client: CloudClient, context: OutputContext, clock: Clock = systemClock) {
    const access = { host: config.hostV6, ...credentials(config) };
    this.#config = config;
    this.#context = context;
    this.#clock = clock;
    this.#v6 = new V6Api(client, access);
    this.#provisioning = new ProvisioningApi(client, access);
  }

  async start(test: NewTest, signal: AbortSignal): Promise<StartedRun> {
    const { maxVus, durationSeconds } = test;
    const warn = (message: string) => this.#context.log.warn(`cloud output: ${message}`);
    const { name, projectId } = loadTestIdentity(this.#config, test.name, warn);
    const archive = test.archive?.() ?? null;
    const { id } = await this.#v6.provideLoadTest(projectId, name, null, signal);
    const archiveBytes = archive?.length ?? null;
    const execution = { maxVus, durationSeconds, archiveBytes };
    const started = await this.#provisioning.startLocalExecution(id, execution, signal);
    this.#token = started.testRunToken;
    this.#context.redact(started.testRunToken);
    try {
      return await this.#ready(started, archive, signal);
    } catch (error) {
      if (error instanceof RunAbandoned || !(error instanceof OutputError || error instanceof CloudApiError)) {
        throw error;
      }
      throw await this.#abandon(started.testRunId, error, signal);
    }
  }

  async finish({ id }: StartedRun, ending: RunEnding, signal: AbortSignal): Promise<void> {
    await this.#logs?.close();
    await this.#provisioning.notifyEnd(id, this.#token, errorOf(ending), signal);
  }

  /** Makes the run ready to take metrics. */
  async #ready(
    started: StartedLocalExecution,
    archive: Uint8Array | null,
    signal: AbortSignal,
  ): Promise<StartedRun> {
    const { testRunId, testRunToken, archiveUploadUrl, detailsUrl, metrics, logs, secrets, warnings } = started;
    const { log, launch } = this.#context;
    for (const warning of warnings) log.warn(`cloud output: ${warning}`);
    if (archive !== null && archiveUploadUrl !== null) {
      await this.#provisioning.uploadArchive(archiveUploadUrl, archive, signal);
    } else if (archive !== null) {
      log.warn("cloud output: the service names no place for the archive: the script and its files stay here");
    }
    await this.#initializing(testRunId, signal);
    if (logs !== null && launch.pushesLogs) {
      this.#logs = new LogPush(logsConfig(logs, testRunToken), testRunId, this.#context);
    }
    return {
      ...runOfId(testRunId),
      override: overrideOf(metrics),
      push: { pushUrl: metrics.pushUrl, testRunToken },
      secrets: launch.readsSecrets
        ? ownSecrets(this.#config, testRunToken) ?? (secrets === null ? null : { ...secrets, token: testRunToken })
        : null,
      pageUrl: detailsUrl,
    };
  }

  /** Resolves once the service is ready for the run; asks every two seconds. */
  async #initializing(testRunId: string, signal: AbortSignal): Promise<void> {
    for (let looks = 1;; looks++) {
      const { status, history } = await this.#v6.testRun(testRunId, signal);
      if (READY.includes(status)) return;
      if (OVER.includes(status)) {
        const reason = history.findLast(({ message }) => message !== null)?.message ?? `its status is ${status}`;
        throw new RunAbandoned(`cloud output: the test run ${testRunId} ended before it began: ${reason}`);
      }
      if (looks === PATIENT_LOOKS) {
        this.#context.log.info(`cloud output: waiting until the service is ready for the test run, which is ${status}`);
      }
      await this.#clock.sleep(POLL_MS, signal);
      if (signal.aborted) throw new OutputError(`cloud output: the test run ${testRunId} was given up before it began`);
    }
  }

  /** A run that will not begin must not look as if it went on. Resolves to what the user has to hear of: not whether this succeeds. */
  async #abandon(testRunId: string, cause: OutputError | CloudApiError, stopped: AbortSignal): Promise<Error> {
    const error = { code: stopped.aborted ? CODES.byUser : CODES.other, reason: cause.message };
    try {
      await this.#provisioning.notifyEnd(testRunId, this.#token, error, AbortSignal.timeout(ABANDON_MS));
      return new RunAbandoned(cause instanceof OutputError ? cause.message : `cloud output: ${cause.message}`, {
        cause,
      });
    } catch (failure) {
      if (!(failure instanceof CloudApiError)) throw failure;
      this.#context.log.debug(`cloud output: ${failure.message}`);
      return cause;
    }
  }
}

const READY = ["initializing", "running"];
const OVER = ["completed", "aborted"];
const POLL_MS = 2000;

/** From then on the user should know what is waited for. */
const PATIENT_LOOKS = 3;

/** For telling that a run will not begin. */
const ABANDON_MS = 10_000;

/** The service's codes for what ended a run. */
const CODES = { other: 0, byLimit: 8034, byScriptError: 8035, byUser: 8036 } as const;

const CODE_OF: Readonly<Record<EndReason, number | null>> = {
  "finished": null,
  "marked-failed": CODES.other,
  "threshold": CODES.byUser,
  "interrupted": CODES.byUser,
  "rest-api": CODES.byUser,
  "script-abort": CODES.byUser,
  "script-error": CODES.byScriptError,
  "timeout": CODES.byLimit,
  "output": CODES.byLimit,
  "system": CODES.other,
};

/** How the service is told of an ending; it finds out by itself whether thresholds have failed. */
export function errorOf({ reason, message }: Pick<RunEnding, "reason" | "message">): LocalExecutionEnd {
  const code = CODE_OF[reason];
  return code === null ? null : { code, reason: message || `the test ended early (${reason})` };
}

function credentials({ token, stackId }: CloudConfig): { readonly token: string; readonly stackId: number } {
  if (token !== null && stackId !== null) return { token, stackId };
  const missing = [token === null ? "a token" : "", stackId === null ? "a stack" : ""].filter((what) => what !== "");
  throw new OutputError(
    `cloud output: a local execution needs ${
      missing.join(" and ")
    }: \`k6d cloud login\` stores both; K6_CLOUD_TOKEN and ` +
      "K6_CLOUD_STACK_ID come before it",
  );
}

/** What the service says of the metrics, as settings. */
function overrideOf(metrics: ProvisionedMetrics): Readonly<Record<string, number | null>> {
  const { pushIntervalMs, pushConcurrency, aggregationPeriodMs, aggregationWaitPeriodMs, maxSeriesInBatch } = metrics;
  return {
    metricPushInterval: pushIntervalMs,
    metricPushConcurrency: pushConcurrency,
    aggregationPeriod: aggregationPeriodMs,
    aggregationWaitPeriod: aggregationWaitPeriodMs,
    maxTimeSeriesInBatch: maxSeriesInBatch,
  };
}

function logsConfig(logs: ProvisionedLogs, token: string): LogsPushConfig {
  const { pushUrl, level, limit, periodMs, maxMessageBytes, allowedLabels } = logs;
  return {
    url: pushUrl,
    token,
    level: level === null ? null : parseLevel(level),
    limit: atLeastOne(limit) ?? 100,
    periodMs: periodMs ?? 1000,
    maxMessageBytes: atLeastOne(maxMessageBytes) ?? 1 << 20,
    allowedLabels: allowedLabels === null ? null : new Set(allowedLabels),
  };
}

/** A number that makes sense; null for others. */
function atLeastOne(number: number | null): number | null {
  return number !== null && number >= 1 ? number : null;
}
