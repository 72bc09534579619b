/** Several requests of one virtual user at a time: `http.batch` and `http.asyncRequest`. */

import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { freePort } from "../support/free_port.ts";
import { consoleMessages, type K6dResult, logEntries, runK6d, runSuccessfully, summaryCount } from "./support/k6d.ts";

/** A server that answers after a moment, never to `/held`, and notes how much it is asked at a time. */
function startServer(shared = { inFlight: 0, maxInFlight: 0 }) {
  const own = { inFlight: 0, maxInFlight: 0 };
  const ports = new Set<number>();
  const paths: string[] = [];
  const held: (() => void)[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request, { remoteAddr }) => {
      const { pathname } = new URL(request.url);
      ports.add(remoteAddr.port);
      paths.push(pathname);
      for (const count of [own, shared]) count.maxInFlight = Math.max(count.maxInFlight, ++count.inFlight);
      if (pathname === "/held") {
        await new Promise<void>((resolve) => held.push(resolve));
      } else {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const count of [own, shared]) count.inFlight--;
      return new Response(`${request.method} ${pathname} ${await request.text()}`);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    own,
    shared,
    ports,
    paths,
    async [Symbol.asyncDispose]() {
      for (const release of held) release();
      await server.shutdown();
    },
  };
}

/** Runs an iteration's body, an async function's, with `url` and `other` at hand. */
async function run(body: string, url: string, options = "{}", other = ""): Promise<K6dResult> {
  return await runSuccessfully({
    args: ["run", "--workers", "1", "script.js"],
    files: `import http from "k6/http";
import { group } from "k6";
export const options = ${options};
const url = ${JSON.stringify(url)}, other = ${JSON.stringify(other)};
export default async function () {
${body}
}`,
  });
}

Deno.test("a batch answers in the order and under the names of its requests", async () => {
  await using server = startServer();
  const result = await run(
    `const list = http.batch([url + "/a", ["POST", url + "/b", "text"], { url: url + "/c" },
  { method: "PUT", url: url + "/d", body: "more" }, { method: "GET", url: url + "/e", body: "left out" }]);
console.log(list.map(({ body }) => body).join("|"));
const named = http.batch({ x: url + "/x", __proto__: null, ["__proto__"]: url + "/y" });
console.log(Object.keys(named).join(), named.x.body, Object.values(named)[1].body);
console.log(JSON.stringify(http.batch([])), JSON.stringify(http.batch({})));`,
    server.url,
  );
  assertEquals(consoleMessages(result), [
    "GET /a |POST /b text|GET /c |PUT /d more|GET /e ",
    "x,__proto__ GET /x  GET /y ",
    "[] {}",
  ]);
});

Deno.test("batch and batchPerHost limit what is under way, and connections are used again", async () => {
  await using server = startServer();
  await using other = startServer(server.shared);
  await run(
    `const paths = Array.from({ length: 6 }, (_, i) => "/" + i);
http.batch(paths.map((path) => url + path).concat(paths.map((path) => other + path)));
http.batch([url + "/again", url + "/again", other + "/again"]);`,
    server.url,
    "{ batch: 3, batchPerHost: 2 }",
    other.url,
  );
  assertEquals([server.own.maxInFlight, other.own.maxInFlight, server.shared.maxInFlight], [2, 2, 3]);
  assertEquals([server.ports.size, other.ports.size], [2, 2]);
  assertEquals([server.paths.length, other.paths.length], [8, 7]);
});

Deno.test("without limits all requests of a batch are under way at once", async () => {
  await using server = startServer();
  await run(`http.batch(Array(30).fill(url + "/"));`, server.url, "{ batch: 0, batchPerHost: 0 }");
  assertEquals(server.own.maxInFlight, 30);
});

Deno.test("a failure of a batch is a response, or throws at the call once all requests have ended", async () => {
  await using server = startServer();
  const refused = `http://127.0.0.1:${freePort()}`;
  const result = await run(
    `console.log(http.batch([other + "/", "http://[", url + "/ok"]).map((r) => r.status + " " + r.error_code).join());
const attempt = (...requests) => {
  try {
    http.batch(...requests);
  } catch (error) {
    console.log(error.message, /script.js:(\\d+:\\d+)/.exec(error.stack)[1]);
  }
};
attempt([url + "/slow", ["GET", other + "/", null, { throw: true }]]);
attempt("text");
attempt();
attempt([url + "/never", 7]);
attempt([, url + "/never"]);`,
    server.url,
    "{}",
    refused,
  );
  const messages = consoleMessages(result);
  assertEquals(messages[0], "0 1212,0 1020,200 0");
  assertEquals(messages[1], `Get "${refused}/": dial: connection refused 9:10`);
  assertEquals(messages.slice(2), [
    "http.batch() takes an array or an object of requests, not a string 9:10",
    "http.batch() takes an array or an object of requests, not undefined 9:10",
    "request 1 of http.batch() must be a URL, an array or an object, not a number 9:10",
    "request 0 of http.batch() must be a URL, an array or an object, not undefined 9:10",
  ]);
  assertEquals(server.paths, ["/ok", "/slow"]);
  assertEquals(logEntries(result.stderr).filter(({ msg }) => msg === "Request Failed").length, 2);
});

Deno.test("a batch where the script can't be suspended: all of it in one wait", async () => {
  await using server = startServer();
  const result = await run(
    `const page = { get all() { return http.batch(Array.from({ length: 5 }, (_, i) => url + "/" + i)); } };
console.log(page.all.map(({ body }) => body.trim()).join());`,
    server.url,
    "{ batchPerHost: 3 }",
  );
  assertEquals(consoleMessages(result), ["GET /0,GET /1,GET /2,GET /3,GET /4"]);
  assertEquals([server.own.maxInFlight, server.ports.size], [3, 3]);
  assertEquals(summaryCount(result, "http_reqs"), 5);
  assertMatch(result.stderr, /script\.js:6:40: http\.batch\(\) blocks its whole thread/);
});

Deno.test("asyncRequest: requests go on together and beside blocking ones; the iteration waits for all", async () => {
  await using server = startServer();
  const result = await run(
    `const all = Promise.all(["/a", "/b"].map((path) => http.asyncRequest("POST", url + path, "body")));
console.log(http.get(url + "/blocking").body.trim(), (await all).map(({ body }) => body).join());
http.asyncRequest("GET", url + "/last").then(({ body }) => console.log(body.trim()));`,
    server.url,
  );
  assertEquals(consoleMessages(result), ["GET /blocking POST /a body,POST /b body", "GET /last"]);
  assertEquals([server.own.maxInFlight, server.ports.size], [3, 3]);
});

Deno.test("asyncRequest: failures fulfil the promise, or reject it when asked to", async () => {
  const refused = `http://127.0.0.1:${freePort()}`;
  const result = await run(
    `console.log((await http.asyncRequest("GET", url)).error_code, (await http.asyncRequest("GET", "http://[")).error_code);
for (const [target, params] of [[url, { throw: true }], ["http://[", { throw: true }], [url, { timeout: "x" }]]) {
  const promise = http.asyncRequest("GET", target, null, params);
  await promise.catch((error) => console.log(error.message, /src.api/.test(error.stack)));
}`,
    refused,
  );
  const messages = consoleMessages(result);
  assertEquals(messages.slice(0, 2), ["1212 1020", `Get "${refused}": dial: connection refused false`]);
  assertMatch(messages[2]!, /^invalid URL: parse "http:\/\/\[": .* false$/);
  assertEquals(messages[3], "invalid timeout value 'x': write it like '10s' false");
});

Deno.test("samples of an asyncRequest carry the tags of the moment of its call", async () => {
  await using server = startServer();
  await run(
    `let inside;
group("inside", () => { inside = http.asyncRequest("GET", url + "/inside"); });
group("elsewhere", () => { http.get(url + "/elsewhere"); });
await inside;`,
    server.url,
    `{ thresholds: { "http_reqs{group:::inside}": ["count==1"], "http_reqs{group:::elsewhere}": ["count==1"] } }`,
  );
});

Deno.test("an iteration that is interrupted or fails drops all its requests", async () => {
  await using server = startServer();
  const scenario = (exec: string) =>
    `${exec}: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s", exec: "${exec}" }`;
  const result = await runK6d({
    env: { URL: server.url },
    args: ["run", "--include-system-env-vars", "--workers", "1", "script.js"],
    files: `import http from "k6/http";
export const options = { batchPerHost: 2, scenarios: { ${["batch", "promise"].map(scenario).join()},
  failing: { executor: "per-vu-iterations", exec: "failing" } } };
const held = __ENV.URL + "/held";
export function batch() { http.batch([held, held, held]); console.log("never"); }
export async function promise() { await http.asyncRequest("GET", held); console.log("never"); }
export function failing() { http.asyncRequest("GET", held).then(() => console.log("never")); throw "away"; }
export function teardown() { console.log(http.get(__ENV.URL + "/after").status); }`,
  });
  assertEquals(result.code, 0, result.stderr);
  assertEquals(consoleMessages(result), ["200"]);
  assertEquals(server.paths.at(-1), "/after");
  // The third one of the batch is never sent; the one of `failing` is dropped while it connects.
  assertLess(server.paths.filter((path) => path === "/held").length, 5);
  assertEquals(summaryCount(result, "http_reqs"), 1);
  assertLess(result.durationMs, 10_000);
});
