/**
 * A cloud for tests: the hub of `src/hub`, with a note of every call and of everything that a correct client would not have
 * done, and with faults as scripted.
 */

import { type Figures, sumOfFigures } from "../../../src/hub/figures.ts";
import type { HubRequest, HubResponse } from "../../../src/hub/http.ts";
import { Hub } from "../../../src/hub/hub.ts";
import { MemoryStore, type MemoryStoreContents } from "../../../src/hub/memory_store.ts";
import type { MetricSet } from "../../../src/hub/metric_set.ts";
import { readPush } from "../../../src/hub/metrics_api.ts";
import { NEW_RUN } from "../../../src/hub/new_run.ts";
import type { OperationName } from "../../../src/hub/operation.ts";
import { entered } from "../../../src/hub/run_status.ts";
import { type ByteStream, HubServer, type ServerOptions } from "../../../src/hub/server.ts";
import { defaultSettings, type Settings } from "../../../src/hub/settings.ts";
import type { StatusEntry, TestRun } from "../../../src/hub/store.ts";
import type { Fault } from "./faults.ts";
import { RetryRules } from "./retry_rules.ts";

/** A call as it came. */
export interface ReceivedCall {
  /** Null for what is no operation. */
  readonly operation: OperationName | null;
  readonly request: HubRequest;
  readonly atEpochMs: number;
  /** Null while there is none, and for calls that got none. */
  status: number | null;
}

/** A step of a run that the service's machines do: what the next poll sees. */
export type ScriptedStatus =
  & Pick<StatusEntry, "type">
  & Partial<StatusEntry>
  & Partial<Pick<TestRun, "result">>;

/** How the server is to be. */
export interface ContractOptions extends Omit<ServerOptions, "onError"> {
  /** What of the usual contents is other than usual. */
  readonly contents?: Partial<MemoryStoreContents>;
  /** Epoch milliseconds; the machine's clock by default. */
  readonly now?: () => number;
  /** Whether tests that are to run in the cloud seem to: each poll sees the next stage, and they pass. Default: as scripted. */
  readonly runsTests?: boolean;
  /** Told of each call once it is answered. */
  readonly onCall?: (call: ReceivedCall) => void;
}

/** The stages of a test that passes. */
const PASSING: readonly ScriptedStatus[] = [
  { type: "initializing" },
  { type: "running" },
  { type: "completed", result: "passed" },
];

/** A push, read. */
export interface ReceivedPush {
  readonly set: MetricSet;
  readonly atEpochMs: number;
  /** Null for pushes that got no answer. */
  readonly status: number | null;
}

/** Who may call. */
export const ACCOUNT = {
  token: "0123456789abcdef-token",
  stackId: 77,
  stackUrl: "https://team.example",
  defaultProjectId: 501,
  email: "somebody@team.example",
  password: "a secret word",
} as const;

const CONTENTS: MemoryStoreContents = {
  accounts: [ACCOUNT],
  passwords: [ACCOUNT],
  projects: [
    { id: 501, stackId: 77, name: "Default project", isDefault: true, createdAtEpochMs: 1_700_000_000_000 },
    { id: 502, stackId: 77, name: "Shop", isDefault: false, createdAtEpochMs: 1_700_000_000_000 },
  ],
  loadZones: [{ id: 1, name: "amazon:us:ashburn" }, { id: 2, name: "amazon:de:frankfurt" }],
  secrets: { "api-key": "the value of api-key" },
};

/** Statuses that say that the client was wrong; 401, 403 and 409 are for what it can't know. */
const MISTAKES: readonly number[] = [400, 404, 405, 413, 415, 422, 426, 500];

/** Listens on the loopback interface until it is disposed of. */
export class ContractServer implements AsyncDisposable {
  /** Every call, in the order in which they came. */
  readonly calls: ReceivedCall[] = [];
  /** Everything that a correct client would not have done. */
  readonly violations: string[] = [];
  readonly store: MemoryStore;
  readonly settings: Settings;
  readonly #hub: Hub;
  readonly #retryRules: RetryRules;
  readonly #faults = new Map<OperationName, Fault[]>();
  readonly #lastingFaults = new Map<OperationName, Fault>();
  readonly #statuses: ScriptedStatus[] = [];
  readonly #stoppedRuns = new Set<string>();
  readonly #tails = new Set<ByteStream>();
  readonly #ended = new AbortController();
  #waiting: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];
  readonly #options: Omit<ServerOptions, "onError">;
  readonly #onCall: (call: ReceivedCall) => void;
  readonly #runsTests: boolean;
  #server: HubServer | null = null;
  #origin = "";

  private constructor(
    { contents = {}, now = Date.now, onCall = () => {}, runsTests = false, ...options }: ContractOptions,
  ) {
    this.#runsTests = runsTests;
    this.#onCall = onCall;
    this.#options = options;
    this.store = new MemoryStore({ ...CONTENTS, ...contents });
    this.settings = { ...defaultSettings(), aggregationPeriodSeconds: 3, maxSeriesInBatch: 1000 };
    this.#hub = new Hub({
      store: this.store,
      settings: this.settings,
      now,
      onDeviation: (operation, rule) => this.#violate(operation, rule),
    });
    this.#retryRules = new RetryRules((operation, rule) => this.#violate(operation, rule));
  }

  /** Resolves when it listens. */
  static async start(options: ContractOptions = {}): Promise<ContractServer> {
    const server = new ContractServer(options);
    await server.#listen(options.port);
    return server;
  }

  /** `http://127.0.0.1:1234`: both the host of the first API and that of version 6. */
  get origin(): string {
    return this.#origin;
  }

  /** Stops listening, and ends all connections; it remembers what it knows. */
  async goAway(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = null;
  }

  /** Listens again, where it did before. */
  async comeBack(): Promise<void> {
    await this.#listen(Number(new URL(this.#origin).port));
  }

  /** Where logs are followed. */
  get tailUrl(): string {
    return `${this.origin.replace("http", "ws")}/api/v1/tail`;
  }

  /** What goes wrong with the next calls of an operation, one fault each. */
  fault(operation: OperationName, ...faults: readonly Fault[]): void {
    this.#faults.getOrInsertComputed(operation, () => []).push(...faults);
  }

  /** What goes wrong with every call of an operation that has no other fault; null for nothing any longer. */
  lastingFault(operation: OperationName, fault: Fault | null): void {
    if (fault === null) this.#lastingFaults.delete(operation);
    else this.#lastingFaults.set(operation, fault);
  }

  /** What the next polls of a run see, one step each; the last step stays. */
  scriptStatuses(...steps: readonly ScriptedStatus[]): void {
    this.#statuses.push(...steps);
  }

  /** Names of the operations that were called, in order, polls of a run counted once in a row. */
  get order(): (OperationName | null)[] {
    const names = this.calls.map(({ operation }) => operation);
    return names.filter((name, index) => name !== names[index - 1]);
  }

  /** The calls of an operation. */
  callsOf(operation: OperationName): ReceivedCall[] {
    return this.calls.filter((call) => call.operation === operation);
  }

  /** Resolves when an operation was called that often. */
  called(operation: OperationName, times = 1): Promise<void> {
    return this.#until(() => this.callsOf(operation).length >= times);
  }

  /** Resolves when that many calls of an operation were answered well. */
  succeeded(operation: OperationName, times = 1): Promise<void> {
    return this.#until(() => this.callsOf(operation).filter(({ status }) => isGood(status)).length >= times);
  }

  /** A streamed run that somebody else has created, for instances that push into it. */
  addTestRun(change: Partial<Omit<TestRun, "id" | "scopedToken">> = {}): Promise<TestRun> {
    return this.store.addTestRun({
      ...NEW_RUN,
      stackId: ACCOUNT.stackId,
      projectId: ACCOUNT.defaultProjectId,
      name: "somebody else's",
      kind: "streamed",
      history: [{ type: "running", enteredAtEpochMs: Date.now() }],
      ...change,
    });
  }

  /** The run of an id. Throws when there is none. */
  async testRun(id: string): Promise<TestRun> {
    const run = await this.store.testRun(id);
    if (run === undefined) throw new Error(`There is no test run ${id}`);
    return run;
  }

  /** All pushes for a run, those that were refused or lost among them. */
  async pushes(testRunId: string): Promise<ReceivedPush[]> {
    const calls = this.callsOf("v2.pushMetrics").filter(({ request }) => request.path.endsWith(`/${testRunId}`));
    return await Promise.all(calls.map(async ({ request, atEpochMs, status }) => ({
      set: await readPush(request),
      atEpochMs,
      status,
    })));
  }

  /** Figures of a metric over all windows and all series with these labels; null for none. */
  async totals(
    testRunId: string,
    metric: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<Figures | null> {
    const series = (await this.store.series(testRunId)).filter((one) =>
      one.metric === metric && Object.entries(labels).every(([name, value]) => one.labels[name] === value)
    );
    const windows = series.flatMap((one) => [...one.windows]).sort(([a], [b]) => a - b);
    return sumOfFigures(windows.map(([, figures]) => figures));
  }

  /** Ends the connections of all that follow logs, without a goodbye. */
  dropTails(): void {
    for (const connection of this.#tails) connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.goAway();
  }

  async #listen(port = 0): Promise<void> {
    this.#server = await HubServer.start((request, connection) => this.#handle(request, connection), {
      ...this.#options,
      port,
      onError: (error) => this.violations.push(`the server failed: ${error}`),
    });
    this.#origin = this.#server.origin;
  }

  async #handle(request: HubRequest, connection: ByteStream): Promise<HubResponse | null> {
    const operation = this.#hub.operationOf(request);
    const call: ReceivedCall = { operation, request, atEpochMs: Date.now(), status: null };
    this.calls.push(call);
    const fault = operation === null
      ? undefined
      : this.#faults.get(operation)?.shift() ?? this.#lastingFaults.get(operation);
    if (operation !== null) this.#check(operation, request);
    const finish = operation === null ? () => {} : this.#retryRules.begin(operation, request);
    this.#wake();
    const answer = await this.#answer(request, connection, fault);
    call.status = answer?.status ?? (operation === "logs.tail" && fault === undefined ? 101 : null);
    finish(call.status ?? "none");
    if (this.#runsTests && operation === "v6.startTestRun" && isGood(call.status)) this.scriptStatuses(...PASSING);
    if (operation === "v2.pushMetrics" && isStopOrder(answer)) this.#stoppedRuns.add(request.path);
    this.#onCall(call);
    this.#wake();
    return answer;
  }

  async #answer(request: HubRequest, connection: ByteStream, fault: Fault | undefined): Promise<HubResponse | null> {
    if (fault === undefined) return this.#ask(request, connection);
    if (fault === "hang") return new Promise(() => {});
    if (fault === "lost") await this.#ask(request, connection);
    if (fault === "garbage") connection.end("\x00\x01 this is no HTTP\r\n\r\n");
    else if (typeof fault === "string") connection.destroy();
    if (typeof fault === "string") return null;
    if ("status" in fault) return fault;
    if ("takeOver" in fault) {
      fault.takeOver(request, connection);
      return null;
    }
    if ("until" in fault) await fault.until;
    if ("delayMs" in fault) await this.#pause(fault.delayMs);
    const answer = await this.#ask(request, connection);
    return answer !== null && "rewrite" in fault ? fault.rewrite(answer) : answer;
  }

  async #ask(request: HubRequest, connection: ByteStream): Promise<HubResponse | null> {
    const operation = this.#hub.operationOf(request);
    if (operation === "v6.testRun" || operation === "v1.testProgress") await this.#step(request);
    if (operation === "logs.tail") {
      this.#tails.add(connection);
      connection.on("close", () => this.#tails.delete(connection));
    }
    const answer = await this.#hub.handle(request, connection);
    if (answer !== null && MISTAKES.includes(answer.status)) {
      this.#violate(operation, `${request.method} ${request.path}: ${answer.status} ${answer.body}`);
    }
    return answer;
  }

  /** The service's machines do the next scripted step of the run that is asked for. */
  async #step({ path }: HubRequest): Promise<void> {
    const run = await this.store.testRun(path.split("/").at(-1) ?? "");
    const step = run === undefined ? undefined : this.#statuses.shift();
    if (run === undefined || step === undefined) return;
    const { type, result = run.result, enteredAtEpochMs = Date.now(), ...extra } = step;
    await this.store.changeTestRun(run.id, { result, history: entered(run, type, enteredAtEpochMs, extra) });
  }

  /** What only a look at all calls can tell. */
  #check(operation: OperationName, { path, query, body }: HubRequest): void {
    if (operation === "v2.pushMetrics" && this.#stoppedRuns.has(path)) this.#violate(operation, "a push after 403/E4");
    if (operation === "v1.validateToken") return;
    const text = `${path} ${query} ${new TextDecoder("latin1").decode(body)}`;
    if (text.includes(ACCOUNT.token)) this.#violate(operation, "the token outside of the header Authorization");
  }

  #violate(operation: OperationName | null, rule: string): void {
    this.violations.push(operation === null ? rule : `${operation}: ${rule}`);
  }

  async #pause(durationMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, durationMs);
    this.#ended.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }

  async #until(isDone: () => boolean): Promise<void> {
    if (!isDone()) await new Promise<void>((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ isDone }) => !isDone());
    for (const { isDone, resolve } of waiting) if (isDone()) resolve();
  }
}

function isGood(status: number | null): boolean {
  return status !== null && status < 300;
}

/** 403 with error code 4. */
function isStopOrder(answer: HubResponse | null): boolean {
  return answer?.status === 403 && /"code":4\b/.test(String(answer.body));
}
