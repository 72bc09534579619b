/** What the state of a test that runs in the cloud means: words for the user, how far it is, and the exit code. */

import type { TestRunState } from "../../output/cloud/api/v6_api.ts";
import { ExitCode } from "../exit_codes.ts";

/** Whether a run is over. */
export function isOver({ status }: TestRunState): boolean {
  return status === "completed" || status === "aborted";
}

/** The word for a run's state: `Initializing`, `Finished`, `Aborted (by user)`. */
export function statusText({ status, history }: TestRunState): string {
  if (status === "completed") return "Finished";
  const isByUser = history.some(({ status, byUser }) => status === "aborted" && byUser);
  if (status === "aborted" && isByUser) return "Aborted (by user)";
  return status.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(" ");
}

/** How much of a run is done, 0 to 1, `runningMs` after it was first seen running. */
export function fractionDone(run: TestRunState, runningMs: number): number {
  if (isOver(run) || run.status === "processing_metrics") return 1;
  const estimatedMs = (run.estimatedDurationSeconds ?? 0) * 1000;
  return run.status === "running" && estimatedMs > 0 ? Math.min(1, runningMs / estimatedMs) : 0;
}

/** How a command ends after a run. */
export interface RemoteVerdict {
  readonly exitCode: ExitCode;
  /** Why it isn't 0; empty otherwise. */
  readonly message: string;
}

/** The verdict on a run that is over, or that is left to itself. A failed threshold counts before all else. */
export function verdictOn(run: TestRunState): RemoteVerdict {
  if (run.result === "failed") {
    return { exitCode: ExitCode.ThresholdsHaveFailed, message: "Thresholds have been crossed" };
  }
  if (run.result === "error" || run.status === "aborted") {
    return { exitCode: ExitCode.CloudTestRunFailed, message: `the test run failed${reasonOf(run)}` };
  }
  return { exitCode: ExitCode.Success, message: "" };
}

/** What the service says of the end: `: script error (code 8035)`. */
function reasonOf({ history }: TestRunState): string {
  const { message = null, code = null, byUser = false } = history.findLast(({ status }) => status === "aborted") ?? {};
  const words = message ?? (byUser ? "it was aborted by a user" : null);
  return words === null ? "" : `: ${words}${code === null ? "" : ` (code ${code})`}`;
}
