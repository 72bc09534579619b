import { assert, assertEquals, assertMatch } from "@std/assert";
import { json } from "../../../../src/hub/http.ts";
import { authenticate, V6Api } from "../../../../src/output/cloud/api/v6_api.ts";
import { V1Api } from "../../../../src/output/cloud/api/v1_api.ts";
import { ACCOUNT, ContractServer } from "../../../support/cloud/contract_server.ts";
import { htmlAnswer, v6ErrorAnswer } from "../../../support/cloud/faults.ts";
import { ARCHIVE } from "../../../hub/cloud_client.ts";
import { Calls, failure } from "./calls.ts";

const PROJECT = 501;

Deno.test("a token and a stack's address lead to the stack and its default project", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const access = { host: server.origin, token: ACCOUNT.token };
  assertEquals(await authenticate(calls.client, access, ACCOUNT.stackUrl), { stackId: 77, defaultProjectId: 501 });
  assertEquals(server.violations, []);
});

Deno.test("a wrong token and a wrong stack are told apart at login", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const wrongToken = authenticate(calls.client, { host: server.origin, token: "wrong-token" }, ACCOUNT.stackUrl);
  assertEquals((await failure(wrongToken)).message, "cannot log in: (401/error) the token is invalid; check the token");
  const wrongStack = authenticate(calls.client, { host: server.origin, token: ACCOUNT.token }, "https://other.example");
  assertEquals(
    (await failure(wrongStack)).message,
    "cannot log in: (403/error) the token is not for https://other.example; check that the token is for this stack",
  );
});

Deno.test("the older API tells whether a token is valid, without a stack", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const api = new V1Api(calls.client, { host: server.origin, token: null });
  assertEquals([await api.isValidToken(ACCOUNT.token), await api.isValidToken("wrong-token")], [true, false]);
  assertEquals(server.violations, []);
});

Deno.test("lists are read to their last page", async () => {
  const loadZones = Array.from({ length: 7 }, (_, index) => ({ id: index + 1, name: `zone:${index}` }));
  await using server = await ContractServer.start({ contents: { loadZones } });
  using calls = new Calls();
  server.settings.pageSize = 3;
  const zones = await api(server, calls).loadZones();
  assertEquals(zones, loadZones.map(({ id, name }) => ({ id, name, scriptName: name })));
  assertEquals(server.callsOf("v6.loadZones").length, 3);
  assertEquals(await api(server, calls).projects(), [
    { id: 501, name: "Default project", isDefault: true },
    { id: 502, name: "Shop", isDefault: false },
  ]);
  assertEquals(await api(server, calls).loadTests(PROJECT), []);
  assertEquals(server.violations, []);
});

Deno.test("a list without an end is given up, and no address of an answer is called", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.lastingFault(
    "v6.projects",
    json({ value: [{ id: 1, name: "p" }], "@nextLink": "http://elsewhere.invalid/?$skip=1" }),
  );
  const error = await failure(api(server, calls).projects());
  assertEquals([error.kind, error.message], ["malformed", "cannot list the projects: the list has no end"]);
});

Deno.test("a large list is read, one beyond all measure is not", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const value = Array.from({ length: 20_000 }, (_, id) => ({ id, name: "x".repeat(100) }));
  server.fault("v6.projects", json({ value }));
  assertEquals((await api(server, calls).projects()).length, value.length);
  server.lastingFault("v6.projects", { status: 200, body: new Uint8Array(11 << 20) });
  assertMatch((await failure(api(server, calls).projects())).message, /the answer is larger than 10 MB/);
});

Deno.test("a test is made with its script; one of that name gets the new script", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const other = Uint8Array.from(ARCHIVE);
  const made = await api(server, calls).provideLoadTest(PROJECT, "shop & co: café", ARCHIVE);
  const again = await api(server, calls).provideLoadTest(PROJECT, "shop & co: café", other);
  assertEquals([again.id, again.name], [made.id, "shop & co: café"]);
  assertEquals((await server.store.loadTest(made.id))?.archive, other);
  const untouched = await api(server, calls).provideLoadTest(PROJECT, "shop & co: café", null);
  assertEquals(untouched.id, made.id);
  assertEquals(server.callsOf("v6.uploadScript").length, 1);
  assertEquals(server.violations, []);
});

Deno.test("a test that was made though the answer was lost is found", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault("v6.createLoadTest", "lost");
  const { name } = await api(server, calls).provideLoadTest(PROJECT, "shop", null);
  assertEquals([name, server.order], ["shop", ["v6.createLoadTest", "v6.loadTests"]]);
  assertEquals(server.violations, []);
});

Deno.test("a conflict that no test explains is an error", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault("v6.createLoadTest", v6ErrorAnswer(409, "conflict", "try again"));
  const { message, status } = await failure(api(server, calls).provideLoadTest(PROJECT, "shop", null));
  assertEquals([message, status], [`cannot create the test "shop": (409/conflict) try again`, 409]);
});

Deno.test("a test is checked, started, followed and aborted", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const v6 = api(server, calls);
  await v6.validateOptions(PROJECT, { vus: 1 });
  await v6.validateOptions(null, { vus: 1 });
  const { id: testId } = await v6.provideLoadTest(PROJECT, "shop", ARCHIVE);
  server.fault("v6.startTestRun", "lost", htmlAnswer(502), "reset");
  const { id, detailsUrl } = await v6.startTestRun(testId);
  assertEquals(detailsUrl, `https://team.example/a/k6-app/runs/${id}`);
  assertEquals(server.callsOf("v6.startTestRun").length, 4);
  server.scriptStatuses({ type: "running" });
  const running = await v6.testRun(id);
  assertEquals([running.status, running.result], ["running", null]);
  assertEquals(running.history.at(-1), {
    status: "running",
    byUser: false,
    message: null,
    code: null,
  });
  await v6.abortTestRun(id);
  await v6.abortTestRun(id);
  const aborted = await v6.testRun(id);
  assertEquals([aborted.status, aborted.result, aborted.history.at(-1)?.byUser], ["aborted", "error", true]);
  assertEquals(server.violations, []);
});

Deno.test("what of a run is missing or new doesn't matter, what is of the wrong type is named", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const extra = { by_user: null, message: "no load\n\x1b[31mzone", code: 17 };
  const history = [{ type: "aborted", entered: "soon", extra, new: 1 }];
  server.fault("v6.testRun", json({ status: "thinking", status_history: history, colour: "red" }));
  assertEquals(await api(server, calls).testRun("1"), {
    status: "thinking",
    result: null,
    estimatedDurationSeconds: null,
    history: [{ status: "aborted", byUser: false, message: "no load [31mzone", code: "17" }],
  });
  server.fault("v6.testRun", json({ status: "running", estimated_duration: "long" }));
  const { message } = await failure(api(server, calls).testRun("1"));
  assertEquals(
    message,
    "cannot ask for the test run 1: estimated_duration of the answer must be a number; check K6_CLOUD_HOST_V6",
  );
});

Deno.test("a call is repeated three times, and then the service's words are the error", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.lastingFault("v6.projects", v6ErrorAnswer(500, "internal", "the database is away"));
  const { message } = await failure(api(server, calls).projects());
  assertEquals(
    message,
    "cannot list the projects: (500/internal) the database is away; the service has failed: try again later",
  );
  assertEquals(server.callsOf("v6.projects").length, 4);
  assert(calls.clock.pausesMs.every((ms) => ms === 500));
});

function api(server: ContractServer, { client }: Calls): V6Api {
  return new V6Api(client, { host: server.origin, token: ACCOUNT.token, stackId: ACCOUNT.stackId });
}
