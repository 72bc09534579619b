/** The summary as data: `handleSummary`'s argument, the export, the machine-readable format. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { exportedSummary, summaryData, type SummarySurroundings } from "../../src/summary/data.ts";
import { machineReadableSummary } from "../../src/summary/machine_readable.ts";
import { RunFixture } from "./support/run_fixture.ts";

const AROUND: SummarySurroundings = { isStdOutTTY: true, isStdErrTTY: false, setupJson: undefined };
const TEST = { generatedAt: new Date(0), version: "1.2.3", script: "shop.js" };

function customRun(mode: "compact" | "full" = "compact"): RunFixture {
  const run = new RunFixture(mode, { own: "trend", share: "rate", level: "gauge" }, {
    "own{a:b}": ["max<1", "min<9"],
    share: ["rate>0"],
    "level{a:b}": [],
  });
  run.add("own", { a: "b" }, 4);
  run.add("level", { a: "c" }, 3);
  run.add("http_req_blocked", {}, 1);
  return run;
}

Deno.test("metrics have k6's values; only those with thresholds name them", () => {
  const { metrics } = summaryData(customRun().finish({ trendStats: ["max", "p(99)", "count"] }), AROUND);
  assertEquals(metrics, {
    http_req_blocked: { type: "trend", contains: "time", values: { max: 1, "p(99)": 1, count: 1 } },
    own: { type: "trend", contains: "default", values: { max: 4, "p(99)": 4, count: 1 } },
    "own{a:b}": {
      type: "trend",
      contains: "default",
      values: { max: 4, "p(99)": 4, count: 1 },
      thresholds: { "max<1": { ok: false }, "min<9": { ok: true } },
    },
    // Not observed, but a threshold asks for them.
    share: {
      type: "rate",
      contains: "default",
      values: { rate: 0, passes: 0, fails: 0 },
      thresholds: { "rate>0": { ok: true } },
    },
    level: { type: "gauge", contains: "default", values: { value: 3, min: 3, max: 3 } },
    "level{a:b}": { type: "gauge", contains: "default", values: { value: 0, min: 0, max: 0 } },
  });
});

Deno.test("setup data and the surroundings are passed on; without setup data the field is missing", () => {
  const input = customRun().finish({ color: true, timeUnit: "us", trendStats: ["avg"] });
  const data = summaryData(input, { ...AROUND, setupJson: '{"a":[1]}' });
  assertEquals(data.setup_data, { a: [1] });
  assertEquals(data.options, { summaryTrendStats: ["avg"], summaryTimeUnit: "us", noColor: false });
  assertEquals(data.state, { isStdOutTTY: true, isStdErrTTY: false, testRunDurationMs: 2000 });
  assertEquals("setup_data" in summaryData(input, AROUND), false);
  assertEquals("setup_data" in exportedSummary(summaryData(input, AROUND)), false);
});

Deno.test("the export has values beside thresholds, which tell whether they failed", () => {
  const exported = exportedSummary(summaryData(customRun().finish({ trendStats: ["max"] }), AROUND));
  const metrics = exported["metrics"] as Record<string, unknown>;
  assertEquals(metrics["own{a:b}"], { max: 4, thresholds: { "max<1": true, "min<9": false } });
  assertEquals(metrics["share"], { value: 0, passes: 0, fails: 0, thresholds: { "rate>0": false } });
});

Deno.test("the machine-readable summary leaves out what the mode hides, and statistics without a field", () => {
  const names = (mode: "compact" | "full") => {
    const { results } = machineReadableSummary(customRun(mode).finish({ trendStats: ["p(95)", "count"] }), TEST) as {
      results: { metrics: { name: string; values: unknown }[] };
    };
    assertEquals(results.metrics.find(({ name }) => name === "own")!.values, { p95: 4 });
    return results.metrics.map(({ name }) => name);
  };
  assertEquals(names("compact").includes("http_req_blocked"), false);
  assertEquals(names("full").includes("http_req_blocked"), true);
});

const nameArbitrary = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "a", "toString"),
  fc.string({ minLength: 1 }).filter((name) => !name.includes("::")),
);

Deno.test("property: whatever groups and checks are called, data and export hold each once with its counts", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.array(nameArbitrary, { maxLength: 2 }), nameArbitrary, fc.boolean()), { maxLength: 20 }),
    (checks) => {
      const run = new RunFixture("compact");
      for (const [groups, check, passes] of checks) {
        const group = groups.map((name) => `::${name}`).join("");
        run.add("checks", { group, check }, passes ? 1 : 0);
      }
      const data = summaryData(run.finish(), AROUND);
      const exported = exportedSummary(data);
      const wanted = new Map<string, number>();
      for (const [groups, check] of checks) {
        const path = [...groups, check].map((name) => `::${name}`).join("");
        wanted.set(path, (wanted.get(path) ?? 0) + 1);
      }
      assertEquals(countsOf(data.root_group), wanted);
      assertEquals(countsOf(exported["root_group"] as CountedGroup), wanted);
    },
  ));
});

interface CountedGroup {
  readonly groups: object;
  readonly checks: object;
}

/** How often each check was made, by its path; groups and checks may be lists or maps. */
function countsOf({ groups, checks }: CountedGroup): Map<string, number> {
  const own = Object.values(checks).map(({ path, passes, fails }) => [path, passes + fails] as const);
  return new Map([...own, ...Object.values(groups).flatMap((group) => [...countsOf(group)])]);
}
