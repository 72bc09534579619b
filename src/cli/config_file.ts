/** The configuration file: JSON with any of the options, some settings of a run, and what outputs are configured with. */

import { isObject } from "../options/kinds.ts";
import { systemReason } from "../output/system_reason.ts";
import { UsageError } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";
import { ALL_FLAGS } from "./flags.ts";
import type { SettingReader } from "./setting_reader.ts";

/** What a configuration file holds. */
export interface ConfigFile {
  /** Options of the test: the lowest layer. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Settings such as `out` and `linger`, by their keys. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Settings of outputs, by the outputs' names. */
  readonly collectors: Readonly<Record<string, unknown>>;
}

/**
 * Reads the file that `--config` or `K6_CONFIG` names, which must exist unless it `isToBeMade`; without them k6's file in the user's
 * configuration folder, if there is one. Throws a `UsageError`.
 */
export function readConfigFile(
  read: SettingReader,
  env: Readonly<Record<string, string>>,
  { isToBeMade = false } = {},
): ConfigFile {
  const named = read.text("config");
  const path = configPath(read, env);
  if (path === undefined) return EMPTY;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      if (named === "" || isToBeMade) return EMPTY;
      throw new UsageError(`the configuration file ${path} doesn't exist`, ExitCode.InvalidConfig);
    }
    if (error instanceof Error) {
      throw new UsageError(
        `cannot read the configuration file ${path}: ${systemReason(error)}`,
        ExitCode.InvalidConfig,
      );
    }
    throw error;
  }
  return parseConfigFile(text, path);
}

/** Where the configuration file is, or would be; undefined where the user has no folder for it. */
export function configPath(read: SettingReader, env: Readonly<Record<string, string>>): string | undefined {
  const named = read.text("config");
  return named === "" ? defaultConfigPath(env) : named;
}

/** Takes the text of a configuration file apart; `path` is for messages. Throws a `UsageError`. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const given = parseObject(text, path);
  const options: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  let collectors: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (SETTING_KEYS.has(key)) settings[key] = value;
    else if (key !== "collectors") options[key] = value;
    else if (isObject(value)) collectors = value;
    else if (value !== null) throw invalid(path, `"collectors" must be an object: name of an output to its settings`);
  }
  return { options, settings, collectors };
}

const EMPTY: ConfigFile = { options: {}, settings: {}, collectors: {} };

const SETTING_KEYS: ReadonlySet<string> = new Set(ALL_FLAGS.flatMap(({ config }) => config ?? []));

function parseObject(text: string, path: string): Record<string, unknown> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
  if (!isObject(given)) throw invalid(path, "it must hold an object");
  return given;
}

function invalid(path: string, why: string): UsageError {
  return new UsageError(`the configuration file ${path} is invalid: ${why}`, ExitCode.InvalidConfig);
}

/** k6's own file, so that what is configured for k6 holds for k6d. */
function defaultConfigPath(env: Readonly<Record<string, string>>): string | undefined {
  const folder = userConfigFolder(env);
  return folder === undefined ? undefined : `${folder}/k6/config.json`;
}

function userConfigFolder(env: Readonly<Record<string, string>>): string | undefined {
  const inHome = (path: string) => env["HOME"] ? `${env["HOME"]}/${path}` : undefined;
  switch (Deno.build.os) {
    case "windows":
      return env["AppData"] ?? env["APPDATA"];
    case "darwin":
      return inHome("Library/Application Support");
    default:
      return env["XDG_CONFIG_HOME"] || inHome(".config");
  }
}
