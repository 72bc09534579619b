/** `k6d run`: one test from its script to its exit code, with everything that the user sees of it. */

import { renderBanner, renderPlan } from "../cli/banner.ts";
import { ExitCode } from "../cli/exit_codes.ts";
import type { Log } from "../cli/log.ts";
import { ProgressDisplay, type ProgressPhase, type ProgressSnapshot } from "../cli/progress.ts";
import type { TextWriter } from "../cli/terminal.ts";
import { consolidate } from "../options/consolidate.ts";
import type { FlagValues } from "../options/table.ts";
import type { Options, RunSettings } from "../options/types.ts";
import { withSecretsOf } from "../output/option_secrets.ts";
import { toFileUrl } from "../script/file_url.ts";
import { loadProgram } from "../script/load.ts";
import { SummaryCollector } from "../summary/collect.ts";
import { summarize } from "./end_of_test.ts";
import { reportFailure } from "./failure.ts";
import { openControl, RunControl } from "./run_control.ts";
import { RunError } from "./run_error.ts";
import { archiveSecrets, archiveTest, warningOf } from "./test_archive.ts";
import { scriptUrl, TestFiles } from "./test_files.ts";
import { openTestSource } from "./test_source.ts";
import { TestRun } from "./test_run.ts";

/** Where options come from, beside the script. */
export interface RunLayers {
  /** The options of the configuration file. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The environment that k6d was started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly flags: FlagValues;
}

/** What a run writes to beside its log. */
export interface RunTerminal {
  readonly stdout: TextWriter;
  /** Whether stdout is a terminal, where progress is drawn in place. */
  readonly interactive: boolean;
}

/** Runs a test; resolves to the exit code. What goes wrong is logged, never thrown. */
export async function runTest(
  settings: RunSettings,
  layers: RunLayers,
  log: Log,
  terminal: RunTerminal,
): Promise<number> {
  const run = new TestRun(settings, log);
  using _signals = interruptOnSignal(run);
  try {
    run.startFirstWorker();
    const collector = new SummaryCollector(run.registry, settings.summaryMode);
    await using _control = openControl(new RunControl(run, collector), settings, log);
    const options = await prepare(run, settings, layers, log);
    const exitCode = await execute(run, collector, settings, options, log, terminal);
    if (settings.linger && run.stopCode === null) {
      log.info("the test is over; k6d stays until Ctrl-C, because of --linger");
      await run.linger();
    }
    return exitCode;
  } catch (error) {
    return reportFailure(error, log);
  } finally {
    run.dispose();
  }
}

/** From the script to consolidated options; nothing has been shown or started yet. */
async function prepare(run: TestRun, settings: RunSettings, layers: RunLayers, log: Log): Promise<Options> {
  const warn = (message: string): void => log.warn(message);
  const source = await openTestSource(settings.script, settings.type, warn);
  const { entry, host, openFile, archive } = source;
  const files = new TestFiles(source);
  const inspected = layers.env.K6D_INSPECT === "true";
  const program = await loadProgram(entry, { ...host, ...files.reader, warn, inspected });
  const env = { ...settings.systemEnv, ...archive?.env, ...settings.givenEnv };
  const facts = await run.init({ program, env, openFile });
  const { options, merged, warnings } = consolidate({
    config: layers.config,
    script: archive === null ? facts.options : withSecretsOf(facts.options, archive.options),
    env: layers.env,
    flags: layers.flags,
    features: settings.features,
    exportedFunctions: facts.functions,
  });
  for (const warning of warnings) log.warn(warning);
  if (options.paused && settings.address === "") {
    log.warn("the test is paused, and nothing can resume it: run it with --address as well, then k6d resume");
  }
  await run.prepare(options, {
    env: layers.env,
    archive: () => {
      const test = {
        filename: scriptUrl(program),
        pwd: toFileUrl(host.cwd),
        files: files.all(program, facts.files),
        options: merged,
        env: { ...archive?.env, ...settings.givenEnv },
      };
      archiveSecrets(test, program.modules.map(({ url }) => url)).inText.map(warningOf).forEach(warn);
      return archiveTest(test);
    },
  });
  return options;
}

async function execute(
  run: TestRun,
  collector: SummaryCollector,
  settings: RunSettings,
  options: Options,
  log: Log,
  { stdout, interactive }: RunTerminal,
): Promise<number> {
  if (settings.summaryMode !== "disabled" || settings.address !== "") run.addConsumer(collector);
  const { quiet, color } = settings;
  if (!quiet) stdout.write(renderBanner(color));
  const progress = quiet
    ? null
    : new ProgressDisplay({ snapshot: () => snapshot(run), writer: stdout, interactive, color });
  let startError: RunError | null = null;
  let outputsStarted = false;
  try {
    await run.startOutputs();
    outputsStarted = true;
    // Only now is known where the outputs' services keep the run.
    if (!quiet) stdout.write(describePlan(run, settings));
    if (interactive) log.attach(progress);
    progress?.start();
    await run.start();
    await run.execute();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    startError = error;
  }
  progress?.finish();
  log.attach(null);
  // Of a test that made no load there is nothing to judge.
  const verdict = outputsStarted ? run.finalVerdict() : ExitCode.Failure;
  if (outputsStarted && settings.summaryMode !== "disabled") {
    await summarize({ run, collector, settings, options }, stdout, log);
  }
  await run.outputs.stop(run.ending(startError));
  if (startError !== null) throw startError;
  if (run.counts.complete === 0) {
    log.warn("No script iterations fully finished, consider making the test duration longer");
  }
  // A signal may have come while the outputs sent what was left.
  return run.stopCode ?? verdict;
}

function describePlan(run: TestRun, { script, color }: RunSettings): string {
  const scenarios = run.scenarios().map(({ scenario }) => scenario);
  const outputs = run.outputs.descriptions;
  return renderPlan({ script, outputs, options: { scenarios }, segment: run.segmentFraction }, color);
}

function snapshot(run: TestRun): ProgressSnapshot {
  const { active, initialized, complete, interrupted } = run.counts;
  return {
    phase: progressPhase(run),
    paused: run.isPaused,
    elapsedMs: run.durationMs,
    activeVus: active,
    initializedVus: initialized,
    completeIterations: complete,
    interruptedIterations: interrupted,
    scenarios: run.scenarios().map(({ scenario, status, elapsedMs, active, held, ended }) => ({
      scenario,
      state: status,
      elapsedMs,
      activeVus: active,
      initializedVus: held,
      completeIterations: ended,
    })),
  };
}

function progressPhase(run: TestRun): ProgressPhase | null {
  switch (run.phase) {
    case "init":
      return { label: "Init", text: "Init VUs...", fraction: 0 };
    case "paused":
      return { label: "Init", text: "paused", fraction: 1 };
    case "setup":
      return { label: "setup", text: "setup()", fraction: 0 };
    case "teardown":
      return { label: "teardown", text: "teardown()", fraction: 0 };
    default:
      return null;
  }
}

/** The first signal ends the test gracefully, the second ends the process. */
function interruptOnSignal(run: TestRun): Disposable {
  let received = 0;
  const handlers = (["SIGINT", "SIGTERM"] as const).map((signal) => {
    const handler = (): void => {
      if (++received > 1) Deno.exit(ExitCode.ExternalAbort);
      run.interrupt(signal === "SIGINT" ? "interrupt" : "terminated");
    };
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  });
  return { [Symbol.dispose]: () => handlers.forEach((remove) => remove()) };
}
