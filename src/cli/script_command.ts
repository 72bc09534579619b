/** What commands share that look at a script without running it: their log, their settings, and what mistakes mean. */

import type { Log } from "./log.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { type ConfigFile, readConfigFile } from "./config_file.ts";
import { reportCrash } from "./crash.ts";
import { ExitCode } from "./exit_codes.ts";
import { openLog } from "./open_log.ts";
import { planRun, type RunPlan } from "./run_settings.ts";
import { SettingReader } from "./setting_reader.ts";
import { WriteError } from "./terminal.ts";

/** What such a command works with. */
export interface ScriptCommandContext extends CommandContext {
  readonly read: SettingReader;
  readonly plan: RunPlan;
  readonly config: ConfigFile;
  readonly log: Log;
}

/** Runs the body of a command, which may resolve to an exit code; every mistake is logged and becomes an exit code. */
export async function withScript(
  commandLine: CommandLine,
  context: CommandContext,
  body: (context: ScriptCommandContext) => Promise<number | void>,
): Promise<number> {
  const { env } = context;
  const read = new SettingReader(commandLine, env);
  const log = openLog(read, env);
  try {
    const config = readConfigFile(read, env);
    const code = await body({ ...context, read, config, log, plan: planRun(commandLine, env, config) });
    return code ?? ExitCode.Success;
  } catch (error) {
    if (error instanceof UsageError || error instanceof WriteError) {
      log.error(error.message);
      return error instanceof UsageError ? error.exitCode : ExitCode.Failure;
    }
    const { reportFailure } = await import("../engine/failure.ts");
    try {
      return reportFailure(error, log);
    } catch (unknown) {
      return reportCrash(unknown, log);
    }
  } finally {
    await log.close();
  }
}
