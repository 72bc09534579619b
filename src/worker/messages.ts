/** The protocol between the main thread and its workers: every message that is ever posted, either way. */

import type { OverflowSettings } from "../metrics/series_overflow.ts";
import type { SampleBatch } from "../metrics/types.ts";
import type { ProxySettings } from "../net/proxies.ts";
import type { ClientCertificate, HttpRequest, HttpResult, NetSettings } from "../net/types.ts";
import type { Options, SecretSource } from "../options/types.ts";
import type { Program } from "../script/program.ts";
import type { LagFigures } from "./event_loop_lag.ts";
import type { WorkerPlace } from "./runtime.ts";
import type { SharedStateBuffers } from "./shared_state.ts";

/** Level of a log line. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Fields of a log line after its message. */
export type LogFields = Readonly<Record<string, string>>;

/** An exception of the script, as far as it can be told apart from another thread. */
export interface ScriptFailure {
  /** Name, message and the author's stack. */
  readonly stack: string;
  /** `exec.test.abort()`, what k6d refuses, a time limit, or any other exception. */
  readonly kind: "exception" | "abort" | "refusal" | "timeout";
}

/** Data that the first init stage produced and later virtual users reuse. */
export interface InitArtifacts {
  /** Files that `open()` read, by path. */
  readonly files: ReadonlyMap<string, SharedArrayBuffer>;
  /** Contents of every `SharedArray`, by name. */
  readonly sharedArrays: ReadonlyMap<string, SharedArrayBuffer>;
}

/** Runs the first init stage (`__VU` 0); only the first worker gets it. */
export interface InitMessage {
  readonly type: "init";
  readonly program: Program;
  readonly env: Readonly<Record<string, string>>;
  /** Whether `__ENV` is frozen. */
  readonly freezeEnv: boolean;
  readonly secretSources: readonly SecretSource[];
  /** Two 32-bit cells through which a blocked worker waits for a file: state, size (or -1). */
  readonly fileGate: SharedArrayBuffer;
}

/** A scenario's part on one worker. */
export interface ScenarioPart {
  /** Virtual users of this worker: at the start and at the most. */
  readonly initialVus: number;
  readonly maxVus: number;
  /** Open models: whether this worker starts the iterations, and the others only help. */
  readonly leads: boolean;
}

/** Everything a worker needs to run its part; it creates its virtual users and answers `ready`. */
export interface PlanMessage {
  readonly type: "plan";
  readonly place: WorkerPlace;
  /** Null for the worker that ran the first init stage: it has the program already. */
  readonly program: Program | null;
  readonly env: Readonly<Record<string, string>>;
  readonly options: Options;
  readonly parts: readonly ScenarioPart[];
  /** Ids of the virtual users that this worker creates at once. */
  readonly vuIds: readonly number[];
  readonly artifacts: InitArtifacts;
  readonly secretSources: readonly SecretSource[];
  /** All trusted roots, PEM; empty: Mozilla's. */
  readonly caCerts: readonly string[];
  readonly clientCertificates: readonly ClientCertificate[];
  /** Undefined: the environment names no proxy. */
  readonly proxies: ProxySettings | undefined;
  /** Null: there may be any number of time series. */
  readonly overflow: OverflowSettings | null;
  readonly state: SharedStateBuffers;
}

/** What runs once in a test, in a virtual user of its own. */
export type Phase = "setup" | "teardown" | "handleSummary";

/** What `handleSummary` returned: contents by destination (`stdout`, `stderr` or a path). */
export type HandledSummary = ReadonlyMap<string, string | Uint8Array>;

/** Runs `setup`, `teardown` or `handleSummary`. */
export interface PhaseMessage {
  readonly type: "phase";
  readonly phase: Phase;
  /** The function's argument as JSON: the result of `setup` or the summary. */
  readonly data: string | undefined;
  readonly timeoutMs: number;
}

/** Starts the scenarios. */
export interface StartMessage {
  readonly type: "start";
  readonly startAtEpochMs: number;
  /** Result of `setup` as JSON; undefined when there was none. */
  readonly data: string | undefined;
}

/** Changes how many virtual users an externally controlled scenario has, in the whole test. */
export interface ControlMessage {
  readonly type: "control";
  readonly scenario: number;
  readonly vus: number;
  readonly maxVus: number;
}

/** Ends all scenarios at once; running iterations are interrupted. */
export interface StopMessage {
  readonly type: "stop";
}

/** Answers `read-secret`. */
export interface SecretMessage {
  readonly type: "secret";
  readonly request: number;
  /** Null: there is none, `problem` says why. */
  readonly value: string | null;
  readonly problem: string;
}

/** A worker's port for the helper thread. */
export interface HelperClientMessage {
  /** Carries `ToHelper` one way, `HelperReply` the other. */
  readonly port: MessagePort;
  readonly worker: number;
  /** `SharedStateBuffers.gates`: the worker is woken after each reply. */
  readonly gates: SharedArrayBuffer;
  readonly settings: NetSettings;
}

/** Blocked worker to helper thread; `client` stands for one virtual user's connections. */
export type ToHelper =
  | {
    readonly type: "exchange";
    readonly client: number;
    readonly exchange: number;
    readonly request: HttpRequest;
    readonly localIp: string | null;
  }
  | { readonly type: "abort" | "close-idle" | "close"; readonly client: number };

/** Helper thread to worker: the outcome of an exchange, and the bytes that passed the client's sockets since the last. */
export interface HelperReply {
  readonly exchange: number;
  readonly result: HttpResult;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Main thread to worker. */
export type ToWorker =
  | InitMessage
  | PlanMessage
  | PhaseMessage
  | StartMessage
  | ControlMessage
  | StopMessage
  | SecretMessage;

/** Worker to main thread. */
export type FromWorker =
  | {
    readonly type: "init-done";
    /** The exported options as JSON, undefined when there are none. */
    readonly options: string | undefined;
    /** Names of the exported functions. */
    readonly functions: readonly string[];
    readonly artifacts: InitArtifacts;
  }
  | { readonly type: "init-failed"; readonly failure: ScriptFailure; readonly vu: number }
  | { readonly type: "ready" }
  | { readonly type: "phase-done"; readonly data: string | undefined }
  | { readonly type: "phase-failed"; readonly phase: Phase; readonly failure: ScriptFailure }
  /** What `handleSummary` returned; null when it leaves the summary to k6d. */
  | { readonly type: "summary-handled"; readonly summary: HandledSummary | null }
  | { readonly type: "scenario-started"; readonly scenario: number }
  | {
    readonly type: "scenario-done";
    readonly scenario: number;
    readonly interrupted: boolean;
    /** Of this worker, so far. */
    readonly lag: LagFigures;
  }
  | { readonly type: "samples"; readonly batch: SampleBatch }
  | {
    readonly type: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: LogFields;
    /** Of all lines of a run with the same key only the first is written. */
    readonly onceKey?: string;
  }
  | { readonly type: "abort"; readonly failure: ScriptFailure }
  | { readonly type: "test-failed"; readonly message: string }
  /** From now on no line of the log may show the text. */
  | { readonly type: "redact"; readonly text: string }
  /** Asks for a secret of the cloud's test run; `request` tells answers apart. */
  | { readonly type: "read-secret"; readonly request: number; readonly key: string }
  /** The helper thread is wanted: it is to serve this port. */
  | ({ readonly type: "open-helper" } & HelperClientMessage)
  | { readonly type: "read-file"; readonly path: string }
  | { readonly type: "fill-file"; readonly target: SharedArrayBuffer };
