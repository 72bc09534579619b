/** The resources of k6's REST API as JSON:API objects: status, metrics, groups, setup data. */

import { createHash } from "node:crypto";
import type { Sink } from "../metrics/sinks.ts";
import type { MetricType, ValueType } from "../metrics/types.ts";
import type { SummaryGroup } from "../summary/summary_input.ts";
import type { ControlledPhase, ControlledRun } from "./controlled_run.ts";

/** One JSON:API resource. */
export interface Resource<Attributes = unknown> {
  readonly type: string;
  readonly id: string;
  readonly attributes: Attributes;
  readonly relationships?: unknown;
}

/** State of a run; `status` counts k6's phases of a run from 0, "created", to 10, "interrupted". */
export interface StatusAttributes {
  readonly status: number;
  readonly paused: boolean;
  readonly vus: number;
  readonly "vus-max": number;
  readonly stopped: boolean;
  readonly running: boolean;
  readonly tainted: boolean;
}

/** A metric and what its samples have come to so far. */
export interface MetricAttributes {
  readonly type: MetricType;
  readonly contains: ValueType;
  /** Null without thresholds. */
  readonly tainted: boolean | null;
  readonly sample: Readonly<Record<string, number>>;
}

/** The one status. */
export function statusResource(run: ControlledRun): Resource<StatusAttributes> {
  const { phase, isStopped, counts } = run;
  return {
    type: "status",
    id: "default",
    attributes: {
      status: phase === "ended" && isStopped ? INTERRUPTED : STATUS_OF_PHASE[phase],
      paused: run.isPaused,
      vus: counts.active,
      "vus-max": counts.initialized,
      stopped: isStopped,
      running: phase === "setup" || phase === "running" || phase === "teardown",
      tainted: run.isTainted,
    },
  };
}

const INTERRUPTED = 10;

const STATUS_OF_PHASE: Readonly<Record<ControlledPhase, number>> = {
  init: 1,
  paused: 4,
  setup: 6,
  running: 7,
  teardown: 8,
  ended: 9,
};

/** Every metric and sub-metric that has samples. */
export function metricResources(run: ControlledRun): Resource<MetricAttributes>[] {
  return run.registry.metrics.flatMap((metric) =>
    [metric, ...metric.subMetrics].filter(({ sink }) => !sink.isEmpty).map(({ name, sink }) => ({
      type: "metrics",
      id: name,
      attributes: {
        type: metric.type,
        contains: metric.contains,
        tainted: run.taintOf(name),
        sample: sampleOf(sink, run.durationMs),
      },
    }))
  );
}

function sampleOf(sink: Sink, durationMs: number): Record<string, number> {
  switch (sink.type) {
    case "counter":
      return { count: sink.sum, rate: durationMs === 0 ? 0 : sink.sum / (durationMs / 1000) };
    case "gauge":
      return { value: sink.last };
    case "rate":
      return { rate: sink.rate };
    case "trend":
      return {
        avg: sink.avg,
        max: sink.max,
        med: sink.quantile(0.5),
        min: sink.min,
        "p(90)": sink.quantile(0.9),
        "p(95)": sink.quantile(0.95),
      };
  }
}

/** A group and all groups inside, the outer ones first. */
export function groupResources(group: SummaryGroup, parent: SummaryGroup | null = null): Resource[] {
  const own: Resource = {
    type: "groups",
    id: idOf(group.path),
    attributes: {
      name: group.name,
      path: group.path,
      checks: group.checks.map(({ name, path, passes, fails }) => ({ id: idOf(path), name, path, passes, fails })),
    },
    relationships: {
      groups: { data: group.groups.map(groupReference) },
      parent: { data: parent === null ? null : groupReference(parent) },
    },
  };
  return [own, ...group.groups.flatMap((inner) => groupResources(inner, group))];
}

function groupReference({ path }: SummaryGroup): { readonly type: "groups"; readonly id: string } {
  return { type: "groups", id: idOf(path) };
}

/** As in the summary: MD5 of the path, in hexadecimal. */
function idOf(path: string): string {
  return createHash("md5").update(path).digest("hex");
}

/** The one result of `setup()`; its `data` is null when there is none. */
export function setupResource({ setupJson }: ControlledRun): Resource {
  return {
    type: "setupData",
    id: "default",
    attributes: { data: setupJson === undefined ? null : JSON.parse(setupJson) },
  };
}
