/**
 * Collects the remote-write output's settings from their sources. Later sources win: the k6 config file (`collectors`), the
 * script's `options.prometheusRemoteWrite` (or `remoteWrite`), the environment of the old extension (`K6_PROMETHEUS_…`), k6's
 * environment (`K6_PROMETHEUS_RW_…`), the text after `-o name=`: a URL, or `key=value,…`.
 */

import { HEADER_NAME } from "../http_client.ts";
import { type OutputContext, OutputError } from "../output.ts";
import { longEnough, secretsAmong } from "../secrets.ts";
import { argumentPairs, asObject, parseFlag, SettingValues } from "../setting_values.ts";
import { decodedOrAsIs } from "../url_text.ts";
import { unknownVariables } from "../unknown_variables.ts";
import { findSetting, type Setting, type SettingKey, SETTINGS } from "./settings.ts";

/** The names under which k6 and its extensions have had this output. */
export const prometheusOutputNames = [
  "prometheus-rw",
  "experimental-prometheus-rw",
  "output-prometheus-remote",
  "xk6-prometheus-rw",
] as const;

/** Where settings come from. */
export type ConfigSources = Pick<OutputContext, "argument" | "name" | "env" | "options" | "collectors" | "features">;

/** The script's blocks, the later one winning. */
const SCRIPT_BLOCKS = ["remoteWrite", "prometheusRemoteWrite"] as const;

/** Whether a script's options alone ask for the output, without `-o`. */
export function isConfiguredByScript(options: Readonly<Record<string, unknown>>): boolean {
  return SCRIPT_BLOCKS.some((block) => asObject(options[block]) !== undefined);
}

/** The blocks that a script has, when it has both. */
export function rivalBlocks(options: Readonly<Record<string, unknown>>): readonly string[] {
  const given = SCRIPT_BLOCKS.filter((block) => asObject(options[block]) !== undefined);
  return given.length === SCRIPT_BLOCKS.length ? given : [];
}

/** One line for each variable of k6's family that nothing reads. */
export function unknownVariablesOf(env: Readonly<Record<string, string>>): string[] {
  const all: readonly Setting[] = SETTINGS;
  const known = all.flatMap(({ variables }) => variables);
  const headers = Object.keys(env).filter((name) => name.startsWith(HEADER_PREFIX));
  return unknownVariables(env, FAMILY, [...known, ...headers]);
}

const FAMILY = "K6_PROMETHEUS_RW_";
const HEADER_PREFIX = `${FAMILY}HEADERS_`;

/** Reads all sources; throws an `OutputError` for what is no setting at all. */
export function collectSettings({ argument, name, env, options, collectors }: ConfigSources): Settings {
  const settings = new Settings();
  for (const outputName of prometheusOutputNames) {
    readObject(settings, collectors[outputName], `config file, collectors.${outputName}`);
  }
  for (const block of SCRIPT_BLOCKS) readObject(settings, options[block], `options.${block}`);
  readLegacyTags(settings, env);
  readEnvironment(settings, env, (setting) => setting.legacyVariables, "K6_PROMETHEUS_HEADERS_");
  readEnvironment(settings, env, (setting) => setting.variables, HEADER_PREFIX);
  readArgument(settings, argument, `-o ${name}`);
  return settings;
}

/** The values of the settings, and the headers. */
export class Settings extends SettingValues<SettingKey> {
  /** By lower-case name; the last spelling wins. */
  readonly headers = new Map<string, readonly [name: string, value: string]>();

  constructor() {
    super("", (key) => findSetting(key)?.secret === true);
  }

  /** What no log line may show: passwords, tokens, keys, and the values of headers and URL parameters named like such. */
  secrets(): string[] {
    const values = SECRET_KEYS.map((key) => this.raw(key))
      .filter((value) => typeof value === "string" || typeof value === "number").map(String);
    const url = URL.parse(String(this.raw("url")));
    const password = url?.password ?? "";
    const named = secretsAmong([...this.headers.values(), ...url?.searchParams ?? []]);
    return longEnough([...values, ...named, password, decodedOrAsIs(password)]);
  }
}

const SECRET_KEYS: readonly SettingKey[] = ["password", "bearerToken", "sigV4SecretKey"];

function readObject(settings: Settings, block: unknown, source: string): void {
  if (block === undefined || block === null) return;
  const object = asObject(block);
  if (object === undefined) throw new OutputError(`${source} must be an object, for example { url: "http://…" }`);
  for (const [name, value] of Object.entries(object)) {
    const key = keyOf(name, source);
    if (value === null || value === undefined) continue;
    if (key === "headers") {
      const headers = asObject(value);
      if (headers === undefined) {
        throw new OutputError(`${source}.headers must be an object of header names and values`);
      }
      for (const [header, text] of Object.entries(headers)) setHeader(settings, header, text, `${source}.headers`);
    } else {
      settings.set(key, Array.isArray(value) ? value.join(",") : value, `${source}.${name}`);
    }
  }
}

/** Variables that are set to nothing count as not set. */
function readEnvironment(
  settings: Settings,
  env: Readonly<Record<string, string>>,
  variablesOf: (setting: Setting) => readonly string[],
  headerPrefix: string,
): void {
  for (const [variable, value] of Object.entries(env)) {
    if (variable.startsWith(headerPrefix)) setHeader(settings, variable.slice(headerPrefix.length), value, variable);
  }
  for (const setting of SETTINGS) {
    for (const variable of variablesOf(setting)) {
      const value = env[variable];
      if (value === undefined || value === "") continue;
      if (setting.key === "headers") setHeaderList(settings, value, variable);
      else settings.set(setting.key, value, variable);
    }
  }
}

/** The old extension's switches for tags, as a list of tags to drop. */
function readLegacyTags(settings: Settings, env: Readonly<Record<string, string>>): void {
  const isOff = (variable: string) => {
    const value = env[variable];
    if (value === undefined || value === "") return false;
    const flag = parseFlag(value);
    if (flag === null) {
      throw new OutputError(`invalid ${variable} ${JSON.stringify(value)}: expected true or false`);
    }
    return !flag;
  };
  const dropped = legacyTagSwitches.filter(([variable]) => isOff(variable));
  if (dropped.length === 0) return;
  settings.set("dropTags", dropped.map(([, tag]) => tag).join(","), dropped.map(([variable]) => variable).join(", "));
}

const legacyTagSwitches = [["K6_KEEP_TAGS", "*"], ["K6_KEEP_NAME_TAG", "name"], ["K6_KEEP_URL_TAG", "url"]] as const;

/** A URL, or `key=value,…` with lists as in `trendStats=p(95),p(99)`. */
function readArgument(settings: Settings, argument: string, source: string): void {
  if (argument === "") return;
  if (/^https?:\/\//i.test(argument)) return readUrlArgument(settings, argument, source);
  const pairs = argumentPairs(argument);
  if (pairs === null) {
    throw new OutputError(`${source}=…: expected a URL that begins with http:// or https://, or key=value pairs`);
  }
  for (const [name, value] of pairs) {
    if (name.startsWith("headers.")) setHeader(settings, name.slice("headers.".length), value, source);
    else if (name === "headers") throw new OutputError(`${source}: write headers.<Name>=<value> instead of headers`);
    else settings.set(keyOf(name, source), value, source);
  }
}

/** A URL may have commas and equals signs, but hardly the name of a setting between them. */
function readUrlArgument(settings: Settings, argument: string, source: string): void {
  for (const [, name = ""] of argument.matchAll(/,([^,=]*)=/g)) {
    if (findSetting(name) === undefined && !name.startsWith("headers.")) continue;
    throw new OutputError(`${source}=http…: with other settings (${name}) the URL is one, too: write url=http…`);
  }
  settings.set("url", argument, source);
}

function keyOf(name: string, source: string): SettingKey {
  const setting = findSetting(name);
  if (setting === undefined) {
    const known = SETTINGS.map(({ key }) => key).join(", ");
    throw new OutputError(`unknown remote-write setting ${JSON.stringify(name)} (${source}); known: ${known}`);
  }
  return setting.key;
}

/** `Name:value,Name2:value2`; unlike in k6 a value may hold `:`. */
function setHeaderList(settings: Settings, list: string, source: string): void {
  for (const pair of list.split(",")) {
    const separator = pair.indexOf(":");
    if (separator === -1) {
      throw new OutputError(
        `invalid header pair (${source}): expected Name:value,Name2:value2 with a colon in each pair`,
      );
    }
    setHeader(settings, pair.slice(0, separator).trim(), pair.slice(separator + 1).trim(), source);
  }
}

function setHeader(settings: Settings, name: string, value: unknown, source: string): void {
  if (!HEADER_NAME.test(name)) {
    throw new OutputError(`invalid header name ${JSON.stringify(name)} (${source})`);
  }
  if (typeof value !== "string" || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new OutputError(`invalid value of header "${name}" (${source}): expected text without control characters`);
  }
  settings.headers.set(name.toLowerCase(), [name, value]);
}
