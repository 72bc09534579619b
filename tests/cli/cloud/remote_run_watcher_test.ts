import { assertEquals } from "@std/assert";
import { type RemoteEnd, RemoteRunWatcher } from "../../../src/cli/cloud/remote_run_watcher.ts";
import { CloudClient } from "../../../src/output/cloud/api/cloud_client.ts";
import { V6Api } from "../../../src/output/cloud/api/v6_api.ts";
import { type Clock, nextTurn, systemClock } from "../../../src/output/clock.ts";
import { NEW_RUN } from "../../../src/hub/new_run.ts";
import { ACCOUNT, ContractServer, type ScriptedStatus } from "../../support/cloud/contract_server.ts";
import { htmlAnswer } from "../../support/cloud/faults.ts";

Deno.test("the progress of a test is told from its creation to its end", async () => {
  await using test = await WatchedTest.start({ durationSeconds: 8 });
  const { end, progress } = await test.watch([
    { type: "created" },
    { type: "queued" },
    { type: "initializing" },
    { type: "running" },
    { type: "running" },
    { type: "running" },
    { type: "processing_metrics" },
    { type: "completed", result: "passed" },
  ]);
  assertEquals(end, { exitCode: 0, message: "", status: "Finished" });
  assertEquals(progress, [
    "Created 0",
    "Queued 0",
    "Initializing 0",
    "Running 0 0/8000",
    "Running 0.25 2000/8000",
    "Running 0.5 4000/8000",
    "Processing Metrics 1",
    "Finished 1",
  ]);
  assertEquals([test.errors, test.server.violations], [[], []]);
});

Deno.test("a test that takes longer than was thought, or without an estimate, has no wrong progress", async () => {
  const running: ScriptedStatus[] = [{ type: "running" }, { type: "running" }, { type: "completed", result: "passed" }];
  await using short = await WatchedTest.start({ durationSeconds: 1 });
  assertEquals((await short.watch(running)).progress, ["Running 0 0/1000", "Running 1 1000/1000", "Finished 1"]);
  await using unknown = await WatchedTest.start({ durationSeconds: null });
  assertEquals((await unknown.watch(running)).progress, ["Running 0", "Running 0", "Finished 1"]);
});

const OUTCOMES: readonly (readonly [status: ScriptedStatus, end: RemoteEnd])[] = [
  [
    { type: "completed", result: "failed" },
    { exitCode: 99, message: "Thresholds have been crossed", status: "Finished" },
  ],
  [
    { type: "aborted", result: "failed" },
    { exitCode: 99, message: "Thresholds have been crossed", status: "Aborted" },
  ],
  [{ type: "completed", result: "error" }, { exitCode: 97, message: "the test run failed", status: "Finished" }],
  [{ type: "aborted" }, { exitCode: 97, message: "the test run failed", status: "Aborted" }],
  [
    { type: "aborted", result: "error", byUser: "jane" },
    { exitCode: 97, message: "the test run failed: it was aborted by a user", status: "Aborted (by user)" },
  ],
  [
    { type: "aborted", result: "error", message: "out of memory", code: 8034 },
    { exitCode: 97, message: "the test run failed: out of memory (code 8034)", status: "Aborted" },
  ],
];

for (const [status, expected] of OUTCOMES) {
  Deno.test(`a test that ends as ${JSON.stringify(status)} is exit code ${expected.exitCode}`, async () => {
    await using test = await WatchedTest.start();
    assertEquals((await test.watch([status])).end, expected);
    assertEquals([test.errors, test.server.violations], [[], []]);
  });
}

Deno.test("looks that fail are told once for as long as they fail alike, and looking goes on", async () => {
  await using test = await WatchedTest.start();
  test.server.fault("v6.testRun", { delayMs: 0 }, ...Array(12).fill(htmlAnswer(502)), { delayMs: 0 }, { status: 403 });
  const { end } = await test.watch([{ type: "running" }, { type: "running" }, { type: "completed", result: "passed" }]);
  assertEquals(end.exitCode, 0);
  assertEquals(test.errors, [
    "cannot ask for the test run 1001: (502) unexpected answer; the service has failed: try again later",
    "cannot ask for the test run 1001: (403) not allowed to upload result to k6 Cloud; check that the token may use " +
    "the project (K6_CLOUD_PROJECT_ID) and the stack (K6_CLOUD_STACK_ID)",
  ]);
});

Deno.test("a service that never tells anything is given up after a minute", async () => {
  await using test = await WatchedTest.start();
  test.server.lastingFault("v6.testRun", { status: 500 });
  const { end } = await test.watch([]);
  assertEquals(end, {
    exitCode: 98,
    message: "nothing is known of the test run 1001, which may still run: the service has not told for 60 s",
    status: null,
  });
  assertEquals(test.errors.length, 1);
});

Deno.test("an abort that fails is told, and the test is watched to its end", async () => {
  await using test = await WatchedTest.start();
  test.server.fault("v6.abortTestRun", { status: 403 });
  test.interruption.abort("interrupt");
  const { end } = await test.watch([{ type: "running" }, { type: "completed", result: "passed" }]);
  assertEquals(end, { exitCode: 0, message: "", status: "Finished" });
  assertEquals(test.errors.map((error) => error.slice(0, 34)), ["cannot abort the test run 1001: (4"]);
});

Deno.test("an abort of a test that is over already changes nothing", async () => {
  await using test = await WatchedTest.start();
  test.interruption.abort("interrupt");
  test.server.fault("v6.abortTestRun", { status: 409 });
  const { end } = await test.watch([{ type: "running" }, { type: "completed", result: "failed" }]);
  assertEquals([end.exitCode, test.errors], [99, []]);
});

const LIMIT_MS = 20_000;

/** A remote test on a cloud whose waits take no time. */
class WatchedTest implements AsyncDisposable {
  readonly server: ContractServer;
  readonly errors: string[] = [];
  readonly interruption = new AbortController();
  readonly #testRunId: string;
  readonly #client: CloudClient;
  readonly #clock: Clock;

  private constructor(server: ContractServer, testRunId: string) {
    this.server = server;
    this.#testRunId = testRunId;
    let nowMs = 0;
    this.#clock = {
      now: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
        await nextTurn();
      },
    };
    // Pauses between attempts take no time, the limits of requests do.
    const clock: Clock = {
      now: () => systemClock.now(),
      sleep: (ms, signal) => ms < LIMIT_MS / 2 ? nextTurn() : systemClock.sleep(ms, signal),
    };
    const log = { debug: () => {} };
    this.#client = new CloudClient({ version: "test", timeoutMs: LIMIT_MS, log, clock, connections: 2 });
  }

  static async start({ durationSeconds = null }: { durationSeconds?: number | null } = {}): Promise<WatchedTest> {
    const server = await ContractServer.start();
    const run = await server.store.addTestRun({
      ...NEW_RUN,
      stackId: ACCOUNT.stackId,
      projectId: ACCOUNT.defaultProjectId,
      name: "shop",
      kind: "remote",
      durationSeconds,
      history: [{ type: "created", enteredAtEpochMs: 0 }],
    });
    return new WatchedTest(server, run.id);
  }

  /** Watches the test while its looks see these states; progress as `Running 0.5 4000/8000`. */
  async watch(statuses: readonly ScriptedStatus[]): Promise<{ readonly end: RemoteEnd; readonly progress: string[] }> {
    this.server.scriptStatuses(...statuses);
    const { token, stackId } = ACCOUNT;
    const progress: string[] = [];
    const run = new RemoteRunWatcher({
      api: new V6Api(this.#client, { host: this.server.origin, token, stackId }),
      testRunId: this.#testRunId,
      exitOnRunning: false,
      clock: this.#clock,
      log: { error: (message) => this.errors.push(message) },
      onProgress: ({ text, fraction, elapsed }) =>
        progress.push(`${text} ${fraction}${elapsed === null ? "" : ` ${elapsed.ms}/${elapsed.ofMs}`}`),
    });
    return { end: await run.watch(this.interruption.signal), progress };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.server[Symbol.asyncDispose]();
  }
}
