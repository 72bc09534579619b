/** What the commands do that pack a test: its first init stage, its options of all layers, and what goes into the archive. */

import { type StudiedTest, studyTest } from "../engine/studied_test.ts";
import { type ArchivedTest, type ArchiveSecrets, archiveSecrets } from "../engine/test_archive.ts";
import { consolidate } from "../options/consolidate.ts";
import type { Options } from "../options/types.ts";
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
  const contents = contentsOf(test, merged, context);
  return { options, contents, secrets: archiveSecrets(contents, test.program.modules.map(({ url }) => url)) };
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
