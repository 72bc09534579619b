/** `k6d run`: command line and environment → settings, log and layers for the engine. */

import { type FlagValues, OPTIONS } from "../options/table.ts";
import type { RunSettings } from "../options/types.ts";
import { type CommandLine, readFlag, UsageError } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";
import { type Flag, FLAGS } from "./flags.ts";
import { Log, type LogFormat } from "./log.ts";
import { isInteractive, StreamWriter, type TextWriter, wantsColor, WriteError } from "./terminal.ts";

/** All that `k6d run` was told, checked. */
export interface RunPlan {
  readonly settings: RunSettings;
  readonly flags: FlagValues;
  readonly log: { readonly format: LogFormat; readonly output: "stderr" | "stdout" | "none"; readonly color: boolean };
  /** A line for each thing asked for that isn't there yet. */
  readonly warnings: readonly string[];
}

/** Runs a test; resolves with the exit code. Throws a `UsageError` when the command line or a variable is wrong. */
export async function runCommand(commandLine: CommandLine, env: Readonly<Record<string, string>>): Promise<number> {
  const plan = planRun(commandLine, env);
  const log = makeLog(plan);
  for (const warning of plan.warnings) log.warn(warning);
  exitOnStrayErrors(log);
  try {
    const { runTest } = await import("../engine/run.ts");
    const terminal = {
      stdout: new StreamWriter(Deno.stdout),
      interactive: isInteractive({ isTerminal: Deno.stdout.isTerminal(), env }),
    };
    return await runTest(plan.settings, { env, flags: plan.flags }, log, terminal);
  } catch (error) {
    if (error instanceof WriteError) {
      log.error(error.message);
      return ExitCode.Failure;
    }
    return reportCrash(error, log);
  }
}

/** Says in one line that k6d itself failed, and where to report it; the stack goes to the debug log. */
export function reportCrash(error: unknown, log: Pick<Log, "error" | "debug">): number {
  const what = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split("\n", 1)[0];
  log.error(
    `k6d crashed: ${what}. This is a bug in k6d; please report it with this line and the script (--verbose logs the stack)`,
  );
  if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  return ExitCode.GoPanic;
}

/** Errors that no caller can catch (in a timer, of a promise that nobody awaits) end the process as a crash does. */
function exitOnStrayErrors(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(reportCrash(event.reason, log));
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    Deno.exit(reportCrash(event.error, log));
  });
}

/** Reads the settings of a run. Throws a `UsageError`. */
export function planRun(
  commandLine: CommandLine,
  env: Readonly<Record<string, string>>,
  cores: number = navigator.hardwareConcurrency,
): RunPlan {
  const [script, ...more] = commandLine.positionals.slice(1);
  if (script === undefined || script === "") {
    throw new UsageError("k6d run needs a script: k6d run script.js, or - to read it from standard input");
  }
  if (more.length > 0) {
    throw new UsageError(`k6d run takes one script, got ${more.length + 1}: ${[script, ...more].join(" ")}`);
  }
  const read = new SettingReader(commandLine, env);
  const noColor = read.last("no-color") === true;
  const color = (stream: "stdout" | "stderr" | "none") =>
    stream !== "none" && wantsColor({ isTerminal: Deno[stream].isTerminal(), noColor, env });
  const logOutput = readLogOutput(read);
  const format = read.last("log-format");
  if (read.last("type") === "archive" || script.endsWith(".tar")) {
    throw new UsageError("running an archive is not supported yet by k6d; give the script itself");
  }
  return {
    settings: {
      script,
      outputs: read.all("out").flat() as string[],
      workers: readWorkers(read, cores),
      scriptEnv: readScriptEnv(read, env),
      noThresholds: read.last("no-thresholds") === true,
      summaryMode: (read.last("summary-mode") || "compact") as RunSettings["summaryMode"],
      quiet: read.last("quiet") === true,
      verbose: read.last("verbose") === true,
      color: color("stdout"),
    },
    flags: readOptionFlags(commandLine),
    log: {
      format: format === "json" || format === "raw" ? format : "text",
      output: logOutput,
      color: color(logOutput),
    },
    warnings: notYetWarnings(read),
  };
}

/** The log that a plan asks for. */
function makeLog({ settings, log: { format, output, color } }: RunPlan): Log {
  const writer: TextWriter = output === "none" ? { write() {} } : new StreamWriter(Deno[output]);
  return new Log({ writer, format, color, level: settings.verbose ? "debug" : "info" });
}

/** Flags, and where one isn't given its variable. */
class SettingReader {
  readonly #commandLine: CommandLine;
  readonly #env: Readonly<Record<string, string>>;

  constructor(commandLine: CommandLine, env: Readonly<Record<string, string>>) {
    this.#commandLine = commandLine;
    this.#env = env;
  }

  /** All values of a flag, in the order given. */
  all(name: string): readonly unknown[] {
    const given = this.#commandLine.flags.get(name);
    if (given !== undefined) return given;
    const flag = FLAGS.find((each) => each.name === name)!;
    const text = flag.env === undefined ? undefined : this.#env[flag.env];
    if (text === undefined || text === "") return [];
    const { fromFlag: _, ...kind } = flag.kind;
    return [readFlag({ ...flag, kind }, text, flag.env)];
  }

  /** The value that counts. */
  last(name: string): unknown {
    return this.all(name).at(-1);
  }
}

function readOptionFlags(commandLine: CommandLine): FlagValues {
  const values: Record<string, unknown> = {};
  for (const { key, kind, flag } of OPTIONS) {
    const given = flag === undefined ? undefined : commandLine.flags.get(flag.name);
    if (given === undefined) continue;
    const { merge } = kind;
    values[key] = merge === undefined ? given.at(-1) : given.reduce((earlier, later) => merge(earlier, later));
  }
  return values;
}

function readWorkers(read: SettingReader, cores: number): number {
  const workers = read.last("workers") as number | undefined ?? cores;
  if (workers < 1) throw new UsageError(`the number of workers must be at least 1, got ${workers}`);
  return workers;
}

/** `__ENV`: the system's variables unless switched off, and over them those of `-e`. */
function readScriptEnv(read: SettingReader, env: Readonly<Record<string, string>>): Record<string, string> {
  const scriptEnv: Record<string, string> = read.last("include-system-env-vars") === false ? {} : { ...env };
  for (const pair of read.all("env") as string[]) {
    const [, name, value = ""] = /^([^=]*)(?:=(.*))?$/s.exec(pair)!;
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name!)) {
      throw new UsageError(
        `invalid environment variable name ${
          JSON.stringify(name)
        } in --env ${pair}: use letters, digits and _, not starting with a digit`,
      );
    }
    scriptEnv[name!] = value;
  }
  return scriptEnv;
}

function readLogOutput(read: SettingReader): "stderr" | "stdout" | "none" {
  const output = read.last("log-output") ?? "stderr";
  if (output === "stderr" || output === "stdout" || output === "none") return output;
  if (/^(file|loki)(=|$)/.test(String(output))) {
    throw new UsageError(`--log-output ${output} is not supported yet by k6d; use stderr, stdout or none`);
  }
  throw new UsageError(`unsupported log output ${JSON.stringify(output)}; use stderr, stdout or none`);
}

/** Values that ask for nothing. */
const NOTHING: readonly unknown[] = [undefined, "", "none", false];

function notYetWarnings(read: SettingReader): string[] {
  const asked = (flag: Flag) => flag.notYet !== undefined && !NOTHING.includes(read.last(flag.name));
  return FLAGS.filter(asked).map((flag) => {
    if (flag.notYet === "refuse") {
      throw new UsageError(`--${flag.name} is not supported yet by k6d`, ExitCode.InvalidConfig);
    }
    return `flag --${flag.name} is not supported by k6d yet and has no effect`;
  });
}
