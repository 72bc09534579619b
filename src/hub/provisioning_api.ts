/** Provisioning: runs whose load comes from the user's machine while the service has the rest (`cloud run --local-execution`). */

import { createHmac } from "node:crypto";
import { ownRun, stackAccount } from "./auth.ts";
import { assertArchive, assertContentType, jsonFields } from "./bodies.ts";
import { anyObject, anyText, count, Fields, integer, nullable, text } from "./fields.ts";
import { ApiError, type HubResponse, json, NO_CONTENT } from "./http.ts";
import { loadTestOfPath } from "./load_tests.ts";
import { NEW_RUN } from "./new_run.ts";
import type { Call, Operation } from "./operation.ts";
import { endedByNotice, entered, hasEnded } from "./run_status.ts";
import { secretsConfig } from "./secrets_api.ts";
import type { RunNotice, TestRun } from "./store.ts";
import { detailsUrl } from "./v6_resources.ts";

const ROOT = "/provisioning/v1";

/** Its operations. */
export const provisioningOperations: readonly Operation[] = [
  {
    name: "provisioning.startLocalExecution",
    method: "POST",
    path: `${ROOT}/load_tests/:id/start_local_execution`,
    api: "v6",
    answer: startLocalExecution,
  },
  {
    name: "provisioning.uploadArchive",
    method: "PUT",
    path: `${ROOT}/archives/:id`,
    api: "v6",
    answer: uploadArchive,
  },
  { name: "provisioning.notify", method: "POST", path: `${ROOT}/test_runs/:id/notify`, api: "v6", answer: notify },
];

/** A run that an archive is promised for is `created` until that has come. */
async function startLocalExecution(call: Call): Promise<HubResponse> {
  const account = await stackAccount(call);
  const test = await loadTestOfPath(call, account);
  const fields = jsonFields(call);
  const archiveBytes = fields.required("archive_size", nullable(count));
  fields.optional("instances", nullable(count));
  const run = await call.store.addTestRun({
    ...NEW_RUN,
    stackId: account.stackId,
    projectId: test.projectId,
    name: test.name,
    loadTestId: test.id,
    kind: "local",
    maxVus: fields.required("max_vus", count),
    durationSeconds: fields.required("total_duration", count),
    options: fields.required("options", anyObject),
    archiveBytes,
    history: [{ type: archiveBytes === null ? "initializing" : "created", enteredAtEpochMs: call.now() }],
  });
  fields.end();
  return json({
    test_run_id: Number(run.id),
    archive_upload_url: archiveBytes === null
      ? null
      : `${call.request.origin}${ROOT}/archives/${run.id}?signature=${signature(run)}`,
    test_run_details_page_url: detailsUrl(account, run.id),
    runtime_config: runtimeConfig(call, run),
  });
}

function runtimeConfig(call: Call, run: TestRun) {
  const { request: { origin }, settings: { local } } = call;
  return {
    test_run_token: run.scopedToken,
    metrics: {
      push_url: `${origin}/v2/metrics/${run.id}`,
      push_interval: local.pushInterval,
      push_concurrency: local.pushConcurrency,
      aggregation_period: `${local.aggregationPeriodSeconds}s`,
      aggregation_wait_period: local.aggregationWaitPeriod,
      aggregation_min_samples: 0,
      max_samples_per_package: local.maxSeriesInBatch,
    },
    logs: {
      push_url: `${origin}/api/v1/push`,
      tail_url: `${origin.replace(/^http/, "ws")}/api/v1/tail`,
      limit: local.logs.limit,
      push_period_seconds: local.logs.pushPeriod,
      level: local.logs.level,
      message_max_size: local.logs.maxMessageBytes,
      allowed_labels: local.logs.allowedLabels,
    },
    traces: { push_url: "", traces_metadata: {}, proto: "grpc" },
    files: { push_url: "", screenshots_base_path: "", headers: {}, method: "presigned" },
    secrets: secretsConfig(call, run),
  };
}

/** The address is the permission: whoever has it may upload, without any token. */
async function uploadArchive(call: Call): Promise<HubResponse> {
  const { request: { query, headers, body }, store } = call;
  const run = await store.testRun(call.parameters["id"] ?? "");
  if (run === undefined || query.get("signature") !== signature(run)) throw new ApiError(403, "the signature is wrong");
  if (headers.has("authorization")) call.deviates("a token sent to a presigned address");
  assertContentType(call.request, "application/x-tar");
  if (body.length !== run.archiveBytes) {
    call.deviates(`an archive of ${body.length} bytes, ${run.archiveBytes} were announced`);
  }
  assertArchive(body);
  if (run.archive !== null) call.deviates("the archive comes again");
  else await store.changeTestRun(run.id, { archive: body, history: entered(run, "initializing", call.now()) });
  return { status: 200 };
}

function signature({ id, scopedToken }: TestRun): string {
  return createHmac("sha256", scopedToken).update(id).digest("hex");
}

async function notify(call: Call): Promise<HubResponse> {
  const run = await ownRun(call);
  const fields = jsonFields(call);
  const event = fields.required("event_type", text);
  if (event !== "script_execution_completed") throw new ApiError(400, `unknown event ${event}`);
  const notice = { error: readError(call, fields.required("error", nullable(anyObject))) };
  fields.end();
  if (hasEnded(run)) {
    call.deviates(`the end of test run ${run.id} is told again`);
    throw new ApiError(409, `test run ${run.id} has ended already`);
  }
  await call.store.changeTestRun(run.id, endedByNotice(run, notice, call.now()));
  return NO_CONTENT;
}

function readError(call: Call, given: Readonly<Record<string, unknown>> | null): RunNotice["error"] {
  if (given === null) return null;
  const fields = new Fields(given, "error", call.deviates);
  const error = { code: fields.required("code", integer), reason: fields.required("reason", anyText) };
  fields.end();
  if (![0, 8034, 8035, 8036].includes(error.code)) call.deviates(`error code ${error.code}`);
  return error;
}
