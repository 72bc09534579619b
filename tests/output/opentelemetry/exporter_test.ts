import { assertEquals, assertMatch } from "@std/assert";
import { Exporter } from "../../../src/output/opentelemetry/exporter.ts";
import { ExportRequests } from "../../../src/output/opentelemetry/export_requests.ts";
import type { Instrument } from "../../../src/output/opentelemetry/instruments.ts";
import { AttributeSet } from "../../../src/output/opentelemetry/attributes.ts";
import { SumStream } from "../../../src/output/opentelemetry/streams.ts";
import { type Answer, unanswered } from "../../../src/output/opentelemetry/transport.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { decodeExport } from "../../support/otlp_decoder.ts";

Deno.test("everything is exported at every interval, news or not, and at the end", async () => {
  const run = new Run();
  run.count(1);
  await run.clock.advance(9999);
  assertEquals(run.values(), []);
  await run.clock.advance(1);
  await run.clock.advance(10_000);
  run.count(2);
  await run.stop();
  assertEquals(run.values(), [1, 1, 3]);
  assertEquals(run.sent.map(({ atMs }) => atMs - run.startMs), [10_000, 20_000, 20_000]);
  assertEquals([run.log, run.isClosed], [[], true]);
});

Deno.test("what may pass is tried again, with growing waits, until the next export is due", async () => {
  const run = new Run();
  run.answers.push(...Array(20).fill(unavailable));
  run.count(1);
  await run.clock.advance(19_999);
  const waits = run.sent.slice(1).map(({ atMs }, i) => atMs - run.sent[i]!.atMs);
  for (const [i, wait] of waits.entries()) {
    const backoff = Math.min(100 * 2 ** i, 5000);
    assertEquals(wait >= backoff / 2 && wait <= backoff, true, `wait ${i}: ${wait}`);
  }
  assertEquals(run.log, ["error: OpenTelemetry output: cannot export metrics to receiver: UNAVAILABLE: busy"]);
  run.answers.length = 0;
  run.count(1);
  await run.clock.advance(1);
  assertEquals(run.values().at(-1), 2);
  await run.stop();
  assertEquals(run.log.length, 2);
  assertMatch(run.log[1]!, /1 of 3 exports to receiver failed \(UNAVAILABLE ×1\); the last one succeeded, .* complete/);
});

Deno.test("what will not pass is not tried again, and told once", async () => {
  const run = new Run();
  run.answers.push(refused, refused);
  run.count(1);
  await run.clock.advance(29_999);
  assertEquals(run.sent.length, 2);
  assertEquals(run.log.length, 1);
  await run.stop();
  assertMatch(run.log[1]!, /2 of 3 exports/);
});

Deno.test("a receiver is left alone for as long as it asks", async () => {
  const run = new Run();
  run.answers.push({ ...unavailable, retryAfterMs: 4000 });
  run.count(1);
  await run.clock.advance(14_000);
  assertEquals(run.sent.map(({ atMs }) => atMs - run.startMs), [10_000, 14_000]);
  run.answers.push({ ...unavailable, retryAfterMs: 15_000 });
  await run.clock.advance(36_000);
  assertEquals(run.sent.slice(2).map(({ atMs }) => atMs - run.startMs), [20_000, 35_000, 40_000, 50_000]);
  await run.stop();
});

Deno.test("the end waits no longer than the timeout for a receiver that once took something, 5 s for another", async () => {
  for (const [known, limitMs] of [[true, 10_000], [false, 5000]] as const) {
    const run = new Run();
    run.count(1);
    if (known) await run.clock.advance(10_000);
    run.answers.push(...Array(100).fill(unavailable));
    const before = run.clock.nowMs;
    const stopped = run.exporter.stop().then(() => run.clock.nowMs - before);
    await run.clock.advance(20_000);
    const tookMs = await stopped;
    assertEquals(tookMs <= limitMs && tookMs >= limitMs / 3, true, `${tookMs} of ${limitMs}`);
    assertMatch(run.log.at(-1)!, /totals there are incomplete$/);
  }
});

Deno.test("a request without an answer is ended with the run", async () => {
  const run = new Run();
  run.count(1);
  run.answers.push("hang", "hang");
  await run.clock.advance(10_000);
  const stopped = run.exporter.stop();
  await run.clock.advance(5000);
  await stopped;
  assertEquals(run.sent.length, 2);
  assertMatch(run.log.at(-1)!, /2 of 2 exports/);
});

Deno.test("rejected points are told once, and in all at the end", async () => {
  const run = new Run();
  run.count(1);
  run.answers.push(partial(2, "too old"), partial(1, "too new"), partial(0, "use port 4317"));
  await run.clock.advance(30_000);
  await run.stop();
  assertEquals(run.log, [
    "warn: OpenTelemetry output: receiver rejected 2 data points: too old",
    "warn: OpenTelemetry output: receiver says: use port 4317",
    "warn: OpenTelemetry output: receiver rejected 3 data points in all",
  ]);
});

const unavailable = unanswered("UNAVAILABLE", "busy");
const refused = { ...unanswered("INVALID_ARGUMENT"), retryable: false };

function partial(rejectedPoints: number, message: string): Answer {
  return { kind: "accepted", rejectedPoints, message };
}

/** An exporter with one counter, scripted answers and a fake clock. */
class Run {
  readonly clock = new FakeClock();
  readonly startMs = this.clock.nowMs;
  readonly answers: (Answer | "hang")[] = [];
  readonly sent: { readonly atMs: number; readonly value: number }[] = [];
  readonly log: string[] = [];
  readonly exporter: Exporter;
  isClosed = false;
  readonly #stream = new SumStream(new AttributeSet([]));

  constructor() {
    const instruments: Instrument[] = [{ name: "iterations", unit: "", kind: "sum", streams: [this.#stream] }];
    const requests = new ExportRequests(instruments, [["service.name", "k6"]], this.startMs);
    const transport = {
      send: (body: Uint8Array, _timeoutMs: number, signal: AbortSignal) => this.#send(body, signal),
      close: () => this.isClosed = true,
    };
    const log = {
      debug() {},
      info() {},
      warn: (message: string) => this.log.push(`warn: ${message}`),
      error: (message: string) => this.log.push(`error: ${message}`),
    };
    const options = { exportIntervalMs: 10_000, timeoutMs: 10_000, receiver: "receiver" };
    this.exporter = new Exporter(requests, transport, options, log, this.clock);
    this.exporter.start();
  }

  count(value: number): void {
    this.#stream.add(value);
  }

  async stop(): Promise<void> {
    const stopped = this.exporter.stop();
    await this.clock.advance(10_000);
    await stopped;
  }

  values(): number[] {
    return this.sent.map(({ value }) => value);
  }

  async #send(body: Uint8Array, signal: AbortSignal): Promise<Answer> {
    this.sent.push({ atMs: this.clock.nowMs, value: decodeExport(body).points[0]!.value });
    const answer = this.answers.shift() ?? partial(0, "");
    if (answer !== "hang") return answer;
    await this.clock.sleep(Infinity, signal);
    return unanswered("no answer before the end of the run");
  }
}
