/** Provisioning: test runs whose load comes from here while the service has the rest (`cloud run --local-execution`). */

import { parseIntervalMs } from "../../duration.ts";
import type { Answer } from "./answer.ts";
import { type CloudApi, type CloudClient, jsonBody, SCOPED_REPEATS, V6_REPEATS } from "./cloud_client.ts";
import { CloudApiError, takenBack } from "./cloud_error.ts";
import { readSecretsLocation, type SecretsLocation } from "./secrets_api.ts";
import { ARCHIVE_ADVICE } from "./v1_api.ts";
import type { V6Access } from "./v6_api.ts";

/** What the service is told of a run before it begins. */
export interface LocalExecution {
  readonly maxVus: number;
  /** Whole seconds, with what may follow the end of the scenarios (gracefulStop). */
  readonly durationSeconds: number;
  /** Null: no archive will be uploaded. */
  readonly archiveBytes: number | null;
}

/** A run as the service has made it. */
export interface StartedLocalExecution {
  /** Digits. */
  readonly testRunId: string;
  /** Null: the service wants no archive. The address is a secret: whoever has it may upload. */
  readonly archiveUploadUrl: string | null;
  /** Null: the service names no page. */
  readonly detailsUrl: string | null;
  /** For this test run alone. */
  readonly testRunToken: string;
  readonly metrics: ProvisionedMetrics;
  /** Null: the log stays here. */
  readonly logs: ProvisionedLogs | null;
  /** Null: it has none. */
  readonly secrets: SecretsLocation | null;
  /** Of settings that can't be understood and don't count, one line each. */
  readonly warnings: readonly string[];
}

/** Where metrics go and how; what is null is left to the user's settings. */
export interface ProvisionedMetrics {
  readonly pushUrl: string;
  readonly pushIntervalMs: number | null;
  readonly pushConcurrency: number | null;
  readonly aggregationPeriodMs: number | null;
  readonly aggregationWaitPeriodMs: number | null;
  readonly maxSeriesInBatch: number | null;
}

/** Where the log goes and how; what is null has the defaults of `LogsPushConfig`. */
export interface ProvisionedLogs {
  readonly pushUrl: string;
  readonly level: string | null;
  readonly limit: number | null;
  readonly periodMs: number | null;
  readonly maxMessageBytes: number | null;
  readonly allowedLabels: readonly string[] | null;
}

/** How a run ended: with an error, or null. */
export type LocalExecutionEnd = { readonly code: number; readonly reason: string } | null;

/** Calls for local executions. All reject with a `CloudApiError`; a signal gives them up. */
export class ProvisioningApi {
  readonly #client: CloudClient;
  readonly #access: V6Access & { readonly stackId: number };

  constructor(client: CloudClient, access: V6Access & { readonly stackId: number }) {
    this.#client = client;
    this.#access = access;
  }

  /** Makes a run of a test. One that can't be used, because of what else the answer says, is finished. */
  async startLocalExecution(
    loadTestId: number,
    { maxVus, durationSeconds, archiveBytes }: LocalExecution,
    signal?: AbortSignal,
  ): Promise<StartedLocalExecution> {
    const { token, stackId } = this.#access;
    const api: CloudApi = {
      ...this.#api(),
      authorization: { scheme: "Bearer", token, of: "user" },
      headers: { "X-Stack-Id": String(stackId) },
    };
    const answer = await this.#client.ask(api, {
      purpose: "start the test run",
      method: "POST",
      path: `/load_tests/${loadTestId}/start_local_execution`,
      // As k6, which keeps the options to itself.
      body: jsonBody({ options: {}, max_vus: maxVus, total_duration: durationSeconds, archive_size: archiveBytes }),
      isKeyed: true,
      signal,
    });
    const testRunId = answer.testRunId("test_run_id");
    const runtime = answer.object("runtime_config");
    const testRunToken = runtime.token("test_run_token");
    try {
      return { testRunId, testRunToken, ...readStart(answer, runtime) };
    } catch (error) {
      if (!(error instanceof CloudApiError)) throw error;
      const end = { code: 0, reason: error.message };
      throw await takenBack(error, () => this.notifyEnd(testRunId, testRunToken, end, signal));
    }
  }

  /** Sends the archive to where the service wants it. */
  async uploadArchive(uploadUrl: string, archive: Uint8Array, signal?: AbortSignal): Promise<void> {
    const api: CloudApi = {
      address: uploadUrl,
      addressSource: "what is between here and the storage that the service has named",
      authorization: null,
      repeats: SCOPED_REPEATS,
    };
    await this.#client.send(api, {
      purpose: "upload the archive",
      method: "PUT",
      path: "",
      body: { contentType: "application/x-tar", bytes: archive },
      adviceOn: uploadAdvice,
      signal,
    });
  }

  /** Says that a run has ended; that it has done so already is fine, too: the answer to an attempt before may be lost. */
  async notifyEnd(
    testRunId: string,
    testRunToken: string,
    error: LocalExecutionEnd,
    signal?: AbortSignal,
  ): Promise<void> {
    const api: CloudApi = {
      ...this.#api(),
      authorization: { scheme: "Bearer", token: testRunToken, of: "test run" },
    };
    try {
      await this.#client.send(api, {
        purpose: `finish the test run ${testRunId}`,
        method: "POST",
        path: `/test_runs/${encodeURIComponent(testRunId)}/notify`,
        body: jsonBody({ event_type: "script_execution_completed", error }),
        signal,
      });
    } catch (refusal) {
      if (!(refusal instanceof CloudApiError) || refusal.status !== 409) throw refusal;
    }
  }

  #api(): Pick<CloudApi, "address" | "addressSource" | "repeats"> {
    return {
      address: `${this.#access.host}/provisioning/v1`,
      addressSource: "K6_CLOUD_HOST_V6",
      repeats: V6_REPEATS,
    };
  }
}

/** The address itself is the permission. */
function uploadAdvice(status: number): string | null {
  if (status === 413) return ARCHIVE_ADVICE;
  return [401, 403, 404].includes(status) ? "the address that the service gave for it is not valid (any longer)" : null;
}

function readStart(answer: Answer, runtime: Answer): Omit<StartedLocalExecution, "testRunId" | "testRunToken"> {
  const warnings: string[] = [];
  return {
    archiveUploadUrl: answer.optionalAddress("archive_upload_url"),
    detailsUrl: answer.page("test_run_details_page_url"),
    metrics: readMetrics(runtime.object("metrics"), warnings),
    logs: readLogs(runtime.optionalObject("logs"), warnings),
    secrets: readSecretsLocation(runtime.optionalObject("secrets")),
    warnings,
  };
}

function readMetrics(metrics: Answer, warnings: string[]): ProvisionedMetrics {
  return {
    pushUrl: metrics.address("push_url"),
    pushIntervalMs: readDuration(metrics, "push_interval", warnings),
    pushConcurrency: metrics.optionalNumber("push_concurrency"),
    aggregationPeriodMs: readDuration(metrics, "aggregation_period", warnings),
    aggregationWaitPeriodMs: readDuration(metrics, "aggregation_wait_period", warnings),
    maxSeriesInBatch: metrics.optionalNumber("max_samples_per_package"),
  };
}

function readLogs(logs: Answer | null, warnings: string[]): ProvisionedLogs | null {
  const pushUrl = logs?.optionalAddress("push_url") ?? null;
  if (logs === null || pushUrl === null) return null;
  return {
    pushUrl,
    level: logs.optionalText("level"),
    limit: logs.optionalNumber("limit"),
    periodMs: readDuration(logs, "push_period_seconds", warnings),
    maxMessageBytes: logs.optionalNumber("message_max_size"),
    allowedLabels: logs.optionalTexts("allowed_labels"),
  };
}

/** As in k6, a duration that can't be understood costs a warning, no run. */
function readDuration(object: Answer, name: string, warnings: string[]): number | null {
  const text = object.optionalText(name);
  const durationMs = text === null ? null : parseIntervalMs(text);
  if (text !== null && durationMs === null) {
    warnings.push(`the service's ${name} ${JSON.stringify(text.slice(0, 50))} is no duration and does not count`);
  }
  return durationMs;
}
