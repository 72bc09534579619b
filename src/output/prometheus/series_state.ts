/** What has been measured of every time series since the start, and what of it Prometheus has not been told yet. */

import type { TimeSeries } from "../../metrics/registry.ts";
import { mergeSinks, type Sink } from "../../metrics/sinks.ts";
import type { SampleBatch, TagPairs } from "../../metrics/types.ts";
import { describeSeries, type Exemplar, type LabelSet, type SeriesKind } from "./exported_series.ts";
import { type LabelOptions, LabelSets } from "./label_sets.ts";
import { type MappingOptions, MetricMapper, type MetricMapping, type SeriesSink } from "./mapping.ts";
import type { RequestEncoder } from "./request_encoder.ts";

/** How samples become time series. */
export interface SeriesOptions extends MappingOptions, Omit<LabelOptions, "reservesLe"> {
  /** Whether trace ids of samples are kept. */
  readonly exemplars: boolean;
}

/** k6's mapping, nothing added and nothing left out; the statistics of trends are to be said. */
export const DEFAULT_SERIES_OPTIONS = {
  trendMode: "stats",
  histogramBuckets: [],
  rateCounters: false,
  labels: [],
  dropTags: new Set<string>(),
  exemplars: true,
} as const satisfies Partial<SeriesOptions>;

/** One label set of one metric: its sink, and what is known of the time series that are read from it. */
export interface SeriesState {
  readonly mapping: MetricMapping;
  readonly labels: LabelSet;
  readonly sink: SeriesSink;
  /** From when its counters count: right before the first sample, whole epoch milliseconds. */
  readonly createdMs: number;
  /** Time of the newest sample, whole epoch milliseconds. */
  newestMs: number;
  /** Timestamp under which the state was last sent (chosen by `timestamps.ts`); 0 before the first time. */
  sentMs: number;
  /** True from the first sample after it was last taken from the queue and encoded. */
  queued: boolean;
  /** The newest ones since it was queued, by the place of their series in the mapping; null, as nearly always: none. */
  exemplars: (KeptExemplar | undefined)[] | null;
}

/** An exemplar that a newer one may take the place of. */
type KeptExemplar = { -readonly [Key in keyof Exemplar]: Exemplar[Key] };

/** The states of one metric. */
interface MetricStates {
  readonly mapping: MetricMapping;
  readonly states: Map<LabelSet, SeriesState>;
}

/** The states of a run. Series whose labels coincide once they are sanitised share one state. */
export class SeriesStates {
  readonly #series: readonly TimeSeries[];
  readonly #options: SeriesOptions;
  readonly #warn: (message: string) => void;
  readonly #warned = new Set<string>();
  readonly #mapper: MetricMapper;
  readonly #labelSets: LabelSets;
  /** By the registry's series id. */
  readonly #bySeries: (SeriesState | undefined)[] = [];
  /** By the metric's id. */
  readonly #byMetric: (MetricStates | undefined)[] = [];
  #queue: SeriesState[] = [];

  /** `series` is the registry's own, growing array. */
  constructor(series: readonly TimeSeries[], options: SeriesOptions, warn: (message: string) => void) {
    this.#series = series;
    this.#options = options;
    this.#warn = warn;
    this.#mapper = new MetricMapper(options, (name, metric, owner) =>
      this.#warnOnce(
        `name:${name}:${metric.name}`,
        `"${name}" of metric "${metric.name}" is left out: metric "${owner.name}" already has this name; rename one of them`,
      ));
    this.#labelSets = new LabelSets(
      { ...options, reservesLe: options.trendMode === "classic" },
      (key, message) => this.#warnOnce(key, message),
    );
  }

  /** Hot, for every sample of the run: one array look-up, the sink, three stores; it only allocates for a new series. */
  addSamples(batch: SampleBatch): void {
    const { length, series, times, values, metadata } = batch;
    for (let i = 0; i < length; i++) {
      const value = values[i]!;
      const id = series[i]!;
      const time = times[i]!;
      const state = this.#bySeries[id] ?? this.#add(id, time);
      if (!Number.isFinite(value)) {
        this.warnOfValue(id, value);
        continue;
      }
      state.sink.add(value, time);
      if (time >= state.newestMs + 1) state.newestMs = Math.floor(time);
      if (!state.queued) {
        state.queued = true;
        state.exemplars = null;
        this.#queue.push(state);
      }
    }
    if (metadata !== null && this.#options.exemplars) this.#addExemplars(batch, metadata.column, metadata.sets);
  }

  /** Takes in what a sink was given of a series; an empty sink makes the last value news once more. Not for trends as histograms. */
  protected merge(id: number, sink: Sink, atEpochMs: number): void {
    const state = this.#bySeries[id] ?? this.#add(id, atEpochMs);
    if (state.sink.type !== "native" && state.sink.type !== "classic") mergeSinks(state.sink, sink);
    state.newestMs = Math.max(state.newestMs, Math.floor(atEpochMs));
    this.requeue([state]);
  }

  /** Whether there is anything to hand over. */
  get hasNews(): boolean {
    return this.#queue.length > 0;
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
    for (const metric of this.#byMetric) {
      for (const state of metric?.states.values() ?? []) if (state.sentMs > 0) yield state;
    }
  }

  #add(id: number, firstMs: number): SeriesState {
    const { metric, tags } = this.#series[id]!;
    const { mapping, states } = this.#byMetric[metric.id] ??= { mapping: this.#mapper.map(metric), states: new Map() };
    const labels = this.#labelSets.of(tags);
    let state = states.get(labels);
    if (state === undefined) {
      state = {
        mapping,
        labels,
        sink: mapping.newSink(),
        createdMs: Math.floor(firstMs) - 1,
        newestMs: 0,
        sentMs: 0,
        queued: false,
        exemplars: null,
      };
      states.set(labels, state);
    }
    this.#bySeries[id] = state;
    return state;
  }

  /** Keeps the newest sample with a trace id of every series that can carry one: counters and histograms. */
  #addExemplars({ length, series, times, values }: SampleBatch, column: Uint32Array, sets: readonly TagPairs[]): void {
    const traceIds = sets.map(traceIdOf);
    if (traceIds.every((traceId) => traceId === null)) return;
    for (let i = 0; i < length; i++) {
      const set = column[i]!;
      const traceId = set === 0 ? null : traceIds[set - 1]!;
      const state = this.#bySeries[series[i]!];
      if (traceId === null || state === undefined || !Number.isFinite(values[i]!)) continue;
      const { sink, mapping: { divisor } } = state;
      if (sink.type === "gauge" || sink.type === "trend") continue;
      const value = values[i]! / divisor;
      const atEpochMs = Math.floor(times[i]!);
      const place = sink.type === "classic" ? sink.bucketOf(value) : 0;
      const exemplars = state.exemplars ??= [];
      const older = exemplars[place];
      if (older === undefined) {
        exemplars[place] = { traceId, value, atEpochMs };
      } else if (older.atEpochMs <= atEpochMs) {
        older.traceId = traceId;
        older.value = value;
        older.atEpochMs = atEpochMs;
      }
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

/** Receivers refuse exemplars whose label has more than 128 characters, its name included. */
const LONGEST_TRACE_ID = 120;

/** The trace id in a sample's metadata, when there is one that can be sent. */
function traceIdOf(metadata: TagPairs): string | null {
  const traceId = metadata.find(([name]) => name === "trace_id")?.[1] ?? "";
  return traceId === "" || traceId.length > LONGEST_TRACE_ID ? null : traceId.toWellFormed();
}

/** Encodes a state's current values under its timestamp (see `timestamps.ts`). */
export function encodeState(state: SeriesState, encoder: RequestEncoder): void {
  const { sink, mapping: { kinds, divisor, trendStats }, exemplars } = state;
  switch (sink.type) {
    case "counter":
      encodeValue(state, encoder, kinds[0]!, sink.sum, exemplars?.[0]);
      break;
    case "gauge":
      encodeValue(state, encoder, kinds[0]!, sink.last);
      break;
    case "rate":
      encodeValue(state, encoder, kinds[0]!, sink.rate);
      if (kinds.length === 1) break;
      encodeValue(state, encoder, kinds[1]!, sink.total, exemplars?.[0]);
      encodeValue(state, encoder, kinds[2]!, sink.trues);
      break;
    case "trend":
      for (let i = 0; i < kinds.length; i++) {
        const { read, hasUnit } = trendStats[i]!;
        encodeValue(state, encoder, kinds[i]!, hasUnit ? read(sink) / divisor : read(sink));
      }
      break;
    case "native": {
      const [kind] = kinds;
      if (kind === null || kind === undefined || !Number.isFinite(sink.sum)) break;
      encoder.addHistogram(kind, state.labels, sink, state.sentMs, state.createdMs, exemplars?.[0] ?? null);
      break;
    }
    case "classic": {
      const buckets = sink.counts.length;
      let upTo = 0;
      for (let i = 0; i < buckets; i++) {
        upTo += sink.counts[i]!;
        encodeValue(state, encoder, kinds[i]!, upTo, exemplars?.[i]);
      }
      encodeValue(state, encoder, kinds[buckets]!, sink.sum);
      encodeValue(state, encoder, kinds[buckets + 1]!, sink.count);
      break;
    }
  }
}

/** Encodes the end of a state's series under its timestamp. */
export function encodeEnd({ mapping, labels, sentMs }: SeriesState, encoder: RequestEncoder): void {
  for (const kind of mapping.kinds) if (kind !== null) encoder.addStaleMarker(kind, labels, sentMs);
}

/** A state's series in few words, for messages: the first one, and how many more there are. */
export function describeState({ mapping: { kinds, size }, labels }: SeriesState): string {
  const kind = kinds.find((each) => each !== null);
  if (kind === undefined || kind === null) return "no series";
  const first = describeSeries(kind, labels);
  return size === 1 ? first : `${first} and ${size - 1} more`;
}

function encodeValue(
  { labels, sentMs, createdMs }: SeriesState,
  encoder: RequestEncoder,
  kind: SeriesKind | null,
  value: number,
  exemplar: Exemplar | undefined = undefined,
): void {
  if (kind === null || !Number.isFinite(value)) return;
  encoder.addSample(kind, labels, value, sentMs, createdMs, exemplar ?? null);
}
