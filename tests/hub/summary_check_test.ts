import { assertEquals } from "@std/assert";
import type { MetricData } from "../../src/summary/data.ts";
import { ContractServer } from "../support/cloud/contract_server.ts";
import { summaryDifferences } from "../support/cloud/summary_check.ts";
import { CloudClient } from "./cloud_client.ts";

/** What the summary says of the client's good set. */
const SUMMARY: Readonly<Record<string, MetricData>> = {
  http_reqs: { type: "counter", contains: "default", values: { count: 5, rate: 2.5 } },
  "http_reqs{method:GET}": { type: "counter", contains: "default", values: { count: 5, rate: 2.5 } },
  "http_reqs{method:POST}": { type: "counter", contains: "default", values: { count: 0, rate: 0 } },
  vus: { type: "gauge", contains: "default", values: { value: 4, min: 2, max: 4 } },
  http_req_failed: { type: "rate", contains: "default", values: { rate: 0.25, passes: 1, fails: 3 } },
  http_req_duration: {
    type: "trend",
    contains: "time",
    values: { avg: 166.7, min: 100, med: 200, max: 200.1, "p(90)": 200.08, count: 3 },
  },
};

Deno.test("a summary of what was pushed has no differences", async () => {
  assertEquals(await differences(SUMMARY), []);
});

const changes: readonly (readonly [key: string, values: Readonly<Record<string, number>>, difference: string])[] = [
  ["http_reqs", { count: 6 }, "http_reqs: sum 5 was pushed, the summary has 6"],
  [
    "http_reqs{method:POST}",
    { count: 1 },
    `http_reqs{method:POST}: series none was pushed, the summary has {"count":1,"rate":0}`,
  ],
  ["vus", { value: 3 }, "vus: last 4 was pushed, the summary has 3"],
  ["http_req_failed", { fails: 4 }, "http_req_failed: total 4 was pushed, the summary has 5"],
  ["http_req_duration", { max: 200.2 }, "http_req_duration: max 200.1 was pushed, the summary has 200.2"],
  ["http_req_duration", { "p(90)": 204 }, "http_req_duration: p(90) 200.1 was pushed, the summary has 204"],
];

for (const [key, values, difference] of changes) {
  Deno.test(`a difference is found: ${difference}`, async () => {
    const data = SUMMARY[key];
    if (data === undefined) throw new Error(`no ${key}`);
    assertEquals(await differences({ ...SUMMARY, [key]: { ...data, values: { ...data.values, ...values } } }), [
      difference,
    ]);
  });
}

Deno.test("a metric that only the cloud knows is a difference, and one of another type", async () => {
  const { vus: _, ...others } = SUMMARY;
  const wrong: MetricData = { type: "rate", contains: "default", values: { rate: 1, passes: 1, fails: 0 } };
  assertEquals(await differences({ ...others, http_reqs: wrong }), [
    "http_reqs: type counter was pushed, the summary has rate",
    "vus: pushed, but not in the summary",
  ]);
});

async function differences(summary: Readonly<Record<string, MetricData>>): Promise<string[]> {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const id = await client.create();
  await client.push(id);
  return await summaryDifferences(server, id, summary);
}
