import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "../../../src/cli/args.ts";
import { isLocalExecution } from "../../../src/cli/cloud/execution_flags.ts";
import { planRun } from "../../../src/cli/run_settings.ts";

const isLocal = (...flags: readonly string[]) => isLocalExecution(parseCommandLine(["cloud", "run", "x.js", ...flags]));

Deno.test("a test runs here when that is asked for", () => {
  assertEquals(isLocal(), false);
  assertEquals(isLocal("--local-execution"), true);
  assertEquals(isLocal("--local-execution=false", "--show-logs"), false);
  assertEquals(isLocal("--local-execution", "--no-cloud-logs", "--no-archive-upload", "--linger"), true);
  assertEquals(isLocal("--exit-on-running", "--linger", "--no-usage-report"), false);
});

for (
  const [flags, message] of [
    [["--show-logs=false"], "--show-logs does not go with --local-execution: it is about tests that run in the cloud"],
    [
      ["--exit-on-running"],
      "--exit-on-running does not go with --local-execution: it is about tests that run in the cloud",
    ],
  ] as const
) {
  Deno.test(`refused with --local-execution: ${flags.join(" ")}`, () => {
    const error = assertThrows(() => isLocal("--local-execution", ...flags), UsageError);
    assertEquals([error.message, error.exitCode], [message, 104]);
  });
}

for (const flag of ["--no-archive-upload", "--no-cloud-secrets", "--no-cloud-logs"]) {
  Deno.test(`refused without --local-execution: ${flag}`, () => {
    const error = assertThrows(() => isLocal(flag), UsageError);
    assertEquals([error.message, error.exitCode], [
      `${flag} goes with --local-execution only: without that the test runs in the cloud`,
      104,
    ]);
  });
}

Deno.test("a local execution has one output, the cloud, and its secrets unless the user doesn't want them", () => {
  const plan = (...args: readonly string[]) =>
    planRun(parseCommandLine(args), { K6_OUT: "json" }, { options: {}, settings: {}, collectors: {} }).settings;
  const local = plan("cloud", "run", "x.js", "--local-execution");
  assertEquals([local.outputs, local.launch], [
    ["cloud"],
    { isLocalExecution: true, pushesLogs: true, readsSecrets: true },
  ]);
  assertEquals(local.secretSources, [{ name: "cloud", isDefault: true, secrets: "of a run to come" }]);
  const shy = plan("cloud", "run", "x.js", "--local-execution", "--no-cloud-logs", "--no-cloud-secrets");
  assertEquals([shy.launch, shy.secretSources], [
    { isLocalExecution: true, pushesLogs: false, readsSecrets: false },
    [],
  ]);
  const streamed = plan("run", "x.js", "-o", "cloud=name", "--secret-source", "mock=a=b");
  assertEquals([streamed.launch.isLocalExecution, streamed.outputs], [false, ["cloud=name"]]);
  assertEquals(streamed.secretSources.map(({ name, isDefault }) => [name, isDefault]), [["mock", true], [
    "cloud",
    false,
  ]]);
  assertEquals(plan("run", "x.js").secretSources, []);
});
