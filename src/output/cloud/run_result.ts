/** How the cloud is told that a run has ended. */

import type { EndReason, RunEnding } from "../run_facts.ts";
import type { TestRunEnd } from "./api/v1_api.ts";

/** What to tell of an ending. */
export function runResult({ reason, thresholds }: RunEnding): TestRunEnd {
  const byMetric = Map.groupBy(thresholds, ({ metric }) => metric);
  const outcomes = Array.from(byMetric, ([metric, ofMetric]) => [
    metric,
    Object.fromEntries(ofMetric.map(({ expression, ok }) => [expression, !ok])),
  ]);
  const isFailed = reason === "marked-failed" || thresholds.some(({ ok }) => !ok);
  return { isFailed, runStatus: STATUS_OF[reason], thresholds: Object.fromEntries(outcomes) };
}

/** The first API's numbers. */
const RUN_STATUS = {
  finished: 3,
  abortedByUser: 5,
  abortedBySystem: 6,
  abortedByScriptError: 7,
  abortedByThreshold: 8,
  abortedByLimit: 9,
} as const;

const STATUS_OF: Readonly<Record<EndReason, number>> = {
  "finished": RUN_STATUS.finished,
  "marked-failed": RUN_STATUS.finished,
  "threshold": RUN_STATUS.abortedByThreshold,
  "interrupted": RUN_STATUS.abortedByUser,
  "rest-api": RUN_STATUS.abortedByUser,
  "script-abort": RUN_STATUS.abortedByUser,
  "script-error": RUN_STATUS.abortedByScriptError,
  "timeout": RUN_STATUS.abortedByLimit,
  "output": RUN_STATUS.abortedBySystem,
  "system": RUN_STATUS.abortedBySystem,
};
