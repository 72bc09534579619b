/** The options of a run after all layers are merged, validated and derived: what the engine plans from. Durations are milliseconds. */

/** Fields that every scenario has. */
export interface ScenarioBase {
  readonly name: string;
  readonly startTimeMs: number;
  readonly gracefulStopMs: number;
  /** Name of the exported function to run. */
  readonly exec: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** A fixed number of virtual users that loop for a time. */
export interface ConstantVusScenario extends ScenarioBase {
  readonly executor: "constant-vus";
  readonly vus: number;
  readonly durationMs: number;
}

/** Iterations that virtual users share: each takes the next one. */
export interface SharedIterationsScenario extends ScenarioBase {
  readonly executor: "shared-iterations";
  readonly vus: number;
  readonly iterations: number;
  readonly maxDurationMs: number;
}

/** A fixed number of iterations for each virtual user. */
export interface PerVuIterationsScenario extends ScenarioBase {
  readonly executor: "per-vu-iterations";
  readonly vus: number;
  /** Iterations of each virtual user. */
  readonly iterations: number;
  readonly maxDurationMs: number;
}

/** Iterations started at a fixed rate, whatever their duration: the open model. */
export interface ConstantArrivalRateScenario extends ScenarioBase {
  readonly executor: "constant-arrival-rate";
  /** Iterations started per time unit. */
  readonly rate: number;
  readonly timeUnitMs: number;
  readonly durationMs: number;
  readonly preAllocatedVus: number;
  readonly maxVus: number;
}

/** A part of a ramp: within `durationMs` the value goes evenly from where it is to `target`; 0 ms is a jump. */
export interface Stage {
  readonly durationMs: number;
  /** Virtual users, or iterations per time unit. */
  readonly target: number;
}

/** Virtual users that loop, as many as the stages say. */
export interface RampingVusScenario extends ScenarioBase {
  readonly executor: "ramping-vus";
  readonly startVus: number;
  readonly stages: readonly Stage[];
  /** How long a virtual user that is taken away may go on with its iteration. */
  readonly gracefulRampDownMs: number;
}

/** Iterations started at a rate that the stages say, whatever their duration. */
export interface RampingArrivalRateScenario extends ScenarioBase {
  readonly executor: "ramping-arrival-rate";
  /** Iterations per time unit at the start. */
  readonly startRate: number;
  readonly timeUnitMs: number;
  /** Their targets are iterations per time unit. */
  readonly stages: readonly Stage[];
  readonly preAllocatedVus: number;
  readonly maxVus: number;
}

/** Virtual users that loop; how many is said from outside while the test runs. */
export interface ExternallyControlledScenario extends ScenarioBase {
  readonly executor: "externally-controlled";
  /** Virtual users at the start. */
  readonly vus: number;
  /** Virtual users that are created before the start, and the most that may be asked for. */
  readonly maxVus: number;
  /** Infinity: until the test is stopped. */
  readonly durationMs: number;
}

/** A scenario of the open model. */
export type ArrivalRateScenario = ConstantArrivalRateScenario | RampingArrivalRateScenario;

/** A scenario, told apart by `executor`. */
export type Scenario =
  | ConstantVusScenario
  | SharedIterationsScenario
  | PerVuIterationsScenario
  | RampingVusScenario
  | ArrivalRateScenario
  | ExternallyControlledScenario;

/** One of the parts that a test is divided into, among machines. */
export interface ExecutionSegment {
  /** Sizes of all parts, in their order, as whole numbers in proportion. */
  readonly weights: readonly number[];
  /** Which of the parts this instance runs. */
  readonly index: number;
}

/** One threshold as the options give it. */
export interface ThresholdOption {
  readonly expression: string;
  readonly abortOnFail: boolean;
  readonly delayAbortEvalMs: number;
}

/** How names are looked up. */
export interface DnsOptions {
  /** How long an answer holds; 0: each connection asks anew; Infinity: for the whole test. */
  readonly ttlMs: number;
  readonly select: "first" | "random" | "roundRobin";
  readonly policy: "preferIPv4" | "preferIPv6" | "onlyIPv4" | "onlyIPv6" | "any";
}

/** Consolidated options. */
export interface Options {
  /** Whether the script's `__ENV` is frozen. */
  readonly freezeEnv: boolean;
  /** As given, for the whole test; `segment` says which part of it is this instance's. */
  readonly scenarios: readonly Scenario[];
  readonly segment: ExecutionSegment;
  /** The test waits before its set-up until it is resumed. */
  readonly paused: boolean;
  /** Metric or sub-metric name (`http_req_duration{status:200}`) to its thresholds. */
  readonly thresholds: Readonly<Record<string, readonly ThresholdOption[]>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly systemTags: readonly string[];
  readonly userAgent: string;
  /** The most HTTP requests of all virtual users per second; 0 or less means no limit. */
  readonly rps: number;
  /** What is logged of requests and answers: nothing, their heads, or all of them. */
  readonly httpDebug: "" | "headers" | "full";
  readonly maxRedirects: number;
  /** Parallel requests of one `http.batch()`, and of those to one host; 0 means no limit. */
  readonly batch: number;
  readonly batchPerHost: number;
  /** Addresses of names: k6's `hosts`. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly dns: DnsOptions;
  readonly blockHostnames: readonly string[];
  readonly blacklistIps: readonly string[];
  /** Source addresses of the virtual users: addresses, ranges and networks, separated by commas; empty: the system's choice. */
  readonly localIps: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly tls: TlsOptions;
  readonly noConnectionReuse: boolean;
  readonly noVuConnectionReuse: boolean;
  readonly discardResponseBodies: boolean;
  readonly noCookiesReset: boolean;
  readonly throw: boolean;
  readonly noSetup: boolean;
  readonly noTeardown: boolean;
  readonly setupTimeoutMs: number;
  readonly teardownTimeoutMs: number;
  readonly handleSummaryTimeoutMs: number;
  readonly minIterationDurationMs: number;
  readonly summaryTrendStats: readonly string[];
  readonly summaryTimeUnit: "" | "s" | "ms" | "us";
  /** `exec.test.options`: k6's keys and spelling, unset fields null. */
  readonly asJson: Readonly<Record<string, unknown>>;
}

/** How connections with TLS are made. */
export interface TlsOptions {
  /** Whether HTTP/2 is offered. */
  readonly http2: boolean;
  /** Null: the lowest, and the highest, that the runtime has. */
  readonly minVersion: TlsVersion | null;
  readonly maxVersion: TlsVersion | null;
  readonly resumesSessions: boolean;
  /** Suites that a server may choose with TLS 1.2, by IANA's names; null: all. */
  readonly cipherSuites: readonly string[] | null;
  /** Whether secrets go to the file that `SSLKEYLOGFILE` names. */
  readonly logsSecrets: boolean;
  /** k6's `tlsAuth`, as given. */
  readonly auth: readonly TlsAuth[];
}

/** A version of TLS that the runtime has. */
export type TlsVersion = "tls1.2" | "tls1.3";

/** A certificate that servers get to see. */
export interface TlsAuth {
  /** PEM; others that lead to an authority may follow it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** Of the key; empty when it isn't encrypted. */
  readonly password: string;
  /** Names of the servers that get it, where `*.` stands for one label; empty: all. */
  readonly domains: readonly string[];
}

/** A source of secrets. */
export interface SecretSource {
  readonly name: string;
  /** Whether it is meant when a script names none. */
  readonly isDefault: boolean;
  /** Secrets by their keys; or those of a cloud's test run, which the main thread reads, once there is such a run. */
  readonly secrets: ReadonlyMap<string, string> | "of the run" | "of a run to come";
}

/** The run's settings that are not options: flags of `k6d run` itself. */
export interface RunSettings {
  /** Path of the script, or `-` for standard input. */
  readonly script: string;
  /** What the script is; empty: its content tells. */
  readonly type: "" | "js" | "archive";
  /** `name` or `name=argument`, in the order given. */
  readonly outputs: readonly string[];
  /** Settings of outputs from the configuration file, by the outputs' names. */
  readonly collectors: Readonly<Record<string, unknown>>;
  /** Time series that are kept apart, at the most; 0: any number. */
  readonly maxSeries: number;
  /** Number of worker threads. */
  readonly workers: number;
  /** The variables of the system that the script may see in `__ENV`. */
  readonly systemEnv: Readonly<Record<string, string>>;
  /** The variables of `-e`, which win over the system's and those of an archive. */
  readonly givenEnv: Readonly<Record<string, string>>;
  /** Whether the script's `apm` blocks count in a local run; with an output to a cloud they always do. */
  readonly apm: boolean;
  /** What flags say of a cloud's part in the run (`CloudLaunch` of the outputs). */
  readonly launch: {
    readonly isLocalExecution: boolean;
    readonly pushesLogs: boolean;
    readonly readsSecrets: boolean;
  };
  readonly noThresholds: boolean;
  /** Whether the script and its files stay out of the cloud; undefined: other settings say. */
  readonly noArchiveUpload: boolean | undefined;
  /** The feature flags that are on. */
  readonly features: readonly string[];
  readonly secretSources: readonly SecretSource[];
  readonly summaryMode: "compact" | "full" | "disabled";
  /** Path of the file for the summary as JSON; empty: none. */
  readonly summaryExport: string;
  /** Whether the summary as JSON has k6's new shape. */
  readonly newMachineReadableSummary: boolean;
  /** Where the REST API listens; empty: nowhere. */
  readonly address: string;
  /** Whether the run must not start without the REST API. */
  readonly needsAddress: boolean;
  /** Whether k6d stays after the test until Ctrl-C. */
  readonly linger: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}
