/** `k6d archive`: a test and all that it needs, in one file. */

import { archiveTest } from "../engine/test_archive.ts";
import { fromFileUrl } from "../script/file_url.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { prepareToPack, type TestToPack } from "./packed_test.ts";
import { withScript } from "./script_command.ts";
import { StreamWriter } from "./terminal.ts";
import { writeWholeFile } from "./whole_file.ts";

/** Writes an archive that k6 and k6d run: the merged options, the script, and every file that it imports or opens. */
export function archiveCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  return withScript(commandLine, context, async (script) => {
    const test = await prepareToPack(script);
    for (const warning of secretWarnings(test.secrets)) script.log.warn(warning);
    writeOut(script.read.text("archive-out") || "archive.tar", archiveTest(test.contents));
  });
}

/** What the user of an archive must know of secrets, one line each. */
function secretWarnings({ leftOut, inText }: TestToPack["secrets"]): string[] {
  const warnings = inText.map(({ place, module }) =>
    `the archive holds ${place}, because ${nameOf(module)} has it in its text: take it from a variable (__ENV) instead`
  );
  if (leftOut.length === 0) return warnings;
  return [
    `secrets were left out of the archive: ${
      leftOut.join(", ")
    }; where it runs, give their variables again (-e, or k6's own)`,
    ...warnings,
  ];
}

function nameOf(module: string): string {
  return module.startsWith("file:") ? fromFileUrl(module) : module;
}

function writeOut(path: string, bytes: Uint8Array<ArrayBuffer>): void {
  if (path === "-") return new StreamWriter(Deno.stdout).write(bytes);
  try {
    writeWholeFile(path, bytes);
  } catch (error) {
    if (error instanceof Error) throw new UsageError(`cannot write the archive ${path}: ${error.message}`);
    throw error;
  }
}
