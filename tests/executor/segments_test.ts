/** Execution segments: whatever the sequence, the parts of an executor's schedule add up to the whole. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createSchedule, type OpenSchedule, scenarioOfShare, scenarioVus } from "../../src/executor/schedule.ts";
import { divide, EVERYTHING, type Share } from "../../src/executor/stripes.ts";
import type { ArrivalRateScenario, Scenario } from "../../src/options/types.ts";

const base = { name: "s", startTimeMs: 0, gracefulStopMs: 0, exec: "default", env: {}, tags: {} };
const count = fc.integer({ min: 0, max: 2000 });
const stages = fc.array(fc.record({ durationMs: fc.integer({ min: 1, max: 3000 }), target: fc.nat(50) }), {
  minLength: 1,
  maxLength: 4,
});
const open = { ...base, timeUnitMs: 1000, preAllocatedVus: 7, maxVus: 31 };
const arrivals: fc.Arbitrary<ArrivalRateScenario> = fc.oneof(
  fc.record({ rate: fc.integer({ min: 1, max: 300 }), durationMs: fc.integer({ min: 1000, max: 3000 }) })
    .map((given): ArrivalRateScenario => ({ ...open, ...given, executor: "constant-arrival-rate" })),
  fc.record({ startRate: fc.nat(50), stages })
    .map((given): ArrivalRateScenario => ({ ...open, ...given, executor: "ramping-arrival-rate" })),
);
const scenarios: fc.Arbitrary<Scenario> = fc.oneof(
  count.map((vus): Scenario => ({ ...base, executor: "constant-vus", vus, durationMs: 1000 })),
  fc.tuple(count, count).map(([vus, iterations]): Scenario => ({
    ...base,
    executor: "shared-iterations",
    vus,
    iterations,
    maxDurationMs: 1000,
  })),
  count.map((vus): Scenario => ({ ...base, executor: "per-vu-iterations", vus, iterations: 3, maxDurationMs: 1000 })),
  fc.tuple(count, stages).map(([startVus, given]): Scenario => ({
    ...base,
    executor: "ramping-vus",
    startVus,
    stages: given,
    gracefulRampDownMs: 0,
  })),
  fc.tuple(count, count).map(([vus, more]): Scenario => ({
    ...base,
    executor: "externally-controlled",
    vus,
    maxVus: vus + more,
    durationMs: 1000,
  })),
  arrivals,
);
const sequences = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });

Deno.test("users and shared iterations of all segments add up to the whole test's", () => {
  fc.assert(fc.property(scenarios, sequences, (scenario, weights) => {
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const parts = divide(weights).map((share, i) => scenarioOfShare(scenario, share, weights[i]! / whole));
    const sum = (value: (scenario: Scenario) => number) => parts.reduce((total, part) => total + value(part), 0);
    if (scenario.executor === "ramping-vus") {
      assertEquals(sum((part) => part.executor === "ramping-vus" ? part.startVus : NaN), scenario.startVus);
    } else {
      assertEquals(sum((part) => scenarioVus(part).initial), scenarioVus(scenario).initial);
      assertEquals(sum((part) => scenarioVus(part).max), scenarioVus(scenario).max);
    }
    const iterations = (given: Scenario) => given.executor === "shared-iterations" ? given.iterations : 0;
    assertEquals(sum(iterations), iterations(scenario));
  }));
});

Deno.test("arrival rates of all segments start the same iterations at the same times as the whole test", () => {
  fc.assert(fc.property(arrivals, sequences, (scenario, weights) => {
    const whole = starts(scenario, EVERYTHING);
    const parts = divide(weights).flatMap((share) => starts(scenario, share)).sort((a, b) => a - b);
    assertEquals(parts.length, whole.length);
    parts.forEach((at, k) => assertAlmostEquals(at, whole[k]!, 1e-6));
  }));
});

Deno.test("a segment's rate is its share of the whole's over any whole cycle", () => {
  const scenario: Scenario = { ...open, executor: "constant-arrival-rate", rate: 60, durationMs: 2000 };
  const [first, second] = divide([1, 2]);
  const within = (share: Share, ms: number) => starts(scenario, share).filter((at) => at < ms).length;
  assertEquals([within(first!, 1000), within(second!, 1000)], [20, 40]);
});

function starts(scenario: ArrivalRateScenario, share: Share): number[] {
  const { total, startOffsetMs } = createSchedule(scenario, share, () => 0) as OpenSchedule;
  return Array.from({ length: total }, (_, k) => startOffsetMs(k));
}
