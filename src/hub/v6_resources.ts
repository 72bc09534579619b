/** What version 6 shows of projects, tests and runs. All fields are always there: k6's own client insists. */

import { statusOf } from "./run_status.ts";
import type { Account, LoadTest, LoadZone, Project, StatusEntry, TestRun } from "./store.ts";

/** A project. */
export function projectResource({ id, name, isDefault, createdAtEpochMs }: Project) {
  const created = time(createdAtEpochMs);
  return { id, name, is_default: isDefault, grafana_folder_uid: null, created, updated: created };
}

/** A test. */
export function loadTestResource({ id, projectId, name, createdAtEpochMs }: LoadTest) {
  const created = time(createdAtEpochMs);
  return { id, project_id: projectId, name, baseline_test_run_id: null, created, updated: created };
}

/** A load zone. */
export function loadZoneResource({ id, name }: LoadZone) {
  return { id, name, k6_load_zone_id: name, public: true, available: true };
}

/** A run; durations are seconds. */
export function testRunResource(run: TestRun) {
  const status = statusOf(run);
  const isOver = status.type === "completed" || status.type === "aborted";
  const runningAt = run.history.find(({ type }) => type === "running")?.enteredAtEpochMs;
  return {
    id: Number(run.id),
    test_id: run.loadTestId,
    project_id: run.projectId,
    started_by: null,
    created: time(run.history[0]?.enteredAtEpochMs ?? 0),
    ended: isOver ? time(status.enteredAtEpochMs) : null,
    note: "",
    retention_expiry: null,
    cost: null,
    status: status.type,
    status_details: entryResource(status),
    status_history: run.history.map(entryResource),
    distribution: [],
    result: run.result,
    result_details: {},
    options: run.options,
    k6_dependencies: {},
    k6_versions: {},
    max_vus: run.maxVus,
    max_browser_vus: 0,
    estimated_duration: run.durationSeconds,
    execution_duration: runningAt === undefined
      ? 0
      : isOver
      ? Math.round((status.enteredAtEpochMs - runningAt) / 1000)
      : 0,
  };
}

/** Where a run's page is. */
export function detailsUrl(account: Account, testRunId: string): string {
  return `${account.stackUrl}/a/k6-app/runs/${testRunId}`;
}

function entryResource({ type, enteredAtEpochMs, byUser, message, code }: StatusEntry) {
  const extra = {
    ...(byUser === undefined ? {} : { by_user: byUser }),
    ...(message === undefined ? {} : { message }),
    ...(code === undefined ? {} : { code }),
  };
  return { type, entered: time(enteredAtEpochMs), extra: Object.keys(extra).length === 0 ? null : extra };
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
