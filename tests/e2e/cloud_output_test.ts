/** `run --out cloud`: a run from its creation to its end, as the service sees it. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { MetricsFormat } from "../../src/output/cloud/metric_set_encoder.ts";
import type { MetricData } from "../../src/summary/data.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { STOP_SENDING } from "../support/cloud/faults.ts";
import { summaryDifferences } from "../support/cloud/summary_check.ts";
import { startTarget } from "../support/target.ts";
import { type K6dCommand, K6dProcess, logEntries } from "./support/k6d.ts";

const FORMATS: readonly MetricsFormat[] = ["protobuf", "json"];

/** What a test's script does beside its requests. */
interface Script {
  /** Of `setup`. */
  readonly setup?: string;
  /** Of an iteration, after its request. */
  readonly code?: string;
  /** Besides the usual ones. */
  readonly options?: Readonly<Record<string, unknown>>;
}

function scriptOf({ setup = "", code = "", options = {} }: Script): string {
  return `
import exec from "k6/execution";
import http from "k6/http";
import { check, sleep } from "k6";
import { Gauge, Trend } from "k6/metrics";

const size = new Gauge("size");
const cost = new Trend("cost");

export const options = {
  thresholds: { "http_reqs{name:page}": ["count>=0"], checks: ["rate>=0.5"] },
  ...${JSON.stringify(options)},
};

export function setup() {
  ${setup}
}

export default function () {
  const response = http.get(__ENV.TARGET, { tags: { name: "page" } });
  check(response, { "is 200": ({ status }) => status === 200, "is 500": ({ status }) => status === 500 });
  size.add(-exec.scenario.iterationInTest);
  cost.add(response.timings.duration * 1000, { kind: "a" });
  ${code}
}

export function handleSummary({ metrics }) {
  return { "metrics.json": JSON.stringify(metrics) };
}
`;
}

/** A way for a run to end. */
interface Ending extends Script {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What happens to the run once its first iteration is over. */
  readonly disturb?: (run: K6dProcess, server: ContractServer) => void;
  readonly exitCode: number;
  readonly runStatus: number;
  readonly resultStatus?: 0 | 1;
  /** Whether samples may be missing in the cloud. */
  readonly isCutShort?: true;
}

const FOREVER = { duration: "1h" };
const SAY = `console.log("an iteration"); sleep(0.02);`;

const ENDINGS: readonly Ending[] = [
  { name: "it came to its end", options: { vus: 2, iterations: 20 }, exitCode: 0, runStatus: 3 },
  {
    name: "a threshold has failed",
    options: { thresholds: { checks: ["rate>0.9"], size: ["value<1"] } },
    exitCode: 99,
    runStatus: 3,
    resultStatus: 1,
  },
  { name: "the script failed it", code: `exec.test.fail("no");`, exitCode: 110, runStatus: 3, resultStatus: 1 },
  {
    name: "a threshold ended it",
    options: { ...FOREVER, thresholds: { checks: [{ threshold: "rate>0.9", abortOnFail: true }] } },
    code: "sleep(0.02);",
    exitCode: 99,
    runStatus: 8,
    resultStatus: 1,
  },
  {
    name: "the user ended it",
    options: FOREVER,
    code: SAY,
    disturb: (run) => run.signal("SIGINT"),
    exitCode: 105,
    runStatus: 5,
  },
  { name: "the script ended it", code: `exec.test.abort("enough");`, exitCode: 108, runStatus: 5 },
  { name: "setup threw", setup: `throw new Error("no database");`, exitCode: 107, runStatus: 7 },
  {
    name: "setup took too long",
    options: { setupTimeout: "200ms" },
    setup: "sleep(60);",
    exitCode: 100,
    runStatus: 9,
  },
  {
    name: "the service took no more metrics, and stopOnError is set",
    options: FOREVER,
    code: SAY,
    env: { K6_CLOUD_STOP_ON_ERROR: "true" },
    disturb: (_, server) => server.fault("v2.pushMetrics", STOP_SENDING),
    exitCode: 105,
    runStatus: 6,
    isCutShort: true,
  },
];

for (const ending of ENDINGS) {
  const { name, env = {}, disturb, exitCode, runStatus, resultStatus = 0, isCutShort } = ending;

  Deno.test(`the cloud and the summary agree in both formats when ${name}`, async () => {
    await Promise.all(FORMATS.map(async (format) => {
      await using cloud = await Cloud.start();
      const { server } = cloud;
      await using run = await cloud.k6d({ ...ending, env: { ...env, K6_CLOUD_METRICS_FORMAT: format } });
      if (disturb !== undefined) {
        await run.logged(/an iteration/);
        disturb(run, server);
      }
      const result = await run.ended();
      assertEquals(result.code, exitCode, result.stderr);
      assertEquals(server.violations, [], result.stderr);
      assertEquals([server.order[0], server.order.at(-1)], ["v1.createTestRun", "v1.finishTestRun"]);
      const metrics = JSON.parse(await Deno.readTextFile(`${run.folder}/metrics.json`));
      const { end } = await server.testRun("1001");
      assertEquals(end, { runStatus, resultStatus, thresholds: outcomesIn(metrics) }, result.stderr);
      if (!isCutShort) assertEquals(await summaryDifferences(server, "1001", metrics), []);
      assert(!result.stderr.includes(ACCOUNT.token));
    }));
  });
}

Deno.test("the page of the run is shown at the start and at the end; the archive that was uploaded runs", async () => {
  await using cloud = await Cloud.start();
  await using run = await cloud.k6d({ args: ["-e", "NAME=value"] });
  const { code, stdout, stderr } = await run.ended();
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "output: cloud (https://app.k6.io/runs/1001)");
  assertMatch(stderr, /level=info msg="cloud output: the test run is at https:\/\/app\.k6\.io\/runs\/1001"/);
  const { archive, name, durationSeconds } = await cloud.server.testRun("1001");
  assertEquals([name, durationSeconds], ["script.js", 630]);
  await using again = await K6dProcess.start({
    files: { "test.tar": new Uint8Array(archive!) },
    args: ["run", "test.tar"],
    env: { TARGET: cloud.target },
  });
  const result = await again.ended();
  assertEquals(result.code, 0, result.stderr);
});

Deno.test("--no-archive-upload keeps the script here", async () => {
  await using cloud = await Cloud.start();
  await using run = await cloud.k6d({ args: ["--no-archive-upload"] });
  const { code, stderr } = await run.ended();
  assertEquals(code, 0, stderr);
  assertEquals((await cloud.server.testRun("1001")).archive, null);
  assertEquals(cloud.server.violations, []);
});

const REFUSALS: readonly (readonly [
  what: string,
  arrange: (cloud: Cloud) => Promise<void> | void,
  env: Readonly<Record<string, string>>,
  line: RegExp,
])[] = [
  ["there is no token", () => {}, { K6_CLOUD_TOKEN: "" }, /\(401\) .*check the token: `k6d cloud login`/],
  ["the token is wrong", () => {}, { K6_CLOUD_TOKEN: "some-other-token" }, /\(401\) .*check the token/],
  ["the project is missing", () => {}, { K6_CLOUD_PROJECT_ID: "9" }, /\(403[^)]*\) .*K6_CLOUD_PROJECT_ID/],
  [
    "the service is down",
    ({ server }) => server.goAway(),
    {},
    /cannot create the test run: http:\/\/127\.0\.0\.1:\d+: connection refused; check the network and K6_CLOUD_HOST/,
  ],
  [
    "the service's settings make no sense",
    ({ server }) => {
      server.settings.override = { aggregationPeriod: "long" };
    },
    {},
    /invalid aggregationPeriod \(the service's config\.aggregationPeriod\)/,
  ],
];

for (const [what, arrange, env, line] of REFUSALS) {
  Deno.test(`no load is made when ${what}: one line, exit code 255`, async () => {
    await using cloud = await Cloud.start();
    await arrange(cloud);
    await using run = await cloud.k6d({ env, code: `console.log("load");`, setup: `console.log("load");` });
    const { code, stderr } = await run.ended();
    assertEquals(code, 255, stderr);
    const lines = logEntries(stderr).filter(({ level }) => level !== "debug" && level !== "info");
    assertEquals(lines.map(({ level }) => level), ["error"], stderr);
    assertMatch(lines[0]!["msg"]!, line);
    assert(!stderr.includes('load"'), stderr);
    assertEquals(cloud.server.callsOf("v2.pushMetrics"), []);
  });
}

Deno.test("a service that goes away and comes back misses nothing", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  await using run = await cloud.k6d({ options: FOREVER, code: SAY });
  await server.succeeded("v2.pushMetrics");
  await server.goAway();
  await run.logged(/level=error msg="cloud output: cannot push metrics to the cloud: .*trying again/);
  await server.comeBack();
  await run.logged(/level=info msg="cloud output: metrics arrive again"/);
  run.signal("SIGINT");
  const { code, stderr } = await run.ended();
  assertEquals(code, 105, stderr);
  const metrics = JSON.parse(await Deno.readTextFile(`${run.folder}/metrics.json`));
  assertEquals(await summaryDifferences(server, "1001", metrics), []);
  assertEquals(server.violations, []);
});

Deno.test("a service that dies costs the cloud its figures, and the user nothing else", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  await using run = await cloud.k6d({ options: FOREVER, code: SAY });
  await server.succeeded("v2.pushMetrics");
  await server.goAway();
  run.signal("SIGINT");
  const { code, stderr } = await run.ended();
  assertEquals(code, 105, stderr);
  assertMatch(
    stderr,
    /level=warning msg="cloud output: \d+ of \d+ batches of metrics, .* did not arrive \(no answer: \d+\)/,
  );
  assertMatch(stderr, /level=warning msg="cloud output: cannot finish the test run 1001: .*connection refused/);
  assert(JSON.parse(await Deno.readTextFile(`${run.folder}/metrics.json`)).http_reqs.values.count > 0);
});

Deno.test("Ctrl-C while the run is being made ends it here and there", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.fault("v1.createTestRun", { until: promise });
  await using run = await cloud.k6d({ code: SAY });
  await server.called("v1.createTestRun");
  run.signal("SIGINT");
  await run.logged(/aborted because k6d received a 'interrupt' signal/);
  resolve();
  const { code, stderr } = await run.ended();
  assertEquals(code, 105, stderr);
  assert(!stderr.includes("an iteration"));
  assertEquals((await server.testRun("1001")).end?.runStatus, 5);
  assertEquals(server.violations, []);
});

Deno.test("Ctrl-C while the end is being told changes the exit code, a second one ends k6d at once", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  server.fault("v1.finishTestRun", "hang");
  await using run = await cloud.k6d({});
  await server.called("v1.finishTestRun");
  run.signal("SIGINT");
  await run.logged(/aborted because k6d received a 'interrupt' signal/);
  run.signal("SIGINT");
  assertEquals((await run.ended()).code, 105);
});

/** By metric and expression: whether the threshold has failed. */
function outcomesIn(metrics: Readonly<Record<string, MetricData>>): Record<string, Record<string, boolean>> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([metric, { thresholds }]) =>
      thresholds === undefined
        ? []
        : [[metric, Object.fromEntries(Object.entries(thresholds).map(([text, { ok }]) => [text, !ok]))]]
    ),
  );
}

/** A cloud, and a target for requests. */
class Cloud implements AsyncDisposable {
  readonly server: ContractServer;
  readonly #target = startTarget();

  private constructor(server: ContractServer) {
    this.server = server;
  }

  static async start(): Promise<Cloud> {
    const server = await ContractServer.start();
    server.settings.aggregationPeriodSeconds = 1;
    return new Cloud(server);
  }

  get target(): string {
    return this.#target.url;
  }

  /** Runs a script with windows of a second, which leave soon. */
  k6d({ env = {}, args = [], ...script }: Script & Pick<K6dCommand, "env" | "args">): Promise<K6dProcess> {
    return K6dProcess.start({
      files: scriptOf(script),
      args: ["run", "-v", "-o", "cloud", ...args, "script.js"],
      env: {
        TARGET: this.target,
        K6_CLOUD_HOST: this.server.origin,
        K6_CLOUD_TOKEN: ACCOUNT.token,
        K6_CLOUD_AGGREGATION_PERIOD: "1s",
        K6_CLOUD_AGGREGATION_WAIT_PERIOD: "1s",
        ...env,
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#target[Symbol.asyncDispose]();
  }
}
