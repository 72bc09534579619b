/** `k6d completion`: scripts that make a shell complete k6d's commands and flags; they ask `k6d __complete`. */

import { type CommandLine, flagsOf, UsageError, wordsOf } from "./args.ts";
import { type CommandContext, commandOf, commandsAfter } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";

/** Prints the script for a shell. */
export function completionCommand({ positionals }: CommandLine, { stdout }: CommandContext): number {
  const shell = positionals[1] ?? "";
  const script = SCRIPTS.get(shell);
  if (script === undefined) {
    throw new UsageError(`k6d completion needs a shell: one of ${[...SCRIPTS.keys()].join(", ")}`);
  }
  stdout.write(script);
  return ExitCode.Success;
}

/** Prints what may stand for the last of the words, a candidate a line, with its description after a tab. */
export function completeCommand({ positionals }: CommandLine, { stdout }: CommandContext): number {
  stdout.write(completions(positionals.slice(1)).map(([text, help]) => `${text}\t${help}\n`).join(""));
  return ExitCode.Success;
}

/** Candidates for the last of `words`, which stand after `k6d`; none where the shell shall offer files. */
export function completions(words: readonly string[]): (readonly [text: string, help: string])[] {
  const before = wordsOf(words.slice(0, -1));
  const last = words.at(-1) ?? "";
  const command = commandOf(before);
  const candidates = last.startsWith("-")
    ? flagsOf(command).map(({ name, help }) => [`--${name}`, help] as const)
    : command?.name === "completion"
    ? [...SCRIPTS.keys()].map((shell) => [shell, `the script for ${shell}`] as const)
    : nextWords(command?.name === "help" ? before.slice(1) : before);
  return candidates.filter(([text]) => text.startsWith(last));
}

/** The words that may follow in the names of commands; of several commands' word the first's summary. */
function nextWords(before: readonly string[]): (readonly [word: string, summary: string])[] {
  const commands = commandsAfter(before).filter(({ hidden }) => !hidden);
  return [...new Map(commands.toReversed().map(({ name, summary }) => [name.split(" ")[before.length]!, summary]))];
}

const SCRIPTS: ReadonlyMap<string, string> = new Map([
  [
    "bash",
    `# bash completion for k6d; load it with: source <(k6d completion bash)
_k6d() {
  local IFS=$'\\n'
  COMPREPLY=($(k6d __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _k6d k6d
`,
  ],
  [
    "zsh",
    `#compdef k6d
# zsh completion for k6d; load it with: source <(k6d completion zsh)
_k6d() {
  local -a candidates
  candidates=("\${(@f)$(k6d __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null | sed 's/:/\\\\:/g; s/\\t/:/')}")
  if [[ -n "\${candidates[1]}" ]]; then _describe k6d candidates; else _files; fi
}
compdef _k6d k6d
`,
  ],
  [
    "fish",
    `# fish completion for k6d; load it with: k6d completion fish | source
complete -c k6d -a '(k6d __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
  ],
  [
    "powershell",
    `# PowerShell completion for k6d; load it with: k6d completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName k6d -ScriptBlock {
  param($word, $line, $cursor)
  $words = @($line.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($word -eq '') { $words += '' }
  k6d __complete -- @words 2>$null | ForEach-Object {
    $text, $help = $_ -split "\`t", 2
    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $help)
  }
}
`,
  ],
]);
