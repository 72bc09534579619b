/** The first API: the life of a run whose results are streamed to the service (`run --out cloud`), and older remote runs. */

import { runOfPath, tokenAccount } from "./auth.ts";
import { assertArchive, type Form, form, jsonFields } from "./bodies.ts";
import {
  anyObject,
  anyText,
  bool,
  count,
  type Fields,
  type FieldType,
  integer,
  list,
  nullable,
  numeric,
  record,
  text,
} from "./fields.ts";
import { ApiError, type HubResponse, json } from "./http.ts";
import { NEW_RUN } from "./new_run.ts";
import type { Call, Operation } from "./operation.ts";
import { projectOf } from "./projects.ts";
import { endedBySender, entered, hasEnded, progressOf, RUN_STATUS, v1Status } from "./run_status.ts";
import { secretsConfig } from "./secrets_api.ts";
import type { RunEnd, TestRun } from "./store.ts";

/** Its operations. */
export const v1Operations: readonly Operation[] = [
  { name: "v1.createTestRun", method: "POST", path: "/v1/tests", api: "v1", answer: createTestRun },
  { name: "v1.finishTestRun", method: "POST", path: "/v1/tests/:id", api: "v1", answer: finishTestRun },
  { name: "v1.stopTestRun", method: "POST", path: "/v1/tests/:id/stop", api: "v1", answer: stopTestRun },
  { name: "v1.testProgress", method: "GET", path: "/v1/test-progress/:id", api: "v1", answer: testProgress },
  { name: "v1.validateToken", method: "POST", path: "/v1/validate-token", api: "v1", answer: validateToken },
  { name: "v1.login", method: "POST", path: "/v1/login", api: "v1", answer: login },
  { name: "v1.validateOptions", method: "POST", path: "/v1/validate-options", api: "v1", answer: validateOptions },
  { name: "v1.uploadArchive", method: "POST", path: "/v1/archive-upload", api: "v1", answer: uploadArchive },
];

const resultStatus: FieldType<0 | 1> = {
  description: "0 or 1",
  read: (given) => given === 0 || given === 1 ? given : undefined,
};

const thresholdsType = nullable(record(list(text)));

/** As JSON, or as a form with the archive. */
async function createTestRun(call: Call): Promise<HubResponse> {
  const account = await tokenAccount(call);
  const isForm = call.request.headers.get("content-type")?.startsWith("multipart/") ?? false;
  const { fields, archive } = isForm ? await archiveForm(call) : { fields: jsonFields(call), archive: null };
  const number = isForm ? numeric(count) : count;
  const projectId = fields.optional("project_id", number);
  if (isForm ? projectId === undefined : projectId === 0) {
    call.deviates(isForm ? "a form without project_id" : "project_id 0, which JSON leaves out");
  }
  const given = isForm ? formThresholds(fields) : fields.optional("thresholds", thresholdsType);
  const run = await call.store.addTestRun({
    ...NEW_RUN,
    stackId: account.stackId,
    projectId: await projectOf(call, account, projectId ?? 0),
    name: fields.required("name", text),
    kind: "streamed",
    maxVus: fields.required("vus", number),
    durationSeconds: fields.required("duration", number),
    thresholds: given ?? {},
    archive,
    archiveBytes: archive?.length ?? null,
    history: [{ type: "running", enteredAtEpochMs: call.now() }],
  });
  fields.end();
  const { override, messages, secrets } = call.settings;
  return json({
    reference_id: run.id,
    ...(override === null ? {} : { config: override }),
    ...(messages.length === 0 ? {} : { logs: messages }),
    ...(secrets ? { test_run_token: run.scopedToken, secrets_config: secretsConfig(call, run) } : {}),
  }, 201);
}

async function archiveForm(call: Call): Promise<{ fields: Fields; archive: Uint8Array }> {
  return withArchive(call, await form(call, "file"));
}

function withArchive(call: Call, { fields, file }: Form): { fields: Fields; archive: Uint8Array } {
  if (file === null) throw new ApiError(400, "the form has no file");
  if (file.name !== "archive.tar") call.deviates(`the archive's file name is ${file.name}`);
  assertArchive(file.bytes);
  return { fields, archive: file.bytes };
}

/** Thresholds as JSON in a text of the form, which k6 leaves out. */
function formThresholds(fields: Fields): Readonly<Record<string, readonly string[]>> | undefined {
  return fields.optional("thresholds", {
    description: "thresholds in JSON",
    read: (given) => {
      try {
        return typeof given === "string" ? thresholdsType.read(JSON.parse(given)) ?? undefined : undefined;
      } catch (error) {
        if (error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
  });
}

async function finishTestRun(call: Call): Promise<HubResponse> {
  const run = await runOfPath(call, await tokenAccount(call));
  const fields = jsonFields(call);
  const end: RunEnd = {
    resultStatus: fields.required("result_status", resultStatus),
    runStatus: fields.required("run_status", integer),
    thresholds: fields.optional("thresholds", nullable(record(record(bool)))) ?? {},
  };
  fields.end();
  if (!Object.values<number>(RUN_STATUS).includes(end.runStatus)) {
    throw new ApiError(400, `run_status ${end.runStatus} is no end`, { fields: { run_status: ["no end"] } });
  }
  checkThresholds(call, run, end);
  if (hasEnded(run)) {
    call.deviates(`test run ${run.id} is finished again`);
    throw new ApiError(409, `test run ${run.id} has ended already`);
  }
  await call.store.changeTestRun(run.id, endedBySender(run, end, call.now()));
  return json({});
}

function checkThresholds({ deviates }: Call, run: TestRun, { thresholds, resultStatus, runStatus }: RunEnd): void {
  const failed = Object.values(thresholds).some((expressions) => Object.values(expressions).includes(true));
  // A script may have failed the test by itself (`exec.test.fail()`).
  const mayFailAlone = runStatus === RUN_STATUS.finished;
  if (failed ? resultStatus === 0 : resultStatus === 1 && !mayFailAlone) {
    deviates(`result_status ${resultStatus} with thresholds that say otherwise`);
  }
  if (!failed && runStatus === RUN_STATUS.abortedByThreshold) deviates("aborted by a threshold that none failed");
  if (Object.keys(run.thresholds).length === 0) return;
  for (const [metric, expressions] of Object.entries(thresholds)) {
    for (const expression of Object.keys(expressions)) {
      if (!run.thresholds[metric]?.includes(expression)) deviates(`unknown threshold ${metric} ${expression}`);
    }
  }
  if (runStatus !== RUN_STATUS.finished) return;
  for (const [metric, expressions] of Object.entries(run.thresholds)) {
    for (const expression of expressions) {
      if (thresholds[metric]?.[expression] === undefined) deviates(`no result of threshold ${metric} ${expression}`);
    }
  }
}

async function stopTestRun(call: Call): Promise<HubResponse> {
  const run = await runOfPath(call, await tokenAccount(call));
  if (hasEnded(run)) throw new ApiError(409, `test run ${run.id} has ended already`);
  await call.store.changeTestRun(run.id, { history: entered(run, "aborted", call.now(), { byUser: "a user" }) });
  return json({});
}

async function testProgress(call: Call): Promise<HubResponse> {
  const run = await runOfPath(call, await tokenAccount(call));
  const { code, text } = v1Status(run);
  return json({
    run_status_text: text,
    run_status: code,
    result_status: run.result === null || run.result === "passed" ? 0 : 1,
    progress: progressOf(run, call.now()),
  });
}

async function validateToken(call: Call): Promise<HubResponse> {
  const fields = jsonFields(call);
  const token = fields.required("token", anyText);
  fields.end();
  const isValid = await call.store.account(token) !== undefined;
  return json({ is_valid: isValid, message: isValid ? "" : "the token is invalid", "token-info": "" });
}

async function login(call: Call): Promise<HubResponse> {
  const fields = jsonFields(call);
  const token = await call.store.tokenOf(fields.required("email", text), fields.required("password", text));
  fields.end();
  if (token === undefined) throw new ApiError(401, "the email or the password is wrong");
  return json({ token });
}

async function validateOptions(call: Call): Promise<HubResponse> {
  await tokenAccount(call);
  const fields = jsonFields(call);
  fields.required("options", anyObject);
  fields.end();
  return json({});
}

/** A test for the service's own machines; `upload_only` doesn't start it. */
async function uploadArchive(call: Call): Promise<HubResponse> {
  const account = await tokenAccount(call);
  const { fields, archive } = await archiveForm(call);
  const isUploadOnly = fields.optional("upload_only", text) === "true";
  const run = await call.store.addTestRun({
    ...NEW_RUN,
    stackId: account.stackId,
    projectId: await projectOf(call, account, fields.optional("project_id", numeric(count)) ?? 0),
    name: fields.required("name", text),
    kind: "remote",
    options: assertArchive(archive).options,
    archive,
    archiveBytes: archive.length,
    history: [{ type: isUploadOnly ? "completed" : "created", enteredAtEpochMs: call.now() }],
  });
  fields.end();
  return json({ reference_id: run.id }, 201);
}
