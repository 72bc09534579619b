/**
 * Every way in which a run can end, told to a cloud: status, result, thresholds, and metrics that add up to the user's summary, in
 * both formats of metrics and with both ways to make a run.
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { RunEnd, TestRun } from "../../src/hub/store.ts";
import type { MetricData } from "../../src/summary/data.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { STOP_SENDING } from "../support/cloud/faults.ts";
import { summaryDifferences } from "../support/cloud/summary_check.ts";
import { freePort } from "../support/free_port.ts";
import { startTarget } from "../support/target.ts";
import { cloudEnvironment, EXPORT_SUMMARY, exportedMetrics, SHORT_WINDOWS, sumOfMetrics } from "./support/cloud.ts";
import { K6dProcess, logEntries } from "./support/k6d.ts";

/** A run that is under way. */
interface Running {
  readonly k6d: K6dProcess;
  readonly cloud: ContractServer;
  /** Of the REST API. */
  readonly address: string;
}

interface Ending {
  readonly name: string;
  /** Options of the script beside the thresholds. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The script's end: what makes the run end. */
  readonly script?: string;
  /** What happens while it runs. */
  readonly during?: (running: Running) => Promise<void>;
  readonly env?: Readonly<Record<string, string>>;
  readonly exitCode: number;
  readonly runStatus: number;
  /** Whether the threshold `orders` was crossed. */
  readonly crossed?: boolean;
  /** Whether the run counts as failed. Default: as `crossed`. */
  readonly failed?: boolean;
  /** The service refused the metrics. */
  readonly isCutOff?: true;
}

/** Counters, gauges, rates and trends, with tags, groups, checks and sub-metrics. */
const SHOP = `
import http from "k6/http";
import { check, group, sleep } from "k6";
import exec from "k6/execution";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";
const orders = new Counter("orders");
const basket = new Gauge("basket_size");
const empty = new Rate("empty_answers");
const orderTime = new Trend("order_time", true);
export function shop() {
  const { iterationInScenario: i } = exec.vu;
  group("shop", () => {
    const response = http.get(__ENV.BASE + "/json", { tags: { page: i % 2 ? "odd" : "even" } });
    check(response, { "is good": ({ status }) => status === 200, "is odd": () => i % 2 === 1 });
    group("basket", () => http.get(__ENV.BASE + "/status/404"));
  });
  orders.add(1 + i / 8, { region: i % 3 ? "eu" : "us" });
  if (exec.vu.idInTest === 1) basket.add(3 - i);
  empty.add(i % 4 === 0, { region: "eu" });
  for (let k = 0; k < 20; k++) orderTime.add(0.0004 * 3 ** k + i, { region: k % 2 ? "eu" : "us" });
}
`;

const FINITE = { scenarios: { default: { executor: "per-vu-iterations", vus: 3, iterations: 5 } } };
const ENDLESS = { vus: 2, duration: "5m" };
const EACH = "export default shop;";
const SLOWLY = "export default function () { shop(); sleep(0.05); }";

const metricsArrive = ({ cloud }: Running) => cloud.succeeded("v2.pushMetrics", 2);

const endings: readonly Ending[] = [
  { name: "all is well", options: FINITE, script: EACH, exitCode: 0, runStatus: 3 },
  {
    name: "a threshold is crossed at the end",
    options: FINITE,
    script: EACH,
    exitCode: 99,
    runStatus: 3,
    crossed: true,
  },
  {
    name: "a crossed threshold ends the test",
    options: { ...ENDLESS, thresholds: { orders: [{ threshold: "count<1", abortOnFail: true }] } },
    script: SLOWLY,
    exitCode: 99,
    runStatus: 8,
    crossed: true,
  },
  {
    name: "Ctrl-C",
    options: ENDLESS,
    script: SLOWLY,
    during: async (running) => {
      await metricsArrive(running);
      running.k6d.signal("SIGINT");
    },
    exitCode: 105,
    runStatus: 5,
  },
  {
    name: "Ctrl-C in setup()",
    options: FINITE,
    script: `${EACH} export function setup() { http.get(__ENV.BASE); console.log("set up"); sleep(60); }`,
    during: async ({ k6d }) => {
      await k6d.logged(/set up/);
      k6d.signal("SIGINT");
    },
    exitCode: 105,
    runStatus: 5,
  },
  {
    name: "SIGTERM, with a crossed threshold",
    options: ENDLESS,
    script: SLOWLY,
    during: async (running) => {
      await metricsArrive(running);
      running.k6d.signal("SIGTERM");
    },
    exitCode: 105,
    runStatus: 5,
    crossed: true,
  },
  {
    name: "the REST API stops the test",
    options: ENDLESS,
    script: SLOWLY,
    during: async (running) => {
      await metricsArrive(running);
      const body = JSON.stringify({ data: { attributes: { stopped: true } } });
      const answer = await fetch(`http://${running.address}/v1/status`, { method: "PATCH", body });
      assertEquals(answer.status, 200, await answer.text());
    },
    exitCode: 103,
    runStatus: 5,
  },
  {
    name: "a virtual user calls test.abort()",
    options: ENDLESS,
    script: `export default function () { shop(); if (exec.vu.iterationInScenario === 4) exec.test.abort("enough"); }`,
    exitCode: 108,
    runStatus: 5,
  },
  {
    name: "setup() calls test.abort()",
    options: FINITE,
    script: `${EACH} export function setup() { http.get(__ENV.BASE); exec.test.abort("enough"); }`,
    exitCode: 108,
    runStatus: 5,
  },
  {
    name: "the init stage of a virtual user throws",
    options: FINITE,
    script: `${EACH} if (__VU === 2) throw new Error("no data for this one");`,
    exitCode: 107,
    runStatus: 7,
  },
  {
    name: "setup() throws",
    options: FINITE,
    script: `${EACH} export function setup() { http.get(__ENV.BASE); throw new Error("no data"); }`,
    exitCode: 107,
    runStatus: 7,
  },
  {
    name: "teardown() throws",
    options: FINITE,
    script: `${EACH} export function teardown() { http.get(__ENV.BASE); throw new Error("no data"); }`,
    exitCode: 107,
    runStatus: 7,
  },
  {
    name: "setup() takes too long",
    options: { ...FINITE, setupTimeout: "100ms" },
    script: `${EACH} export function setup() { http.get(__ENV.BASE); sleep(60); }`,
    exitCode: 100,
    runStatus: 9,
  },
  {
    name: "teardown() takes too long",
    options: { ...FINITE, teardownTimeout: "100ms" },
    script: `${EACH} export function teardown() { http.get(__ENV.BASE); sleep(60); }`,
    exitCode: 101,
    runStatus: 9,
  },
  {
    name: "the script calls test.fail()",
    options: FINITE,
    script: `export default function () { shop(); exec.test.fail("as planned"); }`,
    exitCode: 110,
    runStatus: 3,
    failed: true,
  },
  {
    name: "a virtual user hangs",
    options: {
      scenarios: {
        good: FINITE.scenarios.default,
        stuck: { executor: "per-vu-iterations", vus: 1, maxDuration: "1s", gracefulStop: "0s", exec: "hang" },
      },
    },
    script: `${EACH} export function hang() { while (true); }`,
    exitCode: 102,
    runStatus: 6,
  },
  {
    name: "the service takes no more, with stopOnError",
    options: ENDLESS,
    script: SLOWLY,
    env: { K6_CLOUD_STOP_ON_ERROR: "true" },
    exitCode: 105,
    runStatus: 6,
    isCutOff: true,
  },
];

/** With these there are many pushes, some of them at the same time. */
const SMALL_BATCHES = { K6_CLOUD_MAX_TIME_SERIES_IN_BATCH: "7", K6_CLOUD_METRIC_PUSH_CONCURRENCY: "3" };

/** Each ending meets each format and each way to make a run, and each format each way. */
endings.forEach((ending, index) => {
  const variants = index % 2 === 0 ? ["json, archive", "protobuf, alone"] : ["json, alone", "protobuf, archive"];
  Deno.test(`${ending.name}: ${variants.join(" and ")}`, async () => {
    await Promise.all(variants.map((variant) => checkEnding(ending, variant)));
  });
});

async function checkEnding(ending: Ending, variant: string): Promise<void> {
  const [format, way] = variant.split(", ");
  await using target = startTarget();
  await using cloud = await ContractServer.start();
  cloud.settings.aggregationPeriodSeconds = 1;
  const isCutSmall = way === "alone" && !ending.isCutOff;
  cloud.settings.maxSeriesInBatch = isCutSmall ? 7 : 1000;
  if (ending.isCutOff) cloud.fault("v2.pushMetrics", STOP_SENDING);
  const address = `127.0.0.1:${freePort()}`;
  await using k6d = await K6dProcess.start({
    files: scriptOf(ending),
    args: [
      "run",
      "-v",
      "-o",
      "cloud=shop",
      "--address",
      address,
      "-e",
      `BASE=${target.url}`,
      ...EXPORT_SUMMARY,
      "script.js",
    ],
    env: cloudEnvironment(cloud, {
      ...SHORT_WINDOWS,
      ...isCutSmall ? SMALL_BATCHES : {},
      K6_CLOUD_METRICS_FORMAT: format!,
      K6_NO_ARCHIVE_UPLOAD: String(way === "alone"),
      ...ending.env,
    }),
  });
  await ending.during?.({ k6d, cloud, address });
  const { code, stdout, stderr } = await k6d.ended();
  assertEquals(code, ending.exitCode, stderr);
  assertEquals(cloud.violations, [], stderr);
  assertMatch(stdout, / output: cloud \(http:\/\/127\.0\.0\.1:\d+\/runs\/\d+\)\n/);
  assertMatch(stdout, /TOTAL RESULTS/);
  assertEquals((stdout + stderr).includes(ACCOUNT.token), false, "the token is shown");
  const run = await onlyRun(cloud);
  assertEquals([run.name, run.archive !== null], ["shop", way === "archive"]);
  const metrics = await exportedMetrics(k6d.folder);
  const { runStatus, crossed = false, failed = crossed } = ending;
  assertEquals(run.end, { runStatus, resultStatus: failed ? 1 : 0, thresholds: crossedOnes(metrics) });
  assertEquals(Object.values(run.end?.thresholds["orders"] ?? {}), [crossed]);
  if (ending.isCutOff) return assertEquals(cloud.callsOf("v2.pushMetrics").length, 1);
  assertEquals(await summaryDifferences(cloud, run.id, metrics), []);
}

function scriptOf({ options, crossed = false, script = "" }: Ending): string {
  const all = {
    thresholds: {
      orders: [crossed ? "count<1" : "count>=0"],
      "order_time{region:eu}": ["max<1e9", "p(90)<1e9"],
      "http_reqs{page:odd}": ["count>=0"],
      "checks{check:is good}": ["rate>=0"],
      "empty_answers{region:nowhere}": ["rate>=0"],
    },
    tags: { run: "endings" },
    ...options,
  };
  return `${SHOP}export const options = ${JSON.stringify(all)};\n${script}`;
}

/** By metric and expression: whether the user was told that the threshold was crossed. */
function crossedOnes(metrics: Readonly<Record<string, MetricData>>): RunEnd["thresholds"] {
  const withThresholds = Object.entries(metrics).filter(([, { thresholds = {} }]) =>
    Object.keys(thresholds).length > 0
  );
  return Object.fromEntries(
    withThresholds.map(([metric, { thresholds = {} }]) => [
      metric,
      Object.fromEntries(Object.entries(thresholds).map(([expression, { ok }]) => [expression, !ok])),
    ]),
  );
}

async function onlyRun(cloud: ContractServer): Promise<TestRun> {
  assertEquals(cloud.callsOf("v1.createTestRun").length, 1);
  const finish = cloud.callsOf("v1.finishTestRun");
  assertEquals(finish.length, 1);
  return await cloud.testRun(finish[0]!.request.path.split("/").at(-1)!);
}

for (const format of ["json", "protobuf"]) {
  Deno.test(`two parts of a test push into one run (K6_CLOUD_PUSH_REF_ID), and their sums are those of both summaries: ${format}`, async () => {
    await using target = startTarget();
    await using cloud = await ContractServer.start();
    const { id } = await cloud.addTestRun();
    const halves = ["0:1/2", "1/2:1"].map((
      half,
    ) => ["--execution-segment", half, "--execution-segment-sequence", "0,1/2,1"]);
    const summaries = await Promise.all(halves.map(async (half) => {
      await using k6d = await K6dProcess.start({
        files: scriptOf(endings[0]!),
        args: ["run", "-q", "-o", "cloud", "-e", `BASE=${target.url}`, ...half, ...EXPORT_SUMMARY, "script.js"],
        env: cloudEnvironment(cloud, { K6_CLOUD_PUSH_REF_ID: id, K6_CLOUD_METRICS_FORMAT: format }),
      });
      const { code, stderr } = await k6d.ended();
      assertEquals(code, 0, stderr);
      assertEquals(logEntries(stderr).filter(({ level }) => level !== "info"), []);
      return await exportedMetrics(k6d.folder);
    }));
    assertEquals(cloud.violations, []);
    assertEquals(cloud.order, ["v2.pushMetrics"]);
    assertEquals(await cloud.totals(id, "iterations"), { type: "counter", sum: 15 });
    const differences = await summaryDifferences(cloud, id, sumOfMetrics(summaries));
    // Which instance's gauge came last is nobody's business.
    assertEquals(differences.filter((line) => !line.includes(": last ")), []);
  });
}
