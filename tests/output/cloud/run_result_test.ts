import { assertEquals } from "@std/assert";
import { runResult } from "../../../src/output/cloud/run_result.ts";
import type { EndReason, ThresholdOutcome } from "../../../src/output/run_facts.ts";

const STATUSES: Readonly<Record<EndReason, number>> = {
  "finished": 3,
  "marked-failed": 3,
  "threshold": 8,
  "interrupted": 5,
  "rest-api": 5,
  "script-abort": 5,
  "script-error": 7,
  "timeout": 9,
  "output": 6,
  "system": 6,
};

for (const [reason, runStatus] of Object.entries(STATUSES)) {
  Deno.test(`the end "${reason}" has the run status ${runStatus}`, () => {
    const isFailed = reason === "marked-failed";
    assertEquals(result(reason as EndReason, []), { isFailed, runStatus, thresholds: {} });
    assertEquals(result(reason as EndReason, [threshold("a", "count>1", false)]).isFailed, true);
  });
}

Deno.test("thresholds are told by metric and expression: true is failed", () => {
  const outcomes = [
    threshold("a", "count>1", true),
    threshold("__proto__", "max<3", false),
    threshold("a", "count>9", false),
  ];
  const { isFailed, thresholds } = result("finished", outcomes);
  assertEquals(isFailed, true);
  assertEquals(JSON.stringify(thresholds), `{"a":{"count>1":false,"count>9":true},"__proto__":{"max<3":true}}`);
});

function result(reason: EndReason, thresholds: readonly ThresholdOutcome[]) {
  return runResult({ reason, exitCode: 0, message: "", thresholds });
}

function threshold(metric: string, expression: string, ok: boolean): ThresholdOutcome {
  return { metric, expression, ok };
}
