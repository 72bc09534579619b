import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createSink } from "../../src/metrics/sinks.ts";
import { SummaryCollector } from "../../src/summary/collect.ts";
import type { SummaryInput, SummaryMetric, SummaryOptions } from "../../src/summary/summary_input.ts";
import { type RunFixture, runFixture } from "./support/run_fixture.ts";

function collect(
  source: RunFixture,
  mode: SummaryOptions["mode"],
  thresholds: ReadonlyMap<string, []> = new Map(),
): SummaryInput {
  const collector = new SummaryCollector(source, mode);
  collector.addSamples(source.batch());
  const options = { mode, trendStats: [], timeUnit: "", color: false } as const;
  return collector.collect({ durationMs: 2000, thresholds, options });
}

Deno.test("checks are counted by group and merged by name, in the order of first sight", () => {
  const run = runFixture({ checks: "rate", group_duration: "trend" });
  run.add("checks", { check: "b", group: "::outer::inner" }, 1);
  run.add("checks", { check: "a" }, 0);
  run.add("checks", { check: "b" }, 0);
  run.add("checks", { check: "b", group: "::outer::inner", scenario: "s" }, 1);
  run.add("group_duration", { group: "::empty" }, 3);
  const input = collect(run, "compact");
  assertEquals(input.total.checks, [
    { name: "b", path: "::outer::inner::b", passes: 2, fails: 1 },
    { name: "a", path: "::a", passes: 0, fails: 1 },
  ]);
  assertEquals(input.rootGroup, {
    name: "",
    path: "",
    checks: [{ name: "a", path: "::a", passes: 0, fails: 1 }, { name: "b", path: "::b", passes: 0, fails: 1 }],
    groups: [
      {
        name: "outer",
        path: "::outer",
        checks: [],
        groups: [{
          name: "inner",
          path: "::outer::inner",
          checks: [{ name: "b", path: "::outer::inner::b", passes: 2, fails: 0 }],
          groups: [],
        }],
      },
      { name: "empty", path: "::empty", checks: [], groups: [] },
    ],
  });
  assertEquals(input.scenarios, []);
  assertEquals(input.total.groups, []);
});

Deno.test("setup and teardown are groups only when they hold checks or groups", () => {
  const run = runFixture({ checks: "rate", data_sent: "counter" });
  run.add("data_sent", { group: "::setup" }, 1);
  run.add("checks", { check: "c", group: "::teardown" }, 1);
  assertEquals(collect(run, "compact").rootGroup.groups.map((group) => group.path), ["::teardown"]);
});

Deno.test("full mode sums up scenarios and, within them or outside, their groups", () => {
  const run = runFixture({ cnt: "counter", checks: "rate" });
  run.add("cnt", { scenario: "named" }, 1);
  run.add("cnt", { scenario: "named", group: "::g::h" }, 2);
  run.add("cnt", { scenario: "default" }, 4);
  run.add("cnt", { scenario: "default", group: "::g" }, 8);
  run.add("checks", { scenario: "named", group: "::g::h", check: "c" }, 1);
  const { total, scenarios } = collect(run, "full");
  const sums = (metrics: readonly SummaryMetric[]) =>
    metrics.map(({ name, values }) => [name, values.type === "counter" ? values.count : null]);
  assertEquals(sums(total.metrics), [["cnt", 15], ["checks", null]]);
  assertEquals(total.groups.map((group) => [group.name, sums(group.metrics)]), [["g", [["cnt", 8]]]]);
  assertEquals(scenarios.map((scenario) => scenario.name), ["named"]);
  assertEquals(sums(scenarios[0]!.metrics), [["cnt", 3], ["checks", null]]);
  assertEquals(scenarios[0]!.checks, [{ name: "c", path: "c", passes: 1, fails: 0 }]);
  const outer = scenarios[0]!.groups[0]!;
  assertEquals([outer.name, outer.checks, outer.metrics], ["g", [], []]);
  assertEquals(sums(outer.groups[0]!.metrics), [["cnt", 2], ["checks", null]]);
  assertEquals(outer.groups[0]!.checks, [{ name: "c", path: "c", passes: 1, fails: 0 }]);
});

Deno.test("metrics without samples are left out unless a threshold names them", () => {
  const run = runFixture({ used: "counter", unused: "counter", wanted: "counter" });
  run.add("used", {}, 3);
  run.metrics[0]!.subMetrics.push(
    { name: "used{a:1}", sink: createSink("counter") },
    { name: "used{a:2}", sink: createSink("counter") },
  );
  const input = collect(run, "compact", new Map([["wanted", []], ["used{a:2}", []]]));
  assertEquals(input.total.metrics, [
    { name: "used", contains: "default", values: { type: "counter", count: 3, rate: 1.5 } },
    { name: "used{a:2}", contains: "default", values: { type: "counter", count: 0, rate: 0 } },
    { name: "wanted", contains: "default", values: { type: "counter", count: 0, rate: 0 } },
  ]);
  assertEquals(input.thresholds.map(({ metric }) => metric.name), ["used{a:2}", "wanted"]);
});

Deno.test("trends offer every statistic by name", () => {
  const run = runFixture({ t: "trend" });
  for (const value of [4, 1, 3, 2]) run.add("t", {}, value);
  const { values } = collect(run, "compact").total.metrics[0]!;
  if (values.type !== "trend") throw new Error(`the trend came back as a ${values.type}`);
  const expected = { avg: 2.5, min: 1, med: 2.5, max: 4, count: 4, sum: 10, "p(0)": 1, "p(90)": 3.7, "p(100)": 4 };
  for (const [name, value] of Object.entries(expected)) assertAlmostEquals(values.stat(name), value);
  for (const name of ["p(101)", "p(-1)", "p(x)", "p()", "mean", ""]) {
    assertThrows(() => values.stat(name), RangeError, "Unknown trend statistic");
  }
});

Deno.test("property: check totals equal what was fed, however it was tagged", () => {
  const name = fc.constantFrom("", "a", "b", "c");
  const sample = fc.record({
    check: fc.constantFrom("x", "y"),
    group: fc.array(name.filter(Boolean), { maxLength: 3 }),
    scenario: name,
    ok: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(sample, { maxLength: 40 }), fc.constantFrom("compact", "full"), (samples, mode) => {
    const run = runFixture({ checks: "rate" });
    for (const { check, group, scenario, ok } of samples) {
      run.add("checks", { check, group: group.map((one) => `::${one}`).join(""), scenario }, ok ? 1 : 0);
    }
    for (const check of collect(run, mode).total.checks) {
      const mine = samples.filter((one) => one.check === check.name);
      assertEquals(check.passes, mine.filter((one) => one.ok).length);
      assertEquals(check.passes + check.fails, mine.length);
    }
  }));
});
