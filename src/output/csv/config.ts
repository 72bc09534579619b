/** The settings of the `csv` output: defaults < configuration file < environment < argument. */

import { parseIntervalMs } from "../duration.ts";
import { TIME_FORMATS, type TimeFormat } from "../file/time_text.ts";
import { type OutputContext, OutputError } from "../output.ts";
import { asObject, oneOf, SettingValues } from "../setting_values.ts";
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

/** The settings: the argument's names, k6's in the configuration file, which also takes the argument's, and the variables. */
const SETTINGS = [
  { key: "fileName", inFile: "file_name", variable: "K6_CSV_FILENAME" },
  { key: "saveInterval", inFile: "save_interval", variable: "K6_CSV_SAVE_INTERVAL" },
  { key: "timeFormat", inFile: "time_format", variable: "K6_CSV_TIME_FORMAT" },
] as const;

type Key = typeof SETTINGS[number]["key"];

type ConfigSources = Pick<OutputContext, "name" | "argument" | "env" | "collectors">;

/** Reads the settings; throws an `OutputError` that names the source of a wrong one. */
export function readCsvConfig(sources: ConfigSources): CsvConfig {
  const settings = collectSettings(sources);
  return {
    path: settings.get("fileName", "a path", (value) => typeof value === "string" ? value : null) ?? "file.csv",
    saveIntervalMs: settings.get("saveInterval", 'a positive duration such as "1s"', parseIntervalMs) ?? 1000,
    timeFormat: settings.get("timeFormat", `one of ${TIME_FORMATS.join(", ")}`, oneOf(...TIME_FORMATS)) ?? "unix",
    warnings: unknownVariables(sources.env, "K6_CSV_", SETTINGS.map(({ variable }) => variable)),
  };
}

function collectSettings({ name: output, argument, env, collectors }: ConfigSources): SettingValues<Key> {
  const settings = new SettingValues<Key>("csv output: ", () => false);
  const source = "config file, collectors.csv";
  const block = asObject(collectors["csv"] ?? {});
  if (block === undefined) {
    throw new OutputError(`csv output: ${source} must be an object, for example { "file_name": "samples.csv" }`);
  }
  for (const [name, value] of Object.entries(block)) {
    const key = keyOf(name, source);
    if (value !== null) settings.set(key, value, `${source}.${name}`);
  }
  for (const { key, variable } of SETTINGS) {
    const value = env[variable] ?? "";
    if (value !== "") settings.set(key, value, variable);
  }
  for (const [name, value] of pairsOf(argument)) settings.set(keyOf(name, `-o ${output}=…`), value, `-o ${output}=…`);
  return settings;
}

/** A path alone, or `name=value,name=value`. */
function pairsOf(argument: string): (readonly [name: string, value: string])[] {
  if (argument === "") return [];
  if (!argument.includes("=")) return [["fileName", argument]];
  return argument.split(",").map((pair) => {
    const separator = pair.indexOf("=");
    if (separator === -1) throw new OutputError(`csv output: expected name=value, got "${pair}" (-o csv=${argument})`);
    return [pair.slice(0, separator), pair.slice(separator + 1)];
  });
}

function keyOf(name: string, source: string): Key {
  const setting = SETTINGS.find(({ key, inFile }) => name === key || name === inFile);
  if (setting !== undefined) return setting.key;
  const known = SETTINGS.map(({ key }) => key).join(", ");
  throw new OutputError(`csv output: unknown setting "${name}" (${source}); known: ${known}`);
}
