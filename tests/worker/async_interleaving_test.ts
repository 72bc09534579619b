import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LoadedProgram } from "../../src/script/instantiate.ts";
import { setJobQueueSource } from "../../src/script/jobs.ts";
import type { ProgramHost } from "../../src/script/program.ts";
import { type Coroutine, type Resumable, setSuspendingForm } from "../../src/script/suspension.ts";
import { UncaughtRejection } from "../../src/worker/event_loop.ts";
import type { PhaseFunction } from "../../src/worker/phase_driver.ts";
import { currentLoop, VirtualUser } from "../../src/worker/virtual_user.ts";
import { type AsyncOutcome, runAsyncPlainly } from "../script/async_harness.ts";
import { load } from "../script/harness.ts";
import { comparable, promiseProgram } from "../script/promise_programs.ts";
import { TestRuntime } from "./test_runtime.ts";

const USERS = 3;

/** Blocking calls of all users that were begun and not yet resumed. */
const waiting: { readonly coroutine: Resumable; readonly value: unknown }[] = [];

const wait = setSuspendingForm((value: unknown) => value, function* (value: unknown): Coroutine {
  return yield { begin: (coroutine) => void waiting.push({ coroutine, value }), block: () => value };
});

function host(trace: unknown[]): ProgramHost {
  return {
    builtin: () => ({ wait }),
    globals: { __VU: 1, __ITER: 0, __ENV: { trace: (value: unknown) => trace.push(value) } as never },
  };
}

Deno.test("users that take turns on one thread each do what V8 does with their program alone", async () => {
  setJobQueueSource(currentLoop);
  const test = new TestRuntime({});
  await fc.assert(
    fc.asyncProperty(promiseProgram, fc.infiniteStream(fc.nat()), async (source, choices) => {
      const expected = comparable(await runAsyncPlainly(source));
      const program = new LoadedProgram(await load({ "script.js": `import { wait } from "k6/test";${source}` }));
      const traces: unknown[][] = [];
      const users = Array.from({ length: USERS }, (_, index) => {
        const user = new VirtualUser(index + 1, test.runtime, {});
        user.init(() => program.instantiate(host(traces[index] = [])), () => {});
        return user;
      });
      const ended = new Set<VirtualUser>();
      const listener = { phaseEnded: (user: VirtualUser) => void ended.add(user) };
      for (const user of users) {
        if (user.run(user.exports.default as PhaseFunction, undefined, listener)) ended.add(user);
      }
      while (waiting.length > 0) {
        const [{ coroutine, value }] = waiting.splice(choices.next().value! % waiting.length, 1) as [typeof waiting[0]];
        if (value instanceof Error) coroutine.resumeWithError(value);
        else coroutine.resume(value);
      }
      for (const [index, user] of users.entries()) {
        assertEquals(ended.has(user), true);
        assertEquals(firstUnhandled(user), (expected as AsyncOutcome).unhandled[0]);
        assertEquals(JSON.parse(JSON.stringify(traces[index])), (expected as AsyncOutcome).trace);
      }
    }),
    { numRuns: 150 },
  );
});

function firstUnhandled({ failed, error }: VirtualUser): string | undefined {
  return failed ? String((error as UncaughtRejection).reason).replace("#<X>", "#<Promise>") : undefined;
}
