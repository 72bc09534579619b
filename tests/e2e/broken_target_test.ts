/** Targets that misbehave: the request fails with k6's code and one warning, the run goes on and succeeds. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Peer, startRawServer } from "../net/raw_server.ts";
import { freePort } from "../support/free_port.ts";
import { startTarget } from "../support/target.ts";
import { consoleMessages, logEntries, runK6d, runSuccessfully, summaryRow } from "./support/k6d.ts";

const REQUESTS = 3;

const SCRIPT = `
import http from "k6/http";
export const options = { iterations: ${REQUESTS} };
export default function () {
  const { status, error_code, error, body } = http.get(__ENV.TARGET, { timeout: 300 });
  console.log(JSON.stringify([status, error_code, error, body]));
}`;

interface BrokenTarget {
  readonly name: string;
  /** What the server does with a connection; the port refuses connections without it. */
  readonly serve?: (peer: Peer) => Promise<void>;
  readonly scheme?: string;
  /** One of these, as it depends on which packet comes first. */
  readonly errorCodes: readonly number[];
  readonly error: RegExp;
}

const answering = (text: string) => async (peer: Peer) => {
  while (await peer.head() !== null) {
    await peer.send(text);
    return;
  }
};

const BROKEN_TARGETS: readonly BrokenTarget[] = [
  { name: "refuses connections", errorCodes: [1212], error: /dial.*connection refused/ },
  { name: "closes connections at once", serve: async () => {}, errorCodes: [1000, 1220], error: /EOF|reset by peer/ },
  { name: "closes in place of an answer", serve: answering(""), errorCodes: [1000], error: /EOF/ },
  { name: "resets the connection", serve: (peer) => peer.body(1).then(), errorCodes: [1000, 1220], error: /EOF|reset/ },
  { name: "answers garbage", serve: answering("\x00\x01 what?\r\n\r\n"), errorCodes: [1000], error: /malformed/ },
  {
    name: "ends within the head",
    serve: answering("HTTP/1.1 200 OK\r\nContent-Le"),
    errorCodes: [1000],
    error: /unexpected EOF/,
  },
  {
    name: "contradicts itself on the length",
    serve: answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    errorCodes: [1000],
    error: /Content-Length/,
  },
  {
    name: "ends within the body",
    serve: answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
    errorCodes: [1000],
    error: /unexpected EOF/,
  },
  { name: "never answers", serve: (peer) => peer.closed(), errorCodes: [1050], error: /request timeout/ },
  {
    name: "stops within the body",
    serve: async (peer) => {
      await peer.head();
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
      await peer.closed();
    },
    errorCodes: [1050],
    error: /request timeout/,
  },
  {
    name: "speaks no TLS",
    scheme: "https",
    serve: async (peer) => {
      await peer.body(1);
      await peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    },
    errorCodes: [1301],
    error: /tls/,
  },
];

for (const { name, serve, scheme = "http", errorCodes, error } of BROKEN_TARGETS) {
  Deno.test(`a target that ${name}: status 0, an error code, one warning each, and the run succeeds`, async () => {
    await using server = serve === undefined ? null : startRawServer(serve);
    const url = `${scheme}://127.0.0.1:${server?.port ?? freePort()}/`;
    const result = await runSuccessfully({ files: SCRIPT, env: { TARGET: url } });
    const responses = consoleMessages(result).map((message) => JSON.parse(message));
    assertEquals(responses.length, REQUESTS);
    for (const [status, errorCode, errorText, body] of responses) {
      assertEquals([status, body], [0, null]);
      assert(errorCodes.includes(errorCode), `${errorCode} ${errorText}`);
      assertMatch(errorText, error);
    }
    const warnings = logEntries(result.stderr).filter(({ level }) => level === "warning");
    assertEquals(warnings.length, REQUESTS, result.stderr);
    for (const { msg, error: text } of warnings) {
      assertEquals(msg, "Request Failed");
      assertMatch(text!, error);
      assert(text!.includes(url), text);
    }
    assertMatch(summaryRow(result, "http_req_failed")!, /^100\.00% 3 out of 3/);
    assertMatch(summaryRow(result, "http_reqs")!, /^3 /);
  });
}

Deno.test("with throw a failed request is an exception of the iteration", async () => {
  const result = await runSuccessfully({
    files: SCRIPT.replace("iterations: 3", "iterations: 1, throw: true"),
    env: { TARGET: `http://127.0.0.1:${freePort()}/` },
  });
  const [entry, ...more] = logEntries(result.stderr);
  assertEquals(more, []);
  assertEquals(entry?.level, "error");
  assertMatch(entry?.msg ?? "", /connection refused[^]*script\.js:5:52/);
  assertMatch(summaryRow(result, "iterations")!, /^1 /);
});

Deno.test("too many open files: the requests that got none fail with their reason, later ones find some, and the run succeeds", async () => {
  await using target = startTarget();
  const result = await runK6d({
    before: "ulimit -n 64",
    files: `import http from "k6/http";
export const options = { vus: 200, iterations: 200, noConnectionReuse: true };
export default function () { http.get(__ENV.TARGET + "/delay/300"); }
export const teardown = () => console.log(http.get(__ENV.TARGET + "/").status);`,
    args: ["run", "--quiet", "--workers", "2", "script.js"],
    env: { TARGET: target.url },
  });
  assertEquals(result.code, 0, result.stderr);
  const failures = logEntries(result.stderr).filter(({ level }) => level !== "info");
  const reasons = new Set(failures.map(({ level, error }) => `${level} ${error?.replace(/^.*": /, "")}`));
  assertEquals([...reasons], ["warning dial: too many open files"]);
  assertEquals(consoleMessages(result), ["200"]);
  assertMatch(summaryRow(result, "http_reqs")!, /^201 /);
});

Deno.test("a redirect that can't be followed is told without the credentials of its URL", async () => {
  await using server = startRawServer(
    answering("HTTP/1.1 302 Found\r\nLocation: ftp://me:topsecret@x/\r\nContent-Length: 0\r\n\r\n"),
  );
  const result = await runSuccessfully({
    files: SCRIPT,
    env: { TARGET: `http://me:topsecret@127.0.0.1:${server.port}/` },
  });
  assertMatch(result.stderr, /unsupported protocol scheme/);
  assert(!result.stderr.includes("topsecret"), result.stderr);
});
