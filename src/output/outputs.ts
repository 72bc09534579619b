/** The outputs that `-o` knows, by name. */

import { createCsvOutput } from "./csv/csv_output.ts";
import { createJsonOutput } from "./json/json_output.ts";
import { type Output, type OutputContext, OutputError, type OutputFactory } from "./output.ts";
import { createRemoteWriteOutput } from "./prometheus/remote_write_output.ts";
import { isConfiguredByScript, prometheusOutputNames } from "./prometheus/setting_sources.ts";

const factories: ReadonlyMap<string, OutputFactory> = new Map([
  ["json", createJsonOutput],
  ["csv", createCsvOutput],
  ...prometheusOutputNames.map((name) => [name, createRemoteWriteOutput] as const),
]);

/** All names, in the order in which messages list them. */
export const outputNames: readonly string[] = Array.from(factories.keys());

/** Makes the output that `name` or `name=argument` asks for; throws an `OutputError` when there is none or its settings are wrong. */
export function createOutput(spec: string, context: Omit<OutputContext, "name" | "argument">): Output {
  const separator = spec.indexOf("=");
  const name = separator === -1 ? spec : spec.slice(0, separator);
  const argument = separator === -1 ? "" : spec.slice(separator + 1);
  const factory = factories.get(name);
  if (factory === undefined) {
    throw new OutputError(`unknown output "${name}" (-o ${name}): k6d knows ${outputNames.join(", ")}`);
  }
  return factory({ ...context, name, argument });
}

/** The outputs that the script's options ask for without `-o`. */
export function outputsOfOptions(options: Readonly<Record<string, unknown>>): string[] {
  return isConfiguredByScript(options) ? ["prometheus-rw"] : [];
}
