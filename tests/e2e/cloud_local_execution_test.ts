/** `k6d cloud run --local-execution`: every end of a run as the service and the user see it, its log, its secrets, its archive. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TestRun } from "../../src/hub/store.ts";
import { readArchive } from "../../src/script/archive.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { STOP_SENDING } from "../support/cloud/faults.ts";
import { summaryDifferences } from "../support/cloud/summary_check.ts";
import { startTarget } from "../support/target.ts";
import { cloudEnvironment, EXPORT_SUMMARY, exportedMetrics, severalAtATime, sumOfMetrics } from "./support/cloud.ts";
import { consoleMessages, type K6dCommand, K6dProcess, logEntries } from "./support/k6d.ts";

const FORMATS = ["protobuf", "json"] as const;

/** Options, and code besides. */
interface Script {
  readonly options?: Readonly<Record<string, unknown>>;
  /** Of `setup`. */
  readonly setup?: string;
  /** Of each iteration, after its requests. */
  readonly code?: string;
}

function scriptOf({ options = {}, setup = "", code = "" }: Script): string {
  const all = { thresholds: { orders: ["count>=0"], "http_reqs{name:page}": ["count>=0"] }, ...options };
  return `
import exec from "k6/execution";
import http from "k6/http";
import secrets from "k6/secrets";
import { check, group, sleep } from "k6";
import { Counter, Gauge, Trend } from "k6/metrics";
const [orders, basket, cost] = [new Counter("orders"), new Gauge("basket"), new Trend("cost")];
export const options = ${JSON.stringify(all)};
export function setup() { ${setup} }
export default async function () {
  group("shop", () => {
    const { status } = http.get(__ENV.BASE, { tags: { name: "page" } });
    check(status, { "is 200": (s) => s === 200, "is 500": (s) => s === 500 });
  });
  orders.add(2);
  basket.add(exec.scenario.iterationInTest);
  cost.add(0.3 * 2 ** (exec.scenario.iterationInTest % 16), { kind: "a" });
  ${code}
}`;
}

/** A way for a run to end. */
interface Ending extends Script {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What happens to the run once its first iteration is over. */
  readonly during?: (k6d: K6dProcess, server: ContractServer) => void;
  readonly exitCode: number;
  /** What the service is told; null: that all is well. */
  readonly notice: { readonly code: number; readonly reason: RegExp } | null;
  /** The service refuses the metrics. */
  readonly isCutOff?: true;
}

const ENDLESS = { vus: 2, duration: "5m" };
const SLOWLY = `console.log("an iteration"); sleep(0.05);`;

const ENDINGS: readonly Ending[] = [
  { name: "all is well", options: { vus: 2, iterations: 10 }, exitCode: 0, notice: null },
  {
    name: "a threshold is crossed at the end",
    options: { thresholds: { orders: ["count<1"] } },
    exitCode: 99,
    notice: null,
  },
  {
    name: "a crossed threshold ends the test",
    options: { ...ENDLESS, thresholds: { orders: [{ threshold: "count<1", abortOnFail: true }] } },
    code: SLOWLY,
    exitCode: 99,
    notice: { code: 8036, reason: /^thresholds on metrics 'orders' were crossed/ },
  },
  {
    name: "Ctrl-C",
    options: ENDLESS,
    code: SLOWLY,
    during: (k6d) => k6d.signal("SIGINT"),
    exitCode: 105,
    notice: { code: 8036, reason: /'interrupt' signal/ },
  },
  {
    name: "a virtual user calls test.abort()",
    code: `exec.test.abort("enough");`,
    exitCode: 108,
    notice: { code: 8036, reason: /enough/ },
  },
  {
    name: "setup() throws",
    setup: `throw new Error("no database");`,
    exitCode: 107,
    notice: { code: 8035, reason: /no database/ },
  },
  {
    name: "setup() takes too long",
    options: { setupTimeout: "100ms" },
    setup: "sleep(60);",
    exitCode: 100,
    notice: { code: 8034, reason: /setup\(\) execution timed out/ },
  },
  {
    name: "the script calls test.fail()",
    code: `exec.test.fail("as planned");`,
    exitCode: 110,
    notice: { code: 0, reason: /marked-failed/ },
  },
  {
    name: "the service takes no more metrics, with stopOnError",
    options: ENDLESS,
    code: SLOWLY,
    env: { K6_CLOUD_STOP_ON_ERROR: "true" },
    during: (_, server) => server.fault("v2.pushMetrics", STOP_SENDING),
    exitCode: 105,
    notice: { code: 8034, reason: /takes no more metrics/ },
    isCutOff: true,
  },
  {
    name: "the service takes no more metrics",
    options: { vus: 1, duration: "3s" },
    code: SLOWLY,
    during: (_, server) => server.fault("v2.pushMetrics", STOP_SENDING),
    exitCode: 0,
    notice: null,
    isCutOff: true,
  },
];

// Endings do not depend on the format: each has one of the two.
Deno.test("every ending is told to the service, with the summary's metrics", async () => {
  await severalAtATime(ENDINGS.map((ending, i) => ({ ending, format: FORMATS[i % FORMATS.length]! })), checkEnding);
});

async function checkEnding({ ending, format }: { readonly ending: Ending; readonly format: string }): Promise<void> {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  await using k6d = await cloud.run({ ...ending, env: { ...ending.env, K6_CLOUD_METRICS_FORMAT: format } });
  if (ending.during !== undefined) {
    await k6d.logged(/an iteration/);
    ending.during(k6d, server);
  }
  const { code, stdout, stderr } = await k6d.ended();
  assertEquals(code, ending.exitCode, `${ending.name}: ${stderr}`);
  assertEquals(server.violations, [], stderr);
  assertMatch(stdout, new RegExp(` output: cloud \\(${ACCOUNT.stackUrl}/a/k6-app/runs/1002\\)\\n`));
  assertMatch(stdout, /TOTAL RESULTS/);
  assertEquals([server.order[0], server.order.at(-1)], ["v6.createLoadTest", "provisioning.notify"]);
  const run = await server.testRun("1002");
  const { error = null } = run.notice ?? {};
  assertEquals(error?.code ?? null, ending.notice?.code ?? null);
  if (ending.notice !== null) assertMatch(error?.reason ?? "", ending.notice.reason);
  assertShowsNoToken(run, stdout + stderr);
  if (ending.isCutOff) return;
  assertEquals(await summaryDifferences(server, run.id, await exportedMetrics(k6d.folder)), []);
}

/** Neither the user's token nor the run's own is shown, nor sent as a line of the log. */
function assertShowsNoToken({ scopedToken }: TestRun, text: string): void {
  for (const token of [ACCOUNT.token, scopedToken]) assertEquals(text.includes(token), false, "a token is shown");
}

Deno.test("the log goes to the cloud, the script's lines and k6d's own", async () => {
  await using cloud = await Cloud.start();
  await using k6d = await cloud.run({
    code: `console.error("line " + __VU); throw new Error("broken");`,
    args: ["-v"],
  });
  const { code, stderr } = await k6d.ended();
  assertEquals(code, 0, stderr);
  const lines = await cloud.server.store.logLines("1002", 0n);
  const texts = lines.map(({ message }) => message);
  assertEquals(texts.filter((text) => text.startsWith("line")), ["line 1 source=console"]);
  assert(texts.some((text) => text.includes("Error: broken\n\tat default")), texts.join("\n"));
  assertEquals(lines.every(({ labels }) => labels["test_run_id"] === "1002" && labels["level"] !== "debug"), true);
  assertEquals(cloud.server.violations, []);
});

Deno.test("--no-cloud-logs, --no-archive-upload and --no-cloud-secrets keep log and script here, and secrets there", async () => {
  await using cloud = await Cloud.start();
  await using k6d = await cloud.run({
    code: `await secrets.get("api-key").catch(({ message }) => console.log(message));`,
    args: ["--no-cloud-logs", "--no-archive-upload", "--no-cloud-secrets"],
  });
  const { code, stderr } = await k6d.ended();
  assertEquals(code, 0, stderr);
  assertEquals(consoleMessages({ stderr }), ["no secret sources are configured; use --secret-source"]);
  const { server } = cloud;
  assertEquals(server.callsOf("logs.push"), []);
  assertEquals(server.callsOf("provisioning.uploadArchive"), []);
  assertEquals(server.callsOf("provisioning.decryptSecret"), []);
  assertEquals(server.violations, []);
});

Deno.test("the script reads the cloud's secrets, each once, and no log shows them", async () => {
  await using cloud = await Cloud.start();
  await using k6d = await cloud.run({
    options: { vus: 3, iterations: 6, thresholds: {} },
    setup: `return secrets.get("api-key").then((value) => value.length);`,
    code: `
  const value = await secrets.get("api-key");
  console.log(value.length, value, await secrets.source("cloud").get("api-key") === value);
  await secrets.get("nothing").catch(({ message }) => console.warn(message));`,
    env: { K6D_WORKERS: "2" },
  });
  const { code, stdout, stderr } = await k6d.ended();
  assertEquals(code, 0, stderr);
  const messages = consoleMessages({ stderr });
  assertEquals(messages.filter((text) => text === "20 ***SECRET_REDACTED*** true").length, 6, stderr);
  const failures = messages.filter((text) => /^cannot read the secret "nothing".*\(404/.test(text));
  assertEquals([failures.length, new Set(failures).size], [6, 1], stderr);
  const { server } = cloud;
  assertEquals(server.callsOf("provisioning.decryptSecret").length, 2);
  const pushed = (await server.store.logLines("1002", 0n)).map(({ message }) => message).join("\n");
  assertEquals((stdout + stderr + pushed).includes("the value of api-key"), false);
});

Deno.test("a service that goes away in the middle costs what it would have got, not the test", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  await using k6d = await cloud.run({ options: ENDLESS, code: SLOWLY });
  await server.succeeded("v2.pushMetrics");
  await server.goAway();
  await k6d.logged(/lines of the log did not get to the cloud/);
  k6d.signal("SIGINT");
  const { code, stdout, stderr } = await k6d.ended();
  assertEquals(code, 105, stderr);
  assertMatch(stdout, /TOTAL RESULTS/);
  const run = await server.testRun("1002");
  assertShowsNoToken(run, stdout + stderr);
  const problems = logEntries(stderr).filter(({ level }) => level !== "info").map(({ msg = "" }) => msg);
  for (
    const words of [
      /^cloud output: lines of the log did not get to the cloud at /,
      /^cloud output: cannot push metrics to the cloud: /,
      /^cloud output: .* batches of metrics, .* did not arrive/,
      /^cloud output: cannot finish the test run 1002: .*; the cloud may show the run as if it went on/,
    ]
  ) assert(problems.some((text) => words.test(text)), `${words}: ${stderr}`);
  assertEquals([run.notice, server.violations], [null, []]);
});

Deno.test("--linger keeps k6d, but not the cloud's test run", async () => {
  await using cloud = await Cloud.start();
  await using k6d = await cloud.run({ args: ["--linger"] });
  await k6d.logged(/because of --linger/);
  assertEquals((await cloud.server.testRun("1002")).notice, { error: null });
  k6d.signal("SIGINT");
  assertEquals((await k6d.ended()).code, 0);
  assertEquals(cloud.server.violations, []);
});

Deno.test("a run that streams to the cloud has its secrets where the service gives them", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  server.settings.secrets = true;
  await using k6d = await K6dProcess.start({
    files: `import secrets from "k6/secrets";
export default async () => console.log((await secrets.get("api-key")).length);`,
    args: ["run", "-q", "-o", "cloud", "script.js"],
    env: cloudEnvironment(server, { K6_CLOUD_AGGREGATION_PERIOD: "1s" }),
  });
  const { code, stdout, stderr } = await k6d.ended();
  assertEquals([code, consoleMessages({ stderr })], [0, ["20"]], stderr);
  assertShowsNoToken(await server.testRun("1001"), stdout + stderr);
  assertEquals(server.violations, []);
});

Deno.test("in the first init stage there is no run yet, and so no secret of the cloud", async () => {
  await using cloud = await Cloud.start();
  const script = `import secrets from "k6/secrets";
await secrets.get("api-key");
export default function () {}`;
  await using k6d = await cloud.run({ files: script });
  const { code, stderr } = await k6d.ended();
  assertEquals(code, 107, stderr);
  assertMatch(
    stderr,
    /the cloud's secrets are not there yet: its test run is made after the script's first init stage/,
  );
  assertEquals(cloud.server.calls, []);
});

Deno.test("the archive has the script as it was run, and not the token", async () => {
  await using cloud = await Cloud.start();
  await using k6d = await cloud.run({
    files: {
      "script.js": `import { say } from "./lib.js"; const data = open("data.txt"); export default () => say(data);`,
      "lib.js": `export const say = (text) => console.log(text, __ENV.K6_CLOUDRUN_TEST_RUN_ID);`,
      "data.txt": "from a file",
    },
  });
  const { code, stderr } = await k6d.ended();
  assertEquals([code, consoleMessages({ stderr })], [0, ["from a file 1002"]], stderr);
  const archive = (await cloud.server.testRun("1002")).archive ?? new Uint8Array();
  assertEquals(new TextDecoder("latin1").decode(archive).includes(ACCOUNT.token), false);
  const { files } = readArchive(archive);
  assertEquals([...files.keys()].map((url) => url.split("/").at(-1)).sort(), ["data.txt", "lib.js", "script.js"]);
});

Deno.test("two instances feed the run of somebody else", async () => {
  await using cloud = await Cloud.start();
  const { server } = cloud;
  const { id, scopedToken } = await server.addTestRun();
  const summaries = await Promise.all(["a", "b"].map(async () => {
    await using k6d = await cloud.run({
      options: { vus: 2, iterations: 10 },
      env: {
        K6_CLOUD_PUSH_REF_ID: id,
        K6_CLOUD_METRICS_PUSH_URL: `${server.origin}/v2/metrics/${id}`,
        K6_CLOUD_TEST_RUN_TOKEN: scopedToken,
        K6_CLOUD_STACK_ID: "",
        K6_CLOUD_AGGREGATION_PERIOD: "1s",
      },
    });
    const { code, stderr } = await k6d.ended();
    assertEquals(code, 0, stderr);
    return await exportedMetrics(k6d.folder);
  }));
  assertEquals([server.order, server.violations], [["v2.pushMetrics"], []]);
  const differences = await summaryDifferences(server, id, sumOfMetrics(summaries));
  assertEquals(differences.filter((line) => !line.includes(": last ")), []);
});

for (
  const [title, env, message] of [
    ["no token", { K6_CLOUD_TOKEN: "" }, /needs a token: `k6d cloud login` stores both/],
    ["no stack", { K6_CLOUD_STACK_ID: "" }, /needs a stack: `k6d cloud login` stores both/],
    ["no project", { K6_CLOUD_PROJECT_ID: "" }, /no project is set/],
    [
      "a wrong token",
      { K6_CLOUD_TOKEN: "wrong-token" },
      /cannot create the test "script.js": \(401\/error\) the token is invalid/,
    ],
  ] as const
) {
  Deno.test(`${title}: one line, exit code 255, no test`, async () => {
    await using cloud = await Cloud.start();
    await using k6d = await cloud.run({ env, args: ["-q"] });
    const { code, stdout, stderr } = await k6d.ended();
    const problems = logEntries(stderr).filter(({ level }) => level === "error").map(({ msg = "" }) => msg);
    assertEquals([code, problems.length, stdout], [255, 1, ""], stderr);
    assertMatch(problems[0] ?? "", message);
  });
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
    server.settings.local = {
      ...server.settings.local,
      aggregationPeriodSeconds: 1,
      aggregationWaitPeriod: "1s",
      pushInterval: "200ms",
    };
    return new Cloud(server);
  }

  /** Runs a script, or the files that are given. */
  run({ files, env = {}, args = [], ...script }: Script & K6dCommand): Promise<K6dProcess> {
    const base = ["-e", `BASE=${this.#target.url}`];
    return K6dProcess.start({
      files: files ?? scriptOf(script),
      args: ["cloud", "run", "--local-execution", ...base, ...EXPORT_SUMMARY, ...args, "script.js"],
      env: cloudEnvironment(this.server, {
        K6_CLOUD_STACK_ID: String(ACCOUNT.stackId),
        K6_CLOUD_PROJECT_ID: String(ACCOUNT.defaultProjectId),
        ...env,
      }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#target[Symbol.asyncDispose]();
  }
}
