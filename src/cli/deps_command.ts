/** `k6d deps`: what a script is made of. */

import { openTestSource } from "../engine/test_source.ts";
import { loadProgram } from "../script/load.ts";
import type { CommandLine } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { withScript } from "./script_command.ts";

/** Prints the modules that a script imports, itself and through others; as JSON with `--json`. Nothing of it runs. */
export function depsCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  return withScript(commandLine, context, async ({ plan: { settings }, log, read }) => {
    const warn = (message: string): void => log.warn(message);
    const { entry, host } = await openTestSource(settings.script, settings.type, warn);
    const program = await loadProgram(entry, { ...host, warn });
    const modules = program.modules.slice(0, -1).map(({ url }) => url);
    const imports = [...program.builtins].sort().concat(modules.sort());
    // A script that needs an extension of k6 does not load, so what is printed here never needs one.
    const json = { buildDependencies: { k6: "*" }, imports, customBuildRequired: false };
    context.stdout.write(read.isOn("json") ? `${JSON.stringify(json, null, 2)}\n` : asText(imports));
  });
}

function asText(imports: readonly string[]): string {
  const list = imports.map((name) => `  ${name}\n`).join("");
  return `Build Dependencies:\n  k6: *\n\nImports:\n${list}\nCustom Build Required: no\n`;
}
