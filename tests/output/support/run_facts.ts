/** What an output is told of a test, and how it ended. */

import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { OutputContext } from "../../../src/output/output.ts";
import { PLAIN_LAUNCH, type RunEnding, type TestFacts } from "../../../src/output/run_facts.ts";

/** Ten virtual users for thirty seconds. */
export const TEST_FACTS: TestFacts = {
  script: "script.js",
  maxVus: 10,
  durationMs: 30_000,
  thresholds: {},
  systemTags: ["proto", "status", "method", "url", "name", "group", "check", "error", "error_code", "scenario"],
  archive: () => Uint8Array.of(1, 2, 3),
};

/** A run that came to its end. */
export const CLEAN_END: RunEnding = { reason: "finished", exitCode: 0, message: "", thresholds: [] };

/** What all outputs of a run are told, but for `changes`: no settings, a log that nobody reads. */
export function commonContext(
  changes: Partial<OutputContext> = {},
): Omit<OutputContext, "name" | "argument"> {
  return {
    env: {},
    options: {},
    collectors: {},
    features: [],
    registry: new MetricRegistry(() => {}),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    version: "1.2.3",
    test: TEST_FACTS,
    launch: PLAIN_LAUNCH,
    stopRun() {},
    redact() {},
    followLog: () => () => {},
    ...changes,
  };
}
