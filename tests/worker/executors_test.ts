/** All executors on a fake clock: one table of cases, each run on one, two and three workers, whole and in segments. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { planRun } from "../../src/engine/plan.ts";
import { VuRamp } from "../../src/executor/ramp.ts";
import { EVERYTHING } from "../../src/executor/stripes.ts";
import { setSuspendingForm, type Suspension } from "../../src/script/suspension.ts";
import { type ScenarioHost, ScenarioRunner } from "../../src/worker/scenario_runner.ts";
import { allocateSharedState, ScenarioCell, WorkerCell } from "../../src/worker/shared_state.ts";
import { Timers } from "../../src/worker/timers.ts";
import type { Turn } from "../../src/worker/turns.ts";
import { currentUser, type VirtualUser } from "../../src/worker/virtual_user.ts";
import { FakeClock } from "./fake_clock.ts";
import { TestRuntime } from "./test_runtime.ts";

interface Case {
  readonly name: string;
  readonly scenario: Record<string, unknown>;
  /** What an iteration sleeps, and what it computes before. */
  readonly iterationMs: number;
  readonly computesMs?: number;
  readonly options?: Record<string, unknown>;
  readonly complete: number;
  readonly interrupted?: number;
  readonly dropped?: number;
  /** When it is over, where that doesn't depend on how the workers help one another. */
  readonly endsAtMs?: number;
  /** Whether only the whole test has these numbers: users are too few for the parts to have them too. */
  readonly onlyWhole?: true;
}

const RAMP = [{ duration: "500ms", target: 4 }, { duration: "1s", target: 4 }, { duration: 0, target: 2 }, {
  duration: "1s",
  target: 0,
}];
const RATES = [{ duration: "1s", target: 20 }, { duration: "1s", target: 20 }, { duration: 0, target: 5 }, {
  duration: "1s",
  target: 5,
}];

const CASES: readonly Case[] = [
  {
    name: "constant-vus loops until its time is over, and lets the last iterations end",
    scenario: { executor: "constant-vus", vus: 6, duration: "1s" },
    iterationMs: 400,
    complete: 18,
    endsAtMs: 1200,
  },
  {
    name: "constant-vus interrupts what outlasts gracefulStop",
    scenario: { executor: "constant-vus", vus: 6, duration: "1s", gracefulStop: "100ms" },
    iterationMs: 400,
    complete: 12,
    interrupted: 6,
    endsAtMs: 1100,
  },
  {
    name: "minIterationDuration stretches short iterations",
    scenario: { executor: "constant-vus", vus: 6, duration: "1s" },
    options: { minIterationDuration: "300ms" },
    iterationMs: 100,
    complete: 24,
    endsAtMs: 1200,
  },
  {
    name: "shared-iterations are done when the last one is",
    scenario: { executor: "shared-iterations", vus: 6, iterations: 18 },
    iterationMs: 100,
    complete: 18,
    endsAtMs: 300,
  },
  {
    name: "per-vu-iterations counts what maxDuration cut off",
    scenario: { executor: "per-vu-iterations", vus: 6, iterations: 5, maxDuration: "1s" },
    iterationMs: 400,
    complete: 18,
    dropped: 12,
    endsAtMs: 1200,
  },
  {
    name: "ramping-vus starts each user at its step, and takes it away at its step",
    scenario: { executor: "ramping-vus", startVUs: 1, stages: RAMP },
    iterationMs: 103,
    complete: 65,
    endsAtMs: 2575,
  },
  {
    name: "a user that ramps down may end its iteration within gracefulRampDown",
    scenario: {
      executor: "ramping-vus",
      startVUs: 6,
      stages: [{ duration: "1s", target: 0 }, { duration: "2s", target: 0 }],
    },
    iterationMs: 700,
    complete: 8,
    endsAtMs: 3000,
  },
  {
    name: "a jump at the very start wins over startVUs",
    scenario: {
      executor: "ramping-vus",
      startVUs: 6,
      gracefulRampDown: "100ms",
      stages: [{ duration: 0, target: 0 }, { duration: "2s", target: 0 }],
    },
    iterationMs: 700,
    complete: 0,
    interrupted: 0,
    endsAtMs: 2000,
  },
  {
    name: "a jump takes users away at once, with their grace",
    scenario: {
      executor: "ramping-vus",
      startVUs: 6,
      gracefulRampDown: "100ms",
      stages: [{ duration: "1s", target: 6 }, { duration: 0, target: 3 }, { duration: "1s", target: 3 }],
    },
    iterationMs: 700,
    complete: 12,
    interrupted: 3,
    endsAtMs: 2100,
  },
  {
    name: "a user that is wanted again before its iteration has ended just goes on",
    scenario: {
      executor: "ramping-vus",
      startVUs: 6,
      stages: [{ duration: "100ms", target: 6 }, { duration: 0, target: 0 }, { duration: "200ms", target: 0 }, {
        duration: 0,
        target: 6,
      }, { duration: "700ms", target: 6 }],
    },
    iterationMs: 400,
    complete: 18,
    endsAtMs: 1200,
  },
  {
    name: "constant-arrival-rate starts iterations evenly, the last one at the very end",
    scenario: { executor: "constant-arrival-rate", rate: 12, timeUnit: "1s", duration: "1s", preAllocatedVUs: 12 },
    iterationMs: 400,
    complete: 13,
    endsAtMs: 1400,
  },
  {
    name: "constant-arrival-rate drops what no user is free for",
    scenario: { executor: "constant-arrival-rate", rate: 20, timeUnit: "1s", duration: "1s", preAllocatedVUs: 2 },
    iterationMs: 400,
    complete: 6,
    dropped: 15,
    onlyWhole: true,
  },
  {
    name: "ramping-arrival-rate starts as many as the integral of its rate",
    scenario: { executor: "ramping-arrival-rate", startRate: 5, preAllocatedVUs: 12, stages: RATES },
    iterationMs: 10,
    complete: 37,
    endsAtMs: 3000,
  },
  {
    name: "externally-controlled starts with its users",
    scenario: { executor: "externally-controlled", vus: 3, maxVUs: 6, duration: "1s", gracefulStop: "1s" },
    iterationMs: 400,
    complete: 9,
    endsAtMs: 1200,
  },
];

for (const each of CASES) {
  for (const workers of [1, 2, 3]) {
    Deno.test(`${each.name} (${workers} workers)`, () => {
      using run = new FakeRun(each, workers);
      run.toEnd();
      assertEquals(run.figures(), {
        complete: each.complete,
        interrupted: each.interrupted ?? 0,
        dropped: each.dropped ?? 0,
        active: 0,
      });
      if (each.endsAtMs !== undefined) assertEquals(Math.round(run.endedAtMs), each.endsAtMs);
    });
  }
  if (each.onlyWhole) continue;
  for (const sequence of ["0,1/2,1", "0,1/6,1/2,1"]) {
    Deno.test(`${each.name} (segments ${sequence} together)`, () => {
      const points = sequence.split(",");
      const all = points.slice(1).map((to, i) => {
        using run = new FakeRun(each, 2, `${points[i]}:${to}`, sequence);
        run.toEnd();
        return run;
      });
      const sum = (name: "complete" | "interrupted" | "dropped") =>
        all.reduce((total, run) => total + run.figures()[name], 0);
      assertEquals([sum("complete"), sum("interrupted"), sum("dropped")], [
        each.complete,
        each.interrupted ?? 0,
        each.dropped ?? 0,
      ]);
      // They are the whole test's: no two instances have the same.
      const numbers = all.flatMap((run) => run.iterationNumbers);
      assertEquals(new Set(numbers).size, each.complete + (each.interrupted ?? 0));
    });
  }
}

Deno.test("an externally controlled scenario follows what it is told: more users, none, more than ever", () => {
  const scenario = { executor: "externally-controlled", vus: 1, maxVUs: 4, duration: "4s", gracefulStop: "1s" };
  using run = new FakeRun({ scenario, iterationMs: 100 }, 2);
  const activeAt = (ms: number): number => {
    run.advanceTo(ms);
    return run.figures().active;
  };
  assertEquals(activeAt(500), 1);
  run.control(4, 4);
  assertEquals(activeAt(1000), 4);
  run.control(0, 4);
  assertEquals(activeAt(1500), 0);
  run.control(7, 9);
  assertEquals(activeAt(2000), 7);
  run.toEnd();
  assertEquals(run.figures().interrupted, 0);
});

Deno.test("an arrival rate that computes more than the thread can drops iterations, as if all users were busy, and ends in time", () => {
  const scenario = { executor: "constant-arrival-rate", rate: 100, duration: "1s", preAllocatedVUs: 5 };
  using run = new FakeRun({ scenario, iterationMs: 0, computesMs: 20 }, 1);
  run.toEnd();
  const { complete, dropped } = run.figures();
  assertEquals(complete + dropped, 101);
  assert(complete >= 50 && complete <= 56, `${complete} complete`);
  assert(run.endedAtMs <= 1150, `ended after ${run.endedAtMs} ms`);
});

Deno.test("any stages: at every moment as many users loop as the ramp says, whatever the number of workers", () => {
  const stage = fc.record({ duration: fc.integer({ min: 0, max: 2000 }), target: fc.nat(30) });
  const ramp = fc.array(stage, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      ramp,
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom(1, 2, 3),
      fc.nat(8000),
      (stages, startVUs, workers, ms) => {
        const scenario = { executor: "ramping-vus", startVUs, stages, gracefulRampDown: 0, gracefulStop: 0 };
        using run = new FakeRun({ scenario, iterationMs: 50 }, workers);
        const readStages = stages.map(({ duration, target }) => ({ durationMs: duration, target }));
        const walker = new VuRamp(startVUs, readStages, EVERYTHING);
        let wanted = walker.vus;
        while (walker.advance() && walker.atMs <= ms + 0.5) wanted = walker.vus;
        if (ms >= stages.reduce((sum, { duration }) => sum + duration, 0)) wanted = 0;
        run.advanceTo(ms + 0.5);
        assertEquals(run.figures().active, wanted);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("any rates: every iteration that is due starts at its time, whatever the number of workers", () => {
  const stage = fc.record({ duration: fc.integer({ min: 0, max: 2000 }), target: fc.nat(300) });
  fc.assert(
    fc.property(
      fc.array(stage, { minLength: 1, maxLength: 4 }),
      fc.nat(200),
      fc.constantFrom(1, 2, 3),
      (stages, startRate, workers) => {
        const scenario = {
          executor: "ramping-arrival-rate",
          startRate,
          stages,
          preAllocatedVUs: 20,
          gracefulStop: "1s",
        };
        using run = new FakeRun({ scenario, iterationMs: 1 }, workers);
        run.toEnd();
        const integral = stages.reduce(
          ({ area, from }, { duration, target }) => ({ area: area + duration * (from + target) / 2000, from: target }),
          { area: 0, from: startRate },
        ).area;
        const { complete, dropped } = run.figures();
        assertEquals(dropped, 0);
        assert(Math.abs(complete - integral) <= 1, `${complete} of ${integral}`);
      },
    ),
    { numRuns: 50 },
  );
});

/** One instance's run of a scenario: all its workers on one thread. */
class FakeRun implements Disposable {
  endedAtMs = NaN;
  /** `iterationInTest` of every iteration that began. */
  readonly iterationNumbers: number[] = [];
  readonly #clock = new FakeClock();
  readonly #workers: FakeWorker[];
  readonly #startedAtMs: number;

  constructor(
    { scenario, iterationMs, computesMs = 0, options = {} }: Pick<
      Case,
      "scenario" | "iterationMs" | "computesMs" | "options"
    >,
    workers: number,
    executionSegment = "",
    executionSegmentSequence = "",
  ) {
    const script = { ...options, scenarios: { s: scenario }, executionSegment, executionSegmentSequence };
    const { options: read } = new TestRuntime(script);
    const plan = planRun(read.scenarios, workers, read.segment);
    const buffers = allocateSharedState(plan.workers.length, 1, plan.plannedVus);
    const ended = (): void => {
      if (this.#workers.every(({ isDone }) => isDone)) this.endedAtMs = this.#clock.now - this.#startedAtMs;
    };
    this.#workers = plan.workers.map(({ parts, vuIds }, worker) => {
      const timers = new Timers(this.#clock.alarm);
      const test = new TestRuntime(script, { worker, workers: plan.workers.length, buffers, timers });
      const iteration = this.#iteration(test, iterationMs, computesMs);
      return new FakeWorker(test, parts[0]!, vuIds, iteration, ended);
    });
    this.#startedAtMs = this.#clock.now;
    for (const worker of this.#workers) worker.runner.start(this.#startedAtMs);
    this.#takeTurns();
  }

  advanceTo(ms: number): void {
    this.#clock.advanceTo(this.#startedAtMs + ms, () => this.#takeTurns());
  }

  toEnd(): void {
    this.advanceTo(60_000);
    assert(!Number.isNaN(this.endedAtMs), "the scenario did not end");
  }

  control(vus: number, maxVus: number): void {
    for (const { runner } of this.#workers) runner.control({ vus, maxVus });
  }

  figures(): { complete: number; interrupted: number; dropped: number; active: number } {
    const { state } = this.#workers[0]!.test.runtime;
    return {
      complete: state.total(WorkerCell.iterationsCompleted),
      interrupted: state.total(WorkerCell.iterationsInterrupted),
      dropped: this.#workers.reduce((sum, { test }) => sum + test.sumOf("dropped_iterations"), 0),
      active: state.scenarioTotal(0, ScenarioCell.vusActive),
    };
  }

  [Symbol.dispose](): void {
    this.#clock[Symbol.dispose]();
  }

  #takeTurns(): void {
    for (const worker of this.#workers) worker.takeTurns();
  }

  /** A default function that computes and sleeps. */
  #iteration({ runtime }: TestRuntime, iterationMs: number, computesMs: number): () => void {
    const { iterationNumbers } = this;
    const clock = this.#clock;
    const form = function* (): Generator<Suspension, void, unknown> {
      iterationNumbers.push(runtime.segment.item(currentUser!.iterationInInstance));
      clock.spend(computesMs);
      if (iterationMs === 0) return;
      const entry = { dueAtMs: 0, heapIndex: -1, timerDue: () => {} };
      yield {
        begin(user) {
          entry.timerDue = () => user.resume(undefined);
          runtime.timers.add(entry, performance.now() + iterationMs);
        },
        cancel: () => runtime.timers.remove(entry),
        block: () => undefined,
      };
    };
    return setSuspendingForm(() => {}, form);
  }
}

class FakeWorker implements ScenarioHost {
  isDone = false;
  readonly test: TestRuntime;
  readonly runner: ScenarioRunner;
  readonly #users: VirtualUser[];
  readonly #iteration: () => void;
  readonly #ended: () => void;
  #turns: Turn[] = [];

  constructor(
    test: TestRuntime,
    part: ConstructorParameters<typeof ScenarioRunner>[4],
    vuIds: readonly number[],
    iteration: () => void,
    ended: () => void,
  ) {
    this.test = test;
    this.#iteration = iteration;
    this.#ended = ended;
    this.#users = vuIds.map((id) => test.user(id, { default: iteration }));
    this.runner = new ScenarioRunner(test.runtime, this, 0, test.options.scenarios[0]!, part);
  }

  takeTurns(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) turn.next();
  }

  takeUser(): VirtualUser | null {
    return this.#users.shift() ?? null;
  }

  createUser(): VirtualUser | null {
    return this.test.user(this.test.runtime.state.takeUnplannedVu() + 1, { default: this.#iteration });
  }

  returnUser(user: VirtualUser): void {
    this.#users.push(user);
  }

  setupJson(): undefined {
    return undefined;
  }

  iterationFailed(_: VirtualUser, error: unknown): void {
    throw error;
  }

  scenarioDone(): void {
    this.isDone = true;
    this.#ended();
  }

  soon(turn: Turn): void {
    this.#turns.push(turn);
  }
}
