/** Watches a test that runs in the cloud until it is over, and aborts it when the user wants that. */

import { CloudApiError } from "../../output/cloud/api/cloud_error.ts";
import type { TestRunState, V6Api } from "../../output/cloud/api/v6_api.ts";
import type { Clock } from "../../output/clock.ts";
import type { OutputLog } from "../../output/output.ts";
import { ExitCode } from "../exit_codes.ts";
import { fractionDone, isOver, type RemoteVerdict, statusText, verdictOn } from "./remote_status.ts";

/** What to watch. */
export interface WatchSettings {
  readonly api: Pick<V6Api, "testRun" | "abortTestRun">;
  readonly testRunId: string;
  /** Leave the test to itself as soon as it runs. */
  readonly exitOnRunning: boolean;
  readonly clock: Clock;
  readonly log: Pick<OutputLog, "error">;
  /** Called after each look at the test. */
  onProgress(progress: RemoteProgress): void;
}

/** A test at one moment. */
export interface RemoteProgress {
  /** `Running` */
  readonly text: string;
  /** Time since it was first seen running, and how long it is to take; null while it doesn't run or nobody knows. */
  readonly elapsed: { readonly ms: number; readonly ofMs: number } | null;
  /** 0 to 1. */
  readonly fraction: number;
}

/** How a watch ended. */
export interface RemoteEnd extends RemoteVerdict {
  /** The last state that was seen, in words; null when none was. */
  readonly status: string | null;
}

/** Watches one test. */
export class RemoteRunWatcher {
  readonly #settings: WatchSettings;
  #latest: TestRunState | null = null;
  #runningSinceMs: number | null = null;
  #complaint = "";
  /** Cuts the wait for the next look short. */
  #wake = new AbortController();

  constructor(settings: WatchSettings) {
    this.#settings = settings;
  }

  /** What was seen last, with the time that has passed since; null before the first look. */
  get progress(): RemoteProgress | null {
    const run = this.#latest;
    if (run === null) return null;
    const ms = this.#runningSinceMs === null ? 0 : this.#settings.clock.now() - this.#runningSinceMs;
    const ofMs = (run.estimatedDurationSeconds ?? 0) * 1000;
    return {
      text: statusText(run),
      elapsed: run.status === "running" && ofMs > 0 ? { ms: Math.min(ms, ofMs), ofMs } : null,
      fraction: fractionDone(run, ms),
    };
  }

  /**
   * Looks every two seconds until the test is over. When `interruption` aborts, the test is told to end, and is watched until it
   * has. Never rejects but for bugs.
   */
  async watch(interruption: AbortSignal): Promise<RemoteEnd> {
    const { clock } = this.#settings;
    const startedMs = clock.now();
    let aborting: Promise<void> | null = null;
    const abort = () => {
      // The next look is due as soon as the service knows.
      aborting = this.#abort().then(() => this.#wake.abort());
    };
    interruption.addEventListener("abort", abort, { once: true });
    if (interruption.aborted) abort();
    try {
      for (;;) {
        const run = await this.#look();
        if (run !== null && this.#isDone(run)) return { ...verdictOn(run), status: statusText(run) };
        if (this.#latest === null && clock.now() - startedMs >= PATIENCE_MS) return this.#lost();
        this.#wake = new AbortController();
        await clock.sleep(INTERVAL_MS, this.#wake.signal);
      }
    } finally {
      interruption.removeEventListener("abort", abort);
      await aborting;
    }
  }

  #isDone(run: TestRunState): boolean {
    return isOver(run) || this.#settings.exitOnRunning && ["running", "processing_metrics"].includes(run.status);
  }

  async #look(): Promise<TestRunState | null> {
    const { api, testRunId, clock, log, onProgress } = this.#settings;
    try {
      const run = await api.testRun(testRunId);
      this.#latest = run;
      this.#complaint = "";
      if (run.status === "running") this.#runningSinceMs ??= clock.now();
      onProgress(this.progress!);
      return run;
    } catch (error) {
      if (!(error instanceof CloudApiError)) throw error;
      // Once for as long as it stays the same.
      if (error.message !== this.#complaint) log.error(error.message);
      this.#complaint = error.message;
      return null;
    }
  }

  async #abort(): Promise<void> {
    const { api, testRunId, log } = this.#settings;
    try {
      await api.abortTestRun(testRunId);
    } catch (error) {
      if (!(error instanceof CloudApiError)) throw error;
      log.error(error.message);
    }
  }

  #lost(): RemoteEnd {
    const { testRunId } = this.#settings;
    return {
      exitCode: ExitCode.CloudFailedToGetProgress,
      message: `nothing is known of the test run ${testRunId}, which may still run: ` +
        `the service has not told for ${PATIENCE_MS / 1000} s`,
      status: null,
    };
  }
}

const INTERVAL_MS = 2_000;

/** How long the service may tell nothing at all. */
const PATIENCE_MS = 60_000;
