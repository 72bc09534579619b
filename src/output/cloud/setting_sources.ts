/**
 * Collects the cloud output's settings from their sources. Later ones win: the configuration file (`collectors.cloud`), the script
 * (`options.ext.loadimpact` as k6 1 had it, then `options.cloud`), the environment, the name after `-o cloud=`, the command line's
 * flags, and what the service answers when a test run is made.
 */

import { type OutputContext, OutputError } from "../output.ts";
import { longEnough } from "../secrets.ts";
import { asObject, type SettingValue, SettingValues } from "../setting_values.ts";
import { unknownVariables } from "../unknown_variables.ts";
import { secretsInUrl } from "../url_text.ts";
import { findJsonSetting, type KnownSetting, type SettingKey, SETTINGS } from "./settings.ts";

/** Where settings come from. */
export interface CloudSources extends Pick<OutputContext, "argument" | "env" | "options" | "collectors"> {
  /** Settings that the command line has flags for. */
  readonly flags?: Readonly<Partial<Record<SettingKey, SettingValue>>>;
  /** `config` of the service's answer, whatever JSON stands there; null and undefined: none. */
  readonly override?: unknown;
}

/** Settings as they were found. */
export interface CollectedSettings {
  readonly values: SettingValues<SettingKey>;
  /** What no log line may show, also of values that don't count. */
  readonly secrets: readonly string[];
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

/** Reads all sources; throws an `OutputError` where one is malformed. */
export function collectSettings(sources: CloudSources): CollectedSettings {
  const { argument, env, options, collectors, flags = {}, override } = sources;
  const collector = new Collector();
  collector.readJson(collectors["cloud"], `${CONFIG_FILE}, collectors.cloud`);
  const legacy = asObject(options["ext"])?.["loadimpact"];
  if (collector.readJson(legacy, LEGACY_BLOCK) > 0) {
    collector.warnings.push(`${LEGACY_BLOCK} is an old name of options.cloud, which counts where both have a setting`);
  }
  collector.readJson(options["cloud"], "options.cloud");
  collector.readEnvironment(env);
  if (argument !== "") collector.set("name", argument, "-o cloud=…");
  for (const { key } of all) {
    if (flags[key] !== undefined) collector.set(key, flags[key], "command line");
  }
  collector.readJson(override, SERVICE);
  return collector;
}

const all: readonly KnownSetting[] = SETTINGS;
/** How the names of settings of the configuration file begin. */
export const CONFIG_FILE = "config file";
/** How the names of settings of the script begin. */
export const SCRIPT = "options.";
const LEGACY_BLOCK = "options.ext.loadimpact";
const SERVICE = "the service's config";

/** Takes in one source after the other. */
class Collector implements CollectedSettings {
  readonly values = new SettingValues<SettingKey>("cloud output: ", (key) => SECRET_KEYS.has(key));
  readonly warnings: string[] = [];
  readonly #secrets = new Set<string>();

  get secrets(): readonly string[] {
    return longEnough(Array.from(this.#secrets));
  }

  set(key: SettingKey, value: unknown, source: string): void {
    if (typeof value === "string") {
      for (const secret of TOKENS.has(key) ? [value] : secretsInUrl(value)) this.#secrets.add(secret);
    }
    // As in k6: 0 is no project, and the service only adds a stack's address where there is none.
    if (NUMBERS.has(key) && (typeof value === "number" || typeof value === "string") && Number(value) <= 0) return;
    if (key === "stackURL" && source.startsWith(SERVICE) && this.values.has(key)) return;
    // Who says the same again changes nothing: the source that counts is the first.
    if (this.values.raw(key) !== value) this.values.set(key, value, source);
  }

  /** Null stands for what isn't set; names that aren't settings are other programs' business. Returns how many settings there were. */
  readJson(block: unknown, source: string): number {
    if (block === undefined || block === null) return 0;
    const object = asObject(block);
    if (object === undefined) {
      throw new OutputError(`cloud output: ${source} must be an object, for example { "projectID": 123 }`);
    }
    let settings = 0;
    for (const [name, value] of Object.entries(object)) {
      const setting = findJsonSetting(name);
      if (setting === undefined || value === null || value === undefined) continue;
      this.set(setting.key, value, `${source}.${name}`);
      settings++;
    }
    return settings;
  }

  /** Variables that are set to nothing count as not set. */
  readEnvironment(env: Readonly<Record<string, string>>): void {
    for (const { key, variable } of all) {
      const value = variable === null ? "" : env[variable] ?? "";
      if (variable !== null && value !== "") this.set(key, value, variable);
    }
    this.warnings.push(...unknownVariables(env, "K6_CLOUD_", VARIABLES));
  }
}

const SECRET_KEYS: ReadonlySet<SettingKey> = new Set(all.filter(({ secret }) => secret === true).map(({ key }) => key));
const NUMBERS: ReadonlySet<SettingKey> = new Set(["stackID", "projectID", "defaultProjectID"]);
const TOKENS: ReadonlySet<SettingKey> = new Set(["token", "testRunToken", "secretsToken"]);
const VARIABLES: readonly string[] = all.flatMap(({ variable }) => variable === null ? [] : [variable]);
