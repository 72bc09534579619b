/** What the REST API may know of a run and do to it. */

import type { MetricRegistry } from "../metrics/registry.ts";
import type { SummaryGroup } from "../summary/summary_input.ts";

/** What a run does at the moment. */
export type ControlledPhase = "init" | "paused" | "setup" | "running" | "teardown" | "ended";

/** A request that the run, as it is now, can't fulfil; the message is for the user. */
export class ControlError extends Error {
  override name = "ControlError";
}

/** A run, seen from outside. What it can't do now it answers with a `ControlError`; what is so already changes nothing. */
export interface ControlledRun {
  readonly phase: ControlledPhase;
  readonly isPaused: boolean;
  /** Whether something ended the run before its time. */
  readonly isStopped: boolean;
  /** Whether a threshold has been crossed, or the script marked the run as failed. */
  readonly isTainted: boolean;
  readonly counts: { readonly active: number; readonly initialized: number };
  readonly durationMs: number;
  readonly registry: MetricRegistry;
  /** All groups so far, from the nameless root on. */
  readonly rootGroup: SummaryGroup;
  /** Of a metric or sub-metric: whether one of its thresholds is crossed; null when it has none. */
  taintOf(metricName: string): boolean | null;
  pause(): void;
  resume(): void;
  scale(wanted: { readonly vus?: number; readonly maxVus?: number }): void;
  stop(): void;
  /** What `setup()` returned, or what took its place, as JSON. */
  readonly setupJson: string | undefined;
  replaceSetupData(json: string): void;
  callSetup(): Promise<void>;
  callTeardown(): Promise<void>;
}
