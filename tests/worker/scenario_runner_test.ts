import { assertEquals } from "@std/assert";
import { setSuspendingForm, type Suspension } from "../../src/script/suspension.ts";
import { type ScenarioHost, ScenarioRunner } from "../../src/worker/scenario_runner.ts";
import { WorkerCell } from "../../src/worker/shared_state.ts";
import type { Turn } from "../../src/worker/turns.ts";
import type { VirtualUser } from "../../src/worker/virtual_user.ts";
import { TestRuntime } from "./test_runtime.ts";

/** Hands out `users`; notes the end of the scenario and what failed. */
class TestHost implements ScenarioHost {
  readonly failures: unknown[] = [];
  done = false;
  readonly #end = Promise.withResolvers<void>();
  /** Resolves when the scenario is done: an iteration may take a turn of its own. */
  readonly ended = this.#end.promise;
  readonly #users: VirtualUser[];
  readonly #setupJson: string | undefined;

  constructor(users: VirtualUser[], setupJson?: string) {
    this.#users = users;
    this.#setupJson = setupJson;
  }

  takeUser(): VirtualUser | null {
    return this.#users.shift() ?? null;
  }

  createUser(): VirtualUser | null {
    return null;
  }

  returnUser(user: VirtualUser): void {
    this.#users.push(user);
  }

  setupJson(): string | undefined {
    return this.#setupJson;
  }

  iterationFailed(_: VirtualUser, error: unknown): void {
    this.failures.push(error);
  }

  scenarioDone(): void {
    this.done = true;
    this.#end.resolve();
  }

  soon(turn: Turn): void {
    setTimeout(() => turn.next(), 0);
  }
}

function runner(test: TestRuntime, host: TestHost, vus: number): ScenarioRunner {
  return new ScenarioRunner(test.runtime, host, 0, test.options.scenarios[0]!, {
    initialVus: vus,
    maxVus: vus,
    leads: true,
  });
}

/** A function that suspends and that nobody resumes. */
function suspendsForGood(): () => void {
  const never: Suspension = { begin: () => {}, block: () => undefined };
  const form = function* (): Generator<Suspension, void, unknown> {
    yield never;
  };
  return setSuspendingForm(() => {}, form);
}

Deno.test("what an iteration does to the setup data is gone in the next", async () => {
  const seen: number[] = [];
  const test = new TestRuntime({ iterations: 3 });
  const user = test.user(1, { default: (data: { list: number[] }) => seen.push(data.list.push(0)) });
  const host = new TestHost([user], '{"list":[]}');
  runner(test, host, 1).start(performance.now());
  await host.ended;
  assertEquals([seen, host.failures], [[1, 1, 1], []]);
});

Deno.test("the iteration that ends the test is complete, those that run beside it are interrupted", () => {
  const test = new TestRuntime({ vus: 3, iterations: 3 });
  const users = [1, 2, 3].map((id) => test.user(id, { default: suspendsForGood() }));
  const host = new TestHost([...users]);
  const scenario = runner(test, host, 3);
  scenario.start(performance.now());
  assertEquals(host.done, false);
  scenario.stop(users[1]!);
  const { state } = test.runtime;
  assertEquals(host.done, true);
  assertEquals([state.total(WorkerCell.iterationsCompleted), state.total(WorkerCell.iterationsInterrupted)], [1, 2]);
  assertEquals(test.sumOf("iterations"), 1);
  assertEquals(state.total(WorkerCell.vusActive), 0);
});

Deno.test("a scenario's name wins over its tag called scenario, its tags over those of the run", () => {
  const scenario = { executor: "per-vu-iterations", tags: { scenario: "other", where: "scenario" } };
  const test = new TestRuntime({ tags: { where: "run", wide: "1" }, scenarios: { own: scenario } });
  runner(test, new TestHost([test.user(1, { default: () => {} })]), 1).start(performance.now());
  assertEquals(test.tagsOf("iterations"), ["group= scenario=own where=scenario wide=1"]);
});
