/** The command line in the syntax of k6 (pflag): `--vus=5`, `--vus 5`, `-u5`, `-u 5`, `-qv`, `--quiet=false`, `--`. */

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

/**
 * Parses and checks a command line. Throws a `UsageError` for an unknown flag or a bad value.
 *
 * `parseArgs` of `@std/cli` can't read this syntax: it takes `--no-setup=true` for `--setup`, and no value may start with `-`.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const positionals: string[] = [];
  const flags = new Map<string, unknown[]>();
  const set = (flag: Flag, value: string) => {
    const values = flags.get(flag.name) ?? [];
    flags.set(flag.name, [...values, readFlag(flag, value)]);
  };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const next = (flag: Flag): string => {
      const value = args[++at];
      if (value === undefined) throw new UsageError(`flag needs an argument: ${describe(flag)}`);
      return value;
    };
    if (arg === "--") {
      positionals.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith("--")) readLong(arg, next, set);
    else if (arg.startsWith("-") && arg !== "-") readShort(arg, next, set);
    else positionals.push(arg);
  }
  return { positionals, flags };
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

type Next = (flag: Flag) => string;
type SetValue = (flag: Flag, value: string) => void;

function readLong(arg: string, next: Next, set: SetValue): void {
  const [name, value] = cut(arg.slice(2));
  const flag = BY_NAME.get(name);
  if (flag === undefined) throw new UsageError(`unknown flag: --${name}${didYouMean(name, [...BY_NAME.keys()], "--")}`);
  set(flag, value ?? flag.bare ?? next(flag));
}

/** One argument of short flags: switches may be joined, and the last one may have its value in the same argument. */
function readShort(arg: string, next: Next, set: SetValue): void {
  for (let i = 1; i < arg.length; i++) {
    const flag = BY_SHORT.get(arg[i]!);
    if (flag === undefined) throw new UsageError(`unknown shorthand flag: '${arg[i]}' in ${arg}`);
    const rest = arg.slice(i + 1);
    if (rest.startsWith("=")) return set(flag, rest.slice(1));
    if (flag.bare === undefined) return set(flag, rest === "" ? next(flag) : rest);
    set(flag, flag.bare);
  }
}

function cut(text: string): [name: string, value: string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function describe(flag: Flag): string {
  return flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
}
