/** The first API: the life of a test run whose results are streamed (`run --out cloud`). */

import type { Answer } from "./answer.ts";
import { type CloudApi, type CloudBody, type CloudClient, formBody, jsonBody, V1_REPEATS } from "./cloud_client.ts";
import { CloudApiError, takenBack } from "./cloud_error.ts";
import { readSecretsLocation, type SecretsLocation } from "./secrets_api.ts";

/** Where the API is, and who calls. */
export interface V1Access {
  /** `https://ingest.k6.io`, without a slash at its end. */
  readonly host: string;
  /** Null: the service answers 401. */
  readonly token: string | null;
  /** Named in every call when it is set; k6's output never names it. Default none. */
  readonly stackId?: number | null;
}

/** A test run that is to be made. */
export interface NewTestRun {
  readonly name: string;
  /** Null: the user's default project. */
  readonly projectId: number | null;
  /** The most that the scenarios may use at the same time. */
  readonly maxVus: number;
  /** Whole seconds, with what may follow the end of the scenarios (gracefulStop). */
  readonly durationSeconds: number;
  /** Expressions by metric. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  /** The script with its files, a tar; null: it is not sent. */
  readonly archive: Uint8Array | null;
}

/** A test run as the service has made it. */
export interface CreatedTestRun {
  /** Digits, mostly; never empty. */
  readonly id: string;
  /** Settings that win over all others, whatever JSON stands there (`CloudSources.override`); undefined: none. */
  readonly config: unknown;
  /** What the service wants the user to see; levels are its own (`info`, `warning`, `error` …). */
  readonly messages: readonly { readonly level: string; readonly message: string }[];
  /** For this test run alone; null: none. */
  readonly testRunToken: string | null;
  /** Where its secrets are read, with `testRunToken`; null: nowhere. */
  readonly secrets: SecretsLocation | null;
}

/** How a test run ended. */
export interface TestRunEnd {
  /** Whether the test has failed: a threshold was crossed, or the script says so. */
  readonly isFailed: boolean;
  /** 3 finished, 4 timed out, 5 aborted by the user, 6 by the system, 7 by a script error, 8 by a threshold, 9 by a limit. */
  readonly runStatus: number;
  /** Whether each expression was **crossed**, by metric. */
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
}

/** Calls of the first API. All reject with a `CloudApiError`; a signal gives them up. */
export class V1Api {
  readonly #client: CloudClient;
  readonly #api: CloudApi;

  constructor(client: CloudClient, access: V1Access) {
    this.#client = client;
    this.#api = v1Api(access, "/v1");
  }

  /** Makes a test run: as JSON, or as a form with its archive. One that can't be used, because of what else the answer says, is finished. */
  async createTestRun(run: NewTestRun, signal?: AbortSignal): Promise<CreatedTestRun> {
    const answer = await this.#client.ask(this.#api, {
      purpose: "create the test run",
      method: "POST",
      path: "/tests",
      body: run.archive === null ? creation(run) : creationWithArchive(run, run.archive),
      isKeyed: true,
      adviceOn: (status) => status === 413 && run.archive !== null ? ARCHIVE_ADVICE : null,
      signal,
    });
    const id = answer.testRunId("reference_id");
    try {
      return { id, ...readCreated(answer) };
    } catch (error) {
      if (!(error instanceof CloudApiError)) throw error;
      throw await takenBack(error, () => this.finishTestRun(id, ABORTED_BY_SYSTEM, signal));
    }
  }

  /** Says how a test run ended. */
  async finishTestRun(
    id: string,
    { isFailed, runStatus, thresholds }: TestRunEnd,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#client.send(this.#api, {
      purpose: `finish the test run ${id}`,
      method: "POST",
      path: `/tests/${encodeURIComponent(id)}`,
      body: jsonBody({ result_status: isFailed ? 1 : 0, run_status: runStatus, thresholds }),
      isKeyed: true,
      signal,
    });
  }

  /** Whether a token is valid, which needs no stack; k6 up to 1.x asked here at login. */
  async isValidToken(token: string, signal?: AbortSignal): Promise<boolean> {
    const answer = await this.#client.ask(this.#api, {
      purpose: "log in",
      method: "POST",
      path: "/validate-token",
      body: jsonBody({ token }),
      isKeyed: true,
      signal,
    });
    return answer.optionalFlag("is_valid") === true;
  }
}

/** What to do about an archive that is too large. */
export const ARCHIVE_ADVICE = "the service takes less at once; --no-archive-upload keeps the archive here";

const ABORTED_BY_SYSTEM: TestRunEnd = { isFailed: false, runStatus: 6, thresholds: {} };

function readCreated(answer: Answer): Omit<CreatedTestRun, "id"> {
  return {
    config: answer.raw("config"),
    messages: answer.objects("logs").map((entry) => ({
      level: entry.optionalText("level") ?? "",
      message: entry.optionalText("message") ?? "",
    })),
    testRunToken: answer.optionalToken("test_run_token"),
    secrets: readSecretsLocation(answer.optionalObject("secrets_config")),
  };
}

/** What calls under a path of this API's host have in common. */
export function v1Api({ host, token, stackId = null }: V1Access, path: string): CloudApi {
  return {
    address: host + path,
    addressSource: "K6_CLOUD_HOST",
    authorization: token === null ? null : { scheme: "Token", token, of: "user" },
    ...stackId === null ? {} : { headers: { "X-Stack-Id": String(stackId) } },
    repeats: V1_REPEATS,
  };
}

function creation({ name, projectId, maxVus, durationSeconds, thresholds }: NewTestRun): CloudBody {
  return jsonBody({ name, project_id: projectId ?? undefined, vus: maxVus, duration: durationSeconds, thresholds });
}

/** The service can read the thresholds in the archive; others than Grafana's need not. k6 leaves them out. */
function creationWithArchive(run: NewTestRun, archive: Uint8Array): CloudBody {
  const texts = {
    name: run.name,
    project_id: String(run.projectId ?? 0),
    vus: String(run.maxVus),
    duration: String(run.durationSeconds),
    ...Object.keys(run.thresholds).length === 0 ? {} : { thresholds: JSON.stringify(run.thresholds) },
  };
  return formBody(texts, { field: "file", name: "archive.tar", bytes: archive });
}
