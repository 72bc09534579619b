/** What has been measured of every time series since the start, and what of it Prometheus has not been told yet. */

import type { Metric, TimeSeries } from "../../metrics/registry.ts";
import { createSink, mergeSinks, type Sink } from "../../metrics/sinks.ts";
import type { SampleBatch } from "../../metrics/types.ts";
import { encodeLabels } from "./write_request.ts";
import type { WriteRequestEncoder } from "./write_request.ts";
import { exportedName, type Labels, labelsOf, withName } from "./labels.ts";
import type { TrendStat } from "./trend_stats.ts";

/** One time series of Prometheus that a state gives rise to: its encoded labels and where its value comes from. */
interface Exported {
  readonly labels: Uint8Array;
  /** Reads the value from the state's sink. */
  readonly read: () => number;
}

/** One label set of one metric: its sink, and the time series that are read from it. */
export interface SeriesState {
  readonly sink: Sink;
  readonly exported: readonly Exported[];
  /** Time of the newest sample, whole epoch milliseconds. */
  newestMs: number;
  /** Timestamp under which the state was last sent (chosen by `timestamps.ts`); 0 before the first time. */
  sentMs: number;
  /** True from the first sample after it was last taken from the queue and encoded. */
  queued: boolean;
}

/** The states of a run. Series whose labels coincide once they are sanitised share one state. */
export class SeriesStates {
  readonly #series: readonly TimeSeries[];
  readonly #trendStats: readonly TrendStat[];
  readonly #warn: (message: string) => void;
  /** By the registry's series id. */
  readonly #bySeries: SeriesState[] = [];
  readonly #byLabels = new Map<string, SeriesState>();
  /** Which metric an exported name belongs to. */
  readonly #nameOwners = new Map<string, Metric>();
  readonly #warned = new Set<string>();
  #queue: SeriesState[] = [];

  /** `series` is the registry's own, growing array. */
  constructor(
    series: readonly TimeSeries[],
    trendStats: readonly TrendStat[],
    warn: (message: string) => void,
  ) {
    this.#series = series;
    this.#trendStats = trendStats;
    this.#warn = warn;
  }

  /** Hot, for every sample of the run: one array look-up, the sink, three stores; it only allocates for a new series. */
  addSamples({ length, series, times, values }: SampleBatch): void {
    for (let i = 0; i < length; i++) {
      const value = values[i]!;
      const id = series[i]!;
      const state = this.#bySeries[id] ?? this.#add(id);
      if (!Number.isFinite(value)) {
        this.warnOfValue(id, value);
        continue;
      }
      const time = times[i]!;
      state.sink.add(value, time);
      if (time >= state.newestMs + 1) state.newestMs = Math.floor(time);
      if (!state.queued) {
        state.queued = true;
        this.#queue.push(state);
      }
    }
  }

  /** Takes in what a sink was given of a series; an empty sink makes the last value news once more. */
  protected merge(id: number, sink: Sink, atEpochMs: number): void {
    const state = this.#bySeries[id] ?? this.#add(id);
    mergeSinks(state.sink, sink);
    state.newestMs = Math.max(state.newestMs, Math.floor(atEpochMs));
    this.requeue([state]);
  }

  /** Hands over the states that have news, each once; they stay marked as queued until they are encoded. */
  takeQueue(): SeriesState[] {
    const queue = this.#queue;
    this.#queue = [];
    return queue;
  }

  /** Takes states back of which nothing was encoded. */
  putBack(states: readonly SeriesState[]): void {
    for (const state of states) this.#queue.push(state);
  }

  /** Queues states again that were encoded but did not arrive. */
  requeue(states: readonly SeriesState[]): void {
    for (const state of states) {
      if (state.queued) continue;
      state.queued = true;
      this.#queue.push(state);
    }
  }

  /** All states that were sent at least once. */
  *sent(): Generator<SeriesState> {
    for (const state of this.#byLabels.values()) if (state.sentMs > 0) yield state;
  }

  #add(id: number): SeriesState {
    const { metric, tags } = this.#series[id]!;
    const labels = labelsOf(tags, (dropped, label) => {
      this.#warnOnce(
        `label:${dropped}:${label}`,
        `tag "${dropped}" is left out: another tag of the same series already has its label name "${label}"; rename one of them`,
      );
    });
    const key = JSON.stringify([metric.id, labels]);
    let state = this.#byLabels.get(key);
    if (state === undefined) {
      const sink = createSink(metric.type);
      state = { sink, exported: this.#export(metric, labels, sink), newestMs: 0, sentMs: 0, queued: false };
      this.#byLabels.set(key, state);
    }
    this.#bySeries[id] = state;
    return state;
  }

  #export(metric: Metric, labels: Labels, sink: Sink): Exported[] {
    const exported: Exported[] = [];
    for (const { suffix, read } of this.#mapping(metric, sink)) {
      const name = exportedName(metric.name, suffix);
      const owner = this.#nameOwners.get(name) ?? metric;
      this.#nameOwners.set(name, owner);
      if (owner === metric) {
        exported.push({ labels: encodeLabels(withName(name, labels)), read });
      } else {
        this.#warnOnce(
          `name:${name}:${metric.name}`,
          `"${name}" of metric "${metric.name}" is left out: metric "${owner.name}" already has this name; rename one of them`,
        );
      }
    }
    return exported;
  }

  /** The mapping of k6's kinds: Counter `_total`, Gauge, Rate `_rate`, Trend one gauge per statistic with times in seconds. */
  #mapping(metric: Metric, sink: Sink): { suffix: string; read: () => number }[] {
    switch (sink.type) {
      case "counter":
        return [{ suffix: "_total", read: () => sink.sum }];
      case "gauge":
        return [{ suffix: "", read: () => sink.last }];
      case "rate":
        return [{ suffix: "_rate", read: () => sink.rate }];
      case "trend":
        return this.#trendStats.map((stat) => ({
          suffix: `_${stat.suffix}`,
          read: metric.contains === "time" && stat.hasUnit ? () => stat.read(sink) / 1000 : () => stat.read(sink),
        }));
    }
  }

  /** Says once for each metric that such a value is left out. */
  protected warnOfValue(id: number, value: number): void {
    const { name } = this.#series[id]!.metric;
    this.#warnOnce(`value:${name}`, `a value of metric "${name}" is ${value}: such values are left out`);
  }

  #warnOnce(key: string, message: string): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#warn(message);
  }
}

/** Encodes a state's current values under its timestamp (see `timestamps.ts`). */
export function encodeState({ exported, sentMs }: SeriesState, encoder: WriteRequestEncoder): void {
  for (const { labels, read } of exported) {
    const value = read();
    if (Number.isFinite(value)) encoder.addSample(labels, value, sentMs);
  }
}

/** Encodes the end of a state's series. */
export function encodeEnd({ exported, sentMs }: SeriesState, encoder: WriteRequestEncoder): void {
  for (const { labels } of exported) encoder.addStaleMarker(labels, sentMs);
}
