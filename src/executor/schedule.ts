/**
 * What the executors decide, as arithmetic: no clock, no I/O, no virtual users. The worker's runner hands in the time
 * that has passed since the scenario started (milliseconds) and does what the answer says.
 */

import type { ConstantArrivalRateScenario, Scenario } from "../options/types.ts";

/** A closed model: virtual users loop, and ask before each iteration. */
export interface ClosedSchedule {
  readonly model: "closed";
  /** When the regular time is over and no further iteration may start. */
  readonly regularDurationMs: number;
  /** Whether a virtual user that has begun `begun` iterations of this scenario may begin another one. Hot. */
  mayBegin(begun: number, elapsedMs: number): boolean;
  /** Iterations that will never start, when the regular time is over and a virtual user has begun `begun`. */
  leftOver(begun: number): number;
}

/** An open model: iterations start at times of their own, if a virtual user is free. */
export interface OpenSchedule {
  readonly model: "open";
  readonly regularDurationMs: number;
  /** Iterations of the whole scenario. */
  readonly total: number;
  /** Intended start of iteration `k` (from 0), milliseconds after the scenario's start. Rises with `k`. */
  startOffsetMs(k: number): number;
}

/** A scenario's schedule on one worker. */
export type Schedule = ClosedSchedule | OpenSchedule;

/** Takes the next iteration from a counter that all workers share; returns how many had been taken before. */
export type TakeIteration = () => number;

/** The schedule of `scenario`. */
export function createSchedule(scenario: Scenario, take: TakeIteration): Schedule {
  switch (scenario.executor) {
    case "constant-vus":
      return loopUntil(scenario.durationMs);
    case "per-vu-iterations":
      return iterationsPerVu(scenario.iterations, scenario.maxDurationMs);
    case "shared-iterations":
      return sharedIterations(scenario.iterations, scenario.maxDurationMs, take);
    case "constant-arrival-rate":
      return constantArrivalRate(scenario);
  }
}

function loopUntil(durationMs: number): ClosedSchedule {
  return {
    model: "closed",
    regularDurationMs: durationMs,
    mayBegin: (_begun, elapsedMs) => elapsedMs < durationMs,
    leftOver: () => 0,
  };
}

function iterationsPerVu(iterations: number, maxDurationMs: number): ClosedSchedule {
  return {
    model: "closed",
    regularDurationMs: maxDurationMs,
    mayBegin: (begun, elapsedMs) => begun < iterations && elapsedMs < maxDurationMs,
    leftOver: (begun) => iterations - begun,
  };
}

function sharedIterations(iterations: number, maxDurationMs: number, take: TakeIteration): ClosedSchedule {
  return {
    model: "closed",
    regularDurationMs: maxDurationMs,
    mayBegin: (_begun, elapsedMs) => elapsedMs < maxDurationMs && take() < iterations,
    // Nobody owns what is left of a shared counter: the engine counts it once all workers are done.
    leftOver: () => 0,
  };
}

/** Iteration k starts at k·timeUnit/rate; as in k6, one that is due at the very end starts too: 11 at 10/s for 1 s. */
function constantArrivalRate(scenario: ConstantArrivalRateScenario): OpenSchedule {
  const { rate, timeUnitMs, durationMs } = scenario;
  return {
    model: "open",
    regularDurationMs: durationMs,
    total: Math.floor((durationMs * rate) / timeUnitMs) + 1,
    startOffsetMs: (k) => (k * timeUnitMs) / rate,
  };
}

/** Virtual users that a scenario may use at the most, and those it starts with. */
export function scenarioVus(scenario: Scenario): { readonly initial: number; readonly max: number } {
  return scenario.executor === "constant-arrival-rate"
    ? { initial: scenario.preAllocatedVus, max: scenario.maxVus }
    : { initial: scenario.vus, max: scenario.vus };
}

/** Time after which a scenario is over in any case, counted from the start of the test. */
export function latestEndMs(scenario: Scenario): number {
  return scenario.startTimeMs + regularDurationMs(scenario) + scenario.gracefulStopMs;
}

/** How long a scenario may begin iterations. */
export function regularDurationMs(scenario: Scenario): number {
  return "durationMs" in scenario ? scenario.durationMs : scenario.maxDurationMs;
}
