/** Every flag of the command line as data: k6d's own and the runtime ones here, those that set options from the options' table. */

import { bool, integer, oneOf, type OptionKind, text, textList } from "../options/kinds.ts";
import { OPTIONS } from "../options/table.ts";

/** One flag. */
export interface Flag {
  /** Without the leading dashes. */
  readonly name: string;
  readonly short?: string;
  readonly env?: string;
  /** Key in the configuration file; an option's is its own key. */
  readonly config?: string;
  readonly kind: OptionKind;
  /** What is wrong with a value of the right kind, if anything. */
  readonly check?: (value: never) => string | undefined;
  /** The value that the bare flag stands for; a flag without it needs a value. */
  readonly bare?: string;
  readonly help: string;
  readonly default?: string;
  /** Key of the option that it sets. */
  readonly option?: string;
  /** Exists as variable and in the configuration file only. */
  readonly noFlag?: true;
  /** Not there yet: a run that uses it is warned. */
  readonly notYet?: true;
}

/** Flags that belong together; a command takes some groups whole. */
export type FlagGroup =
  | "options"
  | "runtime"
  | "run"
  | "localExecution"
  | "archive"
  | "inspect"
  | "json"
  | "new"
  | "completion"
  | "scale"
  | "login"
  | "projectId"
  | "cloudRun"
  | "global";

const switchKind = { kind: bool, bare: "true" } as const;

const OPTION_FLAGS: readonly Flag[] = OPTIONS.flatMap(({ key, kind, help, env, flag, check }): Flag[] =>
  flag === undefined ? [] : [{
    kind,
    help,
    option: key,
    ...(env === undefined ? {} : { env }),
    ...(check === undefined ? {} : { check }),
    ...(kind === bool ? { bare: "true" } : {}),
    ...flag,
  }]
);

const RUNTIME_FLAGS: readonly Flag[] = [
  { name: "env", short: "e", kind: text, help: "NAME=value: a variable for __ENV; may be repeated" },
  {
    name: "include-system-env-vars",
    env: "K6_INCLUDE_SYSTEM_ENV_VARS",
    ...switchKind,
    default: "true for run, false for other commands",
    help: "let the script see the system's environment in __ENV",
  },
  {
    name: "no-thresholds",
    env: "K6_NO_THRESHOLDS",
    ...switchKind,
    help: "neither check nor evaluate thresholds",
  },
  {
    name: "summary-mode",
    env: "K6_SUMMARY_MODE",
    kind: oneOf("", "compact", "full", "disabled"),
    default: "compact",
    help: "compact, full or disabled",
  },
  {
    name: "no-summary",
    env: "K6_NO_SUMMARY",
    ...switchKind,
    help: "the same as --summary-mode disabled, as in older versions of k6",
  },
  {
    name: "summary-export",
    env: "K6_SUMMARY_EXPORT",
    kind: text,
    help: "file for the summary as JSON",
  },
  {
    name: "new-machine-readable-summary",
    env: "K6_NEW_MACHINE_READABLE_SUMMARY",
    ...switchKind,
    help: "use k6's new format of the summary as JSON",
  },
  {
    name: "traces-output",
    env: "K6_TRACES_OUTPUT",
    kind: text,
    default: "none",
    notYet: true,
    help: "where traces go",
  },
  {
    name: "compatibility-mode",
    env: "K6_COMPATIBILITY_MODE",
    kind: { ...oneOf("extended", "base", "experimental_enhanced"), placeholder: "string" },
    default: "extended",
    help: "accepted for k6's sake; all modes behave as extended",
  },
  {
    name: "type",
    short: "t",
    env: "K6_TYPE",
    kind: oneOf("", "js", "archive"),
    help: "what the file is, if its content doesn't tell",
  },
];

const RUN_FLAGS: readonly Flag[] = [
  {
    name: "out",
    short: "o",
    env: "K6_OUT",
    config: "out",
    kind: { ...textList, placeholder: "output", fromFlag: (value) => [value] },
    help: "name or name=argument: where metrics go; may be repeated",
  },
  {
    name: "apm",
    env: "K6_CLOUD_APM_LOCAL",
    ...switchKind,
    help: "send metrics to the receivers of the script's option cloud.apm",
  },
  {
    name: "workers",
    env: "K6D_WORKERS",
    kind: integer,
    default: "number of cores",
    help: "number of threads that run virtual users",
  },
  {
    name: "max-series",
    env: "K6D_MAX_SERIES",
    kind: integer,
    default: "0: no limit",
    help: "number of time series from which on new ones are folded into one for each metric",
  },
  {
    name: "linger",
    short: "l",
    env: "K6_LINGER",
    config: "linger",
    ...switchKind,
    help: "stay until Ctrl-C after the test",
  },
  {
    name: "no-usage-report",
    env: "K6_NO_USAGE_REPORT",
    config: "noUsageReport",
    ...switchKind,
    help: "accepted for k6's sake; k6d never sends a report",
  },
  {
    name: "features",
    env: "K6_FEATURES",
    config: "features",
    kind: textList,
    help: "feature flags, see `k6d features`; replaces those of the variable and of the configuration file",
  },
  {
    name: "web-dashboard",
    noFlag: true,
    env: "K6_WEB_DASHBOARD",
    config: "webDashboard",
    ...switchKind,
    notYet: true,
    help: "show the test in a web page",
  },
  {
    name: "no-archive-upload",
    env: "K6_NO_ARCHIVE_UPLOAD",
    config: "noArchiveUpload",
    ...switchKind,
    help: "keep the script and its files out of the cloud",
  },
];

/** Of `cloud run`, where the test is executed here instead of in the cloud. */
const LOCAL_EXECUTION_FLAGS: readonly Flag[] = [
  { name: "local-execution", ...switchKind, help: "run the test here, with its results in the cloud" },
  {
    name: "no-cloud-secrets",
    ...switchKind,
    help: "with --local-execution: k6/secrets does not read the cloud's secrets",
  },
  { name: "no-cloud-logs", ...switchKind, help: "with --local-execution: the cloud does not get the test's log" },
  ...RUN_FLAGS.filter(({ name }) => name === "no-archive-upload"),
];

const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "address",
    short: "a",
    env: "K6_ADDRESS",
    kind: text,
    help: "host:port of the REST API; none by default",
  },
  {
    name: "config",
    short: "c",
    env: "K6_CONFIG",
    kind: text,
    default: "k6/config.json in the user's configuration folder",
    help: "JSON file with options",
  },
  { name: "log-format", env: "K6_LOG_FORMAT", kind: text, default: "text", help: "text, json or raw" },
  {
    name: "log-output",
    env: "K6_LOG_OUTPUT",
    kind: text,
    default: "stderr",
    help: "stderr, stdout, none, file=path[,level=…] or loki[=url,…]",
  },
  { name: "no-color", ...switchKind, help: "no colours, as with NO_COLOR or K6_NO_COLOR" },
  {
    name: "profiling-enabled",
    env: "K6_PROFILING_ENABLED",
    // Any value switches it on in k6.
    kind: { ...bool, fromText: () => true, fromFlag: (value) => bool.fromText!(value) },
    bare: "true",
    notYet: true,
    help: "profiling over the REST API",
  },
  {
    name: "secret-source",
    env: "K6_SECRET_SOURCE",
    kind: text,
    help: "file=path or mock=key=value,…: what k6/secrets gives; may be repeated",
  },
  { name: "quiet", short: "q", ...switchKind, help: "no banner and no progress" },
  { name: "verbose", short: "v", ...switchKind, help: "log debug messages too" },
  { name: "help", short: "h", ...switchKind, help: "show help" },
  { name: "version", ...switchKind, help: "show the version" },
];

const SCALE_FLAGS: readonly Flag[] = [
  ...OPTION_FLAGS.filter(({ name }) => name === "vus"),
  { name: "max", short: "m", kind: integer, help: "the most virtual users that may be asked for" },
];

const PROJECT_ID: Flag = { name: "project-id", kind: text, help: "number of a project of Grafana Cloud k6" };

/** All flags by their group. */
export const FLAGS: Readonly<Record<FlagGroup, readonly Flag[]>> = {
  options: OPTION_FLAGS,
  runtime: RUNTIME_FLAGS,
  run: RUN_FLAGS,
  localExecution: LOCAL_EXECUTION_FLAGS,
  archive: [
    {
      name: "archive-out",
      short: "O",
      kind: text,
      default: "archive.tar",
      help: "file for the archive; - is standard output",
    },
    { name: "exclude-env-vars", ...switchKind, help: "leave the variables of -e out of the archive" },
  ],
  inspect: [
    {
      name: "execution-requirements",
      ...switchKind,
      help: "merge the options of all layers, and add totalDuration and maxVUs",
    },
  ],
  json: [{ name: "json", ...switchKind, help: "print JSON" }],
  new: [
    { name: "force", short: "f", ...switchKind, help: "overwrite the file if there is one" },
    {
      name: "template",
      kind: text,
      default: "minimal",
      help: "minimal, protocol, browser, or the path of a script to start from",
    },
    PROJECT_ID,
  ],
  completion: [{ name: "no-descriptions", ...switchKind, help: "accepted for k6's sake" }],
  scale: SCALE_FLAGS,
  login: [
    { name: "token", short: "t", kind: text, help: "token of the cloud; asked for without it" },
    { name: "stack", kind: text, help: "name or address of the Grafana Cloud stack; asked for without it" },
    { name: "show", short: "s", ...switchKind, help: "show what is stored, the token masked" },
    { name: "reset", short: "r", ...switchKind, help: "forget what is stored" },
  ],
  projectId: [PROJECT_ID],
  cloudRun: [
    {
      name: "exit-on-running",
      env: "K6_EXIT_ON_RUNNING",
      ...switchKind,
      help: "end k6d as soon as the test runs in the cloud",
    },
    {
      name: "show-logs",
      env: "K6_SHOW_CLOUD_LOGS",
      ...switchKind,
      default: "true",
      help: "show the log of the test that runs in the cloud",
    },
    ...RUN_FLAGS.filter(({ name }) => ["linger", "no-usage-report", "features"].includes(name)),
  ],
  global: GLOBAL_FLAGS,
};

/** All flags, each once. */
export const ALL_FLAGS: readonly Flag[] = [...new Set(Object.values(FLAGS).flat())];
