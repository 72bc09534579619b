/** `k6d version`. */

import { VERSION } from "../version.ts";
import type { CommandLine } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";

/** Prints what this is and what it runs on; as JSON with `--json`. */
export function versionCommand({ flags }: Pick<CommandLine, "flags">, { stdout }: CommandContext): number {
  const { deno, v8 } = Deno.version;
  const { os, arch } = Deno.build;
  const json = flags.get("json")?.at(-1) === true;
  stdout.write(
    json
      ? `${JSON.stringify({ version: `v${VERSION}`, deno_version: deno, v8_version: v8, os, arch }, null, 2)}\n`
      : `k6d v${VERSION} (deno ${deno}, v8 ${v8}, ${os}/${arch})\n`,
  );
  return ExitCode.Success;
}
