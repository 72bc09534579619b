/** `k6d features`. */

import { FEATURES } from "../options/features.ts";
import type { CommandLine } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";

/** Lists the feature flags; as JSON with `--json`. */
export function featuresCommand({ flags }: CommandLine, { stdout }: CommandContext): number {
  if (flags.get("json")?.at(-1) === true) {
    const list = FEATURES.map(({ name, help }) => ({ name, stage: "experimental", description: help }));
    stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  } else {
    const width = Math.max(...FEATURES.map(({ name }) => name.length));
    const lines = FEATURES.map(({ name, help }) => `${name.padEnd(width)}  experimental  ${help}\n`);
    stdout.write(`${"NAME".padEnd(width)}  STAGE         DESCRIPTION\n${lines.join("")}`);
  }
  return ExitCode.Success;
}
