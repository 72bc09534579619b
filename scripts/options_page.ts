/** The page docs/options.md, made of the tables that the command line and the options are read by. */

import { COMMANDS } from "../src/cli/commands.ts";
import { type Flag, FLAGS } from "../src/cli/flags.ts";
import { defaultOf } from "../src/cli/help.ts";
import { FEATURES } from "../src/options/features.ts";
import { formatDuration } from "../src/options/duration.ts";
import { duration } from "../src/options/kinds.ts";
import { type OptionDefinition, OPTIONS } from "../src/options/table.ts";
import { code, table } from "./markdown.ts";

/** The page as Markdown; not formatted yet. */
export function optionsPage(): string {
  return `# Options

<!-- Made by \`deno task docs\` of src/options/table.ts, src/cli/flags.ts and src/cli/commands.ts: change those. -->

Each place wins over the ones before it: k6d's default, the configuration file, the script's \`options\`, the
environment, the command line. How they are merged is told in [the manual](manual.md#options).

## Options of the test

The name is the key in the script's \`options\` and in the configuration file.

${table(["option", "flag", "variable", "default", "meaning"], OPTIONS.map(optionRow))}

## Other settings

Not for scripts. Some can stand in the configuration file too.

${
    table(
      ["flag", "variable", "configuration file", "default", "meaning"],
      [...FLAGS.runtime, ...FLAGS.run, ...FLAGS.global].map(settingRow),
    )
  }

The configuration file may also hold \`collectors\`: settings of outputs, by the outputs' names.

## Commands

${
    table(
      ["command", "what it does", "flags of its own"],
      COMMANDS.flatMap((each) => each.hidden ? [] : [commandRow(each)]),
    )
  }

## Feature flags

For \`--features\`.

${table(["feature", "meaning"], FEATURES.map(({ name, help }) => [code(name), help]))}
`;
}

function optionRow(option: OptionDefinition): string[] {
  const { key, env, flag, help, notInScript } = option;
  return [
    notInScript ? "" : code(key),
    flag === undefined ? "" : flagNames(flag),
    env === undefined ? "" : code(env),
    optionDefault(option),
    help,
  ];
}

function settingRow(flag: Flag): string[] {
  const { env, config, help, noFlag, notYet } = flag;
  return [
    noFlag ? "" : flagNames(flag),
    env === undefined ? "" : code(env),
    config === undefined ? "" : code(config),
    defaultOf(flag) ?? "",
    meaning(help, notYet === true),
  ];
}

function commandRow({ name, args, summary, flags }: typeof COMMANDS[number]): string[] {
  const own = flags.filter((group) => group !== "options" && group !== "runtime" && group !== "run");
  return [
    code(`k6d ${name} ${args}`.trimEnd()),
    summary,
    own.flatMap((group) => FLAGS[group]).map(flagNames).join(", "),
  ];
}

function flagNames({ name, short }: { readonly name: string; readonly short?: string }): string {
  return short === undefined ? code(`--${name}`) : `${code(`-${short}`)}, ${code(`--${name}`)}`;
}

function optionDefault({ kind, default: value }: OptionDefinition): string {
  if (value === undefined || value === "") return "";
  return code(kind === duration ? formatDuration(value as number) : String(value));
}

function meaning(help: string, notYet: boolean): string {
  return notYet ? `${help} (not supported yet)` : help;
}
