/** What the cloud output asks of a test before it starts, in the order in which k6 asks. */

import { OutputError } from "../output.ts";
import type { TestFacts } from "../run_facts.ts";
import { assertLimits, type CloudConfig } from "./config.ts";
import { nameOfTest } from "./load_test_identity.ts";

/** Throws an `OutputError` for a test that the cloud can't take; returns the name under which it is known there. */
export function checkStart(
  config: CloudConfig,
  { script, durationMs, systemTags }: Pick<TestFacts, "script" | "durationMs" | "systemTags">,
): string {
  assertSystemTags(systemTags);
  const name = nameOfTest(config, script);
  if (name === "") {
    throw new OutputError("cloud output: the test has no name: set options.cloud.name, K6_CLOUD_NAME or -o cloud=NAME");
  }
  if (durationMs === Infinity) {
    throw new OutputError(
      "cloud output: the test has no end that is known in advance: give its externally-controlled scenario a duration",
    );
  }
  assertLimits(config);
  return name;
}

/** The system tags by which the cloud tells requests, checks and groups apart. */
const REQUIRED_TAGS = ["status", "method", "name", "group", "check", "error"];

function assertSystemTags(enabled: readonly string[]): void {
  const missing = REQUIRED_TAGS.filter((tag) => !enabled.includes(tag));
  if (missing.length === 0) return;
  throw new OutputError(
    `the cloud output needs the following system tags enabled: ${
      missing.join(", ")
    } (option systemTags, --system-tags)`,
  );
}
