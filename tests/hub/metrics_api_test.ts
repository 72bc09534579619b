import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { compress } from "snappyjs";
import { quantile } from "../../src/hub/figures.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { type CallChange, CloudClient, goodSet, gzipBody, newKey, snappyBody, WINDOW } from "./cloud_client.ts";
import { MetricSetType } from "./metric_set_schema.ts";

const JSON_HEADERS = { "content-type": "application/json", "content-encoding": "gzip" };

const formats: readonly (readonly [
  name: string,
  body: (set: Record<string, unknown>) => Uint8Array<ArrayBuffer>,
  headers: CallChange["headers"],
])[] = [
  ["protobuf and snappy", snappyBody, {}],
  ["protobuf alone", (set) => Uint8Array.from(MetricSetType.encode(MetricSetType.fromObject(set)).finish()), {
    "content-encoding": null,
  }],
  ["JSON and gzip", gzipBody, JSON_HEADERS],
];

for (const [name, body, headers] of formats) {
  Deno.test(`pushes in ${name} add up to totals`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const id = await client.create();
    for (const seconds of [WINDOW, WINDOW + 3, WINDOW]) {
      const { status } = await client.push(id, {}, { body: body(goodSet(id, seconds)), headers: headers ?? {} });
      assertEquals(status, 202);
    }
    assertEquals(server.violations, []);
    assertEquals(await server.totals(id, "http_reqs", { method: "GET" }), { type: "counter", sum: 15 });
    assertEquals(await server.totals(id, "http_reqs", { method: "POST" }), null);
    assertEquals(await server.totals(id, "http_req_failed"), { type: "rate", nonzero: 3, total: 12 });
    const gauge = {
      type: "gauge" as const,
      last: 4,
      lastAtEpochSeconds: WINDOW + 3,
      count: 6,
      min: 2,
      max: 4,
      sum: 18,
    };
    assertEquals(await server.totals(id, "vus"), gauge);
    const trend = await server.totals(id, "http_req_duration");
    if (trend?.type !== "trend") throw new Error("http_req_duration is no trend");
    assertEquals([trend.count, trend.min, trend.max], [9, 100, 200.1]);
    assert(Math.abs(quantile(trend, 0.9) - 200) < 1);
    const series = await server.store.series(id);
    assertEquals(series.map(({ metric, windows }) => `${metric} ${windows.size}`), [
      ...["http_reqs 2", "vus 2", "http_req_failed 2", "http_req_duration 2"],
    ]);
  });
}

const bad: readonly (readonly [what: string, change: CallChange, status: number, problem: RegExp])[] = [
  ["no token", { headers: { authorization: null } }, 401, /no Authorization/],
  ["an unknown run's token", { headers: { authorization: "Bearer x" } }, 401, /of no test run/],
  ["another content type", { headers: { "content-type": "text/plain" } }, 415, /text\/plain/],
  ["another encoding", { headers: { "content-encoding": "gzip" } }, 415, /gzip instead of snappy/],
  ["broken snappy", { body: Uint8Array.of(255, 255, 255, 255, 255) }, 400, /invalid snappy/],
  ["a claim of gigabytes", { body: Uint8Array.of(255, 255, 255, 255, 15, 0) }, 400, /invalid snappy/],
  ["broken protobuf", { body: Uint8Array.from(compress(Uint8Array.of(0x1a, 9, 0))) }, 400, /Metric is cut short/],
  ["broken gzip", { headers: JSON_HEADERS, body: Uint8Array.of(1, 2, 3) }, 400, /invalid gzip/],
  ["broken JSON", { headers: JSON_HEADERS, body: Uint8Array.from(gzipSync("{")) }, 400, /invalid metrics/],
  [
    "text that is no UTF-8",
    { headers: JSON_HEADERS, body: Uint8Array.from(gzipSync(Uint8Array.of(34, 255, 34))) },
    400,
    /invalid metrics/,
  ],
  ["another run's metrics", { body: snappyBody(goodSet("77")) }, 400, /of test run 77/],
];

for (const [what, change, status, problem] of bad) {
  Deno.test(`a push is refused: ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const id = await client.create();
    const answer = await client.push(id, goodSet(id), change);
    assertEquals(answer.status, status);
    assertMatch(answer.text, problem);
    assertEquals(await server.totals(id, "http_reqs"), null);
  });
}

const deviations: readonly (readonly [what: string, headers: CallChange["headers"], violation: string])[] = [
  ["no protocol version", { "k6-metrics-protocol-version": null }, "K6-Metrics-Protocol-Version null"],
  ["an older protocol version", { "k6-metrics-protocol-version": "1.0" }, "K6-Metrics-Protocol-Version 1.0"],
  ["no idempotency key", { "k6-idempotency-key": null }, "no K6-Idempotency-Key"],
];

for (const [what, headers, violation] of deviations) {
  Deno.test(`a push is a violation with ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const id = await client.create();
    assertEquals((await client.push(id, goodSet(id), { headers: headers ?? {} })).status, 202);
    assertEquals(server.violations, [`v2.pushMetrics: ${violation}`]);
  });
}

Deno.test("a push that comes twice with one key counts once", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.create();
  const headers = { "k6-idempotency-key": newKey() };
  server.fault("v2.pushMetrics", "lost");
  await assertRejects(() => client.push(id, goodSet(id), { headers }), TypeError);
  assertEquals((await client.push(id, goodSet(id), { headers })).status, 202);
  assertEquals(await server.totals(id, "http_reqs"), { type: "counter", sum: 5 });
  assertEquals((await client.push(id, goodSet(id, WINDOW + 3), { headers })).status, 422);
  assertEquals(server.violations.length, 2);
});

Deno.test("a run's own token is good for its metrics alone", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  server.settings.secrets = true;
  const id = await client.create();
  const other = await client.create();
  const { scopedToken } = await server.testRun(id);
  const headers = { authorization: `Bearer ${scopedToken}`, "k6-idempotency-key": null };
  assertEquals((await client.push(id, goodSet(id), { headers })).status, 202);
  assertEquals((await client.push(other, goodSet(other), { headers })).status, 403);
  assertEquals(server.violations, []);
});

Deno.test("what breaks a rule is taken, and is a violation", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.create();
  const headers = { authorization: `Token ${ACCOUNT.token}` };
  assertEquals((await client.push(id, goodSet(id, WINDOW + 1), { headers })).status, 202);
  assertEquals(server.violations.length, 4);
  assertMatch(server.violations[0] ?? "", /http_reqs.*is no start of 3 s windows/);
});
