/** Local executions against a service that keeps to the contract: how they are made, and what becomes of faults on the way. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Clock, systemClock } from "../../../src/output/clock.ts";
import { createCloudOutput } from "../../../src/output/cloud/cloud_output.ts";
import { errorOf, localLifeCycle, LocalRun } from "../../../src/output/cloud/local_life_cycle.ts";
import { OutputError } from "../../../src/output/output.ts";
import type { CloudLaunch, EndReason } from "../../../src/output/run_facts.ts";
import { ARCHIVE } from "../../hub/cloud_client.ts";
import { ACCOUNT, ContractServer } from "../../support/cloud/contract_server.ts";
import { htmlAnswer, MALFORMED, v6ErrorAnswer } from "../../support/cloud/faults.ts";
import { OutputRun } from "../support/output_run.ts";
import { CLEAN_END } from "../support/run_facts.ts";

/** What a test's run is other than usual. */
interface Change {
  readonly env?: Readonly<Record<string, string>>;
  readonly launch?: Partial<CloudLaunch>;
  readonly clock?: Clock;
}

/** A service and a run of it that has not been started. */
async function localRun({ env = {}, launch = {}, clock = HURRIED }: Change = {}) {
  const server = await ContractServer.start();
  const run = newRun(server, { env, launch, clock });
  return { server, run, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function newRun({ origin }: ContractServer, { env, launch, clock }: Required<Change>): OutputRun {
  return new OutputRun(
    (context) =>
      createCloudOutput(
        { ...context, name: "cloud", argument: "checkout" },
        (config, client, context) =>
          config.pushRefId === null
            ? new LocalRun(config, client, context, clock)
            : localLifeCycle(config, client, context),
        IMPATIENT,
      ),
    {
      env: {
        K6_CLOUD_HOST: origin,
        K6_CLOUD_HOST_V6: origin,
        K6_CLOUD_TOKEN: ACCOUNT.token,
        K6_CLOUD_STACK_ID: String(ACCOUNT.stackId),
        K6_CLOUD_PROJECT_ID: "502",
        ...env,
      },
      test: { archive: () => ARCHIVE },
      launch: { isLocalExecution: true, ...launch },
    },
  );
}

/** Nobody waits two seconds for the next look. */
const HURRIED: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal) };

/** Nor five for the service's answer once the test was stopped. */
const IMPATIENT: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 5000 ? 5 : ms, signal) };

const PATIENT: Clock = { ...systemClock, sleep: (_, signal) => systemClock.sleep(1e9, signal) };

Deno.test("a run is made, fed and ended with a token of its own", async () => {
  await using local = await localRun();
  const { server, run } = local;
  await run.output.start();
  run.add("http_reqs", [["method", "GET"]], 3);
  run.log({ level: "info", message: "hello", fields: [["source", "console"]], atEpochMs: Date.now() });
  await run.stop();
  assertEquals(server.violations, []);
  assertEquals(server.order, [
    "v6.createLoadTest",
    "provisioning.startLocalExecution",
    "provisioning.uploadArchive",
    "v6.testRun",
    "v2.pushMetrics",
    "logs.push",
    "provisioning.notify",
  ]);
  const id = "1002";
  const { name, projectId, maxVus, durationSeconds, archive, notice, scopedToken } = await server.testRun(id);
  assertEquals({ name, projectId, maxVus, durationSeconds }, {
    name: "checkout",
    projectId: 502,
    maxVus: 10,
    durationSeconds: 30,
  });
  assertEquals([archive?.length, notice], [ARCHIVE.length, { error: null }]);
  assertEquals((await server.totals(id, "http_reqs"))?.type, "counter");
  assertEquals((await server.store.logLines(id, 0n)).map(({ message }) => message), ["hello source=console"]);
  assert(run.redacted.includes(scopedToken));
  assertEquals((await run.output.remoteRun)?.secrets, {
    endpoint: `${server.origin}/provisioning/v1/test_runs/${id}/decrypt_secret?name={key}`,
    responsePath: "plaintext",
    token: scopedToken,
  });
  assertEquals(run.output.description, `cloud (${ACCOUNT.stackUrl}/a/k6-app/runs/${id})`);
  assertEquals(run.complaints, []);
});

Deno.test("the service's metrics settings apply, those that can't be understood do not", async () => {
  await using local = await localRun();
  const { server, run } = local;
  server.settings.local = {
    ...server.settings.local,
    aggregationPeriodSeconds: 1,
    aggregationWaitPeriod: "1s",
    pushInterval: "soon",
    maxSeriesInBatch: 1,
  };
  await run.output.start();
  run.add("http_reqs", [["method", "GET"]], 1);
  run.add("http_reqs", [["method", "PUT"]], 1);
  await server.succeeded("v2.pushMetrics", 2);
  await run.stop();
  assertEquals(server.violations, []);
  const pushes = await server.pushes("1002");
  assertEquals(pushes.map(({ set }) => set.aggregationPeriodSeconds), pushes.map(() => 1));
  assertEquals(run.complaints, [
    `warn: cloud output: the service's push_interval "soon" is no duration and does not count`,
  ]);
});

Deno.test("the test of a name is there already: the run belongs to it", async () => {
  await using local = await localRun();
  const { server, run } = local;
  const test = await server.store.addLoadTest({ projectId: 502, name: "checkout", archive: null, createdAtEpochMs: 0 });
  await run.output.start();
  await run.stop();
  assertEquals((await server.testRun("1002")).loadTestId, test?.id);
  assertEquals(server.violations, []);
});

Deno.test("without a project the stack's default is taken, and the user told", async () => {
  await using local = await localRun({ env: { K6_CLOUD_PROJECT_ID: "" } });
  const { message } = await assertRejects(() => local.run.output.start(), OutputError);
  assertEquals(
    message,
    "cloud output: no project is set, and the stack's default project is not known: set options.cloud.projectID or " +
      "K6_CLOUD_PROJECT_ID, or run `k6d cloud login`, which stores the stack's",
  );
  assertEquals(local.server.calls, []);
  const run = new OutputRun("cloud", {
    env: {
      K6_CLOUD_HOST_V6: local.server.origin,
      K6_CLOUD_HOST: local.server.origin,
      K6_CLOUD_TOKEN: ACCOUNT.token,
      K6_CLOUD_STACK_ID: "77",
    },
    collectors: { cloud: { defaultProjectID: 501 } },
    test: { archive: () => ARCHIVE },
    launch: { isLocalExecution: true },
  });
  await run.output.start();
  await run.stop();
  assertEquals((await local.server.testRun("1002")).projectId, 501);
  assertEquals(run.complaints, [
    "warn: cloud output: no project is set (options.cloud.projectID, K6_CLOUD_PROJECT_ID): the test goes to the stack's default project 501",
  ]);
});

for (
  const [missing, env] of [
    ["a token", { K6_CLOUD_TOKEN: "" }],
    ["a stack", { K6_CLOUD_STACK_ID: "" }],
    ["a token and a stack", { K6_CLOUD_TOKEN: "", K6_CLOUD_STACK_ID: "" }],
  ] as const
) {
  Deno.test(`without ${missing} nothing is asked of the service`, async () => {
    await using server = await ContractServer.start();
    const { message } = assertThrows(() => newRun(server, { env, launch: {}, clock: HURRIED }), OutputError);
    assertEquals(
      message,
      `cloud output: a local execution needs ${missing}: \`k6d cloud login\` stores both; K6_CLOUD_TOKEN and ` +
        "K6_CLOUD_STACK_ID come before it",
    );
    assertEquals(server.calls, []);
  });
}

Deno.test("what the user keeps to themselves stays here: archive, log and secrets", async () => {
  await using local = await localRun({
    env: { K6_NO_ARCHIVE_UPLOAD: "true" },
    launch: { pushesLogs: false, readsSecrets: false },
  });
  const { server, run } = local;
  await run.output.start();
  run.log({ level: "info", message: "hello", fields: [], atEpochMs: Date.now() });
  await run.stop();
  assertEquals(server.order, [
    "v6.createLoadTest",
    "provisioning.startLocalExecution",
    "v6.testRun",
    "provisioning.notify",
  ]);
  assertEquals((await server.testRun("1002")).archiveBytes, null);
  assertEquals((await run.output.remoteRun)?.secrets, null);
  assertEquals(server.violations, []);
});

Deno.test("where the user says that secrets are comes before what the service says", async () => {
  const endpoint = "https://vault.example/{key}";
  await using local = await localRun({ env: { K6_CLOUD_SECRETS_ENDPOINT: endpoint, K6_CLOUD_SECRETS_TOKEN: "own" } });
  const { run } = local;
  await run.output.start();
  await run.stop();
  assertEquals((await run.output.remoteRun)?.secrets, { endpoint, responsePath: "plaintext", token: "own" });
});

Deno.test("the service says how much of the log it takes", async () => {
  await using local = await localRun();
  const { server, run } = local;
  server.settings.local = {
    ...server.settings.local,
    logs: {
      ...server.settings.local.logs,
      level: "warning",
      limit: 1,
      allowedLabels: ["test_run_id", "level", "source"],
    },
  };
  await run.output.start();
  for (const level of ["info", "warn", "error"] as const) {
    run.log({ level, message: level, fields: [["source", "console"]], atEpochMs: Date.now() });
  }
  await run.stop();
  const lines = await server.store.logLines("1002", 0n);
  assertEquals(lines.map(({ labels }) => labels["source"]), ["console", undefined]);
  assertEquals(lines[0]?.message, "warn");
  assertEquals(server.violations, []);
});

Deno.test("a service that names no place for the archive doesn't get it", async () => {
  await using local = await localRun();
  const { server, run } = local;
  server.fault("provisioning.startLocalExecution", {
    rewrite: ({ body, ...answer }) => ({
      ...answer,
      body: JSON.stringify({ ...JSON.parse(String(body)), archive_upload_url: null }),
    }),
  });
  server.scriptStatuses({ type: "initializing" });
  await run.output.start();
  await run.stop();
  assertEquals(server.callsOf("provisioning.uploadArchive"), []);
  assertEquals(run.complaints, [
    "warn: cloud output: the service names no place for the archive: the script and its files stay here",
  ]);
});

Deno.test("the run begins when the service is ready for it", async () => {
  await using local = await localRun();
  const { server, run } = local;
  server.scriptStatuses({ type: "created" }, { type: "queued" }, { type: "initializing" });
  await run.output.start();
  assertEquals(server.callsOf("v6.testRun").length, 3);
  await run.stop();
  assertEquals(server.violations, []);
});

Deno.test("a run that the service ends before it began doesn't begin", async () => {
  await using local = await localRun();
  const { server, run } = local;
  server.scriptStatuses({ type: "aborted", message: "no virtual user hours are left", code: 8030 });
  const { message } = await assertRejects(() => run.output.start(), OutputError);
  assertEquals(message, "cloud output: the test run 1002 ended before it began: no virtual user hours are left");
  await run.stop();
  assertEquals([server.callsOf("provisioning.notify"), server.violations], [[], []]);
});

Deno.test("a run that is still waited for when the user has enough is given up, and the service told", async () => {
  await using local = await localRun({ clock: PATIENT });
  const { server, run } = local;
  server.scriptStatuses({ type: "queued" });
  const started = assertRejects(() => run.output.start(), OutputError, "given up");
  await server.called("v6.testRun");
  await run.stop({ ...CLEAN_END, reason: "interrupted", exitCode: 105 });
  await started;
  const { notice } = await server.testRun("1002");
  assertEquals(notice?.error?.code, 8036);
  assertEquals([server.violations, run.complaints], [[], []]);
});

Deno.test("calls that fail in passing are repeated, and count once", async () => {
  await using local = await localRun();
  const { server, run } = local;
  const busy = v6ErrorAnswer(503, "busy", "later");
  server.fault("v6.createLoadTest", busy);
  server.fault("provisioning.startLocalExecution", "lost");
  server.fault("provisioning.uploadArchive", "reset");
  server.fault("v6.testRun", v6ErrorAnswer(429, "busy", "later"));
  server.fault("provisioning.notify", "reset");
  await run.output.start();
  await run.stop();
  assertEquals(server.violations, []);
  assertEquals(await server.store.testRun("1003"), undefined);
  assertEquals((await server.testRun("1002")).notice, { error: null });
  assertEquals(run.complaints, []);
});

for (
  const [title, operation, answer, words] of [
    ["the project is not there", "v6.createLoadTest", v6ErrorAnswer(404, "none", "no such project"), "(404/none)"],
    ["the token is wrong", "v6.createLoadTest", v6ErrorAnswer(401, "auth", "the token is invalid"), "(401/auth)"],
    ["a proxy answers", "v6.createLoadTest", htmlAnswer(403), "(403)"],
    [
      "the stack has no hours left",
      "provisioning.startLocalExecution",
      v6ErrorAnswer(403, "hours", "none"),
      "(403/hours)",
    ],
    ["the answer is no JSON", "provisioning.startLocalExecution", MALFORMED, "is not the JSON object of a k6 cloud"],
  ] as const
) {
  Deno.test(`no run begins when ${title}`, async () => {
    await using local = await localRun();
    const { server, run } = local;
    server.lastingFault(operation, answer);
    const { message } = await assertRejects(() => run.output.start(), OutputError);
    assert(message.startsWith("cloud output: cannot ") && message.includes(words) && !message.includes("\n"), message);
    await run.stop();
    assertEquals([server.callsOf("provisioning.notify"), server.violations], [[], []]);
  });
}

Deno.test("a run that can't be made ready does not look as if it went on", async () => {
  await using local = await localRun();
  const { server, run } = local;
  server.lastingFault("provisioning.uploadArchive", htmlAnswer(403));
  const { message } = await assertRejects(() => run.output.start(), OutputError);
  assert(message.startsWith("cloud output: cannot upload the archive: (403)"), message);
  await run.stop();
  const { notice } = await server.testRun("1002");
  assertEquals(notice?.error?.code, 0);
  assertEquals(server.violations, []);
});

Deno.test("an end that can't be told is a warning", async () => {
  await using local = await localRun();
  const { server, run } = local;
  await run.output.start();
  server.lastingFault("provisioning.notify", v6ErrorAnswer(401, "auth", "expired"));
  await run.stop();
  assertEquals(run.complaints, [
    "warn: cloud output: cannot finish the test run 1002: (401/auth) expired; the test run's token is not valid (any longer); " +
    "the cloud may show the run as if it went on",
  ]);
});

Deno.test("a run of somebody else is fed, and neither made nor ended", async () => {
  await using server = await ContractServer.start();
  const { id, scopedToken } = await server.addTestRun();
  const env = {
    K6_CLOUD_PUSH_REF_ID: id,
    K6_CLOUD_METRICS_PUSH_URL: `${server.origin}/v2/metrics/${id}`,
    K6_CLOUD_TEST_RUN_TOKEN: scopedToken,
    K6_CLOUD_LOGS_PUSH_URL: `${server.origin}/api/v1/push`,
    K6_CLOUD_LOGS_ALLOWED_LABELS: "level,test_run_id",
    K6_CLOUD_SECRETS_ENDPOINT: `${server.origin}/s?{key}`,
    // Not needed for this.
    K6_CLOUD_STACK_ID: "",
  };
  const run = newRun(server, { env, launch: {}, clock: HURRIED });
  await run.output.start();
  run.add("http_reqs", [["method", "GET"]], 3);
  run.log({ level: "error", message: "oh", fields: [], atEpochMs: Date.now() });
  await run.stop();
  assertEquals(server.order, ["v2.pushMetrics", "logs.push"]);
  assertEquals(server.callsOf("v2.pushMetrics")[0]?.request.headers.get("authorization"), `Bearer ${scopedToken}`);
  assertEquals((await run.output.remoteRun)?.secrets?.token, scopedToken);
  assertEquals([server.violations, run.complaints], [[], []]);
});

Deno.test("without a token of its own, metrics for a run of somebody else go with the user's", async () => {
  await using server = await ContractServer.start();
  const { id } = await server.addTestRun();
  const run = newRun(server, { env: { K6_CLOUD_PUSH_REF_ID: id }, launch: {}, clock: HURRIED });
  await run.output.start();
  run.add("http_reqs", [["method", "GET"]], 3);
  await run.stop();
  assertEquals(server.callsOf("v2.pushMetrics")[0]?.request.headers.get("authorization"), `Token ${ACCOUNT.token}`);
  assertEquals(server.violations, []);
});

Deno.test("every reason for an end has the service's code", () => {
  const codes: Record<EndReason, number | null> = {
    "finished": null,
    "marked-failed": 0,
    "threshold": 8036,
    "interrupted": 8036,
    "rest-api": 8036,
    "script-abort": 8036,
    "script-error": 8035,
    "timeout": 8034,
    "output": 8034,
    "system": 0,
  };
  for (const [reason, code] of Object.entries(codes) as [EndReason, number | null][]) {
    assertEquals(errorOf({ reason, message: "why" }), code === null ? null : { code, reason: "why" });
  }
  assertEquals(errorOf({ reason: "system", message: "" })?.reason, "the test ended early (system)");
});
