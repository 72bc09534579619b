/** Runs test scripts: compiled, with fake blocking primitives, and as plain synchronous JavaScript. */

import { runBlocking } from "../../src/script/blocking_twin.ts";
import { AsyncCall } from "../../src/script/async_call.ts";
import { type Instantiation, LoadedProgram } from "../../src/script/instantiate.ts";
import { type LoadHost, loadProgram } from "../../src/script/load.ts";
import type { Program, ProgramHost } from "../../src/script/program.ts";
import { type Coroutine, setSuspendingForm, suspendingForm, type Suspension } from "../../src/script/suspension.ts";

/** Loads a program from texts by file name; the first is the script. */
export function load(files: Record<string, string>, host: Partial<LoadHost> = {}): Promise<Program> {
  const [entry] = Object.keys(files);
  return loadProgram({ path: `/test/${entry}` }, {
    cwd: "/test",
    listFolder: (path) =>
      Promise.resolve(
        Object.keys(files).map((name) => `/test/${name}`).filter((name) => name.startsWith(path)).map((name) =>
          name.slice(path.length)
        ),
      ),
    ...host,
    realPath: (path) => Promise.resolve(path),
    builtins: ["k6", "k6/http", "k6/execution", "k6/test"],
    readTextFile: (path) => {
      const text = files[path.replace("/test/", "")];
      return text === undefined ? Promise.reject(new Deno.errors.NotFound(path)) : Promise.resolve(text);
    },
  });
}

/** One virtual user's exports of a program that doesn't await at the top level. */
export function instantiate(program: Program | LoadedProgram, host: ProgramHost): Record<string, unknown> {
  const loaded = program instanceof LoadedProgram ? program : new LoadedProgram(program);
  const exports = loaded.instantiate(host);
  if (exports instanceof AsyncCall) throw new Error("the program awaits at the top level");
  return exports;
}

/** A suspension that the test resumes by hand. */
export const suspension: Suspension = { begin: () => {}, block: () => undefined };

/** A blocking built-in: suspends once, then returns its argument; throws it if it is an error. */
export function blocking(name: string): unknown {
  function* form(value: unknown): Coroutine {
    yield suspension;
    if (value instanceof Error) throw value;
    return value;
  }
  const plain = (value: unknown): unknown => runBlocking(form(value), plain, `${name}()`);
  return setSuspendingForm(plain, form);
}

/** `k6.group`, as the API has it. */
function group(_name: string, body: () => unknown): unknown {
  return body();
}

const suspendingGroup = setSuspendingForm(group, function* (_name: string, body: () => unknown) {
  const form = suspendingForm(body);
  return form ? yield* form() : body();
});

/** What the scripts of the tests import. */
export function host(trace: unknown[]): ProgramHost {
  const modules: Record<string, Readonly<Record<string, unknown>>> = {
    "k6": { sleep: blocking("sleep"), group: suspendingGroup },
    "k6/http": { get: blocking("http.get"), url: String },
    "k6/test": { wait: blocking("wait") },
  };
  return {
    builtin: (specifier) => modules[specifier]!,
    globals: { __VU: 1, __ITER: 0, __ENV: { trace: (value: unknown) => trace.push(value) } as never },
  };
}

type Default = () => unknown;

/** Starts the default function's suspending form. */
export function start(exports: Instantiation): Coroutine {
  const form = suspendingForm((exports as Record<string, unknown>).default as Default);
  if (!form) throw new Error("the default function has no suspending form");
  return form();
}

/** Drives the default function to its end, telling each suspension. */
export function run(exports: Instantiation, suspended: () => void = () => {}): unknown {
  const plain = (exports as Record<string, unknown>).default as Default;
  if (!suspendingForm(plain)) return plain();
  const coroutine = start(exports);
  for (;;) {
    const step = coroutine.next();
    if (step.done) return step.value;
    suspended();
  }
}

/** The outcome of a script in comparable form. */
export interface Outcome {
  readonly trace: unknown[];
  readonly result: unknown;
}

/** Runs compiled text. */
export async function runCompiled(source: string): Promise<Outcome & { suspensions: number; program: Program }> {
  const program = await load({ "script.js": `import { wait } from "k6/test";${source}` });
  const trace: unknown[] = [];
  let suspensions = 0;
  const exports = instantiate(program, host(trace));
  const result = outcome(() => run(exports, () => suspensions++));
  return { trace, result, suspensions, program };
}

/** Runs the same text as it is, `wait` being an ordinary function. */
export function runPlain(source: string): Outcome {
  const trace: unknown[] = [];
  const wait = (value: unknown) => {
    if (value instanceof Error) throw value;
    return value;
  };
  const env = { trace: (value: unknown) => trace.push(value) };
  const text = `"use strict";${source.replace("export default", "return")}`;
  const result = outcome(() => (new Function("wait", "__ENV", text)(wait, env) as () => unknown)());
  return { trace, result };
}

function outcome(work: () => unknown): unknown {
  try {
    return { returned: work() };
  } catch (error) {
    return error instanceof Error ? { threw: `${error.name}: ${error.message}` } : { threw: error };
  }
}
