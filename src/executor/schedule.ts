/**
 * What the executors decide, as arithmetic: no clock, no I/O, no virtual users. The worker's runner hands in the time
 * that has passed since the scenario started (milliseconds) and does what the answer says.
 */

import type { ArrivalRateScenario, Scenario } from "../options/types.ts";
import { highestOf, iterationsOfRamp, stagesDurationMs, startsOfRamp } from "./ramp.ts";
import type { Share } from "./stripes.ts";

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
  /** Iterations of this instance. */
  readonly total: number;
  /** Intended start of this instance's iteration `k` (from 0), milliseconds after the scenario's start. Rises with `k`. */
  startOffsetMs(k: number): number;
}

/** A scenario's schedule on one worker. */
export type Schedule = ClosedSchedule | OpenSchedule;

/** Takes the next iteration from a counter that all workers of an instance share; returns how many had been taken before. */
export type TakeIteration = () => number;

/** The schedule of `scenario` for the instance that has `share` of the test. */
export function createSchedule(scenario: Scenario, share: Share, take: TakeIteration): Schedule {
  switch (scenario.executor) {
    case "constant-vus":
    case "ramping-vus":
    case "externally-controlled":
      return loopUntil(regularDurationMs(scenario));
    case "per-vu-iterations":
      return iterationsPerVu(scenario.iterations, scenario.maxDurationMs);
    case "shared-iterations":
      return sharedIterations(share.count(scenario.iterations), scenario.maxDurationMs, take);
    case "constant-arrival-rate":
    case "ramping-arrival-rate":
      return arrivals(scenario, share);
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

function arrivals(scenario: ArrivalRateScenario, share: Share): OpenSchedule {
  const { total, startMs } = scenario.executor === "constant-arrival-rate"
    ? constantArrivals(scenario)
    : rampingArrivals(scenario);
  return {
    model: "open",
    regularDurationMs: regularDurationMs(scenario),
    total: share.count(total),
    startOffsetMs: (k) => startMs(share.item(k)),
  };
}

/** Iterations of the whole test: how many, and when each starts. */
interface Arrivals {
  readonly total: number;
  readonly startMs: (k: number) => number;
}

/** Iteration k starts at k·timeUnit/rate; as in k6, one that is due at the very end starts too: 11 at 10/s for 1 s. */
function constantArrivals(
  { rate, timeUnitMs, durationMs }: ArrivalRateScenario & { executor: "constant-arrival-rate" },
): Arrivals {
  return {
    total: Math.floor((durationMs * rate) / timeUnitMs) + 1,
    startMs: (k) => (k * timeUnitMs) / rate,
  };
}

/** As in k6, an iteration starts when the integral of the rate reaches a whole number: the first not at once, but at 1. */
function rampingArrivals(
  { startRate, stages, timeUnitMs }: ArrivalRateScenario & { executor: "ramping-arrival-rate" },
): Arrivals {
  return {
    total: iterationsOfRamp(startRate, stages, timeUnitMs),
    startMs: startsOfRamp(startRate, stages, timeUnitMs),
  };
}

/** Virtual users that a scenario may use at the most, and those that are created for it before the start. */
export function scenarioVus(scenario: Scenario): { readonly initial: number; readonly max: number } {
  switch (scenario.executor) {
    case "constant-arrival-rate":
    case "ramping-arrival-rate":
      return { initial: scenario.preAllocatedVus, max: scenario.maxVus };
    case "ramping-vus": {
      const highest = highestOf(scenario.startVus, scenario.stages);
      return { initial: highest, max: highest };
    }
    case "externally-controlled":
      return { initial: scenario.maxVus, max: scenario.maxVus };
    default:
      return { initial: scenario.vus, max: scenario.vus };
  }
}

/** Whether the scenario's iterations start at times of their own. */
export function isOpenModel(scenario: Scenario): scenario is ArrivalRateScenario {
  return scenario.executor === "constant-arrival-rate" || scenario.executor === "ramping-arrival-rate";
}

/** Time after which a scenario is over in any case, counted from the start of the test; Infinity: only when it is stopped. */
export function latestEndMs(scenario: Scenario): number {
  return scenario.startTimeMs + regularDurationMs(scenario) + scenario.gracefulStopMs;
}

/** How long a scenario may begin iterations. */
export function regularDurationMs(scenario: Scenario): number {
  if ("stages" in scenario) return stagesDurationMs(scenario.stages);
  return "durationMs" in scenario ? scenario.durationMs : scenario.maxDurationMs;
}

/** The longest that the scenarios can take, from the start of the test to the end of the last graceful stop. */
export function maxRunDurationMs(scenarios: readonly Scenario[]): number {
  return Math.max(0, ...scenarios.map(latestEndMs));
}

/** The most virtual users that can be busy at the same time, graceful stops included. */
export function maxConcurrentVus(scenarios: readonly Scenario[]): number {
  let most = 0;
  // The number can only rise where a scenario starts, so no other moment needs a look.
  for (const { startTimeMs } of scenarios) {
    let busy = 0;
    for (const other of scenarios) {
      if (other.startTimeMs <= startTimeMs && startTimeMs < latestEndMs(other)) busy += scenarioVus(other).max;
    }
    most = Math.max(most, busy);
  }
  return most;
}

/**
 * The part of a scenario that an instance with `share` of the test runs, for who shows it. (What runs is scheduled from the
 * whole scenario, so that nothing is rounded twice.) Rates are exact shares: `fraction` of the whole.
 */
export function scenarioOfShare(scenario: Scenario, share: Share, fraction: number): Scenario {
  switch (scenario.executor) {
    case "constant-vus":
    case "per-vu-iterations":
      return { ...scenario, vus: share.count(scenario.vus) };
    case "shared-iterations":
      return { ...scenario, vus: share.count(scenario.vus), iterations: share.count(scenario.iterations) };
    case "ramping-vus":
      return {
        ...scenario,
        startVus: share.count(scenario.startVus),
        stages: scenario.stages.map(({ durationMs, target }) => ({ durationMs, target: share.count(target) })),
      };
    case "externally-controlled":
      return { ...scenario, vus: share.count(scenario.vus), maxVus: share.count(scenario.maxVus) };
    case "constant-arrival-rate":
      return { ...scenario, ...sharedVus(scenario, share), rate: scenario.rate * fraction };
    case "ramping-arrival-rate":
      return {
        ...scenario,
        ...sharedVus(scenario, share),
        startRate: scenario.startRate * fraction,
        stages: scenario.stages.map(({ durationMs, target }) => ({ durationMs, target: target * fraction })),
      };
  }
}

function sharedVus(scenario: ArrivalRateScenario, share: Share): { preAllocatedVus: number; maxVus: number } {
  return { preAllocatedVus: share.count(scenario.preAllocatedVus), maxVus: share.count(scenario.maxVus) };
}
