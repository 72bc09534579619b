/** A test that some output is told of, and how it ended. */

import type { RunEnding, TestFacts } from "../../../src/output/run_facts.ts";

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
