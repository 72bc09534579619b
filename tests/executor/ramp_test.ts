import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { iterationsOfRamp, startsOfRamp, valueOfRamp, VuRamp } from "../../src/executor/ramp.ts";
import { divide, divideEvenly, EVERYTHING, type Share, shareOf } from "../../src/executor/stripes.ts";
import type { Stage } from "../../src/options/types.ts";

const stages = fc.array(
  fc.record({ durationMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5000 })), target: fc.nat(60) }),
  { minLength: 1, maxLength: 5 },
);

/** Every change, as `[ms, users]`. */
function steps(start: number, ramp: readonly Stage[], share: Share = EVERYTHING): [number, number][] {
  const walker = new VuRamp(start, ramp, share);
  const all: [number, number][] = [[walker.atMs, walker.vus]];
  while (walker.advance()) all.push([walker.atMs, walker.vus]);
  return all;
}

/** Users at a moment, all steps of that moment done. */
function usersAt(all: readonly [number, number][], ms: number): number {
  return all.findLast(([at]) => at <= ms + 1e-6)![1];
}

Deno.test("virtual users come evenly, the last at the very end of the stage", () => {
  assertEquals(steps(0, [{ durationMs: 1000, target: 4 }]), [[0, 0], [250, 1], [500, 2], [750, 3], [1000, 4]]);
  assertEquals(steps(2, [{ durationMs: 1000, target: 0 }]), [[0, 2], [500, 1], [1000, 0]]);
});

Deno.test("a stage without duration is one jump; one without change lets time pass", () => {
  assertEquals(
    steps(1, [{ durationMs: 0, target: 5 }, { durationMs: 700, target: 5 }, { durationMs: 0, target: 2 }]),
    [[0, 1], [0, 5], [700, 2]],
  );
});

Deno.test("at every moment the users of all segments, and of all workers in them, add up to the whole", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(fc.nat(60), stages, weights, fc.integer({ min: 1, max: 4 }), (start, ramp, all, workers) => {
    const whole = steps(start, ramp);
    const parts = divide(all).flatMap((segment) =>
      divideEvenly(workers).map((worker) => steps(start, ramp, shareOf(segment, worker)))
    );
    for (const [ms, users] of whole.filter(([at], i) => whole[i + 1]?.[0] !== at)) {
      assertEquals(parts.reduce((sum, part) => sum + usersAt(part, ms), 0), usersAt(whole, ms), `at ${ms} of ${users}`);
    }
  }));
});

Deno.test("the number of users is never more than one away from the straight line", () => {
  fc.assert(fc.property(fc.nat(60), stages, fc.nat(25_000), (start, ramp, ms) => {
    // At a jump both values are right.
    const line = [valueOfRamp(start, ramp, ms), valueOfRamp(start, ramp, ms - 1e-6)];
    const users = usersAt(steps(start, ramp), ms);
    assert(line.some((value) => Math.abs(users - value) <= 1 + 1e-6), `${users} instead of ${line}`);
  }));
});

Deno.test("a constant rate starts its iterations evenly, the first one a whole distance after the start", () => {
  const start = startsOfRamp(10, [{ durationMs: 1000, target: 10 }], 1000);
  assertEquals([0, 1, 9].map(start), [100, 200, 1000]);
  assertEquals(iterationsOfRamp(10, [{ durationMs: 1000, target: 10 }], 1000), 10);
});

Deno.test("a ramp from nothing starts its iterations where the integral is whole", () => {
  const ramp = [{ durationMs: 2000, target: 10 }];
  assertEquals(iterationsOfRamp(0, ramp, 1000), 10);
  // The integral of 5·t is 2.5·t².
  const start = startsOfRamp(0, ramp, 1000);
  for (const k of [0, 3, 9]) assertAlmostEquals(start(k), 1000 * Math.sqrt((k + 1) / 2.5), 1e-6);
});

Deno.test("iteration k starts when the integral of the rate is k + 1, for any stages", () => {
  fc.assert(fc.property(fc.nat(60), stages, fc.integer({ min: 1, max: 3000 }), (startRate, ramp, timeUnitMs) => {
    const total = iterationsOfRamp(startRate, ramp, timeUnitMs);
    const start = startsOfRamp(startRate, ramp, timeUnitMs);
    let before = 0;
    for (let k = 0; k < Math.min(total, 300); k++) {
      const at = start(k);
      assert(at >= before, "starts must rise");
      before = at;
      assertAlmostEquals(integral(startRate, ramp, at) / timeUnitMs, k + 1, 1e-4);
    }
  }));
});

Deno.test("starts may be asked for in any order", () => {
  const ramp = [{ durationMs: 1000, target: 20 }, { durationMs: 0, target: 5 }, { durationMs: 2000, target: 40 }];
  const inOrder = startsOfRamp(5, ramp, 1000);
  const expected = [0, 10, 20, 40].map(inOrder);
  const backwards = startsOfRamp(5, ramp, 1000);
  assertEquals([40, 20, 10, 0].map(backwards).reverse(), expected);
});

function integral(start: number, ramp: readonly Stage[], untilMs: number): number {
  let sum = 0;
  let from = start;
  let leftMs = untilMs;
  for (const { durationMs, target } of ramp) {
    const passed = Math.min(leftMs, durationMs);
    const to = durationMs === 0 ? target : from + (target - from) * passed / durationMs;
    sum += passed * (from + to) / 2;
    leftMs -= passed;
    if (passed < durationMs) break;
    from = target;
  }
  return sum;
}
