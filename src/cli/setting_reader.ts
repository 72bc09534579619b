/** Settings that are no options of the test: a flag wins over its variable, which wins over the configuration file. */

import { isUnset, KindError } from "../options/kinds.ts";
import { type CommandLine, UsageError } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";
import { ALL_FLAGS, type Flag } from "./flags.ts";

/** Reads settings by the names of their flags. */
export class SettingReader {
  readonly #line: CommandLine;
  readonly #env: Readonly<Record<string, string>>;
  readonly #config: Readonly<Record<string, unknown>>;

  /** `config`: what the configuration file holds under the keys of the settings. */
  constructor(
    line: CommandLine,
    env: Readonly<Record<string, string>>,
    config: Readonly<Record<string, unknown>> = {},
  ) {
    this.#line = line;
    this.#env = env;
    this.#config = config;
  }

  /** All values of a setting, in the order given. Throws a `UsageError` for a variable or field of the wrong kind. */
  all(name: string): readonly unknown[] {
    const given = this.#line.flags.get(name);
    if (given !== undefined) return given;
    const flag = ALL_FLAGS.find((each) => each.name === name)!;
    const text = flag.env === undefined ? undefined : this.#env[flag.env];
    if (text !== undefined && text !== "") {
      return [read(flag.env!, name, () => flag.kind.fromText!(text))];
    }
    const configured = flag.config === undefined ? undefined : this.#config[flag.config];
    if (isUnset(configured)) return [];
    return [read(`"${flag.config}" in the configuration file`, name, () => flag.kind.fromJson(configured))];
  }

  /** The value that counts. */
  last(name: string): unknown {
    return this.all(name).at(-1);
  }

  /** Whether a switch is on. */
  isOn(name: string): boolean {
    return this.last(name) === true;
  }

  /** The text that counts; empty when none is given. */
  text(name: string): string {
    return this.last(name) as string | undefined ?? "";
  }

  /** Whether the setting is given on the command line. */
  hasFlag(name: string): boolean {
    return this.#line.flags.has(name);
  }

  /** The settings among `flags` that are given, and to something. */
  given(flags: readonly Flag[]): Flag[] {
    return flags.filter(({ name }) => !NOTHING.includes(this.last(name)));
  }
}

/** Values that ask for nothing. */
const NOTHING: readonly unknown[] = [undefined, "", "none", false];

function read(where: string, name: string, readValue: () => unknown): unknown {
  try {
    return readValue();
  } catch (error) {
    if (!(error instanceof KindError)) throw error;
    // The mode of the summary is the one variable that k6 reads as if it were its flag.
    const code = name === "summary-mode" ? ExitCode.Failure : ExitCode.InvalidConfig;
    throw new UsageError(`${where}: ${error.message}`, code);
  }
}
