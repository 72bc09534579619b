/**
 * Modules whose code is loaded only in the workers of scripts that use it, because it costs them time and memory. That
 * happens before the script's first line runs: nothing can be imported afterwards (worker/script_globals.ts).
 */

import type { Program } from "../script/program.ts";

const LOADERS = {
  "k6/crypto": () => import("./crypto.ts"),
  "k6/crypto/x509": () => import("./x509.ts"),
  "k6/html": () => import("./html.ts"),
} as const;

/** Names of such modules. */
export type LazyName = keyof typeof LOADERS;

type LoadedModules = { [Name in LazyName]: Awaited<ReturnType<(typeof LOADERS)[Name]>> };

const loaded: Partial<LoadedModules> = {};

/** Those that a program needs and that aren't there yet. */
export function missingModules({ builtins, readsPages }: Program): LazyName[] {
  const names = Object.keys(LOADERS) as LazyName[];
  return names.filter((name) =>
    loaded[name] === undefined && (builtins.includes(name) || name === "k6/html" && readsPages)
  );
}

/** Loads the code of a module. */
export async function loadModule<Name extends LazyName>(name: Name): Promise<LoadedModules[Name]> {
  const module = await LOADERS[name]() as LoadedModules[Name];
  loaded[name] = module;
  return module;
}

/** A module that has been loaded; undefined when it has not. */
export function loadedModule<Name extends LazyName>(name: Name): LoadedModules[Name] | undefined {
  return loaded[name];
}
