import { assert, assertEquals } from "@std/assert";
import { MetricsApi, type MetricsPush } from "../../../../src/output/cloud/api/metrics_api.ts";
import { metricsFormat } from "../../../../src/output/cloud/config.ts";
import { ACCOUNT, ContractServer } from "../../../support/cloud/contract_server.ts";
import { type Fault, htmlAnswer, STOP_SENDING, v1ErrorAnswer, v6ErrorAnswer } from "../../../support/cloud/faults.ts";
import { goodSet, snappyBody, WINDOW } from "../../../hub/cloud_client.ts";
import { Calls, failure } from "./calls.ts";

const OPERATION = "v2.pushMetrics";

type Target = "user" | "test run";

const TARGETS: readonly Target[] = ["user", "test run"];

for (const target of TARGETS) {
  Deno.test(`metrics arrive with the token of the ${target}`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    const { api, push, id } = await begin(server, calls, target);
    await api.push(push);
    assertEquals((await server.totals(id, "http_reqs"))?.type, "counter");
    assertEquals(metricsFormat({ metricsFormat: null }, api.url), "json");
    assertEquals(server.violations, []);
  });

  Deno.test(`metrics with the token of the ${target} are sent again after a failure, and counted once`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    const { api, push, nextPush } = await begin(server, calls, target);
    server.fault(OPERATION, "reset", htmlAnswer(500));
    await api.push(push);
    assertEquals(server.callsOf(OPERATION).length, 3);
    server.lastingFault(OPERATION, htmlAnswer(500));
    assertEquals((await failure(api.push(nextPush))).status, 500);
    assertEquals(server.callsOf(OPERATION).length, 6);
    assertEquals(server.violations, []);
  });

  Deno.test(`the order to stop is known with the token of the ${target}`, async () => {
    const orders: readonly Fault[] = [STOP_SENDING, v6ErrorAnswer(403, "4", "stopped")];
    for (const order of orders) {
      await using server = await ContractServer.start();
      using calls = new Calls();
      const { api, push } = await begin(server, calls, target);
      server.fault(OPERATION, order);
      assert((await failure(api.push(push))).isStopOrder);
      assertEquals(server.callsOf(OPERATION).length, 1);
    }
  });
}

Deno.test("what is to be done about a push that was refused is said with it", async () => {
  const refusals: readonly (readonly [Fault, string])[] = [
    [STOP_SENDING, "(403/E4) the test run has been stopped; the service takes no more metrics of this test run"],
    [htmlAnswer(413), "(413) too large; K6_CLOUD_MAX_TIME_SERIES_IN_BATCH makes smaller pushes"],
    [v1ErrorAnswer(400, 2, "no such metric"), "(400/E2) no such metric"],
  ];
  for (const [fault, expected] of refusals) {
    await using server = await ContractServer.start();
    using calls = new Calls();
    const { api, push } = await begin(server, calls, "user");
    server.fault(OPERATION, fault);
    assertEquals((await failure(api.push(push))).message, `cannot push metrics to the cloud: ${expected}`);
  }
});

Deno.test("too many pushes are sent again with the user's token alone", async () => {
  const attempts: number[] = [];
  for (const target of TARGETS) {
    await using server = await ContractServer.start();
    using calls = new Calls();
    const { api, push } = await begin(server, calls, target);
    server.lastingFault(OPERATION, v1ErrorAnswer(429, 0, "slow down"));
    await failure(api.push(push));
    attempts.push(server.callsOf(OPERATION).length);
    assertEquals(server.violations, []);
  }
  assertEquals(attempts, [3, 1]);
});

Deno.test("what a test run's own token may not do is no matter of the user's token", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const { id, push } = await begin(server, calls, "user");
  const api = MetricsApi.ofTestRun(calls.client, {
    pushUrl: `${server.origin}/v2/metrics/${id}`,
    testRunToken: "an-old-one",
  });
  assertEquals(
    (await failure(api.push(push))).message,
    "cannot push metrics to the cloud: (401) the token is of no test run; the test run's token is not valid (any longer)",
  );
});

Deno.test("as many pushes as the client has connections are on their way at a time", async () => {
  for (const connections of [1, 2]) {
    await using server = await ContractServer.start();
    using calls = new Calls({ connections });
    const { api, push } = await begin(server, calls, "test run");
    const gate = Promise.withResolvers<void>();
    server.lastingFault(OPERATION, { until: gate.promise });
    const pushes = [api.push(push), api.push(push), api.push(push)];
    await server.called(OPERATION, connections);
    assertEquals(server.callsOf(OPERATION).length, connections);
    gate.resolve();
    await Promise.all(pushes);
  }
});

Deno.test("a large push is sent whole", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const { api } = await begin(server, calls, "user");
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const body = new Uint8Array(600_000);
  for (let at = 0; at < body.length; at += bytes.length) body.set(bytes, at);
  server.fault(OPERATION, { status: 202 });
  await api.push({ bytes: body, contentType: "application/x-protobuf", contentEncoding: null });
  assertEquals(server.callsOf(OPERATION)[0]?.request.body, body);
});

async function begin(server: ContractServer, { client }: Calls, target: Target) {
  const { id, scopedToken } = await server.addTestRun();
  const api = target === "user"
    ? MetricsApi.ofUser(client, { host: server.origin, token: ACCOUNT.token }, id)
    : MetricsApi.ofTestRun(client, { pushUrl: `${server.origin}/v2/metrics/${id}`, testRunToken: scopedToken });
  return { id, api, push: pushOf(id, WINDOW), nextPush: pushOf(id, WINDOW + 3) };
}

function pushOf(id: string, seconds: number): MetricsPush {
  return {
    bytes: snappyBody(goodSet(id, seconds)),
    contentType: "application/x-protobuf",
    contentEncoding: "snappy",
  };
}
