/** The entry of a worker thread: obeys the main thread's messages. All code of the script runs in here. */

import { addLazyModule, BUILTIN_MODULES, DEFAULT_EXPORTS } from "../api/builtins.ts";
import { scriptConsole } from "../api/console.ts";
import { TestAborted } from "../api/execution.ts";
import { scriptRandom } from "../api/k6.ts";
import { missingModules } from "../api/lazy_modules.ts";
import { openForScript } from "../api/open.ts";
import { type InitSession, setSession } from "../api/session.ts";
import { timers } from "../api/timers.ts";
import { webCrypto } from "../api/web_crypto.ts";
import { SampleRecorder } from "../metrics/sample_recorder.ts";
import { SeriesOverflow } from "../metrics/series_overflow.ts";
import { HttpNetwork } from "../net/http_client.ts";
import type { Options, SecretSource } from "../options/types.ts";
import { type BuiltinUser, keepInitChanges, strayChange, watchBuiltins } from "../script/builtin_changes.ts";
import { globalOf, type Instantiation, LoadedProgram } from "../script/instantiate.ts";
import { setJobQueueSource } from "../script/jobs.ts";
import type { Program, ProgramGlobals, ProgramHost } from "../script/program.ts";
import { isPromise } from "../script/promise.ts";
import { onBlockedThread } from "../script/blocking_twin.ts";
import type { BlockingSite } from "../script/stack_trace.ts";
import type {
  ControlMessage,
  FromWorker,
  InitMessage,
  Phase,
  PhaseMessage,
  PlanMessage,
  ScriptFailure,
  SecretMessage,
  ToWorker,
} from "./messages.ts";
import { adviceOnAbsentGlobal } from "./absent_globals.ts";
import type { PhaseFunction } from "./phase_driver.ts";
import { nowEpochMs, WorkerRuntime } from "./runtime.ts";
import { ScenarioRunner } from "./scenario_runner.ts";
import { EventLoopLag } from "./event_loop_lag.ts";
import { type Outside, UncaughtRejection } from "./event_loop.ts";
import { readFileThroughMain } from "./script_files.ts";
import { scriptEnv } from "./script_env.ts";
import { IMPORT_REFUSED, installScriptGlobals } from "./script_globals.ts";
import { SharedState, WorkerCell } from "./shared_state.ts";
import { isThrown, thrownText } from "./thrown.ts";
import type { TimerEntry } from "./timers.ts";
import { type Turn, Turns } from "./turns.ts";
import { currentLoop, currentUser, FirstInit, VirtualUser } from "./virtual_user.ts";

// Scripts find these gone from the global object.
const { MessageEvent, performance, setInterval } = globalThis;

/** Samples leave for the main thread at least this often. */
const FLUSH_MS = 50;

/** How long a change to JavaScript's own objects that can't be kept apart goes unnoticed, at most. */
const BUILTIN_CHECK_MS = 1000;

const DIAL_TIMEOUT_MS = 30_000;

const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
};
const postMessage = scope.postMessage.bind(scope);

function post(message: FromWorker, transfer: Transferable[] = []): void {
  postMessage(message, transfer);
}

/** Stands for the virtual user of the first init stage, which has none. */
const FIRST_INIT: BuiltinUser = { builtinChanges: null };

/** A worker's life: the program, then its virtual users, then the scenarios. */
class WorkerSession implements InitSession {
  readonly recorder = new SampleRecorder((batch) =>
    postMessage({ type: "samples", batch }, [batch.series.buffer, batch.times.buffer, batch.values.buffer])
  );
  /** Globals of the first init stage. */
  firstGlobals: ProgramGlobals | undefined;
  mayWriteBytes = true;
  #program: LoadedProgram | null = null;
  #env: Readonly<Record<string, string>> = {};
  secretSources: readonly SecretSource[] = [];
  readonly #redacted = new Set<string>();
  /** Reads of the run's secrets that have no answer yet, by their numbers. */
  readonly #secretReads = new Map<number, Outside<string>>();
  #lastSecretRead = 0;
  #files = new Map<string, SharedArrayBuffer>();
  #sharedArrays = new Map<string, SharedArrayBuffer>();
  /** Present only in the first init stage, when new files may be read. */
  #fileGate: SharedArrayBuffer | null = null;
  #options: Options | null = null;
  #frozenOptions: unknown = undefined;
  #runtime: WorkerRuntime | null = null;
  #runners: ScenarioRunner[] = [];
  #starts: StartTimer[] = [];
  /** Virtual users that no scenario holds; the one that was returned first is taken first. */
  readonly #free = new Queue<VirtualUser>();
  readonly #turns = new Turns();
  readonly #lag = new EventLoopLag(FLUSH_MS);
  #strayChangeReported = false;
  #setupJson: string | undefined;
  /** Whether the init code of a virtual user that nobody planned awaits. */
  #isInitializing = false;
  #isInitFailed = false;
  /** Ends the running `setup` or `teardown` with what it has done so far. */
  #dropPhase: ((reason: string) => void) | null = null;

  readonly log: InitSession["log"] = (level, message, fields = {}) => post({ type: "log", level, message, fields });

  init(message: InitMessage): void {
    this.#fileGate = message.fileGate;
    this.#env = message.env;
    this.secretSources = message.secretSources;
    const failed = (error: unknown): void => post({ type: "init-failed", failure: describe(error), vu: 0 });
    try {
      this.#load(message.program);
    } catch (error) {
      return failed(error);
    }
    const globals = this.firstGlobals = { __VU: 0, __ITER: undefined, __ENV: scriptEnv(message.env, null, message) };
    const first = new FirstInit();
    first.init(() => this.#instantiate(globals), () => {
      this.#fileGate = null;
      try {
        if (first.failed) throw first.error;
        this.#firstInitDone(first.exports);
      } catch (error) {
        failed(error);
      }
    });
  }

  #firstInitDone(exports: Readonly<Record<string, unknown>>): void {
    checkLifeCycleExports(exports);
    this.recorder.flush();
    post({
      type: "init-done",
      options: exportedOptions(exports),
      functions: Object.keys(exports).filter((name) => typeof exports[name] === "function"),
      artifacts: { files: this.#files, sharedArrays: this.#sharedArrays },
    });
  }

  plan(message: PlanMessage): void {
    const { options } = message;
    if (message.program !== null) this.#load(message.program);
    this.#env = message.env;
    this.secretSources = message.secretSources;
    this.#files = new Map(message.artifacts.files);
    this.#sharedArrays = new Map(message.artifacts.sharedArrays);
    this.#options = options;
    if (message.overflow !== null) this.recorder.overflow = new SeriesOverflow(message.overflow);
    const network = new HttpNetwork({
      insecureSkipTlsVerify: options.insecureSkipTlsVerify,
      noConnectionReuse: options.noConnectionReuse,
      caCerts: message.caCerts,
      dialTimeoutMs: DIAL_TIMEOUT_MS,
      tls: {
        http2: options.tls.http2,
        resumesSessions: options.tls.resumesSessions,
        ...(options.tls.minVersion === null ? {} : { minVersion: options.tls.minVersion }),
        ...(options.tls.maxVersion === null ? {} : { maxVersion: options.tls.maxVersion }),
        ...(options.tls.cipherSuites === null ? {} : { cipherSuites: new Set(options.tls.cipherSuites) }),
        logsSecrets: options.tls.logsSecrets,
        clientCertificates: message.clientCertificates,
      },
      addressRules: {
        hosts: options.hosts,
        blockedNames: options.blockHostnames,
        blockedNetworks: options.blacklistIps,
      },
      dns: { ...options.dns, turns: message.state.addressTurns },
      ...(message.proxies === undefined ? {} : { proxies: message.proxies }),
      ...(options.rps > 0 ? { rateLimit: { perSecond: options.rps, next: message.state.nextRequest } } : {}),
    });
    const state = new SharedState(message.state);
    const runtime = new WorkerRuntime(message.place, options, this.recorder, network, state, post);
    this.#runtime = runtime;
    runtime.blocked.onStop = () => this.stop(null);
    this.#runners = options.scenarios.map((scenario, index) => {
      const part = message.parts[index]!;
      return new ScenarioRunner(runtime, this, index, scenario, part);
    });
    const users = message.vuIds.map(() => null as VirtualUser | null);
    let initializing = 1;
    const initialized = (): void => {
      if (--initializing > 0) return;
      for (const user of users) if (user !== null) this.#free.add(user);
      if (!users.includes(null)) post({ type: "ready" });
    };
    for (const [index, id] of message.vuIds.entries()) {
      initializing++;
      this.#newUser(id, (user) => {
        users[index] = user;
        initialized();
      });
      if (this.#isInitFailed) return;
    }
    initialized();
  }

  phase({ phase, data, timeoutMs }: PhaseMessage): void {
    this.#newUser(0, (user) => {
      if (user !== null) this.#runPhase(user, phase, data, timeoutMs);
    });
  }

  #runPhase(
    user: VirtualUser,
    phase: PhaseMessage["phase"],
    data: PhaseMessage["data"],
    timeoutMs: PhaseMessage["timeoutMs"],
  ): void {
    const runtime = this.#runtime!;
    const end = (outcome: FromWorker): void => {
      this.#dropPhase = null;
      runtime.timers.remove(timeout);
      if (phase !== "handleSummary") {
        user.setGroup(`::${phase}`);
        user.recordData(nowEpochMs());
      }
      this.recorder.flush();
      user.close();
      post(outcome);
    };
    const drop = (kind: "abort" | "timeout", stack: string): void =>
      end({ type: "phase-failed", phase, failure: { kind, stack } });
    const timeout = new PhaseTimeout(() =>
      drop("timeout", `${phase}() execution timed out after ${timeoutMs / 1000} seconds`)
    );
    const ended = (): void => {
      if (this.#dropPhase !== null) end(phaseOutcome(phase, user));
    };
    this.#dropPhase = (reason) => drop("abort", reason);
    user.enter(runtime.rootTags, `::${phase}`);
    runtime.timers.add(timeout, performance.now() + timeoutMs);
    const exported = user.exports[phase] as PhaseFunction;
    const argument = data === undefined ? undefined : JSON.parse(data);
    if (user.run(exported, argument, { phaseEnded: ended })) ended();
  }

  start(startAtEpochMs: number, setupJson: string | undefined): void {
    const runtime = this.#runtime!;
    this.#setupJson = setupJson;
    runtime.testStartedAtEpochMs = startAtEpochMs;
    const startAtMs = startAtEpochMs - performance.timeOrigin;
    this.#starts = this.#runners.map((runner) => new StartTimer(runner, startAtMs + runner.scenario.startTimeMs));
    for (const start of this.#starts) runtime.timers.add(start, start.startAtMs);
  }

  control(message: ControlMessage): void {
    this.#runners[message.scenario]?.control(message);
  }

  secretRead({ request, value, problem }: SecretMessage): void {
    const outcome = this.#secretReads.get(request);
    this.#secretReads.delete(request);
    if (value === null) outcome?.reject(new Error(problem));
    else outcome?.resolve(value);
  }

  /** Ends all scenarios; `aborter` is the virtual user that asked for it, if one did. */
  stop(aborter: VirtualUser | null): void {
    for (const start of this.#starts) {
      if (!start.started) {
        this.#runtime!.timers.remove(start);
        this.scenarioDone(start.runner.index, false);
      }
    }
    for (const start of this.#starts) if (start.started) start.runner.stop(aborter);
    this.#starts = [];
  }

  // What scenario runners ask for.

  takeUser(): VirtualUser | null {
    return this.#free.take();
  }

  createUser(): VirtualUser | null {
    // While init code awaits, its user is not there yet, and no other is begun; it can be taken later.
    if (this.#isInitializing) return null;
    this.#isInitializing = true;
    let made: VirtualUser | null = null;
    let isLater = false;
    this.#newUser(this.#runtime!.state.takeUnplannedVu() + 1, (user) => {
      this.#isInitializing = false;
      if (isLater && user !== null) this.#free.add(user);
      else made = user;
    });
    isLater = true;
    return made;
  }

  returnUser(user: VirtualUser): void {
    this.#free.add(user);
  }

  setupJson(): string | undefined {
    return this.#setupJson;
  }

  iterationFailed(user: VirtualUser, error: unknown): void {
    const { kind, stack } = describe(error);
    // The test ends with a message of its own.
    if (kind !== "exception") return;
    const { scenario } = user.context!;
    const fields = { executor: scenario.executor, scenario: scenario.name };
    const isRejection = isThrown(error, UncaughtRejection);
    this.log("error", stack, isRejection ? fields : { ...fields, source: "stacktrace" });
  }

  scenarioDone(index: number, interrupted: boolean): void {
    this.checkBuiltins();
    this.recorder.flush();
    post({ type: "scenario-done", scenario: index, interrupted, lag: this.#lag.figures() });
  }

  /** Is called every `FLUSH_MS`, as far as the script's code lets it. */
  beat(): void {
    this.recorder.flush();
    this.#lag.beat(performance.now());
    const runtime = this.#runtime;
    runtime?.state.addToWorker(runtime.worker, WorkerCell.beats, 1);
  }

  /** Ends the test when a script has changed for all virtual users of this thread what should be each one's own. */
  checkBuiltins(): void {
    const changed = strayChange();
    if (changed === undefined || this.#strayChangeReported) return;
    this.#strayChangeReported = true;
    const stack = `${changed} was changed during an iteration, in a way that k6d can't keep within one virtual user; ` +
      `change it in the init stage, or write the change as an assignment to ${changed}`;
    post({ type: "abort", failure: { kind: "refusal", stack } });
  }

  soon(turn: Turn): void {
    this.#turns.add(turn);
  }

  // What the script's API asks for.

  openFile(path: string): SharedArrayBuffer {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    if (this.#fileGate === null) {
      throw new Error(
        `open() can't be used with files that weren't previously opened during initialization (__VU==0), path: "${path}"`,
      );
    }
    const content = readFileThroughMain(path, this.#fileGate, post);
    if (content === undefined) {
      throw new Error(`The file "${path}" couldn't be opened: there is no such file, or it can't be read`);
    }
    this.#files.set(path, content);
    return content;
  }

  sharedArray(name: string, create: () => SharedArrayBuffer): SharedArrayBuffer {
    const known = this.#sharedArrays.get(name);
    if (known !== undefined) return known;
    const made = create();
    this.#sharedArrays.set(name, made);
    return made;
  }

  redact(text: string): void {
    if (this.#redacted.has(text)) return;
    this.#redacted.add(text);
    post({ type: "redact", text });
  }

  readRunSecret(key: string, outcome: Outside<string>): void {
    const request = ++this.#lastSecretRead;
    this.#secretReads.set(request, outcome);
    post({ type: "read-secret", request, key });
  }

  testOptions(): unknown {
    if (this.#options === null) return undefined;
    return this.#frozenOptions ??= deepFreeze(structuredCloneJson(this.#options.asJson));
  }

  abort(message: string): void {
    // First, so that its samples are there when the test ends.
    this.#dropPhase?.(message);
    post({ type: "abort", failure: { kind: "abort", stack: message } });
    this.stop(currentUser);
  }

  markFailed(message: string): void {
    post({ type: "test-failed", message });
  }

  #load(program: Program): void {
    installScriptGlobals(
      { console: scriptConsole, open: openForScript, ...timers, ...webCrypto },
      () => globalOf(currentUser?.globals ?? this.firstGlobals),
    );
    this.mayWriteBytes = program.mayWriteBytes;
    this.#program = new LoadedProgram(program);
    watchBuiltins(() => currentUser ?? FIRST_INIT, { ...DEFAULT_EXPORTS, console: scriptConsole });
  }

  #instantiate(globals: ProgramHost["globals"]): Instantiation {
    return keepInitChanges(() =>
      this.#program!.instantiate({ builtin: (specifier) => BUILTIN_MODULES[specifier]!, globals })
    );
  }

  /**
   * Makes a virtual user and runs its init code; `done` is called at the end, at once unless that awaits. It gets null
   * when the init code failed, which the main thread has been told then.
   */
  #newUser(id: number, done: (user: VirtualUser | null) => void): void {
    const runtime = this.#runtime!;
    const user = new VirtualUser(id, runtime, scriptEnv(this.#env, null, runtime.options));
    user.init(({ globals }) => this.#instantiate(globals), () => {
      if (user.failed) {
        this.#isInitFailed = true;
        post({ type: "init-failed", failure: describe(user.error), vu: id });
        return done(null);
      }
      if (id > 0) runtime.state.addToWorker(runtime.worker, WorkerCell.vusInitialized, 1);
      done(user);
    });
  }
}

/** First in, first out. */
class Queue<T extends object> {
  #items: T[] = [];
  #taken = 0;

  add(item: T): void {
    this.#items.push(item);
  }

  take(): T | null {
    const item = this.#items[this.#taken];
    if (item === undefined) return null;
    if (++this.#taken === this.#items.length) {
      this.#items = [];
      this.#taken = 0;
    }
    return item;
  }
}

/** Goes on with a program once the code of all modules that it needs is there: at once for most. */
function withModules(program: Program | null, goOn: () => void): void {
  const missing = program === null ? [] : missingModules(program);
  if (missing.length === 0) return goOn();
  Promise.all(missing.map(addLazyModule)).then(goOn);
}

class StartTimer implements TimerEntry {
  readonly runner: ScenarioRunner;
  readonly startAtMs: number;
  started = false;
  dueAtMs = 0;
  heapIndex = -1;

  constructor(runner: ScenarioRunner, startAtMs: number) {
    this.runner = runner;
    this.startAtMs = startAtMs;
  }

  timerDue(): void {
    this.started = true;
    post({ type: "scenario-started", scenario: this.runner.index });
    this.runner.start(this.startAtMs);
  }
}

class PhaseTimeout implements TimerEntry {
  readonly isDeadline = true;
  dueAtMs = 0;
  heapIndex = -1;
  readonly timerDue: () => void;

  constructor(timerDue: () => void) {
    this.timerDue = timerDue;
  }
}

function phaseOutcome(phase: Phase, { failed, error, result }: VirtualUser): FromWorker {
  if (failed) return { type: "phase-failed", phase, failure: describe(error) };
  if (phase === "teardown") return { type: "phase-done", data: undefined };
  try {
    return phase === "handleSummary" ? summaryOutcome(result) : { type: "phase-done", data: JSON.stringify(result) };
  } catch (refused) {
    // A getter of what was returned, or what can't be JSON.
    const use = phase === "setup" ? "written as JSON" : "read";
    const stack = `${phase}() returned data that can't be ${use}: ${thrownText(refused)}`;
    return { type: "phase-failed", phase, failure: { kind: "exception", stack } };
  }
}

function summaryOutcome(result: unknown): FromWorker {
  if (!result) return { type: "summary-handled", summary: null };
  const summary = new Map<string, string | Uint8Array>();
  const refuse = (stack: string): FromWorker => ({
    type: "phase-failed",
    phase: "handleSummary",
    failure: { kind: "exception", stack },
  });
  if (typeof result !== "object") {
    return refuse(`handleSummary() must return an object from destinations to contents, got ${typeof result}`);
  }
  for (const [destination, content] of Object.entries(result)) {
    if (typeof content === "string") summary.set(destination, content);
    else if (content instanceof ArrayBuffer) summary.set(destination, new Uint8Array(content));
    else if (ArrayBuffer.isView(content)) {
      summary.set(destination, new Uint8Array(content.buffer, content.byteOffset, content.byteLength).slice());
    } else {
      const found = content === null ? "null" : typeof content;
      return refuse(`handleSummary() must give a string or an ArrayBuffer for '${destination}', got ${found}`);
    }
  }
  return { type: "summary-handled", summary };
}

/** A mistake of the script that has no place in it; the message says all. */
class ExportError extends Error {}

function checkLifeCycleExports(exports: Readonly<Record<string, unknown>>): void {
  for (const name of ["setup", "teardown", "handleSummary"]) {
    const value = exports[name];
    if (value !== undefined && value !== null && typeof value !== "function") {
      throw new ExportError(`exported '${name}' must be a function`);
    }
  }
}

function exportedOptions(exports: Readonly<Record<string, unknown>>): string | undefined {
  const { options } = exports;
  if (options === undefined || options === null) return undefined;
  if (isPromise(options)) throw new ExportError("exported 'options' must be an object, got a promise; await it");
  const json = jsonOfOptions(options);
  if (json === undefined) throw new ExportError(`exported 'options' must be an object, got a ${typeof options}`);
  return json;
}

/** What the script's getters throw comes out as it is. */
function jsonOfOptions(options: unknown): string | undefined {
  try {
    return JSON.stringify(options);
  } catch (error) {
    const refused = isThrown(error, TypeError) ? /circular structure|a BigInt/.exec(error.message)?.[0] : undefined;
    if (refused === undefined) throw error;
    throw new ExportError(`exported 'options' can't be written as JSON: they have ${refused.replace(/^c/, "a c")}`);
  }
}

function describe(error: unknown): ScriptFailure {
  if (isThrown(error, TestAborted)) return { kind: "abort", stack: error.message };
  if (isThrown(error, UncaughtRejection)) {
    const { kind, stack } = describe(error.reason);
    return { kind, stack: kind === "exception" ? `${error.message} ${stack}` : stack };
  }
  const stack = isThrown(error, ExportError) ? error.message : thrownText(error);
  const advice = adviceOnAbsentGlobal(stack);
  if (advice !== undefined) post({ type: "log", level: "warn", message: advice, fields: {}, onceKey: advice });
  return { kind: "exception", stack };
}

const knownBlockingSites = new Set<string>();

/** One line for each place in the script, whichever worker comes across it first. */
function warnOfBlocking({ position, what, through }: BlockingSite): void {
  if (knownBlockingSites.has(position)) return;
  knownBlockingSites.add(position);
  const message = `${position}: ${what} blocks its whole thread with all virtual users on it, ` +
    `because k6d cannot suspend them ${through}; move the call out of there`;
  post({ type: "log", level: "warn", message, fields: {}, onceKey: `blocking ${position}` });
}

function structuredCloneJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function deepFreeze(value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

const session = new WorkerSession();
setSession(session);
setJobQueueSource(currentLoop);
onBlockedThread(warnOfBlocking);
setInterval(() => session.beat(), FLUSH_MS);
setInterval(() => session.checkBuiltins(), BUILTIN_CHECK_MS);
globalThis.addEventListener("unhandledrejection", (event) => {
  const { stack } = describe(event.reason);
  // An error without a place in the script is k6d's own, and ends the worker.
  if (isThrown(event.reason, Error) && !stack.includes("\n\tat ") && !stack.endsWith(IMPORT_REFUSED)) return;
  event.preventDefault();
  session.log("error", `Uncaught (in promise) ${stack}`, { source: "stacktrace" });
});
globalThis.addEventListener("message", (event) => {
  // The genuine ones only: whatever a script hands to this listener is none.
  if (!(event instanceof MessageEvent)) return;
  const data: ToWorker = event.data;
  switch (data.type) {
    case "init":
      return withModules(data.program, () => session.init(data));
    case "plan":
      return withModules(data.program, () => session.plan(data));
    case "phase":
      return session.phase(data);
    case "start":
      return session.start(data.startAtEpochMs, data.data);
    case "control":
      return session.control(data);
    case "stop":
      return session.stop(null);
    case "secret":
      return session.secretRead(data);
  }
});
Math.random = scriptRandom;
