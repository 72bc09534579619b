import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "../../../src/cli/args.ts";
import { isLocalExecution } from "../../../src/cli/cloud/execution_flags.ts";

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
