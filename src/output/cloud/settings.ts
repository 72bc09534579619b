/** The cloud output's settings as data: their names in every source, their defaults, what they mean. */

/** One setting; which values it takes is checked where the configuration is made (`config.ts`). */
export interface Setting {
  /** k6's name in the configuration file (`collectors.cloud`) and the service's answer, and in the script's `options.cloud`. */
  readonly key: string;
  /** The environment variable; null: there is none. */
  readonly variable: string | null;
  /** Only the environment has it: what runs k6d sets it, or it has a flag. */
  readonly environmentOnly?: true;
  /** For the documentation; empty: none. */
  readonly default: string;
  /** One line for the documentation. */
  readonly meaning: string;
  /** Messages must not show the value: it is a secret or may hold one. */
  readonly secret?: true;
}

/** All settings, in the order in which the documentation lists them. */
export const SETTINGS = [
  {
    key: "token",
    variable: "K6_CLOUD_TOKEN",
    default: "",
    meaning: "says to the service who you are; `k6d cloud login` stores it",
    secret: true,
  },
  { key: "stackID", variable: "K6_CLOUD_STACK_ID", default: "", meaning: "number of the Grafana Cloud stack" },
  {
    key: "stackURL",
    variable: "K6_CLOUD_STACK_URL",
    default: "",
    meaning: "address of the Grafana Cloud stack; `team` stands for `https://team.grafana.net`",
    secret: true,
  },
  {
    key: "projectID",
    variable: "K6_CLOUD_PROJECT_ID",
    default: "",
    meaning: "project to which the test belongs; 0 counts as not set",
  },
  {
    key: "defaultProjectID",
    variable: null,
    default: "",
    meaning: "the stack's default project, which `k6d cloud login` stores",
  },
  {
    key: "name",
    variable: "K6_CLOUD_NAME",
    default: "",
    meaning: "name of the test; the script's file name unless it is set; `-o cloud=NAME` wins",
  },
  {
    key: "host",
    variable: "K6_CLOUD_HOST",
    default: "https://ingest.k6.io",
    meaning: "where test runs are made and metrics are sent",
    secret: true,
  },
  {
    key: "hostv6",
    variable: "K6_CLOUD_HOST_V6",
    default: "https://api.k6.io",
    meaning: "where `k6d cloud` finds the rest of the service",
    secret: true,
  },
  {
    key: "webAppURL",
    variable: "K6_CLOUD_WEB_APP_URL",
    default: "https://app.k6.io",
    meaning: "where people see test runs: `/runs/<id>` is added",
    secret: true,
  },
  {
    key: "testRunDetails",
    variable: "K6_CLOUD_TEST_RUN_DETAILS",
    default: "",
    meaning: "address of the test run's page, shown instead of that",
    secret: true,
  },
  {
    key: "timeout",
    variable: "K6_CLOUD_TIMEOUT",
    default: "1m",
    meaning: "how long one request may take; a number alone is milliseconds, as in all durations",
  },
  {
    key: "noCompress",
    variable: "K6_CLOUD_NO_COMPRESS",
    default: "false",
    meaning: "send metrics uncompressed (no effect in k6)",
  },
  {
    key: "stopOnError",
    variable: "K6_CLOUD_STOP_ON_ERROR",
    default: "false",
    meaning: "abort the test, with exit code 105, when the service takes no more metrics",
  },
  {
    key: "apiVersion",
    variable: "K6_CLOUD_API_VERSION",
    default: "2",
    meaning: "version of the metrics protocol; there is no other",
  },
  {
    key: "metricsFormat",
    variable: "K6_CLOUD_METRICS_FORMAT",
    default: "",
    meaning: "`protobuf` or `json`; unless it is set, protobuf for Grafana's hosts and JSON for others (k6d's own)",
  },
  {
    key: "pushRefID",
    variable: "K6_CLOUD_PUSH_REF_ID",
    default: "",
    meaning: "a test run that exists already: metrics go there, and k6d neither makes nor finishes it",
  },
  {
    key: "aggregationPeriod",
    variable: "K6_CLOUD_AGGREGATION_PERIOD",
    default: "3s",
    meaning: "length of the windows in which samples are added up; whole seconds",
  },
  {
    key: "aggregationWaitPeriod",
    variable: "K6_CLOUD_AGGREGATION_WAIT_PERIOD",
    default: "8s",
    meaning: "how long after its beginning a window waits for late samples; whole seconds",
  },
  {
    key: "metricPushInterval",
    variable: "K6_CLOUD_METRIC_PUSH_INTERVAL",
    default: "1s",
    meaning: "time from one push of finished windows to the next",
  },
  {
    key: "metricPushConcurrency",
    variable: "K6_CLOUD_METRIC_PUSH_CONCURRENCY",
    default: "1",
    meaning: "most pushes at the same time",
  },
  {
    key: "maxTimeSeriesInBatch",
    variable: "K6_CLOUD_MAX_TIME_SERIES_IN_BATCH",
    default: "1000",
    meaning: "most time series in one push",
  },
  {
    key: "tracesEnabled",
    variable: "K6_CLOUD_TRACES_ENABLED",
    default: "true",
    meaning: "send which requests had a trace id, if a script sets any",
  },
  {
    key: "traceHost",
    variable: "K6_CLOUD_TRACES_HOST",
    default: "grpc-k6-api-prod-prod-us-east-0.grafana.net:443",
    meaning: "where these go, `host:port`; with another `host` or `hostv6` than Grafana's nowhere unless it is set",
  },
  {
    key: "tracesPushInterval",
    variable: "K6_CLOUD_TRACES_PUSH_INTERVAL",
    default: "1s",
    meaning: "time from one push of these to the next",
  },
  {
    key: "tracesPushConcurrency",
    variable: "K6_CLOUD_TRACES_PUSH_CONCURRENCY",
    default: "1",
    meaning: "most such pushes at the same time",
  },
  {
    key: "noArchiveUpload",
    variable: "K6_NO_ARCHIVE_UPLOAD",
    default: "false",
    meaning: "keep the script and its files to yourself; `--no-archive-upload`",
  },
  {
    key: "logsTailURL",
    variable: "K6_CLOUD_LOGS_TAIL_URL",
    environmentOnly: true,
    default: "wss://cloudlogs.k6.io/api/v1/tail",
    meaning:
      "where `k6d cloud run` reads the log of a test that runs in the cloud; with another `hostv6` than Grafana's nowhere unless it is set",
    secret: true,
  },
  {
    key: "showLogs",
    variable: "K6_SHOW_CLOUD_LOGS",
    environmentOnly: true,
    default: "true",
    meaning: "show that log; `--show-logs`",
  },
  {
    key: "exitOnRunning",
    variable: "K6_EXIT_ON_RUNNING",
    environmentOnly: true,
    default: "false",
    meaning: "end when the test runs in the cloud; `--exit-on-running`",
  },
  {
    key: "testRunID",
    variable: "K6_CLOUDRUN_TEST_RUN_ID",
    environmentOnly: true,
    default: "",
    meaning: "the test run that a machine of the cloud works for: k6d does not make it, but finishes it",
  },
  {
    key: "metricsPushURL",
    variable: "K6_CLOUD_METRICS_PUSH_URL",
    environmentOnly: true,
    default: "",
    meaning: "with `pushRefID`: where metrics go, with `testRunToken`",
    secret: true,
  },
  {
    key: "testRunToken",
    variable: "K6_CLOUD_TEST_RUN_TOKEN",
    environmentOnly: true,
    default: "",
    meaning: "with `pushRefID`: a token for that test run alone",
    secret: true,
  },
  {
    key: "logsPushURL",
    variable: "K6_CLOUD_LOGS_PUSH_URL",
    environmentOnly: true,
    default: "",
    meaning: "with `testRunToken`: where the test's log goes",
    secret: true,
  },
  {
    key: "logsLevel",
    variable: "K6_CLOUD_LOGS_LEVEL",
    environmentOnly: true,
    default: "",
    meaning: "least level of the lines that go there",
  },
  {
    key: "logsLimit",
    variable: "K6_CLOUD_LOGS_LIMIT",
    environmentOnly: true,
    default: "100",
    meaning: "most lines that go there in a period; others are dropped and counted",
  },
  {
    key: "logsPushPeriod",
    variable: "K6_CLOUD_LOGS_PUSH_PERIOD",
    environmentOnly: true,
    default: "1s",
    meaning: "that period",
  },
  {
    key: "logsMessageMaxSize",
    variable: "K6_CLOUD_LOGS_MESSAGE_MAX_SIZE",
    environmentOnly: true,
    default: "1048576",
    meaning: "most bytes of a line; of longer ones the middle is left out",
  },
  {
    key: "logsAllowedLabels",
    variable: "K6_CLOUD_LOGS_ALLOWED_LABELS",
    environmentOnly: true,
    default: "",
    meaning: "fields of a line that become labels, `a,b`; others become part of its text; all unless it is set",
  },
  {
    key: "secretsToken",
    variable: "K6_CLOUD_SECRETS_TOKEN",
    environmentOnly: true,
    default: "",
    meaning: "token for the service's secrets",
    secret: true,
  },
  {
    key: "secretsEndpoint",
    variable: "K6_CLOUD_SECRETS_ENDPOINT",
    environmentOnly: true,
    default: "",
    meaning: "where secrets are read, with `{key}` for a secret's name",
    secret: true,
  },
  {
    key: "secretsResponsePath",
    variable: "K6_CLOUD_SECRETS_RESPONSE_PATH",
    environmentOnly: true,
    default: "plaintext",
    meaning: "where a secret stands in the answer",
  },
] as const satisfies readonly Setting[];

/** The key of a setting. */
export type SettingKey = typeof SETTINGS[number]["key"];

/** A setting with its key's own type. */
export type KnownSetting = Setting & { readonly key: SettingKey };

/** The setting that JSON has under that name, which may be written in any case, as in k6. */
export function findJsonSetting(name: string): KnownSetting | undefined {
  return byLowerCase.get(name.toLowerCase());
}

const all: readonly KnownSetting[] = SETTINGS;
const byLowerCase: ReadonlyMap<string, KnownSetting> = new Map(
  all.filter(({ environmentOnly }) => !environmentOnly).map((setting) => [setting.key.toLowerCase(), setting]),
);
