import { assertEquals, assertThrows } from "@std/assert";
import { MetricRegistry } from "../../src/metrics/registry.ts";
import { ThresholdError } from "../../src/metrics/threshold_expression.ts";
import { Thresholds } from "../../src/metrics/thresholds.ts";
import type { MetricType } from "../../src/metrics/types.ts";
import type { ThresholdOption } from "../../src/options/types.ts";

/** The four custom metrics of the conformance cases. */
function registryWithMetrics(): MetricRegistry {
  const registry = new MetricRegistry();
  const types: Record<string, MetricType> = { cnt: "counter", gau: "gauge", rat: "rate", trd: "trend" };
  for (const [name, type] of Object.entries(types)) registry.define(name, type, "default");
  return registry;
}

function options(thresholds: Record<string, readonly string[]>, rest: Partial<ThresholdOption> = {}) {
  const toOption = (expression: string) => ({ expression, abortOnFail: false, delayAbortEvalMs: 0, ...rest });
  return Object.fromEntries(Object.entries(thresholds).map(([key, list]) => [key, list.map(toOption)]));
}

function add(registry: MetricRegistry, metric: string, ...values: readonly number[]): void {
  for (const value of values) registry.metric(metric)!.sink.add(value, 0);
}

/** Which expressions failed, by metric. */
function failures(thresholds: Thresholds): Record<string, string[]> {
  const failed = thresholds.metrics.map(({ name, results }): [string, string[]] => [
    name,
    results.filter((result) => !result.ok).map((result) => result.source),
  ]);
  return Object.fromEntries(failed.filter(([, sources]) => sources.length > 0));
}

Deno.test("every aggregation of every type passes and fails as in k6", () => {
  const registry = registryWithMetrics();
  const thresholds = new Thresholds(
    options({
      cnt: ["count>=6", "count<6", "rate>0", "count==6", "count!=7", "count<=6", "count>6"],
      gau: ["value==3", "value>3"],
      rat: ["rate>0.4", "rate>0.9", "rate==0.5"],
      trd: [
        "avg==5.5",
        "min==1",
        "max==10",
        "med==5.5",
        "p(90)==9.1",
        "p(99.99)<=10",
        "p(0)==1",
        "p(100)==10",
        "avg<5",
        "min>1",
        "p(50)>6",
        " p(95) < 9.6 ",
      ],
    }),
    registry,
  );
  add(registry, "cnt", 1, 2, 3);
  add(registry, "gau", 1, 2, 3);
  add(registry, "rat", 1, 0, 1, 0);
  add(registry, "trd", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  assertEquals(thresholds.evaluateAtEnd(1000), { crossed: ["cnt", "gau", "rat", "trd"], abort: false });
  assertEquals(failures(thresholds), {
    cnt: ["count<6", "count>6"],
    gau: ["value>3"],
    rat: ["rate>0.9"],
    trd: ["avg<5", "min>1", "p(50)>6"],
  });
});

Deno.test("a result has the source and the value", () => {
  const registry = registryWithMetrics();
  const thresholds = new Thresholds(options({ cnt: ["rate<2"] }), registry);
  add(registry, "cnt", 9);
  thresholds.evaluateAtEnd(3000);
  assertEquals(thresholds.metrics[0]!.results, [{ source: "rate<2", ok: false, value: 3 }]);
});

Deno.test("at the end metrics without samples count as 0, but a rate passes", () => {
  const registry = registryWithMetrics();
  const thresholds = new Thresholds(
    options({
      cnt: ["count<1", "count>0", "rate>0"],
      rat: ["rate<0.1", "rate>0.9"],
      trd: ["p(95)<10", "avg>0"],
      gau: ["value<1", "value>0"],
      http_req_duration: ["avg<1"],
      checks: ["rate>=0"],
    }),
    registry,
  );
  assertEquals(thresholds.evaluateAtEnd(1000).crossed, ["cnt", "gau", "trd"]);
  assertEquals(failures(thresholds), { cnt: ["count>0", "rate>0"], trd: ["avg>0"], gau: ["value>0"] });
});

Deno.test("during the run metrics without samples are left out", () => {
  const registry = registryWithMetrics();
  const thresholds = new Thresholds(options({ cnt: ["count>0"] }, { abortOnFail: true }), registry);
  assertEquals(thresholds.evaluate(2000), { crossed: [], abort: false });
  assertEquals(thresholds.evaluateAtEnd(4000).crossed, ["cnt"]);
});

Deno.test("abortOnFail aborts once the delay has passed", () => {
  const registry = registryWithMetrics();
  const delayed = { abortOnFail: true, delayAbortEvalMs: 5000 };
  const thresholds = new Thresholds(options({ rat: ["rate<0.5"] }, delayed), registry);
  add(registry, "rat", 1);
  assertEquals(thresholds.evaluate(4000), { crossed: ["rat"], abort: false });
  assertEquals(thresholds.evaluate(6000), { crossed: ["rat"], abort: true });
  add(registry, "rat", 0, 0);
  assertEquals(thresholds.evaluate(8000), { crossed: [], abort: false });
});

Deno.test("only a failed threshold with abortOnFail aborts", () => {
  const registry = registryWithMetrics();
  const thresholds = new Thresholds({
    cnt: [
      { expression: "count<1", abortOnFail: false, delayAbortEvalMs: 0 },
      { expression: "count<9", abortOnFail: true, delayAbortEvalMs: 0 },
    ],
  }, registry);
  add(registry, "cnt", 5);
  assertEquals(thresholds.evaluate(2000), { crossed: ["cnt"], abort: false });
  add(registry, "cnt", 5);
  assertEquals(thresholds.evaluate(4000), { crossed: ["cnt"], abort: true });
});

Deno.test("a sub-metric's thresholds see the samples with its tags", () => {
  const registry = registryWithMetrics();
  const thresholds = new Thresholds(options({ "trd{k:a}": ["max<2"], "trd{k:none}": [], trd: ["max<2"] }), registry);
  const trd = registry.metric("trd")!.id;
  registry.ingest(0, {
    length: 2,
    series: new Uint32Array([0, 1]),
    times: new Float64Array([1, 1]),
    values: new Float64Array([1, 2]),
    metadata: null,
    newMetrics: [{ id: trd, name: "trd", type: "trend", contains: "default" }],
    newSeries: [{ id: 0, metric: trd, tags: [["k", "a"]] }, { id: 1, metric: trd, tags: [["k", "b"]] }],
  });
  assertEquals(thresholds.evaluateAtEnd(1000).crossed, ["trd"]);
  assertEquals(thresholds.metrics.map(({ name, sink }) => [name, sink.count]), [
    ["trd{k:a}", 1],
    ["trd{k:none}", 0],
    ["trd", 2],
  ]);
});

Deno.test("thresholds that can't be applied are refused with the reason", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["no_such_metric", "count>0", 'no metric name "no_such_metric" found'],
    ["no_such_metric{a:b}", "count>0", 'no metric name "no_such_metric" found'],
    ["http_reqs{a}", "count>0", 'malformed sub-metric "http_reqs{a}"'],
    ["http_req_duration", "p(95)<<5", 'malformed threshold expression "p(95)<<5"'],
    ["iterations", "p(95)<5", 'method p(95) in "p(95)<5" is not for a counter; use count, rate'],
    ["cnt", "value<5", "is not for a counter; use count, rate"],
    ["gau", "max<5", "is not for a gauge; use value"],
    ["rat", "count<5", "is not for a rate; use rate"],
    ["trd", "rate<5", "is not for a trend; use avg, min, max, med, p(N)"],
    ["trd{k:a}", "count<5", "is not for a trend"],
  ];
  for (const [key, expression, reason] of cases) {
    const error = assertThrows(
      () => new Thresholds(options({ [key]: [expression] }), registryWithMetrics()),
      ThresholdError,
      reason,
    );
    assertEquals(error.message.startsWith(`invalid threshold defined on ${key}; reason: `), true);
  }
});

Deno.test("a sub-metric on vu or iter is warned of", () => {
  const { warnings } = new Thresholds(
    options({ "cnt{vu:1}": [], "cnt{scenario:a,iter:0}": [] }),
    registryWithMetrics(),
  );
  assertEquals(warnings.map((warning) => warning.match(/tag (\w+)/)?.[1]), ["vu", "iter"]);
});
