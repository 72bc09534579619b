/** `k6d run`: command line, environment and configuration file → settings, log and layers of options for the engine. */

import { startFirstWorker } from "../engine/worker_thread.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { readConfigFile } from "./config_file.ts";
import { exitOnStrayErrors, reportCrash } from "./crash.ts";
import { ExitCode } from "./exit_codes.ts";
import { openLog } from "./open_log.ts";
import { planRun } from "./run_settings.ts";
import { SettingReader } from "./setting_reader.ts";
import { isInteractive, LenientWriter } from "./terminal.ts";

/** Runs a test; resolves with the exit code. Throws a `UsageError` when there is no script, or no log to write mistakes to. */
export async function runCommand(commandLine: CommandLine, { env, stdout }: CommandContext): Promise<number> {
  const read = new SettingReader(commandLine, env);
  const log = openLog(read, env);
  exitOnStrayErrors(log);
  try {
    const config = readConfigFile(read, env);
    const plan = planRun(commandLine, env, config);
    for (const warning of plan.warnings) log.warn(warning);
    for (const error of plan.errors) log.error(error);
    startFirstWorker();
    const { runTest } = await import("../engine/run.ts");
    const writer = new LenientWriter(stdout);
    const terminal = { stdout: writer, interactive: isInteractive({ isTerminal: Deno.stdout.isTerminal(), env }) };
    const code = await runTest(plan.settings, { config: config.options, env, flags: plan.flags }, log, terminal);
    if (writer.failure === null) return code;
    log.error(writer.failure.message);
    return code === ExitCode.Success ? ExitCode.Failure : code;
  } catch (error) {
    if (!(error instanceof UsageError)) return reportCrash(error, log);
    log.error(error.message);
    return error.exitCode;
  } finally {
    await log.close();
  }
}
