/** The commands that don't run a test, as a user sees them. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { K6dProcess, runK6d, runSuccessfully } from "./support/k6d.ts";

const SCRIPT = `import http from "k6/http";
import { name } from "./lib.js";
export const options = { scenarios: {
  a: { executor: "constant-vus", vus: 3, duration: "90s", exec: "a" },
  b: { executor: "per-vu-iterations", vus: 2, startTime: "5m", maxDuration: "1m", gracefulStop: "0s" },
} };
export function a() { http.get(name); }
export default function () {}`;
const FILES = { "script.js": SCRIPT, "lib.js": "export const name = 'x';" };

Deno.test("inspect prints what the script exports, unset options null", async () => {
  const { stdout, stderr } = await runSuccessfully({
    files: FILES,
    args: ["inspect", "script.js"],
    env: { K6_VUS: "9" },
  });
  const options = JSON.parse(stdout);
  assertEquals([options.vus, options.scenarios.a, stderr], [null, {
    executor: "constant-vus",
    vus: 3,
    duration: "90s",
    exec: "a",
  }, ""]);
});

Deno.test("inspect --execution-requirements merges all layers, and says how long and how many", async () => {
  const args = ["inspect", "--execution-requirements", "script.js"];
  const plain = JSON.parse((await runSuccessfully({ files: FILES, args })).stdout);
  assertEquals([plain.totalDuration, plain.maxVUs, plain.scenarios.a.gracefulStop], ["6m0s", 3, null]);
  const env = { K6_VUS: "9", K6_DURATION: "10s" };
  const over = JSON.parse((await runSuccessfully({ files: FILES, args, env })).stdout);
  assertEquals([over.totalDuration, over.maxVUs, Object.keys(over.scenarios)], ["40s", 9, ["default"]]);
});

Deno.test("deps lists what is imported, without running anything", async () => {
  const files = { ...FILES, "lib.js": "export const name = 'x'; throw new Error('ran');" };
  const { stdout } = await runSuccessfully({ files, args: ["deps", "--json", "script.js"] });
  const { imports, customBuildRequired } = JSON.parse(stdout);
  assertEquals([imports.length, imports[0], customBuildRequired], [2, "k6/http", false]);
  assertMatch(imports[1], /^file:\/\/\/.*\/lib\.js$/);
});

Deno.test("new writes a script that loads, once", async () => {
  await using first = await K6dProcess.start({
    args: ["new", "--template", "protocol", "--project-id", "12", "shop.js"],
  });
  const { stdout, code } = await first.ended();
  assertEquals([stdout, code], ["New script created: shop.js (protocol template).\n", 0]);
  const script = await Deno.readTextFile(`${first.folder}/shop.js`);
  const inspected = await runSuccessfully({ files: { "shop.js": script }, args: ["inspect", "shop.js"] });
  assertEquals(JSON.parse(inspected.stdout).cloud, { projectID: 12 });

  const again = await runK6d({ files: { "shop.js": "mine" }, args: ["new", "shop.js"] });
  assertEquals([again.code, again.stderr], [255, "error: shop.js already exists; use --force to overwrite it\n"]);
});

Deno.test("new takes a template of the user's", async () => {
  await using run = await K6dProcess.start({
    files: { "my.tpl": "// {{ .ScriptName }} of {{.ProjectID}}\n", "x.js": "old" },
    args: ["new", "--template", "./my.tpl", "--project-id", "7", "--force", "x.js"],
  });
  assertEquals((await run.ended()).code, 0);
  assertEquals(await Deno.readTextFile(`${run.folder}/x.js`), "// x.js of 7\n");
  const unknown = await runK6d({ args: ["new", "--template", "protocl"] });
  assertStringIncludes(unknown.stderr, `unknown template "protocl"`);
});

Deno.test("the log and the console go to files, and what a level leaves out does not", async () => {
  await using run = await K6dProcess.start({
    files: `console.log("init"); export default function () { console.log("seen"); throw new Error("bad"); }`,
    args: [
      "run",
      "--quiet",
      "--summary-mode=disabled",
      "--no-usage-report",
      "--log-output",
      "file=run.log,level=error",
      "--console-output",
      "console.txt",
      "script.js",
    ],
  });
  const { code, stdout, stderr } = await run.ended();
  assertEquals([code, stdout, stderr], [0, "", ""]);
  const log = await Deno.readTextFile(`${run.folder}/run.log`);
  assertMatch(log, /^time="[^"]+" level=error msg="Error: bad[^\n]*source=stacktrace\n$/);
  const lines = (await Deno.readTextFile(`${run.folder}/console.txt`)).split("\n");
  assertMatch(lines[0]!, /^time="[^"]+" level=info msg=init source=console$/);
  assertEquals(lines.filter((line) => line.includes("msg=seen")).length, 1);
});

Deno.test("the configuration file is the lowest layer, found in the user's folder too", async () => {
  const script = `import exec from "k6/execution";
export const options = { maxRedirects: 3 };
export default function () { const o = exec.test.options; console.log(o.userAgent, o.maxRedirects, o.batch); }`;
  const config = JSON.stringify({ userAgent: "config", maxRedirects: 1, batch: 20, iterations: 2, unknwn: 1 });
  const files = { "script.js": script, "home/k6/config.json": config, "mine.json": `{"userAgent": "mine"}` };
  await using run = await K6dProcess.start({ files, env: { K6_NO_USAGE_REPORT: "true", XDG_CONFIG_HOME: "./home" } });
  const { code, stderr } = await run.ended();
  assertEquals([code, stderr.match(/msg="config 3 20"/g)?.length], [0, 2]);
  assertMatch(stderr, /level=warning msg="There were unknown fields in the configuration file: unknwn"/);
  const named = await runK6d({
    files,
    args: ["run", "--quiet", "--config", "mine.json", "script.js"],
    env: { XDG_CONFIG_HOME: "./home" },
  });
  assertMatch(named.stderr, /msg="mine 3 null"/);
});

Deno.test("the feature freeze-env keeps a script from changing __ENV", async () => {
  const script = `export const options = { scenarios: { s: { executor: "per-vu-iterations", env: { B: "2" } } } };
__ENV.A = "init";
export default function () { __ENV.B = "changed"; console.log(__ENV.A, __ENV.B); }`;
  const args = ["run", "--quiet", "-e", "A=1", "script.js"];
  const free = await runK6d({ files: script, args });
  assertMatch(free.stderr, /msg="init changed"/);
  const frozen = await runK6d({ files: script, args, env: { K6_FEATURES: "freeze-env" } });
  assertMatch(frozen.stderr, /TypeError: Cannot assign to read only property 'A'/);
  assertEquals(frozen.code, 107);
});

Deno.test("the log goes to Loki, to its last line, and nothing of it to standard error", async () => {
  const streams: { stream: Record<string, string>; values: string[][] }[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    streams.push(...(await request.json()).streams);
    return new Response(null, { status: 204 });
  });
  const url = `http://127.0.0.1:${server.addr.port}/loki/api/v1/push`;
  const script = `export const options = { thresholds: { iterations: ["count>1"] } };
export default function () { console.warn("from the script"); }`;
  const output = `loki=${url},label.test=shop,allowedLabels=[level,source,test]`;
  const run = await runK6d({ files: script, args: ["run", "--quiet", "--log-output", output, "script.js"] });
  assertEquals([run.code, run.stderr], [99, ""]);
  assertEquals(streams.map(({ stream, values }) => [stream, values.map(([, text]) => text)]), [
    [{ level: "warning", source: "console", test: "shop" }, ["from the script"]],
    [{ level: "error", test: "shop" }, ["thresholds on metrics 'iterations' have been crossed"]],
  ]);
});
