import { assertEquals } from "@std/assert";
import { MetricRegistry } from "../../../../src/metrics/registry.ts";
import { MetricFlushes } from "../../../../src/output/cloud/metrics/metric_flushes.ts";
import type { MetricSet } from "../../../../src/output/cloud/metrics/metric_sets.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

/** Flushes of samples of one counter. */
class FlushRun {
  readonly clock = new FakeClock();
  readonly registry = new MetricRegistry(() => {});
  /** The sums of each flush, with the beginnings of their windows and when they came; seconds since the start. */
  readonly flushed: { readonly at: number; readonly sums: [from: number, sum: number][] }[] = [];
  readonly #startMs = this.clock.nowMs = 1_700_000_001_000;
  readonly flushes = new MetricFlushes(this.registry.series, {
    periodMs: 3000,
    waitMs: 8000,
    pushIntervalMs: 1000,
    maxSeries: 1000,
    clock: this.clock,
    warn: () => {},
    deliver: (sets) => this.flushed.push({ at: this.#seconds(this.clock.nowMs), sums: this.sums(sets) }),
  });
  #announced = false;

  add(value: number, atEpochMs = this.clock.nowMs): void {
    this.flushes.addSamples(this.registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(0),
      times: Float64Array.of(atEpochMs),
      values: Float64Array.of(value),
      metadata: null,
      newMetrics: [],
      newSeries: this.#announced ? [] : [{ id: 0, metric: this.registry.metric("http_reqs")!.id, tags: [] }],
    }));
    this.#announced = true;
  }

  sums(sets: Iterable<MetricSet>): [from: number, sum: number][] {
    return Array.from(sets).flatMap(({ metrics }) => metrics.flatMap(({ series }) => series)).flatMap(({ values }) =>
      values.map((value): [number, number] => [
        this.#seconds(value.startSeconds * 1000),
        value.type === "counter" ? value.sum : NaN,
      ])
    );
  }

  #seconds(epochMs: number): number {
    return (epochMs - this.#startMs) / 1000;
  }
}

Deno.test("a window is handed over 8 s after it began, at the next push interval", async () => {
  const run = new FlushRun();
  run.flushes.start();
  for (let second = 0; second < 20; second++) {
    run.add(1);
    await run.clock.advance(1000);
  }
  assertEquals(run.flushed, [{ at: 8, sums: [[0, 3]] }, { at: 11, sums: [[3, 3]] }, { at: 14, sums: [[6, 3]] }, {
    at: 17,
    sums: [[9, 3]],
  }, { at: 20, sums: [[12, 3]] }]);
  await run.flushes.stop();
});

Deno.test("at the end everything goes out at once, and nothing a second time", async () => {
  const run = new FlushRun();
  run.flushes.start();
  run.add(1);
  await run.clock.advance(9500);
  run.add(2);
  await run.flushes.stop();
  await run.clock.advance(60_000);
  assertEquals(run.flushed, [{ at: 8, sums: [[0, 1]] }]);
  assertEquals(run.sums(run.flushes.takeRest()), [[9, 2]]);
  assertEquals(run.sums(run.flushes.takeRest()), []);
});

Deno.test("a late sample goes out with the next flush", async () => {
  const run = new FlushRun();
  run.flushes.start();
  const start = run.clock.nowMs;
  run.add(1);
  await run.clock.advance(9500);
  run.add(5, start);
  await run.clock.advance(1000);
  assertEquals(run.flushed, [{ at: 8, sums: [[0, 1]] }, { at: 10, sums: [[0, 5]] }]);
  await run.flushes.stop();
});

Deno.test("a machine that slept for an hour sends what was open at once, and goes on as before", async () => {
  const run = new FlushRun();
  run.flushes.start();
  run.add(1);
  await run.clock.advance(1500);
  run.clock.nowMs += 3_600_000;
  await run.clock.advance(1000);
  run.add(2);
  await run.clock.advance(10_000);
  const [slept, awake, ...others] = run.flushed;
  assertEquals([slept?.sums, awake?.sums, others], [[[0, 1]], [[3600, 2]], []]);
  await run.flushes.stop();
});

Deno.test("times that lie far in the past or in the future lose nothing", async () => {
  const run = new FlushRun();
  run.flushes.start();
  const { nowMs } = run.clock;
  run.add(1, nowMs - 3_600_000);
  run.add(2, nowMs);
  run.add(4, nowMs + 3_600_000);
  await run.clock.advance(20_000);
  await run.flushes.stop();
  const rest = run.sums(run.flushes.takeRest());
  assertEquals([...run.flushed.flatMap(({ sums }) => sums), ...rest], [[-3600, 1], [0, 2], [3600, 4]]);
});

Deno.test("after a discard there is nothing, whatever still comes", async () => {
  const run = new FlushRun();
  run.flushes.start();
  run.add(1);
  run.flushes.discard();
  run.add(2);
  await run.clock.advance(20_000);
  await run.flushes.stop();
  assertEquals(run.flushed, []);
  assertEquals(run.sums(run.flushes.takeRest()), []);
});
