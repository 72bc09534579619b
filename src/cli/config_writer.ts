/** Writes the configuration file: as a whole or not at all, readable by its owner alone, because it may hold a token. */

import { dirname } from "node:path";
import { systemReason } from "../output/system_reason.ts";
import { UsageError } from "./args.ts";
import { configPath, parseConfigFile } from "./config_file.ts";
import { ExitCode } from "./exit_codes.ts";
import type { SettingReader } from "./setting_reader.ts";
import { writeWholeFile } from "./whole_file.ts";

/**
 * Changes the text of the configuration file, which is made, with its folder, when it isn't there; returns its path. Throws a
 * `UsageError` when it can't be read, isn't valid, or can't be written; then it is as it was.
 */
export function changeConfigFile(
  read: SettingReader,
  env: Readonly<Record<string, string>>,
  change: (text: string) => string,
): string {
  const path = configPath(read, env);
  if (path === undefined) {
    throw new UsageError("no folder for the configuration file: set HOME, or name a file with --config");
  }
  try {
    const text = readIfThere(path) ?? "{}\n";
    parseConfigFile(text, path);
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeWholeFile(path, new TextEncoder().encode(change(text)), 0o600);
    return path;
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    const reason = `cannot change the configuration file ${path}: ${systemReason(error)}`;
    throw new UsageError(reason, error instanceof TypeError ? ExitCode.InvalidConfig : ExitCode.Failure);
  }
}

function readIfThere(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
