/** The commands of k6d. What a command needs is loaded when it runs, so that `k6d version` and mistakes answer at once. */

import { VERSION } from "../version.ts";
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
    const { reportCrash } = await import("./run_command.ts");
    const verbose = args.includes("--verbose") || args.includes("-v");
    const line = (message: string) => stderr.write(`error: ${message}\n`);
    return reportCrash(error, { error: line, debug: verbose ? line : () => {} });
  }
}

/** k6's commands that k6d hasn't yet. */
const LATER_COMMANDS = ["archive", "cloud", "completion", "deps", "features", "inspect", "new", "stats", "x"];
const COMMANDS = ["run", "version", "help"];

async function runNamed(commandLine: CommandLine, env: Readonly<Record<string, string>>): Promise<number> {
  const stdout = new StreamWriter(Deno.stdout);
  const [command, topic] = commandLine.positionals;
  const wantsHelp = command === "help" || commandLine.flags.get("help")?.at(-1) === true;
  if (command === "version" || command === undefined && commandLine.flags.has("version")) {
    stdout.write(
      `k6d v${VERSION} (deno ${Deno.version.deno}, v8 ${Deno.version.v8}, ${Deno.build.os}/${Deno.build.arch})\n`,
    );
    return ExitCode.Success;
  }
  if (command === undefined || wantsHelp) {
    const { generalHelp, runHelp } = await import("./help.ts");
    stdout.write((command === "help" ? topic : command) === "run" ? runHelp() : generalHelp());
    return ExitCode.Success;
  }
  if (command === "run") {
    const { runCommand } = await import("./run_command.ts");
    return await runCommand(commandLine, env);
  }
  return await rejectCommand(command);
}

async function rejectCommand(command: string): Promise<never> {
  const { UsageError } = await import("./args.ts");
  const { didYouMean } = await import("../options/suggest.ts");
  if (LATER_COMMANDS.includes(command)) throw new UsageError(`the command ${command} is not supported yet by k6d`);
  const hint = /\.[cm]?[jt]s$/.test(command) ? `; did you mean k6d run ${command}?` : didYouMean(command, COMMANDS);
  throw new UsageError(`unknown command ${JSON.stringify(command)} for k6d${hint}`);
}
