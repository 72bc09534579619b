import { assertEquals } from "@std/assert";
import {
  type ClosedSchedule,
  createSchedule,
  latestEndMs,
  maxConcurrentVus,
  maxRunDurationMs,
  type OpenSchedule,
} from "../../src/executor/schedule.ts";
import { EVERYTHING } from "../../src/executor/stripes.ts";
import type { Scenario } from "../../src/options/types.ts";
import { constantArrivalRate, constantVus } from "../cli/support/scenarios.ts";

const base = { name: "s", startTimeMs: 0, gracefulStopMs: 30_000, exec: "default", env: {}, tags: {} };

function closed(scenario: Scenario, take = () => 0): ClosedSchedule {
  const schedule = createSchedule(scenario, EVERYTHING, take);
  if (schedule.model !== "closed") throw new Error("not a closed model");
  return schedule;
}

function open(scenario: Scenario): OpenSchedule {
  const schedule = createSchedule(scenario, EVERYTHING, () => 0);
  if (schedule.model !== "open") throw new Error("not an open model");
  return schedule;
}

const arrivals: Scenario = {
  ...base,
  executor: "constant-arrival-rate",
  rate: 10,
  timeUnitMs: 1000,
  durationMs: 1000,
  preAllocatedVus: 1,
  maxVus: 1,
};

Deno.test("constant-vus begins iterations until its duration is over", () => {
  const schedule = closed({ ...base, executor: "constant-vus", vus: 1, durationMs: 1000 });
  assertEquals(schedule.mayBegin(1_000_000, 999), true);
  assertEquals(schedule.mayBegin(0, 1000), false);
  assertEquals(schedule.leftOver(5), 0);
});

Deno.test("per-vu-iterations begins as many as asked for, and counts what the time limit cut off", () => {
  const schedule = closed({ ...base, executor: "per-vu-iterations", vus: 2, iterations: 3, maxDurationMs: 1000 });
  assertEquals([0, 1, 2, 3].map((begun) => schedule.mayBegin(begun, 0)), [true, true, true, false]);
  assertEquals(schedule.mayBegin(1, 1000), false);
  assertEquals(schedule.leftOver(1), 2);
});

Deno.test("shared-iterations takes from the shared counter until it is used up, and never after the time limit", () => {
  let taken = 0;
  const schedule = closed(
    { ...base, executor: "shared-iterations", vus: 2, iterations: 2, maxDurationMs: 1000 },
    () => taken++,
  );
  assertEquals([schedule.mayBegin(0, 0), schedule.mayBegin(0, 0), schedule.mayBegin(0, 0)], [true, true, false]);
  const before = taken;
  assertEquals(schedule.mayBegin(0, 1000), false);
  assertEquals(taken, before);
});

Deno.test("constant-arrival-rate starts iteration k at k·timeUnit/rate", () => {
  const schedule = open(arrivals);
  assertEquals(schedule.total, 11);
  assertEquals([0, 1, 9].map((n) => schedule.startOffsetMs(n)), [0, 100, 900]);
});

Deno.test("a rate that doesn't divide the duration starts every iteration that is due before its end", () => {
  assertEquals(open({ ...arrivals, rate: 3, durationMs: 1100 }).total, 4);
  assertEquals(open({ ...arrivals, rate: 1, timeUnitMs: 60_000, durationMs: 1000 }).total, 1);
});

Deno.test("a scenario ends at the latest after start time, duration and graceful stop", () => {
  assertEquals(latestEndMs({ ...arrivals, startTimeMs: 500, gracefulStopMs: 2000 }), 3500);
});

Deno.test("the most users are those of scenarios that overlap, graceful stops included", () => {
  const cases = [
    [[], 0],
    [[constantVus()], 10],
    [[constantVus(), constantVus({ startTimeMs: 59_999 })], 20],
    [[constantVus(), constantVus({ startTimeMs: 60_000, vus: 3 })], 10],
    [[constantVus(), constantArrivalRate({ startTimeMs: 60_000 })], 200],
  ] as const;
  for (const [scenarios, most] of cases) assertEquals(maxConcurrentVus(scenarios), most);
});

Deno.test("the longest duration is the last end of a graceful stop", () => {
  assertEquals(maxRunDurationMs([]), 0);
  assertEquals(maxRunDurationMs([constantVus({ startTimeMs: 1000 }), constantVus()]), 61_000);
});
