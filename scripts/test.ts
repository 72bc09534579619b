/**
 * `deno task test [deno test arguments]`: runs the tests and closes with one line, `N passed, N failed, N skipped`.
 * Types are left to `deno task check`.
 */

import { denoCommand, print } from "./repository.ts";
import { readTestReport } from "./test_report.ts";

const selection = Deno.args.length > 0 ? Deno.args : ["tests"];
const child = denoCommand(["test", "-A", "--no-check", ...selection], {
  stdout: "piped",
  env: Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : {},
}).spawn();

let output = "";
const decoder = new TextDecoder();
for await (const chunk of child.stdout) {
  for (let rest = chunk; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  output += decoder.decode(chunk, { stream: true });
}
const { success } = await child.status;

const { passed, failed, skipped, missing } = readTestReport(output);
for (const [command, tests] of missing) {
  print(`skipped ${tests} ${tests === 1 ? "test" : "tests"} for want of a program: ${command}`);
}
// A run that broke before it could report its tests has failed, whatever it counted.
print(`${passed} passed, ${success ? failed : Math.max(failed, 1)} failed, ${skipped} skipped`);
Deno.exit(success ? 0 : 1);
