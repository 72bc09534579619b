/** k6's table of samples: metric, time, value, a column for each system tag, all other tags, metadata. */

import type { Metric, TimeSeries } from "../../metrics/registry.ts";
import { METADATA_SYSTEM_TAGS } from "../../metrics/system_tags.ts";
import type { TagPairs } from "../../metrics/types.ts";
import { type WriteNumber, writeSixDecimals } from "../file/number_text.ts";
import type { LineFormat } from "../file/sample_lines.ts";
import type { TimeFormat } from "../file/time_text.ts";

/** Rows of comma-separated values. */
export class CsvFormat implements LineFormat {
  readonly timeFormat: TimeFormat;
  readonly beforeValue = ",";
  readonly end = "\n";
  readonly header: string;
  readonly hasNonFinite = true;
  /** The system tags with a column of their own. */
  readonly #columns: readonly string[];

  /** `systemTags`: those that are on. */
  constructor(systemTags: readonly string[], timeFormat: TimeFormat) {
    this.#columns = systemTags.filter((tag) => !(METADATA_SYSTEM_TAGS as readonly string[]).includes(tag)).sort();
    this.timeFormat = timeFormat;
    this.header = `${
      ["metric_name", "timestamp", "metric_value", ...this.#columns, "extra_tags", "metadata"].join()
    }\n`;
  }

  introduction(): string {
    return "";
  }

  beforeTime({ name }: Metric): string {
    return `${field(name)},`;
  }

  afterValue({ tags }: TimeSeries): string {
    const values = new Map(tags);
    const extra = tags.filter(([name]) => !this.#columns.includes(name));
    const fields = [...this.#columns.map((tag) => values.get(tag) ?? ""), listOf(extra)];
    return `,${fields.map(field).join()},`;
  }

  metadata(pairs: TagPairs): string {
    return field(listOf(pairs));
  }

  writeValue(): WriteNumber {
    return writeSixDecimals;
  }
}

/** Not escaped, as in k6. */
function listOf(pairs: TagPairs): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** A field, in quotes where Go's `encoding/csv` puts them. */
function field(text: string): string {
  return text === "\\." || NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What separates, or blank (in Go's sense) at the start. */
const NEEDS_QUOTES = /[",\r\n]|^(?!\ufeff)[\s\u0085]/;
