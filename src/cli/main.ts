/** From the arguments to a command and its exit code. */

import type { CommandLine } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";
import { StreamWriter } from "./terminal.ts";

/** Runs the command that the arguments name; resolves with the process's exit code and never rejects. */
export async function main(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const stderr = new StreamWriter(Deno.stderr);
  const { parseCommandLine, UsageError } = await import("./args.ts");
  try {
    return await runNamed(parseCommandLine(args), env);
  } catch (error) {
    if (error instanceof UsageError) {
      stderr.write(`error: ${error.message}\n`);
      return error.exitCode;
    }
    const { reportCrash } = await import("./crash.ts");
    const verbose = args.includes("--verbose") || args.includes("-v");
    const line = (message: string) => stderr.write(`error: ${message}\n`);
    return reportCrash(error, { error: line, debug: verbose ? line : () => {} });
  }
}

/** k6's commands that k6d hasn't yet. */
const LATER_COMMANDS = ["x"];

async function runNamed(commandLine: CommandLine, env: Readonly<Record<string, string>>): Promise<number> {
  const { COMMANDS } = await import("./commands.ts");
  const stdout = new StreamWriter(Deno.stdout);
  const [name] = commandLine.positionals;
  const command = COMMANDS.find((each) => each.name === name);
  const wants = (flag: string) => commandLine.flags.get(flag)?.at(-1) === true;
  if (name === undefined && wants("version")) {
    const { versionCommand } = await import("./version_command.ts");
    return versionCommand(commandLine, { env, stdout });
  }
  if (name === undefined || command !== undefined && wants("help")) {
    const { commandHelp, generalHelp } = await import("./help.ts");
    stdout.write(command === undefined ? generalHelp() : commandHelp(command));
    return ExitCode.Success;
  }
  if (command === undefined) return await rejectCommand(name, COMMANDS.flatMap((each) => each.hidden ? [] : each.name));
  return await (await command.load())(commandLine, { env, stdout });
}

async function rejectCommand(name: string, known: readonly string[]): Promise<never> {
  const { UsageError } = await import("./args.ts");
  const { didYouMean } = await import("../options/suggest.ts");
  if (LATER_COMMANDS.includes(name)) throw new UsageError(`the command ${name} is not supported yet by k6d`);
  const hint = /\.[cm]?[jt]s$/.test(name) ? `; did you mean k6d run ${name}?` : didYouMean(name, known);
  throw new UsageError(`unknown command ${JSON.stringify(name)} for k6d${hint}`);
}
