/**
 * `deno task property [--programs N] [--seed S]`: runs random programs through the suspend compiler on all cores, 100,000
 * unless told otherwise. A seed names the same programs wherever the generator is the same.
 */

import { parseArgs } from "@std/cli/parse-args";
import { runPrograms } from "../tests/script/support/property_run.ts";
import { print } from "./repository.ts";

const args = parseArgs(Deno.args, { string: ["programs", "seed"] });
const count = Number(args.programs ?? 100_000);
const seed = Number(args.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const start = performance.now();
const seconds = () => ((performance.now() - start) / 1000).toFixed(0);
print(`${count} programs of seed ${seed}`);
const { usage, failure } = await runPrograms(seed, count, {
  progress: (done) => print(`${done} programs, ${seconds()} s`),
});
print("blocking calls by the function around: suspended, blocked");
for (const [kind, { suspended, blocked }] of Object.entries(usage).toSorted()) {
  print(`  ${kind.padEnd(20)} ${String(suspended).padStart(9)} ${String(blocked).padStart(9)}`);
}
print(failure ?? `${count} programs of seed ${seed} without a difference in ${seconds()} s`);
Deno.exit(failure === undefined ? 0 : 1);
