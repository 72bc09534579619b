/** The command line in the syntax of k6 (pflag): `--vus=5`, `--vus 5`, `-u5`, `-u 5`, `-qv`, `--quiet=false`, `--`. */

import { KindError } from "../options/kinds.ts";
import { didYouMean } from "../options/suggest.ts";
import { type Command, commandOf, commandsAfter } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import { ALL_FLAGS, type Flag, FLAGS } from "./flags.ts";

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
  /** What isn't a flag: the command, one element even when its name has several words, and its arguments. */
  readonly positionals: readonly string[];
  /** The values of each flag by its name, in the order given, as `Flag.kind` reads them; a flag that isn't given is missing. */
  readonly flags: ReadonlyMap<string, readonly unknown[]>;
}

/**
 * Parses and checks a command line. Throws a `UsageError` for a flag that the command doesn't know and for a bad value.
 *
 * `parseArgs` of `@std/cli` can't read this syntax: it takes `--no-setup=true` for `--setup`, and no value may start with `-`.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const command = commandOf(wordsOf(args));
  const { positionals, flags } = new Parser(args, new FlagNames(flagsOf(command))).parse();
  const given = command === undefined ? positionals : positionals.slice(command.name.split(" ").length);
  return { positionals: command === undefined ? given : [command.name, ...given], flags };
}

/** The flags that a command takes; without one, all that there are. */
export function flagsOf(command: Command | undefined): readonly Flag[] {
  const flags = command === undefined
    ? ALL_FLAGS
    : [...command.flags, "global" as const].flatMap((group) => FLAGS[group]);
  return flags.filter(({ noFlag }) => noFlag === undefined);
}

/** The value of a flag's text. Throws a `UsageError`. */
export function readFlag(flag: Flag, text: string): unknown {
  const read = flag.kind.fromFlag ?? flag.kind.fromText ?? flag.kind.fromJson;
  try {
    const value = read(text);
    const mistake = flag.check?.(value as never);
    if (mistake !== undefined) throw new KindError(mistake);
    return value;
  } catch (error) {
    if (!(error instanceof KindError)) throw error;
    throw new UsageError(`invalid argument ${JSON.stringify(text)} for ${describe(flag)}: ${error.message}`);
  }
}

/** What isn't a flag nor a flag's value, before it is known which command's flags these are. */
export function wordsOf(args: readonly string[]): string[] {
  const words: string[] = [];
  let known = new FlagNames(ALL_FLAGS);
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") return [...words, ...args.slice(at + 1)];
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      known = new FlagNames(flagsAfter(words));
    } else if (known.needsNext(arg)) at++;
  }
  return words;
}

/** The flags that may follow: those of the command that is named, or that still can be. */
function flagsAfter(words: readonly string[]): readonly Flag[] {
  const longer = commandsAfter(words);
  return longer.length === 0 ? flagsOf(commandOf(words)) : longer.flatMap(flagsOf);
}

/** Flags by their names. */
class FlagNames {
  readonly long: ReadonlyMap<string, Flag>;
  readonly short: ReadonlyMap<string, Flag>;

  constructor(flags: readonly Flag[]) {
    // Before the command is known a short flag may be several commands'; the first in the table counts.
    const all = flags.toReversed();
    this.long = new Map(all.map((flag) => [flag.name, flag]));
    this.short = new Map(all.flatMap((flag) => flag.short === undefined ? [] : [[flag.short, flag] as const]));
  }

  /** Whether the value of the flag in `arg` is the next argument. */
  needsNext(arg: string): boolean {
    if (arg.includes("=")) return false;
    if (arg.startsWith("--")) return this.#needsValue(this.long.get(arg.slice(2)));
    const at = [...arg.slice(1)].findIndex((letter) => this.#needsValue(this.short.get(letter)));
    return at === arg.length - 2;
  }

  #needsValue(flag: Flag | undefined): boolean {
    return flag !== undefined && flag.bare === undefined;
  }
}

class Parser {
  readonly #args: readonly string[];
  readonly #known: FlagNames;
  readonly #positionals: string[] = [];
  readonly #flags = new Map<string, unknown[]>();
  #at = 0;

  constructor(args: readonly string[], known: FlagNames) {
    this.#args = args;
    this.#known = known;
  }

  parse(): CommandLine {
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at++]!;
      if (arg === "--") {
        this.#positionals.push(...this.#args.slice(this.#at));
        break;
      }
      if (arg.startsWith("--")) this.#long(arg);
      else if (arg.startsWith("-") && arg !== "-") this.#short(arg);
      else this.#positionals.push(arg);
    }
    return { positionals: this.#positionals, flags: this.#flags };
  }

  #long(arg: string): void {
    const [name, value] = cut(arg.slice(2));
    const flag = this.#known.long.get(name);
    if (flag === undefined) {
      throw new UsageError(`unknown flag: --${name}${didYouMean(name, [...this.#known.long.keys()], "--")}`);
    }
    this.#set(flag, value ?? flag.bare ?? this.#next(flag));
  }

  /** One argument of short flags: switches may be joined, and the last one may have its value in the same argument. */
  #short(arg: string): void {
    for (let i = 1; i < arg.length; i++) {
      const flag = this.#known.short.get(arg[i]!);
      if (flag === undefined) throw new UsageError(`unknown shorthand flag: '${arg[i]}' in ${arg}`);
      const rest = arg.slice(i + 1);
      if (rest.startsWith("=")) return this.#set(flag, rest.slice(1));
      if (flag.bare === undefined) return this.#set(flag, rest === "" ? this.#next(flag) : rest);
      this.#set(flag, flag.bare);
    }
  }

  #set(flag: Flag, text: string): void {
    this.#flags.set(flag.name, [...this.#flags.get(flag.name) ?? [], readFlag(flag, text)]);
  }

  #next(flag: Flag): string {
    const value = this.#args[this.#at++];
    if (value === undefined) throw new UsageError(`flag needs an argument: ${describe(flag)}`);
    return value;
  }
}

function cut(text: string): [name: string, value: string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function describe(flag: Flag): string {
  return flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
}
