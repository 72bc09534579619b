import { assertEquals } from "@std/assert";
import { type NewTestRun, V1Api } from "../../../../src/output/cloud/api/v1_api.ts";
import { ACCOUNT, ContractServer } from "../../../support/cloud/contract_server.ts";
import { json } from "../../../../src/hub/http.ts";
import { v1ErrorAnswer } from "../../../support/cloud/faults.ts";
import { ARCHIVE } from "../../../hub/cloud_client.ts";
import { Calls, failure } from "./calls.ts";

const THRESHOLDS = { http_req_duration: ["p(95)<200", "avg<100"], "http_reqs{a:b}": ["count>1"] };

const RUN: NewTestRun = {
  name: "café & co",
  projectId: 502,
  maxVus: 7,
  durationSeconds: 90,
  thresholds: THRESHOLDS,
  archive: null,
};

for (const archive of [null, ARCHIVE]) {
  Deno.test(`a test run is made ${archive === null ? "without" : "with"} its archive`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    const { id, config, messages, testRunToken, secrets } = await api(server, calls).createTestRun({ ...RUN, archive });
    const run = await server.testRun(id);
    assertEquals(
      [run.name, run.projectId, run.maxVus, run.durationSeconds, run.thresholds],
      [RUN.name, 502, 7, 90, THRESHOLDS],
    );
    assertEquals(run.archive, archive);
    assertEquals([config, messages, testRunToken, secrets], [undefined, [], null, null]);
    assertEquals(server.violations, []);
  });

  Deno.test(`a run of no project ${archive === null ? "without" : "with"} an archive is of the default one`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    const { id } = await api(server, calls).createTestRun({ ...RUN, projectId: null, archive });
    assertEquals((await server.testRun(id)).projectId, ACCOUNT.defaultProjectId);
    assertEquals(server.violations, []);
  });
}

const unusable: readonly [Readonly<Record<string, unknown>>, string][] = [
  [{ test_run_token: "a\nb" }, "test_run_token of the answer must be text without blanks"],
  [
    { secrets_config: { endpoint: "ftp://h/{key}" } },
    "secrets_config.endpoint of the answer must be an http or https address",
  ],
  [{ secrets_config: { endpoint: true } }, "secrets_config.endpoint of the answer must be text"],
  [{ logs: ["x"] }, "logs[0] of the answer must be an object"],
];

for (const [fields, message] of unusable) {
  Deno.test(`a run that is made but can't be used is finished: ${message}`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    server.fault("v1.createTestRun", {
      rewrite: (answer) => ({ ...answer, body: JSON.stringify({ ...JSON.parse(String(answer.body)), ...fields }) }),
    });
    const error = await failure(api(server, calls).createTestRun(RUN));
    assertEquals(error.message, `cannot create the test run: ${message}; check K6_CLOUD_HOST`);
    const [call] = server.callsOf("v1.finishTestRun");
    const { end } = await server.testRun(call?.request.path.split("/").at(-1) ?? "");
    assertEquals(end, { resultStatus: 0, runStatus: 6, thresholds: {} });
    assertEquals(server.violations, []);
  });
}

Deno.test("a run that can be neither used nor finished is told of both", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault("v1.createTestRun", json({ reference_id: "12", logs: {} }));
  server.fault("v1.finishTestRun", v1ErrorAnswer(404, 0, "no such run"));
  assertEquals(
    (await failure(api(server, calls).createTestRun(RUN))).message,
    "cannot create the test run: logs of the answer must be a list; check K6_CLOUD_HOST; and " +
      "cannot finish the test run 12: (404) no such run; check K6_CLOUD_HOST, and that what is asked for exists",
  );
});

Deno.test("what the service says of a new run is handed on: settings, messages, where secrets are", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.settings.override = { metricPushInterval: "5s" };
  server.settings.messages = [{ level: "warning", message: "you have 3 runs left" }];
  server.settings.secrets = true;
  const created = await api(server, calls).createTestRun(RUN);
  assertEquals(created, {
    id: created.id,
    config: { metricPushInterval: "5s" },
    messages: [{ level: "warning", message: "you have 3 runs left" }],
    testRunToken: (await server.testRun(created.id)).scopedToken,
    secrets: {
      endpoint: `${server.origin}/provisioning/v1/test_runs/${created.id}/decrypt_secret?name={key}`,
      responsePath: "plaintext",
    },
  });
});

Deno.test("the end of a run says which thresholds were crossed, and whether any", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const ends: readonly [crossed: boolean, resultStatus: 0 | 1][] = [[false, 0], [true, 1]];
  for (const [crossed, resultStatus] of ends) {
    const { id } = await api(server, calls).createTestRun({ ...RUN, thresholds: { vus: ["max>1"] } });
    const thresholds = { vus: { "max>1": crossed } };
    await api(server, calls).finishTestRun(id, { isFailed: crossed, runStatus: 3, thresholds });
    assertEquals((await server.testRun(id)).end, { resultStatus, runStatus: 3, thresholds });
  }
  assertEquals(server.violations, []);
});

Deno.test("a run that can't be finished is named", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault("v1.finishTestRun", v1ErrorAnswer(400, 9, "no such status"));
  const { message } = await failure(
    api(server, calls).finishTestRun("17", { isFailed: false, runStatus: 3, thresholds: {} }),
  );
  assertEquals(message, "cannot finish the test run 17: (400/E9) no such status");
});

function api(server: ContractServer, { client }: Calls): V1Api {
  return new V1Api(client, { host: server.origin, token: ACCOUNT.token });
}
