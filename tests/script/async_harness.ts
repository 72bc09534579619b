/** Runs scripts with promises: compiled, with blocking primitives that suspend, and as V8 itself runs them. */

import { AsyncCall } from "../../src/script/async_call.ts";
import { LoadedProgram } from "../../src/script/instantiate.ts";
import { type Job, type JobQueue, setJobQueueSource } from "../../src/script/jobs.ts";
import { isPromise, promiseStatus } from "../../src/script/promise.ts";
import { type Coroutine, suspendingForm } from "../../src/script/suspension.ts";
import { host, load } from "./harness.ts";

/** What a script told, and how its default function's promise ended. */
export interface AsyncOutcome {
  readonly trace: unknown[];
  readonly result: unknown;
  /** Reasons of rejections that nobody handled. */
  readonly unhandled: unknown[];
}

/** Jobs that run when the test says so. */
class TestQueue implements JobQueue {
  readonly #jobs: Job[] = [];
  readonly #rejected = new Map<object, unknown>();

  push(job: Job): void {
    this.#jobs.push(job);
  }

  rejected(promise: object, reason: unknown): void {
    this.#rejected.set(promise, reason);
  }

  handled(promise: object): void {
    this.#rejected.delete(promise);
  }

  get unhandled(): unknown[] {
    return [...this.#rejected.values()];
  }

  /** Runs all jobs to their ends. */
  run(): void {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) drive(job.start());
  }
}

function drive(coroutine: Coroutine | null): unknown {
  if (coroutine === null) return undefined;
  let step = coroutine.next();
  while (step.done !== true) step = coroutine.next(step.value.block());
  return step.value;
}

/** Runs compiled text; it exports a default function. */
export async function runAsyncCompiled(source: string): Promise<AsyncOutcome> {
  const program = await load({ "script.js": `import { wait } from "k6/test";${source}` });
  const trace: unknown[] = [];
  const queue = new TestQueue();
  setJobQueueSource(() => queue);
  const started = new LoadedProgram(program).instantiate(host(trace));
  const given = started instanceof AsyncCall ? drive(started) : started;
  queue.run();
  const exports = settled(given) as { default: () => unknown };
  const form = suspendingForm(exports.default);
  let result: unknown;
  try {
    result = form === undefined ? exports.default() : drive(form());
  } catch (error) {
    result = `threw ${error}`;
  }
  queue.run();
  return { trace, result: settled(result), unhandled: queue.unhandled.map(String) };
}

function settled(value: unknown): unknown {
  if (!isPromise(value)) return value;
  const status = promiseStatus(value);
  if (status.state === "rejected") return `rejected ${status.value}`;
  return status.state === "pending" ? "pending" : status.value;
}

/** Runs the text as it is. */
export async function runAsyncPlainly(source: string): Promise<AsyncOutcome> {
  const trace: unknown[] = [];
  const unhandled: unknown[] = [];
  const onUnhandled = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    unhandled.push(String(event.reason));
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  const run = new Function(
    "wait",
    "__ENV",
    `"use strict";return (async () => {${source.replace("export default", "return")}})()`,
  ) as (...args: unknown[]) => Promise<() => unknown>;
  const exported = await run(wait, { trace: (value: unknown) => trace.push(value) });
  let result: unknown;
  try {
    result = exported();
  } catch (error) {
    result = `threw ${error}`;
  }
  if (result instanceof Promise) {
    const watched = result;
    result = "pending";
    watched.then((value) => result = value, (reason) => result = `rejected ${reason}`);
  }
  // All microtasks run before the next task.
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setTimeout(resolve));
  globalThis.removeEventListener("unhandledrejection", onUnhandled);
  return { trace, result, unhandled };
}

function wait(value: unknown): unknown {
  if (value instanceof Error) throw value;
  return value;
}
