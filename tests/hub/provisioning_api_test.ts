import { assert, assertEquals, assertMatch } from "@std/assert";
import { ContractServer } from "../support/cloud/contract_server.ts";
import { ARCHIVE, type CallChange, CloudClient, goodSet, snappyBody } from "./cloud_client.ts";

const START = { options: { vus: 1 }, max_vus: 1, total_duration: 60, archive_size: ARCHIVE.length };
const TAR = { authorization: null, "content-type": "application/x-tar" };
const END = { event_type: "script_execution_completed", error: null };

/** What a local execution was told at its start. */
interface Started {
  readonly id: string;
  readonly token: string;
  readonly archiveUrl: string;
  readonly config: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

Deno.test("a local execution uploads, pushes, logs and tells its end", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { id, token, archiveUrl, config } = await start(client);
  const status = async () => (await client.v6("GET", `/cloud/v6/test_runs/${id}`, null)).json["status"];
  assertEquals(await status(), "created");
  assertEquals((await client.v6("PUT", archiveUrl, ARCHIVE, { headers: { ...TAR, "x-stack-id": null } })).status, 200);
  assertEquals(await status(), "initializing");
  assertEquals(config["metrics"]?.["push_url"], `${server.origin}/v2/metrics/${id}`);
  assertEquals((await push(client, config, token, id)).status, 202);
  const logged = await client.scoped("POST", String(config["logs"]?.["push_url"]), token, logsOf(id, "hello"));
  assertEquals(logged.status, 204);
  assertEquals((await client.scoped("POST", `/provisioning/v1/test_runs/${id}/notify`, token, END)).status, 204);
  assertEquals(server.violations, []);
  const run = await server.testRun(id);
  assertEquals([run.result, run.notice, run.history.at(-1)?.type], ["passed", { error: null }, "completed"]);
  assertEquals(run.archive, ARCHIVE);
  assertEquals(await server.totals(id, "http_reqs"), { type: "counter", sum: 5 });
  assertEquals((await server.store.logLines(id, 0n)).map(({ message }) => message), ["hello"]);
});

Deno.test("a local execution without an archive is ready at once, and may tell of an error", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { id, token, archiveUrl } = await start(client, { archive_size: null });
  assertEquals(archiveUrl, "null");
  assertEquals((await server.testRun(id)).history.map(({ type }) => type), ["initializing"]);
  const error = { code: 8035, reason: "script exception" };
  await client.scoped("POST", `/provisioning/v1/test_runs/${id}/notify`, token, { ...END, error });
  assertEquals(server.violations, []);
  const run = await server.testRun(id);
  assertEquals([run.result, run.notice], ["error", { error }]);
  assertEquals([run.history.at(-1)?.message, run.history.at(-1)?.code], ["script exception", 8035]);
});

Deno.test("what comes in the wrong order is a violation", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { id, token, config } = await start(client);
  await push(client, config, token, id);
  assertEquals(server.violations.splice(0), [`v2.pushMetrics: metrics of test run ${id}, which has not begun`]);
  const notify = () => client.scoped("POST", `/provisioning/v1/test_runs/${id}/notify`, token, END);
  await notify();
  assertEquals((await notify()).status, 409);
  await client.scoped("POST", "/api/v1/push", token, logsOf(id, "late"));
  assertEquals(server.violations, [
    `provisioning.notify: the end of test run ${id} is told again`,
    `logs.push: log lines of test run ${id}, which has ended`,
  ]);
});

const badStarts: readonly (readonly [what: string, body: unknown, status: number, problem: RegExp])[] = [
  ["no VUs", { ...START, max_vus: undefined }, 400, /max_vus is missing/],
  ["a duration in text", { ...START, total_duration: "60s" }, 400, /total_duration must be/],
  ["no word of an archive", { ...START, archive_size: undefined }, 400, /archive_size is missing/],
  ["no options", { ...START, options: null }, 400, /options must be/],
];

for (const [what, body, status, problem] of badStarts) {
  Deno.test(`a local execution is refused with ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const test = await client.createLoadTest("local", null);
    const answer = await client.v6("POST", `/provisioning/v1/load_tests/${test}/start_local_execution`, body);
    assertEquals(answer.status, status);
    assertMatch(answer.text, problem);
  });
}

const uploads: readonly (readonly [
  what: string,
  body: Uint8Array<ArrayBuffer>,
  headers: CallChange["headers"],
  status: number,
  violation: RegExp,
])[] = [
  ["a token", ARCHIVE, { authorization: "Bearer x" }, 200, /a token sent to a presigned address/],
  [
    "another content type",
    ARCHIVE,
    { "content-type": "application/octet-stream" },
    415,
    /instead of application\/x-tar/,
  ],
  ["another size", ARCHIVE.slice(0, -512), {}, 200, /bytes, \d+ were announced/],
  ["no tar file", new Uint8Array(ARCHIVE.length), {}, 400, /the archive is invalid/],
];

for (const [what, body, headers, status, violation] of uploads) {
  Deno.test(`the upload of an archive is wrong with ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const { archiveUrl } = await start(client);
    assertEquals((await client.v6("PUT", archiveUrl, body, { headers: { ...TAR, ...headers } })).status, status);
    assertEquals(server.violations.length, 1);
    assertMatch(server.violations.join(), violation);
  });
}

Deno.test("an archive goes only where its address says, once", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { archiveUrl } = await start(client);
  const put = async (url: string) => (await client.v6("PUT", url, ARCHIVE, { headers: TAR })).status;
  assertEquals(await put(archiveUrl.replace(/.$/, "x")), 403);
  assertEquals([await put(archiveUrl), await put(archiveUrl)], [200, 200]);
  assertEquals(server.violations, [
    "provisioning.uploadArchive: repeated after a final answer",
    "provisioning.uploadArchive: the archive comes again",
  ]);
});

const badNotices: readonly (readonly [what: string, body: unknown, status: number, violation: RegExp])[] = [
  ["another event", { ...END, event_type: "begun" }, 400, /unknown event begun/],
  ["no word of an error", { event_type: END.event_type }, 400, /error is missing/],
  ["an error without a code", { ...END, error: { reason: "" } }, 400, /code is missing/],
  ["an unknown code", { ...END, error: { code: 1, reason: "" } }, 204, /error code 1/],
  ["an unknown field", { ...END, result: 1 }, 204, /unknown field result/],
];

for (const [what, body, status, violation] of badNotices) {
  Deno.test(`the notice of an end is wrong with ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const { id, token } = await start(client);
    const answer = await client.scoped("POST", `/provisioning/v1/test_runs/${id}/notify`, token, body);
    assertEquals(answer.status, status);
    assertMatch(server.violations.join(), violation);
  });
}

Deno.test("a run's token opens nothing of another run", async () => {
  await using server = await ContractServer.start();
  const client = new CloudClient(server);
  const { token } = await start(client);
  const other = await client.create();
  const path = `/provisioning/v1/test_runs/${other}`;
  assertEquals((await client.scoped("POST", `${path}/notify`, token, END)).status, 403);
  assertEquals((await client.scoped("GET", `${path}/decrypt_secret?name=api-key`, token, null)).status, 403);
  assertEquals((await client.scoped("POST", "/api/v1/push", token, logsOf(other, "x"))).status, 401);
});

const badLogs: readonly (readonly [what: string, body: (id: string) => unknown, status: number, violation: RegExp])[] =
  [
    ["no streams", () => ({}), 400, /streams is missing/],
    ["no lines", () => ({ streams: [] }), 204, /without a log line/],
    ["a time in milliseconds as a number", (id) => logsOf(id, "a", {}, 5), 400, /values must be/],
    ["a time that is none", (id) => logsOf(id, "a", {}, "now"), 400, /nanoseconds/],
    ["a label that is not allowed", (id) => logsOf(id, "a", { vu: "1" }), 204, /label vu/],
    ["a long line", (id) => logsOf(id, "a".repeat(1_048_577)), 204, /1048577 bytes/],
    ["too many lines", (id) => ({ streams: Array(102).fill(logsOf(id, "a").streams[0]) }), 204, /102 log lines/],
  ];

for (const [what, body, status, violation] of badLogs) {
  Deno.test(`a push of logs is wrong with ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const { id, token } = await start(client, { archive_size: null });
    assertEquals((await client.scoped("POST", "/api/v1/push", token, body(id))).status, status);
    assertMatch(server.violations.join(), violation);
  });
}

async function start(client: CloudClient, change: Readonly<Record<string, unknown>> = {}): Promise<Started> {
  const test = await client.createLoadTest("local", null);
  const path = `/provisioning/v1/load_tests/${test}/start_local_execution`;
  const { status, json } = await client.v6("POST", path, { ...START, ...change });
  assert(status === 200, `started with ${status}`);
  const config = json["runtime_config"] as Started["config"];
  return {
    id: String(json["test_run_id"]),
    token: String(config["test_run_token"]),
    archiveUrl: String(json["archive_upload_url"]),
    config,
  };
}

function push(client: CloudClient, config: Started["config"], token: string, id: string) {
  const headers = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "k6-metrics-protocol-version": "2.0",
  };
  return client.scoped("POST", String(config["metrics"]?.["push_url"]), token, snappyBody(goodSet(id)), { headers });
}

function logsOf(
  id: string,
  line: string,
  labels: Readonly<Record<string, string>> = {},
  at: unknown = "1700000000000000000",
) {
  return { streams: [{ stream: { test_run_id: id, level: "info", ...labels }, values: [[at, line]] }] };
}
