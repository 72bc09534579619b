/** `-o json` and `-o csv` of whole runs: nothing lost, and faults that leave the test as it is. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { K6dProcess, logEntries, runK6d, runSuccessfully, summaryCount } from "./support/k6d.ts";

const SCRIPT = `
  import { Counter } from "k6/metrics";
  const own = new Counter("own");
  export default function () { own.add(1, { letter: "é" }); }
`;

interface Line {
  readonly type: string;
  readonly metric: string;
  readonly data: { readonly value: number };
}

/** Sum of a metric's values in a json output. */
function sumOf(text: string, metric: string): number {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Line)
    .filter((line) => line.type === "Point" && line.metric === metric)
    .reduce((sum, { data }) => sum + data.value, 0);
}

/** The messages of warnings and errors. */
function complaints({ stderr }: { readonly stderr: string }): string[] {
  return logEntries(stderr).filter(({ level }) => level !== "info").map(({ msg = "" }) => msg);
}

Deno.test("several outputs at once hold every sample", async () => {
  await using run = await K6dProcess.start({
    files: SCRIPT,
    args: ["run", "-u", "4", "-i", "300", "script.js"],
    env: { K6_OUT: "json=a.json,json=b.json.gz,csv=c.csv" },
  });
  const result = await run.ended();
  assertEquals([result.code, complaints(result)], [0, []]);
  assertMatch(result.stdout, /output: json \(a\.json\), json \(b\.json\.gz\), csv \(c\.csv\)/);
  const json = await Deno.readTextFile(`${run.folder}/a.json`);
  assertEquals([sumOf(json, "own"), sumOf(json, "iterations")], [300, 300]);
  const unzipped = (await Deno.open(`${run.folder}/b.json.gz`)).readable.pipeThrough(new DecompressionStream("gzip"));
  assertEquals(await new Response(unzipped).text(), json);
  const csv = await Deno.readTextFile(`${run.folder}/c.csv`);
  assertEquals(csv.match(/^own,\d+,1\.000000,.*letter=é,$/gm)?.length, 300);
});

Deno.test("json without a file goes to standard output, whole lines beside the summary", async () => {
  const { stdout } = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "-q", "-i", "50", "-o", "json", "script.js"],
  });
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  assertEquals(sumOf(lines.join("\n"), "own"), 50);
  assertEquals(summaryCount({ stdout }, "iterations"), 50);
});

Deno.test("a test that is ended by SIGTERM has everything that it measured in its files", async () => {
  const script = `${SCRIPT}
    import { sleep } from "k6";
    export const options = {
      scenarios: { all: { executor: "constant-vus", vus: 20, duration: "1h", exec: "slow", gracefulStop: "0s" } },
    };
    export function slow() {
      own.add(1);
      if (__ITER === 50) console.log("measured");
      sleep(0.001);
    }`;
  await using run = await K6dProcess.start({
    files: script,
    args: ["run", "-q", "-o", "json=a.json", "-o", "csv=a.csv.gz", "script.js"],
  });
  await run.logged(/measured/);
  run.signal("SIGTERM");
  const result = await run.ended();
  assertEquals(result.code, 105);
  const json = await Deno.readTextFile(`${run.folder}/a.json`);
  assert(summaryCount(result, "own") > 0);
  assertEquals(sumOf(json, "own"), summaryCount(result, "own"));
  assertEquals(sumOf(json, "iterations"), summaryCount(result, "iterations"));
  const unzipped = (await Deno.open(`${run.folder}/a.csv.gz`)).readable.pipeThrough(new DecompressionStream("gzip"));
  const rows = (await new Response(unzipped).text()).match(/^own,/gm)?.length;
  assertEquals(rows, summaryCount(result, "own"));
});

Deno.test("a full disk or a broken pipe is told in two lines, and the test goes on as if nothing had happened", async () => {
  const cases = [
    {
      args: ["-o", "csv=/dev/full"],
      before: "true",
      says: /^csv output: stopped, can't write to "\/dev\/full": No space/,
    },
    {
      args: ["-o", "json"],
      before: "mkfifo pipe; true < pipe & exec > pipe",
      says: /^json output: stopped, can't write to standard output: Broken pipe/,
    },
  ];
  for (const { args, before, says } of cases) {
    const result = await runK6d({ files: SCRIPT, args: ["run", "-q", "-i", "9", ...args, "script.js"], before });
    assertEquals(result.code, 0, result.stderr);
    const [stopped = "", missing = "", ...more] = complaints(result);
    assertMatch(stopped, says);
    assertMatch(missing, /output: up to \d+ of \d+ samples are missing in/);
    assertEquals(more, []);
  }
});

Deno.test("a file that can't be written to, or a wrong setting, ends the test before it starts", async () => {
  const cases: [string, Record<string, string>, RegExp][] = [
    ["json=/no/such/folder/a.json", {}, /^json output: can't write to "\/no\/such\/folder\/a.json": No such file/],
    ["csv=saveInterval=soon", {}, /^csv output: invalid saveInterval \(-o csv=…\) "soon": expected a positive dur/],
    ["csv", { K6_CSV_TIME_FORMAT: "iso" }, /^csv output: invalid timeFormat \(K6_CSV_TIME_FORMAT\) "iso"/],
  ];
  for (const [output, env, says] of cases) {
    const files = "export default function () { throw new Error('it ran'); }";
    const result = await runK6d({ files, env, args: ["run", "-q", "-o", output, "script.js"] });
    assertEquals(result.code, 255);
    const [message = "", ...more] = complaints(result);
    assertMatch(message, says);
    assertEquals(more, []);
  }
});
