import { assert, assertEquals } from "@std/assert";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import { GridStates } from "../../../src/output/apm/grid_states.ts";
import { RemoteWriteSender } from "../../../src/output/prometheus/sender.ts";
import { DEFAULT_SERIES_OPTIONS } from "../../../src/output/prometheus/series_state.ts";
import { decodeWriteRequest, STALE_BITS } from "../../support/write_request_decoder.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const STEP = 3000;

Deno.test("points are sent right at their times", async () => {
  const run = new Run();
  for (let second = 0; second < 12; second++) {
    run.count(1);
    await run.clock.advance(1000);
  }
  assert(run.points.length >= 2);
  for (const { value, atEpochMs, sentAtMs } of run.points) {
    assertEquals(atEpochMs, sentAtMs);
    assertEquals(atEpochMs % STEP, 0);
    // One at the start and one after each second.
    assertEquals(value, Math.floor((atEpochMs - run.startMs) / 1000) + 1);
  }
});

Deno.test("an outage leaves no point off the grid and no value out, also when the run ends in it", async () => {
  for (const outage of [{ fromMs: 7000, untilMs: 20_000 }, { fromMs: 7000, untilMs: 32_000 }]) {
    const run = new Run();
    const startMs = run.clock.nowMs;
    run.isDown = () => run.clock.nowMs > startMs + outage.fromMs && run.clock.nowMs < startMs + outage.untilMs;
    for (let second = 0; second < 30; second++) {
      run.count(1);
      await run.clock.advance(1000);
    }
    const stopped = run.stop();
    await run.clock.advance(20_000);
    await stopped;
    const times = run.points.map(({ atEpochMs }) => atEpochMs);
    assertEquals(times.filter((atEpochMs) => atEpochMs % STEP !== 0), []);
    assertEquals(times, [...new Set(times)].sort());
    assertEquals(run.points.at(-1)?.value, 30);
    assertEquals(run.ends, 1);
  }
});

/** A sender on the grid whose time passes only when a test says so; it has one counter. */
class Run {
  readonly clock = new FakeClock();
  readonly startMs: number;
  readonly sender: RemoteWriteSender;
  readonly points: { readonly value: number; readonly atEpochMs: number; readonly sentAtMs: number }[] = [];
  /** Number of stale markers. */
  ends = 0;
  isDown = () => false;
  readonly #registry = new MetricRegistry(() => {});
  readonly #states: GridStates;
  #isKnown = false;

  constructor() {
    // Not at a time of the grid.
    this.clock.nowMs += 1234;
    this.startMs = this.clock.nowMs;
    const gridOptions = {
      ...DEFAULT_SERIES_OPTIONS,
      trendStats: [],
      stepMs: STEP,
      metrics: new Set(["iterations"]),
      now: () => this.clock.now(),
    };
    this.#states = new GridStates(this.#registry.series, gridOptions, () => {});
    const transport = {
      post: (body: Uint8Array) => Promise.resolve(this.#answer(body)),
      close() {},
    };
    const senderOptions = {
      pushIntervalMs: STEP,
      onTheClock: true,
      timeoutMs: 5000,
      batchSize: 1000,
      staleMarkers: true,
      protocolVersion: "1.0",
      metadata: true,
      receiver: "http://receiver",
    } as const;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    this.sender = new RemoteWriteSender(this.#states, transport, senderOptions, log, this.clock);
    this.sender.start();
  }

  /** As the output does it. */
  stop(): Promise<void> {
    this.#states.finish();
    return this.sender.stop();
  }

  count(value: number): void {
    const metric = this.#registry.metric("iterations")!;
    this.#states.addSamples(this.#registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(0),
      times: Float64Array.of(this.clock.nowMs),
      values: Float64Array.of(value),
      metadata: null,
      newMetrics: [],
      newSeries: this.#isKnown ? [] : [{ id: 0, metric: metric.id, tags: [] }],
    }));
    this.#isKnown = true;
  }

  #answer(body: Uint8Array) {
    const answer = { headers: {}, retryAfterMs: null, text: "", content: new Uint8Array() };
    if (this.isDown()) return { ...answer, status: 503 };
    for (const { value, bits, atEpochMs } of decodeWriteRequest(body).flatMap(({ samples }) => samples)) {
      if (bits === STALE_BITS) this.ends++;
      else this.points.push({ value, atEpochMs, sentAtMs: this.clock.nowMs });
    }
    return { ...answer, status: 204 };
  }
}
