/** A program in a worker: its texts evaluated once, its module state made anew for each virtual user. */

import { type AsyncBody, AsyncCall, type AsyncStep } from "./async_call.ts";
import type { Program, ProgramHost } from "./program.ts";
import { installNativeCallbacks } from "./native_callbacks.ts";
import { scriptPromise } from "./promise.ts";
import { runtime } from "./runtime.ts";
import { registerModule } from "./stack_trace.ts";

type Exports = Record<string, unknown>;

/** What instantiating yields: the script's exports, or a call whose promise is fulfilled with them (top-level `await`). */
export type Instantiation = Exports | AsyncCall;

/**
 * A compiled module: hands out its exports once its functions exist, then runs the module's own code. The pause between
 * the two is what lets the modules of a cycle call each other's functions.
 */
type Factory = (k: typeof runtime, instance: Instance) => AsyncBody;

/** One virtual user's module state, as compiled text reaches it. */
class Instance {
  /** Exports by module. */
  readonly x: Exports[] = [];
  #global: Record<string, unknown> | undefined;

  constructor(readonly host: ProgramHost) {}

  /** `globalThis` of the script. */
  get global(): Record<string, unknown> {
    if (!this.#global) {
      this.#global = Object.create(globalThis) as Record<string, unknown>;
      const value = this.#global;
      for (const name of ["globalThis", "global"]) {
        Object.defineProperty(value, name, { value, writable: true, configurable: true });
      }
      // Deno needs the one on the real global object; k6 has none.
      Object.defineProperty(value, "queueMicrotask", { value: undefined, writable: true, configurable: true });
      Object.defineProperty(value, "Promise", { value: scriptPromise, writable: true, configurable: true });
      const { globals } = this.host;
      for (const name of ["__VU", "__ITER", "__ENV"] as const) {
        Object.defineProperty(value, name, { get: () => globals[name], configurable: true });
      }
    }
    return this.#global;
  }

  /** `Promise` of the script. */
  get promise(): PromiseConstructor {
    return scriptPromise;
  }

  /** A free name that the real global object lacks. */
  free(name: string): unknown {
    return name in this.global ? this.global[name] : this.absent(name);
  }

  /** A free name that no script may find. */
  absent(name: string): never {
    throw new ReferenceError(`${name} is not defined`);
  }
}

/** A program whose texts are evaluated. */
export class LoadedProgram {
  readonly #factories: readonly Factory[];

  constructor(program: Program) {
    installNativeCallbacks();
    this.#factories = program.modules.map((module) => {
      registerModule(module);
      return (0, eval)(`${module.code}\n//# sourceURL=${module.url}`) as Factory;
    });
  }

  /** Makes one virtual user's own module state by running the script's init code. */
  instantiate(host: ProgramHost): Instantiation {
    const instance = new Instance(host);
    const started: AsyncBody[] = [];
    for (const factory of this.#factories) {
      const module = factory(runtime, instance);
      instance.x.push(module.next().value as Exports);
      started.push(module);
    }
    const exports = instance.x.at(-1) ?? {};
    for (const [index, module] of started.entries()) {
      const step = module.next();
      if (step.done !== true) return new AsyncCall(() => evaluateRest(started.slice(index), step, exports));
    }
    return exports;
  }
}

/** Goes on with the init code at the first `await` of the first of `modules`; the others follow it one by one. */
function* evaluateRest(modules: readonly AsyncBody[], first: AsyncStep, exports: Exports): AsyncBody {
  let step = first;
  for (const [index, module] of modules.entries()) {
    if (index > 0) step = module.next();
    while (step.done !== true) {
      let value: unknown;
      try {
        value = yield step.value;
      } catch (error) {
        step = module.throw!(error);
        continue;
      }
      step = module.next(value);
    }
  }
  return exports;
}
