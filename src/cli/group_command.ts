/** What `k6d cloud` does without one of its commands: it shows them. */

import { didYouMean } from "../options/suggest.ts";
import { UsageError } from "./args.ts";
import { type CommandMain, commandOf, commandsAfter } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import { commandHelp } from "./help.ts";

/** The command that has only others below it. Throws a `UsageError` for one that isn't there. */
export function groupCommand(group: string): CommandMain {
  return ({ positionals: [, ...words] }, { stdout }) => {
    if (words.length > 0) throw new UsageError(unknownCommand(group, words));
    stdout.write(commandHelp(commandOf([group])!));
    return ExitCode.Success;
  };
}

function unknownCommand(group: string, words: readonly string[]): string {
  const [first = ""] = words;
  const known = commandsAfter([group]).map(({ name }) => name.slice(group.length + 1));
  const hint = known.includes("run") && /\.(?:[cm]?[jt]s|tar)$/.test(first)
    ? `; did you mean k6d ${group} run ${first}?`
    : didYouMean(words.join(" "), known, `${group} `);
  return `unknown command "${group} ${words.join(" ")}" for k6d${hint || `; \`k6d ${group}\` lists its commands`}`;
}
