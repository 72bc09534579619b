import { assertAlmostEquals, assertEquals } from "@std/assert";
import { durationMs, readSummary } from "../../scripts/bench/summary_figures.ts";

const SUMMARY = `
    CUSTOM
    my_counter.....................: 7      3.5/s

    HTTP
    http_req_duration..............: avg=12.34ms min=0s med=1.5s p(90)=1m2s p(99)=345.6µs
      { expected_response:true }...: avg=1.23s   min=1.23s med=1.23s p(90)=1.23s p(99)=1.23s
    http_req_failed................: 33.30% 1 out of 3
    http_reqs......................: 600123 60012.34/s
`;

Deno.test("counters, rates and trend statistics are read from a summary", () => {
  const figures = readSummary(SUMMARY);
  assertEquals(figures.count("http_reqs"), 600123);
  assertEquals(figures.rate("http_reqs"), 60012.34);
  assertEquals(figures.rate("my_counter"), 3.5);
  assertEquals(figures.trues("http_req_failed"), 1);
  assertEquals(figures.milliseconds("http_req_duration", "avg"), 12.34);
  assertEquals(figures.milliseconds("http_req_duration", "p(90)"), 62_000);
  assertAlmostEquals(figures.milliseconds("http_req_duration", "p(99)"), 0.3456);
});

Deno.test("what a summary lacks counts 0 and has no statistics", () => {
  const figures = readSummary(SUMMARY);
  assertEquals(figures.count("dropped_iterations"), 0);
  assertEquals(figures.rate("dropped_iterations"), 0);
  assertEquals(figures.trues("checks"), 0);
  assertEquals(figures.milliseconds("group_duration", "p(99)"), NaN);
  assertEquals(figures.milliseconds("http_req_duration", "p(95)"), NaN);
});

Deno.test("durations of every size are read as milliseconds", () => {
  const cases: [string, number][] = [["0s", 0], ["1.23s", 1230], ["2h3m4s", 7_384_000], ["12ms", 12], [
    "900ns",
    0.0009,
  ]];
  for (const [text, ms] of cases) assertAlmostEquals(durationMs(text), ms);
});
