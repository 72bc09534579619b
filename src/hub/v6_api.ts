/** Version 6: login, projects, tests, and runs on the service's machines (`cloud run`, `cloud upload`). */

import { runOfPath, stackAccount, urlAccount } from "./auth.ts";
import { assertArchive, assertContentType, form, jsonFields } from "./bodies.ts";
import { anyObject, count, nullable, text } from "./fields.ts";
import { ApiError, type HubResponse, json, NO_CONTENT } from "./http.ts";
import { loadTestOfPath } from "./load_tests.ts";
import { NEW_RUN } from "./new_run.ts";
import type { Call, Operation } from "./operation.ts";
import { page } from "./pages.ts";
import { projectOf } from "./projects.ts";
import { entered, hasEnded } from "./run_status.ts";
import type { Account } from "./store.ts";
import { detailsUrl, loadTestResource, loadZoneResource, projectResource, testRunResource } from "./v6_resources.ts";

const ROOT = "/cloud/v6";

/** Its operations. */
export const v6Operations: readonly Operation[] = [
  { name: "v6.auth", method: "GET", path: `${ROOT}/auth`, api: "v6", answer: auth },
  { name: "v6.validateOptions", method: "POST", path: `${ROOT}/validate_options`, api: "v6", answer: validateOptions },
  { name: "v6.projects", method: "GET", path: `${ROOT}/projects`, api: "v6", answer: projects },
  { name: "v6.loadZones", method: "GET", path: `${ROOT}/load_zones`, api: "v6", answer: loadZones },
  { name: "v6.loadTests", method: "GET", path: `${ROOT}/projects/:id/load_tests`, api: "v6", answer: loadTests },
  {
    name: "v6.createLoadTest",
    method: "POST",
    path: `${ROOT}/projects/:id/load_tests`,
    api: "v6",
    answer: createLoadTest,
  },
  { name: "v6.uploadScript", method: "PUT", path: `${ROOT}/load_tests/:id/script`, api: "v6", answer: uploadScript },
  { name: "v6.startTestRun", method: "POST", path: `${ROOT}/load_tests/:id/start`, api: "v6", answer: startTestRun },
  { name: "v6.testRun", method: "GET", path: `${ROOT}/test_runs/:id`, api: "v6", answer: testRun },
  { name: "v6.abortTestRun", method: "POST", path: `${ROOT}/test_runs/:id/abort`, api: "v6", answer: abortTestRun },
];

async function auth(call: Call): Promise<HubResponse> {
  const { stackId, defaultProjectId } = await urlAccount(call);
  return json({ stack_id: stackId, default_project_id: defaultProjectId });
}

async function validateOptions(call: Call): Promise<HubResponse> {
  const account = await stackAccount(call);
  const fields = jsonFields(call);
  await projectOf(call, account, fields.optional("project_id", nullable(count)) ?? 0);
  fields.required("options", anyObject);
  fields.end();
  return json({
    vuh_usage: 0,
    breakdown: { protocol_vuh: 0, browser_vuh: 0, base_total_vuh: 0, reduction_rate: 0, reduction_rate_breakdown: {} },
  });
}

async function projects(call: Call): Promise<HubResponse> {
  const { stackId } = await stackAccount(call);
  return page(call, (await call.store.projects(stackId)).map(projectResource));
}

async function loadZones(call: Call): Promise<HubResponse> {
  const { stackId } = await stackAccount(call);
  return page(call, (await call.store.loadZones(stackId)).map(loadZoneResource));
}

/** All of a project, or the one of a name. */
async function loadTests(call: Call): Promise<HubResponse> {
  const projectId = await projectOfPath(call, await stackAccount(call));
  const name = call.request.query.get("name");
  const tests = await call.store.loadTests(projectId);
  return page(call, tests.filter((test) => name === null || test.name === name).map(loadTestResource));
}

/** With the archive of the script, or with the name alone for runs that are executed locally. */
async function createLoadTest(call: Call): Promise<HubResponse> {
  const projectId = await projectOfPath(call, await stackAccount(call));
  const { fields, file } = await form(call, "script");
  const name = fields.required("name", text);
  fields.end();
  if (name.length > 300) throw new ApiError(400, "name is too long", { fields: { name: ["at most 300 characters"] } });
  if (file !== null) assertArchive(file.bytes);
  const archive = file?.bytes ?? null;
  const test = await call.store.addLoadTest({ projectId, name, archive, createdAtEpochMs: call.now() });
  if (test === undefined) throw new ApiError(409, `the project has a load test ${name} already`);
  return json(loadTestResource(test), 201);
}

async function uploadScript(call: Call): Promise<HubResponse> {
  const test = await loadTestOfPath(call, await stackAccount(call));
  assertContentType(call.request, "application/octet-stream");
  assertArchive(call.request.body);
  await call.store.setLoadTestArchive(test.id, call.request.body);
  return NO_CONTENT;
}

/** The run stays `created` until something on the service's side takes it up. */
async function startTestRun(call: Call): Promise<HubResponse> {
  const account = await stackAccount(call);
  const { id, projectId, name, archive } = await loadTestOfPath(call, account);
  if (archive === null) throw new ApiError(409, `load test ${id} has no script`);
  const run = await call.store.addTestRun({
    ...NEW_RUN,
    stackId: account.stackId,
    projectId,
    name,
    loadTestId: id,
    kind: "remote",
    options: assertArchive(archive).options,
    archive,
    archiveBytes: archive.length,
    history: [{ type: "created", enteredAtEpochMs: call.now() }],
  });
  return json({ ...testRunResource(run), test_run_details_page_url: detailsUrl(account, run.id) });
}

async function testRun(call: Call): Promise<HubResponse> {
  return json(testRunResource(await runOfPath(call, await stackAccount(call))));
}

async function abortTestRun(call: Call): Promise<HubResponse> {
  const run = await runOfPath(call, await stackAccount(call));
  if (hasEnded(run)) throw new ApiError(409, `test run ${run.id} has ended already`);
  await call.store.changeTestRun(run.id, {
    history: entered(run, "aborted", call.now(), { byUser: "a user" }),
    result: "error",
  });
  return NO_CONTENT;
}

async function projectOfPath(call: Call, account: Account): Promise<number> {
  const id = Number(call.parameters["id"]);
  if (!Number.isSafeInteger(id) || id <= 0) throw new ApiError(404, `there is no project ${call.parameters["id"]}`);
  return await projectOf(call, account, id);
}
