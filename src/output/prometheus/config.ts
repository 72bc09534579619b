/**
 * The settings of the remote-write output. Later sources win: defaults, the k6 config file (`collectors`), the script's
 * `options.prometheusRemoteWrite` (or `remoteWrite`), the environment of the old extension (`K6_PROMETHEUS_…`), k6's environment
 * (`K6_PROMETHEUS_RW_…`), the text after `-o name=`: a URL, or `key=value,…` with the config file's keys.
 * Every mistake is an `OutputError` of one line that names the setting's source and never its secret.
 */

import { type OutputContext, OutputError } from "../output.ts";
import { parseDurationMs } from "../duration.ts";
import { parseTrendStat, type TrendStat, trendStatNames } from "./trend_stats.ts";
import { type ClientCertificate, readClientCertificate } from "./client_certificate.ts";

/** The names under which k6 and its extensions have had this output. */
export const prometheusOutputNames = [
  "prometheus-rw",
  "experimental-prometheus-rw",
  "output-prometheus-remote",
  "xk6-prometheus-rw",
] as const;

/** How requests say who sends them; at most one way, chosen in the order sigv4, bearer, basic. */
export type Authentication =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "sigv4"; readonly region: string; readonly accessKey: string; readonly secretKey: string };

/** Settings, complete and checked. */
export interface RemoteWriteConfig {
  /** Used as given, without credentials. Default `http://localhost:9090/api/v1/write`. */
  readonly url: URL;
  /** The user's own headers; none of those that the protocol reserves. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly authentication: Authentication;
  /** Default 5 s. */
  readonly pushIntervalMs: number;
  /** Most time series in one request. Default 1000. */
  readonly batchSize: number;
  /** Default `p(99)`. */
  readonly trendStats: readonly TrendStat[];
  /** Whether series are marked as ended at the end of the run. Default true (k6: false), as the specification asks for. */
  readonly staleMarkers: boolean;
  /** Default false; true for the name `output-prometheus-remote`, whose extension had it so. */
  readonly insecureSkipTlsVerify: boolean;
  /** Default 1.3, as in k6. */
  readonly tlsMinVersion: "1.2" | "1.3";
  readonly clientCertificate: ClientCertificate | null;
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

/** Reads the settings that apply to an output; throws an `OutputError` on the first mistake. */
export function readConfig({ argument, name, env, options, collectors }: ConfigSources): RemoteWriteConfig {
  const settings = new Settings();
  for (const outputName of prometheusOutputNames) {
    readObject(settings, collectors[outputName], `config file, collectors.${outputName}`);
  }
  for (const block of scriptBlocks) readObject(settings, options[block], `options.${block}`);
  readEnvironment(settings, env, legacyVariables, "K6_PROMETHEUS_HEADERS_");
  readEnvironment(settings, env, variables, "K6_PROMETHEUS_RW_HEADERS_");
  readArgument(settings, argument, `-o ${name}`);
  return check(settings, name === "output-prometheus-remote");
}

/** Whether a script's options alone ask for the output, without `-o`. */
export function isConfiguredByScript(options: Readonly<Record<string, unknown>>): boolean {
  return scriptBlocks.some((block) => asObject(options[block]) !== undefined);
}

/** A URL for messages: without credentials and without query, which may hold a token. */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === "" ? "" : "?…"}`;
}

type ConfigSources = Pick<OutputContext, "argument" | "name" | "env" | "options" | "collectors">;

const scriptBlocks = ["remoteWrite", "prometheusRemoteWrite"] as const;

/** The settings' keys in the k6 config file; `batchSize` is k6d's own. */
const keys = [
  "url",
  "headers",
  "pushInterval",
  "batchSize",
  "trendStats",
  "trendAsNativeHistogram",
  "staleMarkers",
  "insecureSkipTLSVerify",
  "tlsMinVersion",
  "username",
  "password",
  "bearerToken",
  "clientCertificate",
  "clientCertificateKey",
  "sigV4Region",
  "sigV4AccessKey",
  "sigV4SecretKey",
] as const;

type Key = typeof keys[number];

/** Other spellings of keys, as blog posts have them. */
const aliases: ReadonlyMap<string, Key> = new Map([["batchInterval", "pushInterval"], [
  "batchIntervals",
  "pushInterval",
]]);

const variables: ReadonlyMap<string, Key> = new Map([
  ["K6_PROMETHEUS_RW_SERVER_URL", "url"],
  ["K6_PROMETHEUS_RW_HTTP_HEADERS", "headers"],
  ["K6_PROMETHEUS_RW_PUSH_INTERVAL", "pushInterval"],
  ["K6_PROMETHEUS_RW_BATCH_SIZE", "batchSize"],
  ["K6_PROMETHEUS_RW_TREND_STATS", "trendStats"],
  ["K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM", "trendAsNativeHistogram"],
  ["K6_PROMETHEUS_RW_STALE_MARKERS", "staleMarkers"],
  ["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY", "insecureSkipTLSVerify"],
  // The documentation has the first, k6's code the second.
  ["K6_PROMETHEUS_RW_TLS_MIN_VERSION", "tlsMinVersion"],
  ["K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION", "tlsMinVersion"],
  ["K6_PROMETHEUS_RW_USERNAME", "username"],
  ["K6_PROMETHEUS_RW_PASSWORD", "password"],
  ["K6_PROMETHEUS_RW_BEARER_TOKEN", "bearerToken"],
  ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE", "clientCertificate"],
  ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY", "clientCertificateKey"],
  ["K6_PROMETHEUS_RW_SIGV4_REGION", "sigV4Region"],
  ["K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY", "sigV4AccessKey"],
  ["K6_PROMETHEUS_RW_SIGV4_SECRET_KEY", "sigV4SecretKey"],
]);

/** The variables of the extension's versions 0.0.1 to 0.0.7. */
const legacyVariables: ReadonlyMap<string, Key> = new Map([
  ["K6_PROMETHEUS_REMOTE_URL", "url"],
  ["K6_PROMETHEUS_HEADERS", "headers"],
  ["K6_PROMETHEUS_FLUSH_PERIOD", "pushInterval"],
  ["K6_PROMETHEUS_PUSH_INTERVAL", "pushInterval"],
  ["K6_PROMETHEUS_TREND_STATS", "trendStats"],
  ["K6_PROMETHEUS_TREND_AS_NATIVE_HISTOGRAM", "trendAsNativeHistogram"],
  ["K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY", "insecureSkipTLSVerify"],
  ["K6_PROMETHEUS_USER", "username"],
  ["K6_PROMETHEUS_USERNAME", "username"],
  ["K6_PROMETHEUS_PASSWORD", "password"],
]);

/** Values as their sources give them, each with the name of its source for messages. */
class Settings {
  readonly #values = new Map<Key, { value: unknown; source: string }>();
  /** By lower-case name; the last spelling wins. */
  readonly headers = new Map<string, readonly [name: string, value: string]>();

  set(key: Key, value: unknown, source: string): void {
    this.#values.set(key, { value, source });
  }

  /** The value as `parse` understands it; a value that it refuses (null) is an error that says what is expected. */
  get<T>(key: Key, expected: string, parse: (value: string | number | boolean) => T | null): T | undefined {
    const setting = this.#values.get(key);
    if (setting === undefined) return undefined;
    const { value, source } = setting;
    const parsed = typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? parse(value)
      : null;
    if (parsed === null) throw new OutputError(`invalid ${key} (${source})${shown(key, value)}: expected ${expected}`);
    return parsed;
  }

  text(key: Key): string | undefined {
    return this.get(key, "text", (value) => typeof value === "string" ? value : null);
  }

  flag(key: Key): boolean | undefined {
    return this.get(key, "true or false", (value) => booleans.get(String(value)) ?? null);
  }

  source(key: Key): string {
    return this.#values.get(key)?.source ?? "default";
  }
}

/** What Go's `strconv.ParseBool` understands. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);

/** A wrong value as an error message may show it: nothing for keys that can hold a secret. */
function shown(key: Key, value: unknown): string {
  const showable = [
    "pushInterval",
    "batchSize",
    "trendStats",
    "staleMarkers",
    "insecureSkipTLSVerify",
    "tlsMinVersion",
  ];
  return showable.includes(key) ? ` ${JSON.stringify(value)}` : "";
}

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
  known: ReadonlyMap<string, Key>,
  headerPrefix: string,
): void {
  for (const [variable, value] of Object.entries(env)) {
    if (variable.startsWith(headerPrefix)) setHeader(settings, variable.slice(headerPrefix.length), value, variable);
  }
  for (const [variable, key] of known) {
    const value = env[variable];
    if (value === undefined || value === "") continue;
    if (key === "headers") setHeaderList(settings, value, variable);
    else settings.set(key, value, variable);
  }
}

/** `key=value,…`; a part without `=` belongs to the value before it (`trendStats=p(95),p(99)`). */
function readArgument(settings: Settings, argument: string, source: string): void {
  if (argument === "") return;
  if (/^https?:\/\//i.test(argument)) return settings.set("url", argument, source);
  let last: readonly [key: Key, value: string] | undefined;
  for (const part of argument.split(",")) {
    const separator = part.indexOf("=");
    if (separator === -1) {
      if (last === undefined) {
        throw new OutputError(`${source}=…: expected a URL that begins with http:// or https://, or key=value pairs`);
      }
      last = [last[0], `${last[1]},${part}`];
    } else {
      const name = part.slice(0, separator);
      const value = part.slice(separator + 1);
      if (name.startsWith("headers.")) {
        setHeader(settings, name.slice("headers.".length), value, source);
        continue;
      }
      last = [keyOf(name, source), value];
    }
    if (last[0] === "headers") throw new OutputError(`${source}: write headers.<Name>=<value> instead of headers`);
    settings.set(last[0], last[1], source);
  }
}

function keyOf(name: string, source: string): Key {
  const key = aliases.get(name) ?? keys.find((known) => known === name);
  if (key === undefined) {
    throw new OutputError(`unknown remote-write setting "${name}" (${source}); known: ${keys.join(", ")}`);
  }
  return key;
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
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw new OutputError(`invalid header name ${JSON.stringify(name)} (${source})`);
  }
  if (typeof value !== "string" || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new OutputError(`invalid value of header "${name}" (${source}): expected text without control characters`);
  }
  settings.headers.set(name.toLowerCase(), [name, value]);
}

/** Set by the protocol or by HTTP itself; the remote-write specification forbids that users change them. */
const reservedHeaders = new Set([
  "content-encoding",
  "content-type",
  "user-agent",
  "x-prometheus-remote-write-version",
  "content-length",
  "transfer-encoding",
  "connection",
  "host",
]);

function check(settings: Settings, legacy: boolean): RemoteWriteConfig {
  const warnings: string[] = [];
  const url = checkUrl(settings);
  const authentication = checkAuthentication(settings, url);
  url.username = url.password = "";

  const headers: (readonly [string, string])[] = [];
  for (const [lowerCase, header] of settings.headers) {
    if (reservedHeaders.has(lowerCase)) warnings.push(`header "${header[0]}" is set by k6d and cannot be changed`);
    else if (lowerCase !== "authorization" || authentication.kind === "none") headers.push(header);
  }

  const insecureSkipTlsVerify = settings.flag("insecureSkipTLSVerify") ?? legacy;
  if (insecureSkipTlsVerify && url.protocol === "https:") {
    warnings.push(`the certificate of ${describeUrl(url)} is not verified (insecureSkipTLSVerify)`);
  }
  if (settings.flag("trendAsNativeHistogram") === true) {
    warnings.push("native histograms are not available yet: trends are sent as gauges");
  }
  return {
    url,
    headers,
    authentication,
    pushIntervalMs: settings.get("pushInterval", 'a positive duration such as "5s"', positiveDuration) ?? 5000,
    batchSize: settings.get("batchSize", "a whole number of at least 1", positiveInteger) ?? 1000,
    trendStats: settings.get("trendStats", `a list of ${trendStatNames}`, trendStatList) ?? trendStatList("p(99)") ??
      [],
    staleMarkers: settings.flag("staleMarkers") ?? true,
    insecureSkipTlsVerify,
    tlsMinVersion: settings.get("tlsMinVersion", "1.2 or 1.3", tlsVersion) ?? "1.3",
    clientCertificate: checkClientCertificate(settings),
    warnings,
  };
}

function checkUrl(settings: Settings): URL {
  const parse = (text: string | number | boolean) => {
    const url = URL.parse(String(text));
    return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? url : null;
  };
  return settings.get("url", "an address that begins with http:// or https://", parse) ??
    new URL("http://localhost:9090/api/v1/write");
}

function checkAuthentication(settings: Settings, url: URL): Authentication {
  const [region, accessKey, secretKey] = [
    settings.text("sigV4Region"),
    settings.text("sigV4AccessKey"),
    settings.text("sigV4SecretKey"),
  ];
  if (region !== undefined && accessKey !== undefined && secretKey !== undefined) {
    return { kind: "sigv4", region, accessKey, secretKey };
  }
  if (region !== undefined || accessKey !== undefined || secretKey !== undefined) {
    throw new OutputError(
      "signing requests for AWS needs all of K6_PROMETHEUS_RW_SIGV4_REGION, K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY and " +
        "K6_PROMETHEUS_RW_SIGV4_SECRET_KEY: set the missing ones, or none",
    );
  }
  const token = settings.text("bearerToken");
  if (token !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new OutputError(`invalid bearerToken (${settings.source("bearerToken")}): expected text without blanks`);
    }
    return { kind: "bearer", token };
  }
  const username = settings.text("username") ?? decodeUserInfo(url.username);
  if (username === "") return { kind: "none" };
  return { kind: "basic", username, password: settings.text("password") ?? decodeUserInfo(url.password) };
}

/** A URL's user name or password as it was meant; text that isn't percent-encoded properly is taken as it is. */
function decodeUserInfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

function checkClientCertificate(settings: Settings): ClientCertificate | null {
  const [certificate, key] = [settings.text("clientCertificate"), settings.text("clientCertificateKey")];
  if (certificate === undefined && key === undefined) return null;
  if (certificate === undefined || key === undefined) {
    throw new OutputError("a client certificate needs both clientCertificate and clientCertificateKey");
  }
  return readClientCertificate(certificate, key);
}

function positiveDuration(value: string | number | boolean): number | null {
  const duration = typeof value === "boolean" ? null : parseDurationMs(value);
  return duration !== null && duration > 0 ? duration : null;
}

function positiveInteger(value: string | number | boolean): number | null {
  const number = typeof value === "boolean" || value === "" ? NaN : Number(value);
  return Number.isSafeInteger(number) && number >= 1 ? number : null;
}

function tlsVersion(value: string | number | boolean): "1.2" | "1.3" | null {
  return value === "1.2" || value === "1.3" ? value : null;
}

/** Where two statistics have the same suffix (`p(99.9)`, `p(9.99)`) the last wins, as in k6. */
function trendStatList(value: string | number | boolean): readonly TrendStat[] | null {
  const bySuffix = new Map<string, TrendStat>();
  for (const name of String(value).split(",")) {
    const stat = parseTrendStat(name.trim());
    if (stat === null) return null;
    bySuffix.set(stat.suffix, stat);
  }
  return Array.from(bySuffix.values());
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Readonly<Record<string, unknown>>
    : undefined;
}
