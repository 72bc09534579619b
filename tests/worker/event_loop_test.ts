import { assertEquals } from "@std/assert";
import { setJobQueueSource } from "../../src/script/jobs.ts";
import { scriptPromise as ScriptPromise } from "../../src/script/promise.ts";
import { setSuspendingForm, type Suspension } from "../../src/script/suspension.ts";
import { UncaughtRejection } from "../../src/worker/event_loop.ts";
import { currentLoop, type VirtualUser } from "../../src/worker/virtual_user.ts";
import { TestRuntime } from "./test_runtime.ts";

setJobQueueSource(currentLoop);

/** Runs a phase; resolves when it is over. */
async function phase(user: VirtualUser, work: () => unknown): Promise<void> {
  // The worker's alarm alone does not keep a process running.
  const keepAlive = setInterval(() => {}, 1000);
  await new Promise<void>((resolve) => {
    if (user.run(work, undefined, { phaseEnded: () => resolve() })) resolve();
  });
  clearInterval(keepAlive);
}

function newUser(): VirtualUser {
  return new TestRuntime({}).user(1, {});
}

Deno.test("timers fire in the order of their times, equal ones in that of their making; cleared ones never", async () => {
  const user = newUser();
  const fired: unknown[] = [];
  await phase(user, () => {
    const { loop } = user;
    const add = (name: string, ms: number) => loop.addTimer((...args) => fired.push(name, ...args), ms, [ms], false);
    add("b", 4);
    add("a", 2);
    add("c", 4);
    const never = add("never", 3);
    loop.addTimer(() => loop.clearTimer(never), 1, [], false);
    const interval = loop.addTimer(() => fired.push("tick") >= 9 && loop.clearTimer(interval), 5, [], true);
  });
  assertEquals(fired, ["a", 2, "b", 4, "c", 4, "tick", "tick", "tick"]);
});

Deno.test("results from outside come in their order, after the running code and its jobs", async () => {
  const user = newUser();
  const seen: unknown[] = [];
  await phase(user, () => {
    const first = user.loop.outside<number>(() => seen.push("cancelled"));
    const second = user.loop.outside<number>(() => seen.push("cancelled"));
    const third = user.loop.outside<number>(() => seen.push("cancelled"));
    first.promise.then((value) => seen.push(value));
    second.promise.then((value) => seen.push(value)).then(() => seen.push("job of 2"));
    third.promise.catch((reason) => seen.push(reason));
    second.resolve(2);
    second.resolve(22);
    first.resolve(1);
    setTimeout(() => third.reject(3), 1);
    ScriptPromise.resolve().then(() => seen.push("job"));
    seen.push("code");
  });
  assertEquals(seen, ["code", "job", 2, "job of 2", 1, 3]);
  assertEquals(user.failed, false);
});

Deno.test("a dropped phase cancels what goes on outside, and hears no more of it", () => {
  const user = newUser();
  const seen: unknown[] = [];
  let settleLate = (): void => {};
  const listener = { phaseEnded: () => seen.push("ended") };
  const isOver = user.run(
    () => {
      const outside = user.loop.outside<number>(() => seen.push("cancelled"));
      outside.promise.then(() => seen.push("reaction"));
      user.loop.addTimer(() => seen.push("timer"), 5, [], false);
      settleLate = () => outside.resolve(1);
    },
    undefined,
    listener,
  );
  assertEquals(isOver, false);
  user.drop();
  settleLate();
  assertEquals(seen, ["cancelled"]);
  assertEquals(user.run(() => ScriptPromise.resolve("next"), undefined, listener), true);
  assertEquals([user.result, seen], ["next", ["cancelled"]]);
});

Deno.test("while a job is in a blocking call nothing else of its user runs", async () => {
  const user = newUser();
  const seen: unknown[] = [];
  const pause: Suspension = {
    begin: (coroutine) => void setTimeout(() => coroutine.resume(undefined), 10),
    block: () => undefined,
  };
  const blocking = setSuspendingForm(() => {}, function* () {
    seen.push("blocks");
    yield pause;
    seen.push("goes on");
    return undefined;
  });
  await phase(user, () => {
    ScriptPromise.resolve().then(blocking).then(() => seen.push("after it"));
    ScriptPromise.resolve().then(() => seen.push("second"));
    user.loop.addTimer(() => seen.push("timer"), 0, [], false);
  });
  assertEquals(seen, ["blocks", "goes on", "second", "after it", "timer"]);
});

Deno.test("an exception in a timer and an unhandled rejection end the phase", async () => {
  const user = newUser();
  await phase(user, () => {
    user.loop.addTimer(
      () => {
        throw new Error("in a timer");
      },
      0,
      [],
      false,
    );
    user.loop.addTimer(() => {}, 60_000, [], false);
  });
  assertEquals([user.failed, (user.error as Error).message], [true, "in a timer"]);
  await phase(user, () => void ScriptPromise.reject("lost"));
  assertEquals([user.failed, (user.error as UncaughtRejection).reason], [true, "lost"]);
  await phase(user, () => {
    const caught = ScriptPromise.reject("caught");
    ScriptPromise.resolve().then(() => caught.catch(() => {}));
  });
  assertEquals([user.failed, user.error], [false, undefined]);
});
