/**
 * A test run from start to end on the main thread: init, plan, set-up, scenarios, tear-down; thresholds, outputs and
 * every reason to stop early. Knows no terminal: who watches gets a `RunView`.
 */

import { type OverflowSettings, SeriesOverflow } from "../metrics/series_overflow.ts";
import { ThresholdError } from "../metrics/threshold_expression.ts";
import { MetricRegistry } from "../metrics/registry.ts";
import { SampleRecorder } from "../metrics/sample_recorder.ts";
import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import { TagSet } from "../metrics/tag_set.ts";
import {
  type MetricThresholds,
  THRESHOLD_INTERVAL_MS,
  Thresholds,
  type ThresholdVerdict,
} from "../metrics/thresholds.ts";
import type { SampleBatch } from "../metrics/types.ts";
import { type ProxySettings, readProxySettings } from "../net/proxies.ts";
import type { ClientCertificate } from "../net/types.ts";
import {
  isOpenModel,
  latestEndMs,
  maxConcurrentVus,
  maxRunDurationMs,
  regularDurationMs,
  scenarioOfShare,
} from "../executor/schedule.ts";
import { divide, EVERYTHING, type Share } from "../executor/stripes.ts";
import type { Options, RunSettings, Scenario, SecretSource } from "../options/types.ts";
import type { LogLine } from "../output/log_line.ts";
import { mayNeedOutputs } from "../output/needed.ts";
import { type Output, type OutputContext, OutputError, type OutputLog } from "../output/output.ts";
import type { EndReason, RunEnding, TestFacts } from "../output/run_facts.ts";
import { placeOfExport } from "../script/export_place.ts";
import type { Program } from "../script/program.ts";
import type { LagFigures } from "../worker/event_loop_lag.ts";
import type {
  FromWorker,
  HandledSummary,
  InitArtifacts,
  LogFields,
  LogLevel,
  Phase,
  PlanMessage,
  ScriptFailure,
} from "../worker/messages.ts";
import { allocateSharedState, ScenarioCell, SharedState, WorkerCell } from "../worker/shared_state.ts";
import { VERSION } from "../version.ts";
import { ExitCode } from "../cli/exit_codes.ts";
import { ControlError } from "../control/controlled_run.ts";
import { clientCertificates } from "./client_certificates.ts";
import { Heartbeats } from "./heartbeats.ts";
import { checkKeyLogFile } from "./key_log_file.ts";
import { planRun, type WorkerPlan } from "./plan.ts";
import { RunError } from "./run_error.ts";
import { RunningOutputs } from "./running_outputs.ts";
import type { RunSecrets } from "./run_secrets.ts";
import { trustedCertificates } from "./trusted_certificates.ts";
import { NO_ARTIFACTS, type OpenSource, WorkerPool } from "./worker_pool.ts";

/** Workers that don't answer for this long after they were told to stop are ended. */
const STOP_GRACE_MS = 10_000;

/** How often to look for endless loops, and how long code may compute after its time before it counts as one. */
const HANG_CHECK_MS = 250;
const HANG_AFTER_MS = 1000;

const VUS_INTERVAL_MS = 1000;

/** Where the engine's log lines go. */
export interface RunLog extends OutputLog {
  /** From now on the text appears in no line. */
  redact(text: string): void;
  /** From now on `write` gets each line, too, until the function that is returned is called. */
  follow(write: (line: LogLine) => void): () => void;
  write(level: LogLevel, message: string, fields?: LogFields): void;
}

/** What a run does at the moment. */
export type RunPhase = "init" | "paused" | "setup" | "running" | "teardown" | "ended";

/** State of a scenario as seen from outside. */
export type ScenarioStatus = "waiting" | "running" | "stopping" | "interrupted" | "done";

/** Consumes what the summary needs beside the registry. */
export interface SampleConsumer {
  addSamples(batch: SampleBatch): void;
}

/** A reason to end the run before its time, with the exit code that it means. */
interface Stop {
  readonly reason: EndReason;
  readonly code: number;
  readonly message: string | null;
  /** What was logged already, where `message` is null. */
  readonly told?: string;
  readonly fields?: LogFields;
}

/** What the first init stage said of the script. */
export interface ScriptFacts {
  /** Exported options as JSON-like data, undefined without any. */
  readonly options: unknown;
  readonly functions: readonly string[];
  /** Every file that the script opened, by its path. */
  readonly files: ReadonlyMap<string, SharedArrayBuffer>;
}

/** A script with what its init stage needs. */
export interface LoadedTest {
  readonly program: Program;
  /** `__ENV` of the script. */
  readonly env: Readonly<Record<string, string>>;
  readonly openFile: OpenSource;
}

/** A test run. Life: `init`, `prepare`, `startOutputs`, `start`, `execute`; `interrupt` at any time. */
export class TestRun {
  readonly registry: MetricRegistry;
  readonly #settings: RunSettings;
  /** Tells this run from all others. */
  readonly #id: string = crypto.randomUUID();
  readonly #log: RunLog;
  readonly #pool: WorkerPool;
  readonly #consumers: SampleConsumer[] = [];
  #program: Program | null = null;
  #scriptEnv: Readonly<Record<string, string>> = {};
  /** Secrets that the cloud has for this run. */
  #runSecrets: RunSecrets | null = null;
  #artifacts: InitArtifacts = NO_ARTIFACTS;
  #functions: readonly string[] = [];
  #options: Options | null = null;
  #env: Readonly<Record<string, string>> = {};
  #caCerts: readonly string[] = [];
  #clientCertificates: readonly ClientCertificate[] = [];
  #proxies: ProxySettings | undefined;
  #overflow: OverflowSettings | null = null;
  #thresholds: Thresholds | null = null;
  #outputs: RunningOutputs;
  /** This instance's part of the test, and how much of the whole it is, from 0 to 1. */
  #segment: Share = EVERYTHING;
  segmentFraction = 1;
  #state: SharedState | null = null;
  #phase: RunPhase = "init";
  #scenarios: ScenarioTracker[] = [];
  #startedAtMs = 0;
  #endedAtMs = 0;
  #stop: Stop | null = null;
  #markedFailed = false;
  /** Whether `setup` or `teardown` runs because somebody asked for it from outside. */
  #isCalling = false;
  #endLinger: (() => void) | null = null;
  /** Null until the options, or somebody from outside, say. */
  #paused: boolean | null = null;
  #wakeWhenResumed: (() => void) | null = null;
  readonly #loggedOnce = new Set<string>();
  #heartbeats: Heartbeats | null = null;
  /** What tells a worker what to do; kept for a worker that takes the place of one that was ended. */
  #planMessage: ((worker: number, part: WorkerPlan, program: Program | null) => PlanMessage) | null = null;
  #lags: LagFigures[] = [];
  #hasHung = false;
  #stoppedAtMs = Infinity;
  #setupJson: string | undefined;
  /** Is given each answer of a worker, or null when none will come: the run was stopped or a worker broke down. */
  #awaited: ((message: FromWorker | null) => void) | null = null;
  #wakeWhenOver: (() => void) | null = null;
  /** The engine's own samples, which come from no worker. */
  readonly #ownSamples = new SampleRecorder((batch) => this.#ingest(OWN_SOURCE, batch));
  readonly #ownTags = TagSet.root();

  constructor(settings: RunSettings, log: RunLog) {
    this.#settings = settings;
    this.#log = log;
    this.registry = new MetricRegistry((message) => log.warn(message));
    this.#outputs = new RunningOutputs([], log);
    this.#pool = new WorkerPool({
      fromWorker: (index, message) => this.#receive(index, message),
      workerFailed: (index, reason) => this.#workerFailed(index, reason),
    });
  }

  /**
   * Starts the first worker, before the script is even read: both take their time, and they can take it together.
   *
   * @throws {RunError} when too many files are open for a thread
   */
  startFirstWorker(): void {
    this.#pool.spawn();
  }

  get #handlesSummary(): boolean {
    return this.#settings.summaryMode !== "disabled" && this.#functions.includes("handleSummary");
  }

  get phase(): RunPhase {
    return this.#phase;
  }

  get outputs(): RunningOutputs {
    return this.#outputs;
  }

  get thresholds(): Thresholds | null {
    return this.#thresholds;
  }

  /** Whether a threshold is crossed, or the script called `exec.test.fail()`. */
  get isTainted(): boolean {
    return this.#markedFailed || (this.#thresholds?.metrics.some(hasCrossed) ?? false);
  }

  /** Whether a metric's or sub-metric's thresholds are crossed; null when it has none. */
  taintOf(metricName: string): boolean | null {
    const entry = this.#thresholds?.metrics.find(({ name }) => name === metricName);
    return entry === undefined || entry.results.length === 0 ? null : hasCrossed(entry);
  }

  /** The exit code that the run was stopped with; null when nothing stopped it. */
  get stopCode(): number | null {
    return this.#stop?.code ?? null;
  }

  /** How long the scenarios (and set-up and tear-down) have run. */
  get durationMs(): number {
    if (this.#startedAtMs === 0) return 0;
    return (this.#endedAtMs === 0 ? performance.now() : this.#endedAtMs) - this.#startedAtMs;
  }

  get counts(): { active: number; initialized: number; complete: number; interrupted: number } {
    const state = this.#state;
    const total = (cell: WorkerCell): number => state === null ? 0 : state.total(cell);
    return {
      active: total(WorkerCell.vusActive),
      initialized: total(WorkerCell.vusInitialized),
      complete: total(WorkerCell.iterationsCompleted),
      interrupted: total(WorkerCell.iterationsInterrupted),
    };
  }

  /** Every scenario at this moment, for the progress display. */
  scenarios(): ScenarioView[] {
    const now = performance.now();
    // A terminal draws the first frame before the virtual users, and with them the counters, exist.
    const state = this.#state;
    const total = (index: number, cell: ScenarioCell): number => state === null ? 0 : state.scenarioTotal(index, cell);
    return this.#scenarios.map((tracker, index) => ({
      scenario: tracker.scenario,
      status: state === null ? "waiting" : tracker.status(now),
      elapsedMs: (state === null ? 0 : now - this.#startedAtMs) - tracker.scenario.startTimeMs,
      active: total(index, ScenarioCell.vusActive),
      held: total(index, ScenarioCell.vusHeld),
      ended: total(index, ScenarioCell.iterationsEnded),
    }));
  }

  /** Runs the first init stage of the script. Throws a `RunError` when it fails. */
  async init({ program, env, openFile }: LoadedTest): Promise<ScriptFacts> {
    this.#program = program;
    this.#scriptEnv = env;
    const { features, secretSources } = this.#settings;
    const freezeEnv = features.includes("freeze-env");
    const fileGate = this.#pool.createFileGate(openFile);
    this.#pool.send(0, { type: "init", program, env, freezeEnv, secretSources, fileGate });
    const message = await this.#wait((said) => said.type === "init-done" || said.type === "init-failed");
    if (message?.type === "init-failed") throw initError(message.failure, 0);
    if (message?.type !== "init-done") throw this.#stopError();
    if (message.functions.length === 0) {
      throw new RunError(ExitCode.Failure, "no exported functions in script: export a default function");
    }
    this.#artifacts = message.artifacts;
    this.#functions = message.functions;
    return {
      options: message.options === undefined ? undefined : JSON.parse(message.options),
      functions: message.functions,
      files: message.artifacts.files,
    };
  }

  /**
   * Checks thresholds and outputs against the options, and makes the outputs; `archive` packs the test for those that want it.
   * Throws a `RunError`.
   */
  async prepare(
    options: Options,
    { env, archive }: Pick<OutputContext, "env"> & Pick<TestFacts, "archive">,
  ): Promise<void> {
    this.#options = options;
    this.#paused ??= options.paused;
    this.#env = env;
    this.#caCerts = trustedCertificates(env);
    this.#clientCertificates = clientCertificates(options.tls.auth);
    if (options.tls.logsSecrets) checkKeyLogFile(env["SSLKEYLOGFILE"]!);
    this.#proxies = readProxySettings(env);
    this.#checkThresholds(options);
    if (options.systemTags.includes("expected_response")) {
      this.registry.addSubMetric("http_req_duration{expected_response:true}");
    }
    this.#limitSeries();
    const { weights, index } = options.segment;
    this.#segment = divide(weights)[index]!;
    this.segmentFraction = weights[index]! / weights.reduce((sum, weight) => sum + weight, 0);
    this.#scenarios = options.scenarios.map((scenario) =>
      new ScenarioTracker(scenario, scenarioOfShare(scenario, this.#segment, this.segmentFraction))
    );
    if (mayNeedOutputs(this.#settings, options.asJson)) {
      await this.#createOutputs(options, { env, test: this.#facts(options, archive) });
    }
    for (const { scenario } of this.#scenarios) {
      if (!this.#functions.includes(scenario.exec)) {
        throw new RunError(
          ExitCode.InvalidConfig,
          `function '${scenario.exec}' of scenario '${scenario.name}' not found in exports`,
        );
      }
    }
  }

  /** Adds a consumer of every sample; before `execute`. */
  addConsumer(consumer: SampleConsumer): void {
    this.#consumers.push(consumer);
  }

  /** Throws a `RunError` when an output can't start, or the run is stopped meanwhile. */
  async startOutputs(): Promise<void> {
    try {
      const stopped = this.#wait(() => false);
      if (await Promise.race([this.#outputs.start(), stopped]) === null) throw this.#stopError();
    } catch (error) {
      if (error instanceof OutputError) throw new RunError(ExitCode.Failure, error.message);
      throw error;
    }
    this.#consumers.push(this.#outputs);
    const remoteRun = await this.#outputs.remoteRun;
    if (remoteRun === null) return;
    this.#scriptEnv = { ...this.#scriptEnv, K6_CLOUDRUN_TEST_RUN_ID: remoteRun.id };
    if (remoteRun.secrets === null) return;
    this.#log.redact(remoteRun.secrets.token);
    const { RunSecrets } = await import("./run_secrets.ts");
    this.#runSecrets = new RunSecrets(remoteRun.secrets, { version: VERSION, log: this.#log, env: this.#env });
  }

  /** Creates the virtual users. Throws a `RunError`. */
  async start(): Promise<void> {
    const options = this.#options!;
    const plan = planRun(options.scenarios, this.#settings.workers, options.segment);
    this.#pool.grow(plan.workers.length);
    const pacer = options.scenarios.some(isOpenModel) ? this.#pool.startPacer(plan.workers.length) : null;
    const buffers = allocateSharedState(plan.workers.length, options.scenarios.length, plan.plannedVus);
    this.#state = new SharedState(buffers);
    plan.workers.forEach((_, worker) => {
      for (const { workersLeft } of this.#scenarios) workersLeft.add(worker);
    });
    this.#heartbeats = new Heartbeats(this.#state, plan.workers.length);
    this.#planMessage = (worker, part, program) => ({
      type: "plan",
      place: { worker, workers: plan.workers.length, pacer },
      program,
      env: this.#scriptEnv,
      options,
      parts: part.parts,
      vuIds: part.vuIds,
      artifacts: this.#artifacts,
      secretSources: this.#secretSources(),
      caCerts: this.#caCerts,
      clientCertificates: this.#clientCertificates,
      proxies: this.#proxies,
      overflow: this.#overflow,
      state: buffers,
    });
    plan.workers.forEach((part, worker) =>
      this.#pool.send(worker, this.#planMessage!(worker, part, worker === 0 ? null : this.#program))
    );
    let left = plan.workers.length;
    const last = await this.#wait((message) =>
      message.type === "init-failed" || (message.type === "ready" && --left === 0)
    );
    if (last?.type === "init-failed") throw initError(last.failure, last.vu);
    if (last?.type !== "ready") throw this.#stopError();
  }

  /** Those of the command line, and the run's own, if it has any. */
  #secretSources(): SecretSource[] {
    return this.#settings.secretSources.flatMap((source) => {
      if (source.secrets !== "of a run to come") return source;
      return this.#runSecrets === null ? [] : { ...source, secrets: "of the run" };
    });
  }

  async #readSecret(runSecrets: RunSecrets, worker: number, request: number, key: string): Promise<void> {
    const answer = await runSecrets.answer(key);
    if (answer.value !== null) this.#log.redact(answer.value);
    this.#pool.send(worker, { type: "secret", request, ...answer });
  }

  /** Waits for as long as the test is paused, then runs set-up, scenarios and tear-down. */
  async execute(): Promise<void> {
    const options = this.#options!;
    if (this.#paused && this.#stop === null) await this.#resumed();
    if (this.#stop !== null) return;
    this.#startedAtMs = performance.now();
    const vusTimer = this.#startVusGauges();
    const thresholdTimer = setInterval(() => this.#evaluate(), THRESHOLD_INTERVAL_MS);
    try {
      if (!options.noSetup && this.#functions.includes("setup")) {
        this.#phase = "setup";
        this.#setupJson = await this.#runPhase("setup", undefined, options.setupTimeoutMs);
      }
      if (this.#stop === null) await this.#runScenarios(options);
      const setUp = this.#phase !== "setup";
      if (setUp && !options.noTeardown && this.#functions.includes("teardown")) {
        this.#phase = "teardown";
        await this.#runPhase("teardown", this.#setupJson, options.teardownTimeoutMs);
      }
    } finally {
      clearInterval(vusTimer);
      clearInterval(thresholdTimer);
    }
    this.#endedAtMs = performance.now();
    this.#phase = "ended";
    if (!this.#handlesSummary) this.#pool.terminate();
    this.#recordLeftOver(options);
  }

  /** Result of `setup` as JSON; undefined when there was none. */
  get setupJson(): string | undefined {
    return this.#setupJson;
  }

  /**
   * Hands the summary (JSON) to the script's `handleSummary`; null when there is none or it leaves the summary to k6d.
   * Throws a `RunError` when it fails, which does not change the outcome of the test.
   */
  async handleSummary(data: string): Promise<HandledSummary | null> {
    if (!this.#handlesSummary) return null;
    if (this.#pool.size === 0) {
      throw new RunError(ExitCode.Failure, "handleSummary() was not called: its thread was ended");
    }
    this.#phase = "ended";
    const timeoutMs = this.#options!.handleSummaryTimeoutMs;
    const message = await this.#callPhase("handleSummary", data, timeoutMs);
    if (message?.type === "summary-handled") return message.summary;
    if (message?.type !== "phase-failed" && message?.type !== "init-failed") return null;
    const { kind, stack } = message.failure;
    throw new RunError(ExitCode.ScriptException, stack, kind === "exception" ? { hint: "script exception" } : {});
  }

  /** Final thresholds. Returns the exit code of the run so far. */
  finalVerdict(): number {
    const verdict = this.#thresholds?.evaluateAtEnd(this.durationMs);
    if (this.#stop !== null) return this.#stop.code;
    if (this.#hasHung) return ExitCode.GenericTimeout;
    if (this.#markedFailed) return ExitCode.MarkedAsFailed;
    if (verdict === undefined || verdict.crossed.length === 0) return ExitCode.Success;
    this.#log.error(`thresholds on metrics '${verdict.crossed.join(", ")}' have been crossed`);
    return ExitCode.ThresholdsHaveFailed;
  }

  /** How the run ended, for outputs; after `finalVerdict`. `startError` is why it never started its scenarios, if it didn't. */
  ending(startError: RunError | null): RunEnding {
    const thresholds = (this.#thresholds?.metrics ?? []).flatMap(({ name, results }) =>
      results.map(({ source, ok }) => ({ metric: name, expression: source, ok }))
    );
    if (this.#stop !== null) {
      const { reason, code, message, told } = this.#stop;
      return { reason, exitCode: code, message: firstLine(message ?? told ?? ""), thresholds };
    }
    if (startError !== null) {
      const { code, message } = startError;
      return { reason: reasonOf(code), exitCode: code, message: firstLine(message), thresholds };
    }
    const hasCrossed = thresholds.some(({ ok }) => !ok);
    if (this.#hasHung) return { reason: "system", exitCode: ExitCode.GenericTimeout, message: HUNG, thresholds };
    if (this.#markedFailed) {
      return { reason: "marked-failed", exitCode: ExitCode.MarkedAsFailed, message: "", thresholds };
    }
    const exitCode = hasCrossed ? ExitCode.ThresholdsHaveFailed : ExitCode.Success;
    return { reason: "finished", exitCode, message: "", thresholds };
  }

  /** Ends all threads, for a run that never got to its end. */
  dispose(): void {
    this.#runSecrets?.close();
    this.#pool.terminate();
  }

  /** The user wants the test to end. */
  interrupt(signal: string): void {
    this.#stopRun({
      reason: "interrupted",
      code: ExitCode.ExternalAbort,
      message: `test run was aborted because k6d received a '${signal}' signal`,
    });
  }

  /** Whether the test waits for `resume`. */
  get isPaused(): boolean {
    return this.#paused ?? false;
  }

  /**
   * Pauses the test: before it has started, altogether; later, its externally controlled scenarios. Throws a `ControlError`
   * when others run too.
   */
  pause(): void {
    this.#setPaused(true);
  }

  /** Lets a paused test go on. Throws as `pause` does. */
  resume(): void {
    this.#setPaused(false);
  }

  /** Changes the virtual users of the externally controlled scenario, as numbers of the whole test. Throws a `ControlError`. */
  scale({ vus, maxVus }: { readonly vus?: number; readonly maxVus?: number }): void {
    const tracker = this.#scenarios.find(({ control }) => control !== null);
    if (tracker === undefined) throw new ControlError("the test has no externally-controlled scenario to scale");
    const wanted = { vus: vus ?? tracker.control!.vus, maxVus: maxVus ?? tracker.control!.maxVus };
    for (const [name, value] of Object.entries(wanted)) {
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new ControlError(`${name} must be a whole number, got ${value}`);
      }
    }
    if (wanted.vus > wanted.maxVus) {
      throw new ControlError(`the number of VUs (${wanted.vus}) can't be more than maxVUs (${wanted.maxVus})`);
    }
    tracker.control = wanted;
    this.#sendControl();
  }

  /** Ends the test from outside (REST API): tear-down and summary follow, exit code 103. */
  stop(): void {
    this.#stopRun({
      reason: "rest-api",
      code: ExitCode.ScriptStoppedFromRestApi,
      message: "test run stopped from REST API",
    });
  }

  /** Takes the place of what `setup()` returned, as JSON. Throws a `ControlError` once the scenarios run. */
  replaceSetupData(json: string): void {
    if (this.#phase !== "init" && this.#phase !== "paused") {
      throw new ControlError("setup data can only be replaced before the test starts: run it with --paused");
    }
    this.#setupJson = json;
  }

  /** Runs `setup` or `teardown` now, of a test that is paused before its start. Throws a `ControlError`, also when it fails. */
  async callNow(phase: "setup" | "teardown"): Promise<void> {
    if (this.#phase !== "paused" || this.#isCalling) {
      throw new ControlError(`${phase}() can only be called while the test waits to be started: run it with --paused`);
    }
    if (!this.#functions.includes(phase)) return;
    const { setupTimeoutMs, teardownTimeoutMs } = this.#options!;
    this.#isCalling = true;
    const message = phase === "setup"
      ? await this.#callPhase(phase, undefined, setupTimeoutMs)
      : await this.#callPhase(phase, this.#setupJson, teardownTimeoutMs);
    this.#isCalling = false;
    if (message?.type === "phase-done") {
      if (phase === "setup") this.#setupJson = message.data;
      return;
    }
    const isFailure = message?.type === "phase-failed" || message?.type === "init-failed";
    throw new ControlError(isFailure ? message.failure.stack : `the test ended before ${phase}() did`);
  }

  /** Resolves once a signal or a stop from outside ends the waiting of a test that is over. */
  linger(): Promise<void> {
    return new Promise((resolve) => this.#endLinger = resolve);
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    if (this.#phase === "ended") throw new ControlError("the test is over");
    if (this.#isCalling) throw new ControlError("setup() or teardown() is being called");
    if (this.#startedAtMs > 0) {
      const other = this.#scenarios.find(({ control }) => control === null);
      if (other !== undefined) {
        const { name, executor } = other.scenario;
        throw new ControlError(
          `a running test can't be paused: scenario '${name}' (${executor}) keeps its own schedule`,
        );
      }
    }
    this.#paused = paused;
    this.#sendControl();
    if (!paused) this.#wakeWhenResumed?.();
  }

  #sendControl(): void {
    if (this.#phase !== "running") return;
    this.#scenarios.forEach(({ control }, scenario) => {
      if (control === null) return;
      this.#pool.broadcast({ type: "control", scenario, vus: this.#paused ? 0 : control.vus, maxVus: control.maxVus });
    });
  }

  async #resumed(): Promise<void> {
    this.#phase = "paused";
    this.#log.write("info", "the test is paused: it starts when it is resumed");
    await new Promise<void>((resolve) => this.#wakeWhenResumed = resolve);
    this.#wakeWhenResumed = null;
  }

  async #runScenarios(options: Options): Promise<void> {
    this.#phase = "running";
    const startAtEpochMs = performance.timeOrigin + performance.now();
    for (const tracker of this.#scenarios) {
      tracker.startsAtMs = performance.now() + tracker.scenario.startTimeMs;
    }
    this.#pool.broadcast({ type: "start", startAtEpochMs, data: this.#setupJson });
    if (this.#scenarios.some(({ control }) => control !== null)) this.#sendControl();
    const limitMs = Math.max(0, ...options.scenarios.map(latestEndMs)) + STOP_GRACE_MS;
    const watch = setInterval(() => this.#endHangingWorkers(performance.now()), HANG_CHECK_MS);
    await this.#scenariosOver(limitMs);
    clearInterval(watch);
    this.#lags.forEach(({ p50, p99, max }, worker) => {
      const [middle, high, most] = [p50, p99, max].map((lagMs) => `${lagMs.toFixed(1)} ms`);
      this.#log.write(
        "debug",
        `event loop of worker ${worker} was late by ${middle} (p50), ${high} (p99), ${most} (max)`,
      );
    });
  }

  /** Resolves once every worker has reported every scenario done, or is past its time. */
  async #scenariosOver(limitMs: number): Promise<void> {
    if (this.#allDone()) return;
    await new Promise<void>((resolve) => {
      const timer = watchdog(() => {
        this.#giveUp();
        resolve();
      }, limitMs);
      this.#wakeWhenOver = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeWhenOver = null;
  }

  #allDone(): boolean {
    return this.#scenarios.every((tracker) => tracker.workersLeft.size === 0);
  }

  /** Ends workers in whose code an endless loop runs, once the grace of its scenario is over. What they reported counts. */
  #endHangingWorkers(now: number): void {
    const heartbeats = this.#heartbeats!;
    for (const worker of this.#lefts()) {
      const silentMs = heartbeats.silentMs(worker, now);
      if (silentMs < HANG_AFTER_MS) continue;
      const { vu, iteration, scenario: index } = heartbeats.running(worker);
      const tracker = this.#scenarios[index];
      if (tracker === undefined || now < Math.min(tracker.endsAtMs, this.#stoppedAtMs) + HANG_AFTER_MS) continue;
      const { name, exec, executor } = tracker.scenario;
      this.#log.write(
        "error",
        `VU ${vu} of scenario '${name}' did not end in time: iteration ${iteration} of ${exec}() ` +
          `(${placeOfExport(this.#program!, exec)}) has been computing for ${(silentMs / 1000).toFixed(1)} s without ` +
          `giving its thread back; worker thread ${worker} was ended with all its VUs. Look for an endless loop`,
        { executor, scenario: name },
      );
      this.#endWorker(worker);
    }
  }

  /** Workers that have not done all their parts. */
  #lefts(): Set<number> {
    return new Set(this.#scenarios.flatMap(({ workersLeft }) => [...workersLeft]));
  }

  #endWorker(worker: number): void {
    this.#hasHung = true;
    this.#pool.end(worker);
    this.#state!.abandonWorker(worker);
    for (const tracker of this.#scenarios) {
      if (tracker.workersLeft.delete(worker)) tracker.interrupted = true;
    }
    // Somebody has to run teardown() and handleSummary().
    if (this.#pool.size === 0) {
      const parts = this.#scenarios.map(() => ({ initialVus: 0, maxVus: 0, leads: false }));
      this.#pool.send(this.#pool.spawn(), this.#planMessage!(worker, { parts, vuIds: [] }, this.#program));
    }
    if (this.#allDone()) this.#wakeWhenOver?.();
  }

  /** The last resort: workers that say nothing are ended; what they reported so far counts. */
  #giveUp(): void {
    const names = this.#scenarios.filter(({ workersLeft }) => workersLeft.size > 0)
      .map(({ scenario }) => `'${scenario.name}'`).join(", ");
    this.#log.error(
      `scenario ${names} did not end within ${STOP_GRACE_MS / 1000} s after its time; its worker threads were ended`,
    );
    for (const worker of this.#lefts()) this.#endWorker(worker);
  }

  async #runPhase(
    phase: "setup" | "teardown",
    data: string | undefined,
    timeoutMs: number,
  ): Promise<string | undefined> {
    const message = await this.#callPhase(phase, data, timeoutMs);
    if (message?.type === "phase-done") return message.data;
    if (message?.type === "phase-failed" || message?.type === "init-failed") this.#phaseFailed(phase, message.failure);
    return undefined;
  }

  /** What the worker says of the phase's end; null when it never says anything. */
  async #callPhase(phase: Phase, data: string | undefined, timeoutMs: number): Promise<FromWorker | null> {
    if (this.#pool.size === 0) return null;
    const deadline = watchdog(() => this.#hangingPhase(phase), timeoutMs + STOP_GRACE_MS);
    this.#pool.send(this.#pool.first, { type: "phase", phase, data, timeoutMs });
    // A phase that was stopped may still answer: that is not what the next one waits for.
    const message = await this.#wait((said) =>
      said.type === "phase-done" || said.type === "phase-failed" && said.phase === phase ||
      said.type === "init-failed" || said.type === "summary-handled"
    );
    clearTimeout(deadline);
    return message;
  }

  #phaseFailed(phase: "setup" | "teardown", failure: ScriptFailure): void {
    if (failure.kind === "timeout") {
      this.#log.error(failure.stack);
      const code = phase === "setup" ? ExitCode.SetupTimeout : ExitCode.TeardownTimeout;
      this.#stop ??= { reason: "timeout", code, message: null, told: failure.stack };
    } else if (failure.kind === "exception") {
      this.#log.write("error", failure.stack, { hint: "script exception" });
      this.#stop ??= { reason: "script-error", code: ExitCode.ScriptException, message: null, told: failure.stack };
    } else {
      // The worker says so once more, in a message of its own: by then the next phase may have begun.
      this.#scriptStopped(failure);
    }
  }

  #scriptStopped({ kind, stack }: ScriptFailure): void {
    this.#stopRun(
      kind === "abort"
        ? { reason: "script-abort", code: ExitCode.ScriptAborted, message: stack }
        : { reason: "script-error", code: ExitCode.ScriptException, message: stack },
    );
  }

  #hangingPhase(phase: string): void {
    this.#log.error(`${phase}() never yields and did not end in time; the worker thread was ended`);
    this.#stop ??= { reason: "system", code: ExitCode.GenericTimeout, message: null };
    this.#pool.terminate();
    this.#awaited?.(null);
  }

  #checkThresholds(options: Options): void {
    if (this.#settings.noThresholds) return;
    try {
      this.#thresholds = new Thresholds(options.thresholds, this.registry);
    } catch (error) {
      if (error instanceof ThresholdError) throw new RunError(ExitCode.InvalidConfig, error.message);
      throw error;
    }
    for (const warning of this.#thresholds.warnings) this.#log.warn(warning);
  }

  #limitSeries(): void {
    const { maxSeries } = this.#settings;
    if (maxSeries === 0) return;
    const selected = this.registry.metrics.flatMap(({ subMetrics }) => subMetrics.flatMap(({ tags }) => tags));
    this.#overflow = { limit: maxSeries, selected };
    this.registry.overflow = new SeriesOverflow(this.#overflow);
  }

  #facts(options: Options, archive: TestFacts["archive"]): TestFacts {
    const scenarios = this.#scenarios.map(({ scenario }) => scenario);
    const thresholds = this.#settings.noThresholds ? [] : Object.entries(options.thresholds);
    return {
      script: this.#settings.script,
      maxVus: maxConcurrentVus(scenarios),
      durationMs: maxRunDurationMs(scenarios),
      thresholds: Object.fromEntries(
        thresholds.map(([metric, list]) => [metric, list.map(({ expression }) => expression)]),
      ),
      systemTags: options.systemTags,
      archive,
    };
  }

  async #createOutputs(
    options: Options,
    facts: Pick<OutputContext, "env" | "test">,
  ): Promise<void> {
    const { createOutputs, withOutputsOfOptions } = await import("../output/outputs.ts");
    try {
      const { outputs: named, collectors, features, noArchiveUpload, launch } = this.#settings;
      const specs = withOutputsOfOptions(named, options.asJson);
      const { registry } = this;
      const stopRun = (message: string) => this.#stopRun({ reason: "output", code: ExitCode.ExternalAbort, message });
      const context = {
        ...facts,
        version: VERSION,
        options: options.asJson,
        collectors,
        features,
        noArchiveUpload,
        launch,
        registry,
        log: this.#log,
        stopRun,
        redact: (text: string) => this.#log.redact(text),
        followLog: (write: (line: LogLine) => void) => this.#log.follow(write),
      };
      const asked = createOutputs(specs, context);
      const outputs = [...asked, ...await this.#createApmOutput(context, cloudAmong(asked))];
      for (const secret of outputs.flatMap(({ secrets = [] }) => secrets)) this.#log.redact(secret);
      this.#outputs = new RunningOutputs(outputs, this.#log);
    } catch (error) {
      if (error instanceof OutputError) throw new RunError(ExitCode.Failure, error.message);
      throw error;
    }
  }

  /** What the script's `apm` blocks ask for: one output or none. */
  async #createApmOutput(
    context: Omit<OutputContext, "name" | "argument">,
    cloud: Output | null,
  ): Promise<Output[]> {
    const [{ createApmOutput }, { apmSecrets }] = await Promise.all([
      import("../output/apm/apm_output.ts"),
      import("../output/apm/config.ts"),
    ]);
    for (const secret of apmSecrets(context.options)) this.#log.redact(secret);
    const ownRunId = context.env["K6_CLOUD_PUSH_REF_ID"] || this.#id;
    const output = createApmOutput({ ...context, isAsked: this.#settings.apm, cloud, ownRunId });
    return output === null ? [] : [output];
  }

  /** `vus` and `vus_max`, once a second. */
  #startVusGauges(): ReturnType<typeof setInterval> {
    const tags = this.#ownTags.withAll(Object.entries(this.#options!.tags));
    const recorder = this.#ownSamples;
    const active = recorder.series(BUILTIN_METRIC_IDS.vus, tags);
    const initialized = recorder.series(BUILTIN_METRIC_IDS.vus_max, tags);
    return setInterval(() => {
      const counts = this.counts;
      const at = performance.timeOrigin + performance.now();
      recorder.record(active, at, counts.active);
      recorder.record(initialized, at, counts.initialized);
      recorder.flush();
    }, VUS_INTERVAL_MS);
  }

  /** Iterations of shared counters that nobody took in time; a test that was stopped has dropped none. */
  #recordLeftOver(options: Options): void {
    if (this.#stop !== null) return;
    const at = performance.timeOrigin + this.#endedAtMs;
    options.scenarios.forEach((scenario, index) => {
      if (scenario.executor !== "shared-iterations") return;
      const left = this.#segment.count(scenario.iterations) - this.#state!.iterationsTaken(index);
      if (left <= 0) return;
      const tags = this.#ownTags.withAll([
        ...Object.entries(options.tags),
        ...Object.entries(scenario.tags),
        ["scenario", scenario.name],
      ]);
      this.#ownSamples.record(this.#ownSamples.series(BUILTIN_METRIC_IDS.dropped_iterations, tags), at, left);
    });
    this.#ownSamples.flush();
  }

  #evaluate(): void {
    const verdict: ThresholdVerdict | undefined = this.#thresholds?.evaluate(this.durationMs);
    if (verdict?.abort !== true) return;
    this.#stopRun({
      reason: "threshold",
      code: ExitCode.ThresholdsHaveFailed,
      message: `thresholds on metrics '${verdict.crossed.join(", ")}' were crossed; ` +
        "at least one has abortOnFail enabled, stopping test prematurely",
    });
  }

  #stopRun(stop: Stop): void {
    if (this.#endLinger !== null) return this.#endLinger();
    if (this.#stop !== null) return;
    this.#stop = stop;
    this.#stoppedAtMs = performance.now();
    if (stop.message !== null) this.#log.write("error", stop.message, stop.fields);
    if (this.#phase === "running") {
      for (const tracker of this.#scenarios) tracker.stopping = true;
      this.#pool.broadcast({ type: "stop" });
      this.#state!.requestStop();
      setTimeout(() => {
        if (this.#wakeWhenOver === null) return;
        this.#giveUp();
        this.#wakeWhenOver();
      }, STOP_GRACE_MS);
    } else if (this.#phase === "setup" || this.#phase === "init" || this.#phase === "paused") {
      this.#awaited?.(null);
      this.#wakeWhenResumed?.();
    }
  }

  /** The reason has been logged when the stop came. */
  #stopError(): RunError {
    return new RunError(this.#stop?.code ?? ExitCode.ExternalAbort, "");
  }

  /** The next message that matches; null when none will come because the run was stopped or a worker broke down. */
  #wait(matches: (message: FromWorker) => boolean): Promise<FromWorker | null> {
    const stopped = this.#stop !== null && this.#phase !== "teardown" && this.#phase !== "ended";
    if (stopped || this.#pool.size === 0) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#awaited = (message) => {
        if (message !== null && !matches(message)) return;
        this.#awaited = null;
        resolve(message);
      };
    });
  }

  #receive(index: number, message: FromWorker): void {
    switch (message.type) {
      case "samples":
        // What handleSummary() measures belongs to no result.
        if (this.#phase !== "ended") this.#ingest(index, message.batch);
        break;
      case "log":
        if (message.onceKey !== undefined) {
          if (this.#loggedOnce.has(message.onceKey)) break;
          this.#loggedOnce.add(message.onceKey);
        }
        this.#log.write(message.level, message.message, message.fields);
        break;
      case "abort":
        this.#scriptStopped(message.failure);
        break;
      case "redact":
        this.#log.redact(message.text);
        break;
      case "read-secret":
        if (this.#runSecrets !== null) this.#readSecret(this.#runSecrets, index, message.request, message.key);
        break;
      case "test-failed":
        this.#markedFailed = true;
        this.#log.error(message.message);
        break;
      case "scenario-done":
        this.#lags[index] = message.lag;
        this.#scenarioDone(index, message.scenario, message.interrupted);
        break;
      default:
        this.#initFailedLater(message);
        this.#awaited?.(message);
    }
  }

  /** The init code of a virtual user that nobody planned failed, in the middle of the run. */
  #initFailedLater(message: FromWorker): void {
    if (message.type !== "init-failed" || this.#phase !== "running") return;
    const { message: text, code, fields } = initError(message.failure, message.vu);
    this.#stopRun({ reason: reasonOf(code), code, message: text, fields });
  }

  #scenarioDone(worker: number, scenario: number, interrupted: boolean): void {
    const tracker = this.#scenarios[scenario]!;
    tracker.workersLeft.delete(worker);
    if (interrupted) tracker.interrupted = true;
    if (this.#allDone()) this.#wakeWhenOver?.();
  }

  #ingest(source: number, batch: SampleBatch): void {
    const ingested = this.registry.ingest(source, batch);
    for (const consumer of this.#consumers) consumer.addSamples(ingested);
  }

  #workerFailed(index: number, reason: string): void {
    this.#log.error(`worker thread ${index} broke down: ${reason}`);
    this.#stop ??= { reason: "system", code: ExitCode.GoPanic, message: null };
    for (const { workersLeft } of this.#scenarios) workersLeft.clear();
    this.#pool.terminate();
    this.#awaited?.(null);
    this.#wakeWhenOver?.();
  }
}

/** Source of the engine's own samples, beyond any worker's index. */
const OWN_SOURCE = 1000;

/** A scenario for who watches. */
export interface ScenarioView {
  readonly scenario: Scenario;
  readonly status: ScenarioStatus;
  /** Since its own start; negative before. */
  readonly elapsedMs: number;
  readonly active: number;
  readonly held: number;
  readonly ended: number;
}

class ScenarioTracker {
  /** This instance's part of it. */
  readonly scenario: Scenario;
  /** What was asked for last where the virtual users are controlled from outside, as numbers of the whole test. */
  control: { readonly vus: number; readonly maxVus: number } | null;
  /** Workers that have not done their part. */
  readonly workersLeft = new Set<number>();
  interrupted = false;
  stopping = false;
  startsAtMs = Infinity;

  constructor(scenario: Scenario, here: Scenario) {
    this.scenario = here;
    this.control = scenario.executor === "externally-controlled" ? scenario : null;
  }

  /** When its last iterations are interrupted. */
  get endsAtMs(): number {
    return this.startsAtMs + regularDurationMs(this.scenario) + this.scenario.gracefulStopMs;
  }

  status(nowMs: number): ScenarioStatus {
    if (this.workersLeft.size === 0) return this.interrupted ? "interrupted" : "done";
    if (nowMs < this.startsAtMs) return "waiting";
    return this.stopping || nowMs > this.startsAtMs + regularDurationMs(this.scenario) ? "stopping" : "running";
  }
}

/** The output whose service has an id of its own for the run. */
function cloudAmong(outputs: readonly Output[]): Output | null {
  return outputs.find(({ remoteRun }) => remoteRun !== undefined) ?? null;
}

const HUNG = "code of the script never ended";

/** Why a run ended that never started its scenarios. */
function reasonOf(exitCode: number): EndReason {
  if (exitCode === ExitCode.ScriptException) return "script-error";
  return exitCode === ExitCode.ScriptAborted ? "script-abort" : "system";
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

function hasCrossed({ results }: MetricThresholds): boolean {
  return results.some(({ ok }) => !ok);
}

function initError(failure: ScriptFailure, vu: number): RunError {
  const code = failure.kind === "abort" ? ExitCode.ScriptAborted : ExitCode.ScriptException;
  const hint = vu > 0 ? `error while initializing VU #${vu} (script exception)` : "script exception";
  return new RunError(code, failure.stack, failure.kind === "exception" ? { hint } : {});
}

/** Calls `bark` after `limitMs`; never when that is beyond the 25 days that `setTimeout` can wait. */
function watchdog(bark: () => void, limitMs: number): ReturnType<typeof setTimeout> | undefined {
  return limitMs < 2 ** 31 ? setTimeout(bark, limitMs) : undefined;
}
