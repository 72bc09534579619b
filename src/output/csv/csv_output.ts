/** The `csv` output: every sample as one row in a file, a gzip file (by the name's ending) or standard output. */

import { SampleFileOutput } from "../file/sample_file_output.ts";
import type { Output, OutputContext } from "../output.ts";
import { readCsvConfig } from "./config.ts";
import { CsvFormat } from "./csv_format.ts";

/** Makes the output from its settings (see `config.ts`); throws an `OutputError` when they are wrong. */
export function createCsvOutput(context: OutputContext): Output {
  const { path, saveIntervalMs, timeFormat, warnings } = readCsvConfig(context);
  for (const warning of warnings) context.log.warn(`csv output: ${warning}`);
  const systemTags = (context.options["systemTags"] ?? []) as readonly string[];
  const format = new CsvFormat(systemTags, timeFormat);
  return new SampleFileOutput({ name: "csv", path, flushIntervalMs: saveIntervalMs, format }, context);
}
