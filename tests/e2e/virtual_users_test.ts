/** What a virtual user has of its own, and what it tells of itself. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { consoleMessages, runK6d, runSuccessfully } from "./support/k6d.ts";

Deno.test("samples carry metadata of the script, and their virtual user and iteration where asked", async () => {
  const { stdout } = await runSuccessfully({
    files: `
import exec from "k6/execution";
import { Counter } from "k6/metrics";
export const options = { systemTags: ["vu", "iter"], iterations: 2 };
const counter = new Counter("own");
export default function () {
  exec.vu.metrics.metadata.trace = "t" + __ITER;
  counter.add(1);
  delete exec.vu.metrics.metadata.trace;
  counter.add(2);
}`,
    args: ["run", "--quiet", "--no-summary", "--out=json=-", "script.js"],
  });
  const points = stdout.trim().split("\n").map((line) => JSON.parse(line)).filter(({ type, metric }) =>
    type === "Point" && metric === "own"
  );
  assertEquals(points.map(({ data }) => [data.value, data.metadata, data.tags]), [
    [1, { trace: "t0", iter: "0", vu: "1" }, {}],
    [2, { iter: "0", vu: "1" }, {}],
    [1, { trace: "t1", iter: "1", vu: "1" }, {}],
    [2, { iter: "1", vu: "1" }, {}],
  ]);
});

Deno.test("a metadata value that is no text, number or boolean is refused", async () => {
  const result = await runSuccessfully({
    files: `import exec from "k6/execution";
export default function () { try { exec.vu.metrics.metadata.a = {}; } catch (error) { console.log(error.message); } }`,
  });
  assertEquals(consoleMessages(result), [
    "the metadata 'a' can't be set: only String, Boolean and Number types are accepted as a metric metadata value",
  ]);
});

Deno.test("a module of k6's can be changed by each virtual user for itself, also by a function that blocks", async () => {
  const result = await runSuccessfully({
    files: `
import http from "k6/http";
import { sleep } from "k6";
export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 4 } } };
if (__VU % 2 === 1) http.get = function (url) { sleep(0.01); return { body: url + __VU }; };
const asks = (client) => client.get;
export default function () {
  console.log(__VU % 2 === 1 ? http.get("url").body === "url" + __VU : asks(http).name === "get");
}`,
  });
  assertEquals(consoleMessages(result), ["true", "true", "true", "true"]);
});

Deno.test("a response lists its fields", async () => {
  const result = await runSuccessfully({
    files: `
import http from "k6/http";
export default function () {
  const response = http.get("http://127.0.0.1:1/");
  response.own = 1;
  const inLoop = []; for (const name in response) inLoop.push(name);
  const named = Object.fromEntries(Object.entries(response));
  console.log(Object.keys(response).length, inLoop.length, Object.values(response).length, named.own, named.status, named.error_code);
}`,
  });
  assertEquals(consoleMessages(result), ["21 21 21 1 0 1212"]);
});

Deno.test("files and CSV are read in pieces by each virtual user", async () => {
  const result = await runSuccessfully({
    files: {
      "script.js": `
import { open, SeekMode } from "k6/experimental/fs";
import csv from "k6/experimental/csv";
export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 2 } } };
const file = await open("./data/users.csv");
const rows = await csv.parse(file, { asObjects: true });
const parser = new csv.Parser(file, { fromLine: 1 });
export default async function () {
  const bytes = new Uint8Array(4);
  const taken = [await file.read(bytes), await file.seek(0, SeekMode.Start), String.fromCharCode(...bytes)];
  const read = [];
  for (let row = await parser.next(); !row.done; row = await parser.next()) read.push(row.value.join("|"));
  console.log(taken.join(), read.join(), JSON.stringify(rows), (await file.stat()).name);
}`,
      "data/users.csv": 'name,note\nann,"a ""note"""\nbob,\n',
    },
  });
  const line = `4,0,name ann|a "note",bob| [{"name":"ann","note":"a \\"note\\""},{"name":"bob","note":""}] users.csv`;
  assertEquals(consoleMessages(result), [line, line]);
});

Deno.test("a file that can't be read is an error with its place", async () => {
  const { code, stderr } = await runK6d({
    files:
      `import { open } from "k6/experimental/fs";\nconst file = await open("./absent.txt");\nexport default function () {}`,
  });
  assertEquals(code, 107);
  assertStringIncludes(stderr, "absent.txt");
  assert(!stderr.includes("src/"), stderr);
});
