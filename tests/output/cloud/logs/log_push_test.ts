import { assert, assertEquals } from "@std/assert";
import type { LogsPushConfig } from "../../../../src/output/cloud/config.ts";
import { LogPush } from "../../../../src/output/cloud/logs/log_push.ts";
import type { LogLevel, LogLine } from "../../../../src/output/log_line.ts";
import { ContractServer } from "../../../support/cloud/contract_server.ts";
import { htmlAnswer, v6ErrorAnswer } from "../../../support/cloud/faults.ts";
import { keepAlive } from "../../../support/keep_alive.ts";

/** A log that is pushed for a run of a service that keeps to the contract. */
async function pushedLog(change: Partial<LogsPushConfig> = {}) {
  const stack = new AsyncDisposableStack();
  stack.use(keepAlive());
  const server = stack.use(await ContractServer.start());
  const run = await server.addTestRun();
  const followers = new Set<(line: LogLine) => void>();
  const warnings: string[] = [];
  const redacted: string[] = [];
  const write = (message: string, level: LogLevel = "info", fields: Record<string, string> = {}) => {
    const line = { level, message, fields: Object.entries(fields), atEpochMs: Date.now() };
    for (const follow of followers) follow(line);
  };
  const warn = (message: string) => {
    warnings.push(message);
    write(message, "warn");
  };
  const push = new LogPush(
    {
      url: `${server.origin}/api/v1/push`,
      token: run.scopedToken,
      level: null,
      limit: 100,
      // Only `close` pushes, unless a test wants it otherwise.
      periodMs: 1e9,
      maxMessageBytes: 1000,
      allowedLabels: new Set(["test_run_id", "level"]),
      ...change,
    },
    run.id,
    {
      version: "1.2.3",
      env: {},
      log: { debug: (message) => write(message, "debug"), info() {}, warn, error: warn },
      redact: (text) => redacted.push(text),
      followLog: (follow) => {
        followers.add(follow);
        return () => followers.delete(follow);
      },
    },
  );
  const arrived = () => server.store.logLines(run.id, 0n);
  return {
    server,
    run,
    push,
    write,
    warnings,
    redacted,
    followers,
    arrived,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("lines arrive with run and level as labels, and with all else in their texts", async () => {
  await using log = await pushedLog();
  log.write("one", "info", { source: "console", vu: "1" });
  log.write("two", "warn");
  await log.push.close();
  log.write("after the end");
  const lines = (await log.arrived()).map(({ message, labels }) => ({ message, labels }));
  const test_run_id = log.run.id;
  assertEquals(lines, [
    { message: "one source=console vu=1", labels: { level: "info", test_run_id } },
    { message: "two", labels: { level: "warning", test_run_id } },
  ]);
  assertEquals([log.warnings, log.server.violations, log.redacted], [[], [], [log.run.scopedToken]]);
});

Deno.test("lines arrive while the test runs", async () => {
  await using log = await pushedLog({ periodMs: 1 });
  log.write("early");
  await log.server.succeeded("logs.push");
  assertEquals((await log.arrived()).map(({ message }) => message), ["early"]);
  await log.push.close();
});

Deno.test("what is said of pushes is not pushed, at any level", async () => {
  await using log = await pushedLog({ periodMs: 1 });
  log.write("one");
  await log.server.succeeded("logs.push");
  log.write("two", "debug");
  await log.push.close();
  assertEquals((await log.arrived()).map(({ message }) => message), ["one", "two"]);
});

Deno.test("lines below the level stay here", async () => {
  await using log = await pushedLog({ level: "warn" });
  for (const level of ["debug", "info", "warn", "error"] as const) log.write(level, level);
  await log.push.close();
  assertEquals((await log.arrived()).map(({ message }) => message), ["warn", "error"]);
});

Deno.test("more lines than the service takes are counted in one", async () => {
  await using log = await pushedLog({ limit: 2 });
  for (const text of ["a", "b", "c", "d", "e"]) log.write(text);
  await log.push.close();
  const [, , last] = await log.arrived();
  assert(last?.message.startsWith("k6d dropped 3 lines of the log"), last?.message);
});

Deno.test("a line has no more bytes than the service takes", async () => {
  await using log = await pushedLog({ maxMessageBytes: 60 });
  log.write("ü".repeat(500), "info", { source: "console" });
  await log.push.close();
  const [line] = await log.arrived();
  assertEquals(line?.message, `${"ü".repeat(12)}...omitted...${"ü".repeat(4)} source=console`);
});

Deno.test("a push that fails is told once for each kind, is not repeated, and is not told to the service", async () => {
  await using log = await pushedLog({ periodMs: 1 });
  const { server } = log;
  server.fault(
    "logs.push",
    v6ErrorAnswer(500, "broken", "id 1"),
    v6ErrorAnswer(500, "broken", "id 2"),
    htmlAnswer(413),
  );
  for (let push = 1; push <= 3; push++) {
    log.write(`line ${push}`);
    await server.called("logs.push", push);
  }
  log.write("well");
  await log.push.close();
  const host = new URL(server.origin).host;
  assertEquals(log.warnings.map((text) => text.replace(/[{<].*/, "…")), [
    `cloud output: lines of the log did not get to the cloud at ${host}: it answered 500: …`,
    `cloud output: lines of the log did not get to the cloud at ${host}: it answered 413: …`,
  ]);
  assertEquals((await log.arrived()).map(({ message }) => message), ["well"]);
});

Deno.test("a service that refuses the token is told of, once", async () => {
  await using log = await pushedLog({ token: "wrong-token" });
  log.server.fault("logs.push", htmlAnswer(401));
  log.write("a");
  await log.push.close();
  assertEquals(log.warnings.length, 1);
  assertEquals(log.redacted, ["wrong-token"]);
});
