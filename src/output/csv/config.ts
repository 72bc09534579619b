/** The settings of the `csv` output: defaults < configuration file < environment < argument. */

import { parseIntervalMs } from "../duration.ts";
import { TIME_FORMATS, type TimeFormat } from "../file/time_text.ts";
import { type OutputContext, OutputError } from "../output.ts";
import { unknownVariables } from "../unknown_variables.ts";

/** All settings, checked. */
export interface CsvConfig {
  /** Default `file.csv`; `-` is standard output. */
  readonly path: string;
  /** Default one second. */
  readonly saveIntervalMs: number;
  /** Default `unix`. */
  readonly timeFormat: TimeFormat;
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

const DEFAULTS = { path: "file.csv", saveIntervalMs: 1000, timeFormat: "unix", warnings: [] } as const;

/** A setting's names: in the argument (and, as k6 has it, in the file), and the variable. */
const SETTINGS = [
  { key: "path", names: ["fileName", "file_name"], variable: "K6_CSV_FILENAME" },
  { key: "saveIntervalMs", names: ["saveInterval", "save_interval"], variable: "K6_CSV_SAVE_INTERVAL" },
  { key: "timeFormat", names: ["timeFormat", "time_format"], variable: "K6_CSV_TIME_FORMAT" },
] as const;

/** Reads the settings; throws an `OutputError` that names the source of a wrong one. */
export function readCsvConfig(
  { name: output, argument, env, collectors }: Pick<OutputContext, "name" | "argument" | "env" | "collectors">,
): CsvConfig {
  let config: CsvConfig = DEFAULTS;
  const block = collectors["csv"] ?? {};
  if (typeof block !== "object" || Array.isArray(block)) {
    throw new OutputError(`collectors.csv must be an object, for example { "file_name": "samples.csv" }`);
  }
  for (const [name, value] of Object.entries(block)) {
    if (value !== null) config = withSetting(config, name, value, `collectors.csv.${name}`);
  }
  for (const { names: [name], variable } of SETTINGS) {
    const value = env[variable];
    if (value !== undefined && value !== "") config = withSetting(config, name, value, variable);
  }
  for (const [name, value] of argumentPairs(argument)) {
    config = withSetting(config, name, value, `-o ${output}=…`);
  }
  return { ...config, warnings: unknownVariables(env, "K6_CSV_", SETTINGS.map(({ variable }) => variable)) };
}

/** A path alone, or `name=value,name=value`. */
function argumentPairs(argument: string): [name: string, value: string][] {
  if (argument === "") return [];
  if (!argument.includes("=")) return [["fileName", argument]];
  return argument.split(",").map((pair) => {
    const separator = pair.indexOf("=");
    if (separator === -1) throw new OutputError(`csv output: expected name=value, got "${pair}" (-o csv=${argument})`);
    return [pair.slice(0, separator), pair.slice(separator + 1)];
  });
}

function withSetting(config: CsvConfig, name: string, value: unknown, source: string): CsvConfig {
  const setting = SETTINGS.find(({ names }) => (names as readonly string[]).includes(name));
  const wrong = (expected: string) =>
    new OutputError(`csv output: invalid ${name} ${JSON.stringify(value)} (${source}): expected ${expected}`);
  switch (setting?.key) {
    case "path":
      if (typeof value !== "string") throw wrong("a path");
      return { ...config, path: value };
    case "saveIntervalMs": {
      const saveIntervalMs = parseIntervalMs(value);
      if (saveIntervalMs === null) throw wrong('a positive duration such as "1s"');
      return { ...config, saveIntervalMs };
    }
    case "timeFormat": {
      const timeFormat = TIME_FORMATS.find((known) => known === value);
      if (timeFormat === undefined) throw wrong(`one of ${TIME_FORMATS.join(", ")}`);
      return { ...config, timeFormat };
    }
    default:
      throw new OutputError(
        `csv output: unknown setting "${name}" (${source}); known: ${SETTINGS.map(({ names }) => names[0]).join(", ")}`,
      );
  }
}
