/**
 * The settings of the influxdb output. Later sources win: defaults, the config file (`collectors.influxdb`), the environment
 * (`K6_INFLUXDB_…`), the URL after `-o influxdb=` with its query.
 * Every mistake is an `OutputError` of one line that names the setting's source and never its secret.
 */

import { parseIntervalMs } from "../duration.ts";
import { type OutputContext, OutputError } from "../output.ts";
import type { BasicIdentity } from "../secrets.ts";
import { asObject, oneOf, positiveInteger, type SettingValue, SettingValues } from "../setting_values.ts";
import { decodedOrAsIs, identityOf } from "../url_text.ts";
import { unknownVariables } from "../unknown_variables.ts";
import type { FieldType, LineFormat, Precision } from "./line_protocol.ts";

/** Settings, complete and checked. */
export interface InfluxConfig extends LineFormat {
  /** `http:`, `https:` or `udp:`, without credentials, query and trailing slash; a path is the server's prefix. Default `http://localhost:8086`. */
  readonly address: URL;
  /** Default `k6`. */
  readonly database: string;
  /** Null: requests name no user. */
  readonly credentials: BasicIdentity | null;
  /** Whether the server's certificate goes unchecked. Default false. */
  readonly insecure: boolean;
  /** An HTTP proxy for all requests; null: none, whatever the environment says. */
  readonly proxy: URL | null;
  /** Most bytes of a datagram to a `udp:` address. Default 512. */
  readonly payloadSize: number;
  /** Default 1 s. */
  readonly pushIntervalMs: number;
  /** Most requests under way at once. Default 4. */
  readonly concurrentWrites: number;
  /** Retention policy; empty: the database's default. */
  readonly retention: string;
  /** Write consistency of a cluster; empty: its default. */
  readonly consistency: string;
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

type ConfigSources = Pick<OutputContext, "argument" | "env" | "collectors">;

/** Reads the settings that apply to an output; throws an `OutputError` on the first mistake. */
export function readConfig({ argument, env, collectors }: ConfigSources): InfluxConfig {
  const settings: Settings = new SettingValues("influxdb output: ", (key) => secretKeys.includes(key));
  readConfigFile(settings, collectors["influxdb"]);
  for (const [variable, key] of variables) {
    const value = env[variable];
    if (value !== undefined && value !== "") settings.set(key, value, variable);
  }
  if (argument !== "") readArgument(settings, argument);

  const address = settings.get("addr", ADDRESS, parseAddress) ?? new URL("http://localhost:8086");
  const inAddress = identityOf(address);
  const username = settings.text("username") ?? inAddress.username;
  const password = settings.text("password") ?? inAddress.password;
  address.username = address.password = "";
  const insecure = settings.flag("insecure") ?? false;
  const proxy = settings.get("proxy", "an address that begins with http:// or https://", parseProxy) ?? null;
  if (proxy !== null && insecure && address.protocol === "https:") {
    throw new OutputError("influxdb output: proxy and insecure can't be used together for an https address");
  }
  return {
    address,
    database: settings.get("db", "the name of a database", parseName) ?? "k6",
    credentials: username === "" ? null : { username, password },
    insecure,
    proxy,
    payloadSize: settings.get("payloadSize", "a number of bytes from 1 to 65507", positiveInteger(65_507)) ?? 512,
    pushIntervalMs: settings.get("pushInterval", 'a positive duration such as "1s"', parseIntervalMs) ?? 1000,
    concurrentWrites: settings.get("concurrentWrites", "a number from 1 to 1000", positiveInteger(1000)) ?? 4,
    precision: settings.get("precision", "ns, us, ms, s, m or h", (value) => precisions.get(String(value)) ?? null) ??
      "ns",
    retention: settings.text("retention") ?? "",
    consistency: settings.get("consistency", "any, one, quorum or all", oneOf("", "any", "one", "quorum", "all")) ?? "",
    tagsAsFields: settings.get("tagsAsFields", TAGS_AS_FIELDS, parseTagsAsFields) ??
      parseTagsAsFields("vu,iter,url")!,
    warnings: unknownVariables(env, "K6_INFLUXDB_", Array.from(variables.keys())),
  };
}

/** The settings' keys in the config file and in the URL's query. */
const keys = [
  "addr",
  "proxy",
  "username",
  "password",
  "insecure",
  "payloadSize",
  "pushInterval",
  "concurrentWrites",
  "db",
  "precision",
  "retention",
  "consistency",
  "tagsAsFields",
] as const;

type Key = typeof keys[number];

const variables: ReadonlyMap<string, Key> = new Map([
  ["K6_INFLUXDB_ADDR", "addr"],
  ["K6_INFLUXDB_PROXY", "proxy"],
  ["K6_INFLUXDB_USERNAME", "username"],
  ["K6_INFLUXDB_PASSWORD", "password"],
  ["K6_INFLUXDB_INSECURE", "insecure"],
  ["K6_INFLUXDB_PAYLOAD_SIZE", "payloadSize"],
  ["K6_INFLUXDB_PUSH_INTERVAL", "pushInterval"],
  ["K6_INFLUXDB_CONCURRENT_WRITES", "concurrentWrites"],
  ["K6_INFLUXDB_DB", "db"],
  ["K6_INFLUXDB_PRECISION", "precision"],
  ["K6_INFLUXDB_RETENTION", "retention"],
  ["K6_INFLUXDB_CONSISTENCY", "consistency"],
  ["K6_INFLUXDB_TAGS_AS_FIELDS", "tagsAsFields"],
]);

type Settings = SettingValues<Key>;

/** Addresses may hold a password. */
const secretKeys: readonly Key[] = ["addr", "proxy", "password"];

function readConfigFile(settings: Settings, block: unknown): void {
  if (block === undefined || block === null) return;
  const source = "config file, collectors.influxdb";
  const object = asObject(block);
  if (object === undefined) {
    throw new OutputError(`influxdb output: ${source} must be an object, for example {"addr": "http://…"}`);
  }
  for (const [name, value] of Object.entries(object)) {
    const key = keyOf(name, source);
    if (value !== null) settings.set(key, Array.isArray(value) ? value.join(",") : value, `${source}.${name}`);
  }
}

/** `http://user:password@host:8086/prefix/db?pushInterval=2s`: the last part of the path names the database. */
function readArgument(settings: Settings, argument: string): void {
  const source = "-o influxdb=…";
  const url = parseUrl(argument, ["http:", "https:", "udp:"]);
  if (url === null) throw new OutputError(`influxdb output: invalid URL (${source}): expected ${ADDRESS}`);
  for (const name of new Set(url.searchParams.keys())) {
    const key = keyOf(name === "payload_size" ? "payloadSize" : name, source);
    if (key === "addr") throw new OutputError(`influxdb output: addr (${source}) is the URL itself`);
    settings.set(key, url.searchParams.getAll(name).join(","), source);
  }
  if (url.username !== "") {
    const { username, password } = identityOf(url);
    settings.set("username", username, source);
    settings.set("password", password, source);
  }
  const [, prefix = "", database = ""] = /^(.*)\/([^/]*)$/.exec(url.pathname.replace(/\/+$/, "")) ?? [];
  if (database !== "") settings.set("db", decodedOrAsIs(database), source);
  settings.set("addr", `${url.protocol}//${url.host}${prefix}`, source);
}

function keyOf(name: string, source: string): Key {
  const key = keys.find((known) => known === name);
  if (key === undefined) {
    throw new OutputError(`influxdb output: unknown setting "${name}" (${source}); known: ${keys.join(", ")}`);
  }
  return key;
}

const ADDRESS = "an address such as http://localhost:8086, https://… or udp://localhost:8089";

function parseAddress(value: SettingValue): URL | null {
  const url = parseUrl(String(value), ["http:", "https:", "udp:"]);
  if (url === null) return null;
  url.search = url.hash = "";
  if (url.protocol === "udp:" && url.port === "") url.port = "8089";
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

function parseProxy(value: SettingValue): URL | null {
  return parseUrl(String(value), ["http:", "https:"]);
}

function parseUrl(text: string, protocols: readonly string[]): URL | null {
  const url = URL.parse(text);
  return url !== null && protocols.includes(url.protocol) && url.hostname !== "" ? url : null;
}

function parseName(value: SettingValue): string | null {
  return value === "" ? null : String(value);
}

/** InfluxDB's spellings, and some that its tools know. */
const precisions: ReadonlyMap<string, Precision> = new Map([
  ["", "ns"],
  ["n", "ns"],
  ["ns", "ns"],
  ["u", "u"],
  ["us", "u"],
  ["µ", "u"],
  ["ms", "ms"],
  ["s", "s"],
  ["m", "m"],
  ["h", "h"],
]);

const TAGS_AS_FIELDS = 'tags as in "vu:int,iter:int,url", each with string, int, float, bool or no type; not "value"';

const fieldTypes: readonly string[] = ["string", "int", "float", "bool"] satisfies FieldType[];

function parseTagsAsFields(value: SettingValue): ReadonlyMap<string, FieldType> | null {
  const types = new Map<string, FieldType>();
  for (const item of String(value).split(",")) {
    const [, name, type = "string"] = /^\s*(.*?)(?::([^:]*?))?\s*$/.exec(item)!;
    if (name === "" && type === "string") continue;
    // A sample's own value is the field "value".
    if (name === undefined || name === "" || name === "value" || !fieldTypes.includes(type)) return null;
    types.set(name, type as FieldType);
  }
  return types;
}
