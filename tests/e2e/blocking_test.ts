/** Blocking calls where a script can't be suspended: the whole thread waits, all else is as ever. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { consoleMessages, K6dProcess, logEntries, runK6d, runSuccessfully, summaryCount } from "./support/k6d.ts";

/** A server that remembers from which connection each request came and what cookie it had. */
function startServer() {
  const requests: { path: string; port: number; cookie: string }[] = [];
  const held: (() => void)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request, { remoteAddr }) => {
    const { pathname } = new URL(request.url);
    requests.push({ path: pathname, port: remoteAddr.port, cookie: request.headers.get("cookie") ?? "" });
    if (pathname === "/held") await new Promise<void>((resolve) => held.push(resolve));
    if (pathname === "/from") return new Response(null, { status: 302, headers: { location: "/to" } });
    const body = request.method === "POST" ? await request.text() : "hello";
    return new Response(body, { headers: { "set-cookie": "seen=yes" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const release of held) release();
      await server.shutdown();
    },
  };
}

Deno.test("requests in constructors, getters and comparators are those of anywhere else", async () => {
  await using server = startServer();
  const result = await runSuccessfully({
    env: { URL: server.url },
    args: ["run", "--include-system-env-vars", "--workers", "2", "script.js"],
    files: `
import http from "k6/http";
import { group, sleep } from "k6";
export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 2, iterations: 3 } }, thresholds: {
  "http_reqs{group:::in a group}": ["count==6"], "http_req_connecting": ["max>0", "min==0"], http_req_failed: ["rate==0"],
} };
class Page {
  constructor(path) { new.target; this.response = http.get(__ENV.URL + path); }
  get sent() { return http.post(__ENV.URL + "/post", "é".repeat(40000)).body.length; }
}
export default function () {
  const page = group("in a group", () => new Page("/one"));
  const order = ["/b", "/a"].sort((x, y) => {
    sleep(0.001);
    return new Page(x).response.status === 200 && x < y ? -1 : 1;
  });
  console.log(page.response.body, page.sent, order.join(), new Page("/from").response.url.slice(-3));
}`,
  });
  assertEquals(consoleMessages(result), Array(6).fill("hello 40000 /a,/b /to"));
  const byConnection = Map.groupBy(server.requests, ({ port }) => port);
  assertEquals([...byConnection.values()].map((list) => list.length), [15, 15]);
  // Cookies of an iteration are gone in the next.
  const first = [...byConnection.values()][0]!.map(({ path, cookie }) => `${path} ${cookie}`);
  const iteration = ["/one ", "/a seen=yes", "/post seen=yes", "/from seen=yes", "/to seen=yes"];
  assertEquals(first, [...iteration, ...iteration, ...iteration]);
  assertEquals(summaryCount(result, "http_reqs"), 30);
  const warnings = logEntries(result.stderr).filter(({ level }) => level === "warning").map(({ msg }) => msg!);
  assertEquals(warnings.map((text) => /script\.js:(\d+:\d+)/.exec(text)![1]).sort(), ["13:30", "8:56", "9:28"]);
  for (const text of warnings) assertMatch(text, /blocks its whole thread.*(a constructor|a getter|Array\.sort)/);
});

Deno.test("gracefulStop ends blocked iterations; what they leave on the stack does nothing more", async () => {
  await using server = startServer();
  const result = await runK6d({
    env: { URL: server.url },
    args: ["run", "--include-system-env-vars", "--workers", "1", "script.js"],
    files: `
import http from "k6/http";
import { sleep } from "k6";
export const options = { scenarios: {
  waits: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s" },
} };
class Held {
  constructor() {
    new.target;
    try { http.get(__ENV.URL + "/held"); } finally { http.get(__ENV.URL + "/after"); sleep(60); }
  }
}
export default function () { new Held(); console.log("never"); }
export function teardown() { console.log(new Date(http.get(__ENV.URL + "/teardown").status).getTime()); }`,
  });
  assertEquals(result.code, 0, result.stderr);
  assertEquals(consoleMessages(result), ["200"]);
  assertEquals(server.requests.map(({ path }) => path), ["/held", "/teardown"]);
  assertLess(result.durationMs, 10_000);
});

Deno.test("Ctrl-C ends a test whose threads are all blocked, and teardown may block again", async () => {
  await using run = await K6dProcess.start({
    args: ["run", "--quiet", "--workers", "2", "script.js"],
    files: `
import { sleep } from "k6";
export const options = { vus: 2, duration: "60s" };
class Long { constructor(seconds) { new.target; console.log("blocked"); sleep(seconds); } }
export default function () { new Long(60); }
export function teardown() { new Long(0.01); console.log("torn down"); }`,
  });
  await run.logged(/msg=blocked[^]*msg=blocked/);
  run.signal("SIGINT");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assertEquals(consoleMessages(result), ["blocked", "blocked", "blocked", "torn down"]);
  assert(result.durationMs < 10_000);
});

Deno.test("setupTimeout holds for a blocked setup()", async () => {
  const result = await runK6d({
    files: `
import { sleep } from "k6";
export const options = { setupTimeout: "500ms" };
export function setup() { [2, 1].sort(() => sleep(60)); }
export default function () {}`,
  });
  assertEquals(result.code, 100, result.stderr);
  assertMatch(result.stderr, /setup\(\) execution timed out after 0\.5 seconds/);
});

Deno.test("exec.test.abort() in a constructor ends the test", async () => {
  const result = await runK6d({
    files: `
import exec from "k6/execution";
import { sleep } from "k6";
class Stop { constructor() { new.target; sleep(0.01); try { exec.test.abort("enough"); } finally { sleep(60); console.log("never"); } } }
export default function () { new Stop(); console.log("never"); }`,
  });
  assertEquals(result.code, 108, result.stderr);
  assertEquals(consoleMessages(result), []);
  assertMatch(result.stderr, /test aborted: enough/);
});
