/** A program in a worker: its texts evaluated once, its module state made anew for each virtual user. */

import type { Program, ProgramHost } from "./program.ts";
import { installNativeCallbacks } from "./native_callbacks.ts";
import { refusedPromise } from "./refused_promise.ts";
import { runtime } from "./runtime.ts";
import { registerModule } from "./stack_trace.ts";
import { SUSPEND } from "./suspension.ts";

type Exports = Record<string, unknown>;

/**
 * A compiled module: hands out its exports once its functions exist, then runs the module's own code. The pause between
 * the two is what lets the modules of a cycle call each other's functions.
 */
type Factory = (k: typeof runtime, suspend: typeof SUSPEND, instance: Instance) => Iterator<Exports, void>;

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
      Object.defineProperty(value, "Promise", { value: refusedPromise, writable: true, configurable: true });
      const { globals } = this.host;
      for (const name of ["__VU", "__ITER", "__ENV"] as const) {
        Object.defineProperty(value, name, { get: () => globals[name], configurable: true });
      }
    }
    return this.#global;
  }

  /** `Promise` of the script. */
  get promise(): PromiseConstructor {
    return refusedPromise;
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

  /** Makes one virtual user's own module state by running the script's init code; returns the script's exports. */
  instantiate(host: ProgramHost): Record<string, unknown> {
    const instance = new Instance(host);
    const started = [];
    for (const factory of this.#factories) {
      const module = factory(runtime, SUSPEND, instance);
      instance.x.push(module.next().value as Exports);
      started.push(module);
    }
    for (const module of started) module.next();
    return instance.x.at(-1) ?? {};
  }
}
