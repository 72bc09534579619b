/** Finds what a module exports without a docstring. */

import { denoCommand, ROOT } from "./repository.ts";

/** An exported symbol without a docstring. `line` counts from 1. */
export interface MissingDocstring {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly line: number;
  readonly name: string;
}

/**
 * Every symbol that the modules at `paths` (relative to the root) export without a docstring, in the order of files and lines;
 * null when `deno doc` can't read the modules, after it said why.
 */
export async function missingDocstrings(paths: readonly string[]): Promise<MissingDocstring[] | null> {
  if (paths.length === 0) return [];
  const { success, stdout } = await denoCommand(["doc", "--quiet", "--json", ...paths], { stderr: "inherit" }).output();
  if (!success) return null;
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as DocOutput;

  // A symbol that is exported again elsewhere is reported once, where it is declared.
  const missing = new Map<string, MissingDocstring>();
  for (const { symbols } of Object.values(nodes)) {
    for (const { name, declarations } of symbols) {
      const [first] = declarations;
      // Types that exports mention are listed too, as private ones.
      if (first?.declarationKind !== "export" || declarations.some(({ jsDoc }) => jsDoc !== undefined)) continue;
      const path = decodeURIComponent(new URL(first.location.filename).pathname).replace(ROOT, "");
      const line = first.location.line + 1;
      missing.set(`${path}:${line}`, { path, line, name });
    }
  }
  return [...missing.values()].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line);
}

/** The part of `deno doc --json` (version 2) that is read here; lines count from 0. */
interface DocOutput {
  readonly nodes: Record<string, {
    readonly symbols: readonly {
      readonly name: string;
      readonly declarations: readonly {
        readonly declarationKind: string;
        readonly location: { readonly filename: string; readonly line: number };
        readonly jsDoc?: unknown;
      }[];
    }[];
  }>;
}
