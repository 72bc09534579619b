/** When `handleSummary()` is called, what it may do, and the machine-readable format that it may get. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { K6dProcess, runK6d } from "./support/k6d.ts";

const SCRIPT = `
import { check, group } from "k6";
import http from "k6/http";
export const options = { iterations: 2, thresholds: { checks: ["rate>0.9"], iterations: ["count>1"] } };
export const setup = () => ({ token: "t" });
export default () => group("cart", () => check(__ITER, { even: (n) => n % 2 === 0 }));
`;

Deno.test("handleSummary() may block and return a promise, and what it measures is in no result", async () => {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("template"));
  const result = await runK6d({
    files: `${SCRIPT}
      export function handleSummary(data) {
        const { body } = http.get("http://127.0.0.1:${server.addr.port}/");
        return Promise.resolve({ stdout: body + Object.keys(data.metrics).includes("http_reqs") });
      }`,
  });
  assertEquals(result.stdout, "templatefalse");
});

Deno.test("handleSummary() is called after an interrupted test too", async () => {
  const files = `
    import { sleep } from "k6";
    export const options = { vus: 1, duration: "1m" };
    export default function () { console.log("on"); sleep(60); }
    export function handleSummary(data) { return { stdout: "handled" }; }`;
  await using run = await K6dProcess.start({ files });
  await run.logged(/msg=on/);
  run.signal("SIGINT");
  const { code, stdout } = await run.ended();
  assertEquals([code, stdout], [105, "handled"]);
});

Deno.test("--new-machine-readable-summary replaces both", async () => {
  await using run = await K6dProcess.start({
    files: `${SCRIPT}\nexport const handleSummary = (data) => ({ stdout: data.version });`,
    args: ["run", "-q", "--new-machine-readable-summary", "--summary-export", "new.json", "script.js"],
  });
  assertEquals((await run.ended()).stdout, "1.0.0");
  const { results, config } = JSON.parse(await Deno.readTextFile(`${run.folder}/new.json`));
  assertEquals(results.checks.results, [{ name: "even", passes: 1, fails: 1 }]);
  assertEquals(config.script, "script.js");
  assert(results.metrics.some(({ name }: { name: string }) => name === "iterations"));
});

Deno.test("handleSummary() has a time limit, and k6d's own text takes its place", async () => {
  const result = await runK6d({
    files: `
      import { sleep } from "k6";
      export const options = { handleSummaryTimeout: "50ms" };
      export default function () {}
      export function handleSummary() { sleep(60); }`,
  });
  assertEquals(result.code, 0);
  assertMatch(result.stderr, /level=error msg="handleSummary\(\) execution timed out after 0\.05 seconds"/);
  assertStringIncludes(result.stdout, "TOTAL RESULTS");
});
