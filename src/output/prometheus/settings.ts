/** The remote-write output's settings as data: their names in every source, their defaults, what they mean. */

/** One setting; which values it takes is checked where the configuration is made (`config.ts`). */
export interface Setting {
  /** In the configuration file (`collectors`), the script's block and after `-o name=`: k6's where k6 has it. */
  readonly key: string;
  /** Environment variables, k6's own family; where several are set the last counts. */
  readonly variables: readonly string[];
  /** Variables of the old extension, xk6-output-prometheus-remote up to 0.0.7; the last counts. */
  readonly legacyVariables: readonly string[];
  /** Other spellings of the key. */
  readonly aliases?: readonly string[];
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
    key: "url",
    variables: ["K6_PROMETHEUS_RW_SERVER_URL"],
    legacyVariables: ["K6_PROMETHEUS_REMOTE_URL"],
    default: "http://localhost:9090/api/v1/write",
    meaning:
      "where to write; used as it is given, with its query; user and password in it count as `username`, `password`",
    secret: true,
  },
  {
    key: "headers",
    variables: ["K6_PROMETHEUS_RW_HTTP_HEADERS"],
    legacyVariables: ["K6_PROMETHEUS_HEADERS"],
    default: "",
    meaning:
      "headers of every request: an object in JSON; `Name:value,Name2:value2` in a variable; `headers.<Name>=value` after `-o name=`",
    secret: true,
  },
  {
    key: "pushInterval",
    variables: ["K6_PROMETHEUS_RW_PUSH_INTERVAL"],
    legacyVariables: ["K6_PROMETHEUS_FLUSH_PERIOD", "K6_PROMETHEUS_PUSH_INTERVAL"],
    aliases: ["batchInterval", "batchIntervals"],
    default: "5s",
    meaning: "time from one flush to the next; a number alone is milliseconds",
  },
  {
    key: "batchSize",
    variables: ["K6_PROMETHEUS_RW_BATCH_SIZE"],
    legacyVariables: [],
    default: "1000",
    meaning: "most time series in one request",
  },
  {
    key: "timeout",
    variables: ["K6_PROMETHEUS_RW_TIMEOUT"],
    legacyVariables: [],
    default: "15s",
    meaning: "how long one request may take (k6: `5s`); a number alone is milliseconds",
  },
  {
    key: "protocolVersion",
    variables: ["K6_PROMETHEUS_RW_PROTOCOL_VERSION"],
    legacyVariables: [],
    default: "1.0",
    meaning: "`1.0` or `2.0` of remote write",
  },
  {
    key: "trendStats",
    variables: ["K6_PROMETHEUS_RW_TREND_STATS"],
    legacyVariables: ["K6_PROMETHEUS_TREND_STATS"],
    default: "p(99)",
    meaning: "a gauge for each statistic of a Trend: `avg`, `min`, `med`, `max`, `count`, `sum`, `p(x)`",
  },
  {
    key: "trendAsNativeHistogram",
    variables: ["K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM"],
    legacyVariables: ["K6_PROMETHEUS_TREND_AS_NATIVE_HISTOGRAM"],
    default: "false",
    meaning: "send Trends as native histograms, as the feature flag `native-histograms` does",
  },
  {
    key: "trendHistogramBuckets",
    variables: ["K6_PROMETHEUS_RW_TREND_HISTOGRAM_BUCKETS"],
    legacyVariables: [],
    default: "",
    meaning: "send Trends as classic histograms with these ascending upper bounds, in seconds for times: `0.1,0.5,1`",
  },
  {
    key: "rateAsCounters",
    variables: ["K6_PROMETHEUS_RW_RATE_AS_COUNTERS"],
    legacyVariables: [],
    default: "false",
    meaning: "send a Rate as two counters, `k6_<name>_total` and `k6_<name>_success_total`, besides its `_rate`",
  },
  {
    key: "staleMarkers",
    variables: ["K6_PROMETHEUS_RW_STALE_MARKERS"],
    legacyVariables: [],
    default: "true",
    meaning: "mark the series as ended when the test ends (k6's default is false)",
  },
  {
    key: "metadata",
    variables: ["K6_PROMETHEUS_RW_METADATA"],
    legacyVariables: [],
    default: "true",
    meaning: "send type, unit and help of every metric",
  },
  {
    key: "exemplars",
    variables: ["K6_PROMETHEUS_RW_EXEMPLARS"],
    legacyVariables: [],
    default: "true",
    meaning: "attach the trace id of a sample that has one as an exemplar",
  },
  {
    key: "instance",
    variables: ["K6_PROMETHEUS_RW_INSTANCE"],
    legacyVariables: [],
    default: "",
    meaning: "value of a label `instance` on every series, for several k6d that run one test",
  },
  {
    key: "dropTags",
    variables: ["K6_PROMETHEUS_RW_DROP_TAGS"],
    legacyVariables: [],
    default: "",
    meaning: "tags that make no labels: `url,name`, or `*` for all; what they told apart is added up",
  },
  {
    key: "username",
    variables: ["K6_PROMETHEUS_RW_USERNAME"],
    legacyVariables: ["K6_PROMETHEUS_USER", "K6_PROMETHEUS_USERNAME"],
    default: "",
    meaning: "basic authentication",
    secret: true,
  },
  {
    key: "password",
    variables: ["K6_PROMETHEUS_RW_PASSWORD"],
    legacyVariables: ["K6_PROMETHEUS_PASSWORD"],
    default: "",
    meaning: "basic authentication",
    secret: true,
  },
  {
    key: "bearerToken",
    variables: ["K6_PROMETHEUS_RW_BEARER_TOKEN"],
    legacyVariables: [],
    default: "",
    meaning: "bearer token; wins over basic authentication",
    secret: true,
  },
  {
    key: "sigV4Region",
    variables: ["K6_PROMETHEUS_RW_SIGV4_REGION"],
    legacyVariables: [],
    default: "",
    meaning: "signs requests for AWS (service `aps`), together with the next two; wins over all other authentication",
    secret: true,
  },
  {
    key: "sigV4AccessKey",
    variables: ["K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY"],
    legacyVariables: [],
    default: "",
    meaning: "access key id for AWS",
    secret: true,
  },
  {
    key: "sigV4SecretKey",
    variables: ["K6_PROMETHEUS_RW_SIGV4_SECRET_KEY"],
    legacyVariables: [],
    default: "",
    meaning: "secret access key for AWS",
    secret: true,
  },
  {
    key: "insecureSkipTLSVerify",
    variables: ["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY"],
    legacyVariables: ["K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY"],
    default: "false",
    meaning: "accept any certificate (default true for the name `output-prometheus-remote`)",
  },
  {
    key: "tlsMinVersion",
    // The documentation has the first, k6's code the second.
    variables: ["K6_PROMETHEUS_RW_TLS_MIN_VERSION", "K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION"],
    legacyVariables: [],
    default: "1.3",
    meaning: "least version of TLS; only `1.2` lowers it",
  },
  {
    key: "caCertificate",
    variables: ["K6_PROMETHEUS_RW_CA_CERTIFICATE"],
    legacyVariables: ["K6_CA_CERT_FILE"],
    default: "",
    meaning: "PEM file of the authorities to trust, instead of the system's",
  },
  {
    key: "clientCertificate",
    variables: ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE"],
    legacyVariables: [],
    default: "",
    meaning: "PEM file of the certificate that tells who k6d is (mutual TLS)",
  },
  {
    key: "clientCertificateKey",
    variables: ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY"],
    legacyVariables: [],
    default: "",
    meaning: "PEM file of that certificate's private key",
  },
] as const satisfies readonly Setting[];

/** The key of a setting. */
export type SettingKey = typeof SETTINGS[number]["key"];

/** The setting that a key or another spelling of one names. */
export function findSetting(name: string): (Setting & { readonly key: SettingKey }) | undefined {
  const settings: readonly (Setting & { readonly key: SettingKey })[] = SETTINGS;
  return settings.find(({ key, aliases }) => key === name || aliases?.includes(name));
}
