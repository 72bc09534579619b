/** What an output may know of the run as a whole: the test before it starts, how it ended, and what a service made of it. */

/** A test that is about to start. */
export interface TestFacts {
  /** The script as the user named it: a path, or `-` for standard input. */
  readonly script: string;
  /** Most virtual users at the same time. */
  readonly maxVus: number;
  /** From the first scenario's start to the end of the last graceful stop; Infinity where nobody can know. */
  readonly durationMs: number;
  /** Expressions by metric or sub-metric; empty with `--no-thresholds`. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  /** Names of the system tags that samples have. */
  readonly systemTags: readonly string[];
  /** The test in one tar file, as `k6d archive` writes it. Throws when its files can't be packed. */
  archive(): Uint8Array<ArrayBuffer>;
}

/** Why a run is over. */
export type EndReason =
  | "finished"
  /** `exec.test.fail()`; the test went on to its end. */
  | "marked-failed"
  /** A threshold with `abortOnFail`. */
  | "threshold"
  /** Ctrl-C or SIGTERM. */
  | "interrupted"
  | "rest-api"
  /** `exec.test.abort()` */
  | "script-abort"
  /** An exception in the init stage, `setup()` or `teardown()`. */
  | "script-error"
  /** `setup()` or `teardown()` took too long. */
  | "timeout"
  /** An output asked for it. */
  | "output"
  /** Anything else, such as code that never ended. */
  | "system";

/** How a run ended. */
export interface RunEnding {
  readonly reason: EndReason;
  readonly exitCode: number;
  /** What the user was told, in one line; empty for a run that came to its end. */
  readonly message: string;
  /** Every threshold as it was evaluated last. */
  readonly thresholds: readonly ThresholdOutcome[];
}

/** One threshold at the end of a run. */
export interface ThresholdOutcome {
  /** The metric's name, or `metric{tag:value}`. */
  readonly metric: string;
  /** As the user wrote it. */
  readonly expression: string;
  readonly ok: boolean;
}

/** A run as a service knows it. */
export interface RemoteRun {
  readonly id: string;
  /** Where the service gives the secrets of the run; null: nowhere. */
  readonly secrets: RemoteSecrets | null;
}

/** How the secrets of a service are read. */
export interface RemoteSecrets {
  readonly token: string;
  /** With `{key}` for the secret's name. */
  readonly endpoint: string;
  /** Where the value stands in the answer. */
  readonly responsePath: string;
}

/** What the command line says of a cloud's part in a run. */
export interface CloudLaunch {
  /** Whether the cloud is told that the load of its test comes from here (`k6d cloud run --local-execution`). */
  readonly isLocalExecution: boolean;
  /** Whether the cloud may have the log of a local execution. */
  readonly pushesLogs: boolean;
  /** Whether scripts may read the cloud's secrets. */
  readonly readsSecrets: boolean;
}

/** Of commands that say nothing of it. */
export const PLAIN_LAUNCH: CloudLaunch = {
  isLocalExecution: false,
  pushesLogs: true,
  readsSecrets: true,
};
