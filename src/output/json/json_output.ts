/** The `json` output: every sample as one line of JSON in a file, a gzip file (by the name's ending) or standard output. */

import { SampleFileOutput } from "../file/sample_file_output.ts";
import type { Output, OutputContext } from "../output.ts";
import { JsonFormat, type ThresholdSources } from "./json_format.ts";

const FLUSH_INTERVAL_MS = 200;

/** Makes the output from its argument: a path, or nothing or `-` for standard output. */
export function createJsonOutput(context: OutputContext): Output {
  const format = new JsonFormat((context.options["thresholds"] ?? {}) as ThresholdSources);
  const settings = { name: "json", path: context.argument, flushIntervalMs: FLUSH_INTERVAL_MS, format };
  return new SampleFileOutput(settings, context);
}
