/** Scenarios to test with; every field can be set. */

import type {
  ConstantArrivalRateScenario,
  ConstantVusScenario,
  ExternallyControlledScenario,
  PerVuIterationsScenario,
  RampingArrivalRateScenario,
  RampingVusScenario,
  SharedIterationsScenario,
} from "../../../src/options/types.ts";

const BASE = { name: "default", startTimeMs: 0, gracefulStopMs: 30_000, exec: "default", env: {}, tags: {} };

export function constantVus(fields: Partial<ConstantVusScenario> = {}): ConstantVusScenario {
  return { ...BASE, executor: "constant-vus", vus: 10, durationMs: 30_000, ...fields };
}

export function sharedIterations(fields: Partial<SharedIterationsScenario> = {}): SharedIterationsScenario {
  return { ...BASE, executor: "shared-iterations", vus: 2, iterations: 4, maxDurationMs: 600_000, ...fields };
}

export function perVuIterations(fields: Partial<PerVuIterationsScenario> = {}): PerVuIterationsScenario {
  return { ...BASE, executor: "per-vu-iterations", vus: 2, iterations: 5, maxDurationMs: 600_000, ...fields };
}

export function constantArrivalRate(fields: Partial<ConstantArrivalRateScenario> = {}): ConstantArrivalRateScenario {
  return {
    ...BASE,
    executor: "constant-arrival-rate",
    rate: 200,
    timeUnitMs: 1000,
    durationMs: 3_600_000,
    preAllocatedVus: 100,
    maxVus: 200,
    ...fields,
  };
}

const STAGES = [{ durationMs: 10_000, target: 20 }, { durationMs: 20_000, target: 0 }];

export function rampingVus(fields: Partial<RampingVusScenario> = {}): RampingVusScenario {
  return { ...BASE, executor: "ramping-vus", startVus: 1, stages: STAGES, gracefulRampDownMs: 30_000, ...fields };
}

export function rampingArrivalRate(fields: Partial<RampingArrivalRateScenario> = {}): RampingArrivalRateScenario {
  return {
    ...BASE,
    executor: "ramping-arrival-rate",
    startRate: 10,
    timeUnitMs: 1000,
    stages: STAGES,
    preAllocatedVus: 5,
    maxVus: 50,
    ...fields,
  };
}

export function externallyControlled(fields: Partial<ExternallyControlledScenario> = {}): ExternallyControlledScenario {
  const own = { executor: "externally-controlled", vus: 2, maxVus: 10, durationMs: 30_000 } as const;
  return { ...BASE, gracefulStopMs: 0, ...own, ...fields };
}
