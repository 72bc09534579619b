/**
 * `deno task bench [--only <case>]… [--repeat N] [--seconds N]`: k6d's headline figures, side by side with wrk (when it is
 * installed) and k6 (when `K6_BIN` names its binary). `K6D_BIN` names a compiled k6d to measure instead of the sources.
 * Prints a table and writes dist/bench.json. `--repeat 3` gives medians, for the record. Needs Linux.
 */

import { parseArgs } from "@std/cli/parse-args";
import { exists, print, printError, ROOT, V8_FLAGS } from "../repository.ts";
import { startBenchTarget } from "./bench_target.ts";
import { type BenchCase, type BenchContext, BenchError, CASES, type Tool } from "./cases.ts";
import { type Figure, formatTable, type Row, toRows } from "./report.ts";

interface BenchFlags {
  readonly only: readonly string[];
  readonly repeat: string;
  readonly seconds: string;
}

const flags: BenchFlags = parseArgs(Deno.args, {
  string: ["only", "repeat", "seconds"],
  collect: ["only"],
  default: { repeat: "1", seconds: "10" },
});
const repeat = positive("--repeat", flags.repeat);
const seconds = positive("--seconds", flags.seconds);
const unknown = flags.only.filter((name) => !CASES.some((each) => each.name === name));
if (unknown.length > 0) {
  fail(`unknown case ${unknown.join(", ")}; there are: ${CASES.map((each) => each.name).join(", ")}`);
}
const cases = CASES.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name));

const rows: Row[] = [];
let broken = 0;
{
  await using target = await startBenchTarget();
  const context: BenchContext = { target, tools: tools(), seconds };
  print(`target: ${target.name}; ${navigator.hardwareConcurrency} cores; ${repeat} × ${seconds} s a case`);
  for (const each of cases) {
    const caseRows = await measureCase(each, context);
    if (caseRows === null) broken++;
    else if (caseRows.length > 0) print(`\n${formatTable(caseRows)}`);
    rows.push(...caseRows ?? []);
  }
}
await Deno.mkdir(`${ROOT}dist`, { recursive: true });
await Deno.writeTextFile(`${ROOT}dist/bench.json`, JSON.stringify({ at: new Date(), repeat, seconds, rows }, null, 2));

const missed = rows.filter((row) => row.met === false);
const met = rows.filter((row) => row.met === true).length;
print(`\n${met} figures met, ${missed.length} missed, ${broken} cases not measured; written to dist/bench.json`);
Deno.exit(missed.length === 0 && broken === 0 ? 0 : 1);

/** The rows of one case; null when it could not be measured, after saying why. */
async function measureCase({ name, run }: BenchCase, context: BenchContext): Promise<Row[] | null> {
  try {
    const repetitions: Figure[][] = [];
    for (let i = 0; i < repeat; i++) repetitions.push(await run(context));
    return toRows(name, repetitions);
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    printError(`\n${name} could not be measured: ${error.message}`);
    return null;
  }
}

function tools(): Tool[] {
  const k6d = Deno.env.get("K6D_BIN");
  const k6 = Deno.env.get("K6_BIN");
  const found: Tool[] = [
    {
      name: "k6d",
      command: k6d === undefined
        ? [Deno.execPath(), "run", "-A", V8_FLAGS, `${ROOT}main.ts`]
        : [existing("K6D_BIN", k6d)],
    },
  ];
  if (k6 !== undefined) found.push({ name: "k6", command: [existing("K6_BIN", k6)] });
  return found;
}

function existing(name: string, path: string): string {
  return exists(path) ? path : fail(`${name} names "${path}", which does not exist`);
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : fail(`${flag} takes a whole number above 0, got "${text}"`);
}

function fail(message: string): never {
  printError(`bench: ${message}`);
  Deno.exit(2);
}
