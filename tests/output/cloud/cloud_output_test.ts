/** The cloud output by itself, from the creation of a run to its end, against the strict server. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createCloudOutput } from "../../../src/output/cloud/cloud_output.ts";
import { type Output, OutputError } from "../../../src/output/output.ts";
import type { RunEnding } from "../../../src/output/run_facts.ts";
import { ARCHIVE } from "../../hub/cloud_client.ts";
import { ACCOUNT, ContractServer } from "../../support/cloud/contract_server.ts";
import { STOP_SENDING, v1ErrorAnswer } from "../../support/cloud/faults.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { OutputRun, type RunSettings } from "../support/output_run.ts";
import { CLEAN_END } from "../support/run_facts.ts";

/** An output with its service. Time passes only when a test says so where `clock` is fake. */
class CloudTest implements AsyncDisposable {
  readonly server: ContractServer;
  readonly run: OutputRun;
  /** As `level message key=value`. */
  readonly lines: string[] = [];
  readonly clock = new FakeClock();
  #stopped: Promise<void> | null = null;
  #saysMore = Promise.withResolvers<void>();

  constructor(server: ContractServer, { env = {}, ...settings }: RunSettings, hasFakeClock: boolean) {
    this.server = server;
    // What answers say of the time is compared with it.
    this.clock.nowMs = Date.now();
    const say = (level: string) => (message: string, fields = {}) => {
      this.lines.push([level, message, ...Object.entries(fields).map((pair) => pair.join("="))].join(" "));
      this.#saysMore.resolve();
    };
    const log = { debug() {}, info: say("info"), warn: say("warn"), error: say("error") };
    const clock = hasFakeClock ? this.clock : undefined;
    const all = { K6_CLOUD_HOST: server.origin, K6_CLOUD_TOKEN: ACCOUNT.token, ...env };
    this.run = new OutputRun(
      (context) => createCloudOutput({ ...context, name: "cloud", argument: "", env: all, log }, undefined, clock),
      { ...settings, test: { archive: () => ARCHIVE.slice(), ...settings.test } },
    );
  }

  static async create(
    settings: RunSettings & { readonly hasFakeClock?: boolean } = {},
  ): Promise<CloudTest> {
    const { hasFakeClock = false, ...others } = settings;
    return new CloudTest(await ContractServer.start(), others, hasFakeClock);
  }

  get output(): Output {
    return this.run.output;
  }

  /** Resolves once a line matches. */
  async said(pattern: RegExp): Promise<void> {
    while (!this.lines.some((line) => pattern.test(line))) {
      this.#saysMore = Promise.withResolvers();
      await this.#saysMore.promise;
    }
  }

  /** The run is over. */
  stop(ending: RunEnding = CLEAN_END): Promise<void> {
    return this.#stopped ??= this.run.stop(ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.server[Symbol.asyncDispose]();
  }
}

/** A run that could not start. */
const BROKEN_END: RunEnding = { reason: "system", exitCode: 255, message: "no", thresholds: [] };

Deno.test("a run is created with its archive, fed and finished", async () => {
  await using test = await CloudTest.create({
    env: { K6_CLOUD_PROJECT_ID: "502" },
    test: { script: "/home/me/shop.ts", maxVus: 7, durationMs: 12_345, thresholds: { checks: ["rate>0.9"] } },
  });
  const { server, run } = test;
  assertEquals(run.output.description, "cloud");
  await run.output.start();
  assertEquals(run.output.description, "cloud (https://app.k6.io/runs/1001)");
  assertEquals(await run.output.remoteRun, { id: "1001", secrets: null });
  run.addMany(10);
  await test.stop({ ...CLEAN_END, thresholds: [{ metric: "checks", expression: "rate>0.9", ok: true }] });
  assertEquals(server.order, ["v1.createTestRun", "v2.pushMetrics", "v1.finishTestRun"]);
  const { name, projectId, maxVus, durationSeconds, thresholds, archive, end } = await server.testRun("1001");
  assertEquals({ name, projectId, maxVus, durationSeconds, thresholds }, {
    name: "shop.ts",
    projectId: 502,
    maxVus: 7,
    durationSeconds: 13,
    thresholds: { checks: ["rate>0.9"] },
  });
  assertEquals(archive, ARCHIVE);
  assertEquals(end, { runStatus: 3, resultStatus: 0, thresholds: { checks: { "rate>0.9": false } } });
  assertEquals(await server.totals("1001", "http_reqs"), { type: "counter", sum: 10 });
  assertEquals(server.violations, []);
  assertEquals(test.lines, ["info cloud output: the test run is at https://app.k6.io/runs/1001"]);
});

for (const how of ["variable", "script", "configuration file"]) {
  Deno.test(`the script stays here when that is what the ${how} says`, async () => {
    const packed: string[] = [];
    await using test = await CloudTest.create({
      ...how === "variable" ? { env: { K6_NO_ARCHIVE_UPLOAD: "true" } } : {},
      ...how === "script" ? { options: { cloud: { noArchiveUpload: true } } } : {},
      ...how === "configuration file" ? { collectors: { cloud: { noArchiveUpload: true } } } : {},
      test: {
        archive: () => {
          packed.push(how);
          return ARCHIVE.slice();
        },
      },
    });
    await test.output.start();
    assertEquals((await test.server.testRun("1001")).archive, null);
    assertEquals(packed, []);
    assertEquals(test.server.violations, []);
  });
}

Deno.test("a test that can't be packed does not start", async () => {
  await using test = await CloudTest.create({
    test: {
      archive: () => {
        throw new RangeError("a file is too large");
      },
    },
  });
  const { message } = await assertRejects(() => test.output.start(), OutputError);
  assertEquals(
    message,
    "cloud output: cannot pack the test: a file is too large; --no-archive-upload runs the test without sending it to the cloud",
  );
  assertEquals(test.server.calls, []);
});

Deno.test("a run that can't be created says why, and is neither fed nor finished", async () => {
  await using test = await CloudTest.create({ env: { K6_CLOUD_TOKEN: "a-wrong-token" } });
  const { message } = await assertRejects(() => test.output.start(), OutputError);
  assertMatch(message, /^cloud output: cannot create the test run: \(401\) .*; check the token: `k6d cloud login`/);
  await test.stop(BROKEN_END);
  assertEquals(test.server.order, ["v1.createTestRun"]);
});

Deno.test("without a token calls don't say who makes them", async () => {
  await using test = await CloudTest.create({ env: { K6_CLOUD_TOKEN: "" } });
  await assertRejects(() => test.output.start(), OutputError, "(401)");
  assertEquals(test.server.calls[0]!.request.headers.has("authorization"), false);
});

Deno.test("a run's own token is in no line of the log, used or not", async () => {
  await using test = await CloudTest.create();
  const body = JSON.stringify({ reference_id: "1001", test_run_token: "token-of-the-run" });
  test.server.fault("v1.createTestRun", { rewrite: (answer) => ({ ...answer, body }) });
  await test.output.start();
  assert(test.run.redacted.includes("token-of-the-run"), String(test.run.redacted));
  await test.stop();
});

Deno.test("an answer without a run's id is refused", async () => {
  await using test = await CloudTest.create();
  test.server.fault("v1.createTestRun", { rewrite: (answer) => ({ ...answer, body: `{"reference_id":""}` }) });
  const { message } = await assertRejects(() => test.output.start(), OutputError);
  assertEquals(
    message,
    "cloud output: cannot create the test run: reference_id of the answer must be text; check K6_CLOUD_HOST",
  );
});

Deno.test("what the service changes of the settings counts, also where pushes go; the end is told as the run was made", async () => {
  await using other = await ContractServer.start();
  await using test = await CloudTest.create({ env: { K6_CLOUD_METRICS_FORMAT: "json" } });
  const { server, run } = test;
  await other.addTestRun();
  server.settings.override = {
    host: other.origin,
    metricsFormat: "protobuf",
    maxTimeSeriesInBatch: 2,
    webAppURL: "https://cloud.example",
    aggregationPeriod: "2s",
    metricPushInterval: null,
    somethingElse: 1,
  };
  other.settings.aggregationPeriodSeconds = 2;
  other.settings.maxSeriesInBatch = 2;
  await run.output.start();
  assertEquals(run.output.description, "cloud (https://cloud.example/runs/1001)");
  run.addAll(["a", "b", "c"].map((id) => ({ tags: [["id", id]] })));
  await test.stop();
  const pushes = other.callsOf("v2.pushMetrics");
  assertEquals(
    pushes.map(({ request }) => request.headers.get("content-type")),
    Array(2).fill("application/x-protobuf"),
  );
  assertEquals(server.order, ["v1.createTestRun", "v1.finishTestRun"]);
  assertEquals([...server.violations, ...other.violations], []);
});

Deno.test("settings of the service that make no sense keep the run from starting; it is finished there", async () => {
  for (
    const [override, problem] of [
      [
        { metricPushInterval: "soon" },
        "cloud output: invalid metricPushInterval (the service's config.metricPushInterval)",
      ],
      [
        { maxTimeSeriesInBatch: 0 },
        "cloud output: maxTimeSeriesInBatch must be at least 1, but is 0 (the service's config",
      ],
    ] as const
  ) {
    await using test = await CloudTest.create();
    test.server.settings.override = override;
    const { message } = await assertRejects(() => test.output.start(), OutputError, problem);
    assert(!message.includes("\n"));
    await test.stop(BROKEN_END);
    assertEquals(test.server.order, ["v1.createTestRun", "v1.finishTestRun"]);
    assertEquals((await test.server.testRun("1001")).end?.runStatus, 6);
  }
});

Deno.test("a config of the service that is no object keeps the run from starting, too", async () => {
  await using test = await CloudTest.create();
  const body = `{"reference_id":"1001","config":[]}`;
  test.server.fault("v1.createTestRun", { rewrite: (answer) => ({ ...answer, body }) });
  await assertRejects(() => test.output.start(), OutputError, "the service's config must be an object");
});

Deno.test("lines of the service are shown at their levels, with their source", async () => {
  await using test = await CloudTest.create();
  const levels = ["debug", "info", "warning", "warn", "error", "fatal", ""];
  test.server.settings.messages = levels.map((level) => ({ level, message: `it is ${level}` }));
  await test.output.start();
  assertEquals(test.lines, [
    "info it is info source=grafana-k6-cloud",
    "warn it is warning source=grafana-k6-cloud",
    "warn it is warn source=grafana-k6-cloud",
    "error it is error source=grafana-k6-cloud",
    "error it is fatal source=grafana-k6-cloud",
    "error it is  source=grafana-k6-cloud",
  ]);
});

Deno.test("where a run's secrets are read is told to those who want to know", async () => {
  await using test = await CloudTest.create();
  test.server.settings.secrets = true;
  await test.output.start();
  const { secrets } = (await test.output.remoteRun)!;
  assertEquals(secrets?.token, (await test.server.testRun("1001")).scopedToken);
  assertMatch(secrets!.endpoint, /decrypt_secret\?name=\{key\}/);
});

Deno.test("two instances push into a run that neither makes nor finishes", async () => {
  await using first = await CloudTest.create({ env: { K6_CLOUD_PUSH_REF_ID: "1001" } });
  const { server } = first;
  await server.addTestRun();
  const second = new CloudTest(
    server,
    { env: { K6_CLOUD_PUSH_REF_ID: "1001", K6_CLOUD_METRICS_FORMAT: "protobuf" } },
    false,
  );
  await Promise.all([first.output.start(), second.output.start()]);
  assertEquals(await first.output.remoteRun, { id: "1001", secrets: null });
  first.run.addMany(10);
  second.run.addMany(5);
  await Promise.all([first.stop(), second.stop()]);
  assertEquals(server.order, ["v2.pushMetrics"]);
  assertEquals(await server.totals("1001", "http_reqs"), { type: "counter", sum: 15 });
  assertEquals(server.violations, []);
});

Deno.test("metrics and log go where the run's own token is taken, if it is given", async () => {
  await using test = await CloudTest.create();
  const { server } = test;
  const { id, scopedToken } = await server.addTestRun();
  const env = {
    K6_CLOUD_TOKEN: "",
    K6_CLOUD_PUSH_REF_ID: id,
    K6_CLOUD_METRICS_PUSH_URL: `${server.origin}/v2/metrics/${id}`,
    K6_CLOUD_TEST_RUN_TOKEN: scopedToken,
    K6_CLOUD_LOGS_PUSH_URL: `${server.origin}/api/v1/push`,
    K6_CLOUD_LOGS_ALLOWED_LABELS: "level,test_run_id",
  };
  const scoped = new CloudTest(server, { env }, false);
  await scoped.output.start();
  scoped.run.addMany(3);
  scoped.run.log({ level: "error", message: "oh", fields: [], atEpochMs: Date.now() });
  await scoped.stop();
  assertEquals(await server.totals(id, "http_reqs"), { type: "counter", sum: 3 });
  assertEquals((await server.store.logLines(id, 0n)).map(({ message }) => message), ["oh"]);
  assertEquals(server.violations, []);
});

Deno.test("without a key, metrics are only repeated later if they can't have arrived", async () => {
  await using server = await ContractServer.start();
  const { id, scopedToken } = await server.addTestRun();
  const env = {
    K6_CLOUD_PUSH_REF_ID: id,
    K6_CLOUD_METRICS_PUSH_URL: `${server.origin}/v2/metrics/${id}`,
    K6_CLOUD_TEST_RUN_TOKEN: scopedToken,
    K6_CLOUD_METRIC_PUSH_INTERVAL: "20ms",
    K6_CLOUD_AGGREGATION_PERIOD: "1s",
    K6_CLOUD_AGGREGATION_WAIT_PERIOD: "1s",
  };
  server.settings.aggregationPeriodSeconds = 1;
  const test = new CloudTest(server, { env }, false);
  server.lastingFault("v2.pushMetrics", "reset");
  await test.output.start();
  test.run.add("http_reqs", [], 1, Date.now() - 10_000);
  await server.called("v2.pushMetrics", 3);
  server.lastingFault("v2.pushMetrics", null);
  await server.goAway();
  test.run.add("http_reqs", [], 10, Date.now() - 5000);
  await test.said(/connection refused.*; trying again/);
  await server.comeBack();
  await test.stop();
  assertEquals(await server.totals(id, "http_reqs"), { type: "counter", sum: 10 });
  assertEquals(server.callsOf("v2.pushMetrics").length, 4);
  assertEquals(server.violations, []);
});

Deno.test("a run that a machine of the cloud works for is finished, but not made", async () => {
  await using test = await CloudTest.create({ env: { K6_CLOUDRUN_TEST_RUN_ID: "1001" } });
  await test.server.addTestRun();
  await test.output.start();
  test.run.addMany(3);
  await test.stop();
  assertEquals(test.server.order, ["v2.pushMetrics", "v1.finishTestRun"]);
  assertEquals(test.server.violations, []);
});

Deno.test("metrics are sent as they are when compression is off", async () => {
  for (const format of ["json", "protobuf"]) {
    await using test = await CloudTest.create({
      env: { K6_CLOUD_NO_COMPRESS: "true", K6_CLOUD_METRICS_FORMAT: format },
    });
    await test.output.start();
    test.run.addMany(3);
    await test.stop();
    const [push] = test.server.callsOf("v2.pushMetrics");
    assertEquals(push!.request.headers.get("content-encoding"), null);
    assertEquals(await test.server.totals("1001", "http_reqs"), { type: "counter", sum: 3 });
    assertEquals(test.server.violations, []);
  }
});

Deno.test("the page of a run is what the settings or the service say", async () => {
  await using test = await CloudTest.create({ env: { K6_CLOUD_TEST_RUN_DETAILS: "https://page.example/7" } });
  await test.output.start();
  assertEquals(test.output.description, "cloud (https://page.example/7)");
});

for (const isFatal of [false, true]) {
  Deno.test(`when the service takes no more, the test ${isFatal ? "ends (stopOnError)" : "goes on"}`, async () => {
    await using test = await CloudTest.create({ env: { K6_CLOUD_STOP_ON_ERROR: String(isFatal) } });
    const { server, run } = test;
    server.fault("v2.pushMetrics", STOP_SENDING);
    await run.output.start();
    run.addMany(3);
    await test.stop();
    const reason = "cloud output: cannot push metrics to the cloud: (403/E4) the test run has been stopped; " +
      "the service takes no more metrics of this test run";
    assertEquals(run.stops, isFatal ? [`${reason} (stopOnError)`] : []);
    assertEquals(test.lines.includes(`warn ${reason}: the test goes on without sending metrics`), !isFatal);
    assertEquals(server.order, ["v1.createTestRun", "v2.pushMetrics", "v1.finishTestRun"]);
    assertEquals(server.violations, []);
  });
}

Deno.test("a batch whose answers are lost counts once, however often it is pushed", async () => {
  await using test = await CloudTest.create();
  const { server, run } = test;
  server.fault("v2.pushMetrics", "lost", "lost", v1ErrorAnswer(503, 0, "busy"), "lost");
  await run.output.start();
  run.addMany(10);
  await test.stop();
  assertEquals(await server.totals("1001", "http_reqs"), { type: "counter", sum: 10 });
  const keys = server.callsOf("v2.pushMetrics").map(({ request }) => request.headers.get("k6-idempotency-key"));
  assertEquals(keys.length, 5);
  assertEquals(new Set(keys).size, 1);
  assertEquals(server.violations, []);
  assertEquals(test.lines.map((line) => line.replace(/:.*/, "")), [
    "error cloud output",
    "info cloud output",
    "info cloud output",
  ]);
});

Deno.test("a batch that the service refuses is lost, and told once", async () => {
  await using test = await CloudTest.create({ env: { K6_CLOUD_MAX_TIME_SERIES_IN_BATCH: "1" } });
  const { server, run } = test;
  server.fault("v2.pushMetrics", v1ErrorAnswer(400, 7, "too old"), v1ErrorAnswer(400, 7, "too old"));
  await run.output.start();
  run.addAll(["a", "b", "c"].map((id) => ({ tags: [["id", id]] })));
  await test.stop();
  assertEquals(await server.totals("1001", "http_reqs"), { type: "counter", sum: 1 });
  assertEquals(test.lines.length, 3, test.lines.join("\n"));
  assertMatch(test.lines[0]!, /^error cloud output: cannot push metrics to the cloud: \(400\/E7\) too old/);
  assertMatch(
    test.lines[1]!,
    /^warn cloud output: 2 of 3 batches of metrics, with 2 of 3 time series, .* \(status 400, code 7: 2\)/,
  );
  assertEquals(server.violations, []);
});

const WAITS_FOR_THE_END =
  "info cloud output: waiting until the service takes the last metrics and the end of the test run";

Deno.test("a service that hangs while metrics wait is waited for 15 seconds at the end; the end is told", async () => {
  await using test = await CloudTest.create({ hasFakeClock: true });
  const { server, run, clock } = test;
  await run.output.start();
  server.lastingFault("v2.pushMetrics", "hang");
  run.addMany(10);
  const stopped = test.stop();
  await server.called("v2.pushMetrics");
  await clock.advance(15_000);
  await stopped;
  assertEquals(server.order, ["v1.createTestRun", "v2.pushMetrics", "v1.finishTestRun"]);
  assertEquals(test.lines[0], WAITS_FOR_THE_END);
  assertMatch(test.lines[1]!, /^warn cloud output: 1 of 1 batches of metrics, .* did not arrive \(no time left: 1\)/);
});

Deno.test("a run that can't be finished is told so", async () => {
  await using test = await CloudTest.create();
  test.server.fault("v1.finishTestRun", v1ErrorAnswer(409, 9, "it has ended already"));
  await test.output.start();
  await test.stop();
  assertEquals(
    test.lines[0],
    "warn cloud output: cannot finish the test run 1001: (409/E9) it has ended already; the cloud may show the run as if it went on",
  );
});

Deno.test("a service that hangs at the end is waited for no longer than a minute", async () => {
  await using test = await CloudTest.create({ hasFakeClock: true, env: { K6_CLOUD_TIMEOUT: "10m" } });
  const { server, run, clock } = test;
  await run.output.start();
  server.lastingFault("v1.finishTestRun", "hang");
  const stopped = test.stop();
  await server.called("v1.finishTestRun");
  await clock.advance(60_000);
  await stopped;
  assertEquals(test.lines[0], WAITS_FOR_THE_END);
  assertMatch(test.lines[1]!, /^warn cloud output: cannot finish the test run 1001: given up; the cloud may show/);
});

Deno.test("a run that is stopped while it is being made is finished when the answer comes", async () => {
  await using test = await CloudTest.create();
  const { promise, resolve } = Promise.withResolvers<void>();
  test.server.fault("v1.createTestRun", { until: promise });
  const started = test.output.start();
  await test.server.called("v1.createTestRun");
  const stopped = test.stop({ ...CLEAN_END, reason: "interrupted", exitCode: 105 });
  resolve();
  await Promise.all([started, stopped]);
  assertEquals((await test.server.testRun("1001")).end?.runStatus, 5);
  assertEquals(test.server.violations, []);
});

Deno.test("a run that is stopped while its making hangs is given up after five seconds, with a warning", async () => {
  await using test = await CloudTest.create({ hasFakeClock: true });
  test.server.fault("v1.createTestRun", "hang");
  const started = assertRejects(() => test.output.start(), OutputError, "cannot create the test run: given up");
  await test.server.called("v1.createTestRun");
  const stopped = test.stop({ ...CLEAN_END, reason: "interrupted", exitCode: 105 });
  await test.clock.advance(5000);
  await Promise.all([started, stopped]);
  assertEquals(test.lines, [
    "info cloud output: waiting until the service makes the test run",
    "warn cloud output: no answer to the creation of the test run before the end: the cloud may have a run that nobody finishes",
  ]);
});

Deno.test("a clock that differs from the service's is told once", async () => {
  await using test = await CloudTest.create();
  const date = new Date(Date.now() + 10 * 60_000).toUTCString();
  const fault = {
    rewrite: <T extends { readonly headers?: Readonly<Record<string, string>> }>(answer: T) => ({
      ...answer,
      headers: { ...answer.headers, date },
    }),
  };
  test.server.fault("v1.createTestRun", fault);
  test.server.fault("v1.finishTestRun", fault);
  await test.output.start();
  await test.stop();
  assertEquals(test.lines.length, 2, test.lines.join("\n"));
  assertMatch(
    test.lines[0]!,
    /^warn cloud output: this machine's clock is \d+\.\d min behind the service's: .* set the clock$/,
  );
});

Deno.test("settings that are wrong are refused before anything is sent, in one line", async () => {
  await using server = await ContractServer.start();
  assertThrows(
    () => new CloudTest(server, { test: { systemTags: ["name"] } }, false),
    OutputError,
    "needs the following system tags enabled: status, method, group, check, error",
  );
  assertThrows(
    () => new CloudTest(server, { env: { K6_CLOUD_API_VERSION: "1" } }, false),
    OutputError,
    "v1 is not supported anymore",
  );
  assertEquals(server.calls, []);
});
