import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { SummaryMetric, SummaryOptions } from "../../src/summary/summary_input.ts";
import { RunFixture } from "./support/run_fixture.ts";

Deno.test("checks are counted by group and merged by name, in the order of first sight", () => {
  const run = new RunFixture("compact");
  run.add("checks", { check: "b", group: "::outer::inner" }, 1);
  run.add("checks", { check: "a", group: "" }, 0);
  run.add("checks", { check: "b", group: "" }, 0);
  run.add("checks", { check: "b", group: "::outer::inner", scenario: "s" }, 1);
  run.add("group_duration", { group: "::empty" }, 3);
  const input = run.finish();
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
  const run = new RunFixture("compact");
  run.add("data_sent", { group: "::setup" }, 1);
  run.add("checks", { check: "c", group: "::teardown" }, 1);
  assertEquals(run.finish().rootGroup.groups.map((group) => group.path), ["::teardown"]);
});

Deno.test("full mode sums up scenarios and, within them or outside, their groups", () => {
  const run = new RunFixture("full", { cnt: "counter" });
  run.add("cnt", { scenario: "named" }, 1);
  run.add("cnt", { scenario: "named", group: "::g::h" }, 2);
  run.add("cnt", { scenario: "default" }, 4);
  run.add("cnt", { scenario: "default", group: "::g" }, 8);
  run.add("checks", { scenario: "named", group: "::g::h", check: "c" }, 1);
  const { total, scenarios } = run.finish();
  const sums = (metrics: readonly SummaryMetric[]) =>
    metrics.map(({ name, values }) => [name, values.type === "counter" ? values.count : null]);
  assertEquals(sums(total.metrics), [["checks", null], ["cnt", 15]]);
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
  const custom = { used: "counter", unused: "counter", wanted: "counter" } as const;
  const run = new RunFixture("compact", custom, { wanted: [], "used{a:2}": [] });
  run.registry.addSubMetric("used{a:1}");
  run.add("used", {}, 3);
  const input = run.finish();
  assertEquals(input.total.metrics, [
    { name: "used", contains: "default", values: { type: "counter", count: 3, rate: 1.5 } },
    { name: "used{a:2}", contains: "default", values: { type: "counter", count: 0, rate: 0 } },
    { name: "wanted", contains: "default", values: { type: "counter", count: 0, rate: 0 } },
  ]);
  assertEquals(input.thresholds.map(({ metric }) => metric.name), ["wanted", "used{a:2}"]);
});

Deno.test("trends offer every statistic by name", () => {
  const run = new RunFixture("compact", { tt: "trend" });
  for (const value of [4, 1, 3, 2]) run.add("tt", {}, value);
  const { values } = run.finish().total.metrics[0]!;
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
  fc.assert(
    fc.property(
      fc.array(sample, { maxLength: 40 }),
      fc.constantFrom<SummaryOptions["mode"]>("compact", "full"),
      (samples, mode) => {
        const run = new RunFixture(mode);
        for (const { check, group, scenario, ok } of samples) {
          run.add("checks", { check, group: group.map((one) => `::${one}`).join(""), scenario }, ok ? 1 : 0);
        }
        for (const check of run.finish().total.checks) {
          const mine = samples.filter((one) => one.check === check.name);
          assertEquals(check.passes, mine.filter((one) => one.ok).length);
          assertEquals(check.passes + check.fails, mine.length);
        }
      },
    ),
  );
});

Deno.test("a check without a group tag is counted, but is in no group", () => {
  const run = new RunFixture("compact");
  run.add("checks", { check: "fine" }, 1);
  const { total, rootGroup } = run.finish();
  assertEquals(total.checks.map(({ name, passes }) => [name, passes]), [["fine", 1]]);
  assertEquals(rootGroup.checks, []);
});
