/** Which time series a metric becomes: their names, types and units, and the sink that their values are read from. */

import { CounterSink, GaugeSink, RateSink, TrendSink } from "../../metrics/sinks.ts";
import type { MetricDefinition } from "../../metrics/types.ts";
import { ClassicHistogram, formatBound } from "./classic_histogram.ts";
import type { MetricFamily, SeriesKind } from "./exported_series.ts";
import { helpText } from "./help_texts.ts";
import { exportedName } from "./labels.ts";
import { NativeHistogram } from "./native_histogram.ts";
import type { TrendStat } from "./trend_stats.ts";

/** What a label set's values are kept in; told apart by `type`. */
export type SeriesSink = CounterSink | GaugeSink | RateSink | TrendSink | NativeHistogram | ClassicHistogram;

/** The settings that decide on the mapping. */
export interface MappingOptions {
  /** Trends as gauges of statistics, as native histograms, or as classic histograms. */
  readonly trendMode: "stats" | "native" | "classic";
  /** For `stats`. */
  readonly trendStats: readonly TrendStat[];
  /** For `classic`: upper bounds, ascending and finite, in the exported unit. */
  readonly histogramBuckets: readonly number[];
  /** Whether a Rate is two counters besides its gauge. */
  readonly rateCounters: boolean;
}

/** A metric's time series, the same for each of its label sets. */
export interface MetricMapping {
  /** In the order in which values are read: null for a series whose name belongs to another metric. */
  readonly kinds: readonly (SeriesKind | null)[];
  /** Number of the kinds that are not null. */
  readonly size: number;
  /** What the kinds of a trend as gauges are, in their order. */
  readonly trendStats: readonly TrendStat[];
  /** Of time trends: milliseconds in a second; else 1. */
  readonly divisor: number;
  readonly newSink: () => SeriesSink;
}

/** A series of a mapping before it is known whether its name is free. */
interface Wanted {
  readonly suffix: string;
  readonly type: MetricFamily["type"];
  readonly help: string;
  readonly unit: string;
  readonly le?: string;
  readonly isHistogram?: boolean;
}

/** Maps metrics; an exported name belongs to the first metric that needs it. */
export class MetricMapper {
  readonly #options: MappingOptions;
  readonly #onConflict: (name: string, metric: MetricDefinition, owner: MetricDefinition) => void;
  /** By exported name. */
  readonly #owners = new Map<string, MetricDefinition>();
  /** By type and name. */
  readonly #families = new Map<string, MetricFamily>();
  #kinds = 0;

  /** `onConflict` is told of each series that is left out. */
  constructor(
    options: MappingOptions,
    onConflict: (name: string, metric: MetricDefinition, owner: MetricDefinition) => void,
  ) {
    this.#options = options;
    this.#onConflict = onConflict;
  }

  /** The mapping of k6's kinds: Counter `_total`, Gauge, Rate `_rate`, Trend in one of three ways with times in seconds. */
  map(metric: MetricDefinition): MetricMapping {
    const { trendMode, trendStats, histogramBuckets, rateCounters } = this.#options;
    const help = helpText(metric);
    const divisor = metric.type === "trend" && metric.contains === "time" ? 1000 : 1;
    const unit = divisor === 1 ? UNITS[metric.contains] : "seconds";
    switch (metric.type) {
      case "counter":
        return this.#mapping(metric, [{ suffix: "_total", type: "counter", help, unit }], 1, () => new CounterSink());
      case "gauge":
        return this.#mapping(metric, [{ suffix: "", type: "gauge", help, unit }], 1, () => new GaugeSink());
      case "rate": {
        const wanted: Wanted[] = [{ suffix: "_rate", type: "gauge", help, unit: "" }];
        if (rateCounters) {
          wanted.push(
            { suffix: "_total", type: "counter", help: `${help}: all samples`, unit: "" },
            { suffix: "_success_total", type: "counter", help: `${help}: samples that are not zero`, unit: "" },
          );
        }
        return this.#mapping(metric, wanted, 1, () => new RateSink());
      }
      case "trend":
        break;
    }
    const base = { help, unit, type: "histogram" } as const;
    const unitSuffix = unit === "" ? "" : `_${unit}`;
    switch (trendMode) {
      case "stats": {
        const wanted = trendStats.map(({ suffix, hasUnit }): Wanted => (
          { suffix: `_${suffix}`, type: "gauge", help: `${help} (${suffix})`, unit: hasUnit ? unit : "" }
        ));
        return this.#mapping(metric, wanted, divisor, () => new TrendSink());
      }
      case "native": {
        const wanted = [{ ...base, suffix: unitSuffix, isHistogram: true }];
        return this.#mapping(metric, wanted, divisor, () => new NativeHistogram(divisor));
      }
      case "classic": {
        const wanted = [...histogramBuckets, Infinity].map((bound): Wanted => (
          { ...base, suffix: `${unitSuffix}_bucket`, le: formatBound(bound) }
        ));
        wanted.push({ ...base, suffix: `${unitSuffix}_sum` }, { ...base, suffix: `${unitSuffix}_count` });
        return this.#mapping(metric, wanted, divisor, () => new ClassicHistogram(histogramBuckets, divisor));
      }
    }
  }

  #mapping(metric: MetricDefinition, wanted: Wanted[], divisor: number, newSink: () => SeriesSink): MetricMapping {
    const kinds = wanted.map((each) => this.#kind(metric, each));
    return {
      kinds,
      size: kinds.filter((kind) => kind !== null).length,
      trendStats: this.#options.trendStats,
      divisor,
      newSink,
    };
  }

  #kind(metric: MetricDefinition, { suffix, type, help, unit, le, isHistogram = false }: Wanted): SeriesKind | null {
    const name = exportedName(metric.name, suffix);
    const owner = this.#owners.get(name);
    if (owner !== undefined && owner !== metric) {
      this.#onConflict(name, metric, owner);
      return null;
    }
    this.#owners.set(name, metric);
    const familyName = type === "histogram" && !isHistogram ? name.replace(/_(?:bucket|sum|count)$/, "") : name;
    const key = `${type} ${familyName}`;
    let family = this.#families.get(key);
    if (family === undefined) {
      family = { id: this.#families.size, name: familyName, type, help, unit };
      this.#families.set(key, family);
    }
    return { id: this.#kinds++, name, le: le ?? null, family, isHistogram };
  }
}

/** Units of what is not converted. */
const UNITS = { default: "", time: "milliseconds", data: "bytes" } as const;
