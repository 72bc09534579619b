/** What the service remembers, and the interface to whatever remembers it. */

import type { Figures } from "./figures.ts";
import type { MetricSet, PushedType } from "./metric_set.ts";

/** Somebody with a token: the one stack that it opens. */
export interface Account {
  readonly token: string;
  readonly stackId: number;
  /** `https://team.example`, without a path. */
  readonly stackUrl: string;
  readonly defaultProjectId: number;
}

/** A project, a group of tests. */
export interface Project {
  readonly id: number;
  readonly stackId: number;
  readonly name: string;
  readonly isDefault: boolean;
  readonly createdAtEpochMs: number;
}

/** A test that can be run again: a name, unique in its project, and the archive of its script. */
export interface LoadTest {
  readonly id: number;
  readonly projectId: number;
  readonly name: string;
  /** Null until one was uploaded. */
  readonly archive: Uint8Array | null;
  readonly createdAtEpochMs: number;
}

/** A place that load may come from. */
export interface LoadZone {
  readonly id: number;
  /** What scripts call it: `amazon:us:ashburn`. */
  readonly name: string;
}

/** Where a run stands (version 6 of the API). */
export type RunStatus =
  | "created"
  | "queued"
  | "initializing"
  | "running"
  | "processing_metrics"
  | "completed"
  | "aborted";

/** An entry of a run's history. */
export interface StatusEntry {
  readonly type: RunStatus;
  readonly enteredAtEpochMs: number;
  readonly byUser?: string;
  readonly message?: string;
  readonly code?: number;
}

/** How the sender of a streamed run says that it ended. Thresholds: true is failed. */
export interface RunEnd {
  readonly resultStatus: 0 | 1;
  readonly runStatus: number;
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
}

/** How the sender of a local execution says that it ended. */
export interface RunNotice {
  readonly error: { readonly code: number; readonly reason: string } | null;
}

/** A run of a test. */
export interface TestRun {
  /** Digits. */
  readonly id: string;
  readonly stackId: number;
  readonly projectId: number;
  readonly name: string;
  /** Of runs that belong to a load test. */
  readonly loadTestId: number | null;
  /** `streamed` is `run --out cloud`, `local` is `cloud run --local-execution`, `remote` runs on the service's machines. */
  readonly kind: "streamed" | "local" | "remote";
  /** What a sender of this run's results may show instead of the account's token. */
  readonly scopedToken: string;
  readonly maxVus: number;
  /** Null when it isn't known. */
  readonly durationSeconds: number | null;
  /** Expressions by metric, as far as the sender has told them. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly archive: Uint8Array | null;
  /** Size that the sender has promised; null for none. */
  readonly archiveBytes: number | null;
  /** The newest entry is the run's status. */
  readonly history: readonly StatusEntry[];
  readonly result: "passed" | "failed" | "error" | null;
  /** Of streamed runs that have ended. */
  readonly end: RunEnd | null;
  /** Of local executions that have ended. */
  readonly notice: RunNotice | null;
}

/** What of a run may change. */
export type TestRunChange = Partial<Pick<TestRun, "archive" | "history" | "result" | "end" | "notice">>;

/** A time series of a run: its figures for each window, by the window's start (epoch seconds). */
export interface StoredSeries {
  readonly metric: string;
  readonly type: PushedType;
  readonly labels: Readonly<Record<string, string>>;
  readonly windows: ReadonlyMap<number, Figures>;
}

/** A line of a run's log. */
export interface LogLine {
  readonly atEpochNs: bigint;
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Where everything is kept. Objects that it gives out don't change. */
export interface Store {
  /** Undefined for a token that opens nothing. */
  account(token: string): Promise<Account | undefined>;
  /** The token of somebody with a password; undefined when one of both is wrong. */
  tokenOf(email: string, password: string): Promise<string | undefined>;
  projects(stackId: number): Promise<readonly Project[]>;
  loadZones(stackId: number): Promise<readonly LoadZone[]>;
  /** The value of a secret; undefined when there is none of that name. */
  secret(stackId: number, name: string): Promise<string | undefined>;

  /** Undefined when the project has a test of that name already. */
  addLoadTest(test: Omit<LoadTest, "id">): Promise<LoadTest | undefined>;
  loadTest(id: number): Promise<LoadTest | undefined>;
  loadTests(projectId: number): Promise<readonly LoadTest[]>;
  setLoadTestArchive(id: number, archive: Uint8Array): Promise<void>;

  addTestRun(run: Omit<TestRun, "id" | "scopedToken">): Promise<TestRun>;
  testRun(id: string): Promise<TestRun | undefined>;
  testRunOfToken(scopedToken: string): Promise<TestRun | undefined>;
  changeTestRun(id: string, change: TestRunChange): Promise<void>;

  /** Adds a push to what is known of its run. */
  addMetrics(set: MetricSet): Promise<void>;
  series(testRunId: string): Promise<readonly StoredSeries[]>;

  addLogLines(testRunId: string, lines: readonly LogLine[]): Promise<void>;
  /** Lines of `fromEpochNs` and later, in the order in which they came. */
  logLines(testRunId: string, fromEpochNs: bigint): Promise<readonly LogLine[]>;
  /** Calls `listener` with lines as they come, until the signal. */
  followLogLines(testRunId: string, listener: (lines: readonly LogLine[]) => void, signal: AbortSignal): void;
}
