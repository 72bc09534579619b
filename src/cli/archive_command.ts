/** `k6d archive`: a test and all that it needs, in one file. */

import { archiveTest } from "../engine/test_archive.ts";
import { systemReason } from "../output/system_reason.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { Interruption } from "./interruption.ts";
import { prepareToPack, secretWarnings } from "./packed_test.ts";
import { withScript } from "./script_command.ts";
import { StreamWriter } from "./terminal.ts";
import { writeWholeFile } from "./whole_file.ts";

/** Writes an archive that k6 and k6d run: the merged options, the script, and every file that it imports or opens. */
export function archiveCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  return withScript(commandLine, context, async (script) => {
    using interruption = new Interruption("no archive was written");
    const test = await interruption.race(prepareToPack(script));
    for (const warning of secretWarnings(test.secrets)) script.log.warn(warning);
    writeOut(script.read.text("archive-out") || "archive.tar", archiveTest(test.contents));
  });
}

function writeOut(path: string, bytes: Uint8Array<ArrayBuffer>): void {
  if (path === "-") return new StreamWriter(Deno.stdout).write(bytes);
  try {
    writeWholeFile(path, bytes);
  } catch (error) {
    if (error instanceof Error) throw new UsageError(`cannot write the archive ${path}: ${systemReason(error)}`);
    throw error;
  }
}
