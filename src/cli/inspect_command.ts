/** `k6d inspect`: the options of a test as JSON. */

import { studyTest } from "../engine/studied_test.ts";
import { maxConcurrentVus, maxRunDurationMs } from "../executor/schedule.ts";
import { consolidate, readExportedOptions } from "../options/consolidate.ts";
import { readApm } from "../output/apm/config.ts";
import { formatDuration } from "../options/duration.ts";
import type { CommandLine } from "./args.ts";
import type { CommandContext } from "./commands.ts";
import { type ScriptCommandContext, withScript } from "./script_command.ts";

/**
 * Prints what the script exports; with `--execution-requirements` what a run would make of it and of the other layers,
 * and how long (null: until it is stopped) and with how many virtual users it would run at the most.
 */
export function inspectCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  return withScript(commandLine, context, async (script) => {
    const { facts, options } = await studyTest(script.plan.settings, script.log);
    const json = script.read.isOn("execution-requirements")
      ? requirements(script, options, facts.functions)
      : readExportedOptions(options);
    for (const warning of readApm(json).warnings) script.log.warn(warning);
    context.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  });
}

function requirements(
  { config, env, plan, log }: ScriptCommandContext,
  script: unknown,
  exportedFunctions: readonly string[],
): Record<string, unknown> {
  const { options, warnings } = consolidate({
    config: config.options,
    script,
    env,
    flags: plan.flags,
    exportedFunctions,
    notForRun: true,
  });
  for (const warning of warnings) log.warn(warning);
  const totalMs = maxRunDurationMs(options.scenarios);
  return {
    ...options.asJson,
    totalDuration: Number.isFinite(totalMs) ? formatDuration(totalMs) : null,
    maxVUs: maxConcurrentVus(options.scenarios),
  };
}
