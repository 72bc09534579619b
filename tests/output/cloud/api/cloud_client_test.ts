import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import type { NewTestRun } from "../../../../src/output/cloud/api/v1_api.ts";
import { V1Api } from "../../../../src/output/cloud/api/v1_api.ts";
import { json } from "../../../../src/hub/http.ts";
import { ACCOUNT, ContractServer } from "../../../support/cloud/contract_server.ts";
import { type Fault, htmlAnswer, MALFORMED, v1ErrorAnswer, v6ErrorAnswer } from "../../../support/cloud/faults.ts";
import { freePort } from "../../../support/free_port.ts";
import { Calls, failure, TIMEOUT_MS } from "./calls.ts";

const RUN: NewTestRun = {
  name: "a test",
  projectId: null,
  maxVus: 1,
  durationSeconds: 10,
  thresholds: {},
  archive: null,
};

const OPERATION = "v1.createTestRun";

const FAILURES: readonly [what: string, Fault][] = [
  ["a connection that is reset", "reset"],
  ["an answer that is lost", "lost"],
  ["an answer that is no HTTP", "garbage"],
  ["a server error", htmlAnswer(502)],
  ["too many requests", v1ErrorAnswer(429, 0, "slow down")],
];

for (const [what, fault] of FAILURES) {
  Deno.test(`a call is made again after ${what}, with the same key and after half a second`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    server.fault(OPERATION, fault, fault);
    const { id } = await api(server, calls).createTestRun(RUN);
    assertEquals(server.callsOf(OPERATION).length, 3);
    assertEquals(new Set(keys(server)).size, 1);
    assertMatch(keys(server)[0] ?? "", /^[0-9a-f]{16}$/);
    assertEquals(calls.clock.pausesMs, [500, 500]);
    // Also the call whose answer was lost has made one run only.
    assertEquals(id, (await server.testRun(id)).id);
    assertEquals(server.violations, []);
  });
}

Deno.test("every call has a key of its own", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  await api(server, calls).createTestRun(RUN);
  await api(server, calls).createTestRun(RUN);
  assertEquals(new Set(keys(server)).size, 2);
});

Deno.test("a server that fails three times is given up, and the user hears what to do", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.lastingFault(OPERATION, htmlAnswer(503));
  const error = await failure(api(server, calls).createTestRun(RUN));
  assertEquals(
    error.message,
    "cannot create the test run: (503) unexpected answer; the service has failed: try again later",
  );
  assertEquals([error.kind, error.status, error.code], ["refused", 503, null]);
  assertEquals(server.callsOf(OPERATION).length, 3);
  assertEquals(server.violations, []);
});

Deno.test("a service that isn't there is named with the setting of its address", async () => {
  using calls = new Calls();
  const host = `http://127.0.0.1:${freePort()}`;
  const error = await failure(new V1Api(calls.client, { host, token: null }).createTestRun(RUN));
  assertEquals(
    error.message,
    `cannot create the test run: ${host}: connection refused; check the network and K6_CLOUD_HOST`,
  );
  assertEquals([error.kind, error.status], ["unanswered", null]);
});

Deno.test("behind a proxy the user is told to look at that, too", async () => {
  using calls = new Calls({ env: { HTTP_PROXY: `127.0.0.1:${freePort()}` } });
  const host = "http://cloud.invalid";
  const { message } = await failure(new V1Api(calls.client, { host, token: null }).createTestRun(RUN));
  assertEquals(
    message,
    `cannot create the test run: ${host}: connection refused; check the network, the proxy (HTTPS_PROXY, HTTP_PROXY) and ` +
      "K6_CLOUD_HOST",
  );
});

Deno.test("an attempt without an answer ends after the time limit", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault(OPERATION, "hang");
  const created = api(server, calls).createTestRun(RUN);
  await server.called(OPERATION);
  calls.clock.timeOut();
  await created;
  assertMatch(calls.lines[0] ?? "", /: no answer in time after 0 ms .*, attempt 2 in 500 ms$/);
  assertEquals(server.violations, []);
});

const RETRY_AFTER: readonly [given: string, pauseMs: number][] = [["7", 7000], ["0", 500]];

for (const [given, pauseMs] of RETRY_AFTER) {
  Deno.test(`Retry-After: ${given} makes a pause of ${pauseMs} ms`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    server.fault(OPERATION, { ...v1ErrorAnswer(429, 0, "slow down"), headers: { "retry-after": given } });
    await api(server, calls).createTestRun(RUN);
    assertEquals(calls.clock.pausesMs, [pauseMs]);
  });
}

Deno.test("a Retry-After that is longer than a call may take is cut to that", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault(OPERATION, { ...v1ErrorAnswer(429, 0, "slow down"), headers: { "retry-after": "86400" } });
  const created = api(server, calls).createTestRun(RUN);
  assertMatch(await calls.nextLine(), new RegExp(`, attempt 2 in ${TIMEOUT_MS} ms$`));
  calls.clock.timeOut();
  await created;
});

Deno.test("a signal ends a call at once, in its pause and while it waits for an answer", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault(OPERATION, "reset", "hang");
  const inPause = new AbortController();
  calls.clock.onPause = () => inPause.abort();
  const first = await failure(api(server, calls).createTestRun(RUN, inPause.signal));
  const inAnswer = new AbortController();
  const second = api(server, calls).createTestRun(RUN, inAnswer.signal);
  await server.called(OPERATION, 2);
  inAnswer.abort();
  assertEquals([first.kind, (await failure(second)).kind], ["given up", "given up"]);
  assertEquals((await failure(api(server, calls).createTestRun(RUN, inAnswer.signal))).kind, "given up");
  assertEquals(server.callsOf(OPERATION).length, 2);
});

const FIELD_ERRORS = {
  error: {
    code: 7,
    message: "invalid\ntest",
    field_errors: { name: ["too long", "odd"] },
    details: {},
    errors: ["no"],
  },
};

const CHECK_RIGHTS = "check that the token may use the project (K6_CLOUD_PROJECT_ID) and the stack (K6_CLOUD_STACK_ID)";
const CHECK_TOKEN = "check the token: `k6d cloud login` stores one, K6_CLOUD_TOKEN comes before it";

type Refusal = readonly [what: string, Fault, expected: string, code: string | null];

const REFUSALS: readonly Refusal[] = [
  ["401", v1ErrorAnswer(401, 0, "Invalid token"), `(401) Invalid token; ${CHECK_TOKEN}`, null],
  ["401 without words", htmlAnswer(401), `(401) failed to authenticate with k6 Cloud; ${CHECK_TOKEN}`, null],
  ["403 without words", htmlAnswer(403), `(403) not allowed to upload result to k6 Cloud; ${CHECK_RIGHTS}`, null],
  ...[1, 2, 3, 5, 6, 7].map((code): Refusal => [
    `403 with code ${code}`,
    v1ErrorAnswer(403, code, "no rights"),
    `(403/E${code}) no rights; ${CHECK_RIGHTS}`,
    String(code),
  ]),
  [
    "what would be the order to stop in the answer to a push",
    v1ErrorAnswer(403, 4, "not allowed"),
    `(403/E4) not allowed; ${CHECK_RIGHTS}`,
    "4",
  ],
  [
    "the same in the newer form",
    v6ErrorAnswer(403, "4", "not allowed"),
    `(403/E4) not allowed; ${CHECK_RIGHTS}`,
    "4",
  ],
  ["fields that are wrong", json(FIELD_ERRORS, 400), "(400/E7) invalid test; name: too long; name: odd; no", "7"],
  [
    "fields that are wrong in the newer form",
    json(
      { error: { message: "invalid", code: "validation", details: [{ message: "too long", target: "name" }] } },
      400,
    ),
    "(400/validation) invalid; name: too long",
    "validation",
  ],
  [
    "too much at once",
    htmlAnswer(413),
    "(413) too large; the service takes less at once",
    null,
  ],
  [
    "an address where nothing is",
    htmlAnswer(404),
    "(404) unexpected answer; check K6_CLOUD_HOST, and that what is asked for exists",
    null,
  ],
  [
    "a redirect",
    { status: 302, headers: { location: "https://other.example/login?token=abc" } },
    "(302) redirects are not followed; if https://other.example/login is right, use that address; check K6_CLOUD_HOST",
    null,
  ],
  ["control characters", v1ErrorAnswer(400, 0, "a\x1b[31m\r\nb"), "(400) a [31m b", null],
  ["words without end", v1ErrorAnswer(400, 0, "x".repeat(5000)), `(400) ${"x".repeat(300)}`, null],
  ["a token in the words", v1ErrorAnswer(400, 0, `bad ${ACCOUNT.token}`), "(400) bad ***", null],
  ["another shape", json({ error: "no" }, 400), `(400) unexpected answer: {"error":"no"}`, null],
  ["a proxy's words", { status: 400, body: "no such\nupstream" }, "(400) unexpected answer: no such upstream", null],
  ["nothing", { status: 400 }, "(400) unexpected answer", null],
];

for (const [what, fault, expected, code] of REFUSALS) {
  Deno.test(`a refusal is final and told in one line: ${what}`, async () => {
    await using server = await ContractServer.start();
    using calls = new Calls();
    server.fault(OPERATION, fault);
    const error = await failure(api(server, calls).createTestRun(RUN));
    assertEquals(error.message, `cannot create the test run: ${expected}`);
    assertEquals([error.kind, error.code, error.isStopOrder], ["refused", code, code === "4"]);
    assertEquals(server.callsOf(OPERATION).length, 1);
  });
}

const NO_ID =
  "reference_id of the answer must be 1 to 256 visible ASCII characters, and not only dots; check K6_CLOUD_HOST";

Deno.test("an answer that can't be understood is an error that names the field, not a repeat", async () => {
  const answers: readonly [Fault, string][] = [
    [MALFORMED, "the answer is not the JSON object of a k6 cloud; check K6_CLOUD_HOST"],
    [{ status: 200, body: "<html>" }, "the answer is not the JSON object of a k6 cloud; check K6_CLOUD_HOST"],
    [json([1]), "the answer is not the JSON object of a k6 cloud; check K6_CLOUD_HOST"],
    [json({}), "reference_id of the answer must be text; check K6_CLOUD_HOST"],
    [json({ reference_id: "" }), "reference_id of the answer must be text; check K6_CLOUD_HOST"],
    [json({ reference_id: { id: 1 } }), "reference_id of the answer must be text; check K6_CLOUD_HOST"],
    [json({ reference_id: ".." }), NO_ID],
    [json({ reference_id: "a b" }), NO_ID],
    [json({ reference_id: "a\x1b[31m" }), NO_ID],
    [json({ reference_id: "x\ud800" }), NO_ID],
    [json({ reference_id: "x".repeat(257) }), NO_ID],
  ];
  await using server = await ContractServer.start();
  using calls = new Calls();
  for (const [fault, expected] of answers) {
    server.fault(OPERATION, fault);
    const error = await failure(api(server, calls).createTestRun(RUN));
    assertEquals([error.kind, error.message], ["malformed", `cannot create the test run: ${expected}`]);
  }
  assertEquals(server.callsOf(OPERATION).length, answers.length);
});

Deno.test("an answer without end is given up when it is larger than any true one, and its connection with it", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  const closed: Promise<void>[] = [];
  server.lastingFault(OPERATION, {
    takeOver(_, connection) {
      connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
      const writeOn = () => {
        while (connection.write(chunk));
      };
      connection.on("drain", writeOn);
      closed.push(new Promise((resolve) => connection.on("close", () => resolve())));
      writeOn();
    },
  });
  const error = await failure(api(server, calls).createTestRun(RUN));
  assertMatch(error.message, /the answer is larger than 1 MB; check the network and K6_CLOUD_HOST$/);
  await Promise.all(closed);
  assertEquals(closed.length, 3);
});

Deno.test("a connection is kept, and one that was closed meanwhile costs an attempt, no call", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  await api(server, calls).createTestRun(RUN);
  await server.goAway();
  await server.comeBack();
  await api(server, calls).createTestRun(RUN);
  assertEquals(server.violations, []);
});

Deno.test("each attempt is a debug line with what came of it and its sizes, without query, credentials and token", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  server.fault(OPERATION, htmlAnswer(500), "reset");
  const host = server.origin.replace("http://", "http://somebody:secret@");
  await new V1Api(calls.client, { host, token: ACCOUNT.token }).createTestRun(RUN);
  const url = `${server.origin}/v1/tests`;
  assertEquals(calls.lines.map((line) => line.replace(/\d+ B received/, "N B received")), [
    `cloud: POST ${url}: 500 after 0 ms (55 B sent, N B received), attempt 2 in 500 ms`,
    `cloud: POST ${url}: connection reset after 0 ms (55 B sent), attempt 3 in 500 ms`,
    `cloud: POST ${url}: 201 after 0 ms (55 B sent, N B received)`,
  ]);
  assertNotMatch(calls.lines.join("\n"), new RegExp(`secret|${ACCOUNT.token}`));
});

Deno.test("calls say who k6d is, and whose stack they are about", async () => {
  await using server = await ContractServer.start();
  using calls = new Calls();
  await new V1Api(calls.client, { host: server.origin, token: ACCOUNT.token, stackId: 77 }).createTestRun(RUN);
  const { headers } = server.callsOf(OPERATION)[0]!.request;
  assertEquals(
    ["user-agent", "authorization", "x-stack-id", "content-type"].map((name) => headers.get(name)),
    ["k6d/1.2.3", `Token ${ACCOUNT.token}`, "77", "application/json"],
  );
  assert(!headers.has("accept-encoding"));
});

function api(server: ContractServer, { client }: Calls): V1Api {
  return new V1Api(client, { host: server.origin, token: ACCOUNT.token });
}

function keys(server: ContractServer): (string | null)[] {
  return server.callsOf(OPERATION).map(({ request }) => request.headers.get("k6-idempotency-key"));
}
