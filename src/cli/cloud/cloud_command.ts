/** What the commands of `k6d cloud` share: their log, the cloud's settings, its client, and what mistakes mean. */

import { CloudClient } from "../../output/cloud/api/cloud_client.ts";
import { CloudApiError } from "../../output/cloud/api/cloud_error.ts";
import type { V6Access } from "../../output/cloud/api/v6_api.ts";
import { type CloudConfig, readConfig } from "../../output/cloud/config.ts";
import type { SettingKey } from "../../output/cloud/settings.ts";
import { OutputError } from "../../output/output.ts";
import type { SettingValue } from "../../output/setting_values.ts";
import { VERSION } from "../../version.ts";
import { type CommandLine, UsageError } from "../args.ts";
import type { CommandContext } from "../commands.ts";
import { readConfigFile } from "../config_file.ts";
import { reportCrash } from "../crash.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Log } from "../log.ts";
import { openLog } from "../open_log.ts";
import { SettingReader } from "../setting_reader.ts";
import { WriteError } from "../terminal.ts";

/** What every such command works with. */
export interface LoggedContext extends CommandContext {
  readonly read: SettingReader;
  readonly log: Log;
}

/** What those work with that talk to the cloud. */
export interface CloudCommandContext extends LoggedContext {
  readonly config: CloudConfig;
  readonly client: CloudClient;
}

/** Settings of the cloud that flags give. */
export type CloudFlags = Readonly<Partial<Record<SettingKey, SettingValue>>>;

/** Runs the body of a command without arguments; every mistake is logged in one line and becomes an exit code. */
export async function runLogged(
  line: CommandLine,
  context: CommandContext,
  body: (context: LoggedContext) => Promise<void>,
): Promise<number> {
  const read = new SettingReader(line, context.env);
  const log = openLog(read, context.env);
  const [command, ...more] = line.positionals;
  try {
    if (more.length > 0) throw new UsageError(`k6d ${command} takes no arguments, got ${more.join(" ")}`);
    await body({ ...context, read, log });
    return ExitCode.Success;
  } catch (error) {
    const exitCode = exitCodeOf(error);
    if (exitCode === null) return reportCrash(error, log);
    log.error(mistakeText(error as Error));
    return exitCode;
  } finally {
    await log.close();
  }
}

/**
 * Reads the cloud's settings and calls `body` with a client; the log hides their secrets from then on. `isToBeMade`: the
 * configuration file need not exist even when it is named.
 */
export async function withCloud(
  context: LoggedContext,
  flags: CloudFlags,
  body: (context: CloudCommandContext) => Promise<void>,
  { isToBeMade = false } = {},
): Promise<void> {
  const { read, env, log } = context;
  const { collectors } = readConfigFile(read, env, { isToBeMade });
  const config = readConfig({ argument: "", env, options: {}, collectors, flags });
  for (const secret of config.secrets) log.redact(secret);
  for (const warning of config.warnings) log.warn(warning);
  const client = new CloudClient({ version: VERSION, timeoutMs: config.timeoutMs, log, env });
  try {
    await body({ ...context, config, client });
  } finally {
    client.close();
  }
}

/** The stack's API for a user who has logged in. Throws a `UsageError` for others. */
export function stackAccess(
  { positionals: [command] }: Pick<CommandLine, "positionals">,
  { token, stackId, hostV6 }: CloudConfig,
): V6Access & { readonly stackId: number } {
  if (token === null) {
    throw new UsageError(`k6d ${command} needs a token: \`k6d cloud login\` stores one, or set K6_CLOUD_TOKEN`);
  }
  if (stackId === null) {
    throw new UsageError(`k6d ${command} needs a stack: \`k6d cloud login\` stores one, or set K6_CLOUD_STACK_ID`);
  }
  return { host: hostV6, token, stackId };
}

/** What a command says of a mistake: no output is at work where the settings of one are read. */
export function mistakeText({ message }: Error): string {
  return message.replace(/^cloud output: /, "");
}

/** Null for what is no mistake of the user nor of the service. */
function exitCodeOf(error: unknown): ExitCode | null {
  if (error instanceof UsageError) return error.exitCode;
  // As in `k6d run`, whose outputs' settings are no options, either.
  const isFailure = error instanceof OutputError || error instanceof CloudApiError || error instanceof WriteError;
  return isFailure ? ExitCode.Failure : null;
}
