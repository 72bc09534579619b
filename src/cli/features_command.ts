/** `k6d features`. */

import { FEATURES } from "../options/features.ts";
import type { CommandLine } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";

/** Lists the feature flags; as JSON with `--json`. */
export function featuresCommand({ flags }: CommandLine, { stdout }: CommandContext): number {
  if (flags.get("json")?.at(-1) === true) {
    const list = FEATURES.map(({ name, help, notYet }) => ({
      name,
      stage: "experimental",
      description: help,
      supported: notYet !== true,
    }));
    stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  } else {
    const width = Math.max(...FEATURES.map(({ name }) => name.length));
    const lines = FEATURES.map(({ name, help, notYet }) =>
      `${name.padEnd(width)}  experimental  ${help}${notYet ? " (not supported by k6d yet)" : ""}\n`
    );
    stdout.write(`${"NAME".padEnd(width)}  STAGE         DESCRIPTION\n${lines.join("")}`);
  }
  return ExitCode.Success;
}
