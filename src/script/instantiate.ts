/** A program in a worker: its texts evaluated once, its module state made anew for each virtual user. */

import { type AsyncBody, AsyncCall, type AsyncStep, AWAIT } from "./async_call.ts";
import { runBlocking } from "./blocking_twin.ts";
import { installNativeCallbacks } from "./native_callbacks.ts";
import type { DependencyTarget, Program, ProgramGlobals, ProgramHost, ProgramModule } from "./program.ts";
import { scriptPromise } from "./promise.ts";
import { resolveSpecifier } from "./resolve.ts";
import { runtime } from "./runtime.ts";
import { registerModule } from "./stack_trace.ts";

type Exports = Record<string, unknown>;

/** What instantiating yields: the script's exports, or a call whose promise is fulfilled with them (top-level `await`). */
export type Instantiation = Exports | AsyncCall;

/**
 * A compiled ES module: hands out its exports once its functions exist, then runs the module's own code. The pause
 * between the two is what lets the modules of a cycle call each other's functions.
 */
type ModuleFactory = (k: typeof runtime, instance: Instance) => AsyncBody;

/** A compiled CommonJS module. */
type CommonJsFactory = (
  this: unknown,
  k: typeof runtime,
  instance: Instance,
  module: CommonJsModule,
  exports: unknown,
  require: (specifier: unknown) => unknown,
) => void;

interface CommonJsModule {
  exports: unknown;
}

/** A module whose text is evaluated. */
type LoadedModule =
  & Pick<ProgramModule, "url" | "imports" | "dynamic">
  & (
    | { readonly format: "module" | "data"; readonly factory: ModuleFactory }
    | { readonly format: "commonjs"; readonly factory: CommonJsFactory }
  );

/** A program whose texts are evaluated. */
export class LoadedProgram {
  readonly modules: readonly LoadedModule[];
  readonly #orders = new Map<number, readonly number[]>();

  constructor(program: Program) {
    installNativeCallbacks();
    this.modules = program.modules.map((module) => {
      registerModule(module);
      const factory: unknown = (0, eval)(`${module.code}\n//# sourceURL=${module.url}`);
      const { url, format, imports, dynamic } = module;
      return { url, format, imports, dynamic, factory } as LoadedModule;
    });
  }

  /** The order in which a module and what it imports run. */
  order(root: number): readonly number[] {
    let order = this.#orders.get(root);
    if (!order) {
      const seen = new Set<number>();
      const visited: number[] = [];
      const visit = (index: number): void => {
        if (seen.has(index)) return;
        seen.add(index);
        this.modules[index]!.imports.forEach(visit);
        visited.push(index);
      };
      visit(root);
      order = visited;
      this.#orders.set(root, order);
    }
    return order;
  }

  /** Makes one virtual user's own module state by running the script's init code. */
  instantiate(host: ProgramHost): Instantiation {
    const instance = new Instance(this, host);
    const evaluation = instance.evaluate(this.modules.length - 1);
    const step = evaluation.next();
    return step.done === true ? instance.finish() : new AsyncCall(finishLater, undefined, [instance, evaluation, step]);
  }
}

/** Goes on with the init code from the first `await` that it reached. */
function* finishLater(instance: Instance, evaluation: AsyncBody, first: AsyncStep): AsyncBody {
  let step = first;
  while (step.done !== true) {
    let value: unknown;
    try {
      value = yield step.value;
    } catch (error) {
      step = evaluation.throw(error);
      continue;
    }
    step = evaluation.next(value);
  }
  return instance.finish();
}

const globalObjects = new WeakMap<ProgramGlobals, object>();

/** `globalThis` of the virtual user with these globals, if its script has asked for it. */
export function globalOf(globals: ProgramGlobals | undefined): object | undefined {
  return globals && globalObjects.get(globals);
}

/** What a script finds in `import.meta`. */
interface ImportMeta {
  readonly url: string;
  resolve(specifier: string): string;
}

function resolveInScript(specifier: unknown, base: string): string {
  const resolution = resolveSpecifier(String(specifier), base);
  switch (resolution.kind) {
    case "url":
      return resolution.url;
    case "error":
      throw new Error(resolution.message);
    default:
      return String(specifier);
  }
}

/** Modules of one virtual user beside plain ES modules that succeed, by index. */
class DynamicModules {
  readonly commonJs = new Map<number, CommonJsModule>();
  /** ES modules as `require()` gives them. */
  readonly required = new Map<number, object>();
  /** Promises of namespaces. */
  readonly imported = new Map<number, unknown>();
  readonly metas = new Map<number, ImportMeta>();
  /** What ES modules threw. */
  readonly failures = new Map<number, unknown>();
}

/** One virtual user's module state, as compiled text reaches it. */
class Instance {
  /** Exports by module; of a CommonJS module once it has run. */
  readonly x: Exports[];
  readonly #program: LoadedProgram;
  /** ES modules that have not run yet; undefined when there are none. */
  #bodies: Map<number, AsyncBody> | undefined;
  #dynamic: DynamicModules | undefined;
  #inInit = true;
  #global: Record<string, unknown> | undefined;

  constructor(program: LoadedProgram, readonly host: ProgramHost) {
    this.#program = program;
    // As long as it will be: an array that grows has room for 16 more.
    this.x = new Array(program.modules.length);
  }

  /** What most scripts have no need of; there may be 100,000 virtual users. */
  get #rare(): DynamicModules {
    return this.#dynamic ??= new DynamicModules();
  }

  /** Runs a module after all that it imports; what has begun to run is left alone. */
  *evaluate(root: number): AsyncBody {
    const order = this.#program.order(root);
    for (const index of order) this.#link(index);
    for (const index of order) {
      const body = this.#bodies?.get(index);
      if (body !== undefined) {
        this.#bodies!.delete(index);
        try {
          yield* body;
        } catch (error) {
          this.#rare.failures.set(index, error);
          throw error;
        }
      } else if (this.#dynamic?.failures.has(index)) {
        throw this.#rare.failures.get(index);
      } else if (this.#program.modules[index]!.format === "commonjs") {
        this.#commonJsExports(index);
      }
    }
    return undefined;
  }

  #link(index: number): void {
    const module = this.#program.modules[index]!;
    if (module.format === "commonjs" || this.x[index] !== undefined) return;
    const body = module.factory(runtime, this);
    this.x[index] = body.next().value as unknown as Exports;
    this.#bodies ??= new Map();
    this.#bodies.set(index, body);
  }

  /** `module.exports` of a CommonJS module, which is run if nobody did so before. */
  #commonJsExports(index: number): unknown {
    const known = this.#rare.commonJs.get(index);
    if (known) return known.exports;
    const { factory } = this.#program.modules[index]! as LoadedModule & { format: "commonjs" };
    const module: CommonJsModule = { exports: {} };
    this.#rare.commonJs.set(index, module);
    // For who comes here again in a cycle.
    this.x[index] = commonJsNamespace(module);
    try {
      factory.call(module.exports, runtime, this, module, module.exports, this.require(index));
    } catch (error) {
      this.#rare.commonJs.delete(index);
      throw error;
    }
    this.x[index] = commonJsNamespace(module);
    return module.exports;
  }

  /** The init code has run: the script's exports. */
  finish(): Record<string, unknown> {
    this.#inInit = false;
    if (this.#bodies?.size === 0) this.#bodies = undefined;
    const script = this.#program.modules.length - 1;
    const module = this.#dynamic?.commonJs.get(script);
    if (!module) return this.x[script] ?? {};
    const { exports } = module;
    if (typeof exports === "function" && !("default" in exports)) return { default: exports };
    return Object(exports);
  }

  /** `require` of a module. */
  require(importer: number): (specifier: unknown) => unknown {
    return (specifier) => {
      if (!this.#inInit) {
        throw new Error(
          `the "require" function is only available in the init stage (i.e. the global scope), see https://grafana.com/docs/k6/latest/using-k6/test-lifecycle for more information`,
        );
      }
      if (typeof specifier !== "string" || specifier === "") {
        throw new Error("require() can't be used with an empty specifier");
      }
      const target = this.#target(importer, "require", specifier);
      if (target.kind === "builtin") return this.host.builtin(target.specifier);
      return this.#requireModule(target.index, specifier);
    };
  }

  /** `import()` of a module. */
  importer(importer: number): (specifier: unknown) => unknown {
    return (specifier) => runBlocking(new AsyncCall(this.#import, this, [importer, specifier]), undefined);
  }

  *#import(importer: number, specifier: unknown): AsyncBody {
    const name = String(specifier);
    AWAIT.value = undefined;
    yield AWAIT;
    const target = this.#target(importer, "import", name);
    if (target.kind === "builtin") {
      const builtin = this.host.builtin(target.specifier);
      return runtime.namespace(runtime.withStars({ default: runtime.defaultOf(builtin) }, builtin));
    }
    let imported = this.#rare.imported.get(target.index);
    if (imported === undefined) {
      imported = runBlocking(new AsyncCall(this.#evaluated, this, [target.index]), undefined);
      this.#rare.imported.set(target.index, imported);
    }
    AWAIT.value = imported;
    return yield AWAIT;
  }

  *#evaluated(index: number): AsyncBody {
    yield* this.evaluate(index);
    return runtime.namespace(this.x[index]!);
  }

  /** `import.meta` of a module whose relative specifiers start from `base`. */
  meta(index: number, base: string): ImportMeta {
    let meta = this.#rare.metas.get(index);
    if (!meta) {
      meta = { url: this.#program.modules[index]!.url, resolve: (specifier) => resolveInScript(specifier, base) };
      this.#rare.metas.set(index, meta);
    }
    return meta;
  }

  #requireModule(index: number, specifier: string): unknown {
    const { format } = this.#program.modules[index]!;
    if (format === "commonjs") return this.#commonJsExports(index);
    if (!this.evaluate(index).next().done) {
      throw new Error(`require("${specifier}") leads to a top-level await, which require() cannot wait for`);
    }
    const exports = this.x[index]!;
    if (format === "data") return exports.default;
    let required = this.#rare.required.get(index);
    if (!required) {
      // What transpiled CommonJS code looks for before it takes the default export.
      required = Object.create(null, {
        ...Object.getOwnPropertyDescriptors(exports),
        __esModule: { value: true },
      }) as object;
      this.#rare.required.set(index, required);
    }
    return required;
  }

  #target(importer: number, how: string, specifier: string): Exclude<DependencyTarget, { kind: "missing" }> {
    const module = this.#program.modules[importer]!;
    const request = `${how} ${specifier}`;
    const target = Object.hasOwn(module.dynamic, request) ? module.dynamic[request]! : undefined;
    if (target && target.kind !== "missing") return target;
    throw new Error(
      target?.message ??
        `${how}("${specifier}") can't be followed: k6d loads before the test what a script spells out, or files of a folder that it spells out (such as "./data/" + name)`,
    );
  }

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
      globalObjects.set(globals, value);
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

  /** Free names that the real global object lacks, to assign to: they must be there already. */
  get names(): object {
    return new Proxy(this.global, {
      get: (_, name) => this.free(String(name)),
      set: (global, name, value) => name in global ? Reflect.set(global, name, value) : this.absent(String(name)),
    });
  }

  /** A free name that the real global object lacks. */
  free(name: string): unknown {
    return name in this.global ? this.global[name] : this.absent(name);
  }

  /** A free name that no script may find. */
  absent(name: string): never {
    throw new ReferenceError(`${name} is not defined`);
  }

  /** `module` or `exports` in a file with import or export. */
  mixed(name: string): never {
    throw new ReferenceError(
      `${name} is not defined: this file is an ES module, as it has import or export; use export in it, or only require() and module.exports`,
    );
  }
}

/** A CommonJS module as ES modules see it: its properties by name, and a default. */
function commonJsNamespace(module: CommonJsModule): Exports {
  const { exports } = module;
  const object = Object(exports) as Exports;
  const names = new Set(exports === object ? Object.keys(object) : []);
  const transpiled = object.__esModule === true && "default" in object;
  names.add("default");
  const namespace: Exports = Object.create(null);
  for (const name of [...names].sort()) {
    const get = name === "default" && !transpiled ? () => module.exports : () => object[name];
    Object.defineProperty(namespace, name, { get, enumerable: true, configurable: true });
  }
  return namespace;
}
