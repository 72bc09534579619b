/** Where a run stands: the words of version 6, the numbers of the first API, and how one becomes the other. */

import type { RunEnd, RunNotice, RunStatus, StatusEntry, TestRun, TestRunChange } from "./store.ts";

/** The numbers by which senders of streamed runs say how they ended. */
export const RUN_STATUS = {
  finished: 3,
  timedOut: 4,
  abortedByUser: 5,
  abortedBySystem: 6,
  abortedByScriptError: 7,
  abortedByThreshold: 8,
  abortedByLimit: 9,
} as const;

/** The newest entry of a run's history. */
export function statusOf({ history }: TestRun): StatusEntry {
  const newest = history.at(-1);
  if (newest === undefined) throw new TypeError("Cannot tell the status of a run without a history");
  return newest;
}

/** Whether a run is over. */
export function hasEnded(run: TestRun): boolean {
  return ["completed", "aborted"].includes(statusOf(run).type);
}

/** A run's history with one more entry. */
export function entered(run: TestRun, type: RunStatus, atEpochMs: number, extra: Partial<StatusEntry> = {}) {
  return [...run.history, { ...extra, type, enteredAtEpochMs: atEpochMs }];
}

/** What becomes of a streamed run that its sender ends. */
export function endedBySender(run: TestRun, end: RunEnd, atEpochMs: number): TestRunChange {
  const isFinished = end.runStatus === RUN_STATUS.finished;
  const history = entered(run, isFinished ? "completed" : "aborted", atEpochMs);
  const isBroken = !isFinished && end.runStatus !== RUN_STATUS.abortedByThreshold;
  return { end, history, result: isBroken ? "error" : end.resultStatus === 0 ? "passed" : "failed" };
}

/** What becomes of a local execution that its sender ends. */
export function endedByNotice(run: TestRun, notice: RunNotice, atEpochMs: number): TestRunChange {
  const { error } = notice;
  return error === null ? { notice, history: entered(run, "completed", atEpochMs), result: "passed" } : {
    notice,
    history: entered(run, "aborted", atEpochMs, { message: error.reason, code: error.code }),
    result: "error",
  };
}

/** Number of a status in the first API, with its words. */
export function v1Status(run: TestRun): { readonly code: number; readonly text: string } {
  const status = statusOf(run);
  const code = run.end?.runStatus ??
    (status.type === "aborted" && status.byUser === undefined ? RUN_STATUS.abortedBySystem : V1_CODES[status.type]);
  return { code, text: V1_TEXTS[code] ?? status.type };
}

/** How much of a run is done, 0 … 1. */
export function progressOf(run: TestRun, nowEpochMs: number): number {
  if (hasEnded(run) || statusOf(run).type === "processing_metrics") return 1;
  const running = run.history.find(({ type }) => type === "running");
  if (running === undefined || run.durationSeconds === null) return 0;
  return Math.min(1, (nowEpochMs - running.enteredAtEpochMs) / (run.durationSeconds * 1000));
}

const V1_CODES: Readonly<Record<RunStatus, number>> = {
  created: -2,
  queued: 0,
  initializing: 1,
  running: 2,
  processing_metrics: 2,
  completed: RUN_STATUS.finished,
  aborted: RUN_STATUS.abortedByUser,
};

const V1_TEXTS: Readonly<Record<number, string>> = {
  [-2]: "Created",
  0: "Queued",
  1: "Initializing",
  2: "Running",
  3: "Finished",
  4: "Timed out",
  5: "Aborted (by user)",
  6: "Aborted (by system)",
  7: "Aborted (by script error)",
  8: "Aborted (by threshold)",
  9: "Aborted (by limit)",
};
