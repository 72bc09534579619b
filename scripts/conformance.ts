/**
 * `deno task conformance [--only area/name] [options of tests/conformance/run.ts]`: replays the conformance cases
 * against this checkout and ends with `N passed, N failed`.
 */

import { denoCommand, ROOT, V8_FLAGS } from "./repository.ts";

const kit = `${ROOT}tests/conformance`;
const bin = `${Deno.execPath()} run -A --no-check --no-lock ${V8_FLAGS} --config ${ROOT}deno.json ${ROOT}main.ts`;
const { code } = await denoCommand([
  "run",
  "-A",
  "--no-check",
  `${kit}/run.ts`,
  "--bin",
  bin,
  "--dir",
  `${kit}/cases`,
  ...Deno.args,
])
  .spawn().status;
Deno.exit(code);
