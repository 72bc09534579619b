import { assert, assertEquals, assertMatch } from "@std/assert";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { ARCHIVE, type CallChange, CloudClient } from "./cloud_client.ts";

const CREATE = { name: "script.ts", vus: 2, thresholds: { orders: ["count>=10"] }, duration: 630 };

Deno.test("the calls of k6 2.2 as they were recorded are accepted", async () => {
  await using server = await ContractServer.start({ contents: { firstId: 123_456 } });
  const client = new CloudClient(server);
  for (const name of ["k6_create", "k6_metrics", "k6_finish"]) {
    const { path, headers } = JSON.parse(Deno.readTextFileSync(testdata(`${name}.json`)));
    // What fetch says itself, and the token, which was not recorded.
    for (const ours of ["content-length", "host", "transfer-encoding"]) delete headers[ours];
    headers.authorization = `Token ${ACCOUNT.token}`;
    const { status } = await client.v1(path, Deno.readFileSync(testdata(`${name}.body`)), { headers });
    assert(status < 300, `${name}: ${status}`);
  }
  assertEquals(server.violations, []);
  assertEquals(server.order, ["v1.createTestRun", "v2.pushMetrics", "v1.finishTestRun"]);
  const run = await server.testRun("123456");
  assertEquals([run.name, run.maxVus, run.durationSeconds, run.result], ["script.ts", 2, 630, "passed"]);
  assertEquals(await server.totals(run.id, "iterations"), { type: "counter", sum: 10 });
  assertEquals(await server.totals(run.id, "orders"), { type: "counter", sum: 10 });
  assertEquals(await server.totals(run.id, "checks", { check: "is 200" }), { type: "rate", nonzero: 10, total: 10 });
  const trend = await server.totals(run.id, "order_time");
  assertEquals(trend?.type === "trend" && trend.count, 10);
});

Deno.test("a run is created from JSON, fed, and finished", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  server.settings.override = { metricPushInterval: "2s" };
  server.settings.messages = [{ level: "warning", message: "near the limit" }];
  const created = await client.v1("/v1/tests", { ...CREATE, project_id: 502 });
  assertEquals(created.status, 201);
  const { reference_id, ...rest } = created.json;
  const id = String(reference_id);
  assertEquals(rest, { config: { metricPushInterval: "2s" }, logs: [{ level: "warning", message: "near the limit" }] });
  assertEquals((await client.push(id)).status, 202);
  const end = { result_status: 1, run_status: 8, thresholds: { orders: { "count>=10": true } } };
  assertEquals((await client.v1(`/v1/tests/${id}`, end)).status, 200);
  const run = await server.testRun(id);
  assertEquals([run.projectId, run.result, run.end?.runStatus], [502, "failed", 8]);
  assertEquals(run.history.map(({ type }) => type), ["running", "aborted"]);
  assertEquals(server.violations, []);
});

Deno.test("a run is created from a form with its archive", async () => {
  await using server = await ContractServer.start();
  const form = archiveForm({
    name: "shop",
    project_id: "0",
    vus: "3",
    duration: "90",
    thresholds: `{"a":["count>1"]}`,
  });
  const { status, json } = await new CloudClient(server).v1("/v1/tests", form);
  assertEquals(status, 201);
  const run = await server.testRun(String(json["reference_id"]));
  assertEquals([run.name, run.projectId, run.maxVus, run.durationSeconds], ["shop", 501, 3, 90]);
  assertEquals(run.thresholds, { a: ["count>1"] });
  assertEquals(run.archive, ARCHIVE);
  assertEquals(server.violations, []);
});

Deno.test("a run may come with its own token and the place of its secrets", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  server.settings.secrets = true;
  const { json } = await client.v1("/v1/tests", CREATE);
  const { endpoint, response_path } = json["secrets_config"] as Record<string, string>;
  assertEquals(response_path, "plaintext");
  const secret = (name: string) =>
    client.scoped("GET", String(endpoint).replace("{key}", name), String(json["test_run_token"]), null);
  assertEquals((await secret("api-key")).json, { name: "api-key", plaintext: "the value of api-key" });
  assertEquals((await secret("toString")).status, 404);
});

const badCreations:
  readonly (readonly [what: string, body: unknown, change: CallChange, status: number, problem: RegExp])[] = [
    ["no token", CREATE, { headers: { authorization: null } }, 401, /no Authorization/],
    ["a wrong token", CREATE, { headers: { authorization: "Token other" } }, 401, /token is invalid/],
    ["Bearer", CREATE, { headers: { authorization: `Bearer ${ACCOUNT.token}` } }, 401, /must be Token/],
    ["no JSON", "{", {}, 400, /must be an object/],
    ["broken JSON", new TextEncoder().encode("{"), {}, 400, /invalid JSON/],
    ["another content type", CREATE, { headers: { "content-type": "text/plain" } }, 415, /text\/plain/],
    ["no name", { ...CREATE, name: undefined }, {}, 400, /name is missing/],
    ["an empty name", { ...CREATE, name: "" }, {}, 400, /name must be text/],
    ["VUs as text", { ...CREATE, vus: "2" }, {}, 400, /vus must be an integer/],
    ["a fraction of a second", { ...CREATE, duration: 1.5 }, {}, 400, /duration must be/],
    ["thresholds that are no lists", { ...CREATE, thresholds: { a: "b" } }, {}, 400, /thresholds must be/],
    ["an unknown project", { ...CREATE, project_id: 9 }, {}, 403, /no project 9/],
    [
      "a form without a file",
      archiveForm({ name: "a", project_id: "0", vus: "1", duration: "1" }, null),
      {},
      400,
      /no file/,
    ],
    [
      "no archive",
      archiveForm({ name: "a", project_id: "0", vus: "1", duration: "1" }, new Uint8Array(9)),
      {},
      400,
      /archive/,
    ],
    [
      "a number in words",
      archiveForm({ name: "a", project_id: "0", vus: "one", duration: "1" }),
      {},
      400,
      /vus must be/,
    ],
  ];

for (const [what, body, change, status, problem] of badCreations) {
  Deno.test(`creating a run is refused: ${what}`, async () => {
    await using server = await ContractServer.start();
    const answer = await new CloudClient(server).v1("/v1/tests", body, change);
    assertEquals(answer.status, status);
    assertMatch(answer.text, problem);
  });
}

const deviations: readonly (readonly [what: string, body: unknown, change: CallChange, rule: string])[] = [
  ["an unknown field", { ...CREATE, colour: 1 }, {}, "the body has an unknown field colour"],
  ["project 0", { ...CREATE, project_id: 0 }, {}, "project_id 0, which JSON leaves out"],
  ["no idempotency key", CREATE, { headers: { "k6-idempotency-key": null } }, "no K6-Idempotency-Key"],
  ["another key", CREATE, { headers: { "k6-idempotency-key": "abc" } }, "K6-Idempotency-Key abc"],
  ["another user agent", CREATE, { headers: { "user-agent": "curl/8" } }, "User-Agent curl/8"],
  [
    "a file of another name",
    archiveForm({ name: "a", project_id: "0", vus: "1", duration: "1" }, ARCHIVE, "a.tar"),
    {},
    "the archive's file name is a.tar",
  ],
];

for (const [what, body, change, rule] of deviations) {
  Deno.test(`creating a run is a violation with ${what}`, async () => {
    await using server = await ContractServer.start();
    assertEquals((await new CloudClient(server).v1("/v1/tests", body, change)).status, 201);
    assertEquals(server.violations, [`v1.createTestRun: ${rule}`]);
  });
}

const badEnds: readonly (readonly [what: string, end: unknown, status: number, violation: RegExp])[] = [
  ["no status", { result_status: 0 }, 400, /run_status is missing/],
  ["a status that is no end", { result_status: 0, run_status: 2 }, 400, /run_status 2 is no end/],
  ["a third result", { result_status: 2, run_status: 3 }, 400, /result_status must be 0 or 1/],
  ["failed without a threshold", { result_status: 1, run_status: 5, thresholds: passed() }, 200, /say otherwise/],
  ["passed with a failed threshold", { result_status: 0, run_status: 3, thresholds: passed(true) }, 200, /otherwise/],
  ["aborted by no threshold", { result_status: 0, run_status: 8, thresholds: passed() }, 200, /none failed/],
  ["an unknown threshold", { result_status: 0, run_status: 5, thresholds: { a: { b: false } } }, 200, /unknown thr/],
  ["a threshold left out", { result_status: 0, run_status: 3, thresholds: {} }, 200, /no result of threshold orders/],
];

for (const [what, end, status, violation] of badEnds) {
  Deno.test(`finishing a run is wrong with ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const id = await client.create(CREATE);
    assertEquals((await client.v1(`/v1/tests/${id}`, end)).status, status);
    assertEquals(server.violations.length, 1);
    assertMatch(server.violations.join(), violation);
  });
}

Deno.test("a run ends once, and metrics after that are a violation", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.create();
  const end = { result_status: 0, run_status: 5, thresholds: {} };
  assertEquals((await client.v1(`/v1/tests/${id}`, end)).status, 200);
  assertEquals((await client.v1(`/v1/tests/${id}`, end)).status, 409);
  assertEquals((await client.push(id)).status, 202);
  assertEquals((await client.v1("/v1/tests/9", end)).status, 404);
  assertEquals(server.violations.map((violation) => violation.split(" {")[0]), [
    `v1.finishTestRun: test run ${id} is finished again`,
    `v2.pushMetrics: metrics of test run ${id}, which has ended`,
    `v1.finishTestRun: POST /v1/tests/9: 404`,
  ]);
});

Deno.test("tokens are checked, and given for a password", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const validate = async (token: string) =>
    (await client.v1("/v1/validate-token", { token }, { headers: { authorization: null } })).json;
  assertEquals(await validate(ACCOUNT.token), { is_valid: true, message: "", "token-info": "" });
  assertEquals(await validate("other"), { is_valid: false, message: "the token is invalid", "token-info": "" });
  const { email, password, token } = ACCOUNT;
  const anonymous = { headers: { authorization: null } };
  assertEquals((await client.v1("/v1/login", { email, password }, anonymous)).json, { token });
  assertEquals((await client.v1("/v1/login", { email, password: "guess" }, anonymous)).status, 401);
  assertEquals(server.violations, []);
});

Deno.test("an older remote run is uploaded, followed and stopped", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  assertEquals((await client.v1("/v1/validate-options", { options: { vus: 1 } })).status, 200);
  const upload = async (form: FormData) => String((await client.v1("/v1/archive-upload", form)).json["reference_id"]);
  const form = archiveForm({ name: "shop", project_id: "502", upload_only: "true" });
  const id = await upload(form);
  assertEquals((await server.testRun(id)).history.map(({ type }) => type), ["completed"]);
  const started =
    (await client.v1("/v1/archive-upload", archiveForm({ name: "shop", project_id: "502" }))).json.reference_id;
  server.scriptStatuses({ type: "running" });
  const progress = async () => (await client.v1(`/v1/test-progress/${started}`, null, { method: "GET" })).json;
  const running = { run_status_text: "Running", run_status: 2, result_status: 0, progress: 0 };
  assertEquals(await progress(), running);
  assertEquals((await client.v1(`/v1/tests/${started}/stop`, null)).status, 200);
  assertEquals(await progress(), { ...running, run_status_text: "Aborted (by user)", run_status: 5, progress: 1 });
  assertEquals(server.violations, []);
});

Deno.test("a path and a method that nobody has are violations", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  assertEquals((await client.v1("/v3/tests", CREATE)).status, 404);
  const { status, headers } = await client.v1("/v1/tests", null, { method: "GET" });
  assertEquals([status, headers.get("allow")], [405, "POST"]);
  assertEquals(server.violations.length, 2);
});

function passed(isFailed = false) {
  return { orders: { "count>=10": isFailed } };
}

function archiveForm(
  fields: Readonly<Record<string, string>>,
  archive: Uint8Array<ArrayBuffer> | null = ARCHIVE,
  fileName = "archive.tar",
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (archive !== null) form.append("file", new Blob([archive]), fileName);
  return form;
}

function testdata(name: string): URL {
  return new URL(`./testdata/${name}`, import.meta.url);
}
