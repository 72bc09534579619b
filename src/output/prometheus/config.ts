/**
 * The remote-write output's configuration: settings from all sources (see `setting_sources.ts`), checked and complete.
 * Every mistake is an `OutputError` of one line that names the setting's source and never its secret.
 */

import { parseIntervalMs } from "../duration.ts";
import { OutputError } from "../output.ts";
import { longEnough, passwordSecrets } from "../secrets.ts";
import { positiveInteger, type SettingValue } from "../setting_values.ts";
import { type ClientCertificate, readCaCertificate, readClientCertificate } from "../tls_files.ts";
import { describeUrl, identityOf } from "../url_text.ts";
import {
  collectSettings,
  type ConfigSources,
  rivalBlocks,
  type Settings,
  unknownVariablesOf,
} from "./setting_sources.ts";
import { parseTrendStat, type TrendStat, trendStatNames } from "./trend_stats.ts";

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
  /** How long one request may take. Default 15 s (k6: 5 s), so that a receiver that takes ten seconds loses nothing. */
  readonly timeoutMs: number;
  /** Default 1.0. */
  readonly protocolVersion: "1.0" | "2.0";
  /** Trends as gauges of statistics (default), as native histograms, or as classic histograms. */
  readonly trendMode: "stats" | "native" | "classic";
  /** Default `p(99)`. */
  readonly trendStats: readonly TrendStat[];
  /** Upper bounds for `classic`, ascending and finite, in the exported unit (seconds for times); else empty. */
  readonly histogramBuckets: readonly number[];
  /** Whether a Rate is sent as two counters besides its gauge. Default false. */
  readonly rateCounters: boolean;
  /** Whether series are marked as ended at the end of the run. Default true (k6: false), as the specification asks for. */
  readonly staleMarkers: boolean;
  /** Whether type, unit and help of metrics are sent. Default true. */
  readonly metadata: boolean;
  /** Whether trace ids of samples are sent. Default true. */
  readonly exemplars: boolean;
  /** Value of the label `instance` on all series; empty (default): no such label. */
  readonly instance: string;
  /** Tags that make no labels. Default none. */
  readonly dropTags: ReadonlySet<string> | "all";
  /** Default false; true for the name `output-prometheus-remote`, whose extension had it so. */
  readonly insecureSkipTlsVerify: boolean;
  /** Default 1.3, as in k6. */
  readonly tlsMinVersion: "1.2" | "1.3";
  /** The authorities to trust instead of the system's, PEM text; null (default): the system's. */
  readonly caCertificate: string | null;
  readonly clientCertificate: ClientCertificate | null;
  /** What no log line may show. */
  readonly secrets: readonly string[];
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

/** Reads the settings that apply to an output; throws an `OutputError` on the first mistake. */
export function readConfig(sources: ConfigSources): RemoteWriteConfig {
  const settings = collectSettings(sources);
  const warnings: string[] = [];
  const url = checkUrl(settings);
  const instance = settings.text("instance") ?? "";
  const authentication = checkAuthentication(settings, url);
  url.username = url.password = "";
  return {
    url,
    headers: checkHeaders(settings, authentication, warnings),
    authentication,
    pushIntervalMs: settings.get("pushInterval", 'a positive duration such as "5s"', parseIntervalMs) ?? 5000,
    batchSize: settings.get("batchSize", "a whole number of at least 1", positiveInteger()) ?? 1000,
    timeoutMs: settings.get("timeout", 'a positive duration such as "5s"', parseIntervalMs) ?? 15_000,
    protocolVersion: settings.get("protocolVersion", "1.0 or 2.0", protocolVersion) ?? "1.0",
    ...checkTrends(settings, sources),
    rateCounters: settings.flag("rateAsCounters") ?? false,
    staleMarkers: settings.flag("staleMarkers") ?? true,
    metadata: settings.flag("metadata") ?? true,
    exemplars: settings.flag("exemplars") ?? true,
    instance,
    dropTags: settings.get("dropTags", "a list of tags, or * for all", tagList) ?? new Set(),
    ...checkTls(settings, sources, url, warnings),
    secrets: [
      ...settings.secrets(),
      ...longEnough(passwordSecrets(authentication.kind === "basic" ? authentication : null)),
    ],
    warnings: [
      ...warnings,
      ...blockWarnings(sources),
      ...instanceWarnings(sources, instance),
      ...variableWarnings(sources),
    ],
  };
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

function checkHeaders(
  settings: Settings,
  authentication: Authentication,
  warnings: string[],
): RemoteWriteConfig["headers"] {
  const headers: (readonly [string, string])[] = [];
  for (const [lowerCase, header] of settings.headers) {
    if (reservedHeaders.has(lowerCase)) warnings.push(`header "${header[0]}" is set by k6d and cannot be changed`);
    else if (lowerCase !== "authorization" || authentication.kind === "none") headers.push(header);
  }
  return headers;
}

function checkUrl(settings: Settings): URL {
  const parse = (text: SettingValue) => {
    const url = URL.parse(String(text));
    return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? url : null;
  };
  return settings.get("url", "a valid address that begins with http:// or https://", parse) ??
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
  const inUrl = identityOf(url);
  const username = settings.text("username") ?? inUrl.username;
  if (username === "") return { kind: "none" };
  return { kind: "basic", username, password: settings.text("password") ?? inUrl.password };
}

function checkTrends(
  settings: Settings,
  { features }: ConfigSources,
): Pick<RemoteWriteConfig, "trendMode" | "trendStats" | "histogramBuckets"> {
  const native = settings.flag("trendAsNativeHistogram") === true || features.includes(NATIVE_HISTOGRAMS);
  const histogramBuckets = settings.get("trendHistogramBuckets", "ascending numbers such as 0.1,0.5,1", bounds) ?? [];
  if (native && histogramBuckets.length > 0) {
    throw new OutputError(
      `Trends can be native histograms (trendAsNativeHistogram or the feature ${NATIVE_HISTOGRAMS}) or classic ones ` +
        `(trendHistogramBuckets, ${settings.source("trendHistogramBuckets")}), not both: leave one of them out`,
    );
  }
  return {
    trendMode: native ? "native" : histogramBuckets.length > 0 ? "classic" : "stats",
    trendStats: settings.get("trendStats", `a list of ${trendStatNames}`, trendStatList) ?? trendStatList("p(99)") ??
      [],
    histogramBuckets,
  };
}

/** The feature flag that turns native histograms on, as in k6. */
const NATIVE_HISTOGRAMS = "native-histograms";

function checkTls(
  settings: Settings,
  { name }: ConfigSources,
  url: URL,
  warnings: string[],
): Pick<RemoteWriteConfig, "insecureSkipTlsVerify" | "tlsMinVersion" | "caCertificate" | "clientCertificate"> {
  const insecureSkipTlsVerify = settings.flag("insecureSkipTLSVerify") ?? name === "output-prometheus-remote";
  if (insecureSkipTlsVerify && url.protocol === "https:") {
    warnings.push(`the certificate of ${describeUrl(url)} is not verified (insecureSkipTLSVerify)`);
  }
  const version = settings.get("tlsMinVersion", "1.2 or 1.3", String) ?? "1.3";
  if (version !== "1.2" && version !== "1.3") {
    warnings.push(
      `tlsMinVersion ${JSON.stringify(version)} (${settings.source("tlsMinVersion")}) is neither 1.2 nor 1.3: ` +
        "the least version is 1.3",
    );
  }
  const caPath = settings.text("caCertificate");
  return {
    insecureSkipTlsVerify,
    tlsMinVersion: version === "1.2" ? "1.2" : "1.3",
    caCertificate: caPath === undefined ? null : readCaCertificate(caPath),
    clientCertificate: readClientCertificate(
      settings.text("clientCertificate"),
      settings.text("clientCertificateKey"),
      "clientCertificate and clientCertificateKey",
    ),
  };
}

function blockWarnings({ options }: ConfigSources): string[] {
  const [weaker, stronger] = rivalBlocks(options);
  if (weaker === undefined || stronger === undefined) return [];
  return [`the script has options.${weaker} and options.${stronger}: where both have a setting, the latter counts`];
}

/** Instances of one test would write the same series: Prometheus then has whatever came last, and nobody notices. */
function instanceWarnings({ options }: ConfigSources, instance: string): string[] {
  const { executionSegment: segment, tags } = options;
  const isPart = typeof segment === "string" && segment !== "" && segment !== "0:1";
  // A `testid` is the same for all of them; any other tag may be what tells them apart.
  const isNamed = instance !== "" || Object.keys(tags ?? {}).some((tag) => tag !== "testid");
  if (!isPart || isNamed) return [];
  return [
    `this run is a part of a test (executionSegment ${segment}): the parts overwrite each other's series unless each ` +
    "has a K6_PROMETHEUS_RW_INSTANCE or a tag of its own",
  ];
}

/** Variables that look as if they set something, and don't. */
function variableWarnings({ env }: ConfigSources): string[] {
  const warnings = unknownVariablesOf(env);
  const mapping = env["K6_PROMETHEUS_MAPPING"] ?? "";
  if (mapping !== "" && mapping !== "prometheus") {
    warnings.push(
      "the variable K6_PROMETHEUS_MAPPING has no effect: samples are always aggregated, under the names that k6's own " +
        "output gives them",
    );
  }
  return warnings;
}

function protocolVersion(value: SettingValue): "1.0" | "2.0" | null {
  if (["1", "1.0"].includes(String(value))) return "1.0";
  return ["2", "2.0"].includes(String(value)) ? "2.0" : null;
}

/** Where two statistics have the same suffix (`p(99.9)`, `p(9.99)`) the last wins, as in k6. */
function trendStatList(value: SettingValue): readonly TrendStat[] | null {
  const bySuffix = new Map<string, TrendStat>();
  for (const name of String(value).split(",")) {
    const stat = parseTrendStat(name.trim());
    if (stat === null) return null;
    bySuffix.set(stat.suffix, stat);
  }
  return Array.from(bySuffix.values());
}

/** Strictly ascending finite numbers. */
function bounds(value: SettingValue): readonly number[] | null {
  if (typeof value === "boolean") return null;
  const numbers = String(value).split(",").map((text) => text.trim() === "" ? NaN : Number(text));
  const ascending = numbers.every((number, i) => Number.isFinite(number) && !(number <= (numbers[i - 1] ?? -Infinity)));
  return ascending ? numbers : null;
}

function tagList(value: SettingValue): ReadonlySet<string> | "all" {
  const tags = String(value).split(",").map((tag) => tag.trim()).filter((tag) => tag !== "");
  return tags.includes("*") ? "all" : new Set(tags);
}
