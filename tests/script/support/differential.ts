/** Runs a random program as it is and compiled, many virtual users at once, and tells how they differ. */

import { runBlocking } from "../../../src/script/blocking_twin.ts";
import { LoadedProgram } from "../../../src/script/instantiate.ts";
import type { Program } from "../../../src/script/program.ts";
import { isPromise, reactTo } from "../../../src/script/promise.ts";
import { type Job, type JobQueue, setJobQueueSource } from "../../../src/script/jobs.ts";
import { type Coroutine, setSuspendingForm, suspendingForm, type Suspension } from "../../../src/script/suspension.ts";
import { instantiate, load } from "../harness.ts";
import { Choices } from "./choices.ts";
import type { Feature } from "./programs/builder.ts";
import type { LinkedText } from "./programs/modules.ts";
import { randomProgram } from "./programs/program.ts";

/** The language that random programs use. */
export const FEATURES: ReadonlySet<Feature> = new Set<Feature>(["twin", "promise", "async", "async generator"]);

/** How often a blocking call ran in its suspending form and in its blocking one, by the kind of function around. */
export type Usage = Record<string, { suspended: number; blocked: number }>;

const VIRTUAL_USERS = 3, ITERATIONS = 2;

/** What differs for the program that `choices` make; undefined if nothing does. Adds to `usage`. */
export async function differenceOf(
  choices: Choices,
  usage: Usage,
  features: ReadonlySet<Feature> = FEATURES,
): Promise<string | undefined> {
  const program = randomProgram(choices, features);
  const users = Array.from({ length: VIRTUAL_USERS }, (_, index) => index + 1);
  let expected: Trace[];
  let compiled: Program;
  try {
    expected = await runPlain(program, users);
  } catch (error) {
    return `is not JavaScript: ${error instanceof Error ? error.stack : error}`;
  }
  try {
    compiled = await load({ ...program.files });
  } catch (error) {
    return `does not compile: ${error instanceof Error ? error.stack : error}`;
  }
  const moved = movedLines(program, compiled);
  if (moved) return moved;
  const outcomes = runCompiled(compiled, users, new Choices(choices.recording.length), usage);
  const index = users.findIndex((_, user) => outcomes[user]!.join("\n") !== expected[user]!.join("\n"));
  return index < 0 ? undefined : comparison(expected[index]!, outcomes[index]!);
}

/** The text of the program that `choices` make, for a report. */
export function programText(choices: Choices, features: ReadonlySet<Feature> = FEATURES): string {
  return Object.entries(randomProgram(choices, features).files)
    .filter(([name]) => name !== "library.js")
    .map(([name, text]) => `// ${name}\n${text}`).join("\n");
}

type Exports = { default(): unknown; state(): unknown; restart(): void };

/** Everything that a virtual user does and yields, line by line. */
type Trace = string[];

function environment(trace: Trace) {
  const tell = (value: unknown) => void (trace.length < 2000 && trace.push(show(value)));
  return { trace: tell, describe: describeError };
}

// A function's text is not the author's once it is compiled.
Object.defineProperty(Function.prototype, "toString", {
  value(this: { name: string }) {
    return `function ${this.name}`;
  },
});

// A program may leave a promise alone.
addEventListener("unhandledrejection", (event) => event.preventDefault());

async function runPlain({ plain }: LinkedText, users: readonly number[]): Promise<Trace[]> {
  const wait = (value: unknown) => {
    if (value instanceof Error) throw value;
    return value;
  };
  const group = (_name: string, body: () => unknown) => body();
  const factory = new Function("wait", "group", "__ENV", "__VU", `"use strict";${plain}`);
  const isAsync = plain.includes("async") || plain.includes("Promise");
  const traces: Trace[] = [];
  for (const user of users) {
    const trace: Trace = [];
    traces.push(trace);
    const exports = attempt(trace, () => factory(wait, group, environment(trace), user) as Exports);
    for (let i = 0; exports && i < ITERATIONS; i++) {
      exports.restart();
      const result = attempt(trace, () => exports.default());
      if (!isAsync) {
        trace.push(`returned ${show(result)}`);
        continue;
      }
      let end = "never settled";
      Promise.resolve(result).then((value) => end = `returned ${show(value)}`, (error) => end = rejection(error));
      // All promise jobs run before that.
      await new Promise(setImmediate);
      trace.push(end);
    }
    if (exports) finish(trace, exports);
  }
  return traces;
}

/** The result of `work`; an exception goes into the trace. */
function attempt<T>(trace: Trace, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    trace.push(`threw ${describeError(error)}`);
    return undefined;
  }
}

function rejection(error: unknown): string {
  return `rejected ${describeError(error)}`;
}

function finish(trace: Trace, exports: Exports): void {
  attempt(trace, () => void trace.push(`state ${show(exports.state())}`));
}

/** A blocking operation: ends with its value, or throws it if it is an error. */
class Wait implements Suspension {
  constructor(readonly value: unknown, readonly count: { suspended: number; blocked: number }) {}

  begin(): void {}

  block(): unknown {
    this.count.blocked++;
    if (this.value instanceof Error) throw this.value;
    return this.value;
  }
}

/** The virtual users' iterations, interleaved at random. */
function runCompiled(program: Program, users: readonly number[], choices: Choices, usage: Usage): Trace[] {
  const loaded = new LoadedProgram(program);
  const running = users.map((user) => new VirtualUser(loaded, user, usage));
  const traces = running.map(({ trace }) => trace);
  while (running.length > 0) {
    const index = choices.below(running.length);
    if (running[index]!.advance()) running.splice(index, 1);
  }
  return traces;
}

/** A virtual user: its iterations with all their promise jobs, from one suspension to the next. */
class VirtualUser implements JobQueue {
  readonly trace: Trace = [];
  readonly #jobs: Job[] = [];
  readonly #steps: Generator<void>;

  constructor(program: LoadedProgram, user: number, usage: Usage) {
    const builtins: Record<string, Record<string, unknown>> = {
      "k6/test": { wait: blockingWait(usage) },
      k6: { group: suspendingGroup },
    };
    running = this;
    const exports = attempt(this.trace, () =>
      instantiate(program, {
        builtin: (specifier) => builtins[specifier]!,
        globals: { __VU: user, __ITER: 0, __ENV: environment(this.trace) as never },
      }) as unknown as Exports);
    this.#steps = this.#iterations(exports);
  }

  /** Goes on to the next suspension; returns whether everything is done. */
  advance(): boolean {
    running = this;
    return this.#steps.next().done === true;
  }

  push(job: Job): void {
    this.#jobs.push(job);
  }

  rejected(): void {}

  handled(): void {}

  *#iterations(exports: Exports | undefined): Generator<void> {
    if (!exports) return;
    const form = suspendingForm(exports.default);
    for (let i = 0; i < ITERATIONS; i++) {
      exports.restart();
      let end = "never settled";
      const settle = (value: unknown, isError: boolean): void => {
        end = isError ? rejection(value) : `returned ${show(value)}`;
      };
      try {
        const result = form ? yield* driven(form()) : exports.default();
        if (isPromise(result)) reactTo(result, { settle, start: () => null });
        else end = `returned ${show(result)}`;
      } catch (error) {
        this.trace.push(`threw ${describeError(error)}`);
        end = "returned undefined";
      }
      for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
        const coroutine = job.start();
        if (coroutine) yield* driven(coroutine);
      }
      this.trace.push(end);
    }
    finish(this.trace, exports);
  }
}

let running: VirtualUser;
setJobQueueSource(() => running);

function* driven(coroutine: Coroutine): Generator<void, unknown> {
  let step = coroutine.next();
  while (!step.done) {
    const { value, count } = step.value as Wait;
    count.suspended++;
    yield;
    step = value instanceof Error ? coroutine.throw!(value) : coroutine.next(value);
  }
  return step.value;
}

/** `wait(value, kind)`. */
function blockingWait(usage: Usage): unknown {
  function* form(value: unknown, kind: string): Coroutine {
    return yield new Wait(value, usage[kind] ??= { suspended: 0, blocked: 0 });
  }
  const plain = (value: unknown, kind: string): unknown => runBlocking(form(value, kind), plain, "wait()");
  return setSuspendingForm(plain, form);
}

const suspendingGroup = setSuspendingForm(
  (_name: string, body: () => unknown) => body(),
  function* (_name: string, body: () => unknown) {
    const form = suspendingForm(body);
    return form ? yield* form() : body();
  },
);

/** A value as a line of a trace. */
function show(value: unknown, depth = 0): string {
  switch (typeof value) {
    case "function":
      return `function ${value.name}/${value.length}`;
    case "object": {
      if (value === null) return "null";
      if (value instanceof Error) return describeError(value);
      if (depth > 1) return "…";
      if (Array.isArray(value)) return `[${value.slice(0, 5).map((item) => show(item, depth + 1)).join()}]`;
      const entries = Object.entries(value).slice(0, 5);
      return `{${entries.map(([key, item]) => `${key}: ${show(item, depth + 1)}`).join()}}`;
    }
    default:
      return String(value).slice(0, 200);
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : show(error);
}

/** Says which module's lines were moved, if any: compiled text has the source's lines and one more. */
function movedLines({ files }: LinkedText, { modules }: Program): string | undefined {
  for (const { url, code } of modules) {
    const source = files[url.slice(url.lastIndexOf("/") + 1)]!;
    if (code.split("\n").length !== source.split("\n").length + 1) return `lines of ${url} moved:\n${code}`;
  }
  return undefined;
}

/** Where two traces part. */
function comparison(expected: Trace, actual: Trace): string {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  const from = at < 0 ? expected.length : at;
  const shown = (trace: Trace) => trace.slice(Math.max(0, from - 3), from + 3).join("\n    ");
  return `after ${from} equal lines\n  plain:\n    ${shown(expected)}\n  compiled:\n    ${shown(actual)}`;
}
