/** Where requests go, from where, how fast, what is told of them, and how many series they make. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { startFixedServer, startRawServer } from "../net/raw_server.ts";
import { consoleMessages, logEntries, runK6d, runSuccessfully, summaryCount, summaryRow } from "./support/k6d.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const GET = `import http from "k6/http";
export default function () {
  http.get(__ENV.URL);
}`;

Deno.test("dns: a name is looked up by the policy of the option", async () => {
  await using server = startFixedServer(OK);
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export const options = { dns: { policy: "onlyIPv4", select: "first", ttl: "inf" } };
export default function () {
  const { status, remote_ip } = http.get("http://localhost:" + __ENV.PORT + "/");
  console.log(status, remote_ip);
}`,
    env: { PORT: String(server.port) },
  });
  assertEquals(consoleMessages(result), ["200 127.0.0.1"]);
  const wrong = await runK6d({ files: GET, args: ["run", "--quiet", "--dns", "select=last", "script.js"] });
  assert(wrong.code !== 0 && wrong.stderr.includes('"roundRobin"'), wrong.stderr);
});

Deno.test("hosts and blocks count for what redirects and asynchronous requests lead to, too", async () => {
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const to = /^GET \/to\/(\S+)/.exec(head)?.[1];
      await peer.send(
        to === undefined ? OK : `HTTP/1.1 302 Found\r\nLocation: http://${to}/\r\nContent-Length: 0\r\n\r\n`,
      );
    }
  });
  const result = await runSuccessfully({
    files: `import http from "k6/http";
const here = "127.0.0.1:" + __ENV.PORT;
export const options = {
  hosts: { "a.test": here, "*.wild.test": here, "blocked.test": here, "listed.test": "192.0.2.1" },
  blockHostnames: ["blocked.test"],
  blacklistIPs: ["192.0.2.0/24"],
};
export default async function () {
  const show = ({ status, error_code }) => console.log(status, error_code);
  for (const to of ["a.test", "x.wild.test", "blocked.test", "listed.test"]) show(http.get("http://a.test/to/" + to));
  show(await http.asyncRequest("GET", "http://blocked.test/"));
}`,
    env: { PORT: String(server.port) },
  });
  assertEquals(consoleMessages(result), ["200 0", "200 0", "0 1111", "0 1110", "0 1111"]);
});

Deno.test("local IPs: each virtual user has one, on every worker, also where the whole thread waits", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (_, { remoteAddr }) => {
    return new Response((remoteAddr as Deno.NetAddr).hostname);
  });
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export const options = { scenarios: { s: { executor: "per-vu-iterations", vus: 4 } } };
export default function () {
  console.log(__VU, http.get(__ENV.URL).body);
  [2, 1].sort(() => { console.log(__VU, http.get(__ENV.URL).body); return 0; });
}`,
    args: ["run", "--quiet", "--workers", "2", "--local-ips", "127.0.1.1-127.0.1.2,127.0.2.0/30", "script.js"],
    env: { URL: `http://127.0.0.1:${server.addr.port}/` },
  });
  await server.shutdown();
  assertEquals(
    [...new Set(consoleMessages(result))].sort(),
    ["1 127.0.1.1", "2 127.0.1.2", "3 127.0.2.1", "4 127.0.2.2"],
  );
});

Deno.test("rps limits the requests of all workers together", async () => {
  await using server = startFixedServer(OK);
  const result = await runSuccessfully({
    files: GET,
    args: ["run", "--workers", "2", "--vus", "4", "--iterations", "21", "--rps", "20", "script.js"],
    env: { URL: server.url },
  });
  const [count, rate] = summaryRow(result, "http_reqs")!.split(/\s+/);
  assertEquals(count, "21");
  assert(parseFloat(rate!) <= 21, rate);
});

Deno.test("iterations that wait for the limit end with their scenario, and nobody waits in their place", async () => {
  await using server = startFixedServer(OK);
  const result = await runSuccessfully({
    files: `${GET}
export const options = {
  rps: 1,
  teardownTimeout: "15s",
  scenarios: { s: { executor: "constant-vus", vus: 20, duration: "1s", gracefulStop: "0s" } },
};
export const teardown = () => http.get(__ENV.URL);`,
    args: ["run", "script.js"],
    env: { URL: server.url },
  });
  // Twenty requests would take so many seconds.
  assert(summaryCount(result, "http_reqs") < 20, result.stdout);
});

Deno.test("http-debug: heads, with =full the bodies, the answer under its request's id", async () => {
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      await peer.body(4);
      await peer.send(OK);
    }
  });
  const files = `import http from "k6/http";
export default function () {
  http.post(__ENV.URL + "/path", "sent");
}`;
  for (const [flag, request, response] of [["--http-debug", "", ""], ["--http-debug=full", "sent", "ok"]] as const) {
    const { stderr } = await runSuccessfully({
      files,
      args: ["run", "--quiet", flag, "script.js"],
      env: { URL: server.url },
    });
    const lines = logEntries(stderr).filter(({ source }) => source === "http-debug");
    assertEquals(lines.map(({ scenario, vu, iter }) => [scenario, vu, iter]), [["default", "1", "0"], [
      "default",
      "1",
      "0",
    ]]);
    assertMatch(lines[0]!["msg"]!, RegExp(`^Request:\nPOST /path HTTP/1.1\r\nHost: [^]*\r\n\r\n${request}\n$`));
    assertEquals(lines[1]!["msg"], `Response:\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${response}\n`);
    assertEquals(lines[0]!["request_id"], lines[1]!["request_id"]);
  }
});

Deno.test("--max-series folds what is too much; thresholds, checks and totals stay right", async () => {
  const result = await runSuccessfully({
    files: `import { check } from "k6";
import exec from "k6/execution";
import { Counter } from "k6/metrics";
const things = new Counter("things");
export const options = {
  vus: 4,
  iterations: 100,
  thresholds: { things: ["count==1000"], "things{even:true}": ["count==500"], "things{even:false,id:none}": ["count==0"] },
};
export default function () {
  for (let i = 0; i < 10; i++) {
    const id = __VU + "-" + __ITER + "-" + i;
    exec.vu.metrics.tags.id = id;
    check(i, { "is small": (i) => i < 9 });
    things.add(1, { even: String(i % 2 === 0) });
  }
}`,
    args: ["run", "--workers", "2", "--out", "json=out.json", "script.js"],
    env: { K6D_MAX_SERIES: "50" },
  });
  assertEquals(summaryCount(result, "things"), 1000);
  assertMatch(result.stdout, /is small\n.*↳ +90% — ✓ 900 \/ ✗ 100/);
  const warnings = logEntries(result.stderr).filter(({ msg }) => msg?.includes("--max-series"));
  assertEquals(warnings.length, 1, result.stderr);
  assertMatch(warnings[0]!["msg"]!, /has 50 time series.*the tag "id" has \d+ values; don't put unique values/);
});

Deno.test("too few open files for the threads end the test before it begins, in one line", async () => {
  const { code, stderr } = await runK6d({
    files: GET,
    // One worker would find room, eight don't.
    before: "ulimit -n 50",
    args: ["run", "--quiet", "--workers", "8", "--vus", "8", "--iterations", "8", "script.js"],
  });
  assertEquals(code, 255);
  assertEquals(logEntries(stderr).map(({ msg }) => msg), [
    "too many open files to start another thread: raise the limit (ulimit -n 65536), or take fewer threads (--workers)",
  ]);
});
