import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BUILTIN_METRIC_IDS, BUILTIN_METRICS } from "../../src/metrics/builtin.ts";
import { assertMetricName, MetricDefinitionError } from "../../src/metrics/metric_definition.ts";
import { MetricRegistry } from "../../src/metrics/registry.ts";
import { SampleRecorder } from "../../src/metrics/sample_recorder.ts";
import type { GaugeSink } from "../../src/metrics/sinks.ts";
import { SubMetricError } from "../../src/metrics/sub_metric_selector.ts";
import { TagSet } from "../../src/metrics/tag_set.ts";
import type { MetricType, SampleBatch } from "../../src/metrics/types.ts";

/** A worker whose batches are transferred, as between threads, and then ingested. */
class Worker {
  readonly tags = TagSet.root();
  readonly batches: SampleBatch[] = [];
  readonly recorder: SampleRecorder;

  constructor(registry: MetricRegistry, source: number) {
    this.recorder = new SampleRecorder((batch) => {
      const transfer = [batch.series.buffer, batch.times.buffer, batch.values.buffer];
      this.batches.push(registry.ingest(source, structuredClone(batch, { transfer })));
    });
  }
}

Deno.test("sums and counts of several workers equal a naive model", () => {
  const custom: readonly (readonly [string, MetricType])[] = [["my_count", "counter"], ["my_trend", "trend"], [
    "my_rate",
    "rate",
  ]];
  const sample = fc.record({
    worker: fc.nat(2),
    metric: fc.nat(custom.length - 1),
    tag: fc.constantFrom("x", "y", ""),
    value: fc.integer({ min: -1000, max: 1000 }),
    flush: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(sample, { maxLength: 60 }), (samples) => {
    const registry = new MetricRegistry();
    for (const [name, type] of custom) registry.define(name, type, "default");
    for (const [name] of custom) registry.addSubMetric(`${name}{k:x}`);
    const workers = [0, 1, 2].map((source) => new Worker(registry, source));
    const model = new Map<string, { count: number; sum: number }>();
    for (const { worker, metric, tag, value, flush } of samples) {
      const { recorder, tags } = workers[worker]!;
      const [name, type] = custom[metric]!;
      const series = recorder.series(recorder.defineMetric(name, type, "default"), tags.with("k", tag));
      recorder.record(series, 1000.5, value);
      if (flush) recorder.flush();
      for (const key of [name, `${name}{k:${tag}}`]) {
        const entry = model.get(key) ?? { count: 0, sum: 0 };
        model.set(key, { count: entry.count + 1, sum: entry.sum + value });
      }
    }
    for (const { recorder } of workers) recorder.flush();

    for (const [name] of custom) {
      const metric = registry.metric(name)!;
      for (const { name, sink } of [metric, ...metric.subMetrics]) {
        const expected = model.get(name) ?? { count: 0, sum: 0 };
        assertEquals(sink.count, expected.count);
        if (sink.type === "counter" || sink.type === "trend") assertEquals(sink.sum, expected.sum);
      }
    }
    const perSeries = new Map<string, { count: number; sum: number }>();
    for (const batch of workers.flatMap(({ batches }) => batches)) {
      for (let i = 0; i < batch.length; i++) {
        const { metric, tags } = registry.series[batch.series[i]!]!;
        const key = `${metric.name}{k:${tags[0]![1]}}`;
        const entry = perSeries.get(key) ?? { count: 0, sum: 0 };
        perSeries.set(key, { count: entry.count + 1, sum: entry.sum + batch.values[i]! });
      }
    }
    for (const [key, entry] of perSeries) assertEquals(entry, model.get(key));
    registry.series.forEach((series, id) => assertEquals(series.id, id));
  }));
});

Deno.test("a batch goes out when it is full and on flush, and an empty one never", () => {
  const batches: SampleBatch[] = [];
  const recorder = new SampleRecorder((batch) => batches.push(batch));
  recorder.flush();
  assertEquals(batches.length, 0);
  const series = recorder.series(BUILTIN_METRIC_IDS.http_reqs, TagSet.root());
  for (let i = 0; i < 20_000; i++) recorder.record(series, i, i);
  recorder.flush();
  recorder.flush();
  assertEquals(batches.map((batch) => batch.length), [8192, 8192, 3616]);
  const values = batches.flatMap((batch) => [...batch.values.subarray(0, batch.length)]);
  assert(values.every((value, i) => value === i));
});

Deno.test("definitions go out once, without samples too", () => {
  const batches: SampleBatch[] = [];
  const recorder = new SampleRecorder((batch) => batches.push(batch));
  const id = recorder.defineMetric("mine", "trend", "time");
  assertEquals(recorder.defineMetric("mine", "trend", "time"), id);
  assertEquals(recorder.metricByName("mine"), { id, name: "mine", type: "trend", contains: "time" });
  recorder.flush();
  recorder.series(id, TagSet.root().with("b", "2").with("a", "1"));
  recorder.flush();
  assertEquals(batches.map((batch) => batch.newMetrics.map((metric) => metric.name)), [["mine"], []]);
  assertEquals(batches.map((batch) => batch.newSeries), [[], [{ id: 0, metric: id, tags: [["a", "1"], ["b", "2"]] }]]);
});

Deno.test("a small batch doesn't hold on to a full batch's buffers", () => {
  const batches: SampleBatch[] = [];
  const recorder = new SampleRecorder((batch) => batches.push(batch));
  recorder.record(recorder.series(BUILTIN_METRIC_IDS.vus, TagSet.root()), 1, 2);
  recorder.flush();
  assertEquals(batches[0]!.values.buffer.byteLength, 8);
});

Deno.test("built-in metrics have the same ids in a worker and in the registry", () => {
  const registry = new MetricRegistry();
  const recorder = new SampleRecorder(() => {});
  for (const [name, id] of Object.entries(BUILTIN_METRIC_IDS)) {
    assertEquals([registry.metric(name)?.id, recorder.metricByName(name)?.id], [id, id]);
  }
  assertEquals(registry.metrics.length, BUILTIN_METRICS.length);
});

Deno.test("a metric keeps its type and its unit", () => {
  const owners = [
    new MetricRegistry(),
    { define: (...args: Parameters<SampleRecorder["defineMetric"]>) => recorder.defineMetric(...args) },
  ];
  const recorder = new SampleRecorder(() => {});
  for (const owner of owners) {
    owner.define("mine", "trend", "time");
    owner.define("mine", "trend", "time");
    assertThrows(
      () => owner.define("mine", "counter", "default"),
      MetricDefinitionError,
      "metric 'mine' already exists but with type trend, instead of counter",
    );
    assertThrows(() => owner.define("mine", "trend", "default"), MetricDefinitionError, "value type time");
    assertThrows(() => owner.define("http_reqs", "gauge", "default"), MetricDefinitionError, "http_reqs");
  }
});

Deno.test("workers that disagree on a metric are an error", () => {
  const registry = new MetricRegistry();
  const [one, two] = [new Worker(registry, 0), new Worker(registry, 1)];
  one.recorder.defineMetric("mine", "trend", "time");
  two.recorder.defineMetric("mine", "rate", "default");
  one.recorder.flush();
  assertThrows(() => two.recorder.flush(), MetricDefinitionError, "already exists");
});

Deno.test("metric names are 2 to 129 letters, digits and underscores", () => {
  for (const name of ["ok", "ok_2", "_lead", "a".repeat(129)]) assertMetricName(name);
  for (const name of ["", "a", "9lead", "with space", "with-dash", "with.dot", "ünï", "a".repeat(130), "x:y"]) {
    assertThrows(() => assertMetricName(name), MetricDefinitionError, "Invalid metric name");
  }
});

Deno.test("a sub-metric takes in samples of series that came before it, from now on", () => {
  const registry = new MetricRegistry();
  const { recorder, tags } = new Worker(registry, 0);
  const series = recorder.series(BUILTIN_METRIC_IDS.http_reqs, tags.with("status", "200").with("method", "GET"));
  recorder.record(series, 1, 1);
  recorder.flush();
  const sub = registry.addSubMetric('http_reqs{ status : "200" , method:GET}');
  assertEquals(registry.addSubMetric('http_reqs{status : "200" , method:GET}'), sub);
  registry.addSubMetric("http_reqs{status:404}");
  recorder.record(series, 2, 1);
  recorder.flush();
  assertEquals(registry.metric("http_reqs")!.subMetrics.map(({ name, sink }) => [name, sink.count]), [
    ['http_reqs{status : "200" , method:GET}', 1],
    ["http_reqs{status:404}", 0],
  ]);
  assertEquals(registry.metric("http_reqs")!.sink.count, 2);
  assertThrows(() => registry.addSubMetric("nothing{a:b}"), SubMetricError, 'no metric name "nothing" found');
});

Deno.test("too many time series are warned of at 100,000 and at each doubling", () => {
  const warnings: string[] = [];
  const registry = new MetricRegistry((message) => warnings.push(message));
  const { recorder, tags } = new Worker(registry, 0);
  for (let i = 0; i <= 200_000; i++) {
    recorder.series(BUILTIN_METRIC_IDS.http_reqs, tags.with("id", `${i}`));
    if (i % 50_000 === 0) recorder.flush();
  }
  assertEquals(warnings.map((warning) => warning.match(/\d+/)?.[0]), ["100000", "200000"]);
});

Deno.test("a gauge set by several workers ends at the newest value", () => {
  const registry = new MetricRegistry();
  const [one, two] = [new Worker(registry, 0), new Worker(registry, 1)];
  one.recorder.record(one.recorder.series(BUILTIN_METRIC_IDS.vus, one.tags), 10, 1);
  two.recorder.record(two.recorder.series(BUILTIN_METRIC_IDS.vus, two.tags), 20, 2);
  two.recorder.flush();
  one.recorder.flush();
  assertEquals((registry.metric("vus")!.sink as GaugeSink).last, 2);
});

Deno.test("thousands of tag sets of several metrics keep their series, whatever the order", () => {
  const registry = new MetricRegistry();
  const worker = new Worker(registry, 0);
  const { iterations, http_reqs, checks } = BUILTIN_METRIC_IDS;
  const sets = Array.from({ length: 3000 }, (_, i) => worker.tags.with("n", `${i}`).with("a", `${i % 7}`));
  const metrics = [checks, iterations, http_reqs];
  const ids = sets.toReversed().map((set) => metrics.map((metric) => worker.recorder.series(metric, set)));
  assertEquals(new Set(ids.flat()).size, 9000);
  assertEquals(sets.toReversed().map((set) => metrics.map((metric) => worker.recorder.series(metric, set))), ids);
  for (const id of ids.flat()) worker.recorder.record(id, 1, 1);
  worker.recorder.flush();
  assertEquals(registry.series.length, 9000);
  // The metrics of a tag set share its tags.
  assert(registry.series[0]!.tags === registry.series[1]!.tags);
  assertEquals(registry.series[0]!.tags, [["a", `${2999 % 7}`], ["n", "2999"]]);
});
