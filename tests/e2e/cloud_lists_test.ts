import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { type Fault, htmlAnswer, v6ErrorAnswer } from "../support/cloud/faults.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { CloudUser } from "./support/cloud_user.ts";
import { logEntries } from "./support/k6d.ts";

Deno.test("projects, load zones and tests are listed, as tables and as JSON", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  await user.logIn();
  server.settings.pageSize = 1;
  await addLoadTest(server, 501, "checkout");
  await addLoadTest(server, 502, "an\x1b[31m odd\nname");
  const projects = await user.run(["cloud", "project", "list"]);
  assertEquals(
    projects.stdout,
    "ID   NAME             IS DEFAULT\n501  Default project  true\n502  Shop             false\n",
  );
  const zones = await user.run(["cloud", "load-zone", "list", "--json"]);
  assertEquals(JSON.parse(zones.stdout), [
    { id: 1, name: "amazon:us:ashburn", k6_load_zone_id: "amazon:us:ashburn" },
    { id: 2, name: "amazon:de:frankfurt", k6_load_zone_id: "amazon:de:frankfurt" },
  ]);
  const tests = await user.run(["cloud", "test", "list", "--json"]);
  assertEquals(JSON.parse(tests.stdout).map(({ name }: { name: string }) => name), ["checkout"]);
  const others = await user.run(["cloud", "test", "list", "--project-id", "502"]);
  assertMatch(others.stdout, /^ID +NAME +CREATED +UPDATED\n\d+ +an \[31m odd name +2/);
  assertEquals([projects, zones, tests, others].map(({ code, stderr }) => [code, stderr]), Array(4).fill([0, ""]));
  assertEquals(server.violations, []);
});

Deno.test("an empty list is said to be one, and is one in JSON", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  const env = { K6_CLOUD_TOKEN: ACCOUNT.token, K6_CLOUD_STACK_ID: "77", K6_CLOUD_PROJECT_ID: "502" };
  assertEquals((await user.run(["cloud", "test", "list"], env)).stdout, "none\n");
  assertEquals((await user.run(["cloud", "test", "list", "--json"], env)).stdout, "[]\n");
});

/** What goes wrong before any call. */
const MISSING: readonly (readonly [env: Readonly<Record<string, string>>, code: number, message: RegExp])[] = [
  [{}, 255, /^k6d cloud test list needs a token: `k6d cloud login` stores one, or set K6_CLOUD_TOKEN$/],
  [
    { K6_CLOUD_TOKEN: "t" },
    255,
    /^k6d cloud test list needs a stack: `k6d cloud login` stores one, or set K6_CLOUD_STACK_ID$/,
  ],
  [
    { K6_CLOUD_TOKEN: "t", K6_CLOUD_STACK_ID: "7" },
    255,
    /^no project: name one with --project-id or K6_CLOUD_PROJECT_ID$/,
  ],
  [{ K6_CLOUD_TIMEOUT: "soon" }, 255, /^invalid timeout \(K6_CLOUD_TIMEOUT\) "soon": expected /],
];

Deno.test("what is missing is named with where to set it", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  for (const [env, code, message] of MISSING) {
    const result = await user.run(["cloud", "test", "list"], env);
    assertMatch(onlyLine(result), message);
    assertEquals([result.code, result.stdout], [code, ""]);
  }
  assertEquals(server.calls, []);
});

/** What the service does wrong. */
const FAULTS: readonly (readonly [Fault, message: RegExp])[] = [
  [
    v6ErrorAnswer(401, "unauthorized", "expired"),
    /^cannot list the projects: \(401\/unauthorized\) expired; check the token: `k6d cloud login` stores one/,
  ],
  [htmlAnswer(500), /^cannot list the projects: \(500\) unexpected answer; the service has failed: try again later$/],
  [
    { status: 200, body: "<html>" },
    /^cannot list the projects: the answer is not the JSON object of a k6 cloud; check K6_CLOUD_HOST_V6$/,
  ],
  ["hang", /no answer in time; check the network and K6_CLOUD_HOST_V6$/],
];

Deno.test("a service that does wrong is an error of one line, without the token", async () => {
  await Promise.all(FAULTS.map(async ([fault, message]) => {
    await using server = await ContractServer.start();
    await using user = await CloudUser.of(server);
    await user.logIn();
    server.lastingFault("v6.projects", fault);
    const timeout = fault === "hang" ? "100ms" : "20s";
    const result = await user.run(["cloud", "project", "list"], { K6_CLOUD_TIMEOUT: timeout });
    assertMatch(onlyLine(result), message);
    assertEquals([result.code, result.stdout], [255, ""]);
    assertNotMatch(result.stderr, new RegExp(ACCOUNT.token));
  }));
});

Deno.test("the service is reached through the proxy of the environment", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of({ origin: "http://cloud.invalid" });
  await user.logIn();
  await using proxy = await HttpProxy.to(Number(new URL(server.origin).port));
  const list = await user.run(["cloud", "project", "list"], { http_proxy: `http://u:word@127.0.0.1:${proxy.port}` });
  assertMatch(list.stdout, /Default project/);
  assertEquals(proxy.seen, [`Basic ${btoa("u:word")} to cloud.invalid`]);
  const wrong = await user.run(["cloud", "project", "list"], { HTTP_PROXY: "socks5://u:word@127.0.0.1:1" });
  assertEquals(wrong.code, 255);
  assertEquals(onlyLine(wrong), "HTTP_PROXY must be the address of an HTTP proxy, for example http://proxy:3128");
});

function onlyLine({ stderr }: { readonly stderr: string }): string {
  const [entry, ...more] = logEntries(stderr);
  assertEquals(more, [], stderr);
  return entry?.["msg"] ?? stderr;
}

async function addLoadTest({ store }: ContractServer, projectId: number, name: string): Promise<void> {
  await store.addLoadTest({ projectId, name, archive: null, createdAtEpochMs: 1_700_000_000_000 });
}
