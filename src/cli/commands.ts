/** The commands of k6d as data. What a command needs is loaded when it runs, so that `k6d version` and mistakes answer at once. */

import type { CommandLine } from "./args.ts";
import type { FlagGroup } from "./flags.ts";
import type { TextWriter } from "./terminal.ts";

/** What a command may use of the world. */
export interface CommandContext {
  /** The environment that k6d was started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: TextWriter;
}

/** Runs a command; resolves to the exit code. Throws a `UsageError` for a mistake of the user. */
export type CommandMain = (line: CommandLine, context: CommandContext) => Promise<number> | number;

/** One command. */
export interface Command {
  /** One word, or several for a command of a group: `cloud login`. */
  readonly name: string;
  /** Its arguments in the usage line, for example `<script | ->`. */
  readonly args: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The flags that it takes beside the global ones. */
  readonly flags: readonly FlagGroup[];
  /** Command lines for the help text, without `k6d`. */
  readonly examples?: readonly string[];
  /** Not in the list of commands. */
  readonly hidden?: true;
  load(): Promise<CommandMain>;
}

/** All commands, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    name: "run",
    args: "<script | archive | ->",
    summary: "run a load test; - reads the script from standard input",
    flags: ["options", "runtime", "run"],
    examples: [
      "run script.js",
      "run -u 50 -d 30s script.ts",
      "run -o experimental-prometheus-rw -e BASE_URL=http://localhost:8080 script.js",
    ],
    load: async () => (await import("./run_command.ts")).runCommand,
  },
  {
    name: "archive",
    args: "<script | ->",
    summary: "pack a script, with all that it imports and opens, into one file",
    flags: ["options", "runtime", "archive"],
    examples: ["archive -O shop.tar script.js", "run shop.tar"],
    load: async () => (await import("./archive_command.ts")).archiveCommand,
  },
  {
    name: "inspect",
    args: "<script | archive | ->",
    summary: "print the options of a script as JSON",
    flags: ["runtime", "inspect"],
    load: async () => (await import("./inspect_command.ts")).inspectCommand,
  },
  {
    name: "deps",
    args: "<script | archive | ->",
    summary: "print what a script imports",
    flags: ["runtime", "json"],
    load: async () => (await import("./deps_command.ts")).depsCommand,
  },
  {
    name: "new",
    args: "[file]",
    summary: "write a first script to start from",
    flags: ["new"],
    examples: ["new", "new --template protocol shop.js"],
    load: async () => (await import("./new_command.ts")).newCommand,
  },
  {
    name: "features",
    args: "",
    summary: "list the feature flags",
    flags: ["json"],
    load: async () => (await import("./features_command.ts")).featuresCommand,
  },
  {
    name: "pause",
    args: "",
    summary: "pause a running test (its --address)",
    flags: ["json"],
    load: async () => (await import("./control_commands.ts")).pauseCommand,
  },
  {
    name: "resume",
    args: "",
    summary: "let a paused test start or go on (its --address)",
    flags: ["json"],
    load: async () => (await import("./control_commands.ts")).resumeCommand,
  },
  {
    name: "scale",
    args: "",
    summary: "change the virtual users of a running test (its --address)",
    flags: ["scale", "json"],
    examples: ["scale --address localhost:6565 --vus 20"],
    load: async () => (await import("./control_commands.ts")).scaleCommand,
  },
  {
    name: "status",
    args: "",
    summary: "show what a running test does (its --address)",
    flags: ["json"],
    load: async () => (await import("./control_commands.ts")).statusCommand,
  },
  {
    name: "stats",
    args: "",
    summary: "show the metrics of a running test (its --address)",
    flags: ["json"],
    load: async () => (await import("./control_commands.ts")).statsCommand,
  },
  {
    name: "cloud",
    args: "<command>",
    summary: "use Grafana Cloud k6, or a service like it",
    flags: [],
    load: async () => (await import("./group_command.ts")).groupCommand("cloud"),
  },
  {
    name: "cloud run",
    args: "<script | archive | ->",
    summary: "run a test in the cloud, and watch it",
    flags: ["options", "runtime", "cloudRun", "localExecution"],
    examples: ["cloud run script.js", "cloud run --exit-on-running shop.tar"],
    load: async () => (await import("./cloud/cloud_run_command.ts")).cloudRunCommand,
  },
  {
    name: "cloud upload",
    args: "<script | archive | ->",
    summary: "put a test into the cloud without running it",
    flags: ["options", "runtime"],
    load: async () => (await import("./cloud/cloud_upload_command.ts")).cloudUploadCommand,
  },
  {
    name: "cloud login",
    args: "",
    summary: "store the token that says to the cloud who you are",
    flags: ["login"],
    examples: ["cloud login", "cloud login --token $TOKEN --stack my-team"],
    load: async () => (await import("./cloud/login_command.ts")).loginCommand,
  },
  {
    name: "cloud project list",
    args: "",
    summary: "list the projects of your stack",
    flags: ["json"],
    load: async () => (await import("./cloud/list_commands.ts")).projectListCommand,
  },
  {
    name: "cloud load-zone list",
    args: "",
    summary: "list the places that load can come from",
    flags: ["json"],
    load: async () => (await import("./cloud/list_commands.ts")).loadZoneListCommand,
  },
  {
    name: "cloud test list",
    args: "",
    summary: "list the tests of a project",
    flags: ["projectId", "json"],
    load: async () => (await import("./cloud/list_commands.ts")).testListCommand,
  },
  {
    name: "login",
    args: "<command>",
    summary: "log in, as in older versions of k6",
    flags: [],
    hidden: true,
    load: async () => (await import("./group_command.ts")).groupCommand("login"),
  },
  {
    name: "login cloud",
    args: "",
    summary: "the same as cloud login, as in older versions of k6",
    flags: ["login"],
    hidden: true,
    load: async () => (await import("./cloud/login_command.ts")).loginCommand,
  },
  {
    name: "completion",
    args: "<bash | zsh | fish | powershell>",
    summary: "print a script that makes a shell complete commands and flags",
    flags: ["completion"],
    examples: ["completion bash > /etc/bash_completion.d/k6d"],
    load: async () => (await import("./completion_command.ts")).completionCommand,
  },
  {
    name: "__complete",
    args: "[words]",
    summary: "print what may stand for the last word",
    flags: [],
    hidden: true,
    load: async () => (await import("./completion_command.ts")).completeCommand,
  },
  {
    name: "version",
    args: "",
    summary: "show the version",
    flags: ["json"],
    load: async () => (await import("./version_command.ts")).versionCommand,
  },
  {
    name: "help",
    args: "[command]",
    summary: "show help about a command",
    flags: [],
    load: async () => (await import("./help.ts")).helpCommand,
  },
];

/** The command that words begin with, flags left out: that with the longest name. */
export function commandOf(words: readonly string[]): Command | undefined {
  return COMMANDS.filter(({ name }) => isPrefix(name.split(" "), words)).sort((a, b) =>
    b.name.length - a.name.length
  )[0];
}

/** The commands whose names go on after these words: of `cloud`, `cloud login` and others. */
export function commandsAfter(words: readonly string[]): readonly Command[] {
  return COMMANDS.filter(({ name }) => {
    const own = name.split(" ");
    return own.length > words.length && isPrefix(words, own);
  });
}

function isPrefix(beginning: readonly string[], words: readonly string[]): boolean {
  return beginning.every((word, index) => word === words[index]);
}
