/** What the commands do that pack a test: its first init stage, its options of all layers, and what goes into the archive. */

import { type StudiedTest, studyTest } from "../engine/studied_test.ts";
import { type ArchivedTest, type ArchiveSecrets, archiveSecrets, warningOf } from "../engine/test_archive.ts";
import { ThresholdError } from "../metrics/threshold_expression.ts";
import { Thresholds } from "../metrics/thresholds.ts";
import { consolidate } from "../options/consolidate.ts";
import { secretsOfOptions } from "../output/option_secrets.ts";
import { longEnough } from "../output/secrets.ts";
import type { Options } from "../options/types.ts";
import { UsageError } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import type { ScriptCommandContext } from "./script_command.ts";

/** A test that is ready to be packed. */
export interface TestToPack {
  /** What a run would do. */
  readonly options: Options;
  readonly contents: ArchivedTest;
  readonly secrets: ArchiveSecrets;
}

/** Studies a test and merges its options; warnings are logged. Throws what `withScript` understands. */
export async function prepareToPack(context: ScriptCommandContext): Promise<TestToPack> {
  const { config, env, log, plan } = context;
  const test = await studyTest(plan.settings, log);
  const { options, merged, warnings } = consolidate({
    config: config.options,
    script: test.options,
    env,
    flags: plan.flags,
    exportedFunctions: test.facts.functions,
    notForRun: true,
  });
  for (const warning of warnings) log.warn(warning);
  if (!plan.settings.noThresholds) checkThresholds(options, test, log);
  for (const { texts } of secretsOfOptions(merged)) longEnough(texts).forEach((secret) => log.redact(secret));
  const contents = contentsOf(test, merged, context);
  return { options, contents, secrets: archiveSecrets(contents, test.program.modules.map(({ url }) => url)) };
}

/** What the user of an archive must know of secrets, one line each. */
export function secretWarnings({ leftOut, inText }: ArchiveSecrets): string[] {
  const warnings = inText.map(warningOf);
  if (leftOut.length === 0) return warnings;
  return [
    `secrets were left out of the archive: ${
      leftOut.join(", ")
    }; where it runs, give their variables again (-e, or k6's own)`,
    ...warnings,
  ];
}

/** Throws a `UsageError`: better now than where the archive runs. */
function checkThresholds({ thresholds }: Options, { registry }: StudiedTest, log: Log): void {
  try {
    for (const warning of new Thresholds(thresholds, registry).warnings) log.warn(warning);
  } catch (error) {
    if (error instanceof ThresholdError) throw new UsageError(error.message, ExitCode.InvalidConfig);
    throw error;
  }
}

function contentsOf(
  { filename, pwd, files, env }: StudiedTest,
  options: ArchivedTest["options"],
  { read }: ScriptCommandContext,
): ArchivedTest {
  return {
    filename,
    pwd,
    files,
    options,
    env: read.isOn("exclude-env-vars") ? {} : env,
    compatibilityMode: read.text("compatibility-mode") || "extended",
  };
}
