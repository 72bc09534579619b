import { assertEquals, assertThrows } from "@std/assert";
import { execution, TestAborted } from "../../src/api/execution.ts";
import { group } from "../../src/api/k6.ts";
import { type InitSession, setSession } from "../../src/api/session.ts";
import { setSuspendingForm, suspendingForm, type Suspension } from "../../src/script/suspension.ts";
import type { PhaseFunction } from "../../src/worker/phase_driver.ts";
import { TestRuntime } from "../worker/test_runtime.ts";

const { test: testControl, vu } = execution as {
  test: { abort: (reason: string) => never };
  vu: { metrics: { tags: Record<string, unknown> } };
};

/** Runs `body` as an iteration of a new virtual user; returns the reasons of its aborts, and whether it came to an end. */
function iterate(body: PhaseFunction): { aborts: string[]; ended: boolean; runtime: TestRuntime; error: unknown } {
  const runtime = new TestRuntime({});
  const aborts: string[] = [];
  const session: Partial<InitSession> = { recorder: runtime.runtime.recorder, abort: (reason) => aborts.push(reason) };
  setSession(session as InitSession);
  const user = runtime.user(1, {});
  user.enter(runtime.runtime.rootTags);
  const ended = user.run(body, undefined, { phaseEnded: () => {} });
  return { aborts, ended, runtime, error: user.error };
}

Deno.test("no catch and no finally of a script sees exec.test.abort", () => {
  const seen: string[] = [];
  const form = function* (): Generator<Suspension, void, unknown> {
    try {
      yield* suspendingForm(testControl.abort)!("enough");
      seen.push("went on");
    } catch {
      seen.push("caught");
    } finally {
      seen.push("finally");
    }
  };
  const { aborts, ended } = iterate(setSuspendingForm(() => {}, form));
  assertEquals([aborts, ended, seen], [["test aborted: enough"], false, []]);
});

Deno.test("where code can't suspend exec.test.abort throws", () => {
  const { aborts, ended, error } = iterate(() => testControl.abort("now"));
  assertEquals([aborts, ended, error instanceof TestAborted], [["test aborted: now"], true, true]);
});

Deno.test("tags of a virtual user are text, numbers and booleans", () => {
  const { error } = iterate(() => {
    const { tags } = vu.metrics;
    for (const value of ["a", 5, true]) tags.mine = value;
    assertEquals(tags.mine, "true");
    for (const value of [{}, [], null, undefined, () => 1]) assertThrows(() => tags.mine = value, TypeError, "mine");
    assertEquals(Object.keys(tags), ["group", "mine"]);
    delete tags.mine;
    assertEquals(tags.mine, undefined);
  });
  assertEquals(error, undefined);
});

Deno.test("a group without a name is none at the root, and one like any other inside", () => {
  const { runtime, error } = iterate(() => {
    group("", () => group("inner", () => group("", () => {})));
  });
  assertEquals(error, undefined);
  assertEquals(runtime.tagsOf("group_duration").map((tags) => tags.split(" ")[0]), [
    "group=::inner::",
    "group=::inner",
    "group=",
  ]);
});
