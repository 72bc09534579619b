import { assert, assertEquals, assertRejects } from "@std/assert";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { htmlAnswer, MALFORMED, STOP_SENDING, v1ErrorAnswer, v6ErrorAnswer } from "../support/cloud/faults.ts";
import { CloudClient, goodSet, newKey, WINDOW } from "./cloud_client.ts";

const CREATE = { name: "a", vus: 1, duration: 1, thresholds: {} };

Deno.test("answers as scripted, one for each call, and the call is not done", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  server.fault(
    "v1.createTestRun",
    { ...htmlAnswer(503), headers: { "retry-after": "1" } },
    MALFORMED,
    v1ErrorAnswer(402, 7, "no"),
  );
  const headers = { "k6-idempotency-key": newKey() };
  const first = await client.v1("/v1/tests", CREATE, { headers });
  assertEquals([first.status, first.headers.get("retry-after")], [503, "1"]);
  await assertRejects(() => client.v1("/v1/tests", CREATE, { headers }), SyntaxError);
  const third = await client.v1("/v1/tests", { ...CREATE, name: "b" });
  assertEquals([third.status, third.json["error"]], [402, {
    code: 7,
    message: "no",
    details: {},
    field_errors: {},
    errors: [],
  }]);
  assertEquals((await client.v1("/v1/tests", { ...CREATE, name: "c" })).status, 201);
  assertEquals(server.calls.map(({ status }) => status), [503, 200, 402, 201]);
  assertEquals(server.violations, []);
});

for (const fault of ["reset", "lost", "garbage"] as const) {
  Deno.test(`a connection may end badly: ${fault}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    server.fault("v1.createTestRun", fault);
    const headers = { "k6-idempotency-key": newKey() };
    await assertRejects(() => client.v1("/v1/tests", CREATE, { headers }), TypeError);
    const { json } = await client.v1("/v1/tests", CREATE, { headers });
    // The call that was done without an answer is not done again.
    assertEquals(json["reference_id"], "1001");
    assertEquals(server.callsOf("v1.createTestRun").map(({ status }) => status), [null, 201]);
    assertEquals(server.violations, []);
  });
}

Deno.test("a call hangs until its client gives up", async () => {
  await using server = await ContractServer.start();
  server.lastingFault("v6.projects", "hang");
  const controller = new AbortController();
  const call = fetch(`${server.origin}/cloud/v6/projects`, { signal: controller.signal });
  await server.called("v6.projects");
  controller.abort();
  await assertRejects(() => call, DOMException);
  server.lastingFault("v6.projects", null);
  assertEquals((await new CloudClient(server).v6("GET", "/cloud/v6/projects", null)).status, 200);
});

Deno.test("an answer waits, and is changed on its way", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.fault("v6.projects", { until: promise }, { delayMs: 1 }, {
    rewrite: (answer) => ({ ...answer, body: `{"value":7}` }),
  });
  const waiting = client.v6("GET", "/cloud/v6/projects", null);
  await server.called("v6.projects");
  resolve();
  assertEquals((await waiting).status, 200);
  assertEquals((await client.v6("GET", "/cloud/v6/projects", null)).status, 200);
  assertEquals((await client.v6("GET", "/cloud/v6/projects", null)).json, { value: 7 });
});

Deno.test("metrics after the order to stop are a violation", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.create();
  server.fault("v2.pushMetrics", STOP_SENDING);
  assertEquals((await client.push(id)).status, 403);
  assertEquals(server.violations, []);
  await client.push(id, goodSet(id, WINDOW + 3));
  assertEquals(server.violations, ["v2.pushMetrics: a push after 403/E4"]);
});

Deno.test("a call is repeated with the same key, after a failure, three times at most", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const create = (key: string, name = "a") =>
    client.v1("/v1/tests", { ...CREATE, name }, { headers: { "k6-idempotency-key": key } });
  server.fault(
    "v1.createTestRun",
    v1ErrorAnswer(500, 0, "no"),
    v1ErrorAnswer(429, 0, "no"),
    v1ErrorAnswer(500, 0, "no"),
  );
  const [key, other, third] = [newKey(), newKey(), newKey()] as const;
  for (let attempt = 0; attempt < 3; attempt++) await create(key);
  assertEquals(server.violations, []);
  await create(key);
  assertEquals(server.violations.splice(0), ["v1.createTestRun: attempt 4 of 3"]);
  await create(other, "b");
  await create(other, "b");
  assertEquals(server.violations.splice(0), ["v1.createTestRun: repeated after a final answer"]);
  assertEquals((await create(other, "c")).status, 422);
  assertEquals(server.violations.splice(0)[0], `v1.createTestRun: the key ${other} was of another call`);
  server.fault("v1.createTestRun", v1ErrorAnswer(500, 0, "no"));
  await create(third, "d");
  const fourth = newKey();
  await create(fourth, "d");
  assertEquals(server.violations, [`v1.createTestRun: repeated with the key ${fourth} after ${third}`]);
});

Deno.test("metrics that a run's own token pushes are repeated without a key, and not after 429", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.create();
  const { scopedToken } = await server.testRun(id);
  const headers = { authorization: `Bearer ${scopedToken}`, "k6-idempotency-key": null };
  server.fault("v2.pushMetrics", v1ErrorAnswer(503, 0, "no"), v1ErrorAnswer(503, 0, "no"), v1ErrorAnswer(429, 0, "no"));
  for (let attempt = 0; attempt < 3; attempt++) await client.push(id, goodSet(id), { headers });
  assertEquals(server.violations, []);
  await client.push(id, goodSet(id), { headers });
  assertEquals(server.violations, [
    "v2.pushMetrics: repeated after a final answer",
    "v2.pushMetrics: attempt 4 of 3",
  ]);
  const pushes = await server.pushes(id);
  assertEquals(pushes.map(({ status }) => status), [503, 503, 429, 202]);
  assertEquals(pushes[0]?.set.metrics.map(({ name }) => name), [
    "http_reqs",
    "vus",
    "http_req_failed",
    "http_req_duration",
  ]);
});

Deno.test("a token outside of its header is a violation", async () => {
  await using server = await ContractServer.start();
  await new CloudClient(server).v1("/v1/tests", { ...CREATE, name: `test of ${ACCOUNT.token}` });
  assertEquals(server.violations, ["v1.createTestRun: the token outside of the header Authorization"]);
});

Deno.test("a server goes away, and comes back with all that it knew", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { origin } = server;
  const id = await client.create();
  await server.goAway();
  await assertRejects(() => client.push(id), TypeError);
  await server.comeBack();
  assertEquals(server.origin, origin);
  assertEquals((await client.push(id)).status, 202);
});

Deno.test("a request that is too large is refused", async () => {
  await using server = await ContractServer.start({ maxBodyBytes: 100 });
  const { status } = await new CloudClient(server).v1("/v1/tests", { ...CREATE, name: "a".repeat(200) });
  assertEquals(status, 413);
});

Deno.test("waiting for calls ends with the call", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  server.fault("v6.auth", v6ErrorAnswer(500, "error", "no"));
  const succeeded = server.succeeded("v6.auth");
  const auth = () => client.v6("GET", "/cloud/v6/auth", null, { headers: { "x-stack-url": "https://team.example" } });
  assertEquals((await auth()).status, 500);
  assert(server.callsOf("v6.auth").length === 1);
  await auth();
  await succeeded;
});
