import { assertEquals } from "@std/assert";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { Clock } from "../../../src/output/prometheus/clock.ts";
import { RemoteWriteSender } from "../../../src/output/prometheus/sender.ts";
import { DEFAULT_SERIES_OPTIONS, SeriesStates } from "../../../src/output/prometheus/series_state.ts";
import { type PushResponse, TransportError } from "../../../src/output/prometheus/transport.ts";
import { decodeWriteRequest, type ReceivedSeries, STALE_BITS } from "../../support/write_request_decoder.ts";

Deno.test("news is flushed at every push interval, and nothing without news", async () => {
  const run = new Run();
  run.count(1);
  await run.advance(4999);
  assertEquals(run.posts.length, 0);
  await run.advance(1);
  assertEquals(run.values(), [1]);
  await run.advance(5000);
  run.count(2);
  await run.advance(5000);
  assertEquals(run.values(), [1, 3]);
  assertEquals(run.posts.map(({ atMs }) => atMs - run.startMs), [5000, 15_000]);
});

for (const failure of [500, 503, 429, "connection refused"]) {
  Deno.test(`after ${failure} a newer snapshot is tried again within the interval`, async () => {
    const run = new Run();
    run.answers.push(failure, failure, 204);
    run.count(1);
    await run.advance(5000);
    assertEquals(run.values(), [1]);
    run.count(10);
    await run.advance(1000);
    assertEquals(run.values(), [1, 11, 11]);
    assertEquals(run.errors, []);
    const [first, second, third] = run.posts.map(({ atMs }) => atMs - run.startMs - 5000);
    assertEquals(first, 0);
    assertEquals(second! >= 15 && second! <= 30, true);
    assertEquals(third! - second! >= 30 && third! - second! <= 60, true);
  });
}

for (const status of [400, 401, 404, 301]) {
  Deno.test(`${status} is never tried again; the next flush goes on with the whole values`, async () => {
    const run = new Run();
    run.answers.push({ status, text: "the reason" });
    run.count(1);
    await run.advance(9999);
    assertEquals(run.posts.length, 1);
    assertEquals(run.errors.length, 1);
    assertEquals(run.errors[0]?.includes(`HTTP ${status}: the reason`), true);
    run.count(1);
    await run.advance(1);
    assertEquals(run.values(), [1, 2]);
  });
}

Deno.test("retries end with the interval and what did not arrive goes out with the next flush", async () => {
  const run = new Run();
  run.answers.push(...Array(9).fill(500));
  run.count(1);
  await run.advance(9999);
  const attempts = run.posts.length;
  assertEquals(attempts >= 7 && attempts <= 10, true);
  run.answers.length = 0;
  await run.advance(1);
  assertEquals(run.accepted().length, 1);
  assertEquals(run.values().at(-1), 1);
});

Deno.test("Retry-After is honoured, also when it reaches beyond the next flush", async () => {
  const run = new Run();
  run.answers.push({ status: 429, retryAfterMs: 2000 }, { status: 503, retryAfterMs: 12_000 });
  run.count(1);
  await run.advance(6999);
  assertEquals(run.posts.length, 1);
  await run.advance(1);
  assertEquals(run.posts.length, 2);
  await run.advance(11_999);
  assertEquals(run.posts.length, 2);
  await run.advance(1);
  assertEquals(run.accepted().length, 1);
});

Deno.test("a hanging request holds up only the flushes, one request at a time, and ends with the run", async () => {
  const run = new Run();
  run.answers.push("hang");
  run.count(1);
  await run.advance(60_000);
  run.count(1);
  assertEquals(run.posts.length, 1);
  const stopped = run.sender.stop();
  await run.advance(4999);
  assertEquals(run.closed, false);
  await run.advance(1);
  await stopped;
  assertEquals(run.closed, true);
});

Deno.test("each cause is said once, and the end says how many flushes failed", async () => {
  const run = new Run();
  run.answers.push(401, 401, "connection refused", 401);
  for (let flush = 0; flush < 4; flush++) {
    run.count(1);
    await run.advance(5000);
  }
  await run.stop();
  assertEquals(run.errors.length, 1);
  assertEquals(run.errors[0]?.includes("HTTP 401: check the user name and password or token"), true);
  assertEquals(
    run.warnings.at(-1),
    "3 of 5 flushes to http://receiver failed (HTTP 401 ×3): values there may be incomplete",
  );
});

Deno.test("stopping sends the last values and then ends every series", async () => {
  const run = new Run();
  run.count(1);
  await run.advance(5000);
  run.count(2);
  await run.stop();
  const points = run.accepted().flatMap(({ series }) => series.flatMap(({ samples }) => samples));
  assertEquals(points.slice(0, 2).map(({ value }) => value), [1, 3]);
  assertEquals(points[2]?.bits, STALE_BITS);
  assertEquals(points.length, 3);
  assertEquals(points[1]!.atEpochMs < points[2]!.atEpochMs, true);
});

Deno.test("without stale markers series just stop", async () => {
  const run = new Run({ staleMarkers: false });
  run.count(1);
  await run.stop();
  assertEquals(run.values(), [1]);
});

Deno.test("an absent receiver gets one bounded last try and no stale markers", async () => {
  const run = new Run();
  run.answers.push(...Array(100).fill("connection refused"));
  run.count(1);
  const stopped = run.sender.stop();
  await run.advance(5000);
  await stopped;
  assertEquals(run.posts.length > 3, true);
  assertEquals(run.posts.every(({ series }) => series.length === 1), true);
  assertEquals(run.warnings.length, 1);
});

Deno.test("a slow receiver gets what it takes until the time for stopping is over", async () => {
  const run = new Run({ batchSize: 1 });
  run.delayMs = 1500;
  for (let series = 0; series < 100; series++) run.count(1, String(series));
  const stopped = run.sender.stop();
  await run.advance(5000);
  await stopped;
  assertEquals(run.accepted().length, 3);
  assertEquals(run.posts.length, 4);
});

Deno.test("refused stale markers are reported", async () => {
  const run = new Run();
  run.answers.push(204, { status: 400, text: "no" });
  run.count(1);
  await run.stop();
  assertEquals(run.errors, ["Failed to send the time series data to http://receiver: HTTP 400: no"]);
  assertEquals(run.warnings.length, 1);
  assertEquals(run.warnings[0]?.startsWith("1 of 2 flushes"), true);
});

Deno.test("stopping cuts short the wait for a retry", async () => {
  const run = new Run();
  run.answers.push(...Array(6).fill(500));
  run.count(1);
  await run.advance(6500);
  run.answers.length = 0;
  const before = run.clock.nowMs;
  const stopped = run.sender.stop();
  await run.advance(0);
  await stopped;
  assertEquals(run.clock.nowMs, before);
  assertEquals(run.accepted().length, 2);
});

Deno.test("a request holds at most batchSize series, and a failing batch does not keep back the others", async () => {
  const run = new Run({ batchSize: 4 });
  run.answers.push(204, 400, 204);
  for (let series = 0; series < 10; series++) run.count(1, String(series));
  await run.advance(5000);
  assertEquals(run.posts.map(({ series }) => series.length), [4, 4, 2]);
  run.answers.push(204, 500);
  for (let series = 0; series < 10; series++) run.count(1, String(series));
  await run.stop();
  for (let series = 0; series < 10; series++) {
    const points = run.accepted().flatMap((post) => post.series.filter(({ labels }) => labels["s"] === String(series)))
      .flatMap(({ samples }) => samples);
    assertEquals(points.filter(({ bits }) => bits !== STALE_BITS).at(-1)?.value, 2);
    assertEquals(points.at(-1)?.bits, STALE_BITS);
    for (let i = 1; i < points.length; i++) assertEquals(points[i]!.atEpochMs > points[i - 1]!.atEpochMs, true);
  }
});

Deno.test("flushes that take longer than the interval never overlap, and that is said once", async () => {
  const run = new Run();
  run.delayMs = 7000;
  for (let i = 0; i < 4; i++) {
    run.count(1);
    await run.advance(10_000);
  }
  assertEquals(run.mostInFlight, 1);
  assertEquals(run.warnings.filter((warning) => warning.includes("longer than the push interval")).length, 1);
});

/** What the scripted transport does: answer, fail with a reason, or hang until it is cancelled. */
type Scripted = number | string | { readonly status: number; readonly retryAfterMs?: number; readonly text?: string };

/** Time that passes only when a test says so. */
class FakeClock implements Clock {
  nowMs = 1_700_000_000_000;
  #sleepers: { readonly wakeMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((wake) => {
      this.#sleepers.push({ wakeMs: this.nowMs + ms, wake });
      signal.addEventListener("abort", () => wake());
    });
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.wakeMs - b.wakeMs)[0];
      if (next === undefined || next.wakeMs > untilMs) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.nowMs = Math.max(this.nowMs, next.wakeMs);
      next.wake();
      await settle();
    }
    this.nowMs = untilMs;
  }
}

/** A sender with scripted answers and a fake clock. */
class Run {
  readonly clock = new FakeClock();
  readonly startMs = this.clock.nowMs;
  readonly answers: Scripted[] = [];
  readonly posts: { readonly atMs: number; readonly series: ReceivedSeries[]; accepted: boolean }[] = [];
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly sender: RemoteWriteSender;
  /** How long every answer takes. */
  delayMs = 0;
  mostInFlight = 0;
  closed = false;
  readonly #registry = new MetricRegistry(() => {});
  readonly #states = new SeriesStates(this.#registry.series, { ...DEFAULT_SERIES_OPTIONS, trendStats: [] }, () => {});
  readonly #ids = new Map<string, number>();
  #inFlight = 0;

  constructor({ batchSize = 1000, staleMarkers = true } = {}) {
    const log = {
      debug() {},
      info() {},
      warn: (message: string) => this.warnings.push(message),
      error: (message: string) => this.errors.push(message),
    };
    const transport = {
      post: (body: Uint8Array, _timeoutMs: number, signal: AbortSignal) => this.#post(body, signal),
      close: () => this.closed = true,
    };
    const options = { pushIntervalMs: 5000, batchSize, staleMarkers, metadata: false, receiver: "http://receiver" };
    this.sender = new RemoteWriteSender(this.#states, transport, options, log, this.clock);
    this.sender.start();
  }

  count(value: number, series = "0"): void {
    const metric = this.#registry.metric("iterations")!;
    const known = this.#ids.get(series);
    const id = known ?? this.#ids.size;
    this.#ids.set(series, id);
    this.#states.addSamples(this.#registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(id),
      times: Float64Array.of(this.clock.nowMs),
      values: Float64Array.of(value),
      newMetrics: [],
      newSeries: known === undefined ? [{ id, metric: metric.id, tags: [["s", series]] }] : [],
      metadata: null,
    }));
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  async stop(): Promise<void> {
    const stopped = this.sender.stop();
    await this.advance(5000);
    await stopped;
  }

  accepted() {
    return this.posts.filter(({ accepted }) => accepted);
  }

  /** The value of the first series of each request. */
  values(): (number | undefined)[] {
    return this.posts.map(({ series }) => series[0]?.samples[0]?.value);
  }

  async #post(body: Uint8Array, signal: AbortSignal): Promise<PushResponse> {
    const answer = this.answers.shift() ?? 204;
    const post = { atMs: this.clock.nowMs, series: decodeWriteRequest(body), accepted: false };
    this.posts.push(post);
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    try {
      if (this.delayMs > 0) await this.clock.sleep(this.delayMs, signal);
      if (answer === "hang") await this.clock.sleep(Infinity, signal);
      if (signal.aborted) throw new TransportError("too late");
      if (typeof answer === "string") throw new TransportError(answer);
      const { status, retryAfterMs = null, text = "" } = typeof answer === "number"
        ? { status: answer, retryAfterMs: null, text: "" }
        : answer;
      post.accepted = status < 300;
      return { status, headers: {}, retryAfterMs, content: new TextEncoder().encode(text), text };
    } finally {
      this.#inFlight--;
    }
  }
}

/** Lets everything happen that does not wait for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
