/** What a script must not be able to do, whatever it tries. The attacks run in a real worker. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runK6d } from "./support/k6d.ts";

/** Each is the body of a function in the script; it returns (or resolves to) evidence when it got through. */
const ATTACKS: Record<string, string> = {
  // Deno, Node.js and the browser.
  "Deno by name": `return typeof Deno !== "undefined" && Deno;`,
  "Deno through the global object of evaluated text": `return (0, eval)("this").Deno;`,
  "Deno through a function of a function": `return (function () {}).constructor("return this.Deno")();`,
  "Deno through a symbol":
    `return (0, eval)("this")[Symbol.for("Deno.internal")] ?? Deno[Symbol.for("Deno.internal")];`,
  "Deno through constructors of generators and async functions": `
    const made = [function* () {}, (0, eval)("(async () => {})"), (0, eval)("(async function* () {})")]
      .map((f) => f.constructor("return typeof Deno + typeof process"));
    return made[0]().next().value !== "undefinedundefined";`,
  "process, Buffer and require":
    `return new Function("return typeof process + typeof Buffer + typeof require")() !== "undefinedundefinedundefined";`,
  "fetch, Worker, WebSocket, WebAssembly":
    `return (0, eval)("typeof fetch + typeof Worker + typeof WebSocket + typeof WebAssembly").replaceAll("undefined", "");`,
  "prototypes of the global object": `
    const names = [];
    for (let o = (0, eval)("this"); o !== null; o = Object.getPrototypeOf(o)) names.push(...Object.getOwnPropertyNames(o));
    return names.filter((name) => /worker|deno|postmessage|import|close|fetch|navigator|location|performance|cache/i.test(name)).join();`,
  "a constructor of the global object":
    `return (0, eval)("this").constructor !== Object && (0, eval)("this").constructor;`,
  "require() of Node.js": `return require("node:fs");`,
  "require() in an iteration": `return require("k6/http");`,
  // Imports.
  ...Object.fromEntries(
    [
      "node:fs",
      "node:process",
      "node:worker_threads",
      "node:v8",
      "node:child_process",
      "ext:core/ops",
      "npm:acorn",
      "data:text/javascript,export default 1",
      "file:///etc/hostname",
    ]
      .map((name) => [`import("${name}")`, `return (0, eval)('import("${name}")');`]),
  ),
  "import() of a JSON file":
    `return new Function("path", "return import(path, { with: { type: 'json' } })")("file://" + __ENV.SECRET_FILE);`,
  // Other virtual users: whose code runs when V8's own promises call back?
  "a callback of V8's own promises": `return (0, eval)("(async () => {})()").then(() => exec.vu.idInTest);`,
  "a request of V8's own promises":
    `return (0, eval)("(async () => {})()").then(() => http.get("http://127.0.0.1:1/"));`,
  "finalizers": `return (0, eval)("typeof FinalizationRegistry") !== "undefined";`,
  // The main thread.
  "postMessage":
    `return (0, eval)("typeof postMessage") !== "undefined" && ((0, eval)("this").postMessage({ type: "scenario-done" }), "posted");`,
  "listening to the main thread": `
    const global = (0, eval)("this");
    let heard = "";
    global.addEventListener("message", () => heard = "listens");
    return heard || "listens";`,
  "listening through the prototype": `
    let add; for (let o = (0, eval)("this"); o !== null; o = Object.getPrototypeOf(o)) add ??= Object.getOwnPropertyDescriptor(o, "addEventListener")?.value;
    add.call((0, eval)("this"), "message", () => {});
    return "listens";`,
  "onmessage": `const g = (0, eval)("this"); return Reflect.ownKeys(g).includes("onmessage") && typeof g.onmessage;`,
  "forging a message": `return (0, eval)("this").dispatchEvent({ type: "message", data: { type: "stop" } });`,
  "calling k6d's listener": `
    const global = (0, eval)("this");
    for (const key of Object.getOwnPropertySymbols(global)) {
      for (const listener of global[key]?.listeners?.message ?? []) listener.callback({ type: "message", data: { type: "stop" } });
    }`,
  "taking k6d's listener away": `
    const global = (0, eval)("this");
    for (const key of Object.getOwnPropertySymbols(global)) {
      if (typeof global[key] === "object" && (delete global[key] || (global[key].listeners.message.length = 0, true))) return "gone";
    }`,
  // Stacks.
  "call sites": `
    Error.prepareStackTrace = (_, frames) => frames;
    const { stack } = new Error();
    return typeof stack !== "string" && stack;`,
  "call sites of k6d's own code": `
    let seen; Error.prepareStackTrace = (_, frames) => { seen = frames; return ""; };
    try { new Counter("!"); } catch (error) { error.stack; }
    return seen;`,
  "captureStackTrace":
    `const holder = {}; Error.captureStackTrace?.(holder); return /src.(worker|api|script)/.test(String(holder.stack)) && holder.stack;`,
  "paths of k6d in a stack":
    `try { http.get(Symbol()); } catch (error) { return /src.(worker|api|script)/.test(error.stack) && error.stack; }`,
  "arguments and caller": `return (function f() { return f.caller ?? f.arguments.callee; })();`,
  // k6d's own objects.
  "the names of the compiled text": `return typeof $k !== "undefined" || typeof $i !== "undefined";`,
  "symbols on functions":
    `return [http.get, exec.test.abort, [].map].flatMap(Object.getOwnPropertySymbols).length > 0;`,
  "changing a function of the API": `http.get.call = () => "changed"; return http.get.call();`,
  "changing the prototype of responses": `
    const response = http.get("http://127.0.0.1:1/"); Object.getPrototypeOf(response).json = () => "changed"; return "changed";`,
  "fields of a response that are k6d's":
    `return Reflect.ownKeys(http.get("http://127.0.0.1:1/")).filter((key) => typeof key === "symbol" || key.startsWith("#") || key.startsWith("_")).join();`,
  "native objects behind crypto": `
    const { constructor, prototype } = CryptoKey;
    return Object.getPrototypeOf(crypto) !== Object.prototype || Object.getPrototypeOf(crypto.subtle) !== Object.prototype ||
      constructor !== Function || Object.getPrototypeOf(prototype) !== Object.prototype;`,
  "native promises of crypto": `return !(crypto.subtle.digest("SHA-1", new Uint8Array(1)) instanceof Promise);`,
  "native exceptions of crypto":
    `try { crypto.getRandomValues([]); } catch (error) { return error.constructor !== Error && error.constructor; }`,
  "making a key by hand": `return new CryptoKey();`,
  "changing a hasher for others": `
    Object.getPrototypeOf(k6crypto.createHash("md5")).digest = () => "changed"; return "changed";`,
  "writing to a shared array": `shared[0].a = 2; return "written";`,
  "writing to the options": `exec.test.options.vus = 5; return "written";`,
  "the environment": `return Object.keys(__ENV).join() !== "SECRET_FILE" && Object.keys(__ENV);`,
  // Files.
  "open() in an iteration": `return open(__ENV.SECRET_FILE);`,
  "a file that the init stage did not open": `return lateOpen?.includes("secret") && lateOpen;`,
};

const SCRIPT = `
import http from "k6/http";
import exec from "k6/execution";
import k6crypto from "k6/crypto";
import { sleep } from "k6";
import { Counter } from "k6/metrics";
import { SharedArray } from "k6/data";
const shared = new SharedArray("s", () => [{ a: 1 }]);
let lateOpen;
if (__VU > 0) try { lateOpen = open(__ENV.SECRET_FILE); } catch (error) { lateOpen = error.message; }
const attacks = {
${Object.entries(ATTACKS).map(([name, body]) => `${JSON.stringify(name)}() { ${body} }`).join(",\n")}
};
const late = [];
export default function () {
  for (const name in attacks) {
    let evidence;
    try { evidence = attacks[name](); } catch (error) { continue; }
    if (typeof evidence?.then === "function") evidence.then((value) => late.push(name + ": " + Object.keys(value)), () => {});
    else if (evidence) console.error("ESCAPED", name, String(evidence));
  }
  sleep(0.2);
  for (const text of late) console.error("ESCAPED", text);
  console.log("all tried", Object.keys(attacks).length);
}`;

Deno.test("no attack of a script gets through, and the test goes on", async () => {
  const secret = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(secret, '{"secret":"secret"}');
  try {
    const { code, stderr } = await runK6d({
      files: SCRIPT,
      args: [
        "run",
        "--quiet",
        "--log-format=raw",
        "--include-system-env-vars=false",
        "-e",
        `SECRET_FILE=${secret}`,
        "script.js",
      ],
    });
    assertEquals(stderr.split("\n").filter((line) => line.includes("ESCAPED")), []);
    assertStringIncludes(stderr, `all tried ${Object.keys(ATTACKS).length}`);
    assertEquals(code, 0);
  } finally {
    await Deno.remove(secret);
  }
});

/** What a script may put in the way of k6d's own code, before and while that runs. */
const POLLUTION = `
  Object.defineProperty(Object.prototype, "type", { get() { return "stop"; }, set() {}, configurable: true });
  Object.prototype.throw = true;
  Array.prototype.push = function () { throw new Error("push of the script"); };
  Array.prototype[Symbol.iterator] = function () { throw new Error("iterator of the script"); };
  Map.prototype.get = () => "map of the script";
  String.prototype.slice = () => "slice of the script";
  Promise.prototype.then = () => { throw new Error("then of the script"); };
  JSON.stringify = () => "json of the script";`;

Deno.test("what one virtual user does to built-in objects, no other sees", async () => {
  const { code, stderr } = await runK6d({
    files: `
import exec from "k6/execution";
import { sleep } from "k6";
export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 4, iterations: 3 } } };
const find = () => "missing " + [].find.name + Object.getOwnPropertyNames(Array.prototype).includes("tally");
const before = find();
if (__VU % 2 === 1) String.prototype.fromInit = function () { return this + " from init of " + __VU; };
Object.defineProperty(Array.prototype, "polyfill", { value: () => __VU });
export default function () {
  Array.prototype.tally = (Array.prototype.tally || 0) + 1;
  Math.random = () => __VU;
  globalThis.mine = __VU;
  new Function("implicit = (typeof implicit === 'undefined' ? 0 : implicit) + 1")();
  sleep(0.01);
  const seen = [[].tally === __ITER + 1, Math.random() === __VU, (0, eval)("mine") === __VU, globalThis.implicit === __ITER + 1,
    [].polyfill() === __VU, "x".fromInit === undefined ? __VU % 2 === 0 : "x".fromInit() === "x from init of " + __VU];
  console.log(before, seen.join());
}`,
    args: ["run", "--quiet", "--log-format=raw", "script.js"],
  });
  assertEquals(
    stderr.trim().split("\n").filter((line) => line !== "missing findfalse true,true,true,true,true,true"),
    [],
  );
  assertEquals(code, 0);
});

Deno.test("a change to a built-in object that can't be kept within its user ends the test", async () => {
  const { code, stderr } = await runK6d({
    files: `
import { sleep } from "k6";
const hide = (object) => object;
export default function () { const prototype = hide(Array.prototype); prototype.leak = 1; sleep(0.1); }`,
  });
  assertStringIncludes(stderr, "Array.prototype.leak was changed during an iteration");
  assertEquals(code, 107);
});

for (const stage of ["init", "iteration"]) {
  Deno.test(`k6d's own code works when a script replaces what it is made of, in its ${stage}`, async () => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("answer"));
    const { code, stderr, stdout } = await runK6d({
      files: `
import http from "k6/http";
import { check, group, sleep } from "k6";
import { Trend } from "k6/metrics";
export const options = { vus: 2, iterations: 6 };
const trend = new Trend("own");
const pollute = () => {${POLLUTION}};
${stage === "init" ? "pollute();" : ""}
export default function () {
  ${stage === "iteration" ? "if (__VU === 1) pollute();" : ""}
  const response = group("g", () => http.get("${`http://127.0.0.1:${server.addr.port}/`}", { tags: { a: "b" } }));
  check(response, { answered: (r) => r.status === 200 && r.body === "answer" });
  trend.add(1, { c: "d" });
  sleep(0.01);
}`,
      args: ["run", "--no-color", "--log-format=raw", "script.js"],
    });
    assertStringIncludes(stdout, "checks_succeeded...: 100.00% 6 out of 6");
    assert(!stderr.includes("of the script"), stderr);
    assertEquals(code, 0);
  });
}
