/** The option `apm`: metrics of a run are found in every receiver that the script names. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { prometheus, testWithPrograms } from "../support/debian.ts";
import type { QueriedPoint } from "../support/metrics_server.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { startTarget } from "../support/target.ts";
import { K6dProcess, logEntries, runSuccessfully, summaryCount } from "./support/k6d.ts";

const SCRIPT = `
import http from "k6/http";
import { sleep } from "k6";
import { Counter, Trend } from "k6/metrics";

const items = new Counter("items");
const size = new Trend("size");

export const options = {
  vus: 2,
  duration: "3s",
  cloud: {
    apm: [
      { provider: "prometheus", remoteWriteURL: __ENV.FIRST, resampleRate: 1 },
      { provider: "datadog", apiKey: "x" },
      {
        provider: "prometheus",
        remoteWriteURL: __ENV.SECOND,
        includeDefaultMetrics: false,
        metrics: ["items", "size", "itmes"],
        includeTestRunId: true,
        resample_rate: 2,
      },
    ],
  },
};

export default function () {
  http.get(__ENV.TARGET + "/json");
  items.add(3);
  size.add(10);
  sleep(0.1);
}
`;

testWithPrograms(
  "two blocks send what they ask for to two Prometheus servers, on their grids",
  [prometheus],
  async (path) => {
    await using target = startTarget();
    await using first = await startPrometheus(path!);
    await using second = await startPrometheus(path!);
    const result = await runSuccessfully({
      files: SCRIPT,
      args: ["run", "--apm", "script.js"],
      env: { TARGET: target.url, FIRST: first.writeUrl, SECOND: second.writeUrl, K6_CLOUD_PUSH_REF_ID: "4711" },
    });
    const aheadMs = Date.now() + 20_000;
    assertMatch(result.stdout, RegExp(`output: apm \\(${first.writeUrl}, ${second.writeUrl}\\)`));
    const lines = logEntries(result.stderr).map(({ level, msg }) => `${level} ${msg}`);
    // What is said of requests depends on the machine.
    assertEquals(lines.filter((line) => !line.includes("time series data") && !line.includes(" sent to ")), [
      'warning options.cloud.apm[1] is skipped: provider "datadog" is not supported; use "prometheus", with the address of ' +
      "a remote-write receiver",
      "warning options.cloud.apm[2]: resample_rate is now called resampleRate",
      'info apm: the label test_run_id of this run is "4711"',
      "warning options.cloud.apm[2]: nothing was measured of itmes: check the names in metrics",
    ]);

    const inFirst = await first.samples('{__name__=~".+"}', aheadMs);
    assertEquals([...new Set(inFirst.map(({ labels }) => labels["__name__"]))].sort(), [
      "k6_data_received_total",
      "k6_data_sent_total",
      ...["avg", "count", "max", "med", "min", "p95", "p99"].map((stat) => `k6_http_req_duration_${stat}`),
      "k6_http_reqs_total",
      "k6_iterations_total",
      "k6_vus",
    ]);
    assertOnGrid(inFirst, 1000);
    for (const name of ["http_reqs", "iterations"]) {
      assertEquals(last(await first.samples(`k6_${name}_total`, aheadMs)), summaryCount(result, name), name);
    }
    assertEquals(inFirst.filter(({ labels }) => "test_run_id" in labels), []);

    const inSecond = await second.samples('{__name__=~".+"}', aheadMs);
    assertEquals([...new Set(inSecond.map(({ labels }) => labels["__name__"]))].sort(), [
      "k6_items_total",
      ...["avg", "count", "max", "med", "min", "p95", "p99"].map((stat) => `k6_size_${stat}`),
    ]);
    assertOnGrid(inSecond, 2000);
    assertEquals(last(await second.samples("k6_items_total", aheadMs)), summaryCount(result, "items"));
    for (const { labels } of inSecond) assertEquals(labels["test_run_id"], "4711");
  },
);

/** A test with a good block and a bad one. */
const SECRETIVE = `
export const options = {
  iterations: 2,
  ext: {
    loadimpact: {
      apm: [
        { provider: "prometheus", remoteWriteURL: __ENV.RECEIVER, credentials: { token: __ENV.TOKEN } },
        { provider: "prometheus", remoteWriteURL: __ENV.RECEIVER, credentials: { password: "opensesame" } },
      ],
    },
  },
};
export default function () { console.log(JSON.stringify(options.ext)); }
`;

const BAD_BLOCK = "options.ext.loadimpact.apm[1] is skipped: credentials must be ";

Deno.test("a local run sends nothing unless told to, and says how", async () => {
  await using receiver = new RemoteWriteReceiver();
  const env = { RECEIVER: receiver.url, TOKEN: "tok-4711" };
  const silent = await runSuccessfully({ files: SECRETIVE, env });
  assertEquals(receiver.requests, 0);
  assertEquals(logEntries(silent.stderr).filter(({ source }) => source !== "console").map(({ msg }) => msg), [
    "the apm blocks of the script's options send nothing in a local run; --apm switches them on",
  ]);

  await runSuccessfully({ files: SECRETIVE, env: { ...env, K6_CLOUD_APM_LOCAL: "true" } });
  assertEquals(receiver.samples("k6_iterations_total")[0]?.value, 2);
  assertEquals(receiver.headers[0]?.get("authorization"), "Bearer tok-4711");
});

Deno.test("a run for a cloud sends without being told to, under the cloud's id of the run", async () => {
  await using receiver = new RemoteWriteReceiver();
  await using cloud = await ContractServer.start();
  const result = await runSuccessfully({
    files: `
      export const options = {
        iterations: 2,
        cloud: { apm: [{ provider: "prometheus", remoteWriteURL: __ENV.RECEIVER, includeTestRunId: true }] },
      };
      export default function () {}
    `,
    args: ["run", "--out", "cloud", "script.js"],
    env: { RECEIVER: receiver.url, K6_CLOUD_HOST: cloud.origin, K6_CLOUD_TOKEN: ACCOUNT.token },
  });
  const testRunId = /\/runs\/(\w+)/.exec(result.stdout)?.[1];
  const [iterations] = receiver.samples("k6_iterations_total");
  assertEquals([iterations?.value, iterations?.labels["test_run_id"]], [2, testRunId]);
  assertEquals(await cloud.totals(testRunId!, "iterations"), { type: "counter", sum: 2 });
  assertEquals([receiver.violations, cloud.violations], [[], []]);
  const messages = logEntries(result.stderr).map(({ msg }) => msg);
  assertEquals(messages.includes(`apm: the label test_run_id of this run is "${testRunId}"`), true, result.stderr);
});

Deno.test("no log line holds a credential, neither a receiver's answer nor the script's own", async () => {
  await using receiver = new RemoteWriteReceiver();
  receiver.answer({ status: 401, body: "unknown token tok-4711" });
  const { stderr } = await runSuccessfully({
    files: SECRETIVE,
    args: ["run", "--apm", "--quiet", "script.js"],
    env: { RECEIVER: receiver.url, TOKEN: "tok-4711" },
  });
  assertMatch(stderr, /unknown token \*\*\*SECRET_REDACTED\*\*\*/);
  assertEquals(stderr.split("SECRET_REDACTED").length - 1, 5, stderr);
  for (const secret of ["tok-4711", "opensesame"]) assertEquals(stderr.includes(secret), false, stderr);
});

Deno.test("inspect shows the blocks as they are and names the bad ones; an archive runs with the credentials of its variables", async () => {
  await using receiver = new RemoteWriteReceiver();
  const env = { RECEIVER: receiver.url, TOKEN: "tok-4711" };
  const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const inspected = await runSuccessfully({ files: SECRETIVE, args: ["inspect", ...variables, "script.js"] });
  assertEquals(JSON.parse(inspected.stdout).ext.loadimpact.apm[0].credentials, { token: "tok-4711" });
  assertEquals(logEntries(inspected.stderr).map(({ msg }) => msg?.startsWith(BAD_BLOCK)), [true]);

  await using archiving = await K6dProcess.start({
    files: SECRETIVE,
    args: ["archive", "--exclude-env-vars", ...variables, "script.js"],
  });
  const archived = await archiving.ended();
  assertEquals(logEntries(archived.stderr).map(({ msg }) => msg), [
    "secrets were left out of the archive: options.ext.loadimpact.apm[0].credentials; where it runs, give their variables again (-e, or k6's own)",
    `the archive holds options.ext.loadimpact.apm[1].credentials, because ${archiving.folder}/script.js has it in its text: ` +
    "take it from a variable (__ENV) instead",
  ]);
  const archive = await Deno.readFile(`${archiving.folder}/archive.tar`);
  await runSuccessfully({ files: { "x.tar": archive }, args: ["run", "--apm", "--quiet", ...variables, "x.tar"] });
  assertEquals(receiver.headers[0]?.get("authorization"), "Bearer tok-4711");
  assertEquals(receiver.samples("k6_iterations_total")[0]?.value, 2);
});

function assertOnGrid(points: readonly QueriedPoint[], stepMs: number): void {
  assert(points.length > 0);
  for (const { atEpochMs } of points) assertEquals(atEpochMs % stepMs, 0);
}

/** The newest value of the one series there is. */
function last(points: readonly QueriedPoint[]): number {
  assertEquals(new Set(points.map(({ labels }) => JSON.stringify(labels))).size, 1);
  return points.toSorted((a, b) => a.atEpochMs - b.atEpochMs).at(-1)!.value;
}
