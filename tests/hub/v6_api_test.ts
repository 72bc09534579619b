import { assertEquals, assertMatch } from "@std/assert";
import { ContractServer } from "../support/cloud/contract_server.ts";
import { ARCHIVE, type CallChange, CloudClient, loadTestForm, newKey } from "./cloud_client.ts";

Deno.test("the stack's address leads to the stack and its default project", async () => {
  await using server = await ContractServer.start();
  const auth = (stackUrl: string | null) =>
    new CloudClient(server).v6("GET", "/cloud/v6/auth", null, { headers: { "x-stack-url": stackUrl } });
  assertEquals((await auth("https://team.example")).json, { stack_id: 77, default_project_id: 501 });
  assertEquals((await auth("https://other.example")).status, 403);
  assertEquals(server.violations, []);
  assertEquals((await auth("https://team.example/a/k6-app")).status, 400);
  assertEquals((await auth(null)).status, 400);
  assertEquals(server.violations.length, 4);
});

Deno.test("a script is checked, uploaded, started, followed and aborted", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const options = { project_id: 501, options: { vus: 1 } };
  assertEquals((await client.v6("POST", "/cloud/v6/validate_options", options)).status, 200);
  const created = await client.v6("POST", "/cloud/v6/projects/501/load_tests", loadTestForm("shop", ARCHIVE));
  assertEquals([created.status, created.json["name"], created.json["project_id"]], [201, "shop", 501]);
  const started = await client.v6("POST", `/cloud/v6/load_tests/${created.json["id"]}/start`, null);
  const { id, status, test_run_details_page_url } = started.json;
  assertEquals([status, test_run_details_page_url], ["created", `https://team.example/a/k6-app/runs/${id}`]);
  server.scriptStatuses({ type: "initializing" }, { type: "running" });
  const poll = async () => (await client.v6("GET", `/cloud/v6/test_runs/${id}`, null)).json;
  assertEquals((await poll())["status"], "initializing");
  assertEquals((await poll())["status"], "running");
  assertEquals((await client.v6("POST", `/cloud/v6/test_runs/${id}/abort`, null)).status, 204);
  const run = await poll();
  const history = run["status_history"] as { type: string; extra: unknown }[];
  assertEquals(history.map(({ type }) => type), ["created", "initializing", "running", "aborted"]);
  assertEquals(history.at(-1)?.extra, { by_user: "a user" });
  assertEquals([run["status"], run["result"], run["status_details"]], ["aborted", "error", history.at(-1)]);
  assertEquals((await client.v6("POST", `/cloud/v6/test_runs/${id}/abort`, null)).status, 409);
  assertEquals(server.violations, []);
  assertEquals(server.order, [
    ...["v6.validateOptions", "v6.createLoadTest", "v6.startTestRun", "v6.testRun", "v6.abortTestRun"] as const,
    ...["v6.testRun", "v6.abortTestRun"] as const,
  ]);
});

Deno.test("a test that is there already is found by its name, and gets another script", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.createLoadTest("shop & co", null);
  await client.createLoadTest("other");
  const again = await client.v6("POST", "/cloud/v6/projects/501/load_tests", loadTestForm("shop & co", ARCHIVE));
  assertEquals(again.status, 409);
  const found = await client.v6("GET", "/cloud/v6/projects/501/load_tests?name=shop%20%26%20co&$top=1", null);
  assertEquals((found.json["value"] as { id: number }[]).map((test) => test.id), [id]);
  const headers = { "content-type": "application/octet-stream" };
  const put = await client.v6("PUT", `/cloud/v6/load_tests/${id}/script`, ARCHIVE, { headers });
  assertEquals(put.status, 204);
  assertEquals((await server.store.loadTest(id))?.archive, ARCHIVE);
  assertEquals(server.violations, []);
});

Deno.test("a run that was started twice with one key is one run", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.createLoadTest();
  const headers = { "k6-idempotency-key": newKey() };
  const start = async () => (await client.v6("POST", `/cloud/v6/load_tests/${id}/start`, null, { headers })).json["id"];
  server.fault("v6.startTestRun", { rewrite: () => ({ status: 500 }) });
  assertEquals(await start(), undefined);
  assertEquals(await start(), id + 1);
  assertEquals(server.violations, []);
});

Deno.test("lists come page by page", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  server.settings.pageSize = 1;
  for (
    const [path, names] of [["projects", ["Default project", "Shop"]], ["load_zones", [
      "amazon:us:ashburn",
      "amazon:de:frankfurt",
    ]]]
  ) {
    const seen: string[] = [];
    let next: unknown = `/cloud/v6/${path}?$top=1000`;
    while (next !== undefined) {
      const { json } = await client.v6("GET", String(next), null);
      seen.push(...(json["value"] as { name: string }[]).map(({ name }) => name));
      next = json["@nextLink"];
    }
    assertEquals(seen, names);
  }
  assertEquals(server.calls.length, 4);
  assertEquals((await client.v6("GET", "/cloud/v6/projects?$skip=x", null)).status, 400);
});

const bad: readonly (readonly [
  what: string,
  method: string,
  path: string,
  body: unknown,
  change: CallChange,
  status: number,
  problem: RegExp,
])[] = [
  ["no token", "GET", "/projects", null, { headers: { authorization: null } }, 401, /no Authorization/],
  ["Token", "GET", "/projects", null, { headers: { authorization: "Token x" } }, 401, /must be Bearer/],
  ["a wrong token", "GET", "/projects", null, { headers: { authorization: "Bearer x" } }, 401, /invalid/],
  ["no stack", "GET", "/projects", null, { headers: { "x-stack-id": null } }, 400, /X-Stack-Id/],
  ["another stack", "GET", "/projects", null, { headers: { "x-stack-id": "78" } }, 403, /stack 78/],
  ["options that are none", "POST", "/validate_options", { options: 1 }, {}, 400, /options must be an object/],
  [
    "options of an unknown project",
    "POST",
    "/validate_options",
    { options: {}, project_id: 9 },
    {},
    403,
    /project 9/,
  ],
  ["a test in an unknown project", "POST", "/projects/9/load_tests", loadTestForm("a", null), {}, 403, /project 9/],
  ["a test in no project", "POST", "/projects/x/load_tests", loadTestForm("a", null), {}, 404, /no project x/],
  ["a test without a name", "POST", "/projects/501/load_tests", loadTestForm("", null), {}, 400, /name/],
  ["a long name", "POST", "/projects/501/load_tests", loadTestForm("a".repeat(301), null), {}, 400, /too long/],
  ["a test in JSON", "POST", "/projects/501/load_tests", { name: "a" }, {}, 415, /no form/],
  [
    "a script that is no archive",
    "POST",
    "/projects/501/load_tests",
    loadTestForm("a", new Uint8Array(3)),
    {},
    400,
    /archive/,
  ],
  ["a script of an unknown test", "PUT", "/load_tests/9/script", ARCHIVE, {}, 404, /no load test 9/],
  ["the start of an unknown test", "POST", "/load_tests/9/start", null, {}, 404, /no load test 9/],
  ["an unknown run", "GET", "/test_runs/9", null, {}, 404, /no test run 9/],
  ["the end of an unknown run", "POST", "/test_runs/9/abort", null, {}, 404, /no test run 9/],
];

for (const [what, method, path, body, change, status, problem] of bad) {
  Deno.test(`version 6 refuses ${what}`, async () => {
    await using server = await ContractServer.start();
    const answer = await new CloudClient(server).v6(method, `/cloud/v6${path}`, body, change);
    assertEquals(answer.status, status);
    assertMatch(answer.text, problem);
    assertEquals(Object.keys(answer.json["error"] ?? {}), ["message", "code", "target", "details"]);
  });
}

Deno.test("a test without a script can't be started, and a start needs a key", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.createLoadTest("shop", null);
  assertEquals((await client.v6("POST", `/cloud/v6/load_tests/${id}/start`, null)).status, 409);
  assertEquals(server.violations, []);
  await client.v6("POST", `/cloud/v6/load_tests/${id}/start`, null, { headers: { "k6-idempotency-key": null } });
  assertEquals(server.violations, ["v6.startTestRun: no K6-Idempotency-Key"]);
});
