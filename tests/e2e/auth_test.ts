/** `params.auth`: what reaches servers that ask for digests and NTLM, and what k6d tells of it. */

import { assertEquals, assertMatch } from "@std/assert";
import { type Peer, startRawServer } from "../net/raw_server.ts";
import { startNtlmServer } from "../support/ntlm_server.ts";
import { consoleMessages, runSuccessfully, summaryRow } from "./support/k6d.ts";

const UNAUTHORIZED = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n";

async function answer(peer: Peer, status: string, text: string): Promise<void> {
  await peer.send(`HTTP/1.1 ${status}\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
}

const NTLM_SCRIPT = `
import http from "k6/http";
export const options = { iterations: 1, batch: 5, batchPerHost: 5 };
const target = (password) => __ENV.TARGET.replace("://", "://CORP%5Cann:" + password + "@");
const show = ({ status, body, error_code, url }) => console.log([status, body, error_code, url].join(" "));`;

Deno.test("NTLM takes three requests on one connection, which then stays authenticated", async () => {
  const { server, seen } = startNtlmServer();
  await using _ = server;
  const result = await runSuccessfully({
    files: `${NTLM_SCRIPT}
export default function () {
  show(http.post(target("pass%2Fword"), "hello", { auth: "ntlm" }));
  show(http.get(target("pass%2Fword"), { auth: "ntlm" }));
}`,
    env: { TARGET: `${server.url}/x` },
  });
  assertEquals(consoleMessages(result), [`200 CORP\\annhello 0 ${server.url}/x`, `200 CORP\\ann 0 ${server.url}/x`]);
  assertEquals(seen, ["0 POST hello none", "0 POST hello 1", "0 POST hello 3", "0 GET  none"]);
  assertMatch(summaryRow(result, "http_reqs")!, /^4 /);
  assertMatch(summaryRow(result, "http_req_failed")!, /^0\.00% 0 out of 4/);
});

Deno.test("NTLM with a wrong password ends with the server's refusal", async () => {
  const { server, seen } = startNtlmServer();
  await using _ = server;
  const result = await runSuccessfully({
    files: `${NTLM_SCRIPT}
export default function () { show(http.get(target("wrong"), { auth: "ntlm" })); }`,
    env: { TARGET: `${server.url}/x` },
  });
  assertEquals(consoleMessages(result), [`401  1401 ${server.url}/x`]);
  assertEquals(seen.length, 3);
  assertMatch(summaryRow(result, "http_req_failed")!, /^33\.33% 1 out of 3/);
});

Deno.test("each NTLM request of a batch keeps to its connection, also where the thread blocks", async () => {
  const { server, seen } = startNtlmServer();
  await using _ = server;
  const result = await runSuccessfully({
    files: `${NTLM_SCRIPT}
const all = () => http.batch([1, 2, 3, 4, 5].map(() => ["GET", target("pass%2Fword"), null, { auth: "ntlm" }])).forEach(show);
export default function () {
  all();
  [2, 1].sort(() => { all(); return 0; });
}`,
    env: { TARGET: `${server.url}/x` },
  });
  assertEquals(consoleMessages(result), Array(10).fill(`200 CORP\\ann 0 ${server.url}/x`));
  const connections = Map.groupBy(seen, (line) => line.split(" ", 1)[0]!);
  for (const [index, lines] of connections) {
    assertEquals(lines.map((line) => line.replace(/^\d+ GET {2}/, "")), ["none", "1", "3"], index);
  }
});

Deno.test("a digest is made anew for each hop of a redirect, and not sent to another host", async () => {
  const seen: string[] = [];
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const path = head.split(" ")[1]!;
      const uri = /^Authorization: Digest .*uri="([^"]*)"/m.exec(head)?.[1];
      seen.push(`${path} ${uri ?? "-"}`);
      if (path === "/3") await answer(peer, "200 OK", "done");
      else if (uri === undefined) {
        await peer.send(`${UNAUTHORIZED}WWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n`);
      } else {
        const location = path === "/1" ? "/2" : `http://localhost:${server.port}/3`;
        await peer.send(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
      }
    }
  });
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export const options = { hosts: { localhost: "127.0.0.1" } };
export default function () { console.log(http.get(__ENV.TARGET, { auth: "digest" }).body); }`,
    env: { TARGET: `http://ann:pw@127.0.0.1:${server.port}/1` },
  });
  assertEquals(consoleMessages(result), ["done"]);
  assertEquals(seen, ["/1 -", "/1 /1", "/2 -", "/2 /2", "/3 -"]);
  assertMatch(summaryRow(result, "http_reqs")!, /^5 /);
});

Deno.test("a stale nonce is replaced", async () => {
  let answers = 0;
  await using server = startRawServer(async (peer) => {
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const nonce = /nonce="([^"]*)"/.exec(head)?.[1];
      if (nonce === "new") await answer(peer, "200 OK", String(++answers));
      else {
        const challenge = nonce === undefined ? 'nonce="old"' : 'nonce="new", stale=true';
        await peer.send(`${UNAUTHORIZED}WWW-Authenticate: Digest realm="r", ${challenge}\r\n\r\n`);
      }
    }
  });
  const result = await runSuccessfully({
    files: `import http from "k6/http";
export default function () { console.log(http.get(__ENV.TARGET, { auth: "digest" }).body); }`,
    env: { TARGET: `http://ann:pw@127.0.0.1:${server.port}/` },
  });
  assertEquals(consoleMessages(result), ["1"]);
  assertMatch(summaryRow(result, "http_reqs")!, /^3 /);
});
