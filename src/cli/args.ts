/** The command line in the syntax of k6 (pflag): `--vus=5`, `--vus 5`, `-u5`, `-u 5`, `-qv`, `--quiet=false`, `--`. */

import { parseArgs } from "@std/cli/parse-args";
import { KindError } from "../options/kinds.ts";
import { didYouMean } from "../options/suggest.ts";
import { ExitCode } from "./exit_codes.ts";
import { type Flag, FLAGS } from "./flags.ts";

/** A mistake on the command line; the message is for the user. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.Failure) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A command line, taken apart. */
export interface CommandLine {
  /** What isn't a flag: the command and its arguments. */
  readonly positionals: readonly string[];
  /** The values of each flag by its name, in the order given, as `Flag.kind` reads them; a flag that isn't given is missing. */
  readonly flags: ReadonlyMap<string, readonly unknown[]>;
}

/** Parses and checks a command line. Throws a `UsageError` for an unknown flag or a bad value. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const names = FLAGS.map((flag) => flag.name);
  const parsed: Record<string, string[]> = parseArgs(spellOut(args), { string: [...names, "_"], collect: names });
  const flags = new Map<string, unknown[]>();
  for (const flag of FLAGS) {
    const values = parsed[flag.name] ?? [];
    if (values.length > 0) flags.set(flag.name, values.map((value) => readFlag(flag, value)));
  }
  return { positionals: parsed["_"] ?? [], flags };
}

/** The value of a flag's text. Throws a `UsageError`. */
export function readFlag(flag: Flag, text: string, where = describe(flag)): unknown {
  const read = flag.kind.fromFlag ?? flag.kind.fromText ?? flag.kind.fromJson;
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof KindError)) throw error;
    throw new UsageError(`invalid argument ${JSON.stringify(text)} for ${where}: ${error.message}`);
  }
}

const BY_NAME = new Map(FLAGS.map((flag) => [flag.name, flag]));
const BY_SHORT = new Map(FLAGS.flatMap((flag) => flag.short === undefined ? [] : [[flag.short, flag] as const]));

/** Writes every flag as `--name=value`, so that what follows needs no knowledge of which flags take values. */
function spellOut(args: readonly string[]): string[] {
  const spelled: string[] = [];
  let at = 0;
  const next = (flag: Flag): string => {
    const value = args[++at];
    if (value === undefined) throw new UsageError(`flag needs an argument: ${describe(flag)}`);
    return value;
  };
  const positionals: string[] = [];
  for (; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      positionals.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith("--")) {
      const [name, value] = cut(arg.slice(2));
      const flag = BY_NAME.get(name);
      if (flag === undefined) {
        throw new UsageError(`unknown flag: --${name}${didYouMean(name, [...BY_NAME.keys()], "--")}`);
      }
      spelled.push(`--${name}=${value ?? flag.bare ?? next(flag)}`);
    } else if (arg.startsWith("-") && arg !== "-") {
      spelled.push(...spellOutShort(arg, next));
    } else {
      positionals.push(arg);
    }
  }
  return [...spelled, "--", ...positionals];
}

/** One argument of short flags: switches may be joined, and the last one may have its value in the same argument. */
function spellOutShort(arg: string, next: (flag: Flag) => string): string[] {
  const spelled: string[] = [];
  for (let i = 1; i < arg.length; i++) {
    const flag = BY_SHORT.get(arg[i]!);
    if (flag === undefined) throw new UsageError(`unknown shorthand flag: '${arg[i]}' in ${arg}`);
    const rest = arg.slice(i + 1);
    if (rest.startsWith("=")) return [...spelled, `--${flag.name}=${rest.slice(1)}`];
    if (flag.bare === undefined) return [...spelled, `--${flag.name}=${rest === "" ? next(flag) : rest}`];
    spelled.push(`--${flag.name}=${flag.bare}`);
  }
  return spelled;
}

function cut(text: string): [name: string, value: string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function describe(flag: Flag): string {
  return flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
}
