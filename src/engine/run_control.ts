/** A run as the REST API sees it, and the API's start. */

import { ExitCode } from "../cli/exit_codes.ts";
import type { ControlledRun } from "../control/controlled_run.ts";
import { type ControlServer, ListenError, startControlServer } from "../control/server.ts";
import type { MetricRegistry } from "../metrics/registry.ts";
import type { RunSettings } from "../options/types.ts";
import type { SummaryCollector } from "../summary/collect.ts";
import type { SummaryGroup } from "../summary/summary_input.ts";
import { RunError } from "./run_error.ts";
import type { RunLog, RunPhase, TestRun } from "./test_run.ts";

/** A test run with the groups that its summary collects. */
export class RunControl implements ControlledRun {
  readonly #run: TestRun;
  readonly #collector: SummaryCollector;

  constructor(run: TestRun, collector: SummaryCollector) {
    this.#run = run;
    this.#collector = collector;
  }

  get phase(): RunPhase {
    return this.#run.phase;
  }

  get isPaused(): boolean {
    return this.#run.isPaused;
  }

  get isStopped(): boolean {
    return this.#run.stopCode !== null;
  }

  get isTainted(): boolean {
    return this.#run.isTainted;
  }

  get counts(): ControlledRun["counts"] {
    return this.#run.counts;
  }

  get durationMs(): number {
    return this.#run.durationMs;
  }

  get registry(): MetricRegistry {
    return this.#run.registry;
  }

  get rootGroup(): SummaryGroup {
    return this.#collector.rootGroup;
  }

  get setupJson(): string | undefined {
    return this.#run.setupJson;
  }

  taintOf(metricName: string): boolean | null {
    return this.#run.taintOf(metricName);
  }

  pause(): void {
    this.#run.pause();
  }

  resume(): void {
    this.#run.resume();
  }

  scale(wanted: { readonly vus?: number; readonly maxVus?: number }): void {
    this.#run.scale(wanted);
  }

  stop(): void {
    this.#run.stop();
  }

  replaceSetupData(json: string): void {
    this.#run.replaceSetupData(json);
  }

  callSetup(): Promise<void> {
    return this.#run.callNow("setup");
  }

  callTeardown(): Promise<void> {
    return this.#run.callNow("teardown");
  }
}

/**
 * Starts the REST API where the settings say; null when they say nowhere. Throws a `RunError` when it can't start and the
 * command line asked for it; only warns when a variable did.
 */
export function openControl(
  run: ControlledRun,
  { address, needsAddress }: RunSettings,
  log: RunLog,
): ControlServer | null {
  if (address === "") return null;
  try {
    const server = startControlServer(address, run);
    log.info(`REST API at ${server.url}`);
    return server;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    if (needsAddress) throw new RunError(ExitCode.CannotStartRestApi, error.message);
    log.warn(error.message);
    return null;
  }
}
