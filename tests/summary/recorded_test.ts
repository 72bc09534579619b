/** Summaries of real tests, as k6 2.2.0 printed them: layout without figures, blanks and dots. */

import { assertEquals } from "@std/assert";
import { BUILTIN_METRICS } from "../../src/metrics/builtin.ts";
import type { SummaryOptions } from "../../src/summary/summary_input.ts";
import { renderSummary } from "../../src/summary/text.ts";
import { RunFixture } from "./support/run_fixture.ts";

/**
 * The test that was recorded. Scenario `first` makes a request, a check, a check in group `outer` that fails, a check in
 * `outer::inner`, and counts; scenario `second` runs twice, with a check and a trend. The threshold on the counter fails.
 */
function recordedRun(mode: SummaryOptions["mode"]): string {
  const run = new RunFixture(mode, { cnt: "counter", trd: "trend" }, {
    http_req_duration: ["p(95)<5000"],
    cnt: ["count<1"],
    "http_req_duration{kind:a}": ["max>=0"],
  });
  run.registry.addSubMetric("http_req_duration{expected_response:true}");
  const first = { scenario: "first" };
  const second = { scenario: "second" };
  run.add("checks", { ...second, check: "in other" }, 1);
  run.add("checks", { ...second, check: "in other" }, 1);
  const request = { ...first, kind: "a", expected_response: "true" };
  for (const { name } of BUILTIN_METRICS) if (name.startsWith("http_")) run.add(name, request, 1.5);
  run.add("checks", { ...first, check: "always fine" }, 1);
  run.add("checks", { ...first, check: "fails in a group", group: "::outer" }, 0);
  run.add("checks", { ...first, check: "fine inside", group: "::outer::inner" }, 1);
  run.add("group_duration", { ...first, group: "::outer::inner" }, 1);
  run.add("group_duration", { ...first, group: "::outer" }, 1);
  run.add("cnt", first, 1);
  run.add("trd", second, 10);
  for (const tags of [first, second]) {
    for (const name of ["iterations", "iteration_duration", "data_sent", "data_received"]) run.add(name, tags, 1);
  }
  return renderSummary(run.finish({ trendStats: ["avg", "min", "med", "max", "p(90)", "p(95)"] }));
}

/** A text without figures, alignment and empty lines. */
function shapeOf(text: string): string[] {
  return text
    .replace(/-?\d+(?:\.\d+)?(?: ?(?:ns|µs|ms|s|m|h|%|[kMGT]?B(?:\/s)?|\/s)(?!\w))*/g, "#")
    .replace(/\.{2,}/g, "..")
    .split("\n").map((line) => line.replace(/\s+/g, " ").trim()).filter((line) => line !== "");
}

const TREND = "avg=# min=# med=# max=# p(#)=# p(#)=#";
const CHECK_TOTALS = ["checks_total..: # #", "checks_succeeded..: # # out of #", "checks_failed..: # # out of #"];
const FAILED = ["✗ fails in a group", "↳ # — ✓ # / ✗ #"];
const ALL_CHECKS = [...CHECK_TOTALS, "✓ in other", "✓ always fine", ...FAILED, "✓ fine inside"];
const EXECUTION = ["EXECUTION", `iteration_duration..: ${TREND}`, "iterations..: # #"];
const NETWORK = ["NETWORK", "data_received..: # #", "data_sent..: # #"];
const THRESHOLDS = [
  "█ THRESHOLDS",
  "cnt",
  "✗ 'count<#' count=#",
  "http_req_duration",
  "✓ 'p(#)<#' p(#)=#",
  "{kind:a}",
  "✓ 'max>=#' max=#",
];
const SUB_METRICS = [`{ expected_response:true }..: ${TREND}`, `{ kind:a }..: ${TREND}`];

/** The HTTP block of full mode. */
function http(...subMetrics: string[]): string[] {
  return [
    "HTTP",
    `http_req_blocked..: ${TREND}`,
    `http_req_connecting..: ${TREND}`,
    `http_req_duration..: ${TREND}`,
    ...subMetrics,
    "http_req_failed..: # # out of #",
    `http_req_receiving..: ${TREND}`,
    `http_req_sending..: ${TREND}`,
    `http_req_tls_handshaking..: ${TREND}`,
    `http_req_waiting..: ${TREND}`,
    "http_reqs..: # #",
  ];
}

Deno.test("the compact summary of a recorded test has k6's lines", () => {
  assertEquals(shapeOf(recordedRun("compact")), [
    ...THRESHOLDS,
    "█ TOTAL RESULTS",
    ...ALL_CHECKS,
    "CUSTOM",
    "cnt..: # #",
    `trd..: ${TREND}`,
    "HTTP",
    `http_req_duration..: ${TREND}`,
    ...SUB_METRICS,
    "http_req_failed..: # # out of #",
    "http_reqs..: # #",
    ...EXECUTION,
    ...NETWORK,
  ]);
});

Deno.test("the full summary of a recorded test has k6's lines", () => {
  assertEquals(shapeOf(recordedRun("full")), [
    ...THRESHOLDS,
    "█ TOTAL RESULTS",
    ...ALL_CHECKS,
    "CUSTOM",
    "cnt..: # #",
    `trd..: ${TREND}`,
    ...http(...SUB_METRICS),
    ...EXECUTION,
    ...NETWORK,
    "█ SCENARIO: first",
    ...CHECK_TOTALS,
    "✓ always fine",
    ...FAILED,
    "✓ fine inside",
    "CUSTOM",
    "cnt..: # #",
    ...http(),
    ...EXECUTION,
    ...NETWORK,
    "↳ GROUP: outer",
    ...CHECK_TOTALS,
    ...FAILED,
    "↳ GROUP: inner",
    ...CHECK_TOTALS,
    "✓ fine inside",
    "█ SCENARIO: second",
    ...CHECK_TOTALS,
    "✓ in other",
    "CUSTOM",
    `trd..: ${TREND}`,
    ...EXECUTION,
    ...NETWORK,
  ]);
});
