/** The outputs that `-o` knows, by name. */

import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { createCloudOutput } from "./cloud/cloud_output.ts";
import { createCsvOutput } from "./csv/csv_output.ts";
import { createInfluxdbOutput } from "./influxdb/influxdb_output.ts";
import { createJsonOutput } from "./json/json_output.ts";
import { otelOutputNames } from "./opentelemetry/config.ts";
import { createOtelOutput } from "./opentelemetry/opentelemetry_output.ts";
import { type Output, type OutputContext, OutputError, type OutputFactory } from "./output.ts";
import { createRemoteWriteOutput } from "./prometheus/remote_write_output.ts";
import { isConfiguredByScript, prometheusOutputNames } from "./prometheus/setting_sources.ts";

const factories: ReadonlyMap<string, OutputFactory> = new Map([
  ["json", createJsonOutput],
  ["csv", createCsvOutput],
  ["influxdb", createInfluxdbOutput],
  ["cloud", (context) => createCloudOutput(context)],
  ...prometheusOutputNames.map((name) => [name, createRemoteWriteOutput] as const),
  ...otelOutputNames.map((name) => [name, createOtelOutput] as const),
]);

/** All names, in the order in which messages list them. */
export const outputNames: readonly string[] = Array.from(factories.keys());

/** Outputs that k6 once had, and what takes their place here. */
const removed: ReadonlyMap<string, string> = new Map([
  [
    "kafka",
    "write a file with -o json=… and give it to a Kafka producer, or use opentelemetry with a collector that has a Kafka exporter",
  ],
  ["datadog", "send OpenTelemetry to the Datadog agent instead: -o opentelemetry"],
  [
    "statsd",
    "send OpenTelemetry to a collector with a StatsD exporter instead (-o opentelemetry), or use prometheus-rw",
  ],
]);

/** Outputs of k6 that are still to come. */
const notYet: readonly string[] = ["web-dashboard"];

/** What every output of a run is told, whatever its name. */
type CommonContext = Omit<OutputContext, "name" | "argument">;

/**
 * Makes the outputs that are asked for, each as `name` or `name=argument`; throws an `OutputError` when one does not exist or its
 * settings are wrong. What is asked for twice in the same words is made once.
 */
export function createOutputs(specs: readonly string[], context: CommonContext): Output[] {
  const distinct = new Set(specs);
  if (distinct.size < specs.length) {
    const repeated = specs.filter((spec, index) => specs.indexOf(spec) !== index).map((spec) => parse(spec).name);
    context.log.warn(`-o ${repeated.join(", ")} is given twice in the same words: once is enough`);
  }
  if (specs.length > 0) warnOfUnknownCollectors(context);
  return Array.from(distinct, (spec) => createOutput(spec, context));
}

/** Settings in the configuration file for what is no output at all. */
function warnOfUnknownCollectors({ collectors, log }: CommonContext): void {
  for (const name of Object.keys(collectors)) {
    if (factories.has(name) || removed.has(name) || notYet.includes(name)) continue;
    log.warn(`config file, collectors.${name} has no effect: there is no such output${didYouMean(name)}`);
  }
}

/** Makes the output that `name` or `name=argument` asks for; throws an `OutputError` when there is none or its settings are wrong. */
export function createOutput(spec: string, context: CommonContext): Output {
  const { name, argument } = parse(spec);
  const factory = factories.get(name);
  if (factory !== undefined) return factory({ ...context, name, argument });
  throw new OutputError(whyMissing(name, context.env));
}

/** What is asked for with `-o`, and the outputs that the script's options ask for by themselves. */
export function withOutputsOfOptions(asked: readonly string[], options: Readonly<Record<string, unknown>>): string[] {
  const isAsked = asked.some((spec) => prometheusOutputNames.some((name) => name === parse(spec).name));
  return isConfiguredByScript(options) && !isAsked ? [...asked, "prometheus-rw"] : [...asked];
}

function whyMissing(name: string, env: Readonly<Record<string, string>>): string {
  const instead = removed.get(name);
  if (instead !== undefined) {
    return `the output "${name}" was removed from k6 in favour of an extension, and k6d does not have it: ${instead}`;
  }
  // A URL may hold a password.
  if (name.includes("://")) return "-o takes the name of an output before the URL, for example prometheus-rw=http://…";
  const known = `k6d knows ${outputNames.join(", ")}`;
  if (name === "") return `an output without a name (-o, K6_OUT): ${known}`;
  if (notYet.includes(name)) return `the output "${name}" is not supported by k6d yet (-o ${name}): ${known}`;
  const isOfVariable = env["K6_OUT"]?.split(",").some((spec) => parse(spec).name === name) === true;
  const source = isOfVariable ? "K6_OUT, where commas separate outputs" : `-o ${name}`;
  return `unknown output "${name}" (${source})${didYouMean(name)}: ${known}`;
}

/** Names the output that is meant most likely, if one is near. */
function didYouMean(name: string): string {
  const longer = name.length < SHORTEST_BEGINNING ? undefined : outputNames.find((known) => known.startsWith(name));
  const closest: string = closestString(name, outputNames);
  const distance: number = levenshteinDistance(name, closest);
  const nearest = longer ?? (distance <= MOST_TYPOS ? closest : undefined);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

const SHORTEST_BEGINNING = 4;
const MOST_TYPOS = 2;

function parse(spec: string): { readonly name: string; readonly argument: string } {
  const separator = spec.indexOf("=");
  return separator === -1
    ? { name: spec, argument: "" }
    : { name: spec.slice(0, separator), argument: spec.slice(separator + 1) };
}
