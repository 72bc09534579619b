/**
 * Layers of options → the options of a run: configuration file < script < environment < flags, shortcuts derived,
 * everything checked.
 */

import { readExecutionSegment, WHOLE_TEST } from "./execution_segment.ts";
import { duration, isObject, isUnset, isUnsetFor, KindError, type ThresholdJson } from "./kinds.ts";
import { featureTags } from "./features.ts";
import { OptionsError } from "./options_error.ts";
import { deriveScenarios, readScenarios } from "./scenarios.ts";
import { suggest } from "./suggest.ts";
import { type FlagValues, type OptionDefinition, type OptionLayer, OPTIONS } from "./table.ts";
import { readTls, tlsWarnings } from "./tls.ts";
import type { DnsOptions, ExecutionSegment, Options, ThresholdOption } from "./types.ts";

/** Where options come from, lowest precedence first. */
export interface OptionLayers {
  /** The options of the configuration file, if there is one. */
  readonly config?: unknown;
  /** The value of `export const options`, or undefined without one. */
  readonly script: unknown;
  /** The environment of the process; the `K6_…` variables in it count. */
  readonly env: Readonly<Record<string, string>>;
  readonly flags: FlagValues;
  /** The feature flags that are on. */
  readonly features?: readonly string[];
  /** Names of the functions that the script exports. */
  readonly exportedFunctions: readonly string[];
  /** Set when the options are only shown or stored: then what k6d can't obey yet is no mistake. */
  readonly notForRun?: true;
}

/** Options ready to run, and what the user should be warned about, a line each. */
export interface ConsolidatedOptions {
  readonly options: Options;
  /** The merged options before shortcuts are derived, in k6's JSON: what an archive holds. */
  readonly merged: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

/**
 * The options of one object, a script's or an archive's, checked and in k6's JSON, unset ones null. Throws an
 * `OptionsError` that names every mistake.
 */
export function readExportedOptions(exported: unknown): Record<string, unknown> {
  const errors: string[] = [];
  const layer = readObject(exported, IN_SCRIPT, errors, []);
  throwIfAny(errors);
  return layerToJson(layer);
}

/**
 * Merges all layers as k6 does: field by field, except that a layer with any of `duration`, `iterations`, `stages` or
 * `scenarios` drops all of these from the layers below. Throws one `OptionsError` that names every mistake.
 */
export function consolidate(layers: OptionLayers): ConsolidatedOptions {
  const errors: string[] = [];
  const warnings: string[] = [];
  const config = readObject(layers.config, IN_CONFIG, errors, warnings);
  const script = readObject(layers.script, IN_SCRIPT, errors, warnings);
  const env = readEnvironment(layers.env, errors);
  throwIfAny(errors);

  const { features = [] } = layers;
  const named = [["config", config], ["script", script], ["env", env], ["cli", layers.flags]] as const;
  const merged = { ...merge(named, warnings), ...mergedTags(named.map(([, layer]) => layer), features) };
  checkValues(merged, errors);
  const given = deriveScenarios(merged, errors, warnings);
  const segment = readSegment(merged, errors);
  const scenarios = readScenarios(given, layers.exportedFunctions, errors);
  if (layers.notForRun === undefined) warnings.push(...tlsWarnings(merged, layers.env));
  throwIfAny(errors);

  const value = <T>(key: string) => (merged[key] ?? DEFAULTS[key]) as T;
  const options: Options = {
    freezeEnv: features.includes("freeze-env"),
    scenarios: scenarios.scenarios,
    segment,
    paused: value("paused"),
    thresholds: readThresholds(merged["thresholds"]),
    tags: merged["tags"] as Record<string, string> | undefined ?? {},
    systemTags: value("systemTags"),
    userAgent: value("userAgent"),
    rps: value("rps"),
    httpDebug: value("httpDebug") ?? "",
    maxRedirects: value("maxRedirects"),
    hosts: value("hosts") ?? {},
    dns: readDns(merged["dns"]),
    blockHostnames: value("blockHostnames") ?? [],
    blacklistIps: value("blacklistIPs") ?? [],
    localIps: value("localIPs") ?? "",
    batch: value("batch"),
    batchPerHost: value("batchPerHost"),
    insecureSkipTlsVerify: value("insecureSkipTLSVerify"),
    tls: readTls(merged, layers.env),
    noConnectionReuse: value("noConnectionReuse"),
    noVuConnectionReuse: value("noVUConnectionReuse"),
    discardResponseBodies: value("discardResponseBodies"),
    noCookiesReset: value("noCookiesReset"),
    throw: value("throw"),
    noSetup: value("noSetup"),
    noTeardown: value("noTeardown"),
    setupTimeoutMs: value("setupTimeout"),
    teardownTimeoutMs: value("teardownTimeout"),
    handleSummaryTimeoutMs: value("handleSummaryTimeout"),
    minIterationDurationMs: value("minIterationDuration"),
    summaryTrendStats: value("summaryTrendStats"),
    summaryTimeUnit: value("summaryTimeUnit"),
    asJson: runToJson(merged, scenarios.asJson),
  };
  return { options, merged: withLists(layerToJson(merged)), warnings };
}

const DEFAULTS: OptionLayer = Object.fromEntries(OPTIONS.map((option) => [option.key, option.default]));

/** What plans a run; these keys wipe each other between layers. */
const EXECUTION_KEYS = ["duration", "iterations", "stages", "scenarios"];

/** How messages name an object of options, and the fields in it. */
interface ObjectSource {
  readonly whole: string;
  readonly place: string;
  readonly unknown: string;
}

const IN_SCRIPT: ObjectSource = {
  whole: "the exported options",
  place: "",
  unknown: "the options exported in the script",
};
const IN_CONFIG: ObjectSource = {
  whole: "the configuration file",
  place: " in the configuration file",
  unknown: "the configuration file",
};

function readObject(given: unknown, source: ObjectSource, errors: string[], warnings: string[]): OptionLayer {
  if (isUnset(given)) return {};
  if (!isObject(given)) {
    errors.push(`${source.whole} must be an object`);
    return {};
  }
  const layer: Record<string, unknown> = {};
  for (const option of OBJECT_OPTIONS) {
    const value = given[option.key];
    if (isUnsetFor(option.kind, value)) continue;
    readInto(layer, option, () => option.kind.fromJson(value), `option "${option.key}"${source.place}`, errors);
  }
  warnUnknown(given, source, warnings);
  return layer;
}

const OBJECT_OPTIONS = OPTIONS.filter((option) => option.notInScript === undefined);

function readEnvironment(env: Readonly<Record<string, string>>, errors: string[]): OptionLayer {
  const layer: Record<string, unknown> = {};
  for (const option of OPTIONS) {
    const fromText = option.kind.fromText;
    if (option.env === undefined || fromText === undefined) continue;
    const given = env[option.env];
    if (given === undefined || given === "" && option.key !== "userAgent") continue;
    readInto(layer, option, () => fromText(given), `envconfig.Process: ${option.env}`, errors);
  }
  return layer;
}

/** Puts what `read` returns under the option's key, or its mistake among the errors. */
function readInto(
  layer: Record<string, unknown>,
  option: OptionDefinition,
  read: () => unknown,
  where: string,
  errors: string[],
): void {
  try {
    layer[option.key] = read();
  } catch (error) {
    if (!(error instanceof KindError)) throw error;
    errors.push(`${where}: ${error.message}`);
  }
}

function warnUnknown(given: Readonly<Record<string, unknown>>, source: ObjectSource, warnings: string[]): void {
  const known = OBJECT_OPTIONS.map((option) => option.key);
  const unknown = Object.keys(given).filter((key) => key !== "features" && !known.includes(key));
  if (!isUnset(given["features"])) {
    warnings.push("features can't be set by the script's options; the field is ignored");
  }
  if (unknown.length === 0) return;
  const named = unknown.map((key) => {
    const nearest = suggest(key, known);
    return nearest === undefined ? key : `${key} (did you mean ${nearest}?)`;
  });
  warnings.push(`There were unknown fields in ${source.unknown}: ${named.join(", ")}`);
}

function merge(layers: readonly (readonly [name: string, layer: OptionLayer])[], warnings: string[]): OptionLayer {
  const merged: Record<string, unknown> = {};
  for (const [name, layer] of layers) {
    if (EXECUTION_KEYS.some((key) => layer[key] !== undefined)) {
      if (isObject(merged["scenarios"]) && Object.keys(merged["scenarios"]).length > 0) {
        warnings.push(`"${name}" level configuration overrode scenarios configuration entirely`);
      }
      for (const key of EXECUTION_KEYS) delete merged[key];
    }
    Object.assign(merged, layer);
  }
  return merged;
}

function checkValues(merged: OptionLayer, errors: string[]): void {
  for (const { key, check } of OPTIONS) {
    const mistake = merged[key] === undefined ? undefined : check?.(merged[key] as never);
    if (mistake !== undefined) errors.push(`option "${key}": ${mistake}`);
  }
}

/** The run's tags with the feature `merge-run-tags`: of all layers together. Every feature adds a tag of its own. */
function mergedTags(layers: readonly OptionLayer[], features: readonly string[]): OptionLayer {
  if (features.length === 0) return {};
  const given = layers.flatMap(({ tags }) => isObject(tags) ? [tags] : []);
  const tags = features.includes("merge-run-tags") ? given : given.slice(-1);
  return { tags: Object.assign({}, ...tags, featureTags(features)) };
}

function readSegment(merged: OptionLayer, errors: string[]): ExecutionSegment {
  try {
    const { executionSegment, executionSegmentSequence } = merged as Record<string, string | undefined>;
    return readExecutionSegment(executionSegment, executionSegmentSequence);
  } catch (error) {
    if (!(error instanceof KindError)) throw error;
    errors.push(error.message);
    return WHOLE_TEST;
  }
}

function readThresholds(given: unknown): Record<string, ThresholdOption[]> {
  const thresholds: Record<string, ThresholdOption[]> = {};
  for (const [metric, list] of Object.entries(given ?? {})) {
    thresholds[metric] = (list as ThresholdJson[]).map((item) => {
      if (typeof item === "string") return { expression: item, abortOnFail: false, delayAbortEvalMs: 0 };
      const delay = item["delayAbortEval"];
      return {
        expression: item["threshold"] as string,
        abortOnFail: item["abortOnFail"] === true,
        delayAbortEvalMs: isUnset(delay) ? 0 : duration.fromJson(delay) as number,
      };
    });
  }
  return thresholds;
}

/** With k6's defaults. */
function readDns(given: unknown): DnsOptions {
  const { ttl, select, policy } = (given ?? {}) as Readonly<Record<string, unknown>>;
  return {
    ttlMs: ttl === "inf" ? Infinity : duration.fromJson(isUnset(ttl) || ttl === "" ? "5m" : ttl) as number,
    select: (select ?? "random") as DnsOptions["select"],
    policy: (policy ?? "preferIPv4") as DnsOptions["policy"],
  };
}

/** Keys of `exec.test.options` that k6 takes from the run's scenarios instead. */
const NOT_IN_RUN = ["vus", "duration", "iterations", "stages"];

/** `exec.test.options` (k6's documentation, "k6/execution"). */
function runToJson(merged: OptionLayer, scenarios: unknown): Record<string, unknown> {
  const json = withLists(layerToJson(merged));
  for (const key of NOT_IN_RUN) delete json[key];
  for (const { key, notInScript } of OPTIONS) if (notInScript) json[key] = merged[key] ?? null;
  json["scenarios"] = scenarios;
  return json;
}

/** The two lists that k6 fills in when nobody sets them. */
function withLists(json: Record<string, unknown>): Record<string, unknown> {
  json["systemTags"] ??= DEFAULTS["systemTags"];
  json["summaryTrendStats"] ??= DEFAULTS["summaryTrendStats"];
  return json;
}

/** Options as k6 writes them: all that a script can set, null where nothing is set. */
function layerToJson(layer: OptionLayer): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const { key, kind, hiddenWhenUnset } of OBJECT_OPTIONS) {
    const value = layer[key];
    if (value !== undefined) json[key] = kind.toJson?.(value as never) ?? value;
    else if (hiddenWhenUnset === undefined) json[key] = null;
  }
  json["dns"] ??= { ttl: null, select: null, policy: null };
  json["features"] = null;
  return json;
}

function throwIfAny(errors: readonly string[]): void {
  if (errors.length === 0) return;
  throw new OptionsError(
    errors.length === 1
      ? errors[0]
      : `there were problems with the options:\n${errors.map((line) => `\t- ${line}`).join("\n")}`,
  );
}
