/** Version 6: login, lists, and tests that run on the service's machines (`cloud login`, `cloud run`, `cloud upload`). */

import { oneLine } from "../../http_client.ts";
import type { Answer } from "./answer.ts";
import { type CloudApi, type CloudCall, type CloudClient, formBody, jsonBody, V6_REPEATS } from "./cloud_client.ts";
import { CloudApiError } from "./cloud_error.ts";

/** Where the API is, and who calls. */
export interface V6Access {
  /** `https://api.k6.io`, without a slash at its end. */
  readonly host: string;
  readonly token: string;
}

/** What a token opens. */
export interface StackIdentity {
  readonly stackId: number;
  /** Null: there is none. */
  readonly defaultProjectId: number | null;
}

/** A group of tests. */
export interface Project {
  readonly id: number;
  readonly name: string;
  /** Tests without a project belong to it. */
  readonly isDefault: boolean;
}

/** A place that load can come from. */
export interface LoadZone {
  readonly id: number;
  readonly name: string;
  /** What scripts call it: `amazon:us:ashburn`. */
  readonly scriptName: string;
}

/** A test that can be run again. */
export interface LoadTest {
  readonly id: number;
  readonly name: string;
  /** ISO 8601; null where the service doesn't say. */
  readonly created: string | null;
  readonly updated: string | null;
}

/** A run that has been asked for. */
export interface StartedTestRun {
  /** Digits. */
  readonly id: string;
  /** Null: the service names no page. */
  readonly detailsUrl: string | null;
}

/** Where a run stands. */
export interface TestRunState {
  /** `created`, `queued`, `initializing`, `running`, `processing_metrics`, `completed`, `aborted`; others may come. */
  readonly status: string;
  /** `passed`, `failed`, `error`; null while it is not known. */
  readonly result: string | null;
  readonly estimatedDurationSeconds: number | null;
  /** The oldest entry first. */
  readonly history: readonly TestRunEntry[];
}

/** A status that a run came to, and why. */
export interface TestRunEntry {
  readonly status: string;
  readonly byUser: boolean;
  readonly message: string | null;
  readonly code: string | null;
}

/** Asks for the stack of an address, which is how a token is validated. Rejects with a `CloudApiError`. */
export async function authenticate(
  client: CloudClient,
  access: V6Access,
  stackUrl: string,
  signal?: AbortSignal,
): Promise<StackIdentity> {
  const answer = await client.ask(v6Api(access, { "X-Stack-Url": stackUrl }), {
    purpose: "log in",
    method: "GET",
    path: "/auth",
    signal,
  });
  return { stackId: answer.number("stack_id"), defaultProjectId: answer.optionalNumber("default_project_id") };
}

/** Calls about one stack. All reject with a `CloudApiError`; a signal gives them up. */
export class V6Api {
  readonly #client: CloudClient;
  readonly #api: CloudApi;

  constructor(client: CloudClient, { stackId, ...access }: V6Access & { readonly stackId: number }) {
    this.#client = client;
    this.#api = v6Api(access, { "X-Stack-Id": String(stackId) });
  }

  projects(signal?: AbortSignal): Promise<Project[]> {
    return this.#list("list the projects", "/projects", readProject, signal);
  }

  loadZones(signal?: AbortSignal): Promise<LoadZone[]> {
    return this.#list("list the load zones", "/load_zones", readLoadZone, signal);
  }

  loadTests(projectId: number, signal?: AbortSignal): Promise<LoadTest[]> {
    return this.#list(`list the tests of project ${projectId}`, loadTestsPath(projectId), readLoadTest, signal);
  }

  /** The test of exactly that name in a project; null when there is none. */
  async findLoadTest(projectId: number, name: string, signal?: AbortSignal): Promise<LoadTest | null> {
    const query = new URLSearchParams({ name, $top: "1" });
    const answer = await this.#ask(`find the test ${JSON.stringify(name)}`, {
      method: "GET",
      path: `${loadTestsPath(projectId)}?${query}`,
      signal,
    });
    return answer.objects("value").map(readLoadTest).find((test) => test.name === name) ?? null;
  }

  /** The test of a name, made or with a new script; `archive`: null leaves the script of a test that exists as it is. */
  async provideLoadTest(
    projectId: number,
    name: string,
    archive: Uint8Array | null,
    signal?: AbortSignal,
  ): Promise<LoadTest> {
    try {
      return await this.#createLoadTest(projectId, name, archive, signal);
    } catch (error) {
      if (!(error instanceof CloudApiError) || error.status !== 409) throw error;
      const test = await this.findLoadTest(projectId, name, signal);
      if (test === null) throw error;
      if (archive !== null) await this.#uploadScript(test.id, archive, signal);
      return test;
    }
  }

  /** Asks the service whether it can run a test with these options (as in the script). */
  async validateOptions(
    projectId: number | null,
    options: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#ask("validate the options", {
      method: "POST",
      path: "/validate_options",
      body: jsonBody({ project_id: projectId ?? undefined, options }),
      signal,
    });
  }

  /** Starts a test on the service's machines. */
  async startTestRun(loadTestId: number, signal?: AbortSignal): Promise<StartedTestRun> {
    const answer = await this.#ask("start the test", {
      method: "POST",
      path: `/load_tests/${loadTestId}/start`,
      isKeyed: true,
      signal,
    });
    return { id: answer.testRunId("id"), detailsUrl: answer.page("test_run_details_page_url") };
  }

  async testRun(id: string, signal?: AbortSignal): Promise<TestRunState> {
    const path = `/test_runs/${encodeURIComponent(id)}`;
    return readTestRun(await this.#ask(`ask for the test run ${id}`, { method: "GET", path, signal }));
  }

  /** Ends a run; one that has ended is fine, too. */
  async abortTestRun(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#client.send(this.#api, {
        purpose: `abort the test run ${id}`,
        method: "POST",
        path: `/test_runs/${encodeURIComponent(id)}/abort`,
        signal,
      });
    } catch (error) {
      if (!(error instanceof CloudApiError) || error.status !== 409) throw error;
    }
  }

  async #createLoadTest(
    projectId: number,
    name: string,
    archive: Uint8Array | null,
    signal: AbortSignal | undefined,
  ): Promise<LoadTest> {
    const answer = await this.#ask(`create the test ${JSON.stringify(name)}`, {
      method: "POST",
      path: loadTestsPath(projectId),
      body: formBody({ name }, archive && { field: "script", name: "archive.tar", bytes: archive }),
      signal,
    });
    return readLoadTest(answer);
  }

  async #uploadScript(id: number, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    await this.#client.send(this.#api, {
      purpose: "upload the script",
      method: "PUT",
      path: `/load_tests/${id}/script`,
      body: { contentType: "application/octet-stream", bytes },
      signal,
    });
  }

  #ask(purpose: string, call: Omit<CloudCall, "purpose" | "maxAnswerBytes">): Promise<Answer> {
    return this.#client.ask(this.#api, { purpose, ...call, maxAnswerBytes: MAX_ANSWER_BYTES });
  }

  /** All pages of a list. Where the next one is, is computed: an address in an answer may be anyone's, and gets no token. */
  async #list<T>(
    purpose: string,
    path: string,
    read: (element: Answer) => T,
    signal: AbortSignal | undefined,
  ): Promise<T[]> {
    const elements: T[] = [];
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({ $skip: String(elements.length), $top: "1000" });
      const answer = await this.#ask(purpose, { method: "GET", path: `${path}?${query}`, signal });
      const values = answer.objects("value");
      elements.push(...values.map(read));
      if (values.length === 0 || answer.optionalText("@nextLink") === null) return elements;
    }
    throw new CloudApiError(`cannot ${purpose}: the list has no end`, { kind: "malformed" });
  }
}

const MAX_ANSWER_BYTES = 10 << 20;
const MAX_PAGES = 100;

/** What calls of this API have in common. */
function v6Api({ host, token }: V6Access, headers: Readonly<Record<string, string>>): CloudApi {
  return {
    address: `${host}/cloud/v6`,
    addressSource: "K6_CLOUD_HOST_V6",
    authorization: { scheme: "Bearer", token, of: "X-Stack-Url" in headers ? "login" : "user" },
    headers,
    repeats: V6_REPEATS,
  };
}

function loadTestsPath(projectId: number): string {
  return `/projects/${projectId}/load_tests`;
}

function readProject(project: Answer): Project {
  return {
    id: project.number("id"),
    name: project.optionalText("name") ?? "",
    isDefault: project.optionalFlag("is_default") ?? false,
  };
}

function readLoadZone(zone: Answer): LoadZone {
  const name = zone.optionalText("name") ?? "";
  return { id: zone.number("id"), name, scriptName: zone.optionalText("k6_load_zone_id") ?? name };
}

function readLoadTest(test: Answer): LoadTest {
  return {
    id: test.number("id"),
    name: test.optionalText("name") ?? "",
    created: test.optionalText("created"),
    updated: test.optionalText("updated"),
  };
}

function readTestRun(run: Answer): TestRunState {
  return {
    status: oneLine(run.text("status")),
    result: run.optionalText("result"),
    estimatedDurationSeconds: run.optionalNumber("estimated_duration"),
    history: run.objects("status_history").map(readEntry),
  };
}

function readEntry(entry: Answer): TestRunEntry {
  const extra = entry.optionalObject("extra");
  const shown = (name: string) => {
    const text = extra?.optionalText(name) ?? null;
    return text === null ? null : oneLine(text);
  };
  return {
    status: entry.optionalText("type") ?? "",
    byUser: extra?.raw("by_user") !== undefined && extra.raw("by_user") !== false,
    message: shown("message"),
    code: shown("code"),
  };
}
