/** Scenarios to test with; every field can be set. */

import type {
  ConstantArrivalRateScenario,
  ConstantVusScenario,
  PerVuIterationsScenario,
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
