/**
 * What can go wrong with a cloud before, while and after a test runs: one line that says what to check, the exit code, the summary,
 * and never a secret.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeBase64 } from "@std/encoding/base64";
import { type HubResponse, json } from "../../src/hub/http.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { type Fault, htmlAnswer, MALFORMED, STOP_SENDING, v1ErrorAnswer } from "../support/cloud/faults.ts";
import { summaryDifferences } from "../support/cloud/summary_check.ts";
import { cloudEnvironment, EXPORT_SUMMARY, exportedMetrics, severalAtATime, SHORT_WINDOWS } from "./support/cloud.ts";
import { type K6dCommand, K6dProcess, type K6dResult, logEntries } from "./support/k6d.ts";

/** Only ever in the environment of a run. */
const WRONG_TOKEN = "glsa_wrong-0123456789";

const CHECK_TOKEN = "check the token: `k6d cloud login` stores one, K6_CLOUD_TOKEN comes before it";
const CHECK_RIGHTS = "check that the token may use the project (K6_CLOUD_PROJECT_ID) and the stack (K6_CLOUD_STACK_ID)";
const CHECK_HOST = "check the network and K6_CLOUD_HOST";

/** A fault before the test runs. */
interface StartFault {
  readonly name: string;
  /** Of the call that makes the run. */
  readonly fault?: Fault;
  /** Of that call, however often it is repeated. */
  readonly lasting?: Fault;
  readonly isAway?: true;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** The only error, after `cloud output: ` and perhaps `cannot create the test run: `. */
  readonly says: string;
  /** Calls that came. Default 1. */
  readonly calls?: number;
}

const SCRIPT = `export const options = { vus: 2, iterations: 4 };
export default function () { console.log("an iteration"); }`;

/** Answers with a body that never ends. */
const ENDLESS: Fault = {
  takeOver: (_, connection) => {
    connection.on("error", () => {});
    connection.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    const pour = () => {
      while (connection.write(`10000\r\n${" ".repeat(2 ** 16)}\r\n`));
      connection.once("drain", pour);
    };
    pour();
  },
};

/** The run is made, and the answer asks for other settings. */
const withConfig = (config: unknown): Fault => ({
  rewrite: (answer: HubResponse) => json({ ...JSON.parse(String(answer.body)), config }, 201),
});

/** What else a service may answer is told by the client (tests/output/cloud/api). */
const refused: readonly StartFault[] = [
  { name: "no token", env: { K6_CLOUD_TOKEN: "" }, says: `(401) no Authorization header; ${CHECK_TOKEN}` },
  { name: "a wrong token", env: { K6_CLOUD_TOKEN: WRONG_TOKEN }, says: `(401) the token is invalid; ${CHECK_TOKEN}` },
  {
    name: "403 with code 4, which is the order to stop only in the answer to a push",
    fault: v1ErrorAnswer(403, 4, "not like this"),
    says: `(403/E4) not like this; ${CHECK_RIGHTS}`,
  },
  {
    name: "a project that isn't there",
    env: { K6_CLOUD_PROJECT_ID: "999" },
    says: "(403) there is no project 999, or the token has no access to it; project_id: unknown project; " +
      CHECK_RIGHTS,
  },
  {
    name: "an archive that is too large",
    fault: htmlAnswer(413),
    says: "(413) too large; the service takes less at once; --no-archive-upload keeps the archive here",
  },
  {
    name: "half an answer",
    fault: MALFORMED,
    says: "the answer is not the JSON object of a k6 cloud; check K6_CLOUD_HOST",
  },
];

const unanswered: readonly StartFault[] = [
  { name: "a service that is down", isAway: true, says: `connection refused; ${CHECK_HOST}`, calls: 0 },
  { name: "a service that hangs up", lasting: "reset", says: `connection reset; ${CHECK_HOST}`, calls: 3 },
  { name: "no HTTP", lasting: "garbage", says: `the answer is not HTTP; ${CHECK_HOST}`, calls: 3 },
  { name: "an endless answer", lasting: ENDLESS, says: `the answer is larger than 1 MB; ${CHECK_HOST}`, calls: 3 },
  {
    name: "a broken service",
    lasting: htmlAnswer(502),
    says: "(502) unexpected answer; the service has failed: try again later",
    calls: 3,
  },
  {
    name: "too many requests",
    lasting: { status: 429, headers: { "retry-after": "1" } },
    says: "(429) too many requests; try again later",
    calls: 3,
  },
];

async function atStart({ name, fault, lasting, isAway, env, args = [], says, calls = 1 }: StartFault) {
  await using cloud = await ContractServer.start();
  if (fault !== undefined) cloud.fault("v1.createTestRun", fault);
  if (lasting !== undefined) cloud.lastingFault("v1.createTestRun", lasting);
  if (isAway) await cloud.goAway();
  const result = await run(cloud, {
    files: SCRIPT,
    args: ["run", "-v", "-o", "cloud", ...args, "script.js"],
    env: cloudEnvironment(cloud, env),
  });
  assertEquals(result.code, 255, result.stderr);
  const [error, ...others] = complaints(result);
  assertEquals(others, [], name);
  assert(error?.endsWith(says), `${name}: ${error}`);
  assertEquals(cloud.callsOf("v1.createTestRun").length, calls, name);
  assertEquals(cloud.violations, []);
  assert(!result.stderr.includes("an iteration"), name);
  assert(!result.stdout.includes("TOTAL RESULTS"), name);
  return cloud;
}

Deno.test("a run that the service refuses is not started, and one line says why and what to check", async () => {
  await severalAtATime(refused, atStart);
});

Deno.test("a run that gets no answer is not started, after three attempts", async () => {
  await severalAtATime(unanswered, atStart);
});

Deno.test("settings of the service that make no sense end the run there and here, before a request is sent", async () => {
  const says = "maxTimeSeriesInBatch must be at least 1, but is 0 (the service's config.maxTimeSeriesInBatch); " +
    "ask those who run the service";
  const cloud = await atStart({ name: "no series", fault: withConfig({ maxTimeSeriesInBatch: 0 }), says });
  assertEquals((await cloud.testRun("1001")).end, { runStatus: 6, resultStatus: 0, thresholds: {} });
});

Deno.test("what the cloud can't take is said before it is asked", async () => {
  await atStart({
    name: "system tags that the cloud needs are off",
    args: ["--system-tags", "method,name"],
    says: "the cloud output needs the following system tags enabled: status, group, check, error " +
      "(option systemTags, --system-tags)",
    calls: 0,
  });
});

Deno.test("settings of the service that say nothing change nothing; 429 is waited for", async () => {
  await using cloud = await ContractServer.start();
  cloud.fault("v1.createTestRun", { status: 429, headers: { "retry-after": "1" } }, withConfig(null));
  const result = await run(cloud, { files: SCRIPT, args: RUN, env: cloudEnvironment(cloud) });
  assertEquals([result.code, complaints(result)], [0, []]);
  assertEquals((await cloud.testRun("1001")).end?.runStatus, 3);
});

/** A fault while the test runs, or at its end. */
interface RunFault {
  readonly name: string;
  /** Of the pushes, one after the other. */
  readonly pushes?: readonly Fault[];
  readonly everyPush?: Fault;
  /** Of the calls that say how the run ended. */
  readonly ends?: readonly Fault[];
  readonly everyEnd?: Fault;
  readonly during?: (k6d: K6dProcess, cloud: ContractServer) => Promise<void>;
  readonly env?: Readonly<Record<string, string>>;
  /** All warnings and errors, in this order. */
  readonly says: readonly RegExp[];
  /** Whether the cloud has less than the summary. */
  readonly losesMetrics?: true;
  /** Whether the cloud never hears of the end. */
  readonly isUnfinished?: true;
}

/** Three seconds, with pushes from the first one on. */
const LOAD = `import { sleep } from "k6";
import { Counter, Trend } from "k6/metrics";
const orders = new Counter("orders");
const time = new Trend("order_time");
export const options = { vus: 2, duration: "3s" };
export default function () {
  orders.add(1, { user: String(__VU) });
  time.add(__ITER + 0.5);
  sleep(0.05);
}`;

const ALL_LOST = /^(\d+) of \1 batches of metrics, with (\d+) of \2 time series, did not arrive/;
const GOES_ON = "the cloud may show the run as if it went on";

const line = (text: string) => RegExp(`^${RegExp.escape(text)}$`);

/** Those that take longest first. */
const whileRunning: readonly RunFault[] = [
  {
    name: "a service that goes away for good",
    during: async (_, cloud) => {
      await cloud.succeeded("v2.pushMetrics");
      await cloud.goAway();
    },
    says: [
      line(`cannot push metrics to the cloud: {}: connection refused; ${CHECK_HOST}; trying again`),
      /^\d+ of \d+ batches of metrics, with \d+ of \d+ time series, did not arrive \(no answer: \d+\)/,
      line(`cannot finish the test run 1001: {}: connection refused; ${CHECK_HOST}; ${GOES_ON}`),
    ],
    losesMetrics: true,
    isUnfinished: true,
  },
  {
    name: "a service that goes away for longer than three attempts",
    during: async (k6d, cloud) => {
      await cloud.succeeded("v2.pushMetrics");
      await cloud.goAway();
      await k6d.logged(/trying again/);
      await cloud.comeBack();
    },
    says: [line(`cannot push metrics to the cloud: {}: connection refused; ${CHECK_HOST}; trying again`)],
  },
  {
    name: "pushes that nobody may make",
    everyPush: htmlAnswer(401),
    says: [
      line(`cannot push metrics to the cloud: (401) failed to authenticate with k6 Cloud; ${CHECK_TOKEN}`),
      ALL_LOST,
    ],
    losesMetrics: true,
  },
  {
    name: "pushes that are not allowed, other than by the order to stop, with stopOnError",
    everyPush: v1ErrorAnswer(403, 5, "not now"),
    env: { K6_CLOUD_STOP_ON_ERROR: "true" },
    says: [line(`cannot push metrics to the cloud: (403/E5) not now; ${CHECK_RIGHTS}`), ALL_LOST],
    losesMetrics: true,
  },
  {
    name: "a push that is too large",
    pushes: [htmlAnswer(413)],
    says: [
      line("cannot push metrics to the cloud: (413) too large; K6_CLOUD_MAX_TIME_SERIES_IN_BATCH makes smaller pushes"),
      /^1 of \d+ batches of metrics, with \d+ of \d+ time series, did not arrive \(status 413: 1\)/,
    ],
    losesMetrics: true,
  },
  {
    name: "the order to stop, without stopOnError",
    pushes: [STOP_SENDING],
    says: [
      line(
        "cannot push metrics to the cloud: (403/E4) the test run has been stopped; the service takes no more metrics of " +
          "this test run: the test goes on without sending metrics",
      ),
      ALL_LOST,
    ],
    losesMetrics: true,
  },
  {
    name: "pushes that fail for a while in every way",
    pushes: ["reset", "lost", "garbage", htmlAnswer(500), ENDLESS],
    says: [/^cannot push metrics to the cloud: .*; trying again$/],
  },
  { name: "a slow service", everyPush: { delayMs: 700 }, says: [] },
  {
    name: "a service that goes away and comes back",
    during: async (_, cloud) => {
      await cloud.succeeded("v2.pushMetrics");
      await cloud.goAway();
      await cloud.comeBack();
    },
    says: [],
  },
  {
    name: "an end that is heard though its answer is lost",
    ends: ["lost", { status: 429, headers: { "retry-after": "1" } }],
    says: [],
  },
  {
    name: "an end that nobody may tell",
    ends: [htmlAnswer(401)],
    says: [
      line(
        `cannot finish the test run 1001: (401) failed to authenticate with k6 Cloud; ${CHECK_TOKEN}; ${GOES_ON}`,
      ),
    ],
    isUnfinished: true,
  },
  {
    name: "an end whose answers never end",
    everyEnd: ENDLESS,
    says: [line(`cannot finish the test run 1001: {}: the answer is larger than 1 MB; ${CHECK_HOST}; ${GOES_ON}`)],
    isUnfinished: true,
  },
];

async function whileItRuns(fault: RunFault) {
  const { name, pushes = [], everyPush = null, ends = [], everyEnd = null, during, env = {}, says } = fault;
  await using cloud = await ContractServer.start();
  cloud.settings.aggregationPeriodSeconds = 1;
  cloud.fault("v2.pushMetrics", ...pushes);
  cloud.lastingFault("v2.pushMetrics", everyPush);
  cloud.fault("v1.finishTestRun", ...ends);
  cloud.lastingFault("v1.finishTestRun", everyEnd);
  await using k6d = await K6dProcess.start({
    files: LOAD,
    args: ["run", "-v", "-o", "cloud", ...EXPORT_SUMMARY, "script.js"],
    env: cloudEnvironment(cloud, { ...SHORT_WINDOWS, ...env }),
  });
  await during?.(k6d, cloud);
  const result = await ended(k6d, cloud);
  const lines = complaints(result).map((text) => text.replaceAll(cloud.origin, "{}"));
  assertEquals(lines.length, says.length, `${name}: ${lines.join("\n")}`);
  says.forEach((expected, index) => assertMatch(lines[index]!, expected, name));
  assertEquals([result.code, cloud.violations], [0, []], `${name}: ${result.stderr}`);
  assertMatch(result.stdout, /TOTAL RESULTS/);
  assertEquals((await cloud.testRun("1001")).end?.runStatus, fault.isUnfinished ? undefined : 3, name);
  const differences = await summaryDifferences(cloud, "1001", await exportedMetrics(k6d.folder));
  assertEquals(differences.length > 0, fault.losesMetrics ?? false, `${name}: ${differences.join("\n")}`);
}

Deno.test("whatever becomes of pushes and of the end, the test runs on, and the summary and the exit code are its own", async () => {
  await severalAtATime(whileRunning, whileItRuns);
});

Deno.test("Ctrl-C while the run is made: no request is sent, and the run is finished as aborted by the user", async () => {
  await using cloud = await ContractServer.start();
  const { promise: isMade, resolve } = Promise.withResolvers<void>();
  cloud.fault("v1.createTestRun", { until: isMade });
  await using k6d = await K6dProcess.start({ files: SCRIPT, args: RUN, env: cloudEnvironment(cloud) });
  await cloud.called("v1.createTestRun");
  k6d.signal("SIGINT");
  await k6d.logged(/'interrupt' signal/);
  resolve();
  const result = await ended(k6d, cloud);
  assertEquals([result.code, complaints(result).length], [105, 1], result.stderr);
  assert(!result.stderr.includes("an iteration"));
  assertEquals((await cloud.testRun("1001")).end?.runStatus, 5);
  assertEquals(cloud.violations, []);
});

Deno.test("a second Ctrl-C while a service that never answers is told of the end: k6d is gone, the summary is there", async () => {
  await using cloud = await ContractServer.start();
  cloud.lastingFault("v1.finishTestRun", "hang");
  await using k6d = await K6dProcess.start({ files: SCRIPT, args: RUN, env: cloudEnvironment(cloud) });
  await cloud.called("v1.finishTestRun");
  k6d.signal("SIGINT");
  await k6d.logged(/'interrupt' signal/);
  k6d.signal("SIGINT");
  const result = await ended(k6d, cloud);
  assertEquals(result.code, 105, result.stderr);
  assertMatch(result.stdout, /TOTAL RESULTS/);
});

Deno.test("of two instances that finish one run, the second is told that it has ended; its exit code is its own", async () => {
  await using cloud = await ContractServer.start();
  const { id } = await cloud.addTestRun();
  const env = cloudEnvironment(cloud, { K6_CLOUDRUN_TEST_RUN_ID: id });
  const instance = () => run(cloud, { files: SCRIPT, args: RUN, env });
  const [first, second] = [await instance(), await instance()];
  assertEquals([first.code, second.code, complaints(first)], [0, 0, []]);
  assertEquals(complaints(second), [
    `cannot finish the test run ${id}: (409) test run ${id} has ended already; ${GOES_ON}`,
  ]);
  assertEquals(cloud.callsOf("v1.createTestRun").length, 0);
  assertEquals(await cloud.totals(id, "iterations"), { type: "counter", sum: 8 });
});

/** A clock that is an hour ahead. */
const aheadByAnHour = ({ status, headers = {}, body }: HubResponse): HubResponse => ({
  status,
  headers: { ...headers, date: new Date(Date.now() + 3_600_000).toUTCString() },
  ...body === undefined ? {} : { body },
});

Deno.test("a service whose clock is an hour ahead: one warning, waits by its own clock, and windows by this one's", async () => {
  await using cloud = await ContractServer.start();
  const soon = new Date(Date.now() + 3_601_000).toUTCString();
  cloud.fault(
    "v1.createTestRun",
    aheadByAnHour({ status: 503, headers: { "retry-after": soon } }),
    { rewrite: aheadByAnHour },
  );
  cloud.lastingFault("v2.pushMetrics", { rewrite: aheadByAnHour });
  const result = await run(cloud, { files: SCRIPT, args: RUN, env: cloudEnvironment(cloud) });
  assertEquals(result.code, 0, result.stderr);
  const [warning, ...others] = complaints(result);
  assertMatch(warning!, /clock/);
  assertEquals(others, []);
  assertEquals(await cloud.totals("1001", "iterations"), { type: "counter", sum: 4 });
});

/** Where a secret may come from, beside the environment. */
interface SecretCase {
  readonly name: string;
  readonly script?: string;
  readonly args?: readonly string[];
  readonly env?: (cloud: ContractServer) => Readonly<Record<string, string>>;
  readonly arrange?: (cloud: ContractServer) => void;
  readonly secret: string;
}

const secretCases: readonly SecretCase[] = [
  {
    name: "the script's options, and its log",
    script: `export const options = { cloud: { token: "${ACCOUNT.token}" } };
export default function () { console.log("${ACCOUNT.token}"); throw new Error("no ${ACCOUNT.token}"); }`,
    env: () => ({ K6_CLOUD_TOKEN: "" }),
    secret: ACCOUNT.token,
  },
  {
    name: "the environment, read by the script",
    script: `export default function () { console.log(__ENV.K6_CLOUD_TOKEN); }`,
    args: ["--include-system-env-vars"],
    secret: ACCOUNT.token,
  },
  {
    name: "an address",
    env: ({ origin }) => ({ K6_CLOUD_HOST: origin.replace("//", "//me:Pa55word@") }),
    secret: "Pa55word",
  },
  {
    name: "an address that is wrong",
    env: () => ({ K6_CLOUD_HOST: "ftp://me:Pa55word@host/?token=Pa55word" }),
    secret: "Pa55word",
  },
  {
    name: "an error of the service",
    arrange: (cloud) => cloud.fault("v1.createTestRun", v1ErrorAnswer(400, 1, `bad token ${ACCOUNT.token}`)),
    secret: ACCOUNT.token,
  },
  {
    name: "a line of the service",
    arrange: ({ settings }) => settings.messages = [{ level: "info", message: `hello ${ACCOUNT.token}` }],
    secret: ACCOUNT.token,
  },
  {
    name: "a token that the service gives",
    arrange: ({ settings }) => settings.override = { token: WRONG_TOKEN },
    secret: WRONG_TOKEN,
  },
  {
    name: "a secret that the service keeps",
    script: `import secrets from "k6/secrets";
export default async function () { console.log(await secrets.get("api-key")); }`,
    arrange: ({ settings }) => settings.secrets = true,
    secret: "the value of api-key",
  },
];

Deno.test("no line of the log shows a secret, wherever it comes from", async () => {
  await severalAtATime(secretCases, async ({ name, script = SCRIPT, args = [], env, arrange, secret }) => {
    await using cloud = await ContractServer.start();
    arrange?.(cloud);
    const result = await run(cloud, {
      files: script,
      args: [...RUN, ...args],
      env: cloudEnvironment(cloud, env?.(cloud)),
    });
    assertEquals((result.stdout + result.stderr).includes(secret), false, `${name}: ${result.stderr}`);
  });
});

Deno.test("a token in the text of a script that goes to the cloud is warned of", async () => {
  await using cloud = await ContractServer.start();
  const files = SCRIPT.replace("vus: 2", `cloud: { token: "${ACCOUNT.token}" }, vus: 2`);
  const result = await run(cloud, { files, args: RUN, env: cloudEnvironment(cloud) });
  assertMatch(
    complaints(result).join(),
    /^the archive holds options\.cloud\.token, because .*script\.js has it in its text/,
  );
});

const RUN: readonly string[] = ["run", "-v", "-o", "cloud", "script.js"];

/** Runs k6d to its end. */
async function run(cloud: ContractServer, command: K6dCommand): Promise<K6dResult> {
  await using k6d = await K6dProcess.start(command);
  return await ended(k6d, cloud);
}

/** Waits for the end of a run, and looks for secrets in all that it said. */
async function ended(k6d: K6dProcess, cloud: ContractServer): Promise<K6dResult> {
  const result = await k6d.ended();
  const said = result.stdout + result.stderr;
  const made = await cloud.store.testRun("1001");
  for (const token of [ACCOUNT.token, WRONG_TOKEN, ...made === undefined ? [] : [made.scopedToken]]) {
    // What stands before it moves the groups of Base64, and what comes after it changes the last one.
    for (const moved of [token, token.slice(1), token.slice(2)]) {
      const encoded = encodeBase64(moved.slice(0, 3 * Math.floor(moved.length / 3)));
      assertEquals(said.includes(encoded), false, said);
    }
    assertEquals(said.includes(token), false, said);
  }
  return result;
}

/** Warnings and errors, without what all of the output's begin with. */
function complaints({ stderr }: K6dResult): string[] {
  const lines = logEntries(stderr).filter(({ level }) => level === "warning" || level === "error");
  return lines.map(({ msg = "" }) => msg.replace(/^cloud output: /, ""));
}
