/** Help texts, generated from the tables of commands and flags. */

import { formatDuration } from "../options/duration.ts";
import { duration } from "../options/kinds.ts";
import { didYouMean } from "../options/suggest.ts";
import { OPTIONS } from "../options/table.ts";
import { type CommandLine, UsageError } from "./args.ts";
import { type Command, type CommandContext, commandOf, COMMANDS, commandsAfter } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import { type Flag, type FlagGroup, FLAGS } from "./flags.ts";

/** `k6d help [command]`. */
export function helpCommand({ positionals }: CommandLine, { stdout }: CommandContext): number {
  const words = positionals.slice(1);
  const topic = words.join(" ");
  const command = commandOf(words);
  if (topic !== "" && command?.name !== topic) {
    const hint = didYouMean(topic, COMMANDS.map(({ name }) => name));
    throw new UsageError(`there is no command ${JSON.stringify(topic)} to help with${hint}`);
  }
  stdout.write(command === undefined ? generalHelp() : commandHelp(command));
  return ExitCode.Success;
}

/** What `k6d help` says. */
export function generalHelp(): string {
  const shown = COMMANDS.filter(({ name, hidden }) => !name.includes(" ") && hidden === undefined);
  return `k6d runs k6 load-test scripts on V8.

Usage:
  k6d <command> [flags]

Commands:
${list(shown)}
\`k6d help <command>\` lists the flags of a command.

Example:
  k6d run --vus 50 --duration 30s script.js
`;
}

/** What `k6d <command> --help` says. */
export function commandHelp(command: Command): string {
  const summary = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}`;
  const examples = command.examples === undefined
    ? ""
    : `\nExamples:\n${command.examples.map((line) => `  k6d ${line}\n`).join("")}`;
  const below = commandsAfter(command.name.split(" "));
  const commands = below.length === 0 ? "" : `\nCommands:\n${list(below)}`;
  const groups = [...command.flags, "global" as const].map((group) => `\n${TITLES[group]}:\n${flagsOf(group)}`);
  return `${summary}.\n\nUsage:\n  k6d ${command.name} [flags] ${command.args}`.trimEnd() +
    `\n${commands}${examples}${groups.join("")}`;
}

/** The headings of the groups of flags. */
const TITLES: Readonly<Record<FlagGroup, string>> = {
  options: "Options of the test (also variables, and most of them fields of the script's options)",
  runtime: "Options of the script and the summary",
  run: "Options of the run",
  localExecution: "Options of a test that runs here, with its results in the cloud",
  archive: "Options of the archive",
  inspect: "Options of the command",
  json: "Options of the command",
  new: "Options of the command",
  completion: "Options of the command",
  scale: "Options of the command",
  login: "Options of the command",
  projectId: "Options of the command",
  cloudRun: "Options of the run",
  global: "Global",
};

/** The default of a flag as text; undefined when there is none worth a word. */
export function defaultOf(flag: Flag): string | undefined {
  const value = flag.default ?? optionOf(flag)?.default;
  if (value === undefined || value === false || value === "") return undefined;
  return flag.kind === duration ? formatDuration(value as number) : String(value);
}

function list(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => nameAndArgs(command).length));
  return commands.map((command) => `  ${nameAndArgs(command).padEnd(width)}   ${command.summary}\n`).join("");
}

function nameAndArgs({ name, args }: Command): string {
  return `${name} ${args}`.trimEnd();
}

function flagsOf(group: FlagGroup): string {
  return FLAGS[group].filter(({ noFlag }) => noFlag === undefined).map(line).join("");
}

const NAME_WIDTH = 46;

function line(flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const placeholder = flag.kind.placeholder === "" ? "" : ` ${flag.kind.placeholder}`;
  const name = `  ${short}--${flag.name}${flag.bare === undefined ? placeholder : ""}`;
  const value = defaultOf(flag);
  const notes = [
    value === undefined ? undefined : `default ${value}`,
    flag.env,
    flag.notYet !== undefined ? "not supported yet" : undefined,
  ];
  const known = notes.filter((note) => note !== undefined);
  return `${name.padEnd(NAME_WIDTH)} ${flag.help}${known.length > 0 ? ` (${known.join("; ")})` : ""}\n`;
}

function optionOf(flag: Flag) {
  return OPTIONS.find((option) => option.key === flag.option);
}
