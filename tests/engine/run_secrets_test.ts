import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { RunSecrets } from "../../src/engine/run_secrets.ts";
import { CloudApiError } from "../../src/output/cloud/api/cloud_error.ts";
import type { RemoteSecrets } from "../../src/output/run_facts.ts";
import { ContractServer } from "../support/cloud/contract_server.ts";
import { htmlAnswer, MALFORMED, v6ErrorAnswer } from "../support/cloud/faults.ts";

const OPERATION = "provisioning.decryptSecret";

/** A run with secrets at a service that keeps to the contract. */
async function serviceWithSecrets(change: Partial<RemoteSecrets> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await ContractServer.start());
  const { id, scopedToken } = await server.addTestRun();
  const endpoint = `${server.origin}/provisioning/v1/test_runs/${id}/decrypt_secret?name={key}`;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const remote = { token: scopedToken, endpoint, responsePath: "plaintext", ...change };
  const secrets = new RunSecrets(remote, { version: "1.2.3", log });
  stack.defer(() => secrets.close());
  return { server, secrets, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("a secret is asked for once, however many ask", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  const values = await Promise.all([secrets.read("api-key"), secrets.read("api-key")]);
  assertEquals([...values, await secrets.read("api-key")], Array(3).fill("the value of api-key"));
  assertEquals(server.callsOf(OPERATION).length, 1);
  assertEquals(server.violations, []);
});

Deno.test("a key may have any characters", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  server.lastingFault(OPERATION, { rewrite: () => ({ status: 200, body: `{"plaintext":"v"}` }) });
  assertEquals(await secrets.read("a&b=$& ü{key}"), "v");
  assertEquals(server.calls[0]?.request.query.get("name"), "a&b=$& ü{key}");
});

Deno.test("what may go better the next time is tried four times, and again when a script asks again", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  const busy = [429, 502, 503].map((status) => v6ErrorAnswer(status, "busy", "later"));
  server.fault(OPERATION, "reset", ...busy);
  const { message } = await assertRejects(() => secrets.read("api-key"), CloudApiError);
  assertMatch(message, /^cannot read the secret "api-key".*: \(503\/busy\) later; /);
  assertEquals(await secrets.read("api-key"), "the value of api-key");
  assertEquals(server.callsOf(OPERATION).length, 5);
  assertEquals(server.violations, []);
});

Deno.test("what will never go better is told at once, and not asked for again", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  for (let time = 0; time < 2; time++) {
    const { message } = await assertRejects(() => secrets.read("nothing"), CloudApiError);
    assertMatch(message, /^cannot read the secret "nothing".*: \(404\/error\) there is no secret nothing; check /);
  }
  assertEquals(server.callsOf(OPERATION).length, 1);
});

Deno.test("a token that is not valid for secrets is told of, but never shown", async () => {
  await using service = await serviceWithSecrets({ token: "another-token" });
  const { message } = await assertRejects(() => service.secrets.read("api-key"), CloudApiError);
  assertMatch(message, /^cannot read the secret "api-key".*: \(401\/error\) .*; the test run's token is not valid/);
  assertEquals(message.includes("another-token"), false);
});

for (
  const [title, answer, reason] of [
    ["is no JSON", MALFORMED, "the answer is not the JSON object of a k6 cloud; check K6_CLOUD_SECRETS_ENDPOINT"],
    ["is a page", htmlAnswer(200), "the answer is not the JSON object of a k6 cloud; check K6_CLOUD_SECRETS_ENDPOINT"],
    ["has a number there", { status: 200, body: `{"data":{"value":7}}` }, "the answer has no text at data.value"],
    ["has nothing there", { status: 200, body: `{}` }, "the answer has no text at data.value"],
  ] as const
) {
  Deno.test(`an answer that ${title} gives no secret`, async () => {
    await using service = await serviceWithSecrets({ responsePath: "data.value" });
    service.server.fault(OPERATION, answer);
    const { message } = await assertRejects(() => service.secrets.read("k"), CloudApiError);
    assertMatch(message, /^cannot read the secret "k".*: the answer /);
    assertStringIncludes(message, reason);
  });
}

Deno.test("the value stands where the service says", async () => {
  await using service = await serviceWithSecrets({ responsePath: "data.value" });
  service.server.fault(OPERATION, { status: 200, body: `{"data":{"value":"deep"}}` });
  assertEquals(await service.secrets.read("k"), "deep");
});

Deno.test("the end of a run ends a read that has no answer", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  server.fault(OPERATION, "hang");
  const read = assertRejects(() => secrets.read("api-key"), CloudApiError);
  await server.called(OPERATION);
  secrets.close();
  await read;
});
