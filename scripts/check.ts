/** `deno task check`: formatting, lint, types, lock file and docstrings of the whole repository, each with one closing line. */

import { missingDocstrings } from "./docstrings.ts";
import { DENO_VERSION, denoCommand, exists, listFiles, print, printError, ROOT } from "./repository.ts";

interface Step {
  readonly name: string;
  /** Prints what is wrong; resolves to whether all is well. */
  readonly run: () => Promise<boolean>;
}

const CHECKED = ["main.ts", "src", "tests", "scripts", "examples"];

const steps: readonly Step[] = [
  { name: "version", run: () => Promise.resolve(denoIsPinned()) },
  { name: "format", run: () => deno("fmt", "--check", "--quiet") },
  { name: "lint", run: () => deno("lint", "--quiet") },
  { name: "types", run: () => deno("check", "--quiet", "--frozen", ...CHECKED.filter((path) => exists(ROOT + path))) },
  { name: "lock file", run: () => Promise.resolve(lockNamesNoHost()) },
  { name: "docstrings", run: docstrings },
];

function denoIsPinned(): boolean {
  if (Deno.version.deno === DENO_VERSION) return true;
  printError(
    `k6d is built with Deno ${DENO_VERSION}, this is ${Deno.version.deno}: npx --yes deno@${DENO_VERSION} task check`,
  );
  return false;
}

async function deno(...args: string[]): Promise<boolean> {
  return (await denoCommand(args).spawn().status).success;
}

/** The lock file must serve every mirror of the npm registry: integrity only, no addresses. */
function lockNamesNoHost(): boolean {
  const address = /https?:\/\/[^"\s]+/.exec(Deno.readTextFileSync(`${ROOT}deno.lock`));
  if (address === null) return true;
  printError(`deno.lock names an address: ${address[0]}`);
  return false;
}

async function docstrings(): Promise<boolean> {
  const missing = await missingDocstrings(listFiles("src", ".ts"));
  if (missing === null) return false;
  for (const { path, line, name } of missing) printError(`${path}:${line} exports ${name} without a docstring`);
  return missing.length === 0;
}

const results: [name: string, ok: boolean][] = [];
for (const { name, run } of steps) results.push([name, await run()]);
for (const [name, ok] of results) print(`${ok ? "ok    " : "FAILED"} ${name}`);
Deno.exit(results.every(([, ok]) => ok) ? 0 : 1);
