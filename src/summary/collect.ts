/** Gathers what the end-of-test summary needs beyond the registry's sinks: checks, groups and scenarios apart from one another. */

import type { MetricRegistry } from "../metrics/registry.ts";
import { createSink, RateSink, type Sink } from "../metrics/sinks.ts";
import type { MetricThresholds } from "../metrics/thresholds.ts";
import type { MetricDefinition, SampleBatch, TagPairs } from "../metrics/types.ts";
import type {
  MetricValues,
  SummaryCheck,
  SummaryGroup,
  SummaryInput,
  SummaryMetric,
  SummaryOptions,
  SummaryPart,
  TrendStat,
} from "./summary_input.ts";

/** What is known of a run when it has ended. */
export interface FinishedRun {
  readonly durationMs: number;
  /** After their last evaluation; empty under `--no-thresholds`. */
  readonly thresholds: readonly MetricThresholds[];
  readonly options: SummaryOptions;
}

/** Takes every sample of a run, after the registry has, and turns it all into a `SummaryInput` at the end. */
export class SummaryCollector {
  readonly #registry: MetricRegistry;
  readonly #full: boolean;
  /** By series id: the sinks, besides the registry's, that want the series' samples; `null`: none do. */
  readonly #sinks: (readonly Sink[] | null)[] = [];
  readonly #root = new GroupNode("", "");
  /** Checks whose samples carry no group, because the system tag is off: they are in no group, as in k6. */
  readonly #groupless = new GroupNode("", "");
  /** Every check once for each group that it is in, in the order of first sight. */
  readonly #checks: CheckNode[] = [];
  /** What runs outside of named scenarios; only its groups matter. */
  readonly #unnamed = new PartNode("");
  readonly #scenarios = new Map<string, PartNode>();

  /** The mode decides how much is kept: `full` sums up every scenario and group, `compact` only the checks. */
  constructor(registry: MetricRegistry, mode: SummaryOptions["mode"] | "disabled") {
    this.#registry = registry;
    this.#full = mode === "full";
  }

  /** Takes samples with the registry's series ids. Hot: one array access for a sample that only the registry wants. */
  addSamples(batch: SampleBatch): void {
    const { length, series, times, values } = batch;
    const sinks = this.#sinks;
    for (let i = 0; i < length; i++) {
      const id = series[i]!;
      if (id >= sinks.length) this.#meetSeriesUpTo(id);
      const wanting = sinks[id]!;
      if (wanting === null) continue;
      for (let s = 0; s < wanting.length; s++) wanting[s]!.add(values[i]!, times[i]!);
    }
  }

  /** All groups and checks so far. */
  get rootGroup(): SummaryGroup {
    return this.#root.toGroup();
  }

  collect({ durationMs, thresholds, options }: FinishedRun): SummaryInput {
    return {
      durationMs,
      thresholds: thresholds.map(({ name, metric: { contains }, sink, results }) => ({
        metric: { name, contains, values: valuesOf(sink, durationMs) },
        results,
      })),
      total: {
        name: "",
        checks: mergeByName(this.#checks),
        metrics: this.#totalMetrics(new Set(thresholds.map(({ name }) => name)), durationMs),
        groups: partsOf(this.#unnamed.groups, durationMs),
      },
      scenarios: partsOf(this.#scenarios, durationMs),
      rootGroup: this.#root.toGroup(),
      options,
    };
  }

  /** Metrics and sub-metrics that have samples or are `wanted`. */
  #totalMetrics(wanted: ReadonlySet<string>, durationMs: number): SummaryMetric[] {
    const metrics: SummaryMetric[] = [];
    for (const metric of this.#registry.metrics) {
      for (const { name, sink } of [metric, ...metric.subMetrics]) {
        if (sink.isEmpty && !wanted.has(name)) continue;
        metrics.push({ name, contains: metric.contains, values: valuesOf(sink, durationMs) });
      }
    }
    return metrics;
  }

  #meetSeriesUpTo(id: number): void {
    for (let next = this.#sinks.length; next <= id; next++) this.#sinks.push(this.#meetSeries(next));
  }

  /** Finds, or makes, the sinks that want a series. */
  #meetSeries(id: number): readonly Sink[] | null {
    const { metric, tags } = this.#registry.series[id]!;
    const groupPath = tagOf(tags, "group") ?? "";
    // A check may have an empty name.
    const check = metric.name === "checks" ? tagOf(tags, "check") : undefined;
    const groupNames = groupPath.split("::").slice(1);
    const sinks: Sink[] = [];

    // A group exists once something in it was measured; k6's own phases only count once there is a check or a group inside.
    const isPhase = groupNames.length === 1 && PHASE_GROUPS.has(groupNames[0]!);
    if (check !== undefined || !isPhase) {
      const root = tags.some(([name]) => name === "group") ? this.#root : this.#groupless;
      const group = root.descend(groupNames);
      if (check !== undefined) sinks.push(this.#checkSink(group, check));
    }
    if (this.#full) {
      const scenario = tagOf(tags, "scenario") ?? "";
      const named = scenario !== "" && scenario !== "default";
      const part = named ? getOrMake(this.#scenarios, scenario, () => new PartNode(scenario)) : this.#unnamed;
      if (named) sinks.push(...part.sinksFor(metric, check));
      if (groupNames.length > 0) sinks.push(...part.descend(groupNames).sinksFor(metric, check));
    }
    return sinks.length === 0 ? null : sinks;
  }

  #checkSink(group: GroupNode, name: string): RateSink {
    const node = getOrMake(group.checks, name, () => {
      const made = { name, path: `${group.path}::${name}`, sink: new RateSink() };
      this.#checks.push(made);
      return made;
    });
    return node.sink;
  }
}

/** Names of the groups that k6 runs `setup()` and `teardown()` in. */
const PHASE_GROUPS = new Set(["setup", "teardown"]);

interface CheckNode {
  readonly name: string;
  readonly path: string;
  readonly sink: RateSink;
}

/** A group of the whole test while it is being gathered. */
class GroupNode {
  readonly checks = new Map<string, CheckNode>();
  readonly groups = new Map<string, GroupNode>();

  constructor(readonly name: string, readonly path: string) {}

  /** The group that the names from `depth` on lead to; made where missing. */
  descend(names: readonly string[], depth = 0): GroupNode {
    if (depth === names.length) return this;
    const name = names[depth]!;
    const group = getOrMake(this.groups, name, () => new GroupNode(name, `${this.path}::${name}`));
    return group.descend(names, depth + 1);
  }

  toGroup(): SummaryGroup {
    return {
      name: this.name,
      path: this.path,
      checks: [...this.checks.values()].map(toCheck),
      groups: [...this.groups.values()].map((group) => group.toGroup()),
    };
  }
}

/** A scenario, or a group within one, while it is being gathered: the samples that carry its name as a tag. */
class PartNode {
  readonly metrics = new Map<string, { readonly definition: MetricDefinition; readonly sink: Sink }>();
  readonly checks = new Map<string, CheckNode>();
  readonly groups = new Map<string, PartNode>();

  constructor(readonly name: string) {}

  /** The group that the names from `depth` on lead to; made where missing. */
  descend(names: readonly string[], depth = 0): PartNode {
    if (depth === names.length) return this;
    const name = names[depth]!;
    return getOrMake(this.groups, name, () => new PartNode(name)).descend(names, depth + 1);
  }

  sinksFor(definition: MetricDefinition, check: string | undefined): Sink[] {
    const sinks = [
      getOrMake(this.metrics, definition.name, () => ({ definition, sink: createSink(definition.type) })).sink,
    ];
    if (check !== undefined) {
      sinks.push(getOrMake(this.checks, check, () => ({ name: check, path: check, sink: new RateSink() })).sink);
    }
    return sinks;
  }
}

function partsOf(nodes: ReadonlyMap<string, PartNode>, durationMs: number): SummaryPart[] {
  return [...nodes.values()].map((node) => ({
    name: node.name,
    checks: [...node.checks.values()].map(toCheck),
    metrics: [...node.metrics.values()].map(({ definition: { name, contains }, sink }) => ({
      name,
      contains,
      values: valuesOf(sink, durationMs),
    })),
    groups: partsOf(node.groups, durationMs),
  }));
}

function toCheck({ name, path, sink }: CheckNode): SummaryCheck {
  return { name, path, passes: sink.trues, fails: sink.total - sink.trues };
}

/** Checks of the same name in several groups become one, which keeps the path of the first. */
function mergeByName(nodes: readonly CheckNode[]): SummaryCheck[] {
  const merged = new Map<string, CheckNode>();
  for (const { name, path, sink } of nodes) {
    getOrMake(merged, name, () => ({ name, path, sink: new RateSink() })).sink.merge(sink);
  }
  return [...merged.values()].map(toCheck);
}

function valuesOf(sink: Sink, durationMs: number): MetricValues {
  switch (sink.type) {
    case "counter":
      return { type: "counter", count: sink.sum, rate: durationMs === 0 ? 0 : sink.sum / (durationMs / 1000) };
    case "gauge":
      return { type: "gauge", value: sink.last, min: sink.min, max: sink.max };
    case "rate":
      return { type: "rate", passes: sink.trues, fails: sink.total - sink.trues };
    case "trend":
      return { type: "trend", stat: trendStat(sink) };
  }
}

function trendStat(sink: Extract<Sink, { type: "trend" }>): TrendStat {
  return (name) => {
    switch (name) {
      case "avg":
      case "min":
      case "max":
      case "sum":
      case "count":
        return sink[name];
      case "med":
        return sink.quantile(0.5);
    }
    const percentile = Number(/^p\((.+)\)$/.exec(name)?.[1]);
    if (!(percentile >= 0 && percentile <= 100)) {
      throw new RangeError(`Unknown trend statistic '${name}': use avg, min, med, max, count, sum or p(0) to p(100)`);
    }
    return sink.quantile(percentile / 100);
  };
}

function tagOf(tags: TagPairs, name: string): string | undefined {
  for (const [tag, value] of tags) if (tag === name) return value;
  return undefined;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
