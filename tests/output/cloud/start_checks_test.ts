import { assertEquals, assertThrows } from "@std/assert";
import { readConfig } from "../../../src/output/cloud/config.ts";
import { checkStart } from "../../../src/output/cloud/start_checks.ts";
import { OutputError } from "../../../src/output/output.ts";
import type { TestFacts } from "../../../src/output/run_facts.ts";
import { TEST_FACTS } from "../support/run_facts.ts";

Deno.test("a test has the name that is set, or else the script's", () => {
  assertEquals(check({ K6_CLOUD_NAME: "shop" }, { script: "/home/me/script.ts" }), "shop");
  assertEquals(check({}, { script: "/home/me/script.ts" }), "script.ts");
  assertEquals(check({}, { script: "script.ts" }), "script.ts");
  assertEquals(check({}, { script: "-" }), "k6 test");
});

Deno.test("a name of nothing but blanks is refused", () => {
  assertThrows(() => check({ K6_CLOUD_NAME: "  " }, {}), OutputError, "the test has no name: set options.cloud.name");
  assertThrows(() => check({}, { script: "" }), OutputError, "the test has no name");
});

Deno.test("system tags that are missing are named", () => {
  assertThrows(
    () => check({}, { systemTags: ["url", "name", "check"] }),
    OutputError,
    "the cloud output needs the following system tags enabled: status, method, group, error (option systemTags",
  );
});

Deno.test("a test without an end is refused", () => {
  assertThrows(() => check({}, { durationMs: Infinity }), OutputError, "give its externally-controlled scenario");
});

Deno.test("what is wrong is told in k6's order: system tags, name, duration, limits", () => {
  const wrong = { K6_CLOUD_METRIC_PUSH_CONCURRENCY: "0", K6_CLOUD_MAX_TIME_SERIES_IN_BATCH: "0" };
  const problems = [/system tags/, /no name/, /no end/, /metricPushConcurrency/, /maxTimeSeriesInBatch/];
  const mended: [Record<string, string>, Partial<TestFacts>][] = [
    [wrong, { systemTags: [], script: "", durationMs: Infinity }],
    [wrong, { script: "", durationMs: Infinity }],
    [wrong, { durationMs: Infinity }],
    [wrong, {}],
    [{ ...wrong, K6_CLOUD_METRIC_PUSH_CONCURRENCY: "2" }, {}],
  ];
  for (const [i, [env, test]] of mended.entries()) {
    const { message } = assertThrows(() => check(env, test), OutputError);
    assertEquals(problems.findIndex((problem) => problem.test(message)), i, message);
  }
});

function check(env: Readonly<Record<string, string>>, test: Partial<TestFacts>): string {
  return checkStart(readConfig({ argument: "", env, options: {}, collectors: {} }), { ...TEST_FACTS, ...test });
}
