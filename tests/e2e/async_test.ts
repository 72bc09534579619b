/** Promises, timers and async functions, end to end: the order of things, and when an iteration is over. */

import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { consoleMessages, logEntries, runK6d, runSuccessfully } from "./support/k6d.ts";

Deno.test("no timer and no reaction runs while blocking code waits, whoever else runs", async () => {
  const result = await runSuccessfully({
    files: `import { group, sleep } from "k6";
import { setTimeout as later } from "k6/timers";
export const options = { vus: 3, iterations: 3 };
const said = [];
const say = (...words) => said.push(words.join(" "));
async function step() { say("async"); sleep(0.01); await null; say("continues"); sleep(0.01); say("async ends"); }
export default function () {
  Promise.resolve().then(() => { say("reaction"); sleep(0.01); say("reaction ends"); });
  Promise.resolve().then(() => say("second"));
  later((a, b) => { say("timer", a, b); Promise.resolve().then(() => say("from timer")); sleep(0.01); say("timer ends"); }, 0, "a", "b");
  later(() => say("later"), 15);
  const interval = setInterval(() => { say("tick"); clearInterval(interval); }, 60);
  later(() => console.log(said.join()), 120);
  step();
  group("g", () => { Promise.resolve().then(() => say("from group")); sleep(0.03); say("group"); });
  say("end");
}`,
  });
  const expected = "async,group,end,reaction,reaction ends,second,continues,async ends,from group," +
    "timer a b,timer ends,from timer,later,tick";
  assertEquals(consoleMessages(result), [expected, expected, expected]);
});

Deno.test("an iteration lasts until its timers and promises are done; the next begins after it", async () => {
  const result = await runSuccessfully({
    files: `let running = 0;
export const options = { iterations: 2 };
export default async function () {
  console.log("begin", ++running);
  setTimeout(() => setTimeout(() => console.log("done", running--), 20), 20);
  await new Promise(() => {});
}`,
  });
  assertEquals(consoleMessages(result), ["begin 1", "done 1", "begin 1", "done 1"]);
});

Deno.test("an exception in a timer or a rejection that nobody handles ends its iteration, with all that it waits for", async () => {
  const { code, stderr, stdout } = await runK6d({
    files: `export const options = { iterations: 4 };
export default async function () {
  setTimeout(() => console.log("never", __ITER), 100);
  if (__ITER === 0) Promise.reject(new Error("lost"));
  if (__ITER === 1) setTimeout(() => { throw new Error("in a timer"); }, 1);
  if (__ITER === 2) await null.x;
  if (__ITER === 3) { const late = Promise.reject(1); late.catch(() => console.log("handled")); await 1; throw { no: "error" }; }
}`,
  });
  assertEquals(code, 0);
  assertNotMatch(stderr, /never/);
  assertMatch(stderr, /level=error msg="Uncaught \(in promise\) Error: lost\\n\\tat .*script\.js:4:36\)" executor=/);
  assertMatch(stderr, /level=error msg="Error: in a timer\\n\\tat .*script\.js:5:46.* source=stacktrace/);
  assertMatch(stderr, /Uncaught \(in promise\) TypeError: .*script\.js:6:32/);
  assertMatch(stderr, /msg=handled/);
  assertMatch(stdout, /iterations\.+: 4 /);
});

Deno.test("an interrupted iteration never goes on: no timer, no reaction, no finally", async () => {
  const { code, stderr, stdout } = await runK6d({
    files:
      `export const options = { scenarios: { a: { executor: "constant-vus", vus: 2, duration: "1s", gracefulStop: "0s" } } };
export default async function () {
  setInterval(() => {}, 5);
  setTimeout(() => console.log("too late"), 1100);
  try { await new Promise((resolve) => setTimeout(resolve, 1050)); console.log("resumed"); } finally { console.log("finally"); }
}`,
  });
  assertEquals(code, 0);
  assertNotMatch(stderr, /too late|resumed|finally/);
  assertMatch(stderr, /No script iterations fully finished/);
  assertNotMatch(stdout, /iterations\.+:/);
});

Deno.test("exec.test.abort() in a timer or behind an await can't be caught", async () => {
  for (const body of ["setTimeout(() => stop(), 1);", "await null; stop();", "Promise.resolve().then(() => stop());"]) {
    const { code, stderr } = await runK6d({
      files: `import exec from "k6/execution";
function stop() { try { exec.test.abort("enough"); } catch { console.log("caught"); } finally { console.log("finally"); } }
export default async function () { ${body} await new Promise((r) => setTimeout(r, 50)); console.log("went on"); }`,
    });
    assertEquals(code, 108);
    assertNotMatch(stderr, /caught|finally|went on/);
  }
});

Deno.test("async setup and teardown are awaited; a rejection in setup ends the test", async () => {
  const result = await runSuccessfully({
    files: `const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export async function setup() { await pause(10); return { from: "setup" }; }
export default async ({ from }) => { await pause(1); console.log(from); };
export async function teardown({ from }) { await pause(10); console.log("torn down", from); }`,
  });
  assertEquals(consoleMessages(result), ["setup", "torn down setup"]);
  const failed = await runK6d({
    files: `export async function setup() { await 1; throw new Error("no database"); }
export default function () {}`,
  });
  assertEquals(failed.code, 107);
  assertMatch(failed.stderr, /Uncaught \(in promise\) Error: no database.*script\.js:1:48/);
});

Deno.test("init code awaits timers and promises; what never comes is an error", async () => {
  const result = await runSuccessfully({
    files: {
      "script.js": `import { ready } from "./dep.js";
export const options = { vus: 3, iterations: await Promise.resolve(3) };
export default function () { console.log(ready); }`,
      "dep.js":
        "export let ready = 0; await new Promise((resolve) => setTimeout(() => { ready = 1; resolve(); }, 10));",
    },
  });
  assertEquals(consoleMessages(result), ["1", "1", "1"]);
  const never = await runK6d({ files: "await new Promise(() => {});\nexport default function () {}" });
  assertEquals(never.code, 107);
  assertMatch(never.stderr, /msg="Error: the init code awaits a promise that nothing will ever settle"/);
  const rejected = await runK6d({ files: 'await 1;\nthrow new Error("init");\nexport default function () {}' });
  assertEquals(rejected.code, 107);
  assertMatch(rejected.stderr, /Error: init.*script\.js:2:7/);
});

Deno.test("group() and check() refuse async functions", async () => {
  const result = await runSuccessfully({
    files: `import { check, group } from "k6";
const tell = (work) => { try { work(); } catch (e) { console.log(e.name, e.message); } };
export default function () {
  tell(() => group("g", async () => {}));
  tell(() => check(1, { c: async () => true }));
}`,
  });
  assertEquals(consoleMessages(result), [
    "TypeError group() can't wait for an async function; give it a plain one",
    "TypeError check() can't wait for an async function; give it a plain one",
  ]);
});

Deno.test("promises that go on for ever leave other virtual users their turn, and are interrupted", async () => {
  const result = await runSuccessfully({
    files: `import { sleep } from "k6";
const one = { executor: "per-vu-iterations", vus: 1 };
export const options = { scenarios: {
  endless: { ...one, exec: "endless", maxDuration: "1s", gracefulStop: "0s" },
  other: { ...one, exec: "other", iterations: 5 },
} };
export async function endless() { for (;;) await null; }
export function other() { sleep(0.01); console.log("turn"); }`,
    args: ["run", "--quiet", "--workers", "1", "script.js"],
  });
  assertEquals(consoleMessages(result), Array(5).fill("turn"));
});

Deno.test("async functions that TypeScript compiled for old engines suspend: no thread is blocked", async () => {
  const result = await runSuccessfully({
    files: `import { sleep } from "k6";
var __awaiter = (this && this.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};
// What stands for a generator there: a state machine.
function machine(thisArg, body) {
  const state = { label: 0, sent: undefined };
  return { next(value) { state.sent = value; return body.call(thisArg, state); }, throw(error) { throw error; } };
}
function login(name) {
  return __awaiter(this, void 0, void 0, function () { return machine(this, function (s) { switch (s.label++) {
    case 0: sleep(0.001); return { value: Promise.resolve(name), done: false };
    case 1: sleep(0.001); if (name === "eve") throw new Error("refused"); return { value: s.sent + "!", done: true };
  } }); });
}
export default async function () {
  console.log(await login("bob"), await login("eve").catch((e) => e.message));
}`,
  });
  assertEquals(consoleMessages(result), ["bob! refused"]);
  assertEquals(logEntries(result.stderr).filter(({ level }) => level === "warning"), []);
});
