/** `deno task compile`: builds dist/k6d, one file that needs nothing else. */

import { compileArguments, embeddedModules, OUTPUT } from "./compile_plan.ts";
import { DENO_VERSION, denoCommand, exists, print, printError, ROOT } from "./repository.ts";

async function compile(): Promise<boolean> {
  if (Deno.version.deno !== DENO_VERSION) {
    return refuse(
      `Deno ${DENO_VERSION} builds k6d, this is ${Deno.version.deno}: npx --yes deno@${DENO_VERSION} task compile`,
    );
  }
  const base = Deno.env.get("DENORT_BIN");
  if (base !== undefined && !exists(base)) return refuse(`DENORT_BIN names "${base}", which does not exist`);

  const { modules, packages, missing } = await embeddedModules();
  if (missing.length > 0) {
    return refuse(`the binary would lack:\n  ${missing.join("\n  ")}\nName it in INCLUDED of scripts/compile_plan.ts.`);
  }

  const { success, stderr } = await denoCommand(compileArguments(), { stdout: "inherit", stderr: "piped" }).output();
  if (!success) return refuse(explainFailure(new TextDecoder().decode(stderr), Deno.build.target));

  const megabytes = Math.round(Deno.statSync(ROOT + OUTPUT).size / 1e6);
  print(`${OUTPUT}: ${modules.length} modules, ${packages.length} npm packages, ${megabytes} MB`);
  const { code } = await new Deno.Command(ROOT + OUTPUT, { args: ["version"] }).spawn().status;
  return code === 0 || refuse(`${OUTPUT} version ended with code ${code}`);
}

function refuse(message: string): false {
  printError(`cannot compile k6d: ${message}`);
  return false;
}

/** Why `deno compile` failed, and what to do about it, from what it wrote to standard error. */
export function explainFailure(stderr: string, target: string): string {
  // deno-lint-ignore no-control-regex
  const text = stderr.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const address = /https:\/\/\S*denort\S*?\.zip/.exec(text)?.[0];
  if (address === undefined) return text.trim();
  return [
    `its base runtime, denort ${DENO_VERSION} for ${target}, cannot be downloaded`,
    `Fetch it where the network allows: ${address}`,
    "unpack it, and name the file: DENORT_BIN=/path/to/denort deno task compile",
  ].join("\n");
}

if (import.meta.main) Deno.exit(await compile() ? 0 : 1);
