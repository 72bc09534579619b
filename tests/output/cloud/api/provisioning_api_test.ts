import { assertEquals, assertNotMatch } from "@std/assert";
import { ProvisioningApi } from "../../../../src/output/cloud/api/provisioning_api.ts";
import { readSecret } from "../../../../src/output/cloud/api/secrets_api.ts";
import { V6Api } from "../../../../src/output/cloud/api/v6_api.ts";
import { json } from "../../../../src/hub/http.ts";
import { ACCOUNT, ContractServer } from "../../../support/cloud/contract_server.ts";
import { htmlAnswer } from "../../../support/cloud/faults.ts";
import { ARCHIVE } from "../../../hub/cloud_client.ts";
import { Calls, failure } from "./calls.ts";

Deno.test("a local execution is started, gets its archive and is ended", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault("provisioning.startLocalExecution", "lost", htmlAnswer(502));
  const { api, run } = await start(server, calls, ARCHIVE.length);
  const { scopedToken } = await server.testRun(run.testRunId);
  assertEquals(run.testRunToken, scopedToken);
  assertEquals(run.metrics, {
    pushUrl: `${server.origin}/v2/metrics/${run.testRunId}`,
    pushIntervalMs: 1000,
    pushConcurrency: server.settings.local.pushConcurrency,
    aggregationPeriodMs: server.settings.local.aggregationPeriodSeconds * 1000,
    aggregationWaitPeriodMs: 8000,
    maxSeriesInBatch: server.settings.local.maxSeriesInBatch,
  });
  assertEquals([run.logs?.pushUrl, run.logs?.allowedLabels], [
    `${server.origin}/api/v1/push`,
    server.settings.local.logs.allowedLabels,
  ]);
  assertEquals([run.detailsUrl, run.warnings], [`https://team.example/a/k6-app/runs/${run.testRunId}`, []]);
  server.fault("provisioning.uploadArchive", htmlAnswer(503), "reset");
  await api.uploadArchive(run.archiveUploadUrl ?? "", ARCHIVE);
  assertEquals((await server.testRun(run.testRunId)).archive, ARCHIVE);
  await api.notifyEnd(run.testRunId, run.testRunToken, { code: 8036, reason: "aborted" });
  assertEquals((await server.testRun(run.testRunId)).notice, { error: { code: 8036, reason: "aborted" } });
  assertEquals(server.violations, []);
});

Deno.test("neither token nor signature is in a debug line or an error", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const { api, run } = await start(server, calls, ARCHIVE.length);
  server.lastingFault("provisioning.uploadArchive", htmlAnswer(403));
  const { message } = await failure(api.uploadArchive(run.archiveUploadUrl ?? "", ARCHIVE));
  assertEquals(
    message,
    "cannot upload the archive: (403) not allowed to upload result to k6 Cloud; the address that the service gave for it " +
      "is not valid (any longer)",
  );
  const signature = new URL(run.archiveUploadUrl ?? "").searchParams.get("signature") ?? "none";
  const secrets = new RegExp([signature, ACCOUNT.token, run.testRunToken].join("|"));
  assertNotMatch([message, ...calls.lines].join("\n"), secrets);
});

Deno.test("a run of which the service has heard already that it ended is ended", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const { api, run } = await start(server, calls, null);
  assertEquals(run.archiveUploadUrl, null);
  server.fault("provisioning.notify", "lost");
  await api.notifyEnd(run.testRunId, run.testRunToken, null);
  assertEquals((await server.testRun(run.testRunId)).notice, { error: null });
});

Deno.test("durations that can't be understood cost a warning each, what is missing is left to the user", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const metrics = { push_url: "http://127.0.0.1:1/m", push_interval: "soon", aggregation_period: "5s" };
  const runtime = {
    test_run_token: "t",
    metrics,
    logs: { push_url: "http://127.0.0.1:1/l", push_period_seconds: "?" },
  };
  server.fault("provisioning.startLocalExecution", json({ test_run_id: 12, runtime_config: runtime }));
  const { run } = await start(server, calls, null);
  assertEquals([run.metrics.pushIntervalMs, run.metrics.aggregationPeriodMs, run.logs?.periodMs], [null, 5000, null]);
  assertEquals([run.metrics.pushConcurrency, run.logs?.level, run.secrets, run.detailsUrl], [null, null, null, null]);
  assertEquals(run.warnings, [
    `the service's push_interval "soon" is no duration and does not count`,
    `the service's push_period_seconds "?" is no duration and does not count`,
  ]);
});

Deno.test("a start without a place for metrics is an error that says so", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault("provisioning.startLocalExecution", {
    rewrite(answer) {
      const started = JSON.parse(String(answer.body));
      started.runtime_config.metrics = {};
      return { ...answer, body: JSON.stringify(started) };
    },
  });
  assertEquals(
    (await failure(start(server, calls, null))).message,
    "cannot start the test run: runtime_config.metrics.push_url of the answer must be an http or https address; check K6_CLOUD_HOST_V6",
  );
  // Nobody else could.
  assertEquals(server.callsOf("provisioning.notify").map(({ status }) => status), [204]);
});

Deno.test("secrets are read with the run's token, wherever they stand in the answer", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const { run: { secrets, testRunToken } } = await start(server, calls, null);
  if (secrets === null) throw new Error("no place for secrets");
  assertEquals(await readSecret(calls.client, secrets, testRunToken, "api-key"), "the value of api-key");
  const missing = await failure(readSecret(calls.client, secrets, testRunToken, "a b/c"));
  assertEquals(missing.status, 404);
  assertEquals(server.callsOf("provisioning.decryptSecret").at(-1)?.request.query.get("name"), "a b/c");
  assertEquals((await failure(readSecret(calls.client, secrets, testRunToken, "half \ud800"))).status, 404);
  server.fault("provisioning.decryptSecret", json({ data: { value: "deep" } }), json({ data: [] }));
  const deep = { ...secrets, responsePath: "data.value" };
  assertEquals(await readSecret(calls.client, deep, testRunToken, "x"), "deep");
  assertEquals(
    (await failure(readSecret(calls.client, deep, testRunToken, "x"))).message,
    `cannot read the secret "x" of the cloud: the answer has no text at data.value`,
  );
});

async function start(server: ContractServer, { client }: Calls, archiveBytes: number | null) {
  const access = { host: server.origin, token: ACCOUNT.token, stackId: ACCOUNT.stackId };
  const { id } = await new V6Api(client, access).provideLoadTest(ACCOUNT.defaultProjectId, "shop", null);
  const api = new ProvisioningApi(client, access);
  const execution = { maxVus: 2, durationSeconds: 60, archiveBytes };
  return { api, run: await api.startLocalExecution(id, execution) };
}
