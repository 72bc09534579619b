/** `run --out cloud`: the page of the run, and the archive that goes there. How runs end is in `cloud_endings_test.ts`. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ContractServer } from "../support/cloud/contract_server.ts";
import { cloudEnvironment } from "./support/cloud.ts";
import { K6dProcess, logEntries, runK6d } from "./support/k6d.ts";

const SCRIPT = `
import { text } from "./words.js";
export const options = { vus: 2, iterations: 3 };
export default function () { console.log(text, __ENV.NAME); }
`;

const FILES = { "script.js": SCRIPT, "words.js": `export const text = "hello";` };

Deno.test("the page of the run is shown at the start and at the end; the archive that was uploaded runs", async () => {
  await using cloud = await ContractServer.start();
  const { K6_CLOUD_WEB_APP_URL: _, ...env } = cloudEnvironment(cloud);
  const args = ["run", "-o", "cloud", "-e", "NAME=value", "script.js"];
  const { code, stdout, stderr } = await runK6d({ files: FILES, args, env });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "output: cloud (https://app.k6.io/runs/1001)");
  assertMatch(stderr, /level=info msg="cloud output: the test run is at https:\/\/app\.k6\.io\/runs\/1001"/);
  const { archive, name, durationSeconds } = await cloud.testRun("1001");
  assertEquals([name, durationSeconds], ["script.js", 630]);
  await using again = await K6dProcess.start({
    files: { "test.tar": new Uint8Array(archive!) },
    args: ["run", "test.tar"],
  });
  const result = await again.ended();
  assertEquals(result.code, 0, result.stderr);
  assertEquals(result.stderr.match(/hello value/g)?.length, 3);
});

Deno.test("--no-archive-upload keeps the script here", async () => {
  await using cloud = await ContractServer.start();
  const args = ["run", "-o", "cloud", "--no-archive-upload", "script.js"];
  const { code, stderr } = await runK6d({ files: FILES, args, env: cloudEnvironment(cloud) });
  assertEquals(code, 0, stderr);
  assertEquals((await cloud.testRun("1001")).archive, null);
  assertEquals(cloud.violations, []);
});

Deno.test("a run that was made while another output could not start is ended; no threshold of it is judged", async () => {
  await using cloud = await ContractServer.start();
  const script = `export const options = { thresholds: { iterations: ["count>0"] } }; export default () => {};`;
  const args = ["run", "-o", "cloud", "-o", "influxdb=udp://influx.invalid:8089", "script.js"];
  const { code, stderr } = await runK6d({ files: script, args, env: cloudEnvironment(cloud) });
  assertEquals(code, 255, stderr);
  const errors = logEntries(stderr).filter(({ level }) => level === "error").map(({ msg }) => msg);
  assertEquals(errors, ["influxdb output: can't find the host of udp://influx.invalid:8089"]);
  const { end } = await cloud.testRun("1001");
  assertEquals(end, { runStatus: 6, resultStatus: 0, thresholds: { iterations: { "count>0": false } } });
  assertEquals(cloud.violations, []);
});
