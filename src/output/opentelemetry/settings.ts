/** The OpenTelemetry output's settings as data: their names in every source, their defaults, what they mean. */

/** One setting; which values it takes is checked where the configuration is made (`config.ts`). */
export interface Setting {
  /** In the configuration file (`collectors.opentelemetry`) and after `-o opentelemetry=`. */
  readonly key: string;
  /** k6's environment variable, which counts more than the configuration file. */
  readonly variable: string;
  /** OpenTelemetry's own variables, which count less than the configuration file; where several are set the last counts. */
  readonly fallbackVariables?: readonly string[];
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
    key: "exporterProtocol",
    variable: "K6_OTEL_EXPORTER_PROTOCOL",
    default: "grpc",
    meaning: "`grpc` or `http/protobuf`",
  },
  {
    key: "grpcExporterEndpoint",
    variable: "K6_OTEL_GRPC_EXPORTER_ENDPOINT",
    default: "localhost:4317",
    meaning: "the collector's host and port, without `http://`",
    secret: true,
  },
  {
    key: "grpcExporterInsecure",
    variable: "K6_OTEL_GRPC_EXPORTER_INSECURE",
    default: "false",
    meaning: "connect without TLS",
  },
  {
    key: "httpExporterEndpoint",
    variable: "K6_OTEL_HTTP_EXPORTER_ENDPOINT",
    default: "localhost:4318",
    meaning: "the same for `http/protobuf`; the port may be left out",
    secret: true,
  },
  {
    key: "httpExporterInsecure",
    variable: "K6_OTEL_HTTP_EXPORTER_INSECURE",
    default: "false",
    meaning: "`http:` instead of `https:`",
  },
  {
    key: "httpExporterURLPath",
    variable: "K6_OTEL_HTTP_EXPORTER_URL_PATH",
    default: "/v1/metrics",
    meaning: "path of the URL",
  },
  {
    key: "httpExporterUsername",
    variable: "K6_OTEL_HTTP_EXPORTER_USERNAME",
    aliases: ["username"],
    default: "",
    meaning: "basic authentication",
    secret: true,
  },
  {
    key: "httpExporterPassword",
    variable: "K6_OTEL_HTTP_EXPORTER_PASSWORD",
    aliases: ["password"],
    default: "",
    meaning: "its password",
    secret: true,
  },
  {
    key: "headers",
    variable: "K6_OTEL_HEADERS",
    fallbackVariables: ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"],
    default: "",
    meaning: "headers (gRPC metadata) of every request: `name=value,name2=value2`, values percent-encoded",
    secret: true,
  },
  {
    key: "tlsInsecureSkipVerify",
    variable: "K6_OTEL_TLS_INSECURE_SKIP_VERIFY",
    default: "false",
    meaning: "accept any certificate",
  },
  {
    key: "tlsCertificate",
    variable: "K6_OTEL_TLS_CERTIFICATE",
    default: "",
    meaning: "PEM file with the authorities to trust instead of the system's",
  },
  {
    key: "tlsClientCertificate",
    variable: "K6_OTEL_TLS_CLIENT_CERTIFICATE",
    default: "",
    meaning: "PEM file with the certificate that k6d shows",
  },
  {
    key: "tlsClientKey",
    variable: "K6_OTEL_TLS_CLIENT_KEY",
    default: "",
    meaning: "PEM file with its key",
  },
  {
    key: "serviceName",
    variable: "K6_OTEL_SERVICE_NAME",
    fallbackVariables: ["OTEL_SERVICE_NAME"],
    default: "k6",
    meaning: "resource attribute `service.name`",
  },
  {
    key: "serviceVersion",
    variable: "K6_OTEL_SERVICE_VERSION",
    default: "",
    meaning: "resource attribute `service.version`; k6d's version unless set",
  },
  {
    key: "resourceAttributes",
    variable: "K6_OTEL_RESOURCE_ATTRIBUTES",
    fallbackVariables: ["OTEL_RESOURCE_ATTRIBUTES"],
    default: "",
    meaning: "more resource attributes: `key=value,key2=value2`, values percent-encoded",
  },
  {
    key: "metricPrefix",
    variable: "K6_OTEL_METRIC_PREFIX",
    default: "",
    meaning: "begins the name of every metric",
  },
  {
    key: "exportInterval",
    variable: "K6_OTEL_EXPORT_INTERVAL",
    default: "10s",
    meaning: "time from one export to the next; a number alone is milliseconds",
  },
  {
    key: "flushInterval",
    variable: "K6_OTEL_FLUSH_INTERVAL",
    default: "1s",
    meaning: "accepted, without effect: samples are added up as they come",
  },
  {
    key: "timeout",
    variable: "K6_OTEL_TIMEOUT",
    fallbackVariables: ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"],
    default: "10s",
    meaning: "how long one request may take, and the last export (25 s at most); a number alone is milliseconds",
  },
  {
    key: "compression",
    variable: "K6_OTEL_COMPRESSION",
    fallbackVariables: ["OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION"],
    default: "none",
    meaning: "`gzip` or `none`",
  },
] as const satisfies readonly Setting[];

/** The key of a setting. */
export type SettingKey = typeof SETTINGS[number]["key"];

/** Settings that k6 once had, by key and variable, and what is to be done instead. */
export const REMOVED_SETTINGS: readonly { readonly key: string; readonly variable: string; readonly advice: string }[] =
  [
    { key: "exporterType", variable: "K6_OTEL_EXPORTER_TYPE", advice: "use exporterProtocol" },
    {
      key: "singleCounterForRate",
      variable: "K6_OTEL_SINGLE_COUNTER_FOR_RATE",
      advice: "a Rate is always one counter with the attribute condition",
    },
  ];
