import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { planRun } from "../../src/engine/plan.ts";
import type { Scenario } from "../../src/options/types.ts";

const base = { gracefulStopMs: 0, exec: "default", env: {}, tags: {} };

function vus(name: string, count: number, startTimeMs = 0, durationMs = 1000): Scenario {
  return { ...base, name, startTimeMs, executor: "constant-vus", vus: count, durationMs };
}

function arrivals(name: string, preAllocatedVus: number, maxVus: number): Scenario {
  return {
    ...base,
    name,
    startTimeMs: 0,
    executor: "constant-arrival-rate",
    rate: 10,
    timeUnitMs: 1000,
    durationMs: 1000,
    preAllocatedVus,
    maxVus,
  };
}

Deno.test("there are never more workers than virtual users", () => {
  assertEquals(planRun([vus("a", 1)], 8).workers.length, 1);
  assertEquals(planRun([vus("a", 3)], 8).workers.length, 3);
  assertEquals(planRun([vus("a", 100)], 8).workers.length, 8);
});

Deno.test("the parts of all workers add up to the scenario, and the ids of users are 1 to their number", () => {
  const counts = fc.record({
    workers: fc.integer({ min: 1, max: 16 }),
    a: fc.integer({ min: 1, max: 500 }),
    b: fc.nat(500),
  });
  fc.assert(fc.property(counts, ({ workers, a, b }) => {
    const plan = planRun([vus("a", a), arrivals("b", b, b + 7)], workers);
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    assertEquals(sum(plan.workers.map(({ parts }) => parts[0]!.initialVus)), a);
    assertEquals(sum(plan.workers.map(({ parts }) => parts[1]!.initialVus)), b);
    assertEquals(sum(plan.workers.map(({ parts }) => parts[1]!.maxVus)), b + 7);
    const ids = plan.workers.flatMap(({ vuIds }) => vuIds).sort((x, y) => x - y);
    assertEquals(ids, Array.from({ length: a + b }, (_, i) => i + 1));
  }));
});

Deno.test("exactly one worker leads each scenario, and it has virtual users", () => {
  const plan = planRun([vus("a", 64), arrivals("b", 1, 1), arrivals("c", 2, 2), arrivals("d", 9, 9)], 4);
  for (const scenario of [0, 1, 2, 3]) {
    const leaders = plan.workers.filter(({ parts }) => parts[scenario]!.leads);
    assertEquals(leaders.length, 1);
    assert(leaders[0]!.parts[scenario]!.maxVus > 0);
  }
});

Deno.test("scenarios one after the other share their virtual users", () => {
  assertEquals(planRun([vus("a", 4), vus("b", 6, 1000)], 2).plannedVus, 6);
  assertEquals(planRun([vus("a", 4), vus("b", 6, 999)], 2).plannedVus, 10);
});
