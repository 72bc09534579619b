/** `k6d cloud run` against a cloud: every outcome, faults at each call, Ctrl-C in every stage. */

import { assertEquals, assertMatch } from "@std/assert";
import type { HubResponse } from "../../src/hub/http.ts";
import type { OperationName } from "../../src/hub/operation.ts";
import { readArchive } from "../../src/script/archive.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { v6ErrorAnswer } from "../support/cloud/faults.ts";
import { type DebianProgram, testWithPrograms } from "../support/debian.ts";
import { cloudEnvironment } from "./support/cloud.ts";
import { K6dProcess, type K6dResult, logEntries, runK6d } from "./support/k6d.ts";

const SCRIPT = `
  import { sleep } from "k6";
  export const options = { vus: 3, duration: "30s", cloud: { name: "shop", note: "kept" } };
  export default function () { sleep(1); }`;

const SCRIPT_PROGRAM: DebianProgram = { program: "script", debianPackage: "bsdutils" };

/** Variables for an account of the server. */
function cloudEnv(server: ContractServer): Record<string, string> {
  return cloudEnvironment(server, {
    K6_CLOUD_STACK_ID: String(ACCOUNT.stackId),
    K6_CLOUD_PROJECT_ID: "502",
    // No configuration file of whoever runs the tests.
    XDG_CONFIG_HOME: "/nowhere",
  });
}

function complaints({ stderr }: Pick<K6dResult, "stderr">): string[] {
  return logEntries(stderr).map(({ level, msg }) => `${level} ${msg}`);
}

Deno.test("a test is sent, started, watched and judged", async () => {
  await using server = await ContractServer.start();
  server.scriptStatuses({ type: "completed", result: "passed" });
  const result = await runK6d({ files: SCRIPT, args: ["cloud", "run", "script.js"], env: cloudEnv(server) });
  assertEquals([result.code, complaints(result)], [0, []]);
  assertEquals(
    result.stdout.slice(result.stdout.indexOf("     execution")),
    `     execution: cloud
        script: script.js
        output: https://team.example/a/k6-app/runs/1002

     scenarios: (100.00%) 1 scenario, 3 max VUs, 1m0s max duration (incl. graceful stop):
              * default: 3 looping VUs for 30s (gracefulStop: 30s)

Run   [ 100% ] Finished

     test status: Finished

`,
  );
  assertEquals(server.violations, []);
  assertEquals(server.order.filter((name) => name !== "logs.tail"), [
    "v6.validateOptions",
    "v6.createLoadTest",
    "v6.startTestRun",
    "v6.testRun",
  ]);
  const { projectId, name, archive } = (await server.store.loadTest(1001))!;
  assertEquals([projectId, name], [502, "shop"]);
  assertEquals(readArchive(archive!).options["cloud"], { name: "shop", note: "kept", projectID: 502 });
});

Deno.test("crossed thresholds are exit code 99, and a flag wins over its variable", async () => {
  await using server = await ContractServer.start();
  server.scriptStatuses({ type: "completed", result: "failed" });
  const result = await runK6d({
    files: SCRIPT,
    args: ["cloud", "run", "--show-logs=false", "script.js"],
    env: { ...cloudEnv(server), K6_SHOW_CLOUD_LOGS: "true" },
  });
  assertMatch(result.stdout, /\n {5}test status: Finished\n\n$/);
  assertEquals([result.code, complaints(result)], [99, ["error Thresholds have been crossed"]]);
  assertEquals([server.violations, server.callsOf("logs.tail")], [[], []]);
});

Deno.test("--exit-on-running leaves the test to itself, and --quiet prints nothing", async () => {
  await using server = await ContractServer.start();
  for (const quiet of [false, true]) {
    server.scriptStatuses({ type: "running" });
    const result = await runK6d({
      files: SCRIPT,
      args: ["cloud", "run", ...quiet ? ["--quiet"] : [], "script.js"],
      env: { ...cloudEnv(server), K6_EXIT_ON_RUNNING: "true" },
    });
    assertEquals([result.code, complaints(result)], [0, []]);
    if (quiet) assertEquals(result.stdout, "");
    else assertMatch(result.stdout, /\n {5}test status: Running\n\n$/);
  }
  assertEquals(server.violations, []);
});

Deno.test("the test's log is shown with its labels, in their levels", async () => {
  await using server = await ContractServer.start();
  const { promise: told, resolve } = Promise.withResolvers<void>();
  server.fault("v6.testRun", { until: told });
  server.scriptStatuses({ type: "completed", result: "passed" });
  await using run = await K6dProcess.start({
    files: SCRIPT,
    args: ["cloud", "run", "--quiet", "script.js"],
    env: cloudEnv(server),
  });
  await server.succeeded("logs.tail");
  await server.store.addLogLines("1002", [
    { atEpochNs: BigInt(Date.UTC(2026, 0, 2)) * 1_000_000n, message: "hello", labels: { level: "info", lz: "de" } },
    { atEpochNs: BigInt(Date.now()) * 1_000_000n, message: "oh", labels: { level: "error", source: "console" } },
  ]);
  await run.logged(/msg=oh/);
  resolve();
  const result = await run.ended();
  assertEquals(result.code, 0);
  assertEquals(logEntries(result.stderr).map(({ level, msg, lz, source }) => [level, msg, lz, source]), [
    ["info", "hello", "de", undefined],
    ["error", "oh", undefined, "console"],
  ]);
  assertMatch(result.stderr, /^time="?2026-01-0[123]T\S+ level=info msg=hello lz=de$/m);
  assertEquals(server.violations, []);
});

Deno.test("a test of before gets the new script, and an archive is a test, too", async () => {
  await using server = await ContractServer.start();
  const env = cloudEnv(server);
  const archiving = await K6dProcess.start({ files: SCRIPT, args: ["archive", "-O", "shop.tar", "script.js"] });
  await archiving.ended();
  const archive = await Deno.readFile(`${archiving.folder}/shop.tar`);
  await archiving[Symbol.asyncDispose]();
  for (const _ of [1, 2]) {
    server.scriptStatuses({ type: "completed", result: "passed" });
    const result = await runK6d({ files: { "shop.tar": archive }, args: ["cloud", "run", "-q", "shop.tar"], env });
    assertEquals([result.code, complaints(result)], [0, []]);
  }
  const calls = server.order.filter((name) => name !== "logs.tail" && name !== "v6.testRun");
  assertEquals(calls, [
    "v6.validateOptions",
    "v6.createLoadTest",
    "v6.startTestRun",
    "v6.validateOptions",
    "v6.createLoadTest",
    "v6.loadTests",
    "v6.uploadScript",
    "v6.startTestRun",
  ]);
  assertEquals(server.violations, []);
});

Deno.test("a service that is not Grafana's does not get its test's log looked for at Grafana", async () => {
  await using server = await ContractServer.start();
  server.scriptStatuses({ type: "completed", result: "passed" });
  const { K6_CLOUD_LOGS_TAIL_URL: _, ...env } = cloudEnv(server);
  const result = await runK6d({ files: SCRIPT, args: ["cloud", "run", "-q", "script.js"], env });
  assertEquals([result.code, complaints(result)], [0, [
    "warning the test's log is not shown: set K6_CLOUD_LOGS_TAIL_URL to where the service has it, or --show-logs=false",
  ]]);
});

const FAULTS: readonly (readonly [operation: OperationName, answer: HubResponse, error: RegExp])[] = [
  [
    "v6.validateOptions",
    v6ErrorAnswer(401, "unauthorized", "who?"),
    /^cannot validate the options: \(401\/unauthorized\) who\?; check the token: /,
  ],
  [
    "v6.validateOptions",
    v6ErrorAnswer(404, "not_found", "no project 502"),
    /^cannot validate the options: \(404\/not_found\) no project 502; /,
  ],
  [
    "v6.createLoadTest",
    v6ErrorAnswer(403, "forbidden", "not yours"),
    /^cannot create the test "shop": \(403\/forbidden\) not yours; check that /,
  ],
  [
    "v6.createLoadTest",
    { status: 413 },
    /^the service refuses the archive of \d+\S* kB as too large \(413\): let the script/,
  ],
  [
    "v6.startTestRun",
    v6ErrorAnswer(403, "quota", "no more runs today"),
    /^cannot start the test: \(403\/quota\) no more runs today/,
  ],
];

for (const [operation, answer, error] of FAULTS) {
  Deno.test(`${operation} that is answered by ${answer.status} is one line, without the token`, async () => {
    await using server = await ContractServer.start();
    server.fault(operation, answer);
    const result = await runK6d({ files: SCRIPT, args: ["cloud", "run", "script.js"], env: cloudEnv(server) });
    assertEquals(result.code, 255);
    const [message = "", ...more] = logEntries(result.stderr).map(({ msg = "" }) => msg);
    assertMatch(message, error);
    assertEquals([more, server.violations], [[], []]);
    assertEquals(`${result.stdout}${result.stderr}`.includes(ACCOUNT.token), false);
  });
}

Deno.test("calls that fail for a moment are made again, and the debug log tells of them without the token", async () => {
  await using server = await ContractServer.start();
  server.fault("v6.validateOptions", { status: 503 });
  server.fault("v6.startTestRun", "lost");
  server.scriptStatuses({ type: "completed", result: "passed" });
  const result = await runK6d({ files: SCRIPT, args: ["cloud", "run", "-v", "script.js"], env: cloudEnv(server) });
  assertEquals([result.code, server.violations], [0, []]);
  assertEquals(server.callsOf("v6.startTestRun").length, 2);
  assertMatch(result.stderr, /validate_options: 503 after \d+ ms/);
  assertEquals(`${result.stdout}${result.stderr}`.includes(ACCOUNT.token), false);
});

Deno.test("a test that is started, but not answered, is not left without a word", async () => {
  await using server = await ContractServer.start();
  server.fault("v6.startTestRun", "lost");
  server.lastingFault("v6.startTestRun", "reset");
  const result = await runK6d({ files: SCRIPT, args: ["cloud", "run", "-q", "script.js"], env: cloudEnv(server) });
  assertEquals(result.code, 255);
  assertMatch(
    result.stderr,
    /msg="cannot start the test: [^\n]*; it may run nevertheless: look for it in the cloud"\n$/,
  );
});

Deno.test("a full disk under the output does not leave the test alone", async () => {
  await using server = await ContractServer.start();
  server.scriptStatuses({ type: "completed", result: "passed" });
  const result = await runK6d({
    files: SCRIPT,
    args: ["cloud", "run", "script.js"],
    env: cloudEnv(server),
    before: "exec > /dev/full",
  });
  assertEquals(server.callsOf("v6.testRun").length, 1);
  assertMatch(result.stderr, /^time=\S+ level=error msg="cannot write the output: No space left[^\n]*"\n$/);
  assertEquals(result.code, 255);
});

Deno.test("a cloud that is not there is one line that names its address", async () => {
  const server = await ContractServer.start();
  await server[Symbol.asyncDispose]();
  const result = await runK6d({ files: SCRIPT, args: ["cloud", "run", "-q", "script.js"], env: cloudEnv(server) });
  assertEquals(result.code, 255);
  assertEquals(complaints(result), [
    `error cannot validate the options: ${server.origin}: connection refused; check the network and K6_CLOUD_HOST_V6`,
  ]);
});

const BEFORE_START: readonly OperationName[] = ["v6.validateOptions", "v6.createLoadTest"];

for (const operation of BEFORE_START) {
  Deno.test(`Ctrl-C while ${operation} is under way starts nothing`, async () => {
    await using server = await ContractServer.start();
    server.fault(operation, "hang");
    await using run = await K6dProcess.start({
      files: SCRIPT,
      args: ["cloud", "run", "script.js"],
      env: cloudEnv(server),
    });
    await server.called(operation);
    run.signal("SIGINT");
    const result = await run.ended();
    assertEquals(complaints(result), [
      "error nothing was started in the cloud, because k6d received a 'interrupt' signal",
    ]);
    assertEquals([result.code, server.callsOf("v6.startTestRun")], [105, []]);
  });
}

Deno.test("SIGTERM while a script that never ends is read ends k6d", async () => {
  await using server = await ContractServer.start();
  await using run = await K6dProcess.start({
    files: `console.log("reading"); for (;;); export default function () {}`,
    args: ["cloud", "run", "script.js"],
    env: cloudEnv(server),
  });
  await run.logged(/reading/);
  run.signal("SIGTERM");
  const { code, stderr } = await run.ended();
  assertMatch(stderr, /nothing was started in the cloud, because k6d received a 'terminated' signal/);
  assertEquals([code, server.calls], [105, []]);
});

Deno.test("Ctrl-C while the test is started aborts it as soon as it is known", async () => {
  await using server = await ContractServer.start();
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  server.fault("v6.startTestRun", { until: answered });
  await using run = await K6dProcess.start({
    files: SCRIPT,
    args: ["cloud", "run", "script.js"],
    env: cloudEnv(server),
  });
  await server.called("v6.startTestRun");
  run.signal("SIGINT");
  await run.logged(/another one ends k6d at once/);
  resolve();
  const result = await run.ended();
  assertEquals(result.code, 97);
  assertMatch(result.stdout, /test status: Aborted \(by user\)/);
  assertEquals([server.callsOf("v6.abortTestRun").length, server.violations], [1, []]);
});

Deno.test("Ctrl-C aborts a running test and waits until it has ended; the second one ends k6d", async () => {
  await using server = await ContractServer.start();
  server.scriptStatuses({ type: "running" });
  const start = () =>
    K6dProcess.start({ files: SCRIPT, args: ["cloud", "run", "-q", "script.js"], env: cloudEnv(server) });
  {
    await using run = await start();
    await server.succeeded("v6.testRun");
    run.signal("SIGINT");
    const result = await run.ended();
    assertEquals(complaints(result), [
      "warning the test is told to end because k6d received a 'interrupt' signal; another one ends k6d at once",
      "error the test run failed: it was aborted by a user",
    ]);
    assertEquals(result.code, 97);
  }
  const looks = server.callsOf("v6.testRun").length;
  server.fault("v6.abortTestRun", "hang");
  await using run = await start();
  await server.succeeded("v6.testRun", looks + 1);
  run.signal("SIGINT");
  await server.called("v6.abortTestRun", 2);
  run.signal("SIGINT");
  assertEquals((await run.ended()).code, 105);
  assertEquals(server.violations, []);
});

const MISTAKES:
  readonly (readonly [what: string, env: Record<string, string>, script: string, code: number, error: RegExp])[] = [
    ["no token", { K6_CLOUD_TOKEN: "" }, SCRIPT, 255, /^k6d cloud run needs a token: `k6d cloud login` stores one/],
    ["no stack", { K6_CLOUD_STACK_ID: "" }, SCRIPT, 255, /^k6d cloud run needs a stack: `k6d cloud login` stores one/],
    ["a blank name", { K6_CLOUD_NAME: "  " }, SCRIPT, 255, /has 0 \(K6_CLOUD_NAME\): set options\.cloud\.name or K6/],
    ["a wrong switch", { K6_SHOW_CLOUD_LOGS: "maybe" }, SCRIPT, 104, /^K6_SHOW_CLOUD_LOGS: /],
    [
      "a wrong setting",
      { K6_CLOUD_TIMEOUT: "soon" },
      SCRIPT,
      255,
      /^invalid timeout \(K6_CLOUD_TIMEOUT\) "soon"/,
    ],
    [
      "wrong options",
      {},
      "export const options = { vus: -1 }; export default function () {}",
      104,
      /^scenario default has configuration errors/,
    ],
    [
      "a wrong threshold",
      {},
      `export const options = { thresholds: { nothing: ["rate<1"] } }; export default function () {}`,
      104,
      /^invalid threshold defined on nothing; reason: /,
    ],
    ["a script that throws", {}, "throw new Error('no'); export default function () {}", 107, /no/],
  ];

for (const [what, env, files, code, error] of MISTAKES) {
  Deno.test(`${what}: one line, and nothing is sent`, async () => {
    await using server = await ContractServer.start();
    const result = await runK6d({
      files,
      args: ["cloud", "run", "-q", "script.js"],
      env: { ...cloudEnv(server), ...env },
    });
    const [message = "", ...more] = logEntries(result.stderr).map(({ msg = "" }) => msg);
    assertMatch(message, error);
    assertEquals([result.code, more, server.calls], [code, [], []]);
  });
}

testWithPrograms("a terminal shows one line with a bar, above which the log goes", [SCRIPT_PROGRAM], async (path) => {
  await using server = await ContractServer.start();
  server.scriptStatuses({ type: "completed", result: "passed" });
  server.lastingFault("logs.tail", { status: 401 });
  const { code, stdout } = await runK6d({
    files: SCRIPT,
    args: ["cloud", "run", "-v", "script.js"],
    env: { ...cloudEnv(server), TERM: "xterm" },
    before: `exec ${path} -qec "stty cols 90 rows 30; $(printf "'%s' " "$@")" /dev/null`,
  });
  assertEquals(code, 0, stdout);
  const shown = stdout.replaceAll("\r\n", "\n").replaceAll("\x1b", "^").replaceAll(/\^\[[\d;]*m/g, "");
  for (const step of ["Reading the script", "Uploading the archive (", "Starting the test"]) {
    assertMatch(shown, RegExp(`\nInit   \\[[=>-]+\\] ${RegExp.escape(step)}`));
  }
  // The bar is taken away before a line of the log, and drawn again after it.
  assertMatch(shown, /\^\[J(?:DEBU|time=\S+ level=debug).*\n\nInit {3}\[/);
  assertMatch(shown, /\nRun {3}\[=+\] Finished\n\n {5}test status: Finished\n\n$/);
});
