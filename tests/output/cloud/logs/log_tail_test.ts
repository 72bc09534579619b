import { assertEquals, assertMatch } from "@std/assert";
import { ServerWebSocket } from "../../../../src/hub/web_socket.ts";
import type { LogLine } from "../../../../src/hub/store.ts";
import type { Clock } from "../../../../src/output/clock.ts";
import { followLog, type TailedLine } from "../../../../src/output/cloud/logs/log_tail.ts";
import type { Fault } from "../../../support/cloud/faults.ts";
import { ACCOUNT, ContractServer } from "../../../support/cloud/contract_server.ts";

Deno.test("lines come with their level, labels and time", async () => {
  await using server = await ContractServer.start();
  const { id } = await server.addTestRun();
  await server.store.addLogLines(id, [
    line(2_000_001n, "second", { level: "warning", lz: "a" }),
    line(1n, "too early"),
  ]);
  using tail = new Tail(server, id, 1);
  await server.succeeded("logs.tail");
  await server.store.addLogLines(id, [
    line(4_000_000n, "later", { level: "error" }),
    line(3_500_000n, "first of two", { level: "loud" }),
  ]);
  assertEquals(await tail.told(3), [
    { level: "warn", message: "second", labels: { lz: "a" }, atEpochMs: 2 },
    { level: "info", message: "first of two", labels: {}, atEpochMs: 3 },
    { level: "error", message: "later", labels: {}, atEpochMs: 4 },
  ]);
  await tail.end();
  assertEquals(tail.warnings, [`the test's log has lines of the unknown level "loud": shown as info`]);
  assertEquals(server.violations, []);
});

Deno.test("what comes while the connection is lost is told after it, and nothing twice", async () => {
  await using server = await ContractServer.start();
  const { id } = await server.addTestRun();
  await server.store.addLogLines(id, [line(1n, "a"), line(2n, "b")]);
  using tail = new Tail(server, id);
  await tail.told(2);
  server.fault("logs.tail", { status: 503 }, "reset");
  server.dropTails();
  await server.called("logs.tail", 3);
  await server.store.addLogLines(id, [line(3n, "c")]);
  assertEquals((await tail.told(3)).map(({ message }) => message), ["a", "b", "c"]);
  assertEquals(server.callsOf("logs.tail").map(({ request }) => request.query.get("start")), ["0", "3", "3", "3"]);
  const [short, first, second] = tail.pauses;
  assertEquals([short, Math.trunc(first! / 1000), Math.trunc(second! / 1000)], [500, 5, 25]);
  await tail.end();
  assertEquals([tail.warnings, server.violations], [[], []]);
});

const REFUSALS: readonly (readonly [what: string, fault: Fault, reason: RegExp])[] = [
  ["refuses", { status: 401 }, /Invalid status code: 401$/],
  ["breaks off", "reset", /the test goes on without: \S+/],
  ["is no WebSocket", "garbage", /the test goes on without: \S+/],
];

for (const [what, fault, reason] of REFUSALS) {
  Deno.test(`a service that ${what} is asked three times, and that is said in one line`, async () => {
    await using server = await ContractServer.start();
    const { id } = await server.addTestRun();
    server.lastingFault("logs.tail", fault);
    using tail = new Tail(server, id);
    await tail.ended;
    assertEquals(server.callsOf("logs.tail").length, 3);
    assertEquals(tail.warnings.length, 1);
    assertMatch(tail.warnings[0]!, /^cannot read the test's log from ws:\/\/127\.0\.0\.1:\d+\/api\/v1\/tail, /);
    assertMatch(tail.warnings[0]!, reason);
    assertEquals(tail.warnings[0]!.includes(ACCOUNT.token), false);
  });
}

Deno.test("dropped lines and messages that make no sense are warned of, and the rest is told", async () => {
  await using server = await ContractServer.start();
  const { id } = await server.addTestRun();
  server.fault("logs.tail", {
    takeOver: (request, connection) => {
      const socket = ServerWebSocket.accept(request, connection);
      socket.send(`{"streams":null,"dropped_entries":[{"labels":{},"timestamp":"7"},{"labels":{},"timestamp":"8"}]}`);
      for (const nonsense of ["{", "[]", `{"streams":[{"stream":{},"values":[["soon","x"]]}]}`]) socket.send(nonsense);
      socket.send(`{"streams":[{"stream":{"level":"debug"},"values":[["9","x"]]}]}`);
      socket.close(1011);
    },
  });
  using tail = new Tail(server, id);
  assertEquals((await tail.told(1)).map(({ level, message }) => `${level} ${message}`), ["debug x"]);
  await server.succeeded("logs.tail", 1);
  await tail.end();
  assertEquals(tail.warnings, [
    "2 lines of the test's log were dropped by the service",
    "a message of the test's log can't be understood",
  ]);
});

Deno.test("a tail that nobody wants any longer ends, also while it connects", async () => {
  await using server = await ContractServer.start();
  const { id } = await server.addTestRun();
  server.fault("logs.tail", "hang");
  using tail = new Tail(server, id);
  await server.called("logs.tail");
  await tail.end();
  assertEquals(tail.warnings, []);
});

Deno.test("a log that could not be read before the test ended is missed", async () => {
  await using server = await ContractServer.start();
  const { id } = await server.addTestRun();
  server.fault("logs.tail", { status: 401 }, "hang");
  using tail = new Tail(server, id);
  await server.called("logs.tail", 2);
  await tail.end();
  assertMatch(tail.warnings.join("\n"), /^cannot read the test's log from ws:\S+: .*Invalid status code: 401$/);
});

/** Follows a log and keeps what it is told. Pauses take no time. */
class Tail implements Disposable {
  readonly ended: Promise<void>;
  readonly warnings: string[] = [];
  readonly pauses: number[] = [];
  readonly #ending = new AbortController();
  readonly #lines: TailedLine[] = [];
  #wake = () => {};

  constructor(server: ContractServer, testRunId: string, fromEpochMs = 0) {
    const clock: Clock = {
      now: () => 0,
      sleep: (ms, signal) => {
        // The limit of connecting.
        if (ms === 30_000) return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
        this.pauses.push(ms);
        return Promise.resolve();
      },
    };
    this.ended = followLog({
      url: `${server.tailUrl.replace("//", "//user:word@")}#here`,
      token: ACCOUNT.token,
      testRunId,
      userAgent: "k6d/test",
      fromEpochMs,
      clock,
      onLine: (line) => {
        this.#lines.push(line);
        this.#wake();
      },
      onWarning: (message) => this.warnings.push(message),
    }, this.#ending.signal);
  }

  /** Resolves when that many lines have come. */
  async told(count: number): Promise<readonly TailedLine[]> {
    while (this.#lines.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#lines;
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.ended;
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
  }
}

function line(atEpochNs: bigint, message: string, labels: Record<string, string> = { level: "info" }): LogLine {
  return { atEpochNs, message, labels };
}
