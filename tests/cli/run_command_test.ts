import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "../../src/cli/args.ts";
import fc from "fast-check";
import { parseConfigFile } from "../../src/cli/config_file.ts";
import { reportCrash } from "../../src/cli/crash.ts";
import { ALL_FLAGS } from "../../src/cli/flags.ts";
import { planRun } from "../../src/cli/run_settings.ts";

function plan(line: string, env: Record<string, string> = {}, config: object = {}) {
  const commandLine = parseCommandLine(["run", ...line.split(" ").filter((arg) => arg !== "")]);
  return planRun(commandLine, env, parseConfigFile(JSON.stringify(config), "config.json"), 4);
}

Deno.test("a plain run uses every core, a compact summary and the system's environment", () => {
  const { settings, flags, warnings } = plan("x.js", { HOME: "/h" });
  assertEquals([settings.script, settings.workers, settings.summaryMode], ["x.js", 4, "compact"]);
  assertEquals([settings.systemEnv, settings.givenEnv], [{ HOME: "/h" }, {}]);
  assertEquals([flags, warnings], [{}, []]);
});

Deno.test("flags win over variables, variables over defaults", () => {
  const env = { K6D_WORKERS: "2", K6_OUT: "json,csv", K6_SUMMARY_MODE: "full", K6_NO_THRESHOLDS: "true" };
  const { settings } = plan("x.js", env);
  assertEquals([settings.workers, settings.outputs, settings.summaryMode], [2, ["json", "csv"], "full"]);
  assertEquals(settings.noThresholds, true);
  const over = plan("x.js --workers 3 -o json=a,b --summary-mode disabled --no-thresholds=false", env).settings;
  assertEquals([over.workers, over.outputs, over.summaryMode], [3, ["json=a,b"], "disabled"]);
  assertEquals(over.noThresholds, false);
});

Deno.test("the configuration file is the lowest layer of settings", () => {
  const config = { out: ["json=c"], noUsageReport: true, collectors: { csv: { file_name: "x" } } };
  assertEquals(plan("x.js", {}, config).settings.outputs, ["json=c"]);
  assertEquals(plan("x.js", {}, config).settings.collectors, { csv: { file_name: "x" } });
  assertEquals(plan("x.js", { K6_OUT: "csv" }, config).settings.outputs, ["csv"]);
  assertEquals(plan("x.js -o csv=y", {}, config).settings.outputs, ["csv=y"]);
  const error = assertThrows(() => plan("x.js", {}, { linger: "long" }), UsageError);
  assertStringIncludes(
    error.message,
    `"linger" in the configuration file: expected true or false, got the string "long"`,
  );
  assertEquals(error.exitCode, 104);
});

Deno.test("unknown features are errors that stop nothing", () => {
  const { settings, errors } = plan("--features merge-run-tags,native-histograms,merge-run-tag x.js", {
    K6_FEATURES: "freeze-env",
  });
  assertEquals(settings.features, ["merge-run-tags", "native-histograms"]);
  assertEquals(errors, ['unknown feature "merge-run-tag", see k6d features; did you mean merge-run-tags?']);
  assertEquals(plan("--features= x.js", { K6_FEATURES: "merge-run-tags" }).settings.features, []);
});

Deno.test("k6's older variable for native histograms asks for the feature, unless --features says otherwise", () => {
  const env = { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "T", K6_FEATURES: "freeze-env" };
  assertEquals(plan("x.js", env).settings.features, ["freeze-env", "native-histograms"]);
  assertEquals(plan("--features freeze-env x.js", env).settings.features, ["freeze-env"]);
  assertEquals(plan("x.js", { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "no" }).settings.features, []);
});

Deno.test("flags that set options are joined where they may be repeated", () => {
  const { flags } = plan("-u 2 -u 3 --tag a=1 --tag b=2 --system-tags vu,iter --no-setup x.js");
  assertEquals(flags, { vus: 3, tags: { a: "1", b: "2" }, systemTags: ["vu", "iter"], noSetup: true });
});

Deno.test("variables of -e are kept apart from the system's, which can be left out", () => {
  const env = { OVER: "system", SYSTEM: "yes" };
  const { systemEnv, givenEnv } = plan("-e OVER=cli -e TWO=two=2 -e EMPTY -e BLANK= x.js", env).settings;
  assertEquals(systemEnv, env);
  assertEquals(givenEnv, { OVER: "cli", TWO: "two=2", EMPTY: "", BLANK: "" });
  assertEquals(plan("--include-system-env-vars=false -e A=1 x.js", env).settings.systemEnv, {});
});

Deno.test("what isn't there yet is a warning, and asking for nothing is fine", () => {
  assertEquals(plan("--address= --no-usage-report x.js").warnings, []);
  assertEquals(plan("--traces-output otel x.js", { K6_PROFILING_ENABLED: "1" }).warnings, [
    "flag --traces-output is not supported by k6d yet and has no effect",
    "flag --profiling-enabled is not supported by k6d yet and has no effect",
  ]);
});

Deno.test("--no-summary is --summary-mode disabled", () => {
  assertEquals(plan("--no-summary x.js").settings.summaryMode, "disabled");
  assertEquals(plan("x.js", { K6_NO_SUMMARY: "true" }).settings.summaryMode, "disabled");
  assertEquals(plan("--no-summary=false --summary-mode full x.js").settings.summaryMode, "full");
});

const REFUSED: readonly (readonly [line: string, env: Record<string, string>, message: string, code: number])[] = [
  ["", {}, "k6d run needs a script", 255],
  ["a.js b.js", {}, "takes one script, got 2", 255],
  ["-e 1A=3 a.js", {}, `invalid environment variable name "1A"`, 255],
  ["-e =3 a.js", {}, `invalid environment variable name ""`, 255],
  ["--workers 0 a.js", {}, "at least 1, got 0", 255],
  ["a.js", { K6D_WORKERS: "many" }, `K6D_WORKERS: expected a whole number, got the string "many"`, 104],
  ["--traces-output jaeger a.js", {}, `unsupported traces output "jaeger"; use none or otel=url`, 255],
  ["--secret-source vault=x a.js", {}, `unknown secret source "vault"; use file, mock, url`, 255],
  ["a.js", { K6_SECRET_SOURCE: "cloud" }, "the secret source cloud can't be asked for", 104],
  ["a.js", { K6_LINGER: "long" }, `K6_LINGER: expected true or false, got the string "long"`, 104],
  ["a.js", { K6_SUMMARY_MODE: "legacy" }, "K6_SUMMARY_MODE", 255],
];

for (const [line, env, message, code] of REFUSED) {
  Deno.test(`refused: run ${line} ${JSON.stringify(env)}`, () => {
    const error = assertThrows(() => plan(line, env), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.exitCode, code);
  });
}

Deno.test("a crash is one line with the stack in the debug log", () => {
  const lines: string[][] = [[], []];
  const log = { error: (line: string) => lines[0]!.push(line), debug: (line: string) => lines[1]!.push(line) };
  assertEquals(reportCrash(new TypeError("broken\n    at file:1"), log), 109);
  assertStringIncludes(lines[0]!.join(), "k6d crashed: TypeError: broken. This is a bug in k6d");
  assertEquals(lines[0]!.join().includes("\n"), false);
  assertStringIncludes(lines[1]!.join(), "run_command_test.ts");
});

Deno.test("whatever the command line and the variables hold: a plan, or a mistake for the user", () => {
  const word = fc.oneof(
    fc.constantFrom(...ALL_FLAGS.flatMap(({ name, short = "x" }) => [`--${name}`, `-${short}`])),
    fc.constantFrom("1", "1s", "true", "a=b", "a:b", "10s:5", "-", "--", "full", "mock=a=b"),
    fc.string(),
    fc.tuple(fc.constantFrom(...ALL_FLAGS), fc.string()).map(([{ name }, value]) => `--${name}=${value}`),
  );
  const variables = ALL_FLAGS.flatMap(({ env }) => env ?? []);
  const env = fc.dictionary(fc.constantFrom(...variables), fc.oneof(fc.string(), fc.constantFrom("1", "true", "a=b")));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), env, (words, env) => {
      try {
        planRun(parseCommandLine(["run", "x.js", ...words]), env, parseConfigFile("{}", "config.json"), 4);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});
