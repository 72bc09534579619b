/** A script runs against a real target, and every sample is found in a real InfluxDB and VictoriaMetrics. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TcpGate } from "../output/support/gate.ts";
import { influxdb, testWithPrograms, victoriaMetrics } from "../support/debian.ts";
import { InfluxDb } from "../support/influxdb.ts";
import { startTarget } from "../support/target.ts";
import { startVictoriaMetrics } from "../support/victoria_metrics.ts";
import { K6dProcess, runSuccessfully, summaryCount } from "./support/k6d.ts";

const SCRIPT = `
import { check, sleep } from "k6";
import http from "k6/http";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";

export const options = {
  vus: 5,
  iterations: 200,
  tags: { testid: "e2e" },
  systemTags: ["method", "status", "url", "name", "scenario", "vu", "iter"],
};

const items = new Counter("items");
const temperature = new Gauge("temperature");
const empty = new Rate("empty");
const size = new Trend("size");

export default function () {
  const response = http.get(__ENV.TARGET + "/json", { tags: { "my tag": 'a "quoted", ü=\\\\ \\n\\\\' } });
  check(response, { "is ok": (r) => r.status === 200 });
  for (let i = 0; i < 50; i++) items.add(3, { shelf: "top" });
  empty.add(__ITER % 2 === 0);
  size.add(2.5);
  temperature.add(-21.5);
  sleep(0.01);
}
`;

testWithPrograms("InfluxDB holds every sample, with tags, fields and times", [influxdb], async (path) => {
  await using target = startTarget();
  await using server = await InfluxDb.start(path);
  const startedAtEpochMs = Date.now();
  const result = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "--quiet", "-o", `influxdb=${server.base}/my results?tagsAsFields=vu:int,iter:int,url`, "script.js"],
    env: { TARGET: target.url, K6_INFLUXDB_PUSH_INTERVAL: "300ms", K6_INFLUXDB_CONCURRENT_WRITES: "2" },
  });
  const endedAtEpochMs = Date.now();
  const number = (query: string) => server.number("my results", query);

  assertEquals(await number("select sum(value) from items"), 200 * 50 * 3);
  assertEquals(await number("select count(value) from items"), 200 * 50);
  for (const counter of ["http_reqs", "iterations", "data_received"]) {
    const inServer = await number(`select sum(value) from ${counter}`);
    assertEquals(inServer, counter === "data_received" ? inServer : summaryCount(result, counter), counter);
  }
  assertEquals(await number("select count(value) from http_req_duration"), 200);
  assertEquals(await number("select mean(value) from checks"), 1);
  assertAlmostEquals(await number("select mean(value) from empty"), 0.5, 0.1);
  assertEquals(await number("select percentile(value, 95) from size"), 2.5);
  assertEquals(await number("select last(value) from temperature"), -21.5);
  assertEquals(await number("select count(distinct(vu)) from items"), 5);

  const [requests] = await server.query("my results", "select * from http_reqs group by *");
  assertEquals(requests!.tags, {
    testid: "e2e",
    scenario: "default",
    "my tag": 'a "quoted", ü=/ \\n/',
    method: "GET",
    name: `${target.url}/json`,
    status: "200",
  });
  assertEquals(requests!.rows.length, 200);
  for (const { time, url, vu, iter } of requests!.rows) {
    assertEquals(url, `${target.url}/json`);
    assert(Number.isInteger(vu) && Number.isInteger(iter), `${vu} ${iter}`);
    const atEpochMs = Number(BigInt(String(time)) / 1_000_000n);
    assert(atEpochMs >= startedAtEpochMs - 1 && atEpochMs <= endedAtEpochMs, `${time}`);
  }
});

testWithPrograms("VictoriaMetrics holds every sample of the influxdb output", [victoriaMetrics], async (path) => {
  await using target = startTarget();
  await using server = await startVictoriaMetrics(path);
  const result = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "--quiet", "-o", `influxdb=${server.base}/results`, "script.js"],
    env: { TARGET: target.url, K6_INFLUXDB_TAGS_AS_FIELDS: "url" },
  });
  const sum = async (selector: string) =>
    (await server.samples(selector)).reduce((total, { value }) => total + value, 0);
  assertEquals(await sum("items_value"), 200 * 50 * 3);
  assertEquals(await sum("http_reqs_value"), summaryCount(result, "http_reqs"));
  const [request] = await server.samples("http_reqs_value");
  assertEquals(request!.labels, {
    __name__: "http_reqs_value",
    db: "results",
    testid: "e2e",
    scenario: "default",
    "my tag": 'a "quoted", ü=/ \\n/',
    method: "GET",
    name: `${target.url}/json`,
    status: "200",
  });
});

testWithPrograms(
  "an outage in the middle of a test loses no sample and stores none twice",
  [influxdb],
  async (path) => {
    await using server = await InfluxDb.start(path);
    await using gate = new TcpGate(Number(new URL(server.base).port));
    await using run = await K6dProcess.start({
      files: `import { Counter } from "k6/metrics";
const items = new Counter("items");
export const options = {
  scenarios: { steady: { executor: "constant-arrival-rate", rate: 100, duration: "3s", preAllocatedVUs: 5 } },
};
export default function () { for (let i = 0; i < 100; i++) items.add(1); }`,
      args: ["run", "--quiet", "-o", `influxdb=http://127.0.0.1:${gate.port}/outage?pushInterval=100ms`, "script.js"],
    });
    await gate.reached();
    gate.cut();
    await run.logged(/trying again/);
    gate.mend();
    const result = await run.ended();
    assertEquals(result.code, 0, result.stderr);
    const items = summaryCount(result, "items");
    assertEquals(await server.number("outage", "select sum(value) from items"), items);
    assertEquals(await server.number("outage", "select count(value) from items"), items);
  },
);

testWithPrograms("InfluxDB's UDP port takes samples in datagrams", [influxdb], async (path) => {
  await using server = await InfluxDb.start(path);
  await server.query("", "create database udp");
  await runSuccessfully({
    files: `import { Counter } from "k6/metrics";
const items = new Counter("items");
export const options = { vus: 2, iterations: 20 };
export default function () { items.add(2, { shelf: "top" }); }`,
    args: ["run", "--quiet", "-o", `influxdb=${server.udpAddress}`, "script.js"],
  });
  // Nobody says when a datagram has been read.
  let stored = 0;
  for (const deadline = Date.now() + 20_000; stored < 40 && Date.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    stored = await server.number("udp", "select sum(value) from items");
  }
  assertEquals(stored, 40);
});
