/** `k6d new`: a first script to start from. */

import { didYouMean } from "../options/suggest.ts";
import { systemReason } from "../output/system_reason.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import { BUILTIN_TEMPLATES } from "./script_templates.ts";

/** Writes a script made of a template; an existing file is kept unless `--force` is given. */
export function newCommand({ positionals, flags }: CommandLine, { stdout }: CommandContext): number {
  const [, path = "script.js", ...more] = positionals;
  if (more.length > 0) {
    throw new UsageError(`k6d new makes one script, got ${more.length + 1}: ${[path, ...more].join(" ")}`);
  }
  const text = (name: string) => flags.get(name)?.at(-1) as string | undefined ?? "";
  const template = text("template") || "minimal";
  const projectId = text("project-id");
  if (!/^\d*$/.test(projectId)) throw new UsageError(`invalid --project-id ${JSON.stringify(projectId)}: use digits`);
  const script = BUILTIN_TEMPLATES.get(template)?.(projectId) ?? customTemplate(template, path, projectId);
  writeNew(path, script, { force: flags.get("force")?.at(-1) === true });
  stdout.write(`New script created: ${path} (${template} template).\n`);
  return ExitCode.Success;
}

/** The text of a template file; k6's two placeholders are filled in. */
function customTemplate(template: string, path: string, projectId: string): string {
  if (!/[/\\.]/.test(template)) {
    const names = [...BUILTIN_TEMPLATES.keys()];
    throw new UsageError(
      `unknown template ${JSON.stringify(template)}; use ${names.join(", ")} or the path of a file${
        didYouMean(template, names)
      }`,
    );
  }
  try {
    return Deno.readTextFileSync(template)
      .replaceAll(/\{\{-?\s*\.ScriptName\s*-?\}\}/g, () => path)
      .replaceAll(/\{\{-?\s*\.ProjectID\s*-?\}\}/g, () => projectId);
  } catch (error) {
    if (error instanceof Error) throw new UsageError(`cannot read the template ${template}: ${error.message}`);
    throw error;
  }
}

function writeNew(path: string, script: string, { force }: { readonly force: boolean }): void {
  try {
    Deno.writeTextFileSync(path, script, { createNew: !force });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new UsageError(`${path} already exists; use --force to overwrite it`);
    }
    if (error instanceof Error) throw new UsageError(`cannot write ${path}: ${systemReason(error)}`);
    throw error;
  }
}
