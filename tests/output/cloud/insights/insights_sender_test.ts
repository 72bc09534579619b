/** When the cloud is told of traced requests, and what becomes of failures, with time that passes when the test says so. */

import { assertEquals, assertMatch } from "@std/assert";
import { GIVEN_UP } from "../../../../src/output/http_client.ts";
import type { Ingester, IngesterAnswer, IngesterRefusal } from "../../../../src/output/cloud/insights/ingester.ts";
import { InsightsSender } from "../../../../src/output/cloud/insights/insights_sender.ts";
import { decodeRequestMetadatas } from "../../../support/cloud/request_metadata_decoder.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { RequestSamples, traced, traceIdOf } from "./request_samples.ts";

/** A call of the service: when it came, in seconds since the start, and of which trace ids it told. */
interface MadeCall {
  readonly at: number;
  readonly ids: readonly number[];
  readonly timeoutMs: number;
}

/** What the service answers: at once, or after some seconds unless it is cut short. */
type Scripted = IngesterAnswer | { readonly afterMs: number; readonly answer: IngesterAnswer };

const TAKEN = { kind: "taken" } as const;

const unavailable: IngesterRefusal = { kind: "busy", cause: "UNAVAILABLE", detail: "later" };
const unreachable: IngesterRefusal = { kind: "unreachable", cause: "connection refused", detail: "" };

/** A sender with a service that answers as scripted, by default that it has taken a message. */
class SenderRun {
  readonly clock = new FakeClock();
  readonly calls: MadeCall[] = [];
  readonly warnings: string[] = [];
  readonly sender: InsightsSender;
  connections = 0;
  open = 0;
  readonly #samples = new RequestSamples();
  readonly #startMs = this.clock.nowMs;
  readonly #answers: Scripted[] = [];

  constructor({ enabled = true, pushConcurrency = 1 } = {}) {
    const quiet = () => {};
    this.sender = new InsightsSender({
      config: { enabled, host: "traces.example:443", pushIntervalMs: 1000, pushConcurrency },
      testRunId: "123",
      token: "t",
      series: this.#samples.registry.series,
      clock: this.clock,
      log: { debug: quiet, info: quiet, error: quiet, warn: (message) => this.warnings.push(message) },
      version: "1.2.3",
      connect: () => Promise.resolve(this.#connect()),
    });
  }

  /** The answers to the next calls. */
  answer(...answers: readonly Scripted[]): void {
    this.#answers.push(...answers);
  }

  /** Samples of requests with these trace ids; 0: without one. */
  add(...ids: readonly number[]): void {
    const requests = ids.map((id) => ({ metadata: id === 0 ? null : traced(traceIdOf(id)) }));
    for (const batch of this.#samples.of(...requests)) this.sender.addSamples(batch);
  }

  /** Stops while time passes; returns how many seconds that took. */
  async stop(): Promise<number> {
    const beganMs = this.clock.nowMs;
    let endedMs = NaN;
    const stopped = this.sender.stop().then(() => endedMs = this.clock.nowMs);
    await this.clock.advance(120_000);
    await stopped;
    return (endedMs - beganMs) / 1000;
  }

  get seconds(): number {
    return (this.clock.nowMs - this.#startMs) / 1000;
  }

  #connect(): Ingester {
    this.connections++;
    this.open++;
    return {
      create: (body, timeoutMs, signal) => this.#create(body, timeoutMs, signal),
      close: () => this.open--,
    };
  }

  async #create(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<IngesterAnswer> {
    const ids = decodeRequestMetadatas(body).map(({ traceId }) => Number(`0x${traceId}`));
    this.calls.push({ at: this.seconds, ids, timeoutMs });
    const scripted = this.#answers.shift() ?? TAKEN;
    if (!("afterMs" in scripted)) return scripted;
    await this.clock.sleep(Math.min(scripted.afterMs, timeoutMs), signal);
    if (signal.aborted) return { kind: "unreachable", cause: GIVEN_UP, detail: "" };
    return scripted.afterMs > timeoutMs
      ? { kind: "unreachable", cause: "no answer in time", detail: "" }
      : scripted.answer;
  }
}

/** An answer that never comes. */
const NEVER: Scripted = { afterMs: Infinity, answer: TAKEN };

Deno.test("without a trace id nothing happens at all", async () => {
  const run = new SenderRun();
  run.add(0, 0);
  await run.clock.advance(10_000);
  assertEquals([await run.stop(), run.connections, run.warnings], [0, 0, []]);
});

Deno.test("when it is switched off nothing happens at all", async () => {
  const run = new SenderRun({ enabled: false });
  run.add(1);
  await run.clock.advance(10_000);
  assertEquals([await run.stop(), run.connections, run.warnings], [0, 0, []]);
});

Deno.test("requests are told every push interval over one connection, and the rest at the end", async () => {
  const run = new SenderRun();
  run.add(0, 1, 0, 2);
  await run.clock.advance(500);
  run.add(3);
  await run.clock.advance(2500);
  run.add(4);
  await run.clock.advance(1000);
  run.add(5);
  assertEquals(await run.stop(), 0);
  assertEquals(run.calls.map(({ at, ids }) => [at, ids]), [[1, [1, 2, 3]], [4, [4]], [4, [5]]]);
  assertEquals([run.connections, run.open, run.warnings], [1, 0, []]);
});

Deno.test("a service that is busy is tried three times, with waits of 1 and 2 seconds, give or take a tenth", async () => {
  const run = new SenderRun();
  run.answer(unavailable, unavailable);
  run.add(1);
  await run.clock.advance(10_000);
  const [first, second, third, ...more] = run.calls.map(({ at }) => at);
  assertEquals([first, more], [1, []]);
  for (const [waited, expected] of [[second! - first!, 1], [third! - second!, 2]] as const) {
    assertEquals(waited >= 0.9 * expected && waited <= 1.1 * expected, true, `${waited} s`);
  }
  await run.stop();
  assertEquals(run.warnings, []);
});

Deno.test("what three attempts did not bring there is given up: said once, and counted at the end", async () => {
  const run = new SenderRun();
  run.answer(TAKEN, ...Array(6).fill(unavailable));
  for (const id of [1, 2, 3, 4]) {
    run.add(id);
    await run.clock.advance(10_000);
  }
  await run.stop();
  assertEquals(run.calls.map(({ ids }) => ids[0]), [1, 2, 2, 2, 3, 3, 3, 4]);
  assertEquals(run.warnings, [
    "cloud output: traces.example:443 was not told of 1 traced request: UNAVAILABLE: later",
    "cloud output: 2 of 4 requests with trace ids are missing at traces.example:443 (UNAVAILABLE ×2)",
  ]);
});

Deno.test("an attempt takes 30 seconds at most, and all of them 90", async () => {
  const run = new SenderRun();
  run.answer(TAKEN, NEVER, NEVER, NEVER);
  run.add(1);
  await run.clock.advance(1000);
  run.add(2);
  await run.clock.advance(95_000);
  const limits = run.calls.slice(1).map(({ timeoutMs }) => timeoutMs);
  assertEquals([run.calls.length, limits[0], limits[1]], [4, 30_000, 30_000]);
  assertEquals(limits[2]! < 28_000, true);
  await run.stop();
  assertEquals(run.warnings.length, 2);
});

for (
  const [what, refusal, attempts] of [
    ["a host that can't be reached", unreachable, 3],
    ["a service that does not know the token", { kind: "unwelcome", cause: "UNAUTHENTICATED", detail: "" }, 1],
  ] as const
) {
  Deno.test(`${what} is given up with one warning`, async () => {
    const run = new SenderRun();
    run.answer(...Array(attempts).fill(refusal));
    run.add(1);
    await run.clock.advance(10_000);
    run.add(2);
    await run.clock.advance(10_000);
    assertEquals(await run.stop(), 0);
    assertEquals([run.calls.length, run.open], [attempts, 0]);
    assertEquals(run.warnings, [
      `cloud output: cannot tell traces.example:443 which requests had trace ids (${refusal.cause}), and does not try ` +
      "again in this run: check K6_CLOUD_TRACES_HOST and the token, or set K6_CLOUD_TRACES_ENABLED=false",
    ]);
  });
}

Deno.test("a service that worked before is tried again with the next requests", async () => {
  const run = new SenderRun();
  run.answer(TAKEN, unreachable, unreachable, unreachable);
  for (const id of [1, 2, 3]) {
    run.add(id);
    await run.clock.advance(10_000);
  }
  await run.stop();
  assertEquals(run.calls.map(({ ids }) => ids[0]), [1, 2, 2, 2, 3]);
  assertMatch(run.warnings.at(-1)!, /1 of 3 requests .* \(connection refused ×1\)/);
});

Deno.test("a message that is refused for good is not sent again", async () => {
  const run = new SenderRun();
  run.answer({ kind: "refused", cause: "INVALID_ARGUMENT", detail: "bad" });
  run.add(1);
  await run.clock.advance(5000);
  run.add(2);
  await run.clock.advance(5000);
  await run.stop();
  assertEquals(run.calls.map(({ ids }) => ids[0]), [1, 2]);
});

Deno.test("after a discard nothing is sent any more, and nothing said", async () => {
  const run = new SenderRun();
  run.answer(TAKEN, NEVER);
  run.add(1);
  await run.clock.advance(1000);
  run.add(2);
  await run.clock.advance(1000);
  run.add(3);
  run.sender.discard();
  run.add(4);
  await run.clock.advance(10_000);
  assertEquals([await run.stop(), run.open], [0, 0]);
  assertEquals(run.calls.map(({ ids }) => ids[0]), [1, 2]);
  assertEquals(run.warnings, []);
});

Deno.test("while a push is under way, requests wait for the next one", async () => {
  const run = new SenderRun();
  run.answer({ afterMs: 3500, answer: TAKEN });
  for (const id of [1, 2, 3, 4]) {
    run.add(id);
    await run.clock.advance(1000);
  }
  await run.clock.advance(5000);
  // The second message was complete when the first was under way; the third grew meanwhile.
  assertEquals(run.calls.map(({ at, ids }) => [at, ids]), [[1, [1]], [4.5, [2]], [5, [3, 4]]]);
  await run.stop();
});

Deno.test("as many pushes as the setting allows are under way at the same time, each over a connection of its own", async () => {
  const run = new SenderRun({ pushConcurrency: 2 });
  run.answer({ afterMs: 9000, answer: TAKEN }, { afterMs: 9000, answer: TAKEN });
  for (const id of [1, 2, 3]) {
    run.add(id);
    await run.clock.advance(1000);
  }
  assertEquals([run.calls.map(({ ids }) => ids[0]), run.connections], [[1, 2], 2]);
  await run.clock.advance(10_000);
  assertEquals(run.calls.length, 3);
  await run.stop();
  assertEquals([run.open, run.warnings], [0, []]);
});

Deno.test("the end of the run waits 15 seconds for a service that hangs, and 5 for one that never took anything", async () => {
  const known = new SenderRun();
  known.answer(TAKEN, NEVER);
  known.add(1);
  await known.clock.advance(1000);
  known.add(2);
  assertEquals([await known.stop(), known.open], [15, 0]);
  assertMatch(known.warnings.at(-1)!, /1 of 2 requests with trace ids are missing/);

  const stranger = new SenderRun();
  stranger.answer(NEVER);
  stranger.add(1, 2);
  assertEquals([await stranger.stop(), stranger.open], [5, 0]);
  assertEquals(stranger.warnings.length, 1);
});

Deno.test("at the end all messages are sent, one after the other, and a busy service is tried again", async () => {
  const run = new SenderRun();
  run.answer({ afterMs: 2500, answer: TAKEN }, unavailable);
  for (const id of [1, 2, 3]) {
    run.add(id);
    await run.clock.advance(1000);
  }
  assertEquals(await run.stop() < 15, true);
  assertEquals(run.calls.map(({ ids }) => ids[0]), [1, 2, 2, 3]);
  assertEquals(run.warnings, []);
});
