import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BUILTIN_METRICS } from "../../../src/metrics/builtin.ts";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { TagPairs } from "../../../src/metrics/types.ts";
import { GridStates } from "../../../src/output/apm/grid_states.ts";
import { DEFAULT_SERIES_OPTIONS, encodeState, type SeriesState } from "../../../src/output/prometheus/series_state.ts";
import { Timestamps } from "../../../src/output/prometheus/timestamps.ts";
import { parseTrendStat } from "../../../src/output/prometheus/trend_stats.ts";
import { WriteRequestEncoder } from "../../../src/output/prometheus/write_request.ts";
import { decodeWriteRequest, type ReceivedSeries } from "../../support/write_request_decoder.ts";

/** A multiple of all steps used here. */
const T = 1_700_000_010_000;
const STEP = 3000;

Deno.test("points lie on the grid, whenever something was measured and flushed", () => {
  const run = new Run(T + 100);
  run.add("iterations", 1);
  run.at(T + 3010);
  assertEquals(run.flush(), []);
  run.at(T + 6000);
  run.add("iterations", 1);
  assertEquals(run.flush(), [["k6_iterations_total", 2, T + 6000]]);
  run.at(T + 8999 + 500);
  run.add("iterations", 5);
  assertEquals(run.flush(), [["k6_iterations_total", 7, T + 9000]]);
});

Deno.test("a slot has one point, with the value that it had when the slot was over", () => {
  const run = new Run(T);
  run.add("iterations", 1);
  run.at(T + 6000);
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 6000]]);
  run.at(T + 7000);
  run.add("iterations", 1);
  assertEquals(run.flush(), []);
  assertEquals(run.flushAgain(), [["k6_iterations_total", 1, T + 6000]]);
  run.at(T + 9000);
  assertEquals(run.flush(), [["k6_iterations_total", 2, T + 9000]]);
});

Deno.test("a timer that fires a little too early closes the slot all the same", () => {
  const run = new Run(T);
  run.add("iterations", 1);
  run.at(T + 5998);
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 6000]]);
});

Deno.test("gauges have a point in every slot, other series where there is news", () => {
  const run = new Run(T);
  run.add("vus", 5);
  run.add("iterations", 1);
  run.at(T + 6000);
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 6000], ["k6_vus", 5, T + 6000]]);
  run.at(T + 9000);
  assertEquals(run.flush(), [["k6_vus", 5, T + 9000]]);
  run.at(T + 12_000);
  run.add("vus", 7);
  assertEquals(run.flush(), [["k6_vus", 7, T + 12_000]]);
});

Deno.test("the last slot's points lie at its end, before those of a run that follows at once", () => {
  const first = new Run(T + 100);
  first.add("iterations", 1);
  first.at(T + 6000);
  first.flush();
  first.add("iterations", 1);
  first.at(T + 7234);
  first.states.finish();
  assertEquals(first.flush(), [["k6_iterations_total", 2, T + 9000]]);
  assertEquals(first.flush(), []);
  assertEquals(first.flushAgain(), [["k6_iterations_total", 2, T + 9000]]);

  const second = new Run(T + 7300);
  second.add("iterations", 1);
  second.at(T + 9000);
  assertEquals(second.flush(), []);
  second.at(T + 12_000);
  assertEquals(second.flush(), [["k6_iterations_total", 1, T + 12_000]]);
});

Deno.test("a run that ends within its first slot loses nothing", () => {
  const run = new Run(T + 100);
  run.add("iterations", 1);
  run.at(T + 200);
  run.states.finish();
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 6000]]);
});

Deno.test("what did not arrive goes out in the next slot, with that slot's time", () => {
  const run = new Run(T);
  run.add("iterations", 1);
  run.at(T + 6000);
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 6000]]);
  run.fail();
  assertEquals(run.flush(), []);
  run.at(T + 9000);
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 9000]]);
  run.at(T + 9100);
  run.states.finish();
  run.fail();
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 12_000]]);
  run.fail();
  assertEquals(run.flush(), [["k6_iterations_total", 1, T + 15_000]]);
});

Deno.test("only the metrics of the block count, and no value that is no number", () => {
  const run = new Run(T, { metrics: ["vus", "checks"] });
  run.add("vus", NaN);
  run.add("iterations", NaN);
  run.add("iterations", 1);
  run.add("checks", 1);
  run.at(T + 6000);
  assertEquals(run.flush(), [["k6_checks_rate", 1, T + 6000]]);
  assertEquals(run.warnings, ['a value of metric "vus" is NaN: such values are left out']);
});

Deno.test("the label test_run_id wins over a tag of its name", () => {
  const run = new Run(T, { testRunId: "42" });
  run.add("iterations", 1, [["a", "b"], ["test_run_id", "mine"]]);
  run.add("iterations", 1, [["a", "b"]]);
  run.at(T + 6000);
  assertEquals(run.flush(), [["k6_iterations_total", 2, T + 6000]]);
  assertEquals(run.labels, [{ a: "b", test_run_id: "42" }]);
});

Deno.test("whatever is measured when: one point a series and slot, on the grid, rising; the last one holds all", () => {
  const metrics = ["iterations", "vus", "http_req_duration", "checks"];
  const sample = fc.record({
    kind: fc.constant("sample" as const),
    metric: fc.constantFrom(...metrics),
    tag: fc.constantFrom("a", "b"),
    value: fc.integer({ min: 0, max: 1000 }),
  });
  const wait = fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 2500 }) });
  const flush = fc.constantFrom({ kind: "flush" as const }, { kind: "retry" as const }, { kind: "fail" as const });
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 10 }),
    fc.nat(10_000),
    fc.array(fc.oneof(sample, wait, flush), { maxLength: 100 }),
    (seconds, offset, steps) => {
      const run = new Run(T + offset, { stepMs: seconds * 1000, metrics });
      const expected = { iterations: 0, durations: 0 };
      for (const step of steps) {
        if (step.kind === "wait") run.at(run.nowMs + step.ms);
        if (step.kind === "flush") run.flush();
        if (step.kind === "retry") run.flushAgain();
        if (step.kind === "fail") run.fail();
        if (step.kind !== "sample") continue;
        run.add(step.metric, step.value, [["tag", step.tag]]);
        if (step.metric === "iterations") expected.iterations += step.value;
        if (step.metric === "http_req_duration") expected.durations++;
      }
      run.states.finish();
      run.flush();
      const totals = new Map<string, number>();
      for (const [series, points] of run.sent) {
        let before: ReceivedSample | undefined;
        for (const point of points) {
          assertEquals(point.atEpochMs % (seconds * 1000), 0);
          if (point.atEpochMs === before?.atEpochMs) assertEquals(point.value, before.value);
          assert(point.atEpochMs >= (before?.atEpochMs ?? 0));
          before = point;
        }
        const name = series.slice(0, series.indexOf("{"));
        totals.set(name, (totals.get(name) ?? 0) + before!.value);
        assert(before!.atEpochMs <= run.nowMs + 2 * seconds * 1000);
      }
      assertEquals(totals.get("k6_iterations_total") ?? 0, expected.iterations);
      assertEquals(totals.get("k6_http_req_duration_count") ?? 0, expected.durations);
    },
  ));
});

type ReceivedSample = ReceivedSeries["samples"][number];
type Point = readonly [name: string, value: number, atEpochMs: number];

/** States with a clock of their own, and all that they would have sent. */
class Run {
  nowMs: number;
  readonly states: GridStates;
  readonly warnings: string[] = [];
  /** Labels of the series in the last flush. */
  labels: Readonly<Record<string, string>>[] = [];
  /** By name and labels. */
  readonly sent = new Map<string, ReceivedSample[]>();
  readonly #registry = new MetricRegistry(() => {});
  readonly #ids = new Map<string, number>();
  readonly #encoder = new WriteRequestEncoder({ metadata: false });
  readonly #timestamps = new Timestamps({ now: () => this.nowMs, sleep: () => Promise.resolve() });
  #last: readonly SeriesState[] = [];

  constructor(
    startMs: number,
    { stepMs = STEP, metrics = BUILTIN_METRICS.map(({ name }) => name), testRunId = null }: {
      stepMs?: number;
      metrics?: readonly string[];
      testRunId?: string | null;
    } = {},
  ) {
    this.nowMs = startMs;
    const options = {
      ...DEFAULT_SERIES_OPTIONS,
      stepMs,
      metrics: new Set(metrics),
      trendStats: [parseTrendStat("count")!, parseTrendStat("med")!],
      labels: testRunId === null ? [] : [["test_run_id", testRunId] as const],
      now: () => this.nowMs,
    };
    this.states = new GridStates(this.#registry.series, options, (message) => this.warnings.push(message));
  }

  at(epochMs: number): void {
    this.nowMs = epochMs;
  }

  add(name: string, value: number, tags: TagPairs = []): void {
    const metric = this.#registry.metric(name)!;
    const key = name + JSON.stringify(tags);
    const known = this.#ids.get(key);
    const id = known ?? this.#ids.size;
    this.#ids.set(key, id);
    this.states.addSamples(this.#registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(id),
      times: Float64Array.of(this.nowMs - 0.5),
      values: Float64Array.of(value),
      metadata: null,
      newMetrics: [],
      newSeries: known === undefined ? [{ id, metric: metric.id, tags }] : [],
    }));
  }

  /** The points of what is news, by name. */
  flush(): Point[] {
    const news = this.states.takeQueue();
    if (news.length > 0) this.#last = news;
    return this.#send(news);
  }

  /** Sends once more what was news last, with the values of now. */
  flushAgain(): Point[] {
    return this.#send(this.#last.filter(({ queued }) => !queued));
  }

  /** Takes back what was sent last, as after a failure. */
  fail(): void {
    this.states.requeue(this.#last);
  }

  #send(states: readonly SeriesState[]): Point[] {
    for (const state of states) {
      if (state.queued) this.#timestamps.forNews([state]);
      state.queued = false;
      encodeState(state, this.#encoder);
    }
    const series = decodeWriteRequest(this.#encoder.finish());
    this.labels = series.map(({ labels }) => labels);
    for (const { name, labels, samples } of series) {
      const key = name + JSON.stringify(labels);
      this.sent.set(key, [...this.sent.get(key) ?? [], ...samples]);
    }
    return series.map(({ name, samples: [sample] }): Point => [name, sample!.value, sample!.atEpochMs])
      .sort(([a], [b]) => a < b ? -1 : 1);
  }
}
