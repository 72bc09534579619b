import { assert, assertEquals, assertMatch } from "@std/assert";
import type { MetricMessage } from "../../../../src/output/cloud/metrics/metric_message.ts";
import {
  MetricPusher,
  type PusherOptions,
  type PushFailure,
  type PushOutcome,
} from "../../../../src/output/cloud/metrics/metric_pusher.ts";
import type { MetricSet } from "../../../../src/output/cloud/metrics/metric_sets.ts";
import { nextTurn } from "../../../../src/output/clock.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const DELIVERED: PushOutcome = { kind: "delivered" };
const NO_ANSWER: PushFailure = { kind: "unavailable", message: "cannot push: connection refused", cause: "no answer" };
const BROKEN: PushFailure = { kind: "failing", message: "cannot push: (500)", cause: "status 500" };
const REFUSED: PushFailure = { kind: "refused", message: "cannot push: (400) bad", cause: "status 400" };
const UNWANTED: PushFailure = { kind: "unwanted", message: "cannot push: (403/E4) stopped", cause: "403/E4" };

/** A push that waits for its outcome. */
interface Push {
  /** The message's number of series, by which tests know it. */
  readonly series: number;
  readonly key: string;
  readonly resolve: (outcome: PushOutcome) => void;
}

/** A pusher of messages of 100 bytes, whose pushes end as the test says. */
class PusherRun {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly unwanted: string[] = [];
  /** All pushes so far. */
  readonly pushes: Push[] = [];
  readonly pusher: MetricPusher;
  #taken = 0;
  #awaited = Promise.withResolvers<void>();

  constructor(options: Partial<PusherOptions> = {}) {
    const say = (level: string) => (message: string) => this.lines.push(`${level}: ${message}`);
    this.pusher = new MetricPusher({
      writer: { write: (set) => Promise.resolve(messageOf(set)) },
      push: ({ series, idempotencyKey = "" }, signal) => {
        const { promise, resolve } = Promise.withResolvers<PushOutcome>();
        signal.addEventListener("abort", () => resolve({ ...NO_ANSWER, message: "given up" }));
        this.pushes.push({ series, key: idempotencyKey, resolve });
        this.#awaited.resolve();
        return promise;
      },
      concurrency: 1,
      clock: this.clock,
      log: { debug() {}, info: say("info"), warn: say("warn"), error: say("error") },
      onUnwanted: (message) => this.unwanted.push(message),
      ...options,
    });
  }

  /** Has messages of so many series delivered. */
  deliver(...series: readonly number[]): void {
    this.pusher.deliver(series.map((seriesCount) => ({ metrics: [], seriesCount })));
  }

  /** The next push that comes. */
  async next(): Promise<Push> {
    while (this.#taken === this.pushes.length) {
      this.#awaited = Promise.withResolvers();
      await this.#awaited.promise;
    }
    return this.pushes[this.#taken++]!;
  }

  /** Answers the pushes to come with these outcomes, one after the other; returns their numbers of series. */
  async answer(...outcomes: readonly PushOutcome[]): Promise<number[]> {
    const series: number[] = [];
    for (const outcome of outcomes) {
      const push = await this.next();
      series.push(push.series);
      push.resolve(outcome);
      // What comes after a failure waits.
      if (outcome.kind === "unavailable" || outcome.kind === "failing") await this.clock.advance(10_000);
    }
    return series;
  }

  /** What the user reads at the end. */
  get report(): string | undefined {
    this.pusher.report();
    return this.lines.at(-1);
  }
}

Deno.test("messages are pushed in their order, one at a time", async () => {
  const run = new PusherRun();
  run.deliver(1, 2);
  run.deliver(3);
  const first = await run.next();
  const drained = run.pusher.drain(1000);
  assertEquals(run.pushes.length, 1);
  first.resolve(DELIVERED);
  assertEquals(await run.answer(DELIVERED, DELIVERED), [2, 3]);
  await drained;
  run.pusher.report();
  assertEquals(run.lines, []);
});

Deno.test("as many are pushed at the same time as is set", async () => {
  const run = new PusherRun({ concurrency: 3 });
  run.deliver(1, 2, 3, 4);
  const pushes = [await run.next(), await run.next(), await run.next()];
  const drained = run.pusher.drain(1000);
  assertEquals(run.pushes.length, 3);
  pushes[1]!.resolve(DELIVERED);
  pushes.push(await run.next());
  for (const { resolve } of pushes) resolve(DELIVERED);
  await drained;
  assertEquals(run.pushes.map(({ series }) => series), [1, 2, 3, 4]);
});

Deno.test("what finds no service is pushed again, with the same key, until it arrives; the user reads of both", async () => {
  const run = new PusherRun();
  run.deliver(1, 2);
  assertEquals(await run.answer(NO_ANSWER, NO_ANSWER, DELIVERED, DELIVERED), [1, 1, 1, 2]);
  await run.pusher.drain(1000);
  assertEquals(new Set(run.pushes.map(({ series, key }) => `${series} ${key}`)).size, 2);
  run.pusher.report();
  assertEquals(run.lines, [
    "error: cloud output: cannot push: connection refused; trying again",
    "info: cloud output: metrics arrive again",
  ]);
});

Deno.test("between two tries there is a pause that grows to ten seconds", async () => {
  const run = new PusherRun();
  run.deliver(1);
  for (const pauseMs of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    (await run.next()).resolve(NO_ANSWER);
    const tries = run.pushes.length;
    await run.clock.advance(pauseMs / 2 - 1);
    assertEquals(run.pushes.length, tries, `after ${pauseMs}`);
    await run.clock.advance(pauseMs / 2 + 1);
    assertEquals(run.pushes.length, tries + 1, `after ${pauseMs}`);
  }
});

Deno.test("a message is tried for five minutes, then it is lost, and the next one has its turn", async () => {
  const run = new PusherRun();
  run.deliver(1, 2);
  let tries = 0;
  for (let push = await run.next(); push.series === 1; push = await run.next()) {
    tries++;
    push.resolve(NO_ANSWER);
    await run.clock.advance(10_000);
  }
  assert(tries > 25 && tries < 40, `${tries} tries`);
  run.pushes.at(-1)!.resolve(DELIVERED);
  await run.pusher.drain(1000);
  assertEquals(
    run.report,
    "warn: cloud output: 1 of 2 batches of metrics, with 1 of 3 time series, did not arrive (no answer: 1): " +
      "the cloud's figures are too low",
  );
});

Deno.test("what is refused is not pushed again, is told once, and costs no other message", async () => {
  const run = new PusherRun();
  run.deliver(1, 2, 3, 4);
  assertEquals(await run.answer(REFUSED, DELIVERED, REFUSED, DELIVERED), [1, 2, 3, 4]);
  await run.pusher.drain(1000);
  assertEquals(run.lines, ["error: cloud output: cannot push: (400) bad"]);
  assertMatch(run.report!, /2 of 4 batches of metrics, with 4 of 10 time series, .* \(status 400: 2\)/);
});

Deno.test("when the service wants no more, nothing is pushed any longer", async () => {
  const run = new PusherRun({ concurrency: 2 });
  run.deliver(1, 2, 3);
  const [first] = [await run.next(), await run.next()];
  first.resolve(UNWANTED);
  run.deliver(4);
  await run.pusher.drain(1000);
  run.deliver(5);
  await run.pusher.drain(1000);
  assertEquals(run.pushes.length, 2);
  assertEquals(run.unwanted, ["cannot push: (403/E4) stopped"]);
  assertMatch(run.report!, /5 of 5 batches of metrics, with 15 of 15 time series, .* \(403\/E4: 5\)/);
});

Deno.test("while the service hangs the oldest messages are given up when more wait than may, with one warning", async () => {
  const run = new PusherRun({ maxWaitingBytes: 250 });
  run.deliver(1, 2, 3, 4, 5, 6);
  const hanging = await run.next();
  await nextTurns();
  hanging.resolve(DELIVERED);
  assertEquals(await run.answer(DELIVERED, DELIVERED), [5, 6]);
  assertEquals(run.lines.length, 1);
  assertMatch(run.lines[0]!, /warn: .* slower than the test makes them/);
  assertMatch(run.report!, /3 of 6 batches of metrics, with 9 of 21 time series, .* \(too many waited: 3\)/);
});

Deno.test("a service that takes ten seconds for each answer gets every message in its order, without a complaint", async () => {
  const run = new PusherRun();
  const sent: number[] = [];
  for (let batch = 1; batch <= 6; batch++) {
    // Returns at once, whatever is under way.
    run.deliver(batch);
    const { series, resolve } = await run.next();
    sent.push(series);
    await run.clock.advance(10_000);
    resolve(DELIVERED);
  }
  await run.pusher.drain(15_000);
  assertEquals([sent, run.lines], [[1, 2, 3, 4, 5, 6], []]);
});

Deno.test("what hangs at the end is given up when the time is over, and all that comes later", async () => {
  const run = new PusherRun();
  run.deliver(1, 2);
  await run.next();
  const drained = run.pusher.drain(15_000);
  await run.clock.advance(15_000);
  await drained;
  run.deliver(3);
  await run.pusher.drain(15_000);
  assertEquals(run.pushes.length, 1);
  assertMatch(run.report!, /3 of 3 batches of metrics, with 6 of 6 time series, .* \(no time left: 3\)/);
});

Deno.test("at the end an absent service is waited for five seconds", async () => {
  const run = new PusherRun();
  run.deliver(1, 2);
  const first = await run.next();
  await nextTurns();
  const startMs = run.clock.nowMs;
  const drained = run.pusher.drain(15_000);
  let hasDrained = false;
  drained.then(() => hasDrained = true);
  first.resolve(NO_ANSWER);
  while (!hasDrained) {
    await run.clock.advance(100);
    run.pushes.at(-1)!.resolve(NO_ANSWER);
  }
  const tookMs = run.clock.nowMs - startMs;
  assert(tookMs >= 5000 && tookMs < 6000, `${tookMs} ms`);
  assertMatch(run.report!, /2 of 2 batches .* \(no answer: 2\)/);
});

Deno.test("a service that comes back while the run ends gets everything", async () => {
  const run = new PusherRun();
  run.deliver(1, 2);
  (await run.next()).resolve(NO_ANSWER);
  await run.clock.advance(0);
  const drained = run.pusher.drain(15_000);
  assertEquals(await run.answer(DELIVERED, DELIVERED), [1, 2]);
  await drained;
  run.pusher.report();
  assertEquals(run.lines.at(-1), "info: cloud output: metrics arrive again");
});

Deno.test("a message that fails alone lets the others pass", async () => {
  const run = new PusherRun();
  run.deliver(1, 2, 3);
  await nextTurns();
  assertEquals(await run.answer(BROKEN, DELIVERED, DELIVERED, BROKEN, DELIVERED), [1, 2, 3, 1, 1]);
  assertEquals(run.lines, ["error: cloud output: cannot push: (500); trying again"]);
});

let keys = 0;

/** Enough for all that was delivered to have been written. */
async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

function messageOf({ seriesCount }: MetricSet): MetricMessage {
  return {
    bytes: new Uint8Array(100),
    encodedBytes: 200,
    contentType: "text/plain",
    contentEncoding: null,
    idempotencyKey: String(keys++),
    series: seriesCount,
  };
}
