/** Every flag of the command line as data: k6d's own and the runtime ones here, those that set options from the options' table. */

import { bool, integer, oneOf, type OptionKind, text, textList } from "../options/kinds.ts";
import { OPTIONS } from "../options/table.ts";

/** One flag. */
export interface Flag {
  /** Without the leading dashes. */
  readonly name: string;
  readonly short?: string;
  readonly env?: string;
  readonly kind: OptionKind;
  /** The value that the bare flag stands for; a flag without it needs a value. */
  readonly bare?: string;
  readonly help: string;
  readonly default?: string;
  readonly section: "Options" | "Run" | "Global";
  /** Key of the option that it sets. */
  readonly option?: string;
  /** Not there yet: a run that uses it is warned, or refused where running without it would be a different test. */
  readonly notYet?: "warn" | "refuse";
}

const switchKind = { kind: bool, bare: "true" } as const;

const RUN_FLAGS: readonly Omit<Flag, "section">[] = [
  {
    name: "out",
    short: "o",
    env: "K6_OUT",
    kind: { ...textList, placeholder: "output", fromFlag: (value) => [value] },
    help: "name or name=argument: where metrics go; may be repeated",
  },
  { name: "env", short: "e", kind: text, help: "NAME=value: a variable for __ENV; may be repeated" },
  {
    name: "workers",
    env: "K6D_WORKERS",
    kind: integer,
    default: "number of cores",
    help: "number of threads that run virtual users",
  },
  {
    name: "include-system-env-vars",
    env: "K6_INCLUDE_SYSTEM_ENV_VARS",
    ...switchKind,
    default: "true",
    help: "let the script see the system's environment in __ENV",
  },
  {
    name: "no-thresholds",
    env: "K6_NO_THRESHOLDS",
    ...switchKind,
    help: "don't evaluate thresholds",
  },
  {
    name: "summary-mode",
    env: "K6_SUMMARY_MODE",
    kind: oneOf("", "compact", "full", "disabled"),
    default: "compact",
    help: "compact, full or disabled",
  },
  {
    name: "summary-export",
    env: "K6_SUMMARY_EXPORT",
    kind: text,
    notYet: "warn",
    help: "file for the summary as JSON",
  },
  {
    name: "new-machine-readable-summary",
    env: "K6_NEW_MACHINE_READABLE_SUMMARY",
    ...switchKind,
    notYet: "warn",
    help: "use k6's new format of the summary as JSON",
  },
  {
    name: "traces-output",
    env: "K6_TRACES_OUTPUT",
    kind: text,
    default: "none",
    notYet: "warn",
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
    help: "what the file is: js, or archive (not yet)",
  },
  {
    name: "linger",
    short: "l",
    env: "K6_LINGER",
    ...switchKind,
    notYet: "warn",
    help: "stay until Ctrl-C after the test",
  },
  {
    name: "no-usage-report",
    env: "K6_NO_USAGE_REPORT",
    ...switchKind,
    help: "accepted for k6's sake; k6d never sends a report",
  },
  { name: "features", env: "K6_FEATURES", kind: textList, notYet: "warn", help: "feature flags" },
];

const GLOBAL_FLAGS: readonly Omit<Flag, "section">[] = [
  {
    name: "address",
    short: "a",
    env: "K6_ADDRESS",
    kind: text,
    notYet: "warn",
    help: "listen address of the REST API; none by default",
  },
  { name: "config", short: "c", env: "K6_CONFIG", kind: text, notYet: "refuse", help: "JSON file with options" },
  { name: "log-format", env: "K6_LOG_FORMAT", kind: text, default: "text", help: "text, json or raw" },
  {
    name: "log-output",
    env: "K6_LOG_OUTPUT",
    kind: text,
    default: "stderr",
    help: "stderr, stdout or none",
  },
  { name: "no-color", ...switchKind, help: "no colours" },
  {
    name: "profiling-enabled",
    ...switchKind,
    notYet: "warn",
    help: "profiling over the REST API",
  },
  {
    name: "secret-source",
    env: "K6_SECRET_SOURCE",
    kind: text,
    notYet: "warn",
    help: "where secrets come from; may be repeated",
  },
  { name: "quiet", short: "q", ...switchKind, help: "no banner and no progress" },
  { name: "verbose", short: "v", ...switchKind, help: "log debug messages too" },
  { name: "help", short: "h", ...switchKind, help: "show help" },
  { name: "version", ...switchKind, help: "show the version" },
];

/** All flags; every command understands all of them, as k6's global ones. */
export const FLAGS: readonly Flag[] = [
  ...OPTIONS.flatMap(({ key, kind, env, flag }): Flag[] =>
    flag === undefined ? [] : [{
      section: "Options",
      kind,
      option: key,
      ...(env === undefined ? {} : { env }),
      ...(kind === bool ? { bare: "true" } : {}),
      ...flag,
    }]
  ),
  ...RUN_FLAGS.map((flag): Flag => ({ section: "Run", ...flag })),
  ...GLOBAL_FLAGS.map((flag): Flag => ({ section: "Global", ...flag })),
];
