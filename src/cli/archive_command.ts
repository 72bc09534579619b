/** `k6d archive`: a test and all that it needs, in one file. */

import { studyTest } from "../engine/studied_test.ts";
import { archiveTest } from "../engine/test_archive.ts";
import { apmSecrets } from "../output/apm/config.ts";
import { hasSecrets } from "../output/prometheus/setting_sources.ts";
import { consolidate } from "../options/consolidate.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { withScript } from "./script_command.ts";

/** Writes an archive that k6 and k6d run: the merged options, the script, and every file that it imports or opens. */
export function archiveCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  return withScript(commandLine, context, async ({ config, env, log, plan, read }) => {
    const { settings, flags } = plan;
    const test = await studyTest(settings, log);
    const { merged, warnings } = consolidate({
      config: config.options,
      script: test.options,
      env,
      flags,
      exportedFunctions: test.facts.functions,
      notForRun: true,
    });
    for (const warning of warnings) log.warn(warning);
    for (const option of optionsWithSecrets(merged)) {
      log.warn(`the archive holds the credentials of the option ${option}: whoever can read it can use them`);
    }
    const bytes = archiveTest({
      filename: test.filename,
      pwd: test.pwd,
      options: merged,
      env: read.isOn("exclude-env-vars") ? {} : test.env,
      compatibilityMode: read.text("compatibility-mode") || "extended",
      files: test.files,
    });
    writeOut(read.text("archive-out") || "archive.tar", bytes);
  });
}

function optionsWithSecrets(options: Readonly<Record<string, unknown>>): string[] {
  return [
    ...apmSecrets(options).length > 0 ? ["apm"] : [],
    ...hasSecrets(options) ? ["prometheusRemoteWrite"] : [],
  ];
}

function writeOut(path: string, bytes: Uint8Array<ArrayBuffer>): void {
  if (path === "-") {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
    return;
  }
  try {
    Deno.writeFileSync(path, bytes);
  } catch (error) {
    if (error instanceof Error) throw new UsageError(`cannot write the archive ${path}: ${error.message}`);
    throw error;
  }
}
