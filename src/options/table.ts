/** Every option once, as data: what a script, the environment, the command line, the help text and the checks need to know. */

import { DEFAULT_SYSTEM_TAGS } from "../metrics/system_tags.ts";
import {
  bool,
  dns,
  duration,
  integer,
  object,
  objectList,
  oneOf,
  type OptionKind,
  stages,
  tagMap,
  text,
  textList,
  textMap,
  textOrRange,
  thresholds,
} from "./kinds.ts";
import {
  checkCipherSuites,
  checkHeaderValue,
  checkHostPatterns,
  checkHosts,
  checkLocalIps,
  checkNetworks,
  checkTlsAuth,
  checkTlsVersion,
} from "./network_checks.ts";

/** A flag of `k6d run` that sets an option. */
export interface OptionFlag {
  /** Without the leading dashes. */
  readonly name: string;
  readonly short?: string;
  /** The value that the bare flag stands for; a flag without it needs a value (switches: `true`). */
  readonly bare?: string;
}

/** One option. Values are as `kind` reads them: durations in milliseconds, the rest in k6's JSON shape. */
export interface OptionDefinition {
  /** k6's key in `export const options`. */
  readonly key: string;
  readonly kind: OptionKind;
  /** One line for help texts. */
  readonly help: string;
  readonly env?: string;
  readonly flag?: OptionFlag;
  /** The value that holds when no layer sets the option. */
  readonly default?: unknown;
  /** What is wrong with a value of the right kind, if anything. */
  readonly check?: (value: never) => string | undefined;
  /** A script can't set it: the option exists as flag and variable only. */
  readonly notInScript?: true;
  /** Not part of `exec.test.options` unless it is set. */
  readonly hiddenWhenUnset?: true;
}

/** All options, in the order of k6's JSON. */
export const OPTIONS: readonly OptionDefinition[] = [
  {
    key: "paused",
    kind: bool,
    env: "K6_PAUSED",
    flag: { name: "paused", short: "p" },
    help: "start the test in a paused state",
    default: false,
  },
  {
    key: "vus",
    kind: integer,
    env: "K6_VUS",
    flag: { name: "vus", short: "u" },
    help: "number of virtual users",
    default: 1,
  },
  {
    key: "duration",
    kind: duration,
    env: "K6_DURATION",
    flag: { name: "duration", short: "d" },
    help: "how long the test lasts",
  },
  {
    key: "iterations",
    kind: integer,
    env: "K6_ITERATIONS",
    flag: { name: "iterations", short: "i" },
    help: "total number of iterations, shared among the virtual users",
  },
  {
    key: "stages",
    kind: stages,
    env: "K6_STAGES",
    flag: { name: "stage", short: "s" },
    help: "a stage of ramping virtual users; may be repeated",
  },
  { key: "scenarios", kind: object, help: "what runs, by name: executors with their settings; see the manual" },
  {
    key: "executionSegment",
    kind: text,
    flag: { name: "execution-segment" },
    help: "the part of the test that this instance runs, for example 1/4:1/2",
  },
  {
    key: "executionSegmentSequence",
    kind: text,
    flag: { name: "execution-segment-sequence" },
    help: "the segments of all instances, for example 0,1/2,1",
  },
  {
    key: "noSetup",
    kind: bool,
    env: "K6_NO_SETUP",
    flag: { name: "no-setup" },
    help: "don't run setup()",
    default: false,
  },
  {
    key: "setupTimeout",
    kind: duration,
    help: "how long setup() may take",
    env: "K6_SETUP_TIMEOUT",
    default: 60_000,
    check: aboveZero,
  },
  {
    key: "noTeardown",
    kind: bool,
    env: "K6_NO_TEARDOWN",
    flag: { name: "no-teardown" },
    help: "don't run teardown()",
    default: false,
  },
  {
    key: "teardownTimeout",
    kind: duration,
    help: "how long teardown() may take",
    env: "K6_TEARDOWN_TIMEOUT",
    default: 60_000,
    check: aboveZero,
  },
  {
    key: "handleSummaryTimeout",
    kind: duration,
    help: "how long handleSummary() may take",
    env: "K6_HANDLE_SUMMARY_TIMEOUT",
    default: 120_000,
    check: aboveZero,
  },
  {
    key: "rps",
    kind: integer,
    env: "K6_RPS",
    flag: { name: "rps" },
    help: "limit of HTTP requests per second of this instance; 0 means none",
    default: 0,
  },
  {
    key: "dns",
    kind: dns,
    env: "K6_DNS",
    flag: { name: "dns" },
    help: "how names are looked up: how long answers hold, which address is taken, of which version",
  },
  {
    key: "maxRedirects",
    kind: integer,
    env: "K6_MAX_REDIRECTS",
    flag: { name: "max-redirects" },
    help: "how many redirects a request follows",
    default: 10,
    check: notNegative,
  },
  {
    key: "userAgent",
    kind: text,
    env: "K6_USER_AGENT",
    flag: { name: "user-agent" },
    help: "User-Agent header of HTTP requests; empty sends none",
    check: checkHeaderValue,
    default: "Grafana k6/2.2.0",
  },
  {
    key: "batch",
    kind: integer,
    env: "K6_BATCH",
    flag: { name: "batch" },
    help: "parallel requests of one http.batch(); 0 means no limit",
    default: 20,
  },
  {
    key: "batchPerHost",
    kind: integer,
    env: "K6_BATCH_PER_HOST",
    flag: { name: "batch-per-host" },
    help: "parallel requests of one http.batch() to one host; 0 means no limit",
    default: 6,
  },
  {
    key: "httpDebug",
    kind: oneOf("", "headers", "full"),
    env: "K6_HTTP_DEBUG",
    flag: { name: "http-debug", bare: "headers" },
    help: "log HTTP requests and responses; =full with bodies",
  },
  {
    key: "insecureSkipTLSVerify",
    kind: bool,
    env: "K6_INSECURE_SKIP_TLS_VERIFY",
    flag: { name: "insecure-skip-tls-verify" },
    help: "don't verify TLS certificates",
    default: false,
  },
  {
    key: "tlsCipherSuites",
    kind: textList,
    help: "cipher suites that connections by TLS 1.2 may use; others fail",
    env: "K6_TLS_CIPHER_SUITES",
    check: checkCipherSuites,
  },
  {
    key: "tlsVersion",
    kind: textOrRange,
    help: "version of TLS, or the least and the greatest: { min, max }",
    check: checkTlsVersion,
  },
  {
    key: "tlsAuth",
    kind: objectList,
    help: "client certificates: { cert, key, password, domains } each",
    check: checkTlsAuth,
  },
  {
    key: "http2",
    kind: bool,
    env: "K6D_HTTP2",
    flag: { name: "http2" },
    help: "speak HTTP/2 with servers that do; true unless GODEBUG has http2client=0. k6 doesn't know this option",
    hiddenWhenUnset: true,
  },
  {
    key: "tlsSessionResumption",
    kind: bool,
    env: "K6D_TLS_SESSION_RESUMPTION",
    flag: { name: "tls-session-resumption" },
    help: "resume TLS sessions when connecting again, as browsers do. k6 doesn't know this option",
    hiddenWhenUnset: true,
  },
  {
    key: "throw",
    kind: bool,
    env: "K6_THROW",
    flag: { name: "throw", short: "w" },
    help: "throw on failed HTTP requests instead of warning",
    default: false,
  },
  { key: "thresholds", kind: thresholds, help: "when the test has failed: metric to expressions; see the manual" },
  {
    key: "blacklistIPs",
    kind: textList,
    env: "K6_BLACKLIST_IPS",
    flag: { name: "blacklist-ip" },
    help: "networks that must not be called, as CIDR; may be repeated",
    check: checkNetworks,
  },
  {
    key: "blockHostnames",
    kind: textList,
    env: "K6_BLOCK_HOSTNAMES",
    flag: { name: "block-hostnames" },
    help: "host names that must not be called, * at the start matches any",
    check: checkHostPatterns,
  },
  {
    key: "hosts",
    kind: textMap,
    help: 'addresses of names: { "name": "1.2.3.4", "name:port": "1.2.3.4:8080", "*.name": … }',
    env: "K6_HOSTS",
    check: checkHosts,
  },
  {
    key: "noConnectionReuse",
    kind: bool,
    env: "K6_NO_CONNECTION_REUSE",
    flag: { name: "no-connection-reuse" },
    help: "close each connection after its request",
    default: false,
  },
  {
    key: "noVUConnectionReuse",
    kind: bool,
    env: "K6_NO_VU_CONNECTION_REUSE",
    flag: { name: "no-vu-connection-reuse" },
    help: "close idle connections at the end of each iteration",
    default: false,
  },
  {
    key: "minIterationDuration",
    kind: duration,
    env: "K6_MIN_ITERATION_DURATION",
    flag: { name: "min-iteration-duration" },
    help: "shortest duration of an iteration: the rest is slept",
    default: 0,
  },
  { key: "cloud", kind: object, help: "settings of Grafana Cloud k6; kept in archives", hiddenWhenUnset: true },
  { key: "ext", kind: object, help: "settings of k6's extensions and of other services; kept in archives" },
  {
    key: "summaryTrendStats",
    kind: textList,
    env: "K6_SUMMARY_TREND_STATS",
    flag: { name: "summary-trend-stats" },
    help: "statistics of Trends in the summary",
    default: ["avg", "min", "med", "max", "p(90)", "p(95)"],
    check: trendStats,
  },
  {
    key: "summaryTimeUnit",
    kind: oneOf("", "s", "ms", "us"),
    env: "K6_SUMMARY_TIME_UNIT",
    flag: { name: "summary-time-unit" },
    help: "unit of times in the summary; each value's best one by default",
    default: "",
  },
  {
    key: "systemTags",
    kind: textList,
    env: "K6_SYSTEM_TAGS",
    flag: { name: "system-tags" },
    help: "the system tags to put on samples",
    default: [...DEFAULT_SYSTEM_TAGS].sort(),
  },
  {
    key: "tags",
    kind: tagMap,
    env: "K6_TAGS",
    flag: { name: "tag" },
    help: "name=value: a tag for all samples; may be repeated",
  },
  {
    key: "metricSamplesBufferSize",
    kind: integer,
    help: "accepted for k6's sake; k6d's buffers need no size",
    env: "K6_METRIC_SAMPLES_BUFFER_SIZE",
    default: 1000,
  },
  {
    key: "noCookiesReset",
    kind: bool,
    help: "keep a virtual user's cookies from one iteration to the next",
    env: "K6_NO_COOKIES_RESET",
    default: false,
  },
  {
    key: "discardResponseBodies",
    kind: bool,
    env: "K6_DISCARD_RESPONSE_BODIES",
    flag: { name: "discard-response-bodies" },
    help: "read response bodies but don't keep them",
    default: false,
  },
  {
    key: "consoleOutput",
    kind: text,
    env: "K6_CONSOLE_OUTPUT",
    flag: { name: "console-output" },
    help: "file for what the script's console writes",
    notInScript: true,
  },
  {
    key: "localIPs",
    kind: text,
    env: "K6_LOCAL_IPS",
    flag: { name: "local-ips" },
    help: "source addresses of the virtual users' connections",
    check: checkLocalIps,
    notInScript: true,
  },
  {
    key: "prometheusRemoteWrite",
    kind: object,
    help: "settings of the remote-write output; see the manual",
    hiddenWhenUnset: true,
  },
  { key: "remoteWrite", kind: object, help: "the same under its old name", hiddenWhenUnset: true },
];

/** Option values that one layer sets, by key; as `OptionDefinition.kind` reads them. */
export type OptionLayer = Readonly<Record<string, unknown>>;

/** What the flags of the command line set. */
export type FlagValues = OptionLayer;

function aboveZero(value: number): string | undefined {
  return value > 0 ? undefined : "must be more than 0";
}

function notNegative(value: number): string | undefined {
  return value >= 0 ? undefined : "must be 0 or more";
}

function trendStats(value: readonly string[]): string | undefined {
  const wrong = value.find((stat) => !isTrendStat(stat));
  return wrong === undefined
    ? undefined
    : `invalid trend stat ${JSON.stringify(wrong)}; use avg, min, med, max, count or p(N) with N from 0 to 100`;
}

function isTrendStat(stat: string): boolean {
  if (["avg", "min", "med", "max", "count"].includes(stat)) return true;
  const percentile = /^p\((\d+(?:\.\d*)?|\.\d+)\)$/.exec(stat);
  return percentile !== null && Number(percentile[1]) <= 100;
}
