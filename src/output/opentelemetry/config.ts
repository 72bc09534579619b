/**
 * The settings of the OpenTelemetry output. Later sources win: defaults, OpenTelemetry's own variables (`OTEL_…`), the k6 config
 * file (`collectors.opentelemetry`), k6's variables (`K6_OTEL_…`), `key=value,…` after `-o opentelemetry=`.
 * Every mistake is an `OutputError` of one line that names the setting's source and never its secret.
 */

import type { TagPairs } from "../../metrics/types.ts";
import { HEADER_NAME, type TlsOptions } from "../http_client.ts";
import { parseIntervalMs } from "../duration.ts";
import { type OutputContext, OutputError } from "../output.ts";
import { basicCredentials, longEnough, secretsAmong } from "../secrets.ts";
import { argumentPairs, asObject, oneOf, type SettingValue, SettingValues } from "../setting_values.ts";
import { readCaCertificate, readClientCertificate } from "../tls_files.ts";
import { describeUrl, percentDecoded } from "../url_text.ts";
import { unknownVariables } from "../unknown_variables.ts";
import { REMOVED_SETTINGS, type Setting, type SettingKey, SETTINGS } from "./settings.ts";

/** The name of the output, and the one that it had in k6 while it was an experiment. */
export const otelOutputNames = ["opentelemetry", "experimental-opentelemetry"] as const;

/** Settings, complete and checked. */
export interface OtelConfig {
  readonly protocol: "grpc" | "http/protobuf";
  /** Where requests go; for gRPC without a path. */
  readonly url: URL;
  /** By lower-case names; with the identity of basic authentication, none of those that the protocol needs itself. */
  readonly headers: Readonly<Record<string, string>>;
  /** For https URLs; the least version is 1.3 as soon as any TLS setting is made, as in k6. */
  readonly tls: TlsOptions;
  /** Attributes of the resource, which say who measured. */
  readonly resource: TagPairs;
  readonly metricPrefix: string;
  readonly exportIntervalMs: number;
  readonly timeoutMs: number;
  readonly compression: "none" | "gzip";
  /** What no log line may show. */
  readonly secrets: readonly string[];
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

/** Reads the settings that apply to an output; throws an `OutputError` on the first mistake. */
export function readConfig(context: ConfigSources): OtelConfig {
  const { name, version } = context;
  const warnings: string[] = [];
  const settings = collectSettings(context, warnings);
  if (name !== otelOutputNames[0]) {
    warnings.push(`"${name}" is an old name of this output: use "${otelOutputNames[0]}"`);
  }
  settings.get("flushInterval", aDuration, parseIntervalMs);
  const protocol = settings.get("exporterProtocol", '"grpc" or "http/protobuf"', oneOf("grpc", "http/protobuf")) ??
    "grpc";
  const url = protocol === "grpc" ? grpcUrl(settings) : httpUrl(settings);
  const headers = checkHeaders(settings, protocol, warnings);
  return {
    protocol,
    url,
    headers,
    tls: checkTls(settings, url, warnings),
    resource: checkResource(settings, version),
    metricPrefix: settings.text("metricPrefix") ?? "",
    exportIntervalMs: settings.get("exportInterval", aDuration, parseIntervalMs) ?? 10_000,
    timeoutMs: settings.get("timeout", aDuration, parseIntervalMs) ?? 10_000,
    compression: settings.get("compression", '"gzip" or "none"', oneOf("none", "gzip")) ?? "none",
    secrets: longEnough([settings.text("httpExporterPassword") ?? "", ...secretsAmong(Object.entries(headers))]),
    warnings,
  };
}

/** The receiver as messages name it: without what may be secret. */
export function describeReceiver({ protocol, url }: Pick<OtelConfig, "protocol" | "url">): string {
  return protocol === "grpc" ? url.host : describeUrl(url);
}

type ConfigSources = Pick<OutputContext, "argument" | "name" | "env" | "collectors" | "version">;

const aDuration = 'a positive duration such as "10s"';

type Settings = SettingValues<SettingKey>;

function isSecret(key: SettingKey): boolean {
  const setting: Setting | undefined = SETTINGS.find((each) => each.key === key);
  return setting?.secret === true;
}

function collectSettings({ argument, name, env, collectors }: ConfigSources, warnings: string[]): Settings {
  const settings: Settings = new SettingValues("OpenTelemetry output: ", isSecret);
  const warnOfRemoved = (source: string, advice: string) =>
    warnings.push(`${source} has no effect any longer: ${advice}`);
  const readVariable = (key: SettingKey, variable: string) => {
    const value = env[variable] ?? "";
    if (value !== "") settings.set(key, value, variable);
  };
  const all: readonly (Setting & { readonly key: SettingKey })[] = SETTINGS;
  for (const { key, fallbackVariables = [] } of all) {
    for (const variable of fallbackVariables) readVariable(key, variable);
  }
  for (const outputName of otelOutputNames.toReversed()) {
    readObject(settings, collectors[outputName], `config file, collectors.${outputName}`, warnOfRemoved);
  }
  for (const { key, variable } of all) readVariable(key, variable);
  for (const { variable, advice } of REMOVED_SETTINGS) {
    if ((env[variable] ?? "") !== "") warnOfRemoved(variable, advice);
  }
  const known = [...all, ...REMOVED_SETTINGS].map(({ variable }) => variable);
  warnings.push(...unknownVariables(env, "K6_OTEL_", known));
  readArgument(settings, argument, `-o ${name}`);
  return settings;
}

function readObject(
  settings: Settings,
  block: unknown,
  source: string,
  warnOfRemoved: (source: string, advice: string) => void,
): void {
  if (block === undefined || block === null) return;
  const object = asObject(block);
  if (object === undefined) {
    throw new OutputError(`OpenTelemetry output: ${source} must be an object, for example { "metricPrefix": "k6_" }`);
  }
  for (const [name, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue;
    const removed = REMOVED_SETTINGS.find(({ key }) => key === name);
    if (removed === undefined) settings.set(keyOf(name, source), value, `${source}.${name}`);
    else warnOfRemoved(`${source}.${name}`, removed.advice);
  }
}

/** `key=value,…`; of a list each pair comes as `headers.name=value`. */
function readArgument(settings: Settings, argument: string, source: string): void {
  const pairs = argumentPairs(argument);
  if (pairs === null) {
    throw new OutputError(`OpenTelemetry output: ${source}=…: expected key=value pairs, as in ${example}`);
  }
  const lists = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const list = ["headers", "resourceAttributes"].find((key) => name.startsWith(`${key}.`));
    if (list === undefined) settings.set(keyOf(name, source), value, source);
    else lists.set(list, [...lists.get(list) ?? [], `${name.slice(list.length + 1)}=${value}`]);
  }
  for (const [list, items] of lists) settings.set(keyOf(list, source), items.join(","), source);
}

const example = "grpcExporterEndpoint=localhost:4317,grpcExporterInsecure=true";

function keyOf(name: string, source: string): SettingKey {
  const all: readonly (Setting & { readonly key: SettingKey })[] = SETTINGS;
  const setting = all.find(({ key, aliases = [] }) => key === name || aliases.includes(name));
  if (setting !== undefined) return setting.key;
  const known = all.map(({ key }) => key).join(", ");
  throw new OutputError(`OpenTelemetry output: unknown setting "${name}" (${source}); known: ${known}`);
}

function grpcUrl(settings: Settings): URL {
  const scheme = settings.flag("grpcExporterInsecure") === true ? "http:" : "https:";
  const expected = "host:port without a scheme; K6_OTEL_GRPC_EXPORTER_INSECURE=true turns TLS off";
  return settings.get("grpcExporterEndpoint", expected, (value) => endpoint(scheme, value)) ??
    new URL(`${scheme}//localhost:4317`);
}

function httpUrl(settings: Settings): URL {
  const scheme = settings.flag("httpExporterInsecure") === true ? "http:" : "https:";
  const expected = "host:port without http:// and path; K6_OTEL_HTTP_EXPORTER_INSECURE=true turns TLS off";
  const url = settings.get("httpExporterEndpoint", expected, (value) => endpoint(scheme, value)) ??
    new URL(`${scheme}//localhost:4318`);
  const path = settings.text("httpExporterURLPath") ?? "/v1/metrics";
  return new URL(`${url.origin}${path.startsWith("/") ? "" : "/"}${path}`);
}

/** Host and port; null for all that is more than that. */
function endpoint(scheme: string, value: SettingValue): URL | null {
  const url = URL.parse(`${scheme}//${value}`);
  return url === null || /[/?#@]/.test(String(value)) ? null : url;
}

/** Headers that the protocols set; others don't exist in HTTP/2. */
const reservedHeaders = new Set([
  ...["content-type", "content-encoding", "content-length", "te", "user-agent", "host", "connection", "http2-settings"],
  ...["transfer-encoding", "upgrade", "keep-alive", "proxy-connection", "grpc-encoding", "grpc-timeout"],
]);

function checkHeaders(settings: Settings, protocol: string, warnings: string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  const username = settings.text("httpExporterUsername") ?? "";
  const pairs = settings.get("headers", "name=value,name2=value2 with values percent-encoded", keyValueList) ?? [];
  for (const [name, value] of pairs) {
    const lowerCase = name.toLowerCase();
    if (!HEADER_NAME.test(name) || /[^\t\x20-\x7e]/.test(value)) {
      throw new OutputError(`OpenTelemetry output: invalid header ${JSON.stringify(name)} (headers)`);
    }
    if (reservedHeaders.has(lowerCase)) warnings.push(`header "${name}" is set by k6d and cannot be changed`);
    else headers[lowerCase] = value;
  }
  if (protocol === "grpc" && username !== "") warnings.push("httpExporterUsername: no effect, because gRPC is used");
  else if (username !== "") {
    const password = settings.text("httpExporterPassword") ?? "";
    headers["authorization"] = `Basic ${basicCredentials({ username, password })}`;
  }
  return headers;
}

function checkTls(settings: Settings, url: URL, warnings: string[]): TlsOptions {
  const tlsKeys = ["tlsInsecureSkipVerify", "tlsCertificate", "tlsClientCertificate", "tlsClientKey"] as const;
  const made = tlsKeys.filter((key) => settings.has(key));
  if (url.protocol === "http:") {
    if (made.length > 0) {
      warnings.push(`${made.join(", ")}: no effect, because the connection is insecure, without TLS`);
    }
    return {};
  }
  const skipVerification = settings.flag("tlsInsecureSkipVerify") ?? false;
  if (skipVerification) warnings.push(`the certificate of ${url.host} is not verified (tlsInsecureSkipVerify)`);
  const ca = settings.text("tlsCertificate");
  return {
    skipVerification,
    minVersion: made.length > 0 ? "1.3" : "1.2",
    caCertificate: ca === undefined ? null : readCaCertificate(ca),
    clientCertificate: readClientCertificate(
      settings.text("tlsClientCertificate"),
      settings.text("tlsClientKey"),
      "tlsClientCertificate and tlsClientKey",
    ),
  };
}

/** The service as the user names it wins over general attributes, and both over what k6d says of itself. */
function checkResource(settings: Settings, version: string): TagPairs {
  const attributes = new Map([
    ["service.name", "k6"],
    ["service.version", version],
    ["telemetry.sdk.language", "nodejs"],
    ["telemetry.sdk.name", "k6d"],
    ["telemetry.sdk.version", version],
  ]);
  const more = settings.get("resourceAttributes", "key=value,key2=value2 with values percent-encoded", keyValueList);
  for (const [key, value] of more ?? []) if (value !== "") attributes.set(key.toWellFormed(), value.toWellFormed());
  for (const [attribute, key] of [["service.name", "serviceName"], ["service.version", "serviceVersion"]] as const) {
    const value = settings.text(key) ?? "";
    if (value !== "") attributes.set(attribute, value);
  }
  return Array.from(attributes).sort(([a], [b]) => a < b ? -1 : 1);
}

/** `key=value,…` with percent-encoded values, as W3C Baggage has it; null when it is none. */
function keyValueList(value: SettingValue): TagPairs | null {
  const pairs: (readonly [key: string, value: string])[] = [];
  for (const part of String(value).split(",")) {
    if (part.trim() === "") continue;
    const separator = part.indexOf("=");
    if (separator === -1) return null;
    const key = part.slice(0, separator).trim();
    const decoded = percentDecoded(part.slice(separator + 1).trim());
    if (key === "" || decoded === null) return null;
    pairs.push([key, decoded]);
  }
  return pairs;
}
