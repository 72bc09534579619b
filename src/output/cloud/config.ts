/**
 * The cloud output's configuration: settings from all sources (see `setting_sources.ts`), complete and checked. Every mistake is an
 * `OutputError` of one line that names the setting's source and never its secret.
 */

import { parseIntervalMs } from "../duration.ts";
import { type LogLevel, parseLevel } from "../log_line.ts";
import { OutputError } from "../output.ts";
import { oneOf, positiveInteger, type SettingValue, type SettingValues } from "../setting_values.ts";
import type { ScopedPush } from "./api/metrics_api.ts";
import type { MetricsFormat } from "./metrics/metric_set_encoder.ts";
import { type CloudSources, collectSettings, CONFIG_FILE, SCRIPT } from "./setting_sources.ts";
import type { SettingKey } from "./settings.ts";
import { A_TEST_RUN_ID, isTestRunId } from "./test_run_id.ts";

/** Settings, complete and checked. */
export interface CloudConfig {
  /** Null: requests say nothing of who sends them, and the service refuses them. */
  readonly token: string | null;
  readonly stackId: number | null;
  readonly stackUrl: string | null;
  /** Null: none is set; see `defaultProjectId`. */
  readonly projectId: number | null;
  readonly defaultProjectId: number | null;
  /** Null: the script's file name. */
  readonly name: string | null;
  /** Without a slash at its end, as the next two. */
  readonly host: string;
  readonly hostV6: string;
  readonly webAppUrl: string;
  /** The test run's page; null: it is under `webAppUrl`. */
  readonly testRunDetails: string | null;
  /** Of one request. Default 1 min. */
  readonly timeoutMs: number;
  readonly noCompress: boolean;
  readonly stopOnError: boolean;
  /** Null: by the host (`metricsFormat`). */
  readonly metricsFormat: MetricsFormat | null;
  /** A test run that others make and finish. */
  readonly pushRefId: string | null;
  /** Default 3 s. */
  readonly aggregationPeriodMs: number;
  /** From a window's beginning. Default 8 s. */
  readonly aggregationWaitPeriodMs: number;
  /** Default 1 s. */
  readonly metricPushIntervalMs: number;
  /** Default 1. */
  readonly metricPushConcurrency: number;
  /** Default 1000. */
  readonly maxTimeSeriesInBatch: number;
  readonly traces: TracesConfig;
  readonly noArchiveUpload: boolean;
  /** Null: not known, because the service is not Grafana's, whose logs are. */
  readonly logsTailUrl: string | null;
  /** Default true. */
  readonly showLogs: boolean;
  readonly exitOnRunning: boolean;
  /** A test run that a machine of the cloud works for. */
  readonly testRunId: string | null;
  /** Where metrics go, and the token for it; null unless `pushRefId` and both settings are set. */
  readonly scopedPush: ScopedPush | null;
  /** Where the log goes; null: nowhere. */
  readonly logsPush: LogsPushConfig | null;
  readonly secretSource: SecretSourceConfig;
  /** What no log line may show. */
  readonly secrets: readonly string[];
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
  /** Where the value of a setting comes from, for messages. */
  readonly sourceOf: (key: SettingKey) => string;
}

/** How it is told which requests had trace ids. */
export interface TracesConfig {
  readonly enabled: boolean;
  /** `host:port`. */
  readonly host: string;
  readonly pushIntervalMs: number;
  readonly pushConcurrency: number;
}

/** How the log of a test is sent; goes with the scoped token. */
export interface LogsPushConfig {
  readonly url: string;
  readonly token: string;
  /** Null: all levels. */
  readonly level: LogLevel | null;
  /** Most lines in a period. */
  readonly limit: number;
  readonly periodMs: number;
  readonly maxMessageBytes: number;
  /** Null: all. */
  readonly allowedLabels: ReadonlySet<string> | null;
}

/** How secrets of the service are read. */
export interface SecretSourceConfig {
  readonly token: string | null;
  /** With `{key}` for the secret's name. */
  readonly endpoint: string | null;
  readonly responsePath: string;
}

/** Reads the settings that apply to a run; throws an `OutputError` on the first mistake. What is out of limits is left to `assertLimits`. */
export function readConfig(sources: CloudSources): CloudConfig {
  const { values, secrets, warnings } = collectSettings(sources);
  assertApiVersion(values);
  assertPlaceOfToken(values);
  const pushRefId = testRunIdOrNull(values, "pushRefID");
  const host = baseAddress(values, "host") ?? "https://ingest.k6.io";
  const hostV6 = baseAddress(values, "hostv6") ?? "https://api.k6.io";
  return {
    token: tokenOrNull(values, "token"),
    stackId: values.get("stackID", A_COUNT, positiveInteger()) ?? null,
    stackUrl: values.get("stackURL", "the name of a stack, or its address", stackUrl) ?? null,
    projectId: values.get("projectID", A_COUNT, positiveInteger()) ?? null,
    defaultProjectId: values.get("defaultProjectID", A_COUNT, positiveInteger()) ?? null,
    name: textOrNull(values, "name"),
    host,
    hostV6,
    webAppUrl: httpAddress(values, "webAppURL")?.replace(/\/+$/, "") ?? "https://app.k6.io",
    testRunDetails: httpAddress(values, "testRunDetails") ?? null,
    timeoutMs: values.get("timeout", A_DURATION, parseIntervalMs) ?? 60_000,
    noCompress: values.flag("noCompress") ?? false,
    stopOnError: values.flag("stopOnError") ?? false,
    metricsFormat: values.get("metricsFormat", '"protobuf" or "json"', oneOf("protobuf", "json")) ?? null,
    pushRefId,
    aggregationPeriodMs: values.get("aggregationPeriod", A_DURATION, parseIntervalMs) ?? 3000,
    aggregationWaitPeriodMs: values.get("aggregationWaitPeriod", A_DURATION, parseIntervalMs) ?? 8000,
    metricPushIntervalMs: values.get("metricPushInterval", A_DURATION, parseIntervalMs) ?? 1000,
    metricPushConcurrency: values.get("metricPushConcurrency", "a whole number", wholeNumber) ?? 1,
    maxTimeSeriesInBatch: values.get("maxTimeSeriesInBatch", "a whole number", wholeNumber) ?? 1000,
    traces: {
      // Grafana's address is no default for the token of another service, which a local execution finds at `hostv6`.
      enabled: (values.flag("tracesEnabled") ?? true) &&
        (values.has("traceHost") || isGrafanas(host) && isGrafanas(hostV6)),
      host: values.get("traceHost", "host:port, without a scheme", hostAndPort) ??
        "grpc-k6-api-prod-prod-us-east-0.grafana.net:443",
      pushIntervalMs: values.get("tracesPushInterval", A_DURATION, parseIntervalMs) ?? 1000,
      pushConcurrency: values.get("tracesPushConcurrency", A_COUNT, positiveInteger()) ?? 1,
    },
    noArchiveUpload: values.flag("noArchiveUpload") ?? false,
    logsTailUrl: address(values, "logsTailURL", ["ws:", "wss:"]) ??
      (isGrafanas(hostV6) ? "wss://cloudlogs.k6.io/api/v1/tail" : null),
    showLogs: values.flag("showLogs") ?? true,
    exitOnRunning: values.flag("exitOnRunning") ?? false,
    testRunId: testRunIdOrNull(values, "testRunID"),
    scopedPush: pushRefId === null ? null : scopedPush(values),
    logsPush: pushRefId === null ? null : logsPush(values),
    secretSource: {
      token: tokenOrNull(values, "secretsToken"),
      endpoint: values.get("secretsEndpoint", "an address with {key} in it", secretsEndpoint) ?? null,
      responsePath: values.text("secretsResponsePath") ?? "plaintext",
    },
    secrets,
    warnings,
    sourceOf: (key) => values.source(key),
  };
}

/** Throws an `OutputError` for what a run cannot be started with, in the order in which k6 looks. */
export function assertLimits(config: CloudConfig): void {
  for (const key of ["metricPushConcurrency", "maxTimeSeriesInBatch"] as const) {
    if (config[key] >= 1) continue;
    throw new OutputError(
      `cloud output: ${key} must be at least 1, but is ${config[key]} (${config.sourceOf(key)})`,
    );
  }
  for (const key of ["aggregationPeriod", "aggregationWaitPeriod"] as const) {
    const periodMs = config[`${key}Ms`];
    if (periodMs % 1000 === 0) continue;
    throw new OutputError(
      `cloud output: ${key} must be whole seconds, but is ${periodMs} ms (${config.sourceOf(key)})`,
    );
  }
}

/** The format of metrics for an address: what is set, or protobuf for Grafana's own hosts and JSON for all others. */
export function metricsFormat({ metricsFormat }: Pick<CloudConfig, "metricsFormat">, pushUrl: string): MetricsFormat {
  return metricsFormat ?? (isGrafanas(pushUrl) ? "protobuf" : "json");
}

/** Where people see a test run: at the address that the settings have for it, at the service's own (null: it has none), or below `webAppUrl`. */
export function pageOfRun(
  { testRunDetails, webAppUrl }: Pick<CloudConfig, "testRunDetails" | "webAppUrl">,
  id: string,
  pageUrl: string | null,
): string {
  return testRunDetails ?? pageUrl ?? `${webAppUrl}/runs/${encodeURIComponent(id)}`;
}

function isGrafanas(address: string): boolean {
  return GRAFANA_HOST.test(new URL(address).hostname);
}

const GRAFANA_HOST = /(?:^|\.)(?:k6\.io|grafana\.net|grafana\.com)$/;

type Values = SettingValues<SettingKey>;

const A_DURATION = 'a positive duration such as "3s"';
const A_COUNT = "a whole number of at least 1";

function assertApiVersion(values: Values): void {
  const version = values.get("apiVersion", "a whole number", wholeNumber) ?? 2;
  if (version === 2) return;
  const reason = version === 1 ? "v1 is not supported anymore" : `${version} is an unexpected version`;
  throw new OutputError(`cloud output: invalid apiVersion (${values.source("apiVersion")}): ${reason}, use 2`);
}

/** A script is somebody's code, perhaps somebody else's: it must not have the stored token sent to where it likes. */
function assertPlaceOfToken(values: Values): void {
  if (!values.source("token").startsWith(CONFIG_FILE)) return;
  for (const [key, variable] of TOKEN_PLACES) {
    if (!values.source(key).startsWith(SCRIPT)) continue;
    throw new OutputError(
      `cloud output: ${values.source(key)} must not say where the stored token goes: set ${variable} instead, or ` +
        "K6_CLOUD_TOKEN to a token for that service",
    );
  }
}

/** Settings that say who is shown the user's token. */
const TOKEN_PLACES = [
  ["host", "K6_CLOUD_HOST"],
  ["hostv6", "K6_CLOUD_HOST_V6"],
  ["traceHost", "K6_CLOUD_TRACES_HOST"],
] as const;

function textOrNull(values: Values, key: SettingKey): string | null {
  return values.text(key) || null;
}

function tokenOrNull(values: Values, key: SettingKey): string | null {
  const parse = (value: SettingValue) => typeof value === "string" && /^[\x21-\x7e]*$/.test(value) ? value : null;
  return values.get(key, "text without blanks", parse) || null;
}

/** Nothing counts as not set. */
function testRunIdOrNull(values: Values, key: SettingKey): string | null {
  const parse = (value: SettingValue) => value === "" || isTestRunId(String(value)) ? String(value) : null;
  return values.get(key, A_TEST_RUN_ID, parse) || null;
}

/** An address to which the paths of calls are added. */
function baseAddress(values: Values, key: SettingKey): string | undefined {
  return address(values, key, ["http:", "https:"], { isBase: true })?.replace(/\/+$/, "");
}

/** An address that is used as it is. */
function httpAddress(values: Values, key: SettingKey): string | undefined {
  return address(values, key, ["http:", "https:"]);
}

/** Nothing counts as not set: services send empty texts. So do blanks around an address, as line breaks in files of secrets. */
function address(
  values: Values,
  key: SettingKey,
  protocols: readonly string[],
  { isBase = false } = {},
): string | undefined {
  const beginning = `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`;
  const expected = isBase ? `${beginning}, without ? and #` : beginning;
  const parse = (value: SettingValue) => {
    const text = String(value).trim();
    return text === "" || parseUrl(text, protocols) !== null && !(isBase && /[?#]/.test(text)) ? text : null;
  };
  return values.get(key, expected, parse) || undefined;
}

/** Null also for what `URL` takes but would have to be changed: blanks and control characters. */
function parseUrl(text: string, protocols: readonly string[]): URL | null {
  const url = /[\s\p{Cc}]/u.test(text) ? null : URL.parse(text);
  return url !== null && protocols.includes(url.protocol) ? url : null;
}

/** `team` stands for `https://team.grafana.net`, and the scheme may be left out; of an address only scheme and host count. */
function stackUrl(value: SettingValue): string | null {
  const text = String(value).trim();
  if (/^[a-z0-9-]+$/i.test(text)) return `https://${text}.grafana.net`;
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(text)) return `https://${text.toLowerCase()}`;
  return parseUrl(text, ["http:", "https:"])?.origin ?? null;
}

function hostAndPort(value: SettingValue): string | null {
  const text = String(value);
  return /^[^\s/?#@]+:\d+$/.test(text) && URL.canParse(`https://${text}`) ? text : null;
}

function scopedPush(values: Values): CloudConfig["scopedPush"] {
  const pushUrl = httpAddress(values, "metricsPushURL");
  const testRunToken = tokenOrNull(values, "testRunToken");
  if (pushUrl === undefined && testRunToken === null) return null;
  if (pushUrl === undefined || testRunToken === null) {
    throw new OutputError(
      "cloud output: K6_CLOUD_METRICS_PUSH_URL and K6_CLOUD_TEST_RUN_TOKEN need each other: set both, or none",
    );
  }
  return { pushUrl, testRunToken };
}

function logsPush(values: Values): LogsPushConfig | null {
  const url = httpAddress(values, "logsPushURL");
  if (url === undefined) return null;
  const token = tokenOrNull(values, "testRunToken");
  if (token === null) {
    throw new OutputError("cloud output: K6_CLOUD_LOGS_PUSH_URL needs K6_CLOUD_TEST_RUN_TOKEN: set both, or none");
  }
  return {
    url,
    token,
    level: values.get("logsLevel", "debug, info, warn or error", (value) => parseLevel(String(value))) ?? null,
    limit: values.get("logsLimit", A_COUNT, positiveInteger()) ?? 100,
    periodMs: values.get("logsPushPeriod", A_DURATION, parseIntervalMs) ?? 1000,
    maxMessageBytes: values.get("logsMessageMaxSize", A_COUNT, positiveInteger()) ?? 1 << 20,
    allowedLabels: values.get("logsAllowedLabels", "a list of names", nameList) ?? null,
  };
}

/** Of what is out of limits `assertLimits` speaks. */
function wholeNumber(value: SettingValue): number | null {
  const number = typeof value === "boolean" || value === "" ? NaN : Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

function nameList(value: SettingValue): ReadonlySet<string> {
  return new Set(String(value).split(",").map((name) => name.trim()).filter((name) => name !== ""));
}

function secretsEndpoint(value: SettingValue): string | null {
  const text = String(value);
  return text.includes("{key}") && parseUrl(text, ["http:", "https:"]) !== null ? text : null;
}
