/** `run --out cloud`: a run from its creation to its end, as the service sees it. */

import { assert, assertEquals } from "@std/assert";
import type { MetricsFormat } from "../../src/output/cloud/metric_set_encoder.ts";
import type { MetricData } from "../../src/summary/data.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { STOP_SENDING } from "../support/cloud/faults.ts";
import { summaryDifferences } from "../support/cloud/summary_check.ts";
import { startTarget } from "../support/target.ts";
import { type K6dCommand, K6dProcess } from "./support/k6d.ts";

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

  /** Runs a script with windows of a second, which leave soon. */
  k6d({ env = {}, args = [], ...script }: Script & Pick<K6dCommand, "env" | "args">): Promise<K6dProcess> {
    return K6dProcess.start({
      files: scriptOf(script),
      args: ["run", "-v", "-o", "cloud", ...args, "script.js"],
      env: {
        TARGET: this.#target.url,
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
