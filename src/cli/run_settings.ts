/** The settings of a run, from flags, variables and the configuration file. */

import { type Feature, FEATURES } from "../options/features.ts";
import { didYouMean } from "../options/suggest.ts";
import { type FlagValues, OPTIONS } from "../options/table.ts";
import type { RunSettings } from "../options/types.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { ConfigFile } from "./config_file.ts";
import { type Flag, FLAGS } from "./flags.ts";
import { readSecretSources, withCloudSource } from "./secret_sources.ts";
import { SettingReader } from "./setting_reader.ts";
import { wantsColor } from "./terminal.ts";

/** All that `k6d run` was told, checked. */
export interface RunPlan {
  readonly settings: RunSettings;
  /** The options that flags set. */
  readonly flags: FlagValues;
  /** A line for each thing asked for that isn't there yet. */
  readonly warnings: readonly string[];
  /** Mistakes that don't keep the test from running. */
  readonly errors: readonly string[];
}

/** Reads the settings of a run, or of another command that takes a script. Throws a `UsageError`. */
export function planRun(
  commandLine: CommandLine,
  env: Readonly<Record<string, string>>,
  config: ConfigFile,
  cores: number = navigator.hardwareConcurrency,
): RunPlan {
  const script = scriptArgument(commandLine);
  const read = new SettingReader(commandLine, env, config.settings);
  const noColor = read.isOn("no-color");
  const features = readFeatures(read, env);
  const launch = readLaunch(commandLine, read);
  const outputs = launch.isLocalExecution ? ["cloud"] : read.all("out").flat() as string[];
  const secretSources = readSecretSources(read.all("secret-source") as string[]);
  checkTracesOutput(read);
  return {
    settings: {
      script,
      type: read.text("type") as RunSettings["type"],
      outputs,
      collectors: config.collectors,
      workers: readWorkers(read, cores),
      maxSeries: readMaxSeries(read),
      systemEnv: readSystemEnv(read, env, { byDefault: commandLine.positionals[0] === "run" }),
      givenEnv: readGivenEnv(read),
      apm: read.isOn("apm"),
      launch,
      noThresholds: read.isOn("no-thresholds"),
      noArchiveUpload: read.last("no-archive-upload") as boolean | undefined,
      features: features.known,
      secretSources: launch.readsSecrets && outputs.some(isCloud) ? withCloudSource(secretSources) : secretSources,
      summaryMode: readSummaryMode(read),
      summaryExport: read.text("summary-export"),
      newMachineReadableSummary: read.isOn("new-machine-readable-summary"),
      address: read.text("address"),
      needsAddress: read.hasFlag("address"),
      linger: read.isOn("linger"),
      quiet: read.isOn("quiet"),
      verbose: read.isOn("verbose"),
      color: wantsColor({ isTerminal: Deno.stdout.isTerminal(), noColor, env }),
    },
    flags: readOptionFlags(commandLine),
    warnings: [...compatibilityWarnings(read), ...notYetWarnings(read)],
    errors: features.errors,
  };
}

/** The one argument of a command that takes a script. Throws a `UsageError`. */
function scriptArgument({ positionals: [command, script, ...more] }: CommandLine): string {
  if (script === undefined || script === "") {
    throw new UsageError(
      `k6d ${command} needs a script: k6d ${command} script.js, or - to read it from standard input`,
    );
  }
  if (more.length > 0) {
    throw new UsageError(`k6d ${command} takes one script, got ${more.length + 1}: ${[script, ...more].join(" ")}`);
  }
  return script;
}

/** The options that flags set, by key. */
function readOptionFlags(commandLine: CommandLine): FlagValues {
  const values: Record<string, unknown> = {};
  for (const { key, kind, flag } of OPTIONS) {
    const given = flag === undefined ? undefined : commandLine.flags.get(flag.name);
    if (given === undefined) continue;
    const { merge } = kind;
    values[key] = merge === undefined ? given.at(-1) : given.reduce((earlier, later) => merge(earlier, later));
  }
  return values;
}

/** The system's variables, if the script may see them. */
function readSystemEnv(
  read: SettingReader,
  env: Readonly<Record<string, string>>,
  { byDefault }: { readonly byDefault: boolean },
): Readonly<Record<string, string>> {
  return read.last("include-system-env-vars") ?? byDefault ? env : {};
}

/** The variables of `-e`. Throws a `UsageError`. */
function readGivenEnv(read: SettingReader): Record<string, string> {
  const given: Record<string, string> = {};
  for (const pair of read.all("env") as string[]) {
    const [, name, value = ""] = /^([^=]*)(?:=(.*))?$/s.exec(pair)!;
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name!)) {
      throw new UsageError(
        `invalid environment variable name ${
          JSON.stringify(name)
        } in --env ${pair}: use letters, digits and _, not starting with a digit`,
      );
    }
    given[name!] = value;
  }
  return given;
}

function readSummaryMode(read: SettingReader): RunSettings["summaryMode"] {
  if (read.isOn("no-summary")) return "disabled";
  return (read.text("summary-mode") || "compact") as RunSettings["summaryMode"];
}

function readWorkers(read: SettingReader, cores: number): number {
  const workers = read.last("workers") as number | undefined ?? cores;
  if (workers < 1) throw new UsageError(`the number of workers must be at least 1, got ${workers}`);
  return workers;
}

function readMaxSeries(read: SettingReader): number {
  const maxSeries = read.last("max-series") as number | undefined ?? 0;
  if (maxSeries < 0) throw new UsageError(`--max-series (K6D_MAX_SERIES) must be 0 or more, got ${maxSeries}`);
  return maxSeries;
}

function readLaunch({ positionals: [command] }: CommandLine, read: SettingReader): RunSettings["launch"] {
  return {
    isLocalExecution: command === "cloud run" && read.isOn("local-execution"),
    pushesLogs: !read.isOn("no-cloud-logs"),
    readsSecrets: !read.isOn("no-cloud-secrets"),
  };
}

/** Whether an output makes, or joins, a test run of a cloud. */
function isCloud(output: string): boolean {
  return /^cloud(=|$)/.test(output);
}

function checkTracesOutput(read: SettingReader): void {
  const output = read.text("traces-output") || "none";
  if (output === "none" || /^otel(=|$)/.test(output)) return;
  throw new UsageError(`unsupported traces output ${JSON.stringify(output)}; use none or otel=url`);
}

/** The feature flags; one that nobody knows doesn't keep the test from running. */
function readFeatures(read: SettingReader, env: Readonly<Record<string, string>>) {
  const given = read.all("features").flat() as string[];
  const asksFor = ({ name, legacyVariable }: Feature) =>
    given.includes(name) ||
    (legacyVariable !== undefined && !read.hasFlag("features") && TRUE.includes(env[legacyVariable] ?? ""));
  const names = FEATURES.map(({ name }) => name);
  return {
    known: FEATURES.filter(asksFor).map(({ name }) => name),
    errors: given.filter((name) => name !== "" && !names.includes(name))
      .map((name) => `unknown feature ${JSON.stringify(name)}, see k6d features${didYouMean(name, names)}`),
  };
}

/** What Go takes for true. */
const TRUE: readonly string[] = ["1", "t", "T", "TRUE", "true", "True"];

function compatibilityWarnings(read: SettingReader): string[] {
  if (read.last("compatibility-mode") !== "experimental_enhanced") return [];
  return ["the compatibility mode experimental_enhanced is now called extended, which is the default"];
}

function notYetWarnings(read: SettingReader): string[] {
  const flags = [...FLAGS.runtime, ...FLAGS.run, ...FLAGS.global].filter(({ notYet }) => notYet !== undefined);
  return read.given(flags).map((flag) => `${describe(flag)} is not supported by k6d yet and has no effect`);
}

function describe({ name, env, noFlag }: Flag): string {
  return noFlag === undefined ? `flag --${name}` : `variable ${env}`;
}
