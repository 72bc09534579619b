/** A running test under the REST API and the commands that use it. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { freePort } from "../support/free_port.ts";
import { consoleMessages, K6dProcess, runK6d } from "./support/k6d.ts";

/** A run that listens on an address of its own. */
async function controlled(script: string, args: readonly string[] = []) {
  const address = `127.0.0.1:${freePort()}`;
  const run = await K6dProcess.start({
    files: script,
    args: ["run", "-q", "--address", address, ...args, "script.js"],
  });
  await run.logged(/REST API at/);
  const command = (...words: string[]) => runK6d({ args: [...words, "--address", address] });
  return { run, command, url: `http://${address}/v1`, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() };
}

const patch = (url: string, attributes: unknown) =>
  fetch(`${url}/status`, { method: "PATCH", body: JSON.stringify({ data: { attributes } }) });

Deno.test("a paused test waits, shows its status, and starts with k6d resume", async () => {
  await using test = await controlled(`export default function () { console.log("ran"); }`, ["--paused"]);
  while ((await test.command("status", "--json")).stdout.includes(`"status": 1`));
  const waiting = await test.command("status");
  assertEquals(
    waiting.stdout,
    "status: 4\npaused: true\nvus: 0\nvus-max: 1\nstopped: false\nrunning: false\ntainted: false\n",
  );
  assertEquals((await test.command("resume")).code, 0);
  const ended = await test.run.ended();
  assertEquals([ended.code, consoleMessages(ended)], [0, ["ran"]]);
});

Deno.test("a test can be resumed before it is even paused", async () => {
  await using test = await controlled(`export default function () {}`, ["--paused"]);
  assertEquals((await patch(test.url, { paused: false })).status, 200);
  assertEquals((await test.run.ended()).code, 0);
});

Deno.test("setup data of a paused test can be made and replaced from outside", async () => {
  await using test = await controlled(
    `let calls = 0;
     export const setup = () => ({ from: "setup" });
     export default function (data) { console.log(JSON.stringify(data)); }`,
    ["--paused", "--no-setup"],
  );
  const post = () => fetch(`${test.url}/setup`, { method: "POST" });
  let made = await post();
  while (made.status === 409) {
    await made.body?.cancel();
    made = await post();
  }
  assertEquals((await made.json()).data.attributes.data, { from: "setup" });
  const body = JSON.stringify({ data: { attributes: { data: { from: "outside" } } } });
  await (await fetch(`${test.url}/setup`, { method: "PUT", body })).body?.cancel();
  await (await patch(test.url, { paused: false })).body?.cancel();
  assertEquals(consoleMessages(await test.run.ended()), ['{"from":"outside"}']);
});

Deno.test("a test that is stopped from outside runs its teardown and exits with 103", async () => {
  await using test = await controlled(`
    import { sleep } from "k6";
    export const options = { vus: 1, duration: "1m" };
    export default function () { console.log("on"); sleep(60); }
    export function teardown() { console.log("torn down"); }`);
  await test.run.logged(/msg=on/);
  const pause = await test.command("pause");
  assertEquals([pause.code, (await test.command("resume")).code], [255, 0]);
  assertMatch(
    pause.stderr,
    /a running test can't be paused: scenario 'default' \(constant-vus\) keeps its own schedule/,
  );
  await (await patch(test.url, { stopped: true })).body?.cancel();
  const { code, stdout, stderr } = await test.run.ended();
  assertEquals(code, 103);
  assertStringIncludes(stderr, "torn down");
  assertStringIncludes(stdout, "TOTAL RESULTS");
});

Deno.test("k6d scale changes the virtual users of an externally controlled scenario", async () => {
  await using test = await controlled(`
    import exec from "k6/execution";
    import { sleep } from "k6";
    export const options = {
      scenarios: { main: { executor: "externally-controlled", vus: 1, maxVUs: 3, duration: "1m", gracefulStop: "0s" } },
    };
    export default function () { if (__ITER === 0) console.log("user" + exec.vu.idInTest); sleep(0.01); }`);
  await test.run.logged(/msg=user/);
  const tooMany = await test.command("scale", "--vus", "9");
  assertEquals(tooMany.code, 255);
  assertMatch(tooMany.stderr, /the test at 127.* refused: .*can't be more than maxVUs \(3\)/);
  assertEquals((await test.command("scale", "--vus", "3")).code, 0);
  await test.run.logged(/(user\d[^]*){3}/);
  const stats = await test.command("stats");
  assertMatch(
    stats.stdout,
    /- name: iterations\n {2}type: counter\n {2}contains: default\n {2}tainted: null\n {2}sample:\n/,
  );
  await (await patch(test.url, { stopped: true })).body?.cancel();
  const users = new Set(consoleMessages(await test.run.ended()));
  assertEquals(users.size, 3);
});

Deno.test("an address that is taken ends the run with 106; one of a variable is only a warning", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const files = `export default function () {}`;
  const refused = await runK6d({ files, args: ["run", "-q", "--address", address, "script.js"] });
  assertEquals(refused.code, 106);
  assertMatch(refused.stderr, /level=error msg="the REST API can't listen on 127.*/);
  const warned = await runK6d({ files, env: { K6_ADDRESS: address } });
  assertEquals(warned.code, 0);
  assertMatch(warned.stderr, /level=warning msg="the REST API can't listen on/);
  assertEquals((await runK6d({ files, args: ["run", "--address", "nowhere", "script.js"] })).code, 106);
});

Deno.test("--linger keeps the REST API up until Ctrl-C, and the test's exit code", async () => {
  await using test = await controlled(`export default function () {}`, ["--linger"]);
  await test.run.logged(/stays until Ctrl-C/);
  assert((await test.command("status")).stdout.startsWith("status: 9\n"));
  test.run.signal("SIGINT");
  assertEquals((await test.run.ended()).code, 0);
});

Deno.test("commands say what is missing", async () => {
  const nowhere = await runK6d({ args: ["status"] });
  assertEquals(nowhere.code, 255);
  assertStringIncludes(nowhere.stderr, "k6d status needs the address of the test");
  const nobody = await runK6d({ args: ["pause", "--address", `127.0.0.1:${freePort()}`] });
  assertEquals(nobody.code, 255);
  assertStringIncludes(nobody.stderr, "no test answers at 127.0.0.1:");
  const idle = await runK6d({ args: ["scale", "--address", "127.0.0.1:1"] });
  assertStringIncludes(idle.stderr, "k6d scale needs --vus N, --max N or both");
});

Deno.test("a paused test that nothing can resume says so, and ends on Ctrl-C", async () => {
  await using run = await K6dProcess.start({
    files: `export default function () {}`,
    args: ["run", "-q", "--paused", "script.js"],
  });
  await run.logged(/level=warning msg="the test is paused, and nothing can resume it/);
  run.signal("SIGINT");
  assertEquals((await run.ended()).code, 105);
});
