/**
 * InfluxDB's line protocol (v1): one line for each sample, `metric,tag=value field="…",value=1.5 1700000000123456789`.
 * Text that depends on a series alone is made once.
 */

import type { TimeSeries } from "../../metrics/registry.ts";
import type { SampleBatch, TagPairs } from "../../metrics/types.ts";

/** What a tag becomes when it is stored as a field. */
export type FieldType = "string" | "int" | "float" | "bool";

/** The unit of timestamps, as in the query of `/write`. */
export type Precision = "ns" | "u" | "ms" | "s" | "m" | "h";

/** How samples are written. */
export interface LineFormat {
  /** Tags, and metadata of samples such as `vu`, that become fields instead. Other metadata is left out. */
  readonly tagsAsFields: ReadonlyMap<string, FieldType>;
  readonly precision: Precision;
}

/** InfluxDB refuses a series whose name and tags are longer. */
const LONGEST_KEY_BYTES = 65_535;

/** Turns samples into lines. */
export class LineProtocol {
  readonly #series: readonly TimeSeries[];
  readonly #tagsAsFields: ReadonlyMap<string, FieldType>;
  readonly #times: (epochMs: number, nudgeNs: number) => string;
  readonly #nudges: boolean;
  /** By series id: what stands before a sample's value; null for a series that InfluxDB would refuse. */
  readonly #heads: (string | null | undefined)[] = [];
  /** By series id: the series that it is for InfluxDB, to which fields make no difference. */
  readonly #keys: number[] = [];
  readonly #keysByText = new Map<string, number>();
  /** By such a series: the newest time so far, and how many nanoseconds the last sample was moved. */
  readonly #newest: number[] = [];
  readonly #nudged: number[] = [];
  #metadata: TagPairs | undefined;
  #metadataFields = "";
  /** Samples left out because their value is NaN or infinite. */
  notFinite = 0;
  /** Samples left out because name and tags of their series are too long. */
  tooLong = 0;

  /** `series` is the registry's list, which grows. */
  constructor(series: readonly TimeSeries[], { tagsAsFields, precision }: LineFormat) {
    this.#series = series;
    this.#tagsAsFields = tagsAsFields;
    this.#nudges = precision === "ns";
    this.#times = timeTexts(precision);
  }

  /** The lines of a batch's samples from `from` up to (not with) `to`. Hot: a sample costs its own text alone. */
  encode({ series, times, values, metadata }: SampleBatch, from: number, to: number): string {
    let text = "";
    for (let i = from; i < to; i++) {
      const id = series[i]!;
      const value = values[i]!;
      const head = this.#heads[id] ?? this.#head(id);
      if (head === null) {
        this.tooLong++;
        continue;
      }
      if (!Number.isFinite(value)) {
        this.notFinite++;
        continue;
      }
      const marked = metadata === null ? undefined : metadata.sets[metadata.column[i]! - 1];
      if (marked !== this.#metadata) this.#meetMetadata(marked);
      const time = times[i]!;
      text += head + value + this.#metadataFields + " " + this.#times(time, this.#nudge(id, time)) + "\n";
    }
    return text;
  }

  /**
   * Nanoseconds to add to a sample's time: InfluxDB keeps one point for each series and time, and the samples of many
   * virtual users share a series. A sample that comes at, or after one that came at, a later time is moved by less than
   * 244 ns, the resolution of an epoch time in milliseconds.
   */
  #nudge(id: number, time: number): number {
    if (!this.#nudges) return 0;
    const key = this.#keys[id]!;
    if (time > this.#newest[key]!) {
      this.#newest[key] = time;
      return 0;
    }
    return this.#nudged[key] = this.#nudged[key]! % 243 + 1;
  }

  #head(id: number): string | null {
    const known = this.#heads[id];
    if (known !== undefined) return known;
    const { metric, tags } = this.#series[id]!;
    const asTags = new Map<string, string>();
    const asFields = new Map<string, string>();
    for (const [name, value] of tags) {
      if (name === "" || value === "") continue;
      const key = escapeKey(name);
      const type = this.#tagsAsFields.get(name);
      // Of names that coincide once they are escaped the first stays.
      if (type !== undefined) setOnce(asFields, key, fieldValue(value, type));
      else setOnce(asTags, key, escapeText(value));
    }
    let key = metric.name;
    for (const [name, value] of asTags) key += `,${name}=${value}`;
    let fields = "";
    for (const [name, value] of asFields) fields += `${name}=${value},`;
    this.#keys[id] = this.#keyOf(key);
    return this.#heads[id] = new TextEncoder().encode(key).length > LONGEST_KEY_BYTES ? null : `${key} ${fields}value=`;
  }

  #keyOf(text: string): number {
    const known = this.#keysByText.get(text);
    if (known !== undefined) return known;
    const key = this.#keysByText.size;
    this.#keysByText.set(text, key);
    this.#newest[key] = -Infinity;
    this.#nudged[key] = 0;
    return key;
  }

  #meetMetadata(metadata: TagPairs | undefined): void {
    this.#metadata = metadata;
    this.#metadataFields = "";
    for (const [name, value] of metadata ?? []) {
      const type = this.#tagsAsFields.get(name);
      if (type !== undefined && value !== "") this.#metadataFields += `,${escapeKey(name)}=${fieldValue(value, type)}`;
    }
  }
}

/**
 * A tag's value, or a name, with the escapes that line protocol has: for commas, equals signs and blanks. It has none for line feeds,
 * which become `\n`, nor for a backslash before one of the former or at the end, which becomes a slash.
 */
function escapeText(text: string): string {
  // What is no Unicode becomes the same replacement character here and in the request's bytes.
  return text.toWellFormed().replace(/\\+(?=[,= ]|$)/g, (slashes) => "/".repeat(slashes.length))
    .replaceAll("\n", "\\n")
    .replace(/[,= ]/g, "\\$&");
}

/** InfluxDB takes no tag and no field of the name `time`, and a tag must have a name. */
function escapeKey(name: string): string {
  return name === "time" ? "time_" : escapeText(name);
}

/** The value as a field's text; one that isn't of the type is a string, as in k6. */
function fieldValue(value: string, type: FieldType): string {
  switch (type) {
    case "int":
      if (/^[+-]?\d+$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value)) return `${BigInt(value)}i`;
      break;
    case "float":
      if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) && Number.isFinite(Number(value))) {
        return String(Number(value));
      }
      break;
    case "bool":
      if (/^(1|t|T|TRUE|true|True)$/.test(value)) return "true";
      if (/^(0|f|F|FALSE|false|False)$/.test(value)) return "false";
      break;
    case "string":
  }
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function setOnce(map: Map<string, string>, key: string, value: string): void {
  if (!map.has(key)) map.set(key, value);
}

/** Makes the function that writes times. Its digits are exact: no time in nanoseconds fits a double. */
function timeTexts(precision: Precision): (epochMs: number, nudgeNs: number) => string {
  switch (precision) {
    case "ns":
      return nanosecondTexts();
    case "u":
      return (epochMs) => String(Math.floor(epochMs * 1000));
    default: {
      const unitMs = unitsMs[precision];
      return (epochMs) => String(Math.floor(epochMs / unitMs));
    }
  }
}

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

function nanosecondTexts(): (epochMs: number, nudgeNs: number) => string {
  let second = NaN;
  let secondText = "";
  return (epochMs, nudgeNs) => {
    const wholeMs = Math.floor(epochMs);
    const newSecond = Math.floor(wholeMs / 1000);
    if (newSecond !== second) {
      second = newSecond;
      secondText = String(second);
    }
    const nanoseconds = (wholeMs - second * 1000) * 1_000_000 + Math.floor((epochMs - wholeMs) * 1_000_000) + nudgeNs;
    // The leading 1 keeps the zeros.
    return secondText + String(1_000_000_000 + nanoseconds).slice(1);
  };
}
