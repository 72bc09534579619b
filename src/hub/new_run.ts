/** What a run has of itself before anybody has said anything of it. */

import type { TestRun } from "./store.ts";

/** To be spread into a new run. */
export const NEW_RUN: Omit<TestRun, "id" | "scopedToken" | "stackId" | "projectId" | "name" | "kind" | "history"> = {
  loadTestId: null,
  maxVus: 0,
  durationSeconds: null,
  thresholds: {},
  options: {},
  archive: null,
  archiveBytes: null,
  result: null,
  end: null,
  notice: null,
};
