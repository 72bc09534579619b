import { assertEquals } from "@std/assert";
import { renderSummary } from "../../src/summary/text.ts";
import type { SummaryInput, SummaryMetric, SummaryPart } from "../../src/summary/summary_input.ts";

const counter = (name: string, count: number, rate: number, contains: SummaryMetric["contains"] = "default") => ({
  name,
  contains,
  values: { type: "counter", count, rate },
} as const);
const gauge = (name: string, value: number) => ({
  name,
  contains: "default",
  values: { type: "gauge", value, min: value, max: value },
} as const);
const rate = (name: string, passes: number, fails: number) => ({
  name,
  contains: "default",
  values: { type: "rate", passes, fails },
} as const);
/** A trend of one value. */
const trend = (name: string, value: number, contains: SummaryMetric["contains"] = "time") => ({
  name,
  contains,
  values: { type: "trend", stat: (stat: string) => stat === "count" ? 1 : value },
} as const);

const EMPTY: SummaryPart = { name: "", checks: [], metrics: [], groups: [] };

function input(part: Partial<SummaryInput> = {}, options: Partial<SummaryInput["options"]> = {}): SummaryInput {
  return {
    durationMs: 2000,
    thresholds: [],
    total: EMPTY,
    scenarios: [],
    rootGroup: { name: "", path: "", checks: [], groups: [] },
    ...part,
    options: {
      mode: "compact",
      trendStats: ["avg", "min", "med", "max", "p(90)", "p(95)"],
      timeUnit: "",
      color: false,
      ...options,
    },
  };
}

const duration = trend("http_req_duration", 12.345);
const expected = trend("http_req_duration{expected_response:true}", 1234);
const check = (name: string, passes: number, fails: number) => ({ name, path: `::${name}`, passes, fails });

Deno.test("the compact summary has k6's layout to the character", () => {
  const text = renderSummary(input({
    thresholds: [
      {
        metric: expected,
        results: [{ source: "p(95)<500", ok: false, value: 1234 }],
      },
      {
        metric: duration,
        results: [{ source: "p(99)<200", ok: true, value: 20 }, { source: "avg<1", ok: false, value: 12.345 }],
      },
    ],
    total: {
      name: "",
      checks: [check("ok", 1, 0), check("bad", 1, 1)],
      metrics: [
        gauge("vus", 1),
        gauge("vus_max", 1),
        counter("iterations", 1, 0.5),
        trend("iteration_duration", 2010),
        counter("data_sent", 9, 4.5, "data"),
        counter("data_received", 12345, 6172.5, "data"),
        counter("http_reqs", 3, 1.5),
        rate("http_req_failed", 1, 2),
        duration,
        expected,
        trend("http_req_waiting", 1),
        rate("checks", 2, 1),
        counter("my_counter", 7, 3.5),
      ],
      groups: [],
    },
  }));
  assertEquals(
    text,
    `
  █ THRESHOLDS${" "}

    http_req_duration
    ✓ 'p(99)<200' p(99)=20ms
    ✗ 'avg<1' avg=12.34ms

      {expected_response:true}
      ✗ 'p(95)<500' p(95)=1.23s


  █ TOTAL RESULTS${" "}

    checks_total.......: 3      1.5/s
    checks_succeeded...: 66.66% 2 out of 3
    checks_failed......: 33.33% 1 out of 3

    ✓ ok
    ✗ bad
      ↳  50% — ✓ 1 / ✗ 1

    CUSTOM
    my_counter.....................: 7      3.5/s

    HTTP
    http_req_duration..............: avg=12.34ms min=12.34ms med=12.34ms max=12.34ms p(90)=12.34ms p(95)=12.34ms
      { expected_response:true }...: avg=1.23s   min=1.23s   med=1.23s   max=1.23s   p(90)=1.23s   p(95)=1.23s${"  "}
    http_req_failed................: 33.33% 1 out of 3
    http_reqs......................: 3      1.5/s

    EXECUTION
    iteration_duration.............: avg=2.01s   min=2.01s   med=2.01s   max=2.01s   p(90)=2.01s   p(95)=2.01s${"  "}
    iterations.....................: 1      0.5/s
    vus............................: 1      min=1      max=1
    vus_max........................: 1      min=1      max=1

    NETWORK
    data_received..................: 12 kB  6.2 kB/s
    data_sent......................: 9 B    4.5 B/s

`,
  );
});

Deno.test("the full summary adds sections for groups and scenarios, each aligned by itself", () => {
  const text = renderSummary(input({
    total: {
      name: "",
      checks: [],
      metrics: [counter("iterations", 3, 1.5), trend("http_req_waiting", 5)],
      groups: [
        { name: "setup", checks: [], metrics: [counter("cnt", 1, 0.5)], groups: [] },
        { name: "plain", checks: [], metrics: [counter("cnt", 1, 0.5)], groups: [] },
      ],
    },
    scenarios: [
      { name: "second", checks: [], metrics: [counter("iterations", 2, 1)], groups: [] },
      {
        name: "first",
        checks: [],
        metrics: [counter("iterations", 1, 0.5)],
        groups: [{
          name: "outer",
          checks: [check("fails", 0, 2)],
          metrics: [],
          groups: [{ name: "inner", checks: [check("fine", 1, 0)], metrics: [counter("c", 1, 0.5)], groups: [] }],
        }],
      },
    ],
  }, { mode: "full", trendStats: ["max", "count"] }));
  assertEquals(
    text,
    `
  █ TOTAL RESULTS${" "}

    HTTP
    http_req_waiting...: max=5ms count=1

    EXECUTION
    iterations.........: 3 1.5/s


  █ GROUP: plain${" "}

    CUSTOM
    cnt...: 1 0.5/s


  █ SCENARIO: first${" "}

    EXECUTION
    iterations...: 1 0.5/s

    ↳ GROUP: outer

      checks_total.......: 2       1/s
      checks_succeeded...: 0.00%   0 out of 2
      checks_failed......: 100.00% 2 out of 2

      ✗ fails
        ↳  0% — ✓ 0 / ✗ 2

      ↳ GROUP: inner

        checks_total.......: 1       0.5/s
        checks_succeeded...: 100.00% 1 out of 1
        checks_failed......: 0.00%   0 out of 1

        ✓ fine

        CUSTOM
        c...: 1 0.5/s


  █ SCENARIO: second${" "}

    EXECUTION
    iterations...: 2 1/s

`,
  );
});

Deno.test("metrics are sorted by name, sub-metrics follow their parent", () => {
  const names = ["http_reqs", "http_req_failed", "http_reqs{b:1}", "http_reqs{a:1}", "http_reqs_custom"];
  const rows = renderSummary(input({
    total: { ...EMPTY, metrics: names.map((name) => counter(name, 0, 0)) },
  })).split("\n").filter((row) => row.includes(":")).map((row) => row.trim().split(/\.{3,}/)[0]);
  assertEquals(rows, ["http_req_failed", "http_reqs", "{ a:1 }", "{ b:1 }", "http_reqs_custom"]);
});

Deno.test("a name that begins like a built-in metric's is shown with it, or hidden with it", () => {
  const text = renderSummary(input({
    total: { ...EMPTY, metrics: ["vus_mine", "checks_mine", "mine"].map((name) => counter(name, 1, 1)) },
  }));
  assertEquals(text.split("\n").map((row) => row.trim()).filter((row) => row !== ""), [
    "█ TOTAL RESULTS",
    "CUSTOM",
    "mine.......: 1 1/s",
    "EXECUTION",
    "vus_mine...: 1 1/s",
  ]);
});

Deno.test("the time unit applies to values and thresholds alike", () => {
  const text = renderSummary(input({
    thresholds: [{ metric: duration, results: [{ source: "avg < 1", ok: false, value: 12.345 }] }],
    total: { ...EMPTY, metrics: [duration, trend("plain", 12.345, "default")] },
  }, { timeUnit: "us", trendStats: ["avg"] }));
  assertEquals(text.includes("✗ 'avg < 1' avg=12345.00µs\n"), true);
  assertEquals(text.includes("http_req_duration...: avg=12345.00µs\n"), true);
  assertEquals(text.includes("plain...............: avg=12.345    \n"), true);
});

Deno.test("a threshold's value is written as the metric's kind asks", () => {
  const rows = [
    [rate("r", 1, 2), "rate<0.5", 0.25, "rate=25.00%"],
    [counter("c", 4, 2), "rate>1", 2, "rate=2/s"],
    [counter("c", 2000, 2, "data"), "count>1", 2000, "count=2.0 kB"],
    [gauge("g", 1), "value==1", 1, "value=1"],
    [trend("t{a:b}", 1), "p(99.9)<=3", 1500, "p(99.9)=1.5s"],
  ] as const;
  for (const [metric, source, value, shown] of rows) {
    const text = renderSummary(input({ thresholds: [{ metric, results: [{ source, ok: true, value }] }] }));
    assertEquals(text.split("\n").slice(3, 5), [`    ${metric.name}`, `    ✓ '${source}' ${shown}`]);
  }
});

Deno.test("colours change nothing but colour", () => {
  const part = {
    thresholds: [{ metric: duration, results: [{ source: "avg<1", ok: false, value: 1 }] }],
    total: { ...EMPTY, checks: [check("ok", 1, 0), check("bad", 0, 1)], metrics: [duration, gauge("g", 1)] },
  };
  const colored = renderSummary(input(part, { color: true }));
  assertEquals(colored.includes("\x1b[31m✗\x1b[0m"), true);
  // deno-lint-ignore no-control-regex
  assertEquals(colored.replace(/\x1b\[[\d;]*m/g, ""), renderSummary(input(part)));
});
