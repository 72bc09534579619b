import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { MetricType, SampleBatch, TagPairs, ValueType } from "../../../src/metrics/types.ts";
import {
  DEFAULT_SERIES_OPTIONS,
  encodeEnd,
  encodeState,
  type SeriesOptions,
  SeriesStates,
} from "../../../src/output/prometheus/series_state.ts";
import { Timestamps } from "../../../src/output/prometheus/timestamps.ts";
import { parseTrendStat, type TrendStat } from "../../../src/output/prometheus/trend_stats.ts";
import { WriteRequestEncoder } from "../../../src/output/prometheus/write_request.ts";
import { decodeWriteRequest, type ReceivedSeries, STALE_BITS } from "../../support/write_request_decoder.ts";

const T = 1_700_000_000_000;
const timestamps = new Timestamps({ now: () => T + 3.5, sleep: () => Promise.resolve() });

const mapping: {
  metric: string;
  type: MetricType;
  contains: ValueType;
  values: number[];
  stats?: string[];
  options?: Partial<SeriesOptions>;
  exported: Record<string, number>;
}[] = [
  { metric: "orders", type: "counter", contains: "default", values: [1, 2, 3], exported: { k6_orders_total: 6 } },
  { metric: "bytes", type: "counter", contains: "data", values: [1000, 500], exported: { k6_bytes_total: 1500 } },
  { metric: "waited", type: "counter", contains: "time", values: [1000], exported: { k6_waited_total: 1000 } },
  { metric: "depth", type: "gauge", contains: "time", values: [5, 9, 7], exported: { k6_depth: 7 } },
  { metric: "good", type: "rate", contains: "default", values: [1, 0, 1, 5], exported: { k6_good_rate: 0.75 } },
  { metric: "none", type: "rate", contains: "default", values: [0], exported: { k6_none_rate: 0 } },
  { metric: "took", type: "trend", contains: "time", values: [100, 200], exported: { k6_took_p99: 0.199 } },
  { metric: "size", type: "trend", contains: "default", values: [100, 200], exported: { k6_size_p99: 199 } },
  {
    metric: "all",
    type: "trend",
    contains: "time",
    values: [4000, 1000, 2000, 3000],
    stats: ["avg", "min", "med", "max", "count", "sum", "p(95)", "p(99.9)", "p(0.95)"],
    exported: {
      k6_all_avg: 2.5,
      k6_all_min: 1,
      k6_all_med: 2.5,
      k6_all_max: 4,
      k6_all_count: 4,
      k6_all_sum: 10,
      k6_all_p95: 3.85,
      k6_all_p999: 3.997,
      k6_all_p095: 1.0285,
    },
  },
  {
    metric: "fine",
    type: "rate",
    contains: "default",
    values: [1, 0, 1, 5],
    options: { rateCounters: true },
    exported: { k6_fine_rate: 0.75, k6_fine_total: 4, k6_fine_success_total: 3 },
  },
  {
    metric: "slow",
    type: "trend",
    contains: "time",
    values: [50, 100, 600, 9000],
    options: { trendMode: "classic", histogramBuckets: [0.1, 0.5, 1] },
    exported: {
      'k6_slow_seconds_bucket{le="0.1"}': 2,
      'k6_slow_seconds_bucket{le="0.5"}': 2,
      'k6_slow_seconds_bucket{le="1"}': 3,
      'k6_slow_seconds_bucket{le="+Inf"}': 4,
      k6_slow_seconds_sum: 9.75,
      k6_slow_seconds_count: 4,
    },
  },
  {
    metric: "sent",
    type: "trend",
    contains: "data",
    values: [1, 3],
    options: { trendMode: "classic", histogramBuckets: [2] },
    exported: {
      'k6_sent_bytes_bucket{le="2"}': 1,
      'k6_sent_bytes_bucket{le="+Inf"}': 2,
      k6_sent_bytes_sum: 4,
      k6_sent_bytes_count: 2,
    },
  },
];

for (const { metric, type, contains, values, stats = ["p(99)"], options = {}, exported } of mapping) {
  Deno.test(`a ${type} of ${contains} values, ${metric}, is sent as ${Object.keys(exported).join(", ")}`, () => {
    const run = new Run(stats, options);
    run.define(metric, type, contains);
    for (const value of values) run.add(metric, [["env", "test"]], T + 0.75, value);
    const series = run.flush();
    const names = series.map(({ name, labels: { le } }) => le === undefined ? name : `${name}{le="${le}"}`);
    assertEquals(names.toSorted(), Object.keys(exported).sort());
    for (const [i, { labels: { le: _, ...labels }, samples }] of series.entries()) {
      assertEquals(labels, { env: "test" });
      assertEquals(samples.length, 1);
      assertEquals(samples[0]?.atEpochMs, T);
      assertAlmostEquals(samples[0]?.value ?? NaN, exported[names[i]!] ?? NaN, 1e-9);
    }
  });
}

Deno.test("a series without news sends nothing", () => {
  const run = new Run();
  run.add("iterations", [["a", "1"]], T, 1);
  run.add("iterations", [["a", "2"]], T, 1);
  assertEquals(run.flush().length, 2);
  run.add("iterations", [["a", "2"]], T + 5, 1);
  assertEquals(run.flush().map(({ labels }) => labels), [{ a: "2" }]);
  assertEquals(run.flush(), []);
});

Deno.test("news within a millisecond that was sent already goes out under the next one", () => {
  const run = new Run();
  run.add("iterations", [], T + 0.2, 1);
  assertEquals(points(run.flush()), [[1, T]]);
  run.add("iterations", [], T + 0.9, 1);
  assertEquals(points(run.flush()), [[2, T + 1]]);
});

Deno.test("late samples count but never turn the time back", () => {
  const run = new Run();
  run.add("iterations", [], T + 100, 1);
  run.add("iterations", [], T, 1);
  assertEquals(points(run.flush()), [[2, T + 100]]);
  run.add("iterations", [], T + 50, 1);
  assertEquals(points(run.flush()), [[3, T + 101]]);
});

Deno.test("timestamps rise strictly and the last value is the whole sum, whatever arrives when", () => {
  const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), { maxLength: 60 });
  fc.assert(fc.property(arrivals, (samples) => {
    const run = new Run();
    const sent: [number, number][] = [];
    for (const [offset, flushes] of samples) {
      run.add("iterations", [], T + offset / 4, 1);
      if (flushes) sent.push(...points(run.flush()));
    }
    sent.push(...points(run.flush()));
    for (let i = 1; i < sent.length; i++) assertEquals(sent[i]![1] > sent[i - 1]![1], true);
    assertEquals(sent.at(-1)?.[0] ?? 0, samples.length);
  }));
});

Deno.test("series whose labels coincide are one series", () => {
  const run = new Run();
  run.add("iterations", [["my-tag", "1"]], T, 1);
  run.add("iterations", [["my_tag", "1"]], T, 2);
  run.add("iterations", [["my tag", "1"], ["none", ""]], T + 1, 4);
  assertEquals(run.flush().map(({ labels, samples }) => [labels, samples[0]?.value]), [[{ my_tag: "1" }, 7]]);
});

Deno.test("of metrics that would have the same exported name the first has it, and the other is named once", () => {
  const run = new Run();
  run.define("sold", "counter", "default");
  run.define("sold_total", "gauge", "default");
  run.add("sold", [], T, 3);
  run.add("sold_total", [], T, 100);
  run.add("sold_total", [["a", "b"]], T, 100);
  assertEquals(points(run.flush()), [[3, T]]);
  assertEquals(run.warnings.length, 1);
  assertEquals(run.warnings[0]?.includes('"sold_total"'), true);
});

const natives: [contains: ValueType, name: string, keys: number[]][] = [
  ["time", "k6_took_seconds", [-8, 8]],
  ["data", "k6_took_bytes", [72, 88]],
  ["default", "k6_took", [72, 88]],
];

for (const [contains, name, keys] of natives) {
  Deno.test(`a trend of ${contains} values is sent as the native histogram ${name}`, () => {
    const run = new Run([], { trendMode: "native" });
    run.define("took", "trend", contains);
    for (const value of [500, 2000]) run.add("took", [["env", "test"]], T, value);
    const [series, ...others] = run.flush();
    assertEquals(others, []);
    const [histogram] = series?.histograms ?? [];
    assertEquals([series?.name, series?.labels, series?.samples, histogram?.atEpochMs], [name, { env: "test" }, [], T]);
    assertEquals([...histogram?.positive.keys() ?? []], keys);
    assertEquals(histogram?.sum, contains === "time" ? 2.5 : 2500);
  });
}

Deno.test("the end of a native histogram is a histogram, too", () => {
  const run = new Run([], { trendMode: "native" });
  run.add("iteration_duration", [], T, 1);
  run.flush();
  const encoder = new WriteRequestEncoder({ metadata: true });
  for (const state of run.states.sent()) {
    timestamps.forEnds([state]);
    encodeEnd(state, encoder);
  }
  const [series] = decodeWriteRequest(encoder.finish());
  assertEquals([series?.samples, series?.histograms?.[0]?.sumBits], [[], STALE_BITS]);
});

Deno.test("labels of the settings are on all series and win over tags, which is said once", () => {
  const run = new Run([], { labels: [["instance", "a"]] });
  run.add("iterations", [["instance", "b"], ["z", "1"]], T, 1);
  run.add("vus", [["instance", "c"]], T, 1);
  assertEquals(run.flush().map(({ labels }) => labels), [{ instance: "a", z: "1" }, { instance: "a" }]);
  assertEquals(run.warnings, ['tag "instance" is left out: k6d sets the label "instance" itself']);
});

Deno.test("a tag le does not get in the way of classic histograms", () => {
  const run = new Run([], { trendMode: "classic", histogramBuckets: [1] });
  run.add("iteration_duration", [["le", "x"]], T, 1);
  assertEquals(run.flush().map(({ labels }) => labels), [{ le: "1" }, { le: "+Inf" }, {}, {}]);
  assertEquals(run.warnings, ['tag "le" is left out: k6d sets the label "le" itself']);
});

Deno.test("series that differ only in dropped tags are one series", () => {
  const run = new Run([], { dropTags: new Set(["url"]) });
  for (const url of ["1", "2", "3"]) run.add("http_reqs", [["method", "GET"], ["url", url]], T, 1);
  assertEquals(run.flush().map(({ labels, samples }) => [labels, samples[0]?.value]), [[{ method: "GET" }, 3]]);
  const bare = new Run([], { dropTags: "all" });
  bare.add("http_reqs", [["method", "GET"]], T, 1);
  assertEquals(bare.flush().map(({ labels }) => labels), [{}]);
});

Deno.test("the newest trace id since the last flush goes with counters and histograms", () => {
  for (
    const [options, expected] of [
      [{}, { k6_iterations_total: ["b", 2] }],
      [{ trendMode: "native" }, { k6_iterations_total: ["b", 2], k6_iteration_duration_seconds: ["d", 0.2] }],
      [{ trendMode: "classic", histogramBuckets: [0.1, 1] }, {
        k6_iterations_total: ["b", 2],
        k6_iteration_duration_seconds_bucket: ["c", 0.1],
        "k6_iteration_duration_seconds_bucket 1": ["d", 0.2],
      }],
      [{ exemplars: false }, {}],
    ] as const
  ) {
    const run = new Run(["max"], options);
    run.add("iterations", [], T, 1, [["trace_id", "a"]]);
    run.add("iterations", [], T + 2, 2, [["trace_id", "b"]]);
    run.add("iterations", [], T + 1, 3, [["trace_id", "older"]]);
    run.add("iterations", [], T + 3, 4);
    run.add("iterations", [], T + 3, 5, [["other", "x"]]);
    run.add("iterations", [], T + 3, 6, [["trace_id", "x".repeat(200)]]);
    run.add("iteration_duration", [], T, 100, [["trace_id", "c"]]);
    run.add("iteration_duration", [], T, 200, [["trace_id", "d"]]);
    run.add("vus", [], T, 1, [["trace_id", "e"]]);
    const found: Record<string, unknown> = {};
    for (const { name, labels, exemplars = [] } of run.flush()) {
      for (const exemplar of exemplars) {
        found[labels["le"] === "1" ? `${name} 1` : name] = [exemplar.labels["trace_id"], exemplar.value];
      }
    }
    assertEquals(found, expected as Record<string, unknown>);
    run.add("iterations", [], T + 10, 1);
    assertEquals(run.flush().map(({ exemplars }) => exemplars), [undefined]);
  }
});

Deno.test("values that are not finite are left out, and that is said once", () => {
  const run = new Run();
  run.define("odd", "gauge", "default");
  for (const value of [NaN, 4, Infinity, -Infinity]) run.add("odd", [], T, value);
  assertEquals(points(run.flush()), [[4, T]]);
  assertEquals(run.warnings, ['a value of metric "odd" is NaN: such values are left out']);
});

Deno.test("stale markers end every series after its last sample", () => {
  const run = new Run(["min", "max"]);
  run.add("iteration_duration", [], T + 10, 1);
  run.flush();
  run.add("iterations", [], T, 1);
  const encoder = new WriteRequestEncoder({ metadata: false });
  for (const state of run.states.sent()) {
    timestamps.forEnds([state]);
    encodeEnd(state, encoder);
  }
  assertEquals(
    decodeWriteRequest(encoder.finish()).map(({ name, samples }) => [name, samples[0]?.bits, samples[0]?.atEpochMs]),
    [["k6_iteration_duration_min", STALE_BITS, T + 11], ["k6_iteration_duration_max", STALE_BITS, T + 11]],
  );
});

for (const capture of ["k6_flush.body", "k6_stale_markers.body"]) {
  Deno.test(`names and labels are those that k6 2.2 sent (${capture})`, () => {
    const fromK6 = decodeWriteRequest(Deno.readFileSync(new URL(`testdata/${capture}`, import.meta.url)));
    const run = new Run(["p(95)", "p(99)", "min", "max", "avg", "count", "sum"]);
    run.define("orders", "counter", "default");
    run.define("queue_depth", "gauge", "default");
    run.define("good_orders", "rate", "default");
    run.define("order_time", "trend", "time");
    for (const { name, labels } of fromK6) {
      const metric = run.registry.metrics.find(({ name: candidate }) =>
        [`k6_${candidate}`, `k6_${candidate}_total`, `k6_${candidate}_rate`, `k6_${candidate}_sum`].includes(name)
      );
      if (metric !== undefined) run.add(metric.name, Object.entries(labels), T, 1);
    }
    const identity = ({ name, labels }: ReceivedSeries) => `${name} ${JSON.stringify(labels)}`;
    assertEquals(run.flush().map(identity).sort(), fromK6.map(identity).sort());
  });
}

/** A registry fed by one worker, and the states that an output keeps of it. */
class Run {
  readonly registry = new MetricRegistry(() => {});
  readonly warnings: string[] = [];
  readonly states: SeriesStates;
  readonly #series = new Map<string, number>();

  constructor(stats: readonly string[] = ["p(99)"], changes: Partial<SeriesOptions> = {}) {
    const trendStats = stats.map(parseTrendStat).filter((stat): stat is TrendStat => stat !== null);
    const options = { ...DEFAULT_SERIES_OPTIONS, trendStats, ...changes };
    this.states = new SeriesStates(this.registry.series, options, (message) => this.warnings.push(message));
  }

  define(metric: string, type: MetricType, contains: ValueType): void {
    this.registry.define(metric, type, contains);
  }

  add(metricName: string, tags: TagPairs, atEpochMs: number, value: number, metadata: TagPairs | null = null): void {
    const metric = this.registry.metric(metricName);
    if (metric === undefined) throw new Error(`no metric ${metricName}`);
    const key = metricName + JSON.stringify(tags);
    const known = this.#series.get(key);
    const id = known ?? this.#series.size;
    this.#series.set(key, id);
    const batch: SampleBatch = {
      length: 1,
      series: Uint32Array.of(id),
      times: Float64Array.of(atEpochMs),
      values: Float64Array.of(value),
      newMetrics: [metric].map(({ id, name, type, contains }) => ({ id, name, type, contains })),
      newSeries: known === undefined ? [{ id, metric: metric.id, tags }] : [],
      metadata: metadata === null ? null : { column: Uint32Array.of(1), sets: [metadata] },
    };
    this.states.addSamples(this.registry.ingest(0, batch));
  }

  flush(): ReceivedSeries[] {
    const encoder = new WriteRequestEncoder({ metadata: false });
    for (const state of this.states.takeQueue()) {
      timestamps.forNews([state]);
      encodeState(state, encoder);
      state.queued = false;
    }
    return decodeWriteRequest(encoder.finish());
  }
}

function points(series: readonly ReceivedSeries[]): [value: number, atEpochMs: number][] {
  return series.flatMap(({ samples }) => samples.map(({ value, atEpochMs }) => [value, atEpochMs] as [number, number]));
}
